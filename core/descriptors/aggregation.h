// Aggregations: one number of one property over the elements of a composition. METHOD section 1;
// Taniike et al., Communications Chemistry 7, 11 (2024), table of operations.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "core/base/names.h"

namespace kasetsu::descriptors {

// Over the elements k that are present (n_k > 0), with W = sum n_k. Formulas with x_k the property.
enum class Operation : std::uint8_t {
  // the paper's
  minimum,   // min x_k
  maximum,   // max x_k
  sum,       // sum n_k x_k
  average,   // sum n_k x_k / W
  ssd,       // sum n_k (x_k - m)^2, m the unweighted mean over all elements that the data set uses
  variance,  // ssd / W
  product,   // prod x_k^n_k
  gmean,     // (prod x_k^n_k)^(1/W)
  // extended
  own_variance,  // sum n_k (x_k - avg)^2 / W: about the catalyst's own mean
  range,         // max - min
  hmean,         // W / sum (n_k / x_k)
  mean,          // unweighted mean over the elements present
  value          // a condition, as it is; of a support's cation: its average
};
inline constexpr int kOperations = 13;

inline constexpr auto kOperationNames = name_table<Operation>({{Operation::minimum, "min"},
                                                               {Operation::maximum, "max"},
                                                               {Operation::sum, "sum"},
                                                               {Operation::average, "avg"},
                                                               {Operation::ssd, "ssd"},
                                                               {Operation::variance, "var"},
                                                               {Operation::product, "prod"},
                                                               {Operation::gmean, "gmean"},
                                                               {Operation::own_variance, "own_var"},
                                                               {Operation::range, "range"},
                                                               {Operation::hmean, "hmean"},
                                                               {Operation::mean, "mean"},
                                                               {Operation::value, "value"}});

// One aggregation of plain numbers: amounts n_k > 0 and values x_k, equally long. `mean_of_all` is
// m for ssd and var. Sums are compensated; avg and mean lie in [min, max] exactly, and so do gmean
// and hmean of positive values, so that equal values give exactly that value and no variance.
// Conventions:
// - nothing present: 0 for every operation, but 1 for prod (the empty product);
// - a value of 0: prod, gmean and hmean are 0 (hmean: the limit);
// - negative values: powers as IEEE pow has them, so prod and gmean are NaN unless the exponents
//   are whole numbers and the product can be rooted;
// - a NaN among the values (a gap of the table): NaN.
double aggregate(Operation operation, std::span<const double> amounts,
                 std::span<const double> values, double mean_of_all = 0.0);

// The same for many properties at once: what the featurizer runs. Elements come as rows of numbers
// derived from the properties, computed once per element, so that a catalyst costs a few weighted
// sums over contiguous memory and, for prod and gmean, one exponential a property. Results are
// bit for bit those of `aggregate`, whatever the other properties beside one are.
// Not for use by two threads at once; no allocation after construction.
class Aggregator {
 public:
  // One element's numbers; `width` of each. log, inverse and squares may be null when no operation
  // that needs them is asked for.
  struct Row {
    const double* value;    // x
    const double* log;      // ln |x|
    const double* inverse;  // 1 / x
    const double* squares;  // (x - m)^2
  };

  // operations: those that result() will be asked for.
  Aggregator(std::size_t width, std::span<const Operation> operations);

  static double log_of(double x);
  static double square_of(double x, double mean_of_all) {
    return (x - mean_of_all) * (x - mean_of_all);
  }

  // rows and amounts are equally long and stay valid until the results are read.
  void run(std::span<const Row> rows, std::span<const double> amounts);
  double result(Operation operation, std::size_t property) const;

 private:
  double signed_power(std::size_t property, double magnitude, bool root) const;

  std::size_t width_;
  bool needs_log_ = false;
  bool needs_inverse_ = false;
  bool needs_squares_ = false;
  bool needs_mean_ = false;
  bool needs_own_variance_ = false;
  std::span<const Row> rows_;
  std::span<const double> amounts_;
  double total_ = 0.0;
  // width_ each: sums with their rounding errors, extremes, and the other weighted sums.
  std::vector<double> sum_, sum_error_, least_, most_, log_, inverse_, squares_, plain_,
      plain_error_, deviation_;
};

}  // namespace kasetsu::descriptors
