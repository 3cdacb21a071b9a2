// What the forests beside the hypotheses may say of a branch.
#include "core/planning/bounds/ensemble_bounds.h"

#include "core/base/constants.h"
#include "core/regression/random_forest.h"

namespace kasetsu::planning {

using Eigen::Index;

// An element of a group may be absent, unless all of the group are taken with the same amount.
void Bounder::fill_elements(std::size_t companion) {
  const std::vector<int>& columns = tables_.element_columns[companion];
  const std::vector<int>& known = tables_.space->parts()[group_->part].family->elements();
  const ItemTree& tree = tables_.trees[group_->part].elements;
  for (const Cluster& cluster : clusters_) {
    const std::vector<int>& items = tree.nodes[cluster.node].items;
    const bool all = static_cast<std::size_t>(cluster.count) == items.size();
    for (const int item : items) {
      const int place = columns[static_cast<std::size_t>(known[static_cast<std::size_t>(item)])];
      if (place < 0) continue;
      const auto column = static_cast<std::size_t>(place);
      if (all) companion_low_[column] = cluster.amount;
      companion_high_[column] = std::max(companion_high_[column], cluster.amount);
    }
  }
}

double Bounder::companions(bool most) {
  const std::vector<selection::Companion>& all = tables_.predictor->model().companions;
  double sum = 0.0;
  for (std::size_t c = 0; c < all.size(); ++c) {
    companion_low_ = hull_->companion_low[c];
    companion_high_ = hull_->companion_high[c];
    if (!tables_.companions[c].empty() && !companion_primaries_filled_) {
      fill_primaries(tables_.wanted.size(), tables_.primaries.size());
      companion_primaries_filled_ = true;
    }
    for (const EnsembleBounds::CompanionColumn& column : tables_.companions[c]) {
      companion_low_[column.column] = primaries_[column.primary].low;
      companion_high_[column.column] = primaries_[column.primary].high;
    }
    fill_elements(c);
    const regression::ForestBounds& forest = tables_.forests[c];
    sum += all[c].weight * (most ? forest.most(companion_low_, companion_high_)
                                 : forest.least(companion_low_, companion_high_));
  }
  return tables_.share > 0.0 ? sum / tables_.share : sum;
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
