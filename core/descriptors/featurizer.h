// From compositions to primary features (order 0): aggregations of element properties over a
// catalyst's elements. Taniike et al., Communications Chemistry 7, 11 (2024),
// doi 10.1038/s42004-023-01086-y; METHOD section 1.
//
// How a value comes about. Each property is min-max scaled over a fixed set of elements; each
// operation (aggregation.h) condenses the scaled values of a catalyst's elements into one number;
// the offset learnt from the training set is added. Everything learnt is FeaturizerState, plain
// data; evaluating a new catalyst uses nothing else and is the same whatever stands beside it.
//
// Treatment of the training set, as the paper's authors' script does it (checked against its
// output): first, columns with a NaN and columns that are constant are dropped (constant: max - min
// <= 1e-12 max|.|, which also catches columns that differ by rounding only); then to every column
// that is left, also to one without a zero, 1e-4 times its smallest non-zero value is added. We
// take the smallest by absolute value: the sign matters only for elements outside the scaling set,
// where scaled values can be negative, and so an offset never makes a zero.
//
// Elements given twice (slots) are one element with the sum of the amounts.
//
// Blocks. active: what the paper has. The method `extended` adds to it:
//   own_var, range, hmean and mean of the active elements;
//   "support_cation.P": average of P over the support's elements other than oxygen (of a support of
//     oxygen alone, or none: 0);
//   "support.P_avg", "_min", "_max", "_own_var", "_range" over the support's full formula;
// of which a column that is an affine copy of an earlier one of the same property (|r| > 1 - 1e-10
// on the training set) is dropped. Conditions that the caller gives are primaries with either
// method: naming them is asking for them.
//
// A catalyst without active elements (a bare support, a blank) has 0 for every operation of the
// active block, the low end of the scale, and 1 for prod, the empty product; so also a catalyst
// without support in the support's blocks. No other catalyst has 0 in all of these.
#pragma once

#include <Eigen/Core>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/control.h"
#include "core/base/names.h"
#include "core/base/result.h"
#include "core/chemistry/catalyst.h"
#include "core/chemistry/element_table.h"
#include "core/descriptors/aggregation.h"

namespace kasetsu::descriptors {

enum class Method : std::uint8_t {
  afe,      // the paper's: active elements only, eight (or five) operations
  extended  // afe, and separate blocks for the support, and more operations
};
enum class Loading : std::uint8_t {
  automatic,  // variable when the total loading of the training set varies by more than 1e-6 of
              // its largest
  variable,   // all eight operations of the paper
  constant    // min, max, avg, var, gmean: the others would repeat them
};
enum class Normalization : std::uint8_t {
  afe65,    // min-max over AFE's 65 elements (those of them that the table has)
  dataset,  // over the elements that the training set uses; with `extended` also the supports'
  all       // over all elements of the table
};
enum class Block : std::uint8_t { active, support_cation, support, condition };

// The names of the command line, the campaign file and stored models.
inline constexpr auto kMethodNames =
    name_table<Method>({{Method::afe, "afe"}, {Method::extended, "extended"}});
inline constexpr auto kLoadingNames = name_table<Loading>({{Loading::automatic, "auto"},
                                                           {Loading::variable, "variable"},
                                                           {Loading::constant, "constant"}});
inline constexpr auto kNormalizationNames =
    name_table<Normalization>({{Normalization::afe65, "afe65"},
                               {Normalization::dataset, "dataset"},
                               {Normalization::all, "all"}});
inline constexpr auto kBlockNames = name_table<Block>({{Block::active, "active"},
                                                       {Block::support_cation, "support_cation"},
                                                       {Block::support, "support"},
                                                       {Block::condition, "condition"}});

struct FeaturizerOptions {
  Method method = Method::extended;  // lower error on later batches of methane coupling than afe
  Loading loading = Loading::automatic;
  Normalization normalize = Normalization::afe65;  // the paper's
  // Returns one sentence naming field, value and bound.
  Status validate() const;
};

// Numbers that belong to a run rather than to a catalyst (temperature, ratio, ...), only when the
// user names them as inputs. values: catalysts x names.size(); empty when there are none. Names
// are not empty, differ, and hold no "|" and no control characters; values are finite.
struct Conditions {
  std::vector<std::string> names;
  Eigen::MatrixXd values;
};

struct Primary {
  std::string name;      // "en_pauling_avg"; "support.en_pauling_avg"; "support_cation.en_pauling";
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
  std::vector<int> elements;            // atomic numbers that the table has, ascending
  Eigen::MatrixXd normalized;  // elements x properties, min-max scaled; NaN at a gap, and where the
                               // scaling set has fewer than two values
  Eigen::VectorXd active_mean;   // by property: m, the unweighted mean of the scaled property over
                                 // all active elements that the training set uses; NaN with a gap
  Eigen::VectorXd support_mean;  // the same for the elements of the supports
  std::vector<std::string> condition_names;  // all that were given, in their order
  std::vector<Primary> primaries;            // kept, in the order of the columns
  Eigen::VectorXd offset;                    // by kept primary
};

class Featurizer {
 public:
  // Learns from the training set: scaling, m, which columns stay, offsets. The columns come by
  // block (active, support_cation, support, condition), then in the order of the table's
  // properties, then of the operations. A catalyst without active elements is allowed (see above).
  // Errors: bad_data for an element that the table lacks (named), when the training set has no
  // catalyst, when no column is left, when a condition is not finite, or when two columns would
  // have the same name; invalid_argument for options and for names or shape of the conditions;
  // cancelled.
  static Result<Featurizer> learn(const chemistry::ElementTable& elements,
                                  std::span<const chemistry::Catalyst> catalysts,
                                  const Conditions& conditions, const FeaturizerOptions& options,
                                  const Control& control = {});
  // From stored data; bad_data when its parts do not fit together.
  static Result<Featurizer> from_state(FeaturizerState state);

  const FeaturizerState& state() const { return state_; }
  const std::vector<Primary>& primaries() const { return state_.primaries; }

  // catalysts x primaries().size(), offsets added. A catalyst of the training set gets the values
  // that were learnt from, bit for bit. A new one may get a NaN: from a gap of the table in an
  // element that the training set did not use, or in prod and gmean from a scaled value below zero.
  // Errors: bad_data for an element that the table lacks, and for a condition that is not finite;
  // invalid_argument when a condition that a primary needs is not given (more, and another order,
  // are fine) or the shape does not fit; cancelled.
  Result<Eigen::MatrixXd> evaluate(std::span<const chemistry::Catalyst> catalysts,
                                   const Conditions& conditions, const Control& control = {}) const;

 private:
  FeaturizerState state_;
};

// Evaluates catalysts one at a time without allocation, for planners that look at millions: only
// the primaries that the model uses, from rows of numbers computed once per element. The blocks are
// evaluated apart because in a space of slots x supports x conditions they vary apart: evaluate
// each support once and each active part once, and combine. Values are bit for bit those of
// Featurizer::evaluate when each element is given once and in ascending atomic number.
// Cost for three elements, a core: 0.1 us for 8 primaries, 0.6 us for 100, 2.9 us for all 855 of a
// table with supports; a good half of it is the exponential of each prod and gmean.
// Copyable; one evaluator a thread.
class FeatureEvaluator {
 public:
  struct Part {
    int row;        // row_of(element)
    double amount;  // > 0, finite
  };

  // wanted: indices into featurizer.primaries(); their values come in this order. The evaluator
  // does not refer to the featurizer afterwards.
  FeatureEvaluator(const FeaturizerState& state, std::span<const int> wanted);
  explicit FeatureEvaluator(const FeaturizerState& state);  // all primaries

  std::size_t size() const { return size_; }
  // Row of an element, -1 when the table lacks it.
  int row_of(int element) const;

  // Write the values of the wanted primaries of a block, offsets added, to out[i * stride], i being
  // the place in `wanted`; the places of other blocks are left alone. At most 118 parts.
  void active(std::span<const Part> parts, double* out, std::ptrdiff_t stride = 1);
  // Both blocks of the support; parts of its full formula.
  void support(std::span<const Part> parts, double* out, std::ptrdiff_t stride = 1);
  // values: one per state.condition_names.
  void conditions(std::span<const double> values, double* out, std::ptrdiff_t stride = 1) const;

 private:
  struct Output {
    std::size_t place;     // in `wanted`
    std::size_t property;  // among the block's own; of a condition, its index
    Operation operation;
    double offset;
  };
  // One block's element rows and scratch. Row-major: elements x width.
  struct Table {
    std::size_t width = 0;
    std::vector<double> value, log, inverse, squares;
    std::vector<Output> outputs;
    std::optional<Aggregator> aggregator;
  };

  void build(const FeaturizerState& state, std::span<const int> wanted, Block block,
             const Eigen::VectorXd& mean_of_all, Table& table);
  void run(Table& table, std::size_t count, double* out, std::ptrdiff_t stride);

  std::size_t size_ = 0;
  std::vector<int> row_of_;  // by atomic number
  int oxygen_row_ = -1;
  Table active_, cation_, support_;
  std::vector<Output> conditions_;
  std::vector<Part> parts_;  // scratch
  std::vector<Aggregator::Row> rows_;
  std::vector<double> amounts_;
};

// Order 0 before dropping and shifting: every operation of every property, for `featurize --raw`
// and for oracles. Columns and errors as Featurizer::learn, but no column is dropped.
struct RawFeatures {
  std::vector<Primary> primaries;
  Eigen::MatrixXd values;  // catalysts x primaries
};
Result<RawFeatures> raw_features(const chemistry::ElementTable& elements,
                                 std::span<const chemistry::Catalyst> catalysts,
                                 const Conditions& conditions, const FeaturizerOptions& options);

}  // namespace kasetsu::descriptors
