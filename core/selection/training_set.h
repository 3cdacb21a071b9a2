// What is learnt from, its folds, and the composition as plain numbers.
#pragma once

#include <Eigen/Core>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "core/chemistry/catalyst.h"
#include "core/descriptors/featurizer.h"

namespace kasetsu::selection {

// One row a measured value. Replicates stay separate rows.
struct TrainingSet {
  std::vector<chemistry::Catalyst> catalysts;
  descriptors::Conditions conditions;  // empty, or one row a catalyst
  Eigen::VectorXd y;                   // finite
  // In which batch each row was measured; empty: not told, or of no interest (batch_offsets.h).
  std::vector<std::string> batches = {};
};

// Rows by what was measured: catalyst (canonical key) and conditions.
std::map<std::pair<std::string, std::vector<double>>, std::vector<Eigen::Index>> rows_by_point(
    const TrainingSet& data);

// Which rows make a fold: rows of one catalyst (canonical key) stay together, so that replicates
// and conditions never leak. Catalysts are shuffled by the seed and dealt out so that the folds'
// rows are as even as can be. folds: 2 or more; 0, or more than there are catalysts: one a
// catalyst. Returns by row the fold, 0 ... count - 1.
struct Folds {
  std::vector<int> of_row;
  int count = 0;
};
Folds make_folds(std::span<const chemistry::Catalyst> catalysts, int folds, std::uint64_t seed);

// The rows of a training set in the given order.
TrainingSet subset(const TrainingSet& data, std::span<const int> rows);

// Composition as numbers: amounts of the active elements, then one column a support (1 where it is
// that one), then conditions. Elements and supports that `learnt` does not have count as absent.
struct CompositionColumns {
  std::vector<int> elements;
  std::vector<std::string> supports;
  int conditions = 0;

  static CompositionColumns learn(const TrainingSet& data);
  Eigen::MatrixXd of(std::span<const chemistry::Catalyst> catalysts,
                     const descriptors::Conditions& inputs) const;
  Eigen::MatrixXd of(const TrainingSet& data) const { return of(data.catalysts, data.conditions); }
  Eigen::Index count() const {
    return static_cast<Eigen::Index>(elements.size() + supports.size()) + conditions;
  }
  bool operator==(const CompositionColumns&) const = default;
};

}  // namespace kasetsu::selection
