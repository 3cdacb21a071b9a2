// Bounds of hypotheses whose descriptors vary together.
//
// Amounts are known in a branch, so that most operations are functions of one average over shares
// (of values, squares, logarithms or inverses; a sum is the average times the total). Over the
// interval of that number a term is replaced by its secant, and what is left over is bounded by the
// slopes that the term can have there. A hypothesis is then one average of combined numbers, one an
// element, so that what one descriptor gains and another loses by the same element cancels. The
// same holds for the difference of a hypothesis from a center, which bounds how far they disagree:
// the median has the least mean absolute deviation, so that deviations from any center, even one
// that depends on the candidate, are no smaller. It follows the mean of the hypotheses from element
// to element, and the median of their coefficients in what no element tells. They are bounded
// together: what they are for the middle of each group, and for each place the element that leads
// all hypotheses farthest from there.
#include <algorithm>
#include <array>
#include <cmath>

#include "core/base/constants.h"
#include "core/planning/bounds/ensemble_bounds.h"
#include "core/planning/bounds/largest.h"

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

// The most that a function with a growing slope lies below its secant, told by three tangents: the
// secant's slope less that on the left, and that on the right less the secant's; that in the middle
// less the secant's; how far it lies below there; half of the interval.
double gap_of(std::pair<double, double> at_ends, double in_middle, double below, double half) {
  const double end = std::max(0.0, in_middle > 0.0 ? at_ends.first : at_ends.second);
  const double slope = std::abs(in_middle);
  if (!(end + slope > 0.0)) return std::max(0.0, below);
  return std::max({0.0, below, end * (below + slope * half) / (end + slope)});
}

// Whether what is asked for occurs, in one place or in several.
template <typename Is>
bool only_one(const std::vector<int>& items, const Is& is) {
  const auto first = std::find_if(items.begin(), items.end(), is);
  return first != items.end() &&
         std::all_of(first, items.end(), [&](int item) { return item == *first || !is(item); });
}

// Between the sums that elements of the groups may have whose value is not 0; one less from the
// group `less`. Everything where a group has too few of them. range: of so many of some numbers.
template <typename Cluster, typename Number, typename Range>
Interval sum_without_zero(const std::vector<Cluster>& clusters, const int* items,
                          const double* values, const Cluster* less, const Number& number,
                          const Range& range) {
  Interval out{0.0, 0.0};
  double kept[128];
  std::size_t i = 0;
  for (const Cluster& cluster : clusters) {
    std::size_t size = 0;
    for (const std::size_t last = i + cluster.size; i < last; ++i) {
      if (values[items[i]] != 0.0) kept[size++] = number(i, cluster);
    }
    const auto taken = static_cast<std::size_t>(cluster.count) - (&cluster == less ? 1 : 0);
    if (taken > size) return kEverything;
    if (taken == 0) continue;
    const Interval own = range(kept, size, taken);
    out = {out.low + own.low, out.high + own.high};
  }
  return out;
}

}  // namespace

// Whether the slope of a term only grows or only falls over all of an interval: x is that of what
// its form is applied to. Of a logarithm or an inverse the offset is small.
bool Bounder::bends_once(Form form, Interval x, const Curve& curve) {
  if (!std::isnan(turning_derivative(form, x))) return false;
  if (!curve.logarithmic && !curve.inverse) return true;
  return form != Form::inv_log && form != Form::inv_exp && curve.offset >= 0.0 &&
         curve.offset < 0.1 * (x.low - curve.offset);
}

// Between which the slopes of any other term lie.
Interval Bounder::slopes_of(Form form, Interval x, Interval variable, const Curve& curve) {
  const double d_low = derivative(form, x.low, descriptors::apply(form, x.low));
  const double d_high = derivative(form, x.high, descriptors::apply(form, x.high));
  Interval slopes{std::min(d_low, d_high), std::max(d_low, d_high)};
  const double turn = turning_derivative(form, x);
  if (!std::isnan(turn)) slopes = {std::min(slopes.low, turn), std::max(slopes.high, turn)};
  if (curve.logarithmic) slopes = product(slopes, {x.low - curve.offset, x.high - curve.offset});
  if (curve.inverse)
    slopes = product(
        slopes, {-1.0 / (variable.low * variable.low), -1.0 / (variable.high * variable.high)});
  return {curve.times * slopes.low, curve.times * slopes.high};
}

// The secant of a term over the interval of a variable; nothing where the term is not defined in
// all of it, or the interval is a point. The term is its form of times * x, or of the exponential
// or the inverse of that, plus an offset.
std::optional<Bounder::Line> Bounder::secant_of(Form form, const EnsembleBounds::Plain& plain,
                                                Interval variable, const Curve& curve) const {
  const auto [low, high] = variable;
  if (!(high > low) || !(low > -kInfinity) || !(high < kInfinity)) return std::nullopt;
  const auto inner = [&](double x) {
    const double scaled = curve.times * x;
    return (curve.logarithmic ? std::exp(scaled)
            : curve.inverse   ? 1.0 / scaled
                              : scaled) +
           curve.offset;
  };
  const double at_low = inner(low);
  const double at_high = inner(high);
  const Interval x{std::min(at_low, at_high), std::max(at_low, at_high)};
  if (!is_defined(form, x)) return std::nullopt;
  const double f_low = descriptors::apply(form, at_low);
  const double f_high = descriptors::apply(form, at_high);
  // At x, where the number inside is y and the form of it f.
  const auto slope_at = [&](double x_here, double y, double f) {
    const double inside = curve.logarithmic ? y - curve.offset
                          : curve.inverse   ? -1.0 / (x_here * x_here)
                                            : 1.0;
    return curve.times * inside * derivative(form, y, f);
  };
  const double d_low = slope_at(low, at_low, f_low);
  const double d_high = slope_at(high, at_high, f_high);
  Interval slopes{std::min(d_low, d_high), std::max(d_low, d_high)};
  bool bends_one_way = bends_once(form, x, curve);
  if (!bends_one_way) slopes = slopes_of(form, x, variable, curve);
  const double value_low = std::clamp(f_low, plain.low, plain.high);
  const double value_high = std::clamp(f_high, plain.low, plain.high);
  if (value_low != f_low || value_high != f_high) {
    slopes = {std::min(slopes.low, 0.0), std::max(slopes.high, 0.0)};
    bends_one_way = false;
  }
  Line line;
  line.slope = (value_high - value_low) / (high - low);
  line.base = value_low - line.slope * low;
  if (bends_one_way) {
    // Then the term lies on one side of its secant, and on the other side of its tangents.
    const double middle = 0.5 * (low + high);
    const double y = inner(middle);
    const double f = descriptors::apply(form, y);
    const double below = line.base + line.slope * middle - f;
    const double gap =
        d_low < d_high ? gap_of({line.slope - d_low, d_high - line.slope},
                                slope_at(middle, y, f) - line.slope, below, 0.5 * (high - low))
                       : gap_of({d_low - line.slope, line.slope - d_high},
                                line.slope - slope_at(middle, y, f), -below, 0.5 * (high - low));
    line.slack = 0.5 * gap;
    line.base += d_low < d_high ? -line.slack : line.slack;
  } else if (slopes.high > slopes.low) {
    const double up = std::max(0.0, slopes.high - line.slope);
    const double down = std::max(0.0, line.slope - slopes.low);
    line.slack = up * down / (slopes.high - slopes.low) * (high - low);
  }
  line.rounding = kRounding * (std::abs(value_low) + std::abs(value_high) +
                               std::abs(line.slope) * (std::abs(low) + std::abs(high)));
  line.slack += line.rounding;
  if (!std::isfinite(line.slack) || !std::isfinite(line.base)) return std::nullopt;
  return line;
}

// Fills the secant of a term where its operation is one average over shares, or the mean. A product
// is 0 with an element whose value is 0, whatever the others are: where there is one such element,
// the secant is that of catalysts without it, and its number brings the line to the form of 0.
void Bounder::follow_average(Form form, const EnsembleBounds::Plain& plain) {
  const EnsembleBounds::ActivePrimary& primary = tables_.primaries[plain.primary];
  const std::size_t c = primary.column;
  Curve curve;
  curve.offset = primary.offset;
  // What some element leaves unknown is the term's center.
  if (!(primaries_[plain.primary].high < kInfinity)) return;
  Interval variable = widened({average_low_[c], average_high_[c]});
  double per_element = 0.0;  // instead of shares
  const double* values = values_of(c);
  const int* items = items_.data();
  const double* with_zero = nullptr;  // values of which one is 0
  const auto without_zero = [&](const auto& number, const Cluster* less) {
    return sum_without_zero(clusters_, items, with_zero, less, number,
                            [](auto... numbers) { return range_of(numbers...); });
  };
  switch (primary.operation) {
    case Operation::average:
    case Operation::variance:
      break;
    case Operation::sum:
    case Operation::ssd:
      curve.times = total_;
      break;
    case Operation::mean:
      variable = widened({plain_low_[c] / count_, plain_high_[c] / count_});
      per_element = 1.0 / count_;
      break;
    case Operation::product:
    case Operation::gmean:
    case Operation::hmean:
      if (least_low_[primary.value] < 0.0) return;
      if (least_low_[primary.value] == 0.0) {
        with_zero = values_of(primary.value);
        if (!only_one(items_, [&](int item) { return with_zero[item] == 0.0; })) return;
        variable = widened(without_zero(
            [&](std::size_t i, const Cluster& own) { return own.share * values[items[i]]; },
            nullptr));
      }
      curve.inverse = primary.operation == Operation::hmean;
      curve.logarithmic = !curve.inverse;
      if (primary.operation == Operation::product) curve.times = total_;
      break;
    default:
      return;
  }
  std::optional<Line> line = secant_of(form, plain, variable, curve);
  Secant& secant = secants_[plain.term];
  if (!line || !(line->slack < secant.line.slack)) return;
  double* numbers = numbers_of(plain.term);
  if (per_element > 0.0) {
    for (std::size_t k = 0; k < items_.size(); ++k)
      numbers[k] = line->slope * per_element * values[items[k]];
  } else {
    const double* shared = by_column_and_item_.data() + c * task_.width;
    for (std::size_t k = 0; k < task_.width; ++k) numbers[k] = line->slope * shared[k];
  }
  std::size_t i = 0;
  for (const Cluster& cluster : clusters_) {
    if (with_zero == nullptr) break;
    for (const std::size_t last = i + cluster.size; i < last; ++i) {
      if (with_zero[items[i]] != 0.0) continue;
      const Interval others =
          without_zero([&](std::size_t k, const Cluster&) { return numbers[k]; }, &cluster);
      double value = descriptors::apply(form, primary.offset);
      value = std::isnan(value) ? plain.center : std::clamp(value, plain.low, plain.high);
      numbers[i] = value - line->base - 0.5 * (others.low + others.high);
      line->rounding += kRounding * std::abs(value);
      line->slack = std::max(line->slack, 0.5 * (others.high - others.low) + 2.0 * line->rounding);
    }
  }
  if (!(line->slack < secant.line.slack)) {
    std::fill_n(numbers, items_.size(), 0.0);
    return;
  }
  secant.line = *line;
  secant.of_elements = true;
}

// The same for the variance about the own average: that of squares about m less the square of
// u = average - m, which lies within (b - a)^2 / 8 of (a + b) u - a b - (b - a)^2 / 8 in [a, b].
void Bounder::follow_own_variance(Form form, const EnsembleBounds::Plain& plain) {
  const EnsembleBounds::ActivePrimary& primary = tables_.primaries[plain.primary];
  if (primary.operation != Operation::own_variance || !std::isfinite(primary.about)) return;
  std::optional<Line> line = secant_of(form, plain, primaries_[plain.primary], {});
  if (!line) return;
  const Interval average = widened({average_low_[primary.value], average_high_[primary.value]});
  const double a = average.low - primary.about;
  const double b = average.high - primary.about;
  const double off = (b - a) * (b - a) / 8.0;
  const double slope = line->slope;
  line->base += slope * (primary.offset + (a + b) * primary.about + a * b + off);
  const double size = std::abs(a) + std::abs(b) + std::abs(primary.about);
  line->rounding += kRounding * std::abs(slope) * (std::abs(primary.offset) + 4.0 * size * size);
  line->slack += std::abs(slope) * off + line->rounding;
  Secant& secant = secants_[plain.term];
  if (!(line->slack < secant.line.slack)) return;
  secant.line = *line;
  secant.of_elements = true;
  const double* squares = by_column_and_item_.data() + primary.squares * task_.width;
  const double* values = by_column_and_item_.data() + primary.value * task_.width;
  double* numbers = numbers_of(plain.term);
  for (std::size_t i = 0; i < task_.width; ++i)
    numbers[i] = slope * (squares[i] - (a + b) * values[i]);
}

void Bounder::take_columns() {
  const EnsembleBounds::PartTrees& trees = tables_.trees[group_->part];
  const std::size_t columns = whole_lanes(tables_.columns);
  by_item_and_column_.resize(task_.width * columns);
  by_column_and_item_.resize(task_.width * columns);
  double* row = by_item_and_column_.data();
  const int* item = items_.data();
  for (const Cluster& cluster : clusters_) {
    for (std::size_t k = 0; k < cluster.size; ++k, row += columns) {
      const double* values = trees.sorted[trees.leaf[static_cast<std::size_t>(*item++)]].data();
      for (std::size_t c = 0; c < tables_.columns; ++c) row[c] = cluster.share * values[c];
    }
  }
  std::fill(row, by_item_and_column_.data() + task_.width * columns, 0.0);
  kernels_.exchange(by_item_and_column_.data(), task_.width, columns, by_column_and_item_.data());
}

void Bounder::take_secants() {
  take_columns();
  secants_.resize(tables_.terms.size());
  numbers_.assign(secants_.size() * task_.width, 0.0);
  for (std::size_t t = 0; t < secants_.size(); ++t) {
    const double low = bounds_[2 * t];
    const double high = bounds_[2 * t + 1];
    const double rounding = kRounding * (std::abs(low) + std::abs(high));
    Secant& secant = secants_[t];
    secant = {};
    secant.line = {0.5 * (low + high), 0.0, 0.5 * (high - low) + rounding, rounding};
    secant.off_slack = secant.line.slack;
  }
  for (std::size_t f = 0; f + 1 < tables_.first.size(); ++f) {
    const auto form = static_cast<Form>(f);
    for (std::size_t i = tables_.first[f]; i < tables_.first[f + 1]; ++i) {
      const EnsembleBounds::Plain& plain = tables_.plain[i];
      Secant& secant = secants_[plain.term];
      follow_average(form, plain);
      follow_own_variance(form, plain);
      secant.off_slack = secant.line.slack;
      if (secant.of_elements) continue;
      // What follows no average follows its primary, which other terms follow, too.
      const std::optional<Line> line = secant_of(form, plain, primaries_[plain.primary], {});
      if (!line || !(line->slack < secant.line.slack)) continue;
      const Interval x = primaries_[plain.primary];
      secant.primary = static_cast<int>(plain.primary);
      secant.primary_slope = line->slope;
      secant.shift = line->base + line->slope * 0.5 * (x.low + x.high) - secant.line.base;
      secant.off_slack = line->slack;
      secant.line.rounding = std::max(secant.line.rounding, line->rounding);
    }
  }
}

// Adds `times` a term's middle, and `times_along` its slope along its primary.
void Bounder::add_term(double times, double times_along, std::size_t term, Combined& to) const {
  const Secant& secant = secants_[term];
  to.base += times * secant.line.base;
  if (secant.primary >= 0) {
    to.shift += times * secant.shift;
    to.along[static_cast<std::size_t>(secant.primary)] += times_along * secant.primary_slope;
  }
}

void Bounder::begin(double base, Combined& combined) const {
  combined.base = base;
  combined.shift = 0.0;
  combined.along.assign(tables_.wanted.size(), 0.0);
}

// Between the sums of the `taken` smallest and of the `taken` largest numbers.
Interval Bounder::range_of(const double* numbers, std::size_t size, std::size_t taken) {
  if (taken == 1) {
    Interval out{numbers[0], numbers[0]};
    for (std::size_t k = 1; k < size; ++k)
      out = {std::min(out.low, numbers[k]), std::max(out.high, numbers[k])};
    return out;
  }
  const auto insert = [](double* sorted, std::size_t length, double x) {
    for (; length > 0 && sorted[length - 1] > x; --length) sorted[length] = sorted[length - 1];
    sorted[length] = x;
  };
  double low[kMostElementsOfSet + 1];
  double high[kMostElementsOfSet + 1];  // negative
  for (std::size_t k = 0; k < size; ++k) {
    const std::size_t kept = std::min(k, taken);
    if (k < taken || numbers[k] < low[taken - 1]) insert(low, kept, numbers[k]);
    if (k < taken || -numbers[k] < high[taken - 1]) insert(high, kept, -numbers[k]);
  }
  Interval out{0.0, 0.0};
  for (std::size_t k = 0; k < taken; ++k) out = {out.low + low[k], out.high - high[k]};
  return out;
}

// The largest sum that a candidate's items may have.
double Bounder::most_of(const double* numbers) const {
  double sum = 0.0;
  for (const ItemSpan& span : spans_)
    sum += largest_of(numbers + span.first, span.size, span.count).sum;
  return sum;
}

// Of one hypothesis, what does not follow elements: its base and its slack, and what it adds to
// off_ along primaries.
void Bounder::refine_hypothesis(std::size_t h) {
  double* along = own_.along.data();
  own_.base = tables_.intercepts[h];
  own_.shift = 0.0;
  double slack = 0.0;
  for (const EnsembleBounds::Summand& summand : tables_.hypotheses[h]) {
    const std::size_t t = summand.least / 2;
    add_term(summand.coefficient, summand.coefficient, t, own_);
    slack += std::abs(summand.coefficient) * secants_[t].line.slack;
  }
  bases_[h] = own_.base;
  slacks_[h] = slack;
  const double weight = tables_.weights[h];
  const double* mean_along = mean_.along.data();
  double* off_along = off_.along.data();
  for (const EnsembleBounds::Summand& summand : tables_.hypotheses[h]) {
    const int primary = secants_[summand.least / 2].primary;
    if (primary < 0) continue;
    // The center's slope was counted for every hypothesis; a second term of this primary finds 0.
    const auto p = static_cast<std::size_t>(primary);
    if (along[p] == 0.0) continue;
    off_along[p] += weight * (std::abs(along[p] - mean_along[p]) - std::abs(mean_along[p]));
    along[p] = 0.0;
  }
  shifts_[h] = own_.base - mean_.base + own_.shift - mean_.shift + hull_->off_middle[h];
}

// The arrays of task_ for the items of the branch.
void Bounder::prepare_task() {
  spans_.clear();
  std::size_t first = 0;
  for (const Cluster& cluster : clusters_) {
    spans_.push_back({first, cluster.size, static_cast<std::size_t>(cluster.count)});
    first += cluster.size;
  }
  task_.spans = spans_.data();
  task_.span_count = spans_.size();
  task_.items = items_.size();
  task_.width = whole_lanes(items_.size());
  task_.hypotheses = tables_.hypotheses.size();
  task_.height = whole_lanes(task_.hypotheses);
  task_.weights = weights_.data();
  const auto room = [](Lanes& lanes, std::size_t size) {
    if (lanes.size() < size) lanes.resize(size);
    return lanes.data();
  };
  const std::size_t area = task_.width * task_.height;
  task_.gives = room(gives_, area);
  task_.mean = room(mean_numbers_, task_.width);
  task_.by_item = room(by_item_, area);
  task_.apart = room(apart_, area);
  task_.scratch = room(of_items_, area);
  task_.off = room(off_numbers_, task_.width);
  for (const auto& [pointer, lanes] : {std::pair{&task_.low, &elements_low_},
                                       {&task_.high, &elements_high_},
                                       {&task_.middles, &middles_}})
    *pointer = room(*lanes, task_.height);
  task_.last_low = room(last_low_, spans_.size() * task_.height);
  task_.last_high = room(last_high_, spans_.size() * task_.height);
}

void Bounder::refine(Predicted& predicted) {
  const std::size_t count = tables_.hypotheses.size();
  prepare_task();
  take_secants();
  kernels_.add_rows(tables_.hypothesis_rows.sums(), numbers_.data(), task_.width, gives_.data());
  kernels_.add_rows(tables_.mean_row.sums(), numbers_.data(), task_.width, mean_numbers_.data());
  kernels_.spread_items(task_);
  begin(tables_.mean_intercept, mean_);
  // What a term does beside its line leads away those that have it: it is left out of the center
  // where they are few.
  for (const auto& [t, coefficient] : tables_.mean_hypothesis)
    add_term(coefficient, tables_.median_coefficients[t], t, mean_);
  double weighted_low = 0.0;
  double weighted_high = 0.0;
  // Of the hypotheses from their mean, weighted: for the middle of each group of elements and of
  // the contexts, and how much farther any may lead them all together.
  off_rest_ = hull_->off_radius;
  for (std::size_t t = 0; t < secants_.size(); ++t) {
    off_rest_ += tables_.deviations[t] * secants_[t].off_slack +
                 tables_.total_coefficients[t] * secants_[t].line.rounding;
  }
  begin(0.0, off_);
  begin(0.0, own_);
  for (std::size_t p = 0; p < off_.along.size(); ++p)
    off_.along[p] = tables_.total_weight * std::abs(mean_.along[p]);
  for (std::size_t h = 0; h < count; ++h) {
    refine_hypothesis(h);
    ends_low_[h] = bases_[h] + elements_low_[h] - slacks_[h] + hull_->sums[h].low;
    ends_high_[h] = bases_[h] + elements_high_[h] + slacks_[h] + hull_->sums[h].high;
    low_[h] = std::max(low_[h], std::clamp(ends_low_[h], tables_.lowest, tables_.highest));
    high_[h] = std::min(high_[h], std::clamp(ends_high_[h], tables_.lowest, tables_.highest));
    middles_[h] += shifts_[h];
    weighted_low += tables_.weights[h] * low_[h];
    weighted_high += tables_.weights[h] * high_[h];
  }
  double deviation = 0.0;
  const double center = median(middles_, 0.5 * tables_.total_weight);
  for (std::size_t h = 0; h < count; ++h) {
    middles_[h] -= center;
    deviation += tables_.weights[h] * std::abs(middles_[h]);
  }
  for (std::size_t p = 0; p < off_.along.size(); ++p) {
    if (off_.along[p] > 0.0)
      off_rest_ += off_.along[p] * 0.5 * (primaries_[p].high - primaries_[p].low);
  }
  const bool high_only = predicted.low == -kInfinity;
  summarise(0.5 * (weighted_low + weighted_high) / tables_.total_weight, high_only, predicted);
  off_sum_ = deviation + most_of(off_numbers_.data()) + off_rest_;
  squared_sum_ = kInfinity;
  limit_spread(off_sum_, predicted);
}

void Bounder::limit_spread(double deviation, Predicted& predicted) const {
  predicted.spread_high =
      std::min(predicted.spread_high, deviation / tables_.total_weight * (1.0 + kWiden) + 1e-12);
}

}  // namespace kasetsu::planning
