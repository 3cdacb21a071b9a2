#include "core/descriptors/aggregation.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "core/base/result.h"

namespace kasetsu::descriptors {
namespace {

// Adds `term` to sum + error without loss (Knuth's TwoSum): no branch, so that a loop over
// properties is vectorised.
inline void add_exactly(double& sum, double& error, double term) {
  const double next = sum + term;
  const double back = next - sum;
  error += (sum - (next - back)) + (term - back);
  sum = next;
}

}  // namespace

Aggregator::Aggregator(std::size_t width, std::span<const Operation> operations) : width_(width) {
  for (const Operation operation : operations) {
    needs_log_ |= operation == Operation::product || operation == Operation::gmean;
    needs_inverse_ |= operation == Operation::hmean;
    needs_squares_ |= operation == Operation::ssd || operation == Operation::variance;
    needs_mean_ |= operation == Operation::mean;
    needs_own_variance_ |= operation == Operation::own_variance;
  }
  for (std::vector<double>* scratch : {&sum_, &sum_error_, &least_, &most_}) {
    scratch->resize(width);
  }
  if (needs_log_) log_.resize(width);
  if (needs_inverse_) inverse_.resize(width);
  if (needs_squares_) squares_.resize(width);
  if (needs_mean_) {
    plain_.resize(width);
    plain_error_.resize(width);
  }
  if (needs_own_variance_) deviation_.resize(width);
}

double Aggregator::log_of(double x) {
  return std::log(std::abs(x));
}

void Aggregator::run(std::span<const Row> rows, std::span<const double> amounts) {
  KASETSU_ASSERT(rows.size() == amounts.size());
  rows_ = rows;
  amounts_ = amounts;
  double total = 0.0;
  double total_error = 0.0;
  for (const double amount : amounts) add_exactly(total, total_error, amount);
  total_ = total + total_error;

  const std::size_t width = width_;
  std::fill(sum_.begin(), sum_.end(), 0.0);
  std::fill(sum_error_.begin(), sum_error_.end(), 0.0);
  std::fill(least_.begin(), least_.end(), std::numeric_limits<double>::infinity());
  std::fill(most_.begin(), most_.end(), -std::numeric_limits<double>::infinity());
  double* const sum = sum_.data();
  double* const error = sum_error_.data();
  double* const least = least_.data();
  double* const most = most_.data();
  for (std::size_t k = 0; k < rows.size(); ++k) {
    const double* const x = rows[k].value;
    const double n = amounts[k];
    for (std::size_t j = 0; j < width; ++j) {
      add_exactly(sum[j], error[j], n * x[j]);
      least[j] = x[j] < least[j] ? x[j] : least[j];
      most[j] = x[j] > most[j] ? x[j] : most[j];
    }
  }
  const auto weighted = [&](std::vector<double>& into, const double* Row::*numbers) {
    std::fill(into.begin(), into.end(), 0.0);
    double* const out = into.data();
    for (std::size_t k = 0; k < rows.size(); ++k) {
      const double* const term = rows[k].*numbers;
      const double n = amounts[k];
      for (std::size_t j = 0; j < width; ++j) out[j] += n * term[j];
    }
  };
  if (needs_log_) weighted(log_, &Row::log);
  if (needs_inverse_) weighted(inverse_, &Row::inverse);
  if (needs_squares_) weighted(squares_, &Row::squares);
  if (needs_mean_) {
    std::fill(plain_.begin(), plain_.end(), 0.0);
    std::fill(plain_error_.begin(), plain_error_.end(), 0.0);
    for (const Row& row : rows) {
      for (std::size_t j = 0; j < width; ++j) {
        add_exactly(plain_[j], plain_error_[j], row.value[j]);
      }
    }
  }
  if (needs_own_variance_) {
    std::fill(deviation_.begin(), deviation_.end(), 0.0);
    double* const deviation = deviation_.data();
    for (std::size_t k = 0; k < rows.size(); ++k) {
      const double* const x = rows[k].value;
      const double n = amounts[k];
      for (std::size_t j = 0; j < width; ++j) {
        const double average = (sum[j] + error[j]) / total_;
        const double inside =
            average < least[j] ? least[j] : (average > most[j] ? most[j] : average);
        deviation[j] += n * ((x[j] - inside) * (x[j] - inside));
      }
    }
  }
}

// magnitude = exp of the logarithms; the sign, or that there is none, from the powers of the
// negative values.
double Aggregator::signed_power(std::size_t property, double magnitude, bool root) const {
  double sign = 1.0;
  for (std::size_t k = 0; k < rows_.size(); ++k) {
    if (rows_[k].value[property] < 0.0) sign *= std::pow(-1.0, amounts_[k]);
  }
  return magnitude * (root ? std::pow(sign, 1.0 / total_) : sign);
}

double Aggregator::result(Operation operation, std::size_t property) const {
  if (rows_.empty()) return operation == Operation::product ? 1.0 : 0.0;
  const double sum = sum_[property] + sum_error_[property];
  if (std::isnan(sum)) return sum;  // comparisons with a gap would pass over it
  const double least = least_[property];
  const double most = most_[property];
  switch (operation) {
    case Operation::minimum:
      return least;
    case Operation::maximum:
      return most;
    case Operation::sum:
      return sum;
    case Operation::average:
    case Operation::value:
      return std::clamp(sum / total_, least, most);
    case Operation::ssd:
      return squares_[property];
    case Operation::variance:
      return squares_[property] / total_;
    case Operation::product: {
      const double magnitude = std::exp(log_[property]);
      return least < 0.0 ? signed_power(property, magnitude, false) : magnitude;
    }
    case Operation::gmean: {
      const double magnitude = std::exp(log_[property] / total_);
      if (least < 0.0) return signed_power(property, magnitude, true);
      return std::clamp(magnitude, least, most);
    }
    case Operation::own_variance:
      return deviation_[property] / total_;
    case Operation::range:
      return most - least;
    case Operation::hmean: {
      const double mean = total_ / inverse_[property];
      return least > 0.0 ? std::clamp(mean, least, most) : mean;
    }
    case Operation::mean: {
      const double mean =
          (plain_[property] + plain_error_[property]) / static_cast<double>(rows_.size());
      return std::clamp(mean, least, most);
    }
  }
  return std::numeric_limits<double>::quiet_NaN();
}

double aggregate(Operation operation, std::span<const double> amounts,
                 std::span<const double> values, double mean_of_all) {
  KASETSU_ASSERT(amounts.size() == values.size());
  std::vector<std::array<double, 3>> derived;
  derived.reserve(values.size());
  for (const double x : values) {
    derived.push_back({Aggregator::log_of(x), 1.0 / x, Aggregator::square_of(x, mean_of_all)});
  }
  std::vector<Aggregator::Row> rows;
  rows.reserve(values.size());
  for (std::size_t k = 0; k < values.size(); ++k) {
    rows.push_back({&values[k], &derived[k][0], &derived[k][1], &derived[k][2]});
  }
  Aggregator aggregator(1, {&operation, 1});
  aggregator.run(rows, amounts);
  return aggregator.result(operation, 0);
}

}  // namespace kasetsu::descriptors
