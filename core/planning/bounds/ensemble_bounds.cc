#include "core/planning/bounds/ensemble_bounds.h"

#include "core/base/constants.h"
#include "core/planning/bounds/largest.h"
#include "core/regression/random_forest.h"

namespace kasetsu::planning {
namespace {

using descriptors::Form;
using descriptors::Operation;
using Eigen::Index;

void add_weighted(const double* values, double weight, std::size_t count, double* to) {
  for (std::size_t c = 0; c < count; ++c) to[c] += weight * values[c];
}

void take_least(const double* values, std::size_t count, double* to) {
  for (std::size_t c = 0; c < count; ++c) to[c] = std::min(to[c], values[c]);
}

void take_most(const double* values, std::size_t count, double* to) {
  for (std::size_t c = 0; c < count; ++c) to[c] = std::max(to[c], values[c]);
}

}  // namespace

Bounder::Bounder(const EnsembleBounds& tables)
    : tables_(tables),
      kernels_(bound_kernels(instruction_set())),
      least_low_(tables.columns),
      least_high_(tables.columns),
      most_low_(tables.columns),
      most_high_(tables.columns),
      average_low_(tables.columns),
      average_high_(tables.columns),
      plain_low_(tables.columns),
      plain_high_(tables.columns),
      primaries_(tables.primaries.size()),
      bounds_(2 * tables.terms.size()),
      box_(tables.coordinate_terms.size()),
      features_(tables.predictor->model().features, tables.wanted),
      companion_features_(tables.predictor->model().features, tables.companion_wanted),
      values_(tables.wanted.size()),
      companion_values_(tables.companion_wanted.size()),
      by_companion_(1, static_cast<Index>(tables.companions.size())) {
  const std::size_t count = tables.hypotheses.size();
  const auto height = static_cast<std::ptrdiff_t>(whole_lanes(count));
  for (Lanes* lanes : {&weights_, &low_, &high_, &ends_low_, &ends_high_, &own_ends_})
    lanes->resize_to(height);
  std::copy(tables.weights.begin(), tables.weights.end(), weights_.begin());
  for (std::vector<double>* each : {&bases_, &slacks_, &shifts_}) each->resize(count);
}

void Bounder::bound(const ElementSets& group, const AmountSet& amounts,
                    std::span<const std::uint8_t> clusters, std::span<const Items> left,
                    const Hull& hull) {
  const EnsembleBounds::PartTrees& trees = tables_.trees[group.part];
  group_ = &group;
  hull_ = &hull;
  count_ = static_cast<double>(group.count);
  total_ = amounts.total;
  take_clusters(amounts, clusters, left);
  unseen_ = 0;
  for (const Cluster& cluster : clusters_)
    unseen_ += std::min(cluster.count, trees.unseen[cluster.node]);
  add_up();
  fill_primaries(0, tables_.wanted.size());
  bound_terms();
}

void Bounder::take_clusters(const AmountSet& amounts, std::span<const std::uint8_t> clusters,
                            std::span<const Items> left) {
  const EnsembleBounds::PartTrees& trees = tables_.trees[group_->part];
  clusters_.clear();
  std::size_t level = 0;
  for (std::size_t k = 0; k < clusters.size(); ++k) {
    const double amount = amounts.amounts[k];
    if (k > 0 && amount != amounts.amounts[k - 1]) ++level;
    if (clusters_.empty() || clusters_.back().node != clusters[k] ||
        clusters_.back().amount != amount) {
      clusters_.push_back(
          {clusters[k], 0, amount, amounts.shares[k], level, trees.members[clusters[k]]});
    }
    ++clusters_.back().count;
  }
  items_.clear();
  std::size_t rows = 0;
  for (Cluster& cluster : clusters_) {
    if (cluster.level < left.size()) cluster.members &= left[cluster.level];
    const std::vector<int>& items = trees.elements.nodes[cluster.node].items;
    for (const int item : items) {
      if (cluster.members[static_cast<std::size_t>(item)]) items_.push_back(item);
    }
    cluster.size = cluster.members.count();
    KASETSU_ASSERT(cluster.size >= static_cast<std::size_t>(cluster.count));
    if (cluster.size < items.size()) rows += 2 * static_cast<std::size_t>(cluster.count);
  }
  extremes_.resize(rows * tables_.columns);
  double* own = extremes_.data();
  for (Cluster& cluster : clusters_) {
    const std::size_t all = trees.elements.nodes[cluster.node].items.size();
    const auto taken = static_cast<std::size_t>(cluster.count);
    if (cluster.size == all) {
      cluster.smallest = trees.sorted[cluster.node].data();
      cluster.largest = cluster.smallest + (all - taken) * tables_.columns;
    } else {
      take_extremes(cluster, own);
      own += 2 * taken * tables_.columns;
    }
  }
}

// Of a cluster of which some elements are left, into 2 * count rows.
void Bounder::take_extremes(Cluster& cluster, double* rows) {
  const EnsembleBounds::PartTrees& trees = tables_.trees[group_->part];
  const std::size_t columns = tables_.columns;
  const auto taken = static_cast<std::size_t>(cluster.count);
  double* const largest = rows + taken * columns;
  std::fill_n(rows, taken * columns, kInfinity);
  std::fill_n(largest, taken * columns, -kInfinity);
  for (const int item : trees.elements.nodes[cluster.node].items) {
    const auto position = static_cast<std::size_t>(item);
    if (!cluster.members[position]) continue;
    const std::vector<double>& values = trees.sorted[trees.leaf[position]];
    inserted_ = values;
    for (std::size_t k = 0; k < taken; ++k)
      keep_smaller(columns, inserted_.data(), rows + k * columns);
    inserted_ = values;
    for (std::size_t k = taken; k-- > 0;)
      keep_larger(columns, inserted_.data(), largest + k * columns);
  }
  cluster.smallest = rows;
  cluster.largest = largest;
}

void Bounder::add_up() {
  const std::size_t columns = tables_.columns;
  for (std::vector<double>* least : {&least_low_, &least_high_})
    std::fill_n(least->begin(), columns, kInfinity);
  for (std::vector<double>* most : {&most_low_, &most_high_})
    std::fill_n(most->begin(), columns, -kInfinity);
  for (std::vector<double>* sum : {&average_low_, &average_high_, &plain_low_, &plain_high_})
    std::fill_n(sum->begin(), columns, 0.0);
  for (const Cluster& cluster : clusters_) {
    const auto taken = static_cast<std::size_t>(cluster.count);
    const double share = cluster.share;
    for (std::size_t k = 0; k < taken; ++k) {
      const double* low = cluster.smallest + k * columns;
      const double* high = cluster.largest + k * columns;
      add_weighted(low, share, columns, average_low_.data());
      add_weighted(high, share, columns, average_high_.data());
      add_weighted(low, 1.0, columns, plain_low_.data());
      add_weighted(high, 1.0, columns, plain_high_.data());
      take_least(low, columns, least_low_.data());
      take_least(high, columns, least_high_.data());
      take_most(low, columns, most_low_.data());
      take_most(high, columns, most_high_.data());
    }
  }
}

// About any point c the mean square is at least the variance, by (average - c)^2.
Interval Bounder::own_variance(std::size_t column, Interval mean) const {
  const double middle = 0.5 * (mean.low + mean.high);
  double low = 0.0;
  double high = 0.0;
  for (const Cluster& cluster : clusters_) {
    const std::size_t last = static_cast<std::size_t>(cluster.count - 1) * tables_.columns;
    const Interval from_middle{cluster.smallest[column] - middle,
                               cluster.largest[last + column] - middle};
    const double a = from_middle.low * from_middle.low;
    const double b = from_middle.high * from_middle.high;
    const bool around = from_middle.low < 0.0 && from_middle.high > 0.0;
    const double share = cluster.count * cluster.share;
    low += share * (around ? 0.0 : std::min(a, b));
    high += share * std::max(a, b);
  }
  const double off = 0.5 * (mean.high - mean.low);
  Interval out = widened({std::max(0.0, low - off * off), high});
  out.low = std::max(out.low, 0.0);
  return out;
}

Interval Bounder::primary_of(const EnsembleBounds::ActivePrimary& primary) const {
  const std::size_t c = primary.column;
  const Interval least{least_low_[primary.value], least_high_[primary.value]};
  const Interval most{most_low_[primary.value], most_high_[primary.value]};
  const Interval average{average_low_[c], average_high_[c]};
  const Interval sum{total_ * average.low, total_ * average.high};
  switch (primary.operation) {
    case Operation::minimum:
      return least;
    case Operation::maximum:
      return most;
    case Operation::range:
      return widened({std::max(0.0, most.low - least.high), most.high - least.low});
    case Operation::mean:
      return widened({plain_low_[c] / count_, plain_high_[c] / count_});
    case Operation::sum:
    case Operation::ssd:
      return widened(sum);
    case Operation::average:
    case Operation::variance:
      return widened(average);
    case Operation::product:
    case Operation::gmean: {
      // Not defined where a value is negative, and 0 where one is 0: then its logarithm stands in
      // the table as 0, which makes the bounds wider.
      if (least.low < 0.0) return kEverything;
      if (least.high == 0.0) return {0.0, 0.0};
      const Interval x = primary.operation == Operation::gmean ? average : sum;
      const Interval out = widened({std::exp(x.low - kWiden), std::exp(x.high + kWiden)});
      return {least.low == 0.0 ? 0.0 : out.low, out.high};
    }
    case Operation::hmean: {
      if (least.low < 0.0) return kEverything;
      if (least.high == 0.0) return {0.0, 0.0};
      const double high = average.low > 0.0 ? std::min(1.0 / average.low, most.high) : most.high;
      const Interval out = widened({1.0 / average.high, high});
      return {least.low == 0.0 ? 0.0 : out.low, out.high};
    }
    case Operation::own_variance:
      return own_variance(c, average);
    case Operation::value:
      return kEverything;
  }
  return kEverything;
}

// Intervals of the active primaries from those of averages and sums.
void Bounder::fill_primaries(std::size_t first, std::size_t last) {
  for (std::size_t i = first; i < last; ++i) {
    Interval out = primary_of(tables_.primaries[i]);
    if (std::isnan(out.low) || std::isnan(out.high)) out = kEverything;
    const double offset = tables_.primaries[i].offset;
    primaries_[i] = {out.low + offset, out.high + offset};
  }
  const EnsembleBounds::PartTrees& trees = tables_.trees[group_->part];
  for (const Cluster& cluster : clusters_) {
    for (const std::size_t i : trees.gaps[cluster.node]) {
      if (i >= first && i < last) primaries_[i] = kEverything;
    }
  }
  companion_primaries_filled_ = last == tables_.primaries.size();
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

// Terms with an active factor; those that also depend on the context over the hull.
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
  bound_composed(hull_->primaries.data());
  companion_ready_ = false;
}

void Bounder::bound_composed(const Interval* context) {
  for (const std::size_t t : tables_.composed) {
    const Interval x = term(tables_.terms[t], context);
    bounds_[2 * t] = x.low;
    bounds_[2 * t + 1] = x.high;
  }
}

void Bounder::mix(const Hull& hull) {
  hull_ = &hull;
  if (tables_.mixed) bound_composed(hull.primaries.data());
}

void Bounder::mix(const Context& context) {
  if (!tables_.mixed) return;
  points_.clear();
  for (const double x : context.primaries) {
    points_.push_back(std::isnan(x) ? kEverything : Interval{x, x});
  }
  bound_composed(points_.data());
}

void Bounder::evaluate(const ElementSets& group, std::span<const int> positions,
                       const double* amounts, const Hull& hull) {
  const EnsembleBounds::PartTrees& trees = tables_.trees[group.part];
  const std::vector<int>& known = tables_.space->parts()[group.part].family->elements();
  group_ = &group;
  hull_ = &hull;
  unseen_ = 0;
  elements_.clear();
  parts_.clear();
  for (std::size_t k = 0; k < positions.size(); ++k) {
    const auto position = static_cast<std::size_t>(positions[k]);
    unseen_ += trees.unseen[trees.leaf[position]];
    elements_.push_back(known[position]);
    parts_.push_back({tables_.row_of[static_cast<std::size_t>(known[position])], amounts[k]});
  }
  features_.active(parts_, values_.data());
  for (std::size_t i = 0; i < values_.size(); ++i) {
    primaries_[i] = std::isnan(values_[i]) ? kEverything : Interval{values_[i], values_[i]};
  }
  for (std::size_t f = 0; f + 1 < tables_.first.size(); ++f) {
    for (std::size_t i = tables_.first[f]; i < tables_.first[f + 1]; ++i) {
      // At a point a form is simply its value.
      const EnsembleBounds::Plain& plain = tables_.plain[i];
      double x = descriptors::apply(static_cast<Form>(f), values_[plain.primary]);
      x = std::isnan(x) ? plain.center : std::clamp(x, plain.low, plain.high);
      bounds_[2 * plain.term] = bounds_[2 * plain.term + 1] = x;
    }
  }
  bound_composed(hull_->primaries.data());
  companion_ready_ = false;
}

// Weighted median: the smallest value at which `half` of the weight is reached. By hypothesis,
// finite; what pads them is overwritten.
double Bounder::median(Lanes& values, double half) {
  const std::size_t count = tables_.hypotheses.size();
  std::fill(values.data() + count, values.data() + whole_lanes(count), values.front());
  // Halving leaves few, which are put in order.
  const RowRange within =
      kernels_.halve_row(values.data(), weights_.data(), whole_lanes(count), half);
  double below = within.below;
  ordered_.clear();
  for (std::size_t i = 0; i < count; ++i) {
    const double value = values.data()[i];
    if (value > within.low && value <= within.high)
      ordered_.emplace_back(value, tables_.weights[i]);
  }
  std::sort(ordered_.begin(), ordered_.end());
  for (const auto& [here, own] : ordered_) {
    below += own;
    if (below >= half) return here;
  }
  // Weights are rounded in the order in which they are added up.
  return ordered_.empty() ? within.high : ordered_.back().first;
}

Bounder::Predicted Bounder::predict(const Context* context, bool exact, bool high_only) {
  const std::size_t count = tables_.hypotheses.size();
  double weighted_low = 0.0;
  double weighted_high = 0.0;
  for (std::size_t h = 0; h < count; ++h) {
    double low = tables_.intercepts[h];
    double high = low;
    const double* bounds = bounds_.data();
    for (const EnsembleBounds::Summand& summand : tables_.hypotheses[h]) {
      low += summand.coefficient * bounds[summand.least];
      high += summand.coefficient * bounds[summand.most];
    }
    low += context != nullptr ? context->sums[h] : hull_->sums[h].low;
    high += context != nullptr ? context->sums[h] : hull_->sums[h].high;
    low_[h] = std::clamp(low, tables_.lowest, tables_.highest);
    high_[h] = std::clamp(high, tables_.lowest, tables_.highest);
    weighted_low += tables_.weights[h] * low_[h];
    weighted_high += tables_.weights[h] * high_[h];
  }
  Predicted out{};
  out.spread_high = kInfinity;
  // The median minimises the mean absolute deviation: about any other point it is larger.
  summarise(exact ? kNaN : 0.5 * (weighted_low + weighted_high) / tables_.total_weight, high_only,
            out);
  return out;
}

// What the hypotheses' bounds say of their median and of the mean absolute deviation from it. c:
// about which that is bounded; NaN: the median's upper bound.
void Bounder::summarise(double c, bool high_only, Predicted& out) {
  const std::size_t count = tables_.hypotheses.size();
  // Sums of weights are rounded in another order here: the half is taken wide.
  const double half = 0.5 * tables_.total_weight;
  out.high = median(high_, half * (1.0 + kWiden));
  out.low = high_only ? -kInfinity : median(low_, half * (1.0 - kWiden));
  if (std::isnan(c)) c = out.high;
  double most = 0.0;
  double least = 0.0;
  for (std::size_t h = 0; h < count; ++h) {
    const double w = tables_.weights[h];
    most += w * std::max(high_[h] - c, c - low_[h]);
    // Whatever the median is, it lies between the two; farther out a hypothesis must differ.
    if (!high_only) least += w * std::max({0.0, low_[h] - out.high, out.low - high_[h]});
  }
  out.spread_high = std::min(out.spread_high, most / tables_.total_weight * (1.0 + kWiden) + 1e-12);
  out.spread_low = least / tables_.total_weight * (1.0 - kWiden);
  out.high += kWiden * (1.0 + std::abs(out.high));
  out.low -= kWiden * (1.0 + std::abs(out.low));
}

const std::vector<Interval>& Bounder::place(const Context* context) {
  for (std::size_t j = 0; j < box_.size(); ++j) {
    const std::size_t t = tables_.coordinate_terms[j];
    const Interval x = tables_.terms[t].active ? Interval{bounds_[2 * t], bounds_[2 * t + 1]}
                       : context != nullptr    ? context->terms[t]
                                               : hull_->terms[t];
    const double center = tables_.coordinate_center[static_cast<Index>(j)];
    const double spread = tables_.coordinate_spread[static_cast<Index>(j)];
    // Rounding keeps the order, so that these ends hold what locate() computes.
    box_[j] = {(x.low - center) / spread, (x.high - center) / spread};
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
  const Interval* box = box_.data();
  const std::size_t dimensions = box_.size();
  double sum = 0.0;
  for (std::size_t j = 0; j < dimensions && sum < stop; ++j) {
    const double d = std::max(box[j].high - point[j], point[j] - box[j].low);
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
