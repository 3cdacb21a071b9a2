// What the forests beside the hypotheses may say of a branch.
#include <algorithm>

#include "core/base/constants.h"
#include "core/planning/bounds/ensemble_bounds.h"
#include "core/regression/random_forest.h"

namespace kasetsu::planning {

using Eigen::Index;

// An element of a group may be absent, unless all of the group are taken with the same amount.
void Bounder::fill_elements(std::size_t companion) {
  const std::vector<int>& columns = tables_.element_columns[companion];
  const std::vector<int>& known = tables_.space->parts()[group_->part].family->elements();
  std::size_t first = 0;
  for (const Cluster& cluster : clusters_) {
    const bool all = static_cast<std::size_t>(cluster.count) == cluster.size;
    for (const std::size_t last = first + cluster.size; first < last; ++first) {
      const auto item = static_cast<std::size_t>(items_[first]);
      const int place = columns[static_cast<std::size_t>(known[item])];
      if (place < 0) continue;
      const auto column = static_cast<std::size_t>(place);
      if (all) companion_low_[column] = cluster.amount;
      companion_high_[column] = std::max(companion_high_[column], cluster.amount);
    }
  }
}

bool Bounder::companions_are_quick() const {
  const std::vector<std::optional<LeafMasks>>& leaves = tables_.trees[group_->part].leaves;
  return std::all_of(leaves.begin(), leaves.end(),
                     [](const auto& each) { return each.has_value(); });
}

double Bounder::companions(bool most) {
  const EnsembleBounds::PartTrees& trees = tables_.trees[group_->part];
  const std::vector<selection::Companion>& all = tables_.predictor->model().companions;
  double sum = 0.0;
  for (std::size_t c = 0; c < all.size(); ++c) {
    const double reached = trees.leaves[c] ? of_leaves(c, most) : of_box(c, most);
    sum += all[c].weight * reached;
  }
  return tables_.share > 0.0 ? sum / tables_.share : sum;
}

double Bounder::of_leaves(std::size_t companion, bool most) {
  taken_.clear();
  for (const Cluster& cluster : clusters_)
    taken_.push_back({cluster.node, cluster.count, cluster.amount, cluster.members, {}});
  const EnsembleBounds::PartTrees& trees = tables_.trees[group_->part];
  const auto context = static_cast<std::size_t>(hull_ - trees.hulls.data());
  of_leaves_.resize(tables_.companions.size());
  return trees.leaves[companion]->extreme(most, taken_, context, of_leaves_[companion]);
}

const std::vector<double>& Bounder::companions_of_items(bool most, const std::vector<char>& asked) {
  const EnsembleBounds::PartTrees& trees = tables_.trees[group_->part];
  const std::vector<selection::Companion>& all = tables_.predictor->model().companions;
  std::size_t item = 0;
  for (std::size_t k = 0; k < clusters_.size(); ++k) {
    taken_[k].asked.reset();
    for (const std::size_t last = item + clusters_[k].size; item < last; ++item) {
      if (asked[item] != 0) taken_[k].asked.set(static_cast<std::size_t>(items_[item]));
    }
  }
  companions_.assign(items_.size(), 0.0);
  of_companion_.assign(items_.size(), 0.0);
  for (std::size_t c = 0; c < all.size(); ++c) {
    trees.leaves[c]->extreme_of_items(most, taken_, of_leaves_[c], of_companion_);
    for (std::size_t i = 0; i < companions_.size(); ++i)
      companions_[i] += all[c].weight / tables_.share * of_companion_[i];
  }
  return companions_;
}

double Bounder::of_box(std::size_t companion, bool most) {
  companion_low_ = hull_->companion_low[companion];
  companion_high_ = hull_->companion_high[companion];
  if (!tables_.companions[companion].empty() && !companion_primaries_filled_) {
    fill_primaries(tables_.wanted.size(), tables_.primaries.size());
    companion_primaries_filled_ = true;
  }
  for (const EnsembleBounds::CompanionColumn& column : tables_.companions[companion]) {
    companion_low_[column.column] = primaries_[column.primary].low;
    companion_high_[column.column] = primaries_[column.primary].high;
  }
  fill_elements(companion);
  const regression::ForestBounds& forest = tables_.forests[companion];
  return most ? forest.most(companion_low_, companion_high_)
              : forest.least(companion_low_, companion_high_);
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
    for (std::size_t k = 0; k < elements_.size(); ++k) {
      const int column = tables_.element_columns[c][static_cast<std::size_t>(elements_[k])];
      if (column >= 0) companion_row_[static_cast<std::size_t>(column)] = parts_[k].amount;
    }
    by_companion_(0, static_cast<Index>(c)) = regression::predict(
        companions[c].forest,
        Eigen::Map<const Eigen::RowVectorXd>(companion_row_.data(),
                                             static_cast<Index>(companion_row_.size())))[0];
  }
  return selection::weighted_mean(companions, by_companion_)[0];
}

}  // namespace kasetsu::planning
