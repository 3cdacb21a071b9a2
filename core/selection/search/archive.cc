#include "core/selection/search/archive.h"

#include <algorithm>

namespace kasetsu::selection {

bool Archive::offer(const Entry& entry) {
  const auto place = std::lower_bound(entries_.begin(), entries_.end(), entry);
  if (place == entries_.end() && entries_.size() >= capacity_) return false;
  for (auto better = entries_.begin(); better != place; ++better) {
    if (shared_members(better->subset, entry.subset) > shared_) return false;
  }
  if (place != entries_.end() && *place == entry) return false;
  const auto position = place - entries_.begin();
  entries_.erase(std::remove_if(place, entries_.end(),
                                [&](const Entry& worse) {
                                  return shared_members(worse.subset, entry.subset) > shared_;
                                }),
                 entries_.end());
  entries_.insert(entries_.begin() + position, entry);
  if (entries_.size() > capacity_) entries_.pop_back();
  return true;
}

void Archive::merge(const Archive& other) {
  for (const Entry& entry : other.entries_) offer(entry);
}

}  // namespace kasetsu::selection
