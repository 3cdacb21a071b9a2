#include "core/planning/bounds/ensemble_bounds.h"

#include <array>

#include "core/base/constants.h"
#include "core/regression/random_forest.h"

namespace kasetsu::planning {
namespace {

using descriptors::Form;
using descriptors::Operation;
using Eigen::Index;

// Of sum_k share_k v_k for shares within their limits and with sum 1: about any number c it is
// c + sum_k share_k (v_k - c), and here c is the average for middle shares.
Interval average_about(const double* values, const std::vector<double>& low,
                       const std::vector<double>& high) {
  double total = 0.0;
  double c = 0.0;
  for (std::size_t k = 0; k < low.size(); ++k) {
    total += low[k] + high[k];
    c += (low[k] + high[k]) * values[k];
  }
  c /= total;
  Interval out{c, c};
  for (std::size_t k = 0; k < low.size(); ++k) {
    const double d = values[k] - c;
    out.low += std::min(low[k] * d, high[k] * d);
    out.high += std::max(low[k] * d, high[k] * d);
  }
  return out;
}

}  // namespace

Bounder::Bounder(const EnsembleBounds& tables)
    : tables_(tables),
      sorted_(kMostElementsOfSet * tables.columns),
      average_low_(tables.columns),
      average_high_(tables.columns),
      sum_low_(tables.columns),
      sum_high_(tables.columns),
      middle_(tables.columns),
      primaries_(tables.primaries.size()),
      bounds_(2 * tables.terms.size()),
      low_(tables.hypotheses.size()),
      high_(tables.hypotheses.size()),
      box_(tables.coordinate_terms.size()),
      features_(tables.predictor->model().features, tables.wanted),
      companion_features_(tables.predictor->model().features, tables.companion_wanted),
      values_(tables.wanted.size()),
      companion_values_(tables.companion_wanted.size()),
      by_companion_(1, static_cast<Index>(tables.companions.size())) {
}

void Bounder::load(const ElementSets& group, std::uint64_t node) {
  const CompositionFamily& family = *tables_.space->parts()[group.part].family;
  const auto count = static_cast<std::size_t>(group.count);
  if (group_ == &group && node == node_ + 1 && count > 0) {
    // The next set in colexicographic order: the first position that has room goes up.
    std::size_t k = 0;
    while (k + 1 < count && positions_[k] + 1 == positions_[k + 1]) {
      positions_[k] = static_cast<int>(k);
      ++k;
    }
    ++positions_[k];
  } else {
    family.subset(group.count, node - group.first, positions_.data());
  }
  group_ = &group;
  node_ = node;
  elements_.resize(count);
  rows_.resize(count);
  for (std::size_t k = 0; k < count; ++k) {
    elements_[k] = family.elements()[static_cast<std::size_t>(positions_[k])];
    const int row = tables_.row_of[static_cast<std::size_t>(elements_[k])];
    KASETSU_ASSERT(row >= 0);
    rows_[k] = &tables_.table[static_cast<std::size_t>(row) * tables_.columns];
  }
  // Insertion into sorted columns, all columns at once.
  const std::size_t columns = tables_.columns;
  for (std::size_t k = 0; k < count; ++k) {
    double* last = &sorted_[k * columns];
    std::copy_n(rows_[k], columns, last);
    for (std::size_t at = k; at > 0; --at) {
      double* upper = &sorted_[at * columns];
      double* lower = &sorted_[(at - 1) * columns];
      for (std::size_t c = 0; c < columns; ++c) {
        const double a = lower[c];
        const double b = upper[c];
        lower[c] = std::min(a, b);
        upper[c] = std::max(a, b);
      }
    }
  }
}

int Bounder::unseen_elements() const {
  const std::vector<int>& seen = tables_.predictor->model().elements;
  int unseen = 0;
  for (const int element : elements_) {
    if (!std::binary_search(seen.begin(), seen.end(), element)) ++unseen;
  }
  return unseen;
}

void Bounder::bound_all(const ElementSets& group) {
  const std::size_t columns = tables_.columns;
  const auto count = static_cast<std::size_t>(group.count);
  std::fill_n(average_low_.begin(), columns, 0.0);
  std::fill_n(average_high_.begin(), columns, 0.0);
  std::fill_n(sum_low_.begin(), columns, 0.0);
  std::fill_n(sum_high_.begin(), columns, 0.0);
  for (std::size_t k = 0; k < count; ++k) {
    const double* v = &sorted_[k * columns];
    const double least = group.least[k];
    const double most = group.most[k];
    const double small = group.ranges.amount_low;
    const double large = group.ranges.amount_high;
    for (std::size_t c = 0; c < columns; ++c) {
      average_low_[c] += least * v[c];
      average_high_[c] += most * v[c];
      sum_low_[c] += std::min(small * v[c], large * v[c]);
      sum_high_[c] += std::max(small * v[c], large * v[c]);
    }
  }
  const AmountBox& root = group.boxes.front();
  fill_primaries(group, root.share_low, root.share_high);
}

void Bounder::bound_box(const AmountBox& box) {
  const std::size_t columns = tables_.columns;
  const std::size_t count = rows_.size();
  double total = 0.0;
  for (std::size_t k = 0; k < count; ++k) total += box.share_low[k] + box.share_high[k];
  std::fill_n(middle_.begin(), columns, 0.0);
  for (std::size_t k = 0; k < count; ++k) {
    const double weight = (box.share_low[k] + box.share_high[k]) / total;
    const double* v = rows_[k];
    for (std::size_t c = 0; c < columns; ++c) middle_[c] += weight * v[c];
  }
  std::copy_n(middle_.begin(), columns, average_low_.begin());
  std::copy_n(middle_.begin(), columns, average_high_.begin());
  std::fill_n(sum_low_.begin(), columns, 0.0);
  std::fill_n(sum_high_.begin(), columns, 0.0);
  for (std::size_t k = 0; k < count; ++k) {
    const double* v = rows_[k];
    const double least = box.share_low[k];
    const double most = box.share_high[k];
    const double small = box.amount_low[k];
    const double large = box.amount_high[k];
    for (std::size_t c = 0; c < columns; ++c) {
      const double d = v[c] - middle_[c];
      average_low_[c] += std::min(least * d, most * d);
      average_high_[c] += std::max(least * d, most * d);
      sum_low_[c] += std::min(small * v[c], large * v[c]);
      sum_high_[c] += std::max(small * v[c], large * v[c]);
    }
  }
  fill_primaries(*group_, box.share_low, box.share_high);
}

// About any point c the mean square is at least the variance, by (average - c)^2.
Interval Bounder::own_variance(std::size_t column, Interval mean,
                               const std::vector<double>& share_low,
                               const std::vector<double>& share_high) const {
  const double middle = 0.5 * (mean.low + mean.high);
  std::array<double, kMostElementsOfSet> squares{};
  for (std::size_t k = 0; k < rows_.size(); ++k) {
    const double d = rows_[k][column] - middle;
    squares[k] = d * d;
  }
  const Interval mean_square = average_about(squares.data(), share_low, share_high);
  const double off = 0.5 * (mean.high - mean.low);
  Interval out = widened({std::max(0.0, mean_square.low - off * off), mean_square.high});
  out.low = std::max(out.low, 0.0);
  return out;
}

// Intervals of the active primaries from those of averages and sums, and then of the terms.
void Bounder::fill_primaries(const ElementSets& group, const std::vector<double>& share_low,
                             const std::vector<double>& share_high) {
  const std::size_t columns = tables_.columns;
  const std::size_t count = rows_.size();
  const double* smallest = sorted_.data();
  const double* largest = &sorted_[(count - 1) * columns];
  const auto average = [&](std::size_t c) {
    return Interval{std::max(average_low_[c], smallest[c]), std::min(average_high_[c], largest[c])};
  };
  const auto sum = [&](std::size_t c) {
    const Interval scaled = product(average(c), {group.ranges.total_low, group.ranges.total_high});
    return Interval{std::max(sum_low_[c], scaled.low), std::min(sum_high_[c], scaled.high)};
  };
  for (std::size_t i = 0; i < tables_.primaries.size(); ++i) {
    const EnsembleBounds::ActivePrimary& primary = tables_.primaries[i];
    const std::size_t c = primary.column;
    const double least = smallest[primary.value];
    const double most = largest[primary.value];
    Interval out = kEverything;
    switch (primary.operation) {
      case Operation::minimum:
        out = {least, least};
        break;
      case Operation::maximum:
        out = {most, most};
        break;
      case Operation::range:
        out = widened({most - least, most - least});
        break;
      case Operation::mean: {
        double total = 0.0;
        for (const double* row : rows_) total += row[c];
        const double mean = total / static_cast<double>(count);
        out = widened({mean, mean});
        break;
      }
      case Operation::sum:
      case Operation::ssd:
        out = widened(sum(c));
        break;
      case Operation::average:
      case Operation::variance:
        out = widened(average(c));
        break;
      case Operation::product:
      case Operation::gmean:
        if (least < 0.0) break;
        if (least == 0.0) {
          out = {0.0, 0.0};
          break;
        }
        out = primary.operation == Operation::gmean ? average(c) : sum(c);
        out = widened({std::exp(out.low - kWiden), std::exp(out.high + kWiden)});
        break;
      case Operation::hmean: {
        if (least < 0.0) break;
        if (least == 0.0) {
          out = {0.0, 0.0};
          break;
        }
        const Interval inverse = average(c);
        out = widened({1.0 / inverse.high, 1.0 / inverse.low});
        break;
      }
      case Operation::own_variance:
        out = own_variance(c, average(c), share_low, share_high);
        break;
      case Operation::value:
        break;
    }
    if (std::isnan(out.low) || std::isnan(out.high)) out = kEverything;
    primaries_[i] = {out.low + primary.offset, out.high + primary.offset};
  }
  for (const int element : elements_) {
    const auto row = static_cast<std::size_t>(tables_.row_of[static_cast<std::size_t>(element)]);
    for (const std::size_t i : tables_.gaps[row]) primaries_[i] = kEverything;
  }
  bound_terms();
}

Interval Bounder::term(const EnsembleBounds::Term& term, const Interval* context) const {
  Interval result{1.0, 1.0};
  for (std::size_t f = 0; f < term.factors.size(); ++f) {
    const EnsembleBounds::Factor& factor = term.factors[f];
    const Interval x =
        of_form(factor.form, factor.active ? primaries_[factor.slot] : context[factor.slot]);
    result = f == 0 ? x : product(result, x);
  }
  result = widened(result);
  // NaN counts as the centre, which lies within.
  const bool anything = !(result.low > -kInfinity) || !(result.high < kInfinity);
  result.low = std::clamp(result.low, term.low, term.high);
  result.high = std::clamp(result.high, term.low, term.high);
  if (anything) {
    result.low = std::min(result.low, term.center);
    result.high = std::max(result.high, term.center);
  }
  return result;
}

// Terms with an active factor; those that also depend on the context over the part's hull.
void Bounder::bound_terms() {
  // One form after another: each is then a plain loop over its terms.
  const auto each = [&](Form form, const auto& defined, const auto& value) {
    const auto f = static_cast<std::size_t>(form);
    for (std::size_t i = tables_.first[f]; i < tables_.first[f + 1]; ++i) {
      const EnsembleBounds::Plain& plain = tables_.plain[i];
      const Interval x = primaries_[plain.primary];
      double low = plain.low;
      double high = plain.high;
      if (defined(x)) {
        const double a = value(x.low);
        const double b = value(x.high);
        const double least = std::min(a, b);
        const double most = std::max(a, b);
        const double by = kWiden * std::max(std::abs(least), std::abs(most)) + 1e-300;
        if (by < kInfinity) {
          low = std::clamp(least - by, plain.low, plain.high);
          high = std::clamp(most + by, plain.low, plain.high);
        }
      }
      bounds_[2 * plain.term] = low;
      bounds_[2 * plain.term + 1] = high;
    }
  };
  const auto finite = [](const Interval& x) { return x.low > -kInfinity && x.high < kInfinity; };
  const auto one_sign = [&](const Interval& x) {
    return finite(x) && (x.low > 0.0 || x.high < 0.0);
  };
  const auto positive = [&](const Interval& x) { return finite(x) && x.low > 0.0; };
  each(Form::identity, finite, [](double x) { return x; });
  each(Form::reciprocal, one_sign, [](double x) { return 1.0 / x; });
  each(Form::sqrt, positive, [](double x) { return std::sqrt(x); });
  each(Form::inv_sqrt, positive, [](double x) { return 1.0 / std::sqrt(x); });
  each(
      Form::square, [&](const Interval& x) { return finite(x) && (x.low >= 0.0 || x.high <= 0.0); },
      [](double x) { return x * x; });
  each(Form::inv_square, one_sign, [](double x) { return 1.0 / (x * x); });
  each(Form::cube, finite, [](double x) { return x * x * x; });
  each(Form::inv_cube, one_sign, [](double x) { return 1.0 / (x * x * x); });
  each(Form::log, positive, [](double x) { return std::log(x); });
  each(
      Form::inv_log,
      [&](const Interval& x) { return positive(x) && (x.low > 1.0 || x.high < 1.0); },
      [](double x) { return 1.0 / std::log(x); });
  each(Form::exp, finite, [](double x) { return std::exp(x); });
  each(Form::inv_exp, finite, [](double x) { return std::exp(-x); });
  const EnsembleBounds::Hull& hull = tables_.hulls[group_->part];
  for (const std::size_t t : tables_.composed) {
    const Interval x = term(tables_.terms[t], hull.primaries.data());
    bounds_[2 * t] = x.low;
    bounds_[2 * t + 1] = x.high;
  }
  companion_ready_ = false;
}

void Bounder::mix(const ElementSets& group, const Context* context) {
  if (!tables_.mixed) return;
  points_.clear();
  if (context != nullptr) {
    for (const double x : context->primaries) {
      points_.push_back(std::isnan(x) ? kEverything : Interval{x, x});
    }
  } else {
    points_ = tables_.hulls[group.part].primaries;
  }
  for (const std::size_t t : tables_.composed) {
    if (!tables_.terms[t].context) continue;
    const Interval x = term(tables_.terms[t], points_.data());
    bounds_[2 * t] = x.low;
    bounds_[2 * t + 1] = x.high;
  }
}

void Bounder::evaluate(const double* amounts) {
  parts_.resize(elements_.size());
  for (std::size_t k = 0; k < elements_.size(); ++k) {
    parts_[k] = {tables_.row_of[static_cast<std::size_t>(elements_[k])], amounts[k]};
  }
  features_.active(parts_, values_.data());
  for (std::size_t i = 0; i < values_.size(); ++i) {
    primaries_[i] = std::isnan(values_[i]) ? kEverything : Interval{values_[i], values_[i]};
  }
  const EnsembleBounds::Hull& hull = tables_.hulls[group_->part];
  for (std::size_t f = 0; f + 1 < tables_.first.size(); ++f) {
    for (std::size_t i = tables_.first[f]; i < tables_.first[f + 1]; ++i) {
      // At a point a form is simply its value.
      const EnsembleBounds::Plain& plain = tables_.plain[i];
      double x = descriptors::apply(static_cast<Form>(f), values_[plain.primary]);
      x = std::isnan(x) ? plain.center : std::clamp(x, plain.low, plain.high);
      bounds_[2 * plain.term] = bounds_[2 * plain.term + 1] = x;
    }
  }
  for (const std::size_t t : tables_.composed) {
    const Interval x = term(tables_.terms[t], hull.primaries.data());
    bounds_[2 * t] = x.low;
    bounds_[2 * t + 1] = x.high;
  }
  companion_ready_ = false;
}

// Weighted median: the smallest value at which `half` of the weight is reached.
double Bounder::median(const std::vector<double>& values, double half) {
  ordered_.resize(values.size());
  for (std::size_t h = 0; h < values.size(); ++h) ordered_[h] = {values[h], tables_.weights[h]};
  std::size_t low = 0;
  std::size_t high = ordered_.size();
  double before = 0.0;
  while (high - low > 1) {
    const std::size_t middle = (low + high) / 2;
    std::nth_element(ordered_.begin() + static_cast<std::ptrdiff_t>(low),
                     ordered_.begin() + static_cast<std::ptrdiff_t>(middle),
                     ordered_.begin() + static_cast<std::ptrdiff_t>(high),
                     [](const auto& a, const auto& b) { return a.first < b.first; });
    double sum = 0.0;
    for (std::size_t i = low; i < middle; ++i) sum += ordered_[i].second;
    if (before + sum >= half) {
      high = middle;
    } else {
      before += sum;
      low = middle;
    }
  }
  return ordered_[low].first;
}

Bounder::Predicted Bounder::predict(const ElementSets& group, const Context* context, bool exact,
                                    bool high_only) {
  const std::size_t count = tables_.hypotheses.size();
  const EnsembleBounds::Hull& hull = tables_.hulls[group.part];
  double weighted_low = 0.0;
  double weighted_high = 0.0;
  for (std::size_t h = 0; h < count; ++h) {
    double low = tables_.intercepts[h];
    double high = low;
    for (const EnsembleBounds::Summand& summand : tables_.hypotheses[h]) {
      low += summand.coefficient * bounds_[summand.least];
      high += summand.coefficient * bounds_[summand.most];
    }
    low += context != nullptr ? context->sums[h] : hull.sums[h].low;
    high += context != nullptr ? context->sums[h] : hull.sums[h].high;
    low_[h] = std::clamp(low, tables_.lowest, tables_.highest);
    high_[h] = std::clamp(high, tables_.lowest, tables_.highest);
    weighted_low += tables_.weights[h] * low_[h];
    weighted_high += tables_.weights[h] * high_[h];
  }
  Predicted out{};
  // Sums of weights are rounded in another order here: the half is taken wide.
  const double half = 0.5 * tables_.total_weight;
  out.high = median(high_, half * (1.0 + kWiden));
  out.low = high_only ? -kInfinity : median(low_, half * (1.0 - kWiden));
  // The median minimises the mean absolute deviation: about any other point it is larger.
  const double c = exact ? out.high : 0.5 * (weighted_low + weighted_high) / tables_.total_weight;
  double most = 0.0;
  double least = 0.0;
  for (std::size_t h = 0; h < count; ++h) {
    const double w = tables_.weights[h];
    most += w * std::max(high_[h] - c, c - low_[h]);
    // Whatever the median is, it lies between the two; farther out a hypothesis must differ.
    if (!high_only) least += w * std::max({0.0, low_[h] - out.high, out.low - high_[h]});
  }
  out.spread_high = most / tables_.total_weight * (1.0 + kWiden) + 1e-12;
  out.spread_low = least / tables_.total_weight * (1.0 - kWiden);
  out.high += kWiden * (1.0 + std::abs(out.high));
  out.low -= kWiden * (1.0 + std::abs(out.low));
  return out;
}

double Bounder::companion(const Context& context) {
  const std::vector<selection::Companion>& companions = tables_.predictor->model().companions;
  if (!companion_ready_) {
    companion_features_.active(parts_, companion_values_.data());
    companion_ready_ = true;
  }
  for (std::size_t c = 0; c < companions.size(); ++c) {
    companion_row_ = context.companions[c];
    for (const EnsembleBounds::CompanionColumn& column : tables_.companions[c]) {
      companion_row_[column.column] = companion_values_[column.value];
    }
    const std::vector<int>& known = companions[c].composition.elements;
    for (std::size_t k = 0; k < elements_.size(); ++k) {
      const auto found = std::lower_bound(known.begin(), known.end(), elements_[k]);
      if (found == known.end() || *found != elements_[k]) continue;
      const auto place =
          companions[c].primaries.size() + static_cast<std::size_t>(found - known.begin());
      companion_row_[place] = parts_[k].amount;
    }
    by_companion_(0, static_cast<Index>(c)) = regression::predict(
        companions[c].forest,
        Eigen::Map<const Eigen::RowVectorXd>(companion_row_.data(),
                                             static_cast<Index>(companion_row_.size())))[0];
  }
  return selection::weighted_mean(companions, by_companion_)[0];
}

const std::vector<Interval>& Bounder::place(const ElementSets& group, const Context* context) {
  const EnsembleBounds::Hull& hull = tables_.hulls[group.part];
  for (std::size_t j = 0; j < box_.size(); ++j) {
    const std::size_t t = tables_.coordinate_terms[j];
    const Interval x = tables_.terms[t].active ? Interval{bounds_[2 * t], bounds_[2 * t + 1]}
                       : context != nullptr    ? context->terms[t]
                                               : hull.terms[t];
    const double center = tables_.coordinate_center[static_cast<Index>(j)];
    const double spread = tables_.coordinate_spread[static_cast<Index>(j)];
    box_[j] = widened({(x.low - center) / spread, (x.high - center) / spread});
  }
  return box_;
}

void Bounder::locate(const Context& context, double* coordinates) const {
  for (std::size_t j = 0; j < tables_.coordinate_terms.size(); ++j) {
    const std::size_t t = tables_.coordinate_terms[j];
    const EnsembleBounds::Term& term = tables_.terms[t];
    double x = 0.0;
    for (std::size_t f = 0; f < term.factors.size(); ++f) {
      const EnsembleBounds::Factor& factor = term.factors[f];
      const double value = descriptors::apply(
          factor.form, factor.active ? values_[factor.slot] : context.primaries[factor.slot]);
      x = f == 0 ? value : x * value;
    }
    x = std::isnan(x) ? term.center : std::clamp(x, term.low, term.high);
    coordinates[j] = (x - tables_.coordinate_center[static_cast<Index>(j)]) /
                     tables_.coordinate_spread[static_cast<Index>(j)];
  }
}

double Bounder::squared_corner(const double* point, double stop) const {
  double sum = 0.0;
  for (std::size_t j = 0; j < box_.size() && sum < stop; ++j) {
    const double d = std::max(box_[j].high - point[j], point[j] - box_[j].low);
    sum += d * d;
  }
  return sum;
}

double Bounder::farther_corner(const Eigen::MatrixXd& points) {
  double best = kInfinity;
  const auto count = static_cast<std::size_t>(points.cols());
  // The points that were nearest lately are tried first: neighbouring sets share elements.
  for (std::size_t& k : witness_) {
    if (k >= count) k = 0;
    if (count > 0) best = std::min(best, squared_corner(points.data() + k * box_.size(), best));
  }
  return best;
}

double Bounder::farthest_corner(const Eigen::MatrixXd& points, double enough) {
  double best = farther_corner(points);
  if (best <= enough) return best;
  const auto count = static_cast<std::size_t>(points.cols());
  for (std::size_t k = 0; k < count; ++k) {
    const double sum = squared_corner(points.data() + k * box_.size(), best);
    if (sum >= best) continue;
    best = sum;
    std::copy_backward(std::begin(witness_), std::end(witness_) - 1, std::end(witness_));
    witness_[0] = k;
    if (best <= enough) return best;
  }
  return best;
}

}  // namespace kasetsu::planning
