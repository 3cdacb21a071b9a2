#include "daemon/campaign/views/newest.h"

#include <algorithm>

namespace kasetsu::campaign {
namespace {

// The widest stretch of numbers that is read for one page.
constexpr std::int64_t kWidest = 50'000;

// A number above that of every measurement of the campaign: the store reads upwards only.
std::int64_t above_all(const Reader& reader, const Campaign& campaign) {
  const auto any_after = [&](std::int64_t seq) {
    return !reader.measurements(campaign.key, {}, {seq, 1}).empty();
  };
  std::int64_t low = 0;
  std::int64_t high = 1;
  while (any_after(high)) {
    low = high;
    high *= 2;
  }
  while (high - low > 1) {
    const std::int64_t middle = low + (high - low) / 2;
    (any_after(middle) ? low : high) = middle;
  }
  return high + 1;
}

}  // namespace

NewestPage newest_measurements(const Reader& reader, const Campaign& campaign,
                               const MeasurementFilter& filter, std::int64_t before,
                               std::int64_t limit) {
  if (before == 0) before = above_all(reader, campaign);
  NewestPage page;
  for (std::int64_t width = limit;; width = std::min(kWidest, 4 * width)) {
    const std::int64_t after = std::max<std::int64_t>(0, before - 1 - width);
    auto found = reader.measurements(campaign.key, filter, {after, width});
    std::erase_if(found, [&](const Measurement& one) { return one.seq >= before; });
    const bool whole = std::ssize(found) >= limit;
    if (!whole && after > 0 && width < kWidest) continue;
    std::reverse(found.begin(), found.end());
    if (whole) found.resize(static_cast<std::size_t>(limit));
    page.before = whole ? found.back().seq : after > 0 ? after + 1 : 0;
    page.measurements = std::move(found);
    return page;
  }
}

}  // namespace kasetsu::campaign
