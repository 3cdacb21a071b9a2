// From compositions to primary features (order 0): aggregations of element properties over a
// catalyst's elements. Taniike et al., Communications Chemistry 7, 11 (2024),
// doi 10.1038/s42004-023-01086-y.
#pragma once

#include <Eigen/Core>
#include <span>
#include <string>
#include <vector>

#include "core/chemistry/catalyst.h"
#include "core/chemistry/element_table.h"
#include "core/result.h"

namespace kasetsu::descriptors {

enum class Method {
  afe,      // the paper's: active elements only, eight (or five) operations
  extended  // afe, and separate blocks for the support, more operations, and conditions
};
enum class Loading {
  automatic,  // variable when the total loading of the training set varies by more than 1e-6 of
              // itself
  variable,   // all eight operations of the paper
  constant    // min, max, avg, var, gmean: the others would repeat them
};
enum class Normalization {
  afe65,    // min-max over AFE's 65 elements
  dataset,  // over the elements that the training set uses
  all       // over all elements of the table
};
enum class Operation {
  // the paper's
  minimum,
  maximum,
  sum,
  average,
  ssd,
  variance,
  product,
  gmean,
  // extended
  own_variance,  // sum n_k (x_k - avg)^2 / W: about the catalyst's own mean
  range,         // max - min
  hmean,         // W / sum (n_k / x_k)
  mean,          // unweighted mean over the elements present
  value          // a condition, as it is; a support cation's own value
};
enum class Block { active, support_cation, support, condition };

std::string_view to_string(
    Operation operation);  // "min", "max", "sum", "avg", "ssd", "var", "prod", "gmean", ...

struct FeaturizerOptions {
  Method method = Method::extended;  // lower error on later batches of methane coupling than afe
  Loading loading = Loading::automatic;
  Normalization normalize = Normalization::afe65;  // the paper's
  // Returns one sentence naming field, value and bound.
  Status validate() const;
};

// Numbers that belong to a run rather than to a catalyst (temperature, ratio, ...), only when the
// user names them as inputs. values: catalysts x names.size(); empty when there are none.
struct Conditions {
  std::vector<std::string> names;
  Eigen::MatrixXd values;
};

struct Primary {
  std::string name;  // "en_pauling_avg"; "support.en_pauling_avg"; "support_cation.en_pauling_avg";
                     // "condition.T"
  std::string property;  // column of the element table, or the condition
  Block block;
  Operation operation;
};

// Everything learnt from a training set, as plain data: stored with the model, applied unchanged to
// new catalysts.
struct FeaturizerState {
  FeaturizerOptions options;            // loading is variable or constant here, never automatic
  std::string element_table;            // fingerprint
  std::vector<std::string> properties;  // of the element table, all
  std::vector<int> elements;            // atomic numbers that the table has
  Eigen::MatrixXd normalized;  // elements x properties, min-max scaled; NaN where undefined
  Eigen::VectorXd
      active_mean;  // unweighted mean over the elements that the data set uses, by property (m)
  Eigen::VectorXd support_mean;  // the same for supports
  std::vector<std::string> condition_names;
  std::vector<Primary> primaries;  // kept, in the order of the columns
  Eigen::VectorXd
      offset;  // by kept primary: 1e-4 times its smallest non-zero value in the training set
};

class Featurizer {
 public:
  // Learns from the training set. Errors (bad_data): an element that the table lacks, a catalyst
  // without active elements where all features would be undefined is NOT an error (its block is
  // NaN-free by definition below). Constant columns and columns with a NaN are dropped, then
  // offsets are learnt: order matters.
  static Result<Featurizer> learn(const chemistry::ElementTable& elements,
                                  std::span<const chemistry::Catalyst> catalysts,
                                  const Conditions& conditions, const FeaturizerOptions& options);
  static Result<Featurizer> from_state(FeaturizerState state);

  const FeaturizerState& state() const { return state_; }
  const std::vector<Primary>& primaries() const { return state_.primaries; }

  // catalysts x primaries().size(), offsets added. Error for an element that the table lacks.
  Result<Eigen::MatrixXd> evaluate(std::span<const chemistry::Catalyst> catalysts,
                                   const Conditions& conditions) const;

 private:
  FeaturizerState state_;
};

// Order 0 before dropping and shifting: every operation of every property, for featurize --raw and
// for the oracles.
struct RawFeatures {
  std::vector<Primary> primaries;
  Eigen::MatrixXd values;
};
Result<RawFeatures> raw_features(const chemistry::ElementTable& elements,
                                 std::span<const chemistry::Catalyst> catalysts,
                                 const Conditions& conditions, const FeaturizerOptions& options);

}  // namespace kasetsu::descriptors
