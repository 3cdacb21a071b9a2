#include "daemon/campaign/records/replicates.h"

#include <algorithm>
#include <cmath>

namespace kasetsu::campaign {
namespace {

// Of `count` values that at(k) gives in rising order.
template <typename At>
double median(std::size_t count, const At& at) {
  const double middle = at(count / 2);
  return count % 2 == 1 ? middle : 0.5 * (middle + at(count / 2 - 1));
}

}  // namespace

ReplicateWindow::ReplicateWindow(const std::vector<double>& newest_first) {
  const auto count = static_cast<std::ptrdiff_t>(std::min(kMost, newest_first.size()));
  by_age_.assign(newest_first.begin(), newest_first.begin() + count);
  std::reverse(by_age_.begin(), by_age_.end());
  sorted_ = by_age_;
  std::sort(sorted_.begin(), sorted_.end());
}

void ReplicateWindow::add(double value) {
  if (by_age_.size() < kMost) {
    by_age_.push_back(value);
  } else {
    double& place = by_age_[oldest_];
    sorted_.erase(std::lower_bound(sorted_.begin(), sorted_.end(), place));
    place = value;
    oldest_ = (oldest_ + 1) % kMost;
  }
  sorted_.insert(std::upper_bound(sorted_.begin(), sorted_.end(), value), value);
}

bool ReplicateWindow::is_far(double value) const {
  constexpr std::size_t kFewest = 5;
  if (sorted_.size() < kFewest) return false;
  const double middle = median(sorted_.size(), [this](std::size_t k) { return sorted_[k]; });
  const double spread =
      1.4826 * median(sorted_.size(), [&](std::size_t k) { return distance(middle, k); });
  return spread > 0.0 && std::abs(value - middle) > 4.0 * spread;
}

std::vector<double> ReplicateWindow::newest_first() const {
  std::vector<double> values;
  values.reserve(by_age_.size());
  for (std::size_t i = by_age_.size(); i-- > 0;) {
    values.push_back(by_age_[(oldest_ + i) % by_age_.size()]);
  }
  return values;
}

double ReplicateWindow::distance(double middle, std::size_t k) const {
  // Away from the middle the distances rise on both sides: of two sorted lists, so many of the one
  // and so many of the other are the k + 1 smallest.
  const auto split = static_cast<std::size_t>(
      std::lower_bound(sorted_.begin(), sorted_.end(), middle) - sorted_.begin());
  const std::size_t above = sorted_.size() - split;
  const auto up = [&](std::size_t i) { return sorted_[split + i] - middle; };
  const auto down = [&](std::size_t i) { return middle - sorted_[split - 1 - i]; };
  std::size_t low = k + 1 > split ? k + 1 - split : 0;
  std::size_t high = std::min(k + 1, above);
  while (low < high) {
    const std::size_t half = (low + high) / 2;
    if (up(half) < down(k - half)) {
      low = half + 1;
    } else {
      high = half;
    }
  }
  if (low == 0) return down(k);
  return low == k + 1 ? up(k) : std::max(up(low - 1), down(k - low));
}

bool ReplicateWindow::contains(double value) const {
  return std::binary_search(sorted_.begin(), sorted_.end(), value);
}

}  // namespace kasetsu::campaign
