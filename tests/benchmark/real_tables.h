// First-order descriptors of the real tables, standardised, as benchmarks and exactness checks use
// them: XenonPy's properties, the paper's operations, near-duplicates removed.
#pragma once

#include <Eigen/Core>
#include <algorithm>
#include <string>
#include <vector>

#include "core/base/random.h"
#include "core/descriptors/descriptor.h"
#include "tests/core/descriptors/tables.h"
#include "tests/core/regression/huber/plain_solvers.h"

namespace kasetsu::testing {

struct RealTable {
  std::string name;
  Eigen::MatrixXd X;  // standardised first-order descriptors
  Eigen::VectorXd y;
};

struct RealSource {
  std::string name, path;
  bool slots;
};

inline const std::vector<RealSource>& real_sources() {
  static const std::vector<RealSource> sources = {{"TWC-51", "catalysts/afe_twc_51.csv", false},
                                                  {"OCM-171", "catalysts/afe_ocm_171.csv", false},
                                                  {"OCM-376", "catalysts/ocm_slots_376.csv", true}};
  return sources;
}

inline std::vector<chemistry::Catalyst> real_catalysts(const RealSource& source) {
  return source.slots ? slot_table(source.path) : loading_table(source.path);
}

// The last column.
inline Eigen::VectorXd real_target(const RealSource& source) {
  const auto records = shared_csv(source.path);
  Eigen::VectorXd y(static_cast<Eigen::Index>(records.size()) - 1);
  for (Eigen::Index i = 0; i < y.size(); ++i)
    y[i] = cell_number(records[static_cast<std::size_t>(i) + 1].fields.back());
  return y;
}

inline RealTable load_real_table(const RealSource& source) {
  const auto catalysts = real_catalysts(source);
  RealTable table;
  table.name = source.name;
  table.y = real_target(source);
  descriptors::FeaturizerOptions options;
  options.method = descriptors::Method::afe;
  const auto featurizer = descriptors::Featurizer::learn(
      shared_elements("xenonpy_elements_completed.csv"), catalysts, {}, options);
  const Eigen::MatrixXd primaries = featurizer->evaluate(catalysts, {}).value();
  table.X =
      standardised(descriptors::remove_duplicates(descriptors::enumerate(primaries, 1)).values);
  return table;
}

inline std::vector<Eigen::Index> random_subset(const RealTable& table, int size, Random& random) {
  std::vector<Eigen::Index> subset;
  while (static_cast<int>(subset.size()) < size) {
    const auto column =
        static_cast<Eigen::Index>(random.below(static_cast<std::uint64_t>(table.X.cols())));
    if (std::find(subset.begin(), subset.end(), column) == subset.end()) subset.push_back(column);
  }
  return subset;
}

// A random subset after a few hundred random exchanges, each kept when it lowers error(subset).
template <typename Error>
std::vector<Eigen::Index> good_subset(const RealTable& table, int size, Random& random,
                                      const Error& error) {
  std::vector<Eigen::Index> subset = random_subset(table, size, random);
  double best = error(subset);
  for (int attempt = 0; attempt < 300; ++attempt) {
    std::vector<Eigen::Index> next = subset;
    const auto column =
        static_cast<Eigen::Index>(random.below(static_cast<std::uint64_t>(table.X.cols())));
    next[random.below(static_cast<std::uint64_t>(size))] = column;
    if (std::count(next.begin(), next.end(), column) > 1) continue;
    const double reached = error(next);
    if (reached < best) {
      best = reached;
      subset = next;
    }
  }
  return subset;
}

}  // namespace kasetsu::testing
