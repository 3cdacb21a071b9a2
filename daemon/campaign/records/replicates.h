// The newest replicates of one property of one catalyst under one set of conditions, and whether a
// further value agrees with them.
#pragma once

#include <cstddef>
#include <vector>

namespace kasetsu::campaign {

class ReplicateWindow {
 public:
  // More than this many say nothing new of the spread, and an old instrument's should go.
  static constexpr std::size_t kMost = 100;

  ReplicateWindow() = default;
  // newest_first: at most kMost are used.
  explicit ReplicateWindow(const std::vector<double>& newest_first);

  void add(double value);  // the newest; the oldest of kMost goes
  // Whether a value lies far from the replicates: four times 1.4826 MAD, the normal distribution's
  // standard deviation, from their median. Fewer than five, or replicates that all agree exactly,
  // say nothing.
  bool is_far(double value) const;
  std::vector<double> newest_first() const;
  bool contains(double value) const;
  bool full() const { return by_age_.size() >= kMost; }

 private:
  // The k-th smallest of |value - middle|, from 0.
  double distance(double middle, std::size_t k) const;

  std::vector<double> by_age_;  // a ring once it is full
  std::size_t oldest_ = 0;
  std::vector<double> sorted_;
};

}  // namespace kasetsu::campaign
