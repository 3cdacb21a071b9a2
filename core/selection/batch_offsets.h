// How much the batches of a table differ by the instrument: estimated from bridge samples, the
// catalysts (under the same conditions) that were measured in more than one batch.
#pragma once

#include <Eigen/Core>
#include <string>
#include <string_view>
#include <vector>

#include "core/selection/training_set.h"

namespace kasetsu::selection {

struct BatchOffsets {
  struct Batch {
    std::string name;
    double offset = 0.0;          // measured = true + offset; 0 where no bridge tells it
    double standard_error = 0.0;  // of it
    int rows = 0;
    int bridges = 0;  // of its rows: of a point that other batches measured, too
    bool operator==(const Batch&) const = default;
  };
  std::vector<Batch> batches;  // in the order of their first rows; empty: there were no labels
  int bridge_points = 0;       // measured in two batches or more
  double between_sd = 0.0;     // of offsets (tau)
  double within_sd = 0.0;      // of one measurement about its point and batch (sigma)
  int df = 0;                  // degrees of freedom behind within_sd
  double p = 1.0;              // of bridges differing so much by chance alone (F test)
  std::string why_none;        // a sentence, where offsets could not be told and all are 0

  // 0 for a batch that is not known.
  double of(std::string_view name) const;
  bool operator==(const BatchOffsets&) const = default;
};

// Degrees of freedom beyond the batches' that the bridges must leave, so that drift can be told
// from the error of a measurement: two references in each of four batches leave three.
inline constexpr int kFewestBatchDf = 3;

// y = point + offset of the batch + error, points fixed, offsets and errors normal; the ratio of
// the two variances by restricted maximum likelihood, offsets by their conditional expectation
// (best linear unbiased prediction: Robinson, Statistical Science 6, 15, 1991), which shrinks them
// to 0 the more, the fewer bridges there are and the less the batches differ. Offsets of batches
// that are linked with one another by bridges sum to 0. data.batches: one label a row, or none at
// all.
BatchOffsets batch_offsets(const TrainingSet& data);

// y without the offsets of its batches.
Eigen::VectorXd without_offsets(const TrainingSet& data, const BatchOffsets& offsets);

}  // namespace kasetsu::selection
