#include "core/selection/search/convergence.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "core/regression/huber/robust.h"

namespace kasetsu::selection {
namespace {

Eigen::VectorXd leave_one_out(const Candidates& candidates, const Subset& subset) {
  Eigen::MatrixXd columns(candidates.rows(), subset.size);
  Eigen::Index k = 0;
  for (const int member : subset) {
    columns.col(k++) =
        Eigen::Map<const Eigen::VectorXd>(candidates.column(member), candidates.rows());
  }
  const auto found =
      regression::loo_robust(columns, candidates.target(), candidates.options().regression);
  // Only a set whose error could be computed stands in an archive.
  KASETSU_ASSERT(found.ok());
  return candidates.target() - found->residuals;
}

}  // namespace

double relative_change(const Eigen::VectorXd& before, const Eigen::VectorXd& now,
                       const Eigen::VectorXd& y) {
  const double moved = (now - before).cwiseAbs().mean();
  return moved > 0.0 ? moved / (y - now).cwiseAbs().mean() : 0.0;
}

Eigen::VectorXd Convergence::predictions(const Archive& archive, const Executor& executor) {
  const auto wanted = static_cast<std::size_t>(candidates_.options().hypotheses);
  const std::size_t count = std::min(wanted, archive.entries().size());
  std::vector<const Eigen::VectorXd*> of(count, nullptr);
  std::unordered_map<Subset, Eigen::VectorXd, SubsetHash> known;
  std::vector<std::size_t> fresh;
  for (std::size_t h = 0; h < count; ++h) {
    const Subset& subset = archive.entries()[h].subset;
    const auto found = known_.find(subset);
    auto& place = known[subset];
    if (found == known_.end()) {
      fresh.push_back(h);
    } else {
      place = std::move(found->second);
    }
    of[h] = &place;
  }
  std::vector<Eigen::VectorXd> computed(fresh.size());
  executor.parallel_for(fresh.size(), [&](std::size_t i) {
    computed[i] = leave_one_out(candidates_, archive.entries()[fresh[i]].subset);
  });
  for (std::size_t i = 0; i < fresh.size(); ++i)
    known[archive.entries()[fresh[i]].subset] = std::move(computed[i]);
  known_ = std::move(known);
  Eigen::VectorXd median(candidates_.rows());
  std::vector<double> said(count);
  for (Eigen::Index row = 0; row < median.size(); ++row) {
    for (std::size_t h = 0; h < count; ++h) said[h] = (*of[h])[row];
    const auto middle = said.begin() + static_cast<std::ptrdiff_t>(count / 2);
    std::nth_element(said.begin(), middle, said.end());
    median[row] = *middle;
  }
  return median;
}

bool Convergence::settled(const Archive& archive, const Executor& executor) {
  if (archive.entries().empty()) return false;
  Eigen::VectorXd now = predictions(archive, executor);
  const bool moved =
      before_.size() == 0 || relative_change(before_, now, candidates_.target()) > kSettledChange;
  still_ = moved ? 0 : still_ + 1;
  before_ = std::move(now);
  return still_ >= kSettledRounds;
}

}  // namespace kasetsu::selection
