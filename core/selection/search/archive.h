// The best sets found so far that differ enough from one another.
#pragma once

#include <vector>

#include "core/selection/search/subset.h"

namespace kasetsu::selection {

struct Entry {
  double mae_cv;
  Subset subset;
  auto operator<=>(const Entry&) const = default;
};

// Keeps entries in order. A set that shares more than `shared` members with a better one is not
// kept, and drops out when such a better one comes: what is kept is always pairwise different
// enough, the best set ever offered among it.
class Archive {
 public:
  Archive(std::size_t capacity, int shared) : capacity_(capacity), shared_(shared) {}

  // Whether it is kept now.
  bool offer(const Entry& entry);
  void merge(const Archive& other);
  const std::vector<Entry>& entries() const { return entries_; }
  // An entry worse than this is of no use.
  double bar() const { return entries_.size() < capacity_ ? 1e300 : entries_.back().mae_cv; }

 private:
  std::size_t capacity_;
  int shared_;
  std::vector<Entry> entries_;
};

}  // namespace kasetsu::selection
