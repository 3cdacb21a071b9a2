#include "core/planning/bounds/amount_boxes.h"

#include <algorithm>

#include "core/base/constants.h"

namespace kasetsu::planning {
namespace {

constexpr std::uint64_t kMostPatterns = 65'536;
constexpr std::uint64_t kFewPatterns = 4;  // not divided further

class Tree {
 public:
  Tree(const CompositionFamily& family, int count) : width_(static_cast<std::size_t>(count)) {
    const std::uint64_t patterns = family.patterns(count);
    amounts_.resize(patterns * width_);
    for (std::uint64_t p = 0; p < patterns; ++p) family.pattern(count, p, &amounts_[p * width_]);
    add(0, patterns);
  }
  std::vector<AmountBox> boxes;

 private:
  std::size_t add(std::uint64_t first, std::uint64_t last) {
    AmountBox box;
    box.first = first;
    box.last = last;
    for (auto* low : {&box.amount_low, &box.share_low}) low->assign(width_, kInfinity);
    for (auto* high : {&box.amount_high, &box.share_high}) high->assign(width_, -kInfinity);
    box.total_low = kInfinity;
    box.total_high = -kInfinity;
    for (std::uint64_t p = first; p < last; ++p) {
      const double* amounts = &amounts_[p * width_];
      double total = 0.0;
      for (std::size_t k = 0; k < width_; ++k) total += amounts[k];
      box.total_low = std::min(box.total_low, total);
      box.total_high = std::max(box.total_high, total);
      for (std::size_t k = 0; k < width_; ++k) {
        box.amount_low[k] = std::min(box.amount_low[k], amounts[k]);
        box.amount_high[k] = std::max(box.amount_high[k], amounts[k]);
        box.share_low[k] = std::min(box.share_low[k], amounts[k] / total);
        box.share_high[k] = std::max(box.share_high[k], amounts[k] / total);
      }
    }
    const std::size_t at = boxes.size();
    boxes.push_back(box);
    if (last - first <= kFewPatterns) return at;
    // Patterns are ordered by the last amounts first: where that changes, a child ends.
    std::size_t varies = width_;
    while (varies > 0 && box.amount_low[varies - 1] == box.amount_high[varies - 1]) --varies;
    if (varies == 0) return at;
    std::uint64_t from = first;
    std::vector<std::size_t> children;
    for (std::uint64_t p = first + 1; p <= last; ++p) {
      if (p < last && amounts_[p * width_ + varies - 1] == amounts_[from * width_ + varies - 1]) {
        continue;
      }
      children.push_back(add(from, p));
      from = p;
    }
    boxes[at].children = std::move(children);
    return at;
  }

  std::size_t width_;
  std::vector<double> amounts_;
};

}  // namespace

std::vector<AmountBox> amount_boxes(const CompositionFamily& family, int count) {
  if (count > 0 && family.patterns(count) <= kMostPatterns) return Tree(family, count).boxes;
  AmountBox root;
  root.last = family.patterns(count);
  if (count > 0) {
    const CompositionFamily::Ranges ranges = family.ranges(count);
    const auto width = static_cast<std::size_t>(count);
    root.amount_low.assign(width, ranges.amount_low);
    root.amount_high.assign(width, ranges.amount_high);
    root.share_low.assign(width, ranges.share_low);
    root.share_high.assign(width, ranges.share_high);
    root.total_low = ranges.total_low;
    root.total_high = ranges.total_high;
  }
  return {root};
}

}  // namespace kasetsu::planning
