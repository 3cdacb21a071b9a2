// Bounds of hypotheses whose descriptors vary together.
//
// Amounts are known in a branch, so that most operations are functions of one average over shares
// (of values, squares, logarithms or inverses; a sum is the average times the total). Over the
// interval of that number a term is replaced by its secant, and what is left over is bounded by the
// slopes that the term can have there. A hypothesis is then one average of combined numbers, one an
// element, so that what one descriptor gains and another loses by the same element cancels. The
// same holds for the difference of a hypothesis from the mean of all of them, which bounds how far
// they disagree: the median has the least mean absolute deviation, so that deviations from the mean
// are no smaller. They are bounded together: what they are for the middle of each group, and for
// each place the element that leads all hypotheses farthest from there.
#include <algorithm>
#include <array>
#include <cmath>

#include "core/base/constants.h"
#include "core/planning/bounds/ensemble_bounds.h"

namespace kasetsu::planning {
namespace {

using descriptors::Form;
using descriptors::Operation;

// Sums are rounded in another order than predictions: each term's slack grows by so much of it.
constexpr double kRounding = 1e-11;

// The derivative of a form at x, of which f is the value.
double derivative(Form form, double x, double f) {
  switch (form) {
    case Form::identity:
      return 1.0;
    case Form::reciprocal:
    case Form::inv_log:
      return form == Form::reciprocal ? -f * f : -f * f / x;
    case Form::sqrt:
      return 0.5 / f;
    case Form::inv_sqrt:
      return -0.5 * f * f * f;
    case Form::square:
      return 2.0 * x;
    case Form::inv_square:
      return -2.0 * f / x;
    case Form::cube:
      return 3.0 * x * x;
    case Form::inv_cube:
      return -3.0 * f / x;
    case Form::log:
      return 1.0 / x;
    case Form::exp:
      return f;
    case Form::inv_exp:
      return -f;
  }
  return kNaN;
}

// Where the derivative of a form has an extremum inside the interval: its value there; else NaN.
double turning_derivative(Form form, Interval x) {
  constexpr double kInverseSquareOfE = 0.1353352832366127;
  if (form == Form::cube && x.low < 0.0 && x.high > 0.0) return 0.0;
  if (form == Form::inv_log && x.low < kInverseSquareOfE && x.high > kInverseSquareOfE)
    return -0.25 / kInverseSquareOfE;
  return kNaN;
}

bool is_defined(Form form, Interval x) {
  if (!(x.low > -kInfinity) || !(x.high < kInfinity)) return false;
  switch (form) {
    case Form::identity:
    case Form::cube:
    case Form::exp:
    case Form::inv_exp:
      return true;
    case Form::square:
      return x.low >= 0.0 || x.high <= 0.0;
    case Form::reciprocal:
    case Form::inv_square:
    case Form::inv_cube:
      return x.low > 0.0 || x.high < 0.0;
    case Form::sqrt:
    case Form::inv_sqrt:
    case Form::log:
      return x.low > 0.0;
    case Form::inv_log:
      return x.low > 1.0 || (x.low > 0.0 && x.high < 1.0);
  }
  return false;
}

}  // namespace

// Of what number a primary is a function, and between which that lies; nothing where it is none.
std::optional<Interval> Bounder::variable_of(const EnsembleBounds::ActivePrimary& primary) const {
  const Interval average{average_low_[primary.column], average_high_[primary.column]};
  switch (primary.operation) {
    case Operation::average:
    case Operation::variance:
      return widened(average);
    case Operation::sum:
    case Operation::ssd:
      return widened(average);
    case Operation::gmean:
    case Operation::hmean:
    case Operation::product:
      if (!(least_low_[primary.value] > 0.0)) return std::nullopt;
      return widened(average);
    default:
      return std::nullopt;
  }
}

// The secant of a term over the interval of its variable, or its middle where that is better.
void Bounder::take_secant(Form form, const EnsembleBounds::Plain& plain) {
  const EnsembleBounds::ActivePrimary& primary = tables_.primaries[plain.primary];
  Secant& secant = secants_[plain.term];
  const std::optional<Interval> variable = variable_of(primary);
  if (!variable || !(variable->high > variable->low)) return;
  const auto [low, high] = *variable;
  const bool logarithmic =
      primary.operation == Operation::gmean || primary.operation == Operation::product;
  const bool inverse = primary.operation == Operation::hmean;
  const bool total = primary.operation == Operation::sum || primary.operation == Operation::ssd ||
                     primary.operation == Operation::product;
  const double times = total ? total_ : 1.0;
  const auto inner = [&](double x) {
    return (logarithmic ? std::exp(times * x) : inverse ? 1.0 / x : times * x) + primary.offset;
  };
  const double at_low = inner(low);
  const double at_high = inner(high);
  const Interval x{std::min(at_low, at_high), std::max(at_low, at_high)};
  if (!is_defined(form, x)) return;
  const double f_low = descriptors::apply(form, at_low);
  const double f_high = descriptors::apply(form, at_high);
  const double d_low = derivative(form, at_low, f_low);
  const double d_high = derivative(form, at_high, f_high);
  Interval slopes{std::min(d_low, d_high), std::max(d_low, d_high)};
  const double turn = turning_derivative(form, x);
  if (!std::isnan(turn)) slopes = {std::min(slopes.low, turn), std::max(slopes.high, turn)};
  bool bends_one_way = std::isnan(turn);
  if (logarithmic) slopes = product(slopes, {at_low - primary.offset, at_high - primary.offset});
  if (total) slopes = {times * slopes.low, times * slopes.high};
  if (inverse) slopes = product(slopes, {-1.0 / (low * low), -1.0 / (high * high)});
  bends_one_way = bends_one_way && !logarithmic && !inverse;
  const double value_low = std::clamp(f_low, plain.low, plain.high);
  const double value_high = std::clamp(f_high, plain.low, plain.high);
  if (value_low != f_low || value_high != f_high) {
    slopes = {std::min(slopes.low, 0.0), std::max(slopes.high, 0.0)};
    bends_one_way = false;
  }
  const double slope = (value_high - value_low) / (high - low);
  const double between = slopes.high - slopes.low;
  double slack = 0.0;
  if (between > 0.0) {
    const double up = std::max(0.0, slopes.high - slope);
    const double down = std::max(0.0, slope - slopes.low);
    slack = up * down / between * (high - low);
  }
  double base = value_low - slope * low;
  if (bends_one_way) {  // then the term lies on one side of its secant
    slack *= 0.5;
    base += d_high > d_low ? -slack : slack;
  }
  const double rounding = kRounding * (std::abs(value_low) + std::abs(value_high) +
                                       std::abs(slope) * (std::abs(low) + std::abs(high)));
  slack += rounding;
  if (!(slack < secant.slack)) return;
  secant = {base, slope, slack, rounding, primary.column};
}

void Bounder::take_secants() {
  secants_.resize(tables_.terms.size());
  for (std::size_t t = 0; t < secants_.size(); ++t) {
    const double low = bounds_[2 * t];
    const double high = bounds_[2 * t + 1];
    const double rounding = kRounding * (std::abs(low) + std::abs(high));
    secants_[t] = {0.5 * (low + high), 0.0, 0.5 * (high - low) + rounding, rounding, 0};
  }
  for (std::size_t f = 0; f + 1 < tables_.first.size(); ++f) {
    for (std::size_t i = tables_.first[f]; i < tables_.first[f + 1]; ++i)
      take_secant(static_cast<Form>(f), tables_.plain[i]);
  }
  // Elements that may occur, one cluster after another.
  items_.clear();
  const EnsembleBounds::PartTrees& trees = tables_.trees[group_->part];
  for (const Cluster& cluster : clusters_) {
    const std::vector<int>& items = trees.elements.nodes[cluster.node].items;
    items_.insert(items_.end(), items.begin(), items.end());
  }
}

// Adds `times` the slope of a term for each of items_.
void Bounder::add_term(double times, std::size_t term, Combined& to) const {
  const Secant& secant = secants_[term];
  to.base += times * secant.base;
  if (secant.slope == 0.0) return;
  const double factor = times * secant.slope;
  const std::vector<double>& values = tables_.trees[group_->part].values;
  const std::size_t elements = tables_.trees[group_->part].leaf.size();
  const double* of_column = &values[secant.column * elements];
  for (std::size_t i = 0; i < items_.size(); ++i)
    to.numbers[i] += factor * of_column[static_cast<std::size_t>(items_[i])];
}

// Of each cluster the smallest or the largest numbers are taken.
Interval Bounder::range_of(const Combined& combined) const {
  const auto insert = [](double* sorted, std::size_t size, double x) {
    for (; size > 0 && sorted[size - 1] > x; --size) sorted[size] = sorted[size - 1];
    sorted[size] = x;
  };
  const EnsembleBounds::PartTrees& trees = tables_.trees[group_->part];
  Interval out{combined.base, combined.base};
  const double* numbers = combined.numbers.data();
  for (const Cluster& cluster : clusters_) {
    const std::size_t size = trees.elements.nodes[cluster.node].items.size();
    const auto taken = static_cast<std::size_t>(cluster.count);
    if (taken == 1) {
      double least = numbers[0];
      double most = numbers[0];
      for (std::size_t k = 1; k < size; ++k) {
        least = std::min(least, numbers[k]);
        most = std::max(most, numbers[k]);
      }
      out = {out.low + cluster.share * least, out.high + cluster.share * most};
      numbers += size;
      continue;
    }
    std::array<double, kMostElementsOfSet + 1> low{};
    std::array<double, kMostElementsOfSet + 1> high{};  // negative
    for (std::size_t k = 0; k < size; ++k) {
      const std::size_t kept = std::min(k, taken);
      if (k < taken || numbers[k] < low[taken - 1]) insert(low.data(), kept, numbers[k]);
      if (k < taken || -numbers[k] < high[taken - 1]) insert(high.data(), kept, -numbers[k]);
    }
    for (std::size_t k = 0; k < taken; ++k)
      out = {out.low + cluster.share * low[k], out.high - cluster.share * high[k]};
    numbers += size;
  }
  return out;
}

// Adds to off_ how far the numbers of each element lie from the middle of its group's, and returns
// the average of the middles.
double Bounder::add_distances(const Combined& combined, double weight) {
  const EnsembleBounds::PartTrees& trees = tables_.trees[group_->part];
  double middle_of_all = combined.base;
  std::size_t item = 0;
  for (const Cluster& cluster : clusters_) {
    const std::size_t last = item + trees.elements.nodes[cluster.node].items.size();
    double least = combined.numbers[item];
    double most = least;
    for (std::size_t i = item + 1; i < last; ++i) {
      least = std::min(least, combined.numbers[i]);
      most = std::max(most, combined.numbers[i]);
    }
    const double middle = 0.5 * (least + most);
    middle_of_all += cluster.count * cluster.share * middle;
    for (; item < last; ++item)
      off_.numbers[item] += weight * std::abs(combined.numbers[item] - middle);
  }
  return middle_of_all;
}

void Bounder::refine(Predicted& predicted) {
  const std::size_t count = tables_.hypotheses.size();
  take_secants();
  mean_.base = tables_.mean_intercept;
  mean_.numbers.assign(items_.size(), 0.0);
  for (const auto& [t, coefficient] : tables_.mean_hypothesis) add_term(coefficient, t, mean_);
  double weighted_low = 0.0;
  double weighted_high = 0.0;
  // Of the hypotheses from their mean, weighted: for the middle of each group of elements and of
  // the contexts, and how much farther any may lead them all together.
  double deviation = hull_->off_radius;
  for (std::size_t t = 0; t < secants_.size(); ++t) {
    deviation += tables_.deviations[t] * secants_[t].slack +
                 tables_.total_coefficients[t] * secants_[t].rounding;
  }
  off_.base = 0.0;
  off_.numbers.assign(items_.size(), 0.0);
  for (std::size_t h = 0; h < count; ++h) {
    own_.base = tables_.intercepts[h];
    own_.numbers.assign(items_.size(), 0.0);
    double slack = 0.0;
    for (const EnsembleBounds::Summand& summand : tables_.hypotheses[h]) {
      const std::size_t t = summand.least / 2;
      add_term(summand.coefficient, t, own_);
      slack += std::abs(summand.coefficient) * secants_[t].slack;
    }
    const Interval own = range_of(own_);
    const double low = own.low - slack + hull_->sums[h].low;
    const double high = own.high + slack + hull_->sums[h].high;
    low_[h] = std::max(low_[h], std::clamp(low, tables_.lowest, tables_.highest));
    high_[h] = std::min(high_[h], std::clamp(high, tables_.lowest, tables_.highest));
    const double weight = tables_.weights[h];
    weighted_low += weight * low_[h];
    weighted_high += weight * high_[h];
    own_.base -= mean_.base;
    for (std::size_t i = 0; i < items_.size(); ++i) own_.numbers[i] -= mean_.numbers[i];
    deviation += weight * std::abs(add_distances(own_, weight) + hull_->off_middle[h]);
  }
  deviation += range_of(off_).high;
  const bool high_only = predicted.low == -kInfinity;
  summarise(0.5 * (weighted_low + weighted_high) / tables_.total_weight, high_only, predicted);
  predicted.spread_high =
      std::min(predicted.spread_high, deviation / tables_.total_weight * (1.0 + kWiden) + 1e-12);
}

}  // namespace kasetsu::planning
