#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "core/base/constants.h"
#include "core/base/fnv.h"
#include "core/planning/bounds/ensemble_bounds.h"
#include "core/planning/bounds/ensemble_trees.h"
#include "core/planning/space/counting.h"

namespace kasetsu::planning {
namespace {

using descriptors::Block;
using descriptors::Operation;
using Eigen::Index;

constexpr std::size_t kMostContexts = 100'000;  // of a part
constexpr std::size_t kMostAmountSets = 200'000;

EnsembleBounds::Column column_of(Operation operation) {
  using Column = EnsembleBounds::Column;
  switch (operation) {
    case Operation::ssd:
    case Operation::variance:
      return Column::squares;
    case Operation::product:
    case Operation::gmean:
      return Column::logarithm;
    case Operation::hmean:
      return Column::inverse;
    default:
      return Column::value;
  }
}

// Finds things whose numbers are the same, one after another.
class Alike {
 public:
  explicit Alike(std::size_t most_things) : slots_(2 * most_things + 1, {0, kNothing}) {}
  // The first thing with these numbers, or `self`, which is then kept. numbers_of: of a thing that
  // was kept before.
  template <typename NumbersOf>
  std::uint32_t first_like(std::uint32_t self, const std::vector<double>& numbers,
                           const NumbersOf& numbers_of) {
    Fnv1a hash;
    for (const double x : numbers)
      hash.number(std::bit_cast<std::uint64_t>(std::isnan(x) ? kNaN : x + 0.0));
    const auto same = [](double a, double b) { return a == b || (std::isnan(a) && std::isnan(b)); };
    for (std::size_t at = hash.value() % slots_.size();; at = (at + 1) % slots_.size()) {
      auto& [of, kept] = slots_[at];
      if (kept == kNothing) {
        of = hash.value();
        return kept = self;
      }
      if (of != hash.value()) continue;
      const std::vector<double> others = numbers_of(kept);
      if (std::equal(numbers.begin(), numbers.end(), others.begin(), others.end(), same))
        return kept;
    }
  }

 private:
  static constexpr auto kNothing = std::numeric_limits<std::uint32_t>::max();
  // Hashes and things, each at the place of its hash or soon after.
  std::vector<std::pair<std::uint64_t, std::uint32_t>> slots_;
};

class Builder {
 public:
  Builder(const selection::Predictor& predictor, const CandidateSpace& space,
          const Control& control, EnsembleBounds& out)
      : model_(predictor.model()),
        state_(model_.features),
        space_(space),
        control_(control),
        out_(out) {
    out_.predictor = &predictor;
    out_.space = &space;
  }

  bool build(EnsembleBounds::Of of) {
    const bool predictions = of == EnsembleBounds::Of::predictions;
    const std::size_t hypotheses = predictions ? model_.hypotheses.size() : 1;
    number_primaries(hypotheses);
    if (predictions) list_companions();
    fill_table();
    list_terms(hypotheses);
    const selection::FollowedRange reach = selection::predicted_range(model_);
    out_.lowest = reach.low;
    out_.highest = reach.high;
    if (!list_groups()) return false;
    for (std::size_t p = 0; p < space_.parts().size(); ++p) {
      if (!add_contexts(space_.parts()[p])) return false;
    }
    return grow_trees(out_, of, control_);
  }

 private:
  // Primaries that the hypotheses use, apart by what they depend on; properties as columns.
  void number_primaries(std::size_t hypotheses) {
    std::vector<bool> used(state_.primaries.size(), false);
    for (std::size_t h = 0; h < hypotheses; ++h) {
      for (const descriptors::Descriptor& descriptor : model_.hypotheses[h].descriptors) {
        for (int f = 0; f < descriptor.order; ++f) {
          used[static_cast<std::size_t>(descriptor.factors[f].primary)] = true;
        }
      }
    }
    for (std::size_t j = 0; j < state_.properties.size(); ++j) {
      property_index_[state_.properties[j]] = j;
    }
    slots_.resize(state_.primaries.size());
    for (std::size_t i = 0; i < state_.primaries.size(); ++i) {
      if (!used[i]) continue;
      const descriptors::Primary& primary = state_.primaries[i];
      if (primary.block != Block::active) {
        slots_[i] = {false, context_of_.size()};
        context_of_.push_back(i);
        continue;
      }
      add_active(i);
      out_.wanted.push_back(static_cast<int>(i));
    }
  }

  void add_active(std::size_t i) {
    const descriptors::Primary& primary = state_.primaries[i];
    const std::size_t property = property_index_.at(primary.property);
    const std::size_t value = column(property, EnsembleBounds::Column::value);
    slots_[i] = {true, out_.primaries.size()};
    out_.primaries.push_back({primary.operation, column(property, column_of(primary.operation)),
                              value, state_.offset[static_cast<Index>(i)]});
    if (primary.operation != Operation::own_variance) return;
    out_.primaries.back().squares = column(property, EnsembleBounds::Column::squares);
    out_.primaries.back().about = state_.active_mean[static_cast<Index>(property)];
  }

  std::size_t column(std::size_t property, EnsembleBounds::Column kind) {
    const auto [at, fresh] = columns_.emplace(std::pair{property, kind}, column_list_.size());
    if (fresh) column_list_.emplace_back(property, kind);
    return at->second;
  }

  void fill_table() {
    out_.columns = column_list_.size();
    out_.row_of.assign(128, -1);
    out_.table.assign(state_.elements.size() * out_.columns, 0.0);
    out_.gaps.resize(state_.elements.size());
    for (std::size_t r = 0; r < state_.elements.size(); ++r) {
      out_.row_of[static_cast<std::size_t>(state_.elements[r])] = static_cast<int>(r);
      std::vector<bool> unknown(out_.columns, false);
      for (std::size_t c = 0; c < out_.columns; ++c) {
        const auto [property, kind] = column_list_[c];
        const double x = state_.normalized(static_cast<Index>(r), static_cast<Index>(property));
        const double m = state_.active_mean[static_cast<Index>(property)];
        double value = x;
        if (kind == EnsembleBounds::Column::squares) value = (x - m) * (x - m);
        // Where these are not defined, the smallest value decides before they are looked at.
        if (kind == EnsembleBounds::Column::logarithm) value = x > 0.0 ? std::log(x) : 0.0;
        if (kind == EnsembleBounds::Column::inverse) value = x > 0.0 ? 1.0 / x : 0.0;
        unknown[c] = !std::isfinite(x) || !std::isfinite(value);
        out_.table[r * out_.columns + c] = unknown[c] ? 0.0 : value;
      }
      for (std::size_t i = 0; i < out_.primaries.size(); ++i) {
        if (unknown[out_.primaries[i].column] || unknown[out_.primaries[i].value]) {
          out_.gaps[r].push_back(i);
        }
      }
    }
  }

  // Distinct descriptors: equal ones have equal ranges, because they were seen on the same rows.
  std::size_t term_of(const selection::Hypothesis& hypothesis, std::size_t j) {
    const descriptors::Descriptor& descriptor = hypothesis.descriptors[j];
    std::vector<int> name;
    for (int f = 0; f < descriptor.order; ++f) {
      name.push_back(descriptor.factors[f].primary);
      name.push_back(static_cast<int>(descriptor.factors[f].form));
    }
    const auto [at, fresh] = known_terms_.emplace(name, out_.terms.size());
    if (fresh) {
      EnsembleBounds::Term term;
      for (int f = 0; f < descriptor.order; ++f) {
        const auto [active, slot] = slots_[static_cast<std::size_t>(descriptor.factors[f].primary)];
        term.factors.push_back({active, slot, descriptor.factors[f].form});
        (active ? term.active : term.context) = true;
      }
      const auto [low, high] = followed_range(hypothesis, static_cast<Index>(j));
      term.low = low;
      term.high = high;
      term.center = hypothesis.center[static_cast<Index>(j)];
      out_.mixed |= term.active && term.context;
      out_.terms.push_back(std::move(term));
    }
    return at->second;
  }

  void list_terms(std::size_t hypotheses) {
    for (std::size_t h = 0; h < hypotheses; ++h) {
      const selection::Hypothesis& hypothesis = model_.hypotheses[h];
      std::vector<EnsembleBounds::Summand> active;
      std::vector<std::pair<std::size_t, double>> rest;
      for (std::size_t j = 0; j < hypothesis.descriptors.size(); ++j) {
        const std::size_t t = term_of(hypothesis, j);
        const double coefficient = hypothesis.coefficients[static_cast<Index>(j)];
        if (out_.terms[t].active) {
          active.push_back({2 * t + (coefficient >= 0.0 ? 0 : 1),
                            2 * t + (coefficient >= 0.0 ? 1 : 0), coefficient});
        } else {
          rest.emplace_back(t, coefficient);
        }
      }
      out_.hypotheses.push_back(std::move(active));
      out_.of_context.push_back(std::move(rest));
      out_.intercepts.push_back(hypothesis.intercept);
      out_.weights.push_back(hypothesis.weight);
      out_.total_weight += hypothesis.weight;
    }
    average_hypotheses();
    const selection::Hypothesis& first = model_.hypotheses.front();
    for (std::size_t j = 0; j < first.descriptors.size(); ++j) {
      out_.coordinate_terms.push_back(term_of(first, j));
    }
    out_.coordinate_center = first.center;
    out_.coordinate_spread = first.spread;
    for (int form = 0; form < descriptors::kForms; ++form) {
      out_.first[static_cast<std::size_t>(form)] = out_.plain.size();
      for (std::size_t t = 0; t < out_.terms.size(); ++t) {
        const EnsembleBounds::Term& term = out_.terms[t];
        if (!term.active || term.factors.size() != 1 ||
            static_cast<int>(term.factors[0].form) != form) {
          continue;
        }
        out_.plain.push_back({t, term.factors[0].slot, term.low, term.high, term.center});
      }
    }
    out_.first.back() = out_.plain.size();
    for (std::size_t t = 0; t < out_.terms.size(); ++t) {
      if (out_.terms[t].active && out_.terms[t].factors.size() > 1) out_.composed.push_back(t);
    }
  }

  void average_hypotheses() {
    std::vector<double> mean(out_.terms.size(), 0.0);
    for (std::size_t h = 0; h < out_.hypotheses.size(); ++h) {
      const double weight = out_.weights[h] / out_.total_weight;
      out_.mean_intercept += weight * out_.intercepts[h];
      for (const EnsembleBounds::Summand& summand : out_.hypotheses[h]) {
        mean[summand.least / 2] += weight * summand.coefficient;
        out_.hypothesis_rows.add(summand.least / 2, summand.coefficient);
      }
      out_.hypothesis_rows.end_row();
    }
    while (out_.hypothesis_rows.sums().rows % kLanes != 0) out_.hypothesis_rows.end_row();
    for (std::size_t t = 0; t < mean.size(); ++t) {
      if (mean[t] == 0.0) continue;
      out_.mean_hypothesis.emplace_back(t, mean[t]);
      out_.mean_row.add(t, mean[t]);
    }
    out_.mean_row.end_row();
    spread_coefficients(mean);
  }

  void spread_coefficients(const std::vector<double>& mean) {
    std::vector<std::vector<std::pair<double, double>>> by_term(mean.size());
    for (std::size_t h = 0; h < out_.hypotheses.size(); ++h) {
      for (const EnsembleBounds::Summand& summand : out_.hypotheses[h])
        by_term[summand.least / 2].emplace_back(summand.coefficient, out_.weights[h]);
    }
    for (std::size_t t = 0; t < mean.size(); ++t) {
      double others = out_.total_weight;
      double total = out_.total_weight * std::abs(mean[t]);
      for (const auto& [coefficient, weight] : by_term[t]) {
        others -= weight;
        total += weight * std::abs(coefficient);
      }
      by_term[t].emplace_back(0.0, others);
      const double median = weighted_median(by_term[t], 0.5 * out_.total_weight);
      double deviation = 0.0;
      for (const auto& [coefficient, weight] : by_term[t])
        deviation += weight * std::abs(coefficient - median);
      out_.median_coefficients.push_back(median);
      out_.deviations.push_back(deviation);
      out_.total_coefficients.push_back(total);
    }
  }

  // Of values with their weights.
  static double weighted_median(std::vector<std::pair<double, double>> values, double half) {
    std::sort(values.begin(), values.end());
    double reached = 0.0;
    for (const auto& [value, weight] : values) {
      reached += weight;
      if (reached >= half) return value;
    }
    return values.back().first;
  }

  bool list_groups() {
    std::size_t sets_of_amounts = 0;
    for (std::size_t p = 0; p < space_.parts().size(); ++p) {
      const auto& part = space_.parts()[p];
      if (!part.family) continue;  // lists are looked at one by one
      for (int count = part.family->smallest(); count <= part.family->largest(); ++count) {
        if (part.family->patterns(count) == 0) continue;
        ElementSets group;
        group.part = p;
        group.count = count;
        group.size = part.family->subsets(count);
        group.amounts = amount_sets(*part.family, count);
        sets_of_amounts += group.amounts.size();
        if (group.amounts.empty() || sets_of_amounts > kMostAmountSets) return false;
        out_.sets = plus(out_.sets, group.size);
        if (group.size > 0) out_.groups.push_back(std::move(group));
      }
    }
    return true;
  }

  void list_companions() {
    std::map<int, std::size_t> place;  // in companion_wanted, by primary
    const std::set<int> of_hypotheses(out_.wanted.begin(), out_.wanted.end());
    for (const selection::Companion& companion : model_.companions) {
      out_.share += companion.weight;
      out_.forests.emplace_back(companion.forest);
      std::vector<EnsembleBounds::CompanionColumn> columns;
      for (std::size_t c = 0; c < companion.primaries.size(); ++c) {
        const int i = companion.primaries[c];
        if (state_.primaries[static_cast<std::size_t>(i)].block != Block::active) continue;
        const auto [found, added] = place.emplace(i, out_.companion_wanted.size());
        if (added) {
          out_.companion_wanted.push_back(i);
          if (of_hypotheses.count(i) == 0) add_active(static_cast<std::size_t>(i));
        }
        columns.push_back({c, found->second, slots_[static_cast<std::size_t>(i)].second});
      }
      out_.companions.push_back(std::move(columns));
      std::vector<int> of_element(128, -1);
      const std::vector<int>& elements = companion.composition.elements;
      for (std::size_t k = 0; k < elements.size(); ++k) {
        of_element[static_cast<std::size_t>(elements[k])] =
            static_cast<int>(companion.primaries.size() + k);
      }
      out_.element_columns.push_back(std::move(of_element));
    }
  }

  // Supports x conditions, with what depends on them alone. False also where it was stopped.
  bool add_contexts(const CandidateSpace::Part& part) {
    std::vector<Context> here;
    const std::uint64_t conditions = space_.condition_points();
    if (part.family && part.supports.size() * conditions > kMostContexts) return false;
    descriptors::FeatureEvaluator features(state_);
    const std::size_t most = part.family ? part.supports.size() * conditions : 0;
    Alike of_predictions(most), of_coordinates(most);
    for (std::size_t s = 0; part.family && s < part.supports.size(); ++s) {
      std::vector<descriptors::FeatureEvaluator::Part> formula;
      for (const auto& e : part.supports[s].formula.parts()) {
        const int row = features.row_of(e.element);
        if (row < 0) return false;
        formula.push_back({row, e.amount});
      }
      for (std::uint64_t c = 0; c < conditions; ++c) {
        if (control_.should_stop()) return false;
        Context context;
        context.support = s;
        context.condition = c;
        std::vector<double> all(state_.primaries.size(), 0.0);
        features.support(formula, all.data());
        const std::optional<std::vector<double>> values = conditions_of(c);
        if (!values) return false;
        features.conditions(*values, all.data());
        context.seen = std::binary_search(model_.supports.begin(), model_.supports.end(),
                                          part.supports[s].name);
        finish(all, part.supports[s].name, *values, context);
        const auto self = static_cast<std::uint32_t>(here.size());
        context.prediction_twin = of_predictions.first_like(
            self, seen_by_predictions(context),
            [&](std::uint32_t other) { return seen_by_predictions(here[other]); });
        context.coordinate_twin = of_coordinates.first_like(
            self, seen_by_coordinates(context),
            [&](std::uint32_t other) { return seen_by_coordinates(here[other]); });
        here.push_back(std::move(context));
      }
    }
    out_.contexts.push_back(std::move(here));
    return true;
  }

  // A point's values of the model's conditions, by name; nothing where the space lacks one.
  std::optional<std::vector<double>> conditions_of(std::uint64_t point) const {
    const std::vector<double> told = space_.condition_values(point);
    const std::vector<ConditionLevels>& levels = space_.conditions();
    std::vector<double> values;
    for (const std::string& name : state_.condition_names) {
      const auto found = std::find_if(levels.begin(), levels.end(),
                                      [&](const auto& one) { return one.name == name; });
      if (found == levels.end()) return {};
      values.push_back(told[static_cast<std::size_t>(found - levels.begin())]);
    }
    return values;
  }

  void finish(const std::vector<double>& all, const std::string& support,
              const std::vector<double>& conditions, Context& context) {
    for (const std::size_t i : context_of_) context.primaries.push_back(all[i]);
    context.terms.resize(out_.terms.size(), {0.0, 0.0});
    for (std::size_t t = 0; t < out_.terms.size(); ++t) {
      const EnsembleBounds::Term& term = out_.terms[t];
      if (term.active) continue;
      double x = 1.0;
      for (std::size_t f = 0; f < term.factors.size(); ++f) {
        const double factor =
            descriptors::apply(term.factors[f].form, context.primaries[term.factors[f].slot]);
        x = f == 0 ? factor : x * factor;
      }
      x = std::isnan(x) ? term.center : std::clamp(x, term.low, term.high);
      context.terms[t] = {x, x};
    }
    for (const auto& linear : out_.of_context) {
      double sum = 0.0;
      for (const auto& [t, coefficient] : linear) sum += coefficient * context.terms[t].low;
      context.sums.push_back(sum);
    }
    for (std::size_t c = 0; c < out_.companions.size(); ++c) {
      add_companion(model_.companions[c], all, support, conditions, context);
    }
  }

  // A companion's row as far as support and conditions tell it.
  void add_companion(const selection::Companion& companion, const std::vector<double>& all,
                     const std::string& support, const std::vector<double>& conditions,
                     Context& context) const {
    std::vector<double> row;
    for (const int primary : companion.primaries) {
      const auto i = static_cast<std::size_t>(primary);
      row.push_back(state_.primaries[i].block == Block::active ? 0.0 : all[i]);
    }
    const selection::CompositionColumns& composition = companion.composition;
    row.resize(row.size() + composition.elements.size(), 0.0);
    for (const std::string& name : composition.supports) row.push_back(name == support ? 1.0 : 0.0);
    for (int j = 0; j < composition.conditions; ++j)
      row.push_back(conditions[static_cast<std::size_t>(j)]);
    context.companions.push_back(std::move(row));
  }

  // What of a context predictions depend on, and coordinates.
  static std::vector<double> seen_by_predictions(const Context& context) {
    std::vector<double> numbers = context.primaries;
    for (const std::vector<double>& row : context.companions)
      numbers.insert(numbers.end(), row.begin(), row.end());
    numbers.push_back(context.seen ? 1.0 : 0.0);
    return numbers;
  }
  std::vector<double> seen_by_coordinates(const Context& context) const {
    std::vector<double> numbers;
    for (const std::size_t t : out_.coordinate_terms) {
      const EnsembleBounds::Term& term = out_.terms[t];
      if (!term.context) continue;
      // A mixed coordinate has a context's primary in it: only equal primaries are then equal.
      if (term.active) return context.primaries;
      numbers.push_back(context.terms[t].low);
    }
    return numbers;
  }

  const selection::Model& model_;
  const descriptors::FeaturizerState& state_;
  const CandidateSpace& space_;
  const Control& control_;
  EnsembleBounds& out_;
  std::map<std::string, std::size_t> property_index_;
  std::vector<std::pair<bool, std::size_t>> slots_;  // by primary of the model
  std::vector<std::size_t> context_of_;
  std::map<std::pair<std::size_t, EnsembleBounds::Column>, std::size_t> columns_;
  std::vector<std::pair<std::size_t, EnsembleBounds::Column>> column_list_;
  std::map<std::vector<int>, std::size_t> known_terms_;
};

}  // namespace

std::unique_ptr<EnsembleBounds> EnsembleBounds::make(const selection::Predictor& predictor,
                                                     const CandidateSpace& space, Of of,
                                                     const Control& control) {
  auto tables = std::make_unique<EnsembleBounds>();
  if (!Builder(predictor, space, control, *tables).build(of)) return nullptr;
  return tables;
}

}  // namespace kasetsu::planning
