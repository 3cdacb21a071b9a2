#include "core/planning/bounds/ensemble_trees.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <utility>

#include "core/base/constants.h"
#include "core/base/random.h"
#include "core/regression/random_forest.h"

namespace kasetsu::planning {
namespace {

using Eigen::Index;
using Hull = EnsembleBounds::Hull;

constexpr std::size_t kBases = 16;  // compositions in which elements are exchanged
constexpr std::size_t kMostContextNodes = 4096;
constexpr std::size_t kFewContexts = 4096;  // more are told apart by the hypotheses' sums alone

// What a composition under a context is to the model, in numbers that add up to what bounds see:
// each term times the weight that it has in a prediction (or in a place), and the companions.
class Effects {
 public:
  Effects(const EnsembleBounds& tables, EnsembleBounds::Of of)
      : tables_(tables),
        weights_(tables.terms.size(), 0.0),
        features_(tables.predictor->model().features, tables.wanted),
        companion_features_(tables.predictor->model().features, tables.companion_wanted),
        values_(tables.wanted.size()),
        companion_values_(tables.companion_wanted.size()) {
    if (of == EnsembleBounds::Of::places) {
      for (std::size_t j = 0; j < tables.coordinate_terms.size(); ++j)
        weights_[tables.coordinate_terms[j]] +=
            1.0 / tables.coordinate_spread[static_cast<Index>(j)];
      return;
    }
    const selection::Model& model = tables.predictor->model();
    for (std::size_t h = 0; h < tables.hypotheses.size(); ++h) {
      const double weight = (1.0 - tables.share) * tables.weights[h] / tables.total_weight;
      for (const EnsembleBounds::Summand& summand : tables.hypotheses[h])
        weights_[summand.least / 2] += weight * std::abs(summand.coefficient);
      for (const auto& [t, coefficient] : tables.of_context[h])
        weights_[t] += weight * std::abs(coefficient);
    }
    companions_ = model.companions.size();
  }

  Index width() const { return static_cast<Index>(weights_.size() + companions_); }

  void of(std::span<const descriptors::FeatureEvaluator::Part> parts, const Context& context,
          Eigen::Ref<Eigen::RowVectorXd> out) {
    features_.active(parts, values_.data());
    for (std::size_t t = 0; t < weights_.size(); ++t)
      out[static_cast<Index>(t)] = weights_[t] * term(tables_.terms[t], context);
    if (companions_ > 0) companion_features_.active(parts, companion_values_.data());
    const selection::Model& model = tables_.predictor->model();
    for (std::size_t c = 0; c < companions_; ++c) {
      Eigen::RowVectorXd row = Eigen::Map<const Eigen::RowVectorXd>(
          context.companions[c].data(), static_cast<Index>(context.companions[c].size()));
      for (const EnsembleBounds::CompanionColumn& column : tables_.companions[c])
        row[static_cast<Index>(column.column)] = companion_values_[column.value];
      for (const auto& part : parts) {
        const int element = model.features.elements[static_cast<std::size_t>(part.row)];
        const int column = tables_.element_columns[c][static_cast<std::size_t>(element)];
        if (column >= 0) row[column] += part.amount;
      }
      out[static_cast<Index>(weights_.size() + c)] =
          model.companions[c].weight * regression::predict(model.companions[c].forest, row)[0];
    }
  }

 private:
  double term(const EnsembleBounds::Term& term, const Context& context) const {
    double x = 1.0;
    for (const EnsembleBounds::Factor& factor : term.factors) {
      x *= descriptors::apply(
          factor.form, factor.active ? values_[factor.slot] : context.primaries[factor.slot]);
    }
    return std::isnan(x) ? term.center : std::clamp(x, term.low, term.high);
  }

  const EnsembleBounds& tables_;
  std::vector<double> weights_;  // by term
  std::size_t companions_ = 0;
  descriptors::FeatureEvaluator features_, companion_features_;
  std::vector<double> values_, companion_values_;
};

class TableGrower {
 public:
  TableGrower(EnsembleBounds& tables, EnsembleBounds::Of of, const Control& control)
      : tables_(tables),
        control_(control),
        effects_(tables, of),
        places_(of == EnsembleBounds::Of::places) {}

  // Stopped: of no use.
  EnsembleBounds::PartTrees grow(std::size_t p) {
    EnsembleBounds::PartTrees trees;
    const CandidateSpace::Part& part = tables_.space->parts()[p];
    const std::vector<Context>& contexts = tables_.contexts[p];
    if (!part.family || contexts.empty()) return trees;
    draw_bases(*part.family, contexts);
    const std::size_t elements = part.family->elements().size();
    trees.elements = item_tree(elements_table(*part.family), 2 * elements, true, control_);
    if (control_.should_stop()) return trees;
    add_columns(*part.family, trees);
    for (std::size_t c = 0; c < tables_.columns; ++c) {
      for (const int element : part.family->elements()) {
        const int row = tables_.row_of[static_cast<std::size_t>(element)];
        trees.values.push_back(tables_.table[static_cast<std::size_t>(row) * tables_.columns + c]);
      }
    }
    trees.leaf.resize(elements);
    for (std::size_t n = 0; n < trees.elements.nodes.size(); ++n) {
      const std::vector<int>& items = trees.elements.nodes[n].items;
      if (items.size() == 1)
        trees.leaf[static_cast<std::size_t>(items[0])] = static_cast<std::uint8_t>(n);
    }
    trees.contexts = item_tree(contexts_table(contexts), kMostContextNodes, false, control_);
    for (const ItemTree::Node& node : trees.contexts.nodes) {
      trees.hulls.push_back(hull_of(contexts, node.items));
      if (control_.should_stop()) return trees;
    }
    mask_leaves(p, trees);
    return trees;
  }

 private:
  struct Base {
    std::vector<descriptors::FeatureEvaluator::Part> parts;
    std::size_t exchanged = 0;
    std::size_t context = 0;
  };

  void draw_bases(const CompositionFamily& family, const std::vector<Context>& contexts) {
    bases_.clear();
    Random random(1);
    for (std::size_t b = 0; b < kBases; ++b) {
      const chemistry::Composition composition = family.unrank(random.below(family.size()));
      Base base;
      for (const auto& part : composition.parts())
        base.parts.push_back({tables_.row_of[static_cast<std::size_t>(part.element)], part.amount});
      if (base.parts.empty())
        base.parts.push_back(
            {tables_.row_of[static_cast<std::size_t>(family.elements().front())], 1.0});
      base.exchanged = random.below(base.parts.size());
      base.context = random.below(contexts.size());
      bases_.push_back(std::move(base));
    }
    contexts_ = &contexts;
  }

  Eigen::MatrixXd elements_table(const CompositionFamily& family) {
    const auto count = static_cast<Index>(family.elements().size());
    const Index width = effects_.width();
    Eigen::MatrixXd table(count, width * static_cast<Index>(bases_.size()));
    Eigen::RowVectorXd effect(width);
    for (std::size_t b = 0; b < bases_.size(); ++b) {
      std::vector<descriptors::FeatureEvaluator::Part> parts = bases_[b].parts;
      for (Index e = 0; e < count; ++e) {
        const int element = family.elements()[static_cast<std::size_t>(e)];
        parts[bases_[b].exchanged].row = tables_.row_of[static_cast<std::size_t>(element)];
        effects_.of(parts, (*contexts_)[bases_[b].context], effect);
        table.block(e, static_cast<Index>(b) * width, 1, width) =
            effect / static_cast<double>(bases_.size());
      }
    }
    return table;
  }

  Eigen::MatrixXd contexts_table(const std::vector<Context>& contexts) {
    const auto count = static_cast<Index>(contexts.size());
    if (contexts.size() > kFewContexts && !places_) {
      Eigen::MatrixXd table(count, static_cast<Index>(tables_.hypotheses.size()));
      for (Index i = 0; i < count && !control_.should_stop(); ++i) {
        for (Index h = 0; h < table.cols(); ++h)
          table(i, h) = tables_.weights[static_cast<std::size_t>(h)] / tables_.total_weight *
                        contexts[static_cast<std::size_t>(i)].sums[static_cast<std::size_t>(h)];
      }
      return table;
    }
    const std::size_t used = std::clamp<std::size_t>(kFewContexts / contexts.size(), 1, kBases);
    const Index width = effects_.width();
    Eigen::MatrixXd table(count, width * static_cast<Index>(used));
    Eigen::RowVectorXd effect(width);
    for (std::size_t b = 0; b < used; ++b) {
      for (Index i = 0; i < count && !control_.should_stop(); ++i) {
        effects_.of(bases_[b].parts, contexts[static_cast<std::size_t>(i)], effect);
        table.block(i, static_cast<Index>(b) * width, 1, width) =
            effect / static_cast<double>(used);
      }
    }
    return table;
  }

  void add_columns(const CompositionFamily& family, EnsembleBounds::PartTrees& trees) const {
    const std::vector<int>& seen = tables_.predictor->model().elements;
    for (const ItemTree::Node& node : trees.elements.nodes) {
      std::vector<double> sorted(node.items.size() * tables_.columns);
      std::vector<double> column(node.items.size());
      std::vector<std::size_t> gaps;
      std::vector<int> numbers;
      int unseen = 0;
      for (const int item : node.items) {
        const int element = family.elements()[static_cast<std::size_t>(item)];
        if (!std::binary_search(seen.begin(), seen.end(), element)) ++unseen;
        numbers.push_back(element);
        const auto row =
            static_cast<std::size_t>(tables_.row_of[static_cast<std::size_t>(element)]);
        gaps.insert(gaps.end(), tables_.gaps[row].begin(), tables_.gaps[row].end());
      }
      for (std::size_t c = 0; c < tables_.columns; ++c) {
        for (std::size_t k = 0; k < node.items.size(); ++k) {
          const int element = family.elements()[static_cast<std::size_t>(node.items[k])];
          const int row = tables_.row_of[static_cast<std::size_t>(element)];
          column[k] = tables_.table[static_cast<std::size_t>(row) * tables_.columns + c];
        }
        std::sort(column.begin(), column.end());
        for (std::size_t k = 0; k < column.size(); ++k) sorted[k * tables_.columns + c] = column[k];
      }
      std::sort(gaps.begin(), gaps.end());
      gaps.erase(std::unique(gaps.begin(), gaps.end()), gaps.end());
      Items members;
      for (const int item : node.items) members.set(static_cast<std::size_t>(item));
      trees.members.push_back(members);
      trees.sorted.push_back(std::move(sorted));
      trees.gaps.push_back(std::move(gaps));
      trees.unseen.push_back(unseen);
      trees.numbers.push_back(std::move(numbers));
    }
  }

  // Of the companions that see no properties of the elements.
  void mask_leaves(std::size_t p, EnsembleBounds::PartTrees& trees) const {
    const std::vector<selection::Companion>& companions = tables_.predictor->model().companions;
    const std::vector<int>& family = tables_.space->parts()[p].family->elements();
    std::set<double> amounts;
    int most_elements = 0;
    for (const ElementSets& group : tables_.groups) {
      if (group.part != p) continue;
      most_elements = std::max(most_elements, group.count);
      for (const AmountSet& set : group.amounts)
        amounts.insert(set.amounts.begin(), set.amounts.end());
    }
    trees.leaves.resize(tables_.companions.size());
    for (std::size_t c = 0; c < tables_.companions.size(); ++c) {
      if (!tables_.companions[c].empty() || control_.should_stop()) continue;
      std::vector<int> columns;
      for (const int element : family)
        columns.push_back(tables_.element_columns[c][static_cast<std::size_t>(element)]);
      std::vector<std::span<const double>> rows;
      for (const Context& context : tables_.contexts[p]) rows.emplace_back(context.companions[c]);
      trees.leaves[c] = LeafMasks::make(companions[c].forest,
                                        {trees.elements,
                                         columns,
                                         {amounts.begin(), amounts.end()},
                                         most_elements,
                                         trees.contexts,
                                         std::move(rows)},
                                        control_);
    }
  }

  Hull hull_of(const std::vector<Context>& contexts, const std::vector<int>& items) const {
    Hull hull;
    constexpr Interval kNothing{kInfinity, -kInfinity};
    const Context& first = contexts[static_cast<std::size_t>(items.front())];
    hull.primaries.assign(first.primaries.size(), kNothing);
    hull.terms.assign(tables_.terms.size(), kNothing);
    hull.sums.assign(tables_.hypotheses.size(), kNothing);
    for (const std::vector<double>& row : first.companions) {
      hull.companion_low.emplace_back(row.size(), kInfinity);
      hull.companion_high.emplace_back(row.size(), -kInfinity);
    }
    const auto grow = [](Interval& around, double low, double high) {
      around = {std::min(around.low, low), std::max(around.high, high)};
    };
    for (const int item : items) {
      if (control_.should_stop()) return hull;
      const Context& context = contexts[static_cast<std::size_t>(item)];
      for (std::size_t i = 0; i < hull.primaries.size(); ++i) {
        grow(hull.primaries[i], context.primaries[i], context.primaries[i]);
        if (std::isnan(context.primaries[i])) hull.primaries[i] = kEverything;
      }
      for (std::size_t t = 0; t < hull.terms.size(); ++t)
        grow(hull.terms[t], context.terms[t].low, context.terms[t].high);
      for (std::size_t h = 0; h < hull.sums.size(); ++h)
        grow(hull.sums[h], context.sums[h], context.sums[h]);
      for (std::size_t c = 0; c < context.companions.size(); ++c) {
        for (std::size_t j = 0; j < context.companions[c].size(); ++j) {
          const double x = context.companions[c][j];
          const bool known = !std::isnan(x);
          double& low = hull.companion_low[c][j];
          double& high = hull.companion_high[c][j];
          low = std::min(low, known ? x : -kInfinity);
          high = std::max(high, known ? x : kInfinity);
        }
      }
      hull.seen = hull.seen && context.seen;
    }
    add_deviations(contexts, items, hull);
    return hull;
  }

  void add_deviations(const std::vector<Context>& contexts, const std::vector<int>& items,
                      Hull& hull) const {
    const std::size_t count = tables_.hypotheses.size();
    const auto off = [&](int item, std::vector<double>& out) {
      const std::vector<double>& sums = contexts[static_cast<std::size_t>(item)].sums;
      double mean = 0.0;
      for (std::size_t h = 0; h < count; ++h)
        mean += tables_.weights[h] / tables_.total_weight * sums[h];
      for (std::size_t h = 0; h < count; ++h) out[h] = sums[h] - mean;
    };
    std::vector<double> here(count);
    std::vector<Interval> around(count, Interval{kInfinity, -kInfinity});
    for (const int item : items) {
      if (control_.should_stop()) return;
      off(item, here);
      for (std::size_t h = 0; h < count; ++h)
        around[h] = {std::min(around[h].low, here[h]), std::max(around[h].high, here[h])};
    }
    for (const Interval& x : around) hull.off_middle.push_back(0.5 * (x.low + x.high));
    for (const int item : items) {
      if (control_.should_stop()) return;
      off(item, here);
      double radius = 0.0;
      for (std::size_t h = 0; h < count; ++h) {
        const double size = std::abs(here[h]) + std::abs(hull.off_middle[h]);
        radius += tables_.weights[h] * (std::abs(here[h] - hull.off_middle[h]) + kWiden * size);
      }
      hull.off_radius = std::max(hull.off_radius, radius);
    }
  }

  EnsembleBounds& tables_;
  const Control& control_;
  Effects effects_;
  bool places_;
  std::vector<Base> bases_;
  const std::vector<Context>* contexts_ = nullptr;
};

}  // namespace

bool grow_trees(EnsembleBounds& tables, EnsembleBounds::Of of, const Control& control) {
  TableGrower grower(tables, of, control);
  for (std::size_t p = 0; p < tables.space->parts().size() && !control.should_stop(); ++p)
    tables.trees.push_back(grower.grow(p));
  return !control.should_stop();
}

}  // namespace kasetsu::planning
