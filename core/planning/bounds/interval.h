// Interval arithmetic of what descriptors are made of: forms, products, averages and sums. What the
// search by bounds computes with.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/descriptors/descriptor.h"

namespace kasetsu::planning {

struct Interval {
  double low, high;
};

inline constexpr Interval kEverything{-std::numeric_limits<double>::infinity(),
                                      std::numeric_limits<double>::infinity()};
// Bounds are computed in another order than values: they are widened by more than rounding can be.
inline constexpr double kWiden = 1e-9;

inline Interval widened(Interval x) {
  const double by = kWiden * std::max(std::abs(x.low), std::abs(x.high)) + 1e-300;
  if (!std::isfinite(by)) return kEverything;
  return {x.low - by, x.high + by};
}

// Of a form over an interval; everything where it has a pole or is not defined somewhere within.
inline Interval of_form(descriptors::Form form, Interval x) {
  using descriptors::Form;
  const auto ends = [&]() -> Interval {
    const double a = descriptors::apply(form, x.low);
    const double b = descriptors::apply(form, x.high);
    if (std::isnan(a) || std::isnan(b)) return kEverything;
    return a <= b ? Interval{a, b} : Interval{b, a};
  };
  switch (form) {
    case Form::identity:
    case Form::cube:
    case Form::exp:
    case Form::inv_exp:
      return ends();
    case Form::sqrt:
    case Form::log:
    case Form::inv_sqrt:
      return x.low > 0.0 ? ends() : kEverything;
    case Form::reciprocal:
    case Form::inv_cube:
    case Form::inv_square:
      return x.low > 0.0 || x.high < 0.0 ? ends() : kEverything;
    case Form::square: {
      if (x.low >= 0.0 || x.high <= 0.0) return ends();
      const double a = descriptors::apply(form, x.low);
      const double b = descriptors::apply(form, x.high);
      return {0.0, std::max(a, b)};
    }
    case Form::inv_log:
      return x.low > 1.0 || (x.low > 0.0 && x.high < 1.0) ? ends() : kEverything;
  }
  return kEverything;
}

inline Interval product(Interval a, Interval b) {
  const double p[4] = {a.low * b.low, a.low * b.high, a.high * b.low, a.high * b.high};
  for (const double x : p) {
    if (std::isnan(x)) return kEverything;
  }
  return {*std::min_element(p, p + 4), *std::max_element(p, p + 4)};
}

}  // namespace kasetsu::planning
