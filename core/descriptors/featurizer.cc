#include "core/descriptors/featurizer.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <set>
#include <utility>

#include "core/base/constants.h"
#include "core/base/text.h"
#include "core/chemistry/element.h"

namespace kasetsu::descriptors {
namespace {

using chemistry::Catalyst;
using chemistry::Composition;
using chemistry::ElementTable;

constexpr double kLoadingVaries = 1e-6;  // relative; tables give loadings to nine digits
constexpr double kConstant = 1e-12;      // relative; rounding of the aggregations is 1e-15
constexpr double kAffineCopy = 1.0 - 1e-10;
constexpr double kOffset = 1e-4;  // the paper's

constexpr std::array<Operation, 8> kVariableLoading = {
    Operation::minimum, Operation::maximum,  Operation::sum,     Operation::average,
    Operation::ssd,     Operation::variance, Operation::product, Operation::gmean};
constexpr std::array<Operation, 5> kConstantLoading = {Operation::minimum, Operation::maximum,
                                                       Operation::average, Operation::variance,
                                                       Operation::gmean};
constexpr std::array<Operation, 4> kExtended = {Operation::own_variance, Operation::range,
                                                Operation::hmean, Operation::mean};
constexpr std::array<Operation, 1> kCation = {Operation::value};
constexpr std::array<Operation, 5> kSupport = {Operation::average, Operation::minimum,
                                               Operation::maximum, Operation::own_variance,
                                               Operation::range};

std::string primary_name(Block block, const std::string& property, Operation operation) {
  std::string name;
  if (block != Block::active) name.append(kBlockNames.to_name(block)).append(".");
  name += property;
  if (operation != Operation::value) name.append("_").append(kOperationNames.to_name(operation));
  return name;
}

Error lacking(int element, const Catalyst& catalyst, std::size_t index) {
  return {ErrorCode::bad_data, "the element table has no row for the element",
          fmt::format("catalyst {} ({})", index + 1, chemistry::describe(catalyst)),
          std::string(chemistry::element_symbol(element)),
          "elements of the table (another one is given by --elements)"};
}

// Errors for the first element that `has` does not know. The support counts when its block is used.
template <typename Has>
Status check_elements(std::span<const Catalyst> catalysts, bool support, const Has& has) {
  for (std::size_t i = 0; i < catalysts.size(); ++i) {
    for (const Composition::Part& part : catalysts[i].active.parts()) {
      if (!has(part.element)) return lacking(part.element, catalysts[i], i);
    }
    if (!support) continue;
    for (const Composition::Part& part : catalysts[i].support_formula.parts()) {
      if (!has(part.element)) return lacking(part.element, catalysts[i], i);
    }
  }
  return {};
}

Status check_conditions(const Conditions& conditions, std::size_t catalysts) {
  std::set<std::string> seen;
  for (const std::string& name : conditions.names) {
    const bool clean = std::none_of(name.begin(), name.end(), [](char c) {
      const auto byte = static_cast<unsigned char>(c);
      return c == '|' || byte < 0x20 || byte == 0x7f;
    });
    if (!clean || trim(name).empty() || trim(name) != name) {
      return Error{ErrorCode::invalid_argument, "a condition cannot be named so", "", name,
                   "a name without | and control characters, and without spaces at its ends"};
    }
    if (!seen.insert(name).second) {
      return Error{ErrorCode::invalid_argument, "two conditions have the same name", "", name,
                   "each condition once"};
    }
  }
  if (conditions.names.empty()) return {};
  if (conditions.values.rows() != static_cast<Eigen::Index>(catalysts) ||
      conditions.values.cols() != static_cast<Eigen::Index>(conditions.names.size())) {
    return Error{ErrorCode::invalid_argument,
                 fmt::format("the conditions are {} x {}", conditions.values.rows(),
                             conditions.values.cols()),
                 "", "",
                 fmt::format("{} catalysts x {} conditions", catalysts, conditions.names.size())};
  }
  for (Eigen::Index i = 0; i < conditions.values.rows(); ++i) {
    for (Eigen::Index j = 0; j < conditions.values.cols(); ++j) {
      if (!std::isfinite(conditions.values(i, j))) {
        return Error{ErrorCode::bad_data, "the condition is not a finite number",
                     fmt::format("catalyst {}: condition \"{}\"", i + 1,
                                 conditions.names[static_cast<std::size_t>(j)]),
                     format_number(conditions.values(i, j)), "a finite number"};
      }
    }
  }
  return {};
}

bool loading_varies(std::span<const Catalyst> catalysts) {
  double least = kInfinity;
  double most = 0.0;
  for (const Catalyst& catalyst : catalysts) {
    const double total = catalyst.active.total();
    least = std::min(least, total);
    most = std::max(most, total);
  }
  return most - least > kLoadingVaries * most;
}

// Unweighted mean over the used elements of each scaled property. By `aggregate`, because its mean
// of equal values is exactly that value, and their deviations so are exactly zero.
Eigen::VectorXd mean_over(const FeaturizerState& state, const std::set<int>& used) {
  Eigen::VectorXd mean = Eigen::VectorXd::Zero(state.normalized.cols());
  if (used.empty()) return mean;
  std::vector<double> ones(used.size(), 1.0);
  std::vector<double> values(used.size());
  for (Eigen::Index j = 0; j < mean.size(); ++j) {
    std::size_t k = 0;
    for (std::size_t row = 0; row < state.elements.size(); ++row) {
      if (used.contains(state.elements[row])) {
        values[k++] = state.normalized(static_cast<Eigen::Index>(row), j);
      }
    }
    mean[j] = aggregate(Operation::mean, ones, values);
  }
  return mean;
}

void add_primaries(FeaturizerState& state, Block block, std::span<const Operation> operations) {
  for (const std::string& property : state.properties) {
    for (const Operation operation : operations) {
      state.primaries.push_back(
          {primary_name(block, property, operation), property, block, operation});
    }
  }
}

// Every primary that the state's options and conditions have, in the order of the columns.
void add_all_primaries(FeaturizerState& state) {
  const bool extended = state.options.method == Method::extended;
  std::vector<Operation> operations(kConstantLoading.begin(), kConstantLoading.end());
  if (state.options.loading == Loading::variable) {
    operations.assign(kVariableLoading.begin(), kVariableLoading.end());
  }
  if (extended) operations.insert(operations.end(), kExtended.begin(), kExtended.end());
  add_primaries(state, Block::active, operations);
  if (extended) {
    add_primaries(state, Block::support_cation, kCation);
    add_primaries(state, Block::support, kSupport);
  }
  for (const std::string& name : state.condition_names) {
    state.primaries.push_back({primary_name(Block::condition, name, Operation::value), name,
                               Block::condition, Operation::value});
  }
}

// Elements of the table x properties, scaled so that the elements in `scope` span [0, 1].
Eigen::MatrixXd scaled(const ElementTable& table, const std::set<int>& scope) {
  const std::vector<int>& elements = table.elements();
  Eigen::MatrixXd out(std::ssize(elements), std::ssize(table.properties()));
  for (Eigen::Index j = 0; j < out.cols(); ++j) {
    const auto property = static_cast<std::size_t>(j);
    double least = kInfinity;
    double most = -kInfinity;
    for (const int element : elements) {
      const double x = table.value(element, property);
      if (!scope.contains(element) || std::isnan(x)) continue;
      least = std::min(least, x);
      most = std::max(most, x);
    }
    for (Eigen::Index i = 0; i < out.rows(); ++i) {
      const double x = table.value(elements[static_cast<std::size_t>(i)], property);
      out(i, j) = most > least ? (x - least) / (most - least) : kNaN;
    }
  }
  return out;
}

// The state with every primary and no offsets.
Result<FeaturizerState> raw_state(const ElementTable& table, std::span<const Catalyst> catalysts,
                                  const Conditions& conditions, const FeaturizerOptions& options) {
  if (Status valid = options.validate(); !valid.ok()) return valid.error();
  if (catalysts.empty()) {
    return Error{ErrorCode::bad_data, "there is no catalyst to learn from", "", "",
                 "at least one catalyst"};
  }
  if (Status valid = check_conditions(conditions, catalysts.size()); !valid.ok()) {
    return valid.error();
  }
  const bool extended = options.method == Method::extended;
  if (Status known =
          check_elements(catalysts, extended, [&](int element) { return table.has(element); });
      !known.ok()) {
    return known.error();
  }

  FeaturizerState state;
  state.options = options;
  if (options.loading == Loading::automatic) {
    state.options.loading = loading_varies(catalysts) ? Loading::variable : Loading::constant;
  }
  state.element_table = table.fingerprint();
  state.properties = table.properties();
  state.elements = table.elements();
  state.condition_names = conditions.names;

  std::set<int> active_elements;
  std::set<int> support_elements;
  for (const Catalyst& catalyst : catalysts) {
    for (const auto& part : catalyst.active.parts()) active_elements.insert(part.element);
    for (const auto& part : catalyst.support_formula.parts()) support_elements.insert(part.element);
  }
  std::set<int> scope;
  switch (options.normalize) {
    case Normalization::afe65:
      scope.insert(chemistry::afe65_elements().begin(), chemistry::afe65_elements().end());
      break;
    case Normalization::dataset:
      scope = active_elements;
      if (extended) scope.insert(support_elements.begin(), support_elements.end());
      break;
    case Normalization::all:
      scope.insert(state.elements.begin(), state.elements.end());
      break;
  }
  state.normalized = scaled(table, scope);
  state.active_mean = mean_over(state, active_elements);
  if (!extended) support_elements.clear();
  state.support_mean = mean_over(state, support_elements);
  add_all_primaries(state);
  std::set<std::string_view> names;
  for (const Primary& primary : state.primaries) {
    if (!names.insert(primary.name).second) {
      return Error{ErrorCode::bad_data, "two features would have the same name", "", primary.name,
                   "other names of the properties in the element table"};
    }
  }
  state.offset = Eigen::VectorXd::Zero(static_cast<Eigen::Index>(state.primaries.size()));
  return state;
}

void fill_parts(const FeatureEvaluator& evaluator, const Composition& composition,
                std::vector<FeatureEvaluator::Part>& parts) {
  parts.clear();
  for (const Composition::Part& part : composition.parts()) {
    parts.push_back({evaluator.row_of(part.element), part.amount});
  }
}

// Values of catalysts, of which laboratories measure a few again and again: worked out once for
// each that differs.
class AllValues {
 public:
  // Elements and conditions have been checked. conditions: catalysts x state.condition_names; lives
  // as long as this. After a cancel the values are not all there.
  AllValues(const FeaturizerState& state, std::span<const Catalyst> catalysts,
            const Eigen::MatrixXd& conditions, const Control& control)
      : conditions_(conditions) {
    condition_of_.reserve(state.primaries.size());
    for (const Primary& primary : state.primaries) {
      const auto named =
          std::find(state.condition_names.begin(), state.condition_names.end(), primary.property);
      condition_of_.push_back(
          primary.block == Block::condition ? named - state.condition_names.begin() : -1);
    }
    const bool with_support = state.options.method == Method::extended;
    std::vector<std::size_t> first;  // of each that differs
    std::map<std::vector<std::pair<int, double>>, Eigen::Index> known;
    std::vector<std::pair<int, double>> key;
    of_row_.reserve(catalysts.size());
    for (std::size_t i = 0; i < catalysts.size(); ++i) {
      if (i % 1024 == 0 && control.cancelled()) return;
      key.clear();
      for (const Composition::Part& part : catalysts[i].active.parts())
        key.emplace_back(part.element, part.amount);
      if (with_support) {
        key.emplace_back(0, 0.0);
        for (const Composition::Part& part : catalysts[i].support_formula.parts())
          key.emplace_back(part.element, part.amount);
      }
      const auto [at, is_new] = known.try_emplace(key, std::ssize(first));
      if (is_new) first.push_back(i);
      of_row_.push_back(at->second);
    }
    FeatureEvaluator evaluator(state);
    const auto rows = static_cast<Eigen::Index>(first.size());
    values_.resize(rows, static_cast<Eigen::Index>(state.primaries.size()));
    offset_ = state.offset;
    std::vector<FeatureEvaluator::Part> parts;
    for (Eigen::Index i = 0; i < rows; ++i) {
      if (i % 256 == 0 && control.cancelled()) return;
      const Catalyst& catalyst = catalysts[first[static_cast<std::size_t>(i)]];
      double* const out = values_.data() + i;
      fill_parts(evaluator, catalyst.active, parts);
      evaluator.active(parts, out, rows);
      if (!with_support) continue;
      fill_parts(evaluator, catalyst.support_formula, parts);
      evaluator.support(parts, out, rows);
    }
  }

  // Of one primary: each value that there is, at least once.
  Eigen::VectorXd distinct(Eigen::Index primary) const {
    return is_condition(primary) ? column(primary) : Eigen::VectorXd(values_.col(primary));
  }
  // By catalyst.
  Eigen::VectorXd column(Eigen::Index primary) const {
    if (is_condition(primary)) {
      return conditions_.col(condition_of_[static_cast<std::size_t>(primary)]).array() +
             offset_[primary];
    }
    Eigen::VectorXd out(std::ssize(of_row_));
    for (Eigen::Index i = 0; i < out.size(); ++i)
      out[i] = values_(of_row_[static_cast<std::size_t>(i)], primary);
    return out;
  }
  Eigen::MatrixXd matrix(const Control& control) const {
    Eigen::MatrixXd out(std::ssize(of_row_), values_.cols());
    for (Eigen::Index j = 0; j < out.cols() && !control.cancelled(); ++j) out.col(j) = column(j);
    return out;
  }

 private:
  bool is_condition(Eigen::Index primary) const {
    return condition_of_[static_cast<std::size_t>(primary)] >= 0;
  }

  const Eigen::MatrixXd& conditions_;
  std::vector<std::ptrdiff_t> condition_of_;  // by primary; -1: none
  Eigen::MatrixXd values_;                    // catalysts that differ x primaries
  std::vector<Eigen::Index> of_row_;          // by catalyst, its row of values_
  Eigen::VectorXd offset_;
};

bool constant_or_gap(const Eigen::Ref<const Eigen::VectorXd>& column) {
  return !column.allFinite() ||
         column.maxCoeff() - column.minCoeff() <= kConstant * column.cwiseAbs().maxCoeff();
}

double smallest_nonzero(const Eigen::Ref<const Eigen::VectorXd>& column) {
  double smallest = kInfinity;
  for (const double x : column) {
    if (x != 0.0) smallest = std::min(smallest, std::abs(x));
  }
  return std::isinf(smallest) ? 0.0 : smallest;
}

Eigen::VectorXd unit(const Eigen::Ref<const Eigen::VectorXd>& column) {
  const double scale = column.cwiseAbs().maxCoeff();
  Eigen::VectorXd out = column / (scale > 0.0 ? scale : 1.0);
  out.array() -= out.mean();
  const double norm = out.norm();
  if (norm > 0.0) out /= norm;
  return out;
}

bool ours(const Primary& primary) {
  return primary.block == Block::support_cation || primary.block == Block::support ||
         (primary.block == Block::active &&
          std::find(kExtended.begin(), kExtended.end(), primary.operation) != kExtended.end());
}

}  // namespace

Status FeaturizerOptions::validate() const {
  const auto refuse = [](std::string_view field, auto value, const std::string& choices) {
    return Error{ErrorCode::invalid_argument,
                 fmt::format("FeaturizerOptions::{} is {}", field, static_cast<int>(value)), "", "",
                 choices};
  };
  if (kMethodNames.to_name(method).empty()) {
    return refuse("method", method, kMethodNames.choices());
  }
  if (kLoadingNames.to_name(loading).empty()) {
    return refuse("loading", loading, kLoadingNames.choices());
  }
  if (kNormalizationNames.to_name(normalize).empty()) {
    return refuse("normalize", normalize, kNormalizationNames.choices());
  }
  return {};
}

Result<Featurizer> Featurizer::learn(const ElementTable& elements,
                                     std::span<const Catalyst> catalysts,
                                     const Conditions& conditions, const FeaturizerOptions& options,
                                     const Control& control) {
  Result<FeaturizerState> raw = raw_state(elements, catalysts, conditions, options);
  if (!raw.ok()) return raw.error();
  const AllValues values(*raw, catalysts, conditions.values, control);

  std::vector<std::size_t> kept;
  std::vector<double> offsets;
  // Of each property, the columns kept so far, centred and of unit length.
  std::vector<std::pair<std::string, std::vector<Eigen::VectorXd>>> directions;
  for (std::size_t p = 0; p < raw->primaries.size(); ++p) {
    if (control.cancelled()) return cancelled_error();
    const Eigen::VectorXd distinct = values.distinct(static_cast<Eigen::Index>(p));
    if (constant_or_gap(distinct)) continue;
    const Primary& primary = raw->primaries[p];
    if (options.method == Method::extended && primary.block != Block::condition) {
      auto same = std::find_if(directions.begin(), directions.end(),
                               [&](const auto& entry) { return entry.first == primary.property; });
      if (same == directions.end()) {
        same = directions.insert(directions.end(), {primary.property, {}});
      }
      Eigen::VectorXd direction = unit(values.column(static_cast<Eigen::Index>(p)));
      const bool copy =
          std::any_of(same->second.begin(), same->second.end(), [&](const Eigen::VectorXd& other) {
            return std::abs(direction.dot(other)) > kAffineCopy;
          });
      if (copy && ours(primary)) continue;
      same->second.push_back(std::move(direction));
    }
    kept.push_back(p);
    offsets.push_back(kOffset * smallest_nonzero(distinct));
  }
  if (kept.empty()) {
    return Error{ErrorCode::bad_data, "no feature varies over the training set", "", "",
                 "at least two different catalysts"};
  }
  Featurizer featurizer;
  featurizer.state_ = std::move(*raw);
  std::vector<Primary> primaries;
  for (const std::size_t p : kept) {
    primaries.push_back(std::move(featurizer.state_.primaries[p]));
  }
  featurizer.state_.primaries = std::move(primaries);
  featurizer.state_.offset =
      Eigen::Map<const Eigen::VectorXd>(offsets.data(), static_cast<Eigen::Index>(offsets.size()));
  return featurizer;
}

Result<Featurizer> Featurizer::from_state(FeaturizerState state) {
  const auto refuse = [](std::string message, std::string value) {
    return Error{ErrorCode::bad_data, std::move(message), "featurizer", std::move(value), ""};
  };
  if (Status valid = state.options.validate(); !valid.ok()) return valid.error();
  if (state.options.loading == Loading::automatic) {
    return refuse("the loading of a learnt featurizer is variable or constant", "auto");
  }
  const auto properties = static_cast<Eigen::Index>(state.properties.size());
  if (state.normalized.rows() != static_cast<Eigen::Index>(state.elements.size()) ||
      state.normalized.cols() != properties || state.active_mean.size() != properties ||
      state.support_mean.size() != properties ||
      state.offset.size() != static_cast<Eigen::Index>(state.primaries.size())) {
    return refuse("elements, properties, primaries and their numbers do not fit together", "");
  }
  for (std::size_t i = 0; i < state.elements.size(); ++i) {
    if (state.elements[i] < 1 || state.elements[i] > chemistry::kLastAtomicNumber ||
        (i > 0 && state.elements[i] <= state.elements[i - 1])) {
      return refuse("the elements are not ascending atomic numbers",
                    std::to_string(state.elements[i]));
    }
  }
  if (!state.offset.allFinite()) return refuse("an offset is not finite", "");
  std::set<std::string_view> names;
  for (const Primary& primary : state.primaries) {
    const std::vector<std::string>& known =
        primary.block == Block::condition ? state.condition_names : state.properties;
    if (std::find(known.begin(), known.end(), primary.property) == known.end()) {
      return refuse("a primary names a property that is not there", primary.name);
    }
    if (primary.name != primary_name(primary.block, primary.property, primary.operation) ||
        (primary.block == Block::condition && primary.operation != Operation::value)) {
      return refuse("a primary is not what its name says", primary.name);
    }
    if (!names.insert(primary.name).second) return refuse("a primary is given twice", primary.name);
  }
  Featurizer featurizer;
  featurizer.state_ = std::move(state);
  return featurizer;
}

Result<Eigen::MatrixXd> Featurizer::evaluate(std::span<const Catalyst> catalysts,
                                             const Conditions& conditions,
                                             const Control& control) const {
  if (Status valid = check_conditions(conditions, catalysts.size()); !valid.ok()) {
    return valid.error();
  }
  std::vector<char> has(chemistry::kLastAtomicNumber + 1, 0);
  for (const int element : state_.elements) has[static_cast<std::size_t>(element)] = 1;
  if (Status known =
          check_elements(catalysts, state_.options.method == Method::extended,
                         [&](int element) { return has[static_cast<std::size_t>(element)] != 0; });
      !known.ok()) {
    return known.error();
  }
  Eigen::MatrixXd ordered =
      Eigen::MatrixXd::Zero(static_cast<Eigen::Index>(catalysts.size()),
                            static_cast<Eigen::Index>(state_.condition_names.size()));
  for (std::size_t j = 0; j < state_.condition_names.size(); ++j) {
    const std::string& name = state_.condition_names[j];
    const auto given = std::find(conditions.names.begin(), conditions.names.end(), name);
    if (given != conditions.names.end()) {
      ordered.col(static_cast<Eigen::Index>(j)) =
          conditions.values.col(given - conditions.names.begin());
      continue;
    }
    const bool needed =
        std::any_of(state_.primaries.begin(), state_.primaries.end(), [&](const Primary& primary) {
          return primary.block == Block::condition && primary.property == name;
        });
    if (needed) {
      return Error{ErrorCode::invalid_argument, "a condition that the features need is not given",
                   "", name, "a value of it for every catalyst"};
    }
  }
  Eigen::MatrixXd values = AllValues(state_, catalysts, ordered, control).matrix(control);
  if (control.cancelled()) return cancelled_error();
  return values;
}

Result<RawFeatures> raw_features(const ElementTable& elements, std::span<const Catalyst> catalysts,
                                 const Conditions& conditions, const FeaturizerOptions& options) {
  Result<FeaturizerState> state = raw_state(elements, catalysts, conditions, options);
  if (!state.ok()) return state.error();
  Eigen::MatrixXd values = AllValues(*state, catalysts, conditions.values, {}).matrix({});
  return RawFeatures{std::move(state->primaries), std::move(values)};
}

}  // namespace kasetsu::descriptors
