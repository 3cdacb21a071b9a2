#include "daemon/campaign/learning/model_document.h"

#include <fmt/format.h>

#include <cmath>
#include <limits>
#include <utility>

#include "core/chemistry/element.h"
#include "daemon/campaign/learning/model_words.h"

namespace kasetsu::campaign {
namespace {

using descriptors::FeaturizerState;
using descriptors::Operation;
using selection::Hypothesis;
using selection::Model;
using namespace words;

// A document that is not what it should be unwinds to read_model by this.
struct Unreadable {
  Error error;
};

template <typename T>
T need(Result<T> result) {
  if (!result) throw Unreadable{result.error()};
  return std::move(result).value();
}

[[noreturn]] void refuse(std::string_view where, std::string_view message, std::string_view value,
                         std::string_view expected) {
  throw Unreadable{Error{ErrorCode::bad_data, std::string(message), std::string(where),
                         std::string(value), std::string(expected)}};
}

const Json& member(const Json& object, std::string_view name, std::string_view pointer) {
  if (!object.is_object()) refuse(pointer, "not an object", "", "a JSON object");
  const auto found = object.find(name);
  if (found == object.end()) refuse(json_pointer(pointer, name), "member is missing", "", "");
  return *found;
}

const Json& array(const Json& object, std::string_view name, std::string_view pointer) {
  const Json& value = member(object, name, pointer);
  if (!value.is_array()) refuse(json_pointer(pointer, name), "not an array", "", "a JSON array");
  return value;
}

double read_number(const Json& value, std::string_view pointer) {
  if (value.is_null()) return std::numeric_limits<double>::quiet_NaN();
  return need(read_value_as<double>(value, pointer));
}

Eigen::VectorXd read_vector(const Json& value, std::string_view pointer) {
  if (!value.is_array()) refuse(pointer, "not an array", "", "an array of numbers");
  Eigen::VectorXd out(static_cast<Eigen::Index>(value.size()));
  for (std::size_t i = 0; i < value.size(); ++i)
    out[static_cast<Eigen::Index>(i)] = read_number(value[i], pointer);
  return out;
}

Eigen::VectorXd read_vector(const Json& object, std::string_view name, std::string_view pointer) {
  return read_vector(member(object, name, pointer), json_pointer(pointer, name));
}

Eigen::MatrixXd read_matrix(const Json& object, std::string_view name, Eigen::Index columns,
                            std::string_view pointer) {
  const Json& rows = array(object, name, pointer);
  const std::string place = json_pointer(pointer, name);
  Eigen::MatrixXd out(static_cast<Eigen::Index>(rows.size()), columns);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const Eigen::VectorXd row = read_vector(rows[i], place);
    if (row.size() != columns) {
      refuse(place, "a row has the wrong length", fmt::format("{}", row.size()),
             fmt::format("{} numbers", columns));
    }
    out.row(static_cast<Eigen::Index>(i)) = row.transpose();
  }
  return out;
}

std::string read_string(const Json& object, std::string_view name, std::string_view pointer) {
  return need(read_field<std::string>(object, name, pointer));
}

template <typename T>
T read_integer(const Json& object, std::string_view name, std::string_view pointer) {
  const std::int64_t value = need(read_field<std::int64_t>(object, name, pointer));
  if (value < std::numeric_limits<T>::min() || value > std::numeric_limits<T>::max()) {
    refuse(json_pointer(pointer, name), "integer is out of range", fmt::format("{}", value), "");
  }
  return static_cast<T>(value);
}

template <typename Table>
auto read_name(const Table& table, const Json& object, std::string_view name,
               std::string_view pointer) {
  const std::string text = read_string(object, name, pointer);
  std::string known;
  for (const auto& [value, word] : table) {
    if (text == word) return value;
    known += (known.empty() ? "" : ", ") + std::string(word);
  }
  refuse(json_pointer(pointer, name), "unknown word", text, "one of " + known);
}

std::vector<std::string> read_strings(const Json& object, std::string_view name,
                                      std::string_view pointer) {
  std::vector<std::string> out;
  for (const Json& value : array(object, name, pointer)) {
    out.push_back(need(read_value_as<std::string>(value, json_pointer(pointer, name))));
  }
  return out;
}

FeaturizerState read_features(const Json& json, std::string_view at) {
  FeaturizerState state;
  state.options.method = read_name(kMethods, json, "method", at);
  state.options.loading = read_name(kLoadings, json, "loading", at);
  state.options.normalize = read_name(kNormalizations, json, "normalize", at);
  state.element_table = read_string(json, "element_table", at);
  state.properties = read_strings(json, "properties", at);
  for (const std::string& symbol : read_strings(json, "elements", at)) {
    const std::optional<int> element = chemistry::atomic_number(symbol);
    if (!element)
      refuse(json_pointer(at, "elements"), "unknown element", symbol, "a chemical symbol");
    state.elements.push_back(*element);
  }
  state.normalized =
      read_matrix(json, "normalized", static_cast<Eigen::Index>(state.properties.size()), at);
  state.active_mean = read_vector(json, "active_mean", at);
  state.support_mean = read_vector(json, "support_mean", at);
  state.condition_names = read_strings(json, "condition_names", at);
  const std::string place = json_pointer(at, "primaries");
  for (const Json& entry : array(json, "primaries", at)) {
    descriptors::Primary primary;
    primary.name = read_string(entry, "name", place);
    primary.property = read_string(entry, "property", place);
    primary.block = read_name(kBlocks, entry, "block", place);
    const std::string operation = read_string(entry, "operation", place);
    const auto known = descriptors::kOperationNames.from_name(operation);
    if (!known) refuse(json_pointer(place, "operation"), "unknown operation", operation, "");
    primary.operation = *known;
    state.primaries.push_back(std::move(primary));
  }
  state.offset = read_vector(json, "offset", at);
  return state;
}

std::vector<int> read_integers(const Json& object, std::string_view name, std::string_view at) {
  std::vector<int> out;
  for (const Json& entry : array(object, name, at)) {
    const auto value = need(read_value_as<std::int64_t>(entry, json_pointer(at, name)));
    if (value < std::numeric_limits<int>::min() || value > std::numeric_limits<int>::max())
      refuse(json_pointer(at, name), "integer is out of range", fmt::format("{}", value), "");
    out.push_back(static_cast<int>(value));
  }
  return out;
}

selection::Noise read_noise(const Json& json, std::string_view at) {
  selection::Noise noise;
  noise.replicated = read_integer<int>(json, "replicated", at);
  noise.rows = read_integer<int>(json, "rows", at);
  noise.pure_df = read_integer<int>(json, "pure_df", at);
  noise.fit_df = read_integer<int>(json, "fit_df", at);
  noise.pure_sd = read_number(member(json, "pure_sd", at), at);
  noise.fit_sd = read_number(member(json, "fit_sd", at), at);
  noise.f = read_number(member(json, "f", at), at);
  noise.p = read_number(member(json, "p", at), at);
  return noise;
}

selection::BatchOffsets read_offsets(const Json& json, std::string_view at) {
  selection::BatchOffsets offsets;
  for (const Json& entry : array(json, "batches", at)) {
    const std::string place = json_pointer(at, "batches");
    offsets.batches.push_back(
        {read_string(entry, "batch", place), read_number(member(entry, "offset", place), place),
         read_number(member(entry, "standard_error", place), place),
         read_integer<int>(entry, "rows", place), read_integer<int>(entry, "bridges", place)});
    if (!std::isfinite(offsets.batches.back().offset))
      refuse(place, "an offset that is not a number", "", "");
  }
  offsets.bridge_points = read_integer<int>(json, "bridge_points", at);
  offsets.between_sd = read_number(member(json, "between_sd", at), at);
  offsets.within_sd = read_number(member(json, "within_sd", at), at);
  offsets.df = read_integer<int>(json, "df", at);
  offsets.p = read_number(member(json, "p", at), at);
  offsets.why_none = read_string(json, "why_none", at);
  return offsets;
}

std::vector<int> read_elements(const Json& object, std::string_view name, std::string_view at) {
  std::vector<int> out;
  for (const std::string& symbol : read_strings(object, name, at)) {
    const std::optional<int> element = chemistry::atomic_number(symbol);
    if (!element) refuse(json_pointer(at, name), "unknown element", symbol, "a chemical symbol");
    out.push_back(*element);
  }
  return out;
}

selection::Companion read_companion(const Json& json, std::string_view at, const Model& model) {
  selection::Companion companion;
  companion.name = read_string(json, "name", at);
  companion.weight = read_number(member(json, "weight", at), at);
  companion.primaries = read_integers(json, "primaries", at);
  companion.composition.elements = read_elements(json, "elements", at);
  companion.composition.supports = read_strings(json, "supports", at);
  companion.composition.conditions = read_integer<int>(json, "conditions", at);
  companion.honest = read_vector(json, "honest", at);
  companion.forest.center = read_name(kCenters, json, "center", at);
  for (const Json& entry : array(json, "trees", at)) {
    const std::vector<int> columns = read_integers(entry, "column", at);
    const std::vector<int> right = read_integers(entry, "right", at);
    const Eigen::VectorXd values = read_vector(entry, "value", at);
    if (columns.size() != right.size() ||
        columns.size() != static_cast<std::size_t>(values.size())) {
      refuse(at, "a tree's nodes do not agree", "", "");
    }
    regression::Tree tree;
    for (std::size_t i = 0; i < columns.size(); ++i)
      tree.nodes.push_back({columns[i], right[i], values[static_cast<Eigen::Index>(i)]});
    companion.forest.trees.push_back(std::move(tree));
  }
  const auto primaries = static_cast<int>(model.features.primaries.size());
  for (const int column : companion.primaries) {
    if (column < 0 || column >= primaries)
      refuse(at, "a column that is no primary", fmt::format("{}", column), "");
  }
  const int conditions = companion.composition.conditions;
  if (conditions != 0 && conditions != static_cast<int>(model.features.condition_names.size())) {
    refuse(at, "conditions that the model does not have", fmt::format("{}", conditions), "");
  }
  companion.forest.columns = static_cast<int>(companion.primaries.size()) +
                             static_cast<int>(companion.composition.count());
  if (!(companion.weight >= 0.0 && companion.weight <= 1.0) || !companion.forest.sound())
    refuse(at, "the companion is not a forest with a weight", "", "");
  return companion;
}

std::vector<selection::LedgerRecord> read_ledger(const Json& json) {
  std::vector<selection::LedgerRecord> out;
  for (const Json& entry : array(json, "ledger", "")) {
    selection::LedgerRecord record;
    record.descriptors = read_strings(entry, "descriptors", "/ledger");
    record.count = read_integer<int>(entry, "count", "/ledger");
    record.total_error = read_number(member(entry, "total_error", "/ledger"), "/ledger");
    record.total_log_p = read_number(member(entry, "total_log_p", "/ledger"), "/ledger");
    record.worse = read_integer<int>(entry, "worse", "/ledger");
    out.push_back(std::move(record));
  }
  return out;
}

Hypothesis read_hypothesis(const Json& json, const std::vector<descriptors::Primary>& primaries,
                           std::string_view at) {
  Hypothesis hypothesis;
  for (const std::string& text : read_strings(json, "descriptors", at)) {
    hypothesis.descriptors.push_back(need(descriptors::parse_descriptor(text, primaries)));
  }
  hypothesis.coefficients = read_vector(json, "coefficients", at);
  hypothesis.intercept = read_number(member(json, "intercept", at), at);
  hypothesis.scale = read_number(member(json, "scale", at), at);
  hypothesis.mae_train = read_number(member(json, "mae_train", at), at);
  hypothesis.mae_cv = read_number(member(json, "mae_cv", at), at);
  hypothesis.weight = read_number(member(json, "weight", at), at);
  hypothesis.promise = read_vector(json, "promise", at);
  hypothesis.low = read_vector(json, "low", at);
  hypothesis.high = read_vector(json, "high", at);
  hypothesis.center = read_vector(json, "center", at);
  hypothesis.spread = read_vector(json, "spread", at);
  const auto size = static_cast<Eigen::Index>(hypothesis.descriptors.size());
  for (const Eigen::VectorXd* vector : {&hypothesis.coefficients, &hypothesis.low, &hypothesis.high,
                                        &hypothesis.center, &hypothesis.spread}) {
    if (vector->size() != size || size == 0 || !vector->allFinite()) {
      refuse(at, "a hypothesis does not have one finite number a descriptor", "", "");
    }
  }
  return hypothesis;
}

// After the hypotheses and the ledger. Documents of first models and of older programs have none.
void read_population(const Json& json, Model& model) {
  const std::string_view at = "/population";
  model.generation = read_integer<int>(json, "generation", at);
  const Json& born = array(json, "born", at);
  const Json& promised = array(json, "promised", at);
  if (born.size() != model.hypotheses.size() || promised.size() != model.ledger.size())
    refuse(at, "the population does not fit the hypotheses and the ledger", "", "");
  for (std::size_t h = 0; h < born.size(); ++h)
    model.hypotheses[h].born = static_cast<int>(need(read_value_as<std::int64_t>(born[h], at)));
  for (std::size_t r = 0; r < promised.size(); ++r)
    model.ledger[r].total_promised = read_number(promised[r], at);
  for (const Json& entry : array(json, "dormant", at)) {
    model.dormant.push_back(read_hypothesis(entry, model.features.primaries, at));
    model.dormant.back().born = read_integer<int>(entry, "born", at);
  }
}

selection::ModelSettings read_settings(const Json& json, std::string_view at) {
  selection::ModelSettings settings;
  settings.features.method = read_name(kMethods, json, "method", at);
  settings.features.loading = read_name(kLoadings, json, "loading", at);
  settings.features.normalize = read_name(kNormalizations, json, "normalize", at);
  settings.order = read_integer<int>(json, "order", at);
  settings.products = read_integer<int>(json, "products", at);
  settings.size_by_nested_error = need(read_field<bool>(json, "size_by_nested_error", at));
  settings.coverage = read_number(member(json, "coverage", at), at);
  settings.trees = read_integer<int>(json, "trees", at);
  settings.calibration_folds = read_integer<int>(json, "calibration_folds", at);
  selection::SearchOptions& search = settings.search;
  search.method = read_name(kSearches, json, "search", at);
  search.size = read_integer<int>(json, "size", at);
  search.regression.epsilon = read_number(member(json, "epsilon", at), at);
  search.regression.alpha = read_number(member(json, "alpha", at), at);
  search.one_per_family = need(read_field<bool>(json, "one_per_family", at));
  search.hypotheses = read_integer<int>(json, "hypotheses", at);
  search.shared = read_integer<int>(json, "shared", at);
  search.seed = static_cast<std::uint64_t>(need(read_field<std::int64_t>(json, "seed", at)));
  search.work = static_cast<std::uint64_t>(need(read_field<std::int64_t>(json, "work", at)));
  search.time_limit = read_number(member(json, "time_limit", at), at);
  if (const Status status = settings.validate(); !status) throw Unreadable{status.error().in(at)};
  return settings;
}

Model read_body(const Json& json) {
  Model model;
  model.settings = read_settings(member(json, "settings", ""), "/settings");
  model.features = read_features(member(json, "features", ""), "/features");
  int index = 0;
  for (const Json& entry : array(json, "hypotheses", "")) {
    model.hypotheses.push_back(
        read_hypothesis(entry, model.features.primaries, fmt::format("/hypotheses/{}", index++)));
  }
  if (model.hypotheses.empty())
    refuse("/hypotheses", "a model without hypotheses", "", "at least one");
  model.n_samples = read_integer<int>(json, "n_samples", "");
  model.n_descriptors = read_integer<int>(json, "n_descriptors", "");
  model.size = read_integer<int>(json, "size", "");
  const Json& effort = member(json, "effort", "");
  model.search.evaluations =
      static_cast<std::uint64_t>(need(read_field<std::int64_t>(effort, "evaluations", "/effort")));
  model.search.exact_evaluations = static_cast<std::uint64_t>(
      need(read_field<std::int64_t>(effort, "exact_evaluations", "/effort")));
  model.search.work =
      static_cast<std::uint64_t>(need(read_field<std::int64_t>(effort, "work", "/effort")));
  model.search.stopped_by = read_string(effort, "stopped_by", "/effort");
  for (const Json& entry : array(json, "sizes_tried", "")) {
    model.sizes_tried.push_back(
        {read_integer<int>(entry, "size", "/sizes_tried"),
         read_number(member(entry, "mae_honest", "/sizes_tried"), "/sizes_tried")});
  }
  model.catalysts = read_strings(json, "catalysts", "");
  model.y = read_vector(json, "y", "");
  model.loo_prediction = read_vector(json, "loo_prediction", "");
  model.honest_prediction = read_vector(json, "honest_prediction", "");
  model.honest_hypotheses = read_vector(json, "honest_hypotheses", "");
  double share = 0.0;
  for (const Json& entry : array(json, "companions", "")) {
    model.companions.push_back(
        read_companion(entry, fmt::format("/companions/{}", model.companions.size()), model));
    share += model.companions.back().weight;
  }
  if (share > 1.0 + 1e-9) refuse("/companions", "weights above 1", fmt::format("{}", share), "");
  model.ledger = read_ledger(json);
  for (const Json& entry : array(json, "eliminated", "")) {
    model.eliminated.emplace_back();
    if (!entry.is_array()) refuse("/eliminated", "not an array", "", "an array of descriptors");
    for (const Json& text : entry)
      model.eliminated.back().push_back(need(read_value_as<std::string>(text, "/eliminated")));
  }
  if (json.contains("population")) read_population(member(json, "population", ""), model);
  model.noise = read_noise(member(json, "noise", ""), "/noise");
  if (json.contains("batch_offsets"))
    model.offsets = read_offsets(member(json, "batch_offsets", ""), "/batch_offsets");
  model.elements = read_elements(json, "seen_elements", "");
  model.supports = read_strings(json, "seen_supports", "");
  model.base = read_number(member(json, "base", ""), "/base");
  model.scores = read_vector(json, "scores", "");
  model.coordinates =
      read_matrix(json, "coordinates",
                  static_cast<Eigen::Index>(model.hypotheses.front().descriptors.size()), "");
  model.typical_distance = read_number(member(json, "typical_distance", ""), "/typical_distance");
  const Eigen::Index rows = model.n_samples;
  if (rows < 1 || model.y.size() != rows ||
      model.catalysts.size() != static_cast<std::size_t>(rows) ||
      model.loo_prediction.size() != rows || model.scores.size() != rows ||
      !model.scores.allFinite() ||
      (model.honest_prediction.size() != 0 && model.honest_prediction.size() != rows) ||
      model.coordinates.rows() != rows) {
    refuse("/n_samples", "the rows of the training set do not agree", fmt::format("{}", rows), "");
  }
  return model;
}

}  // namespace

Result<ModelDocument> read_model(std::string_view text) {
  const Result<Json> parsed = parse_json(text);
  if (!parsed) return parsed.error();
  try {
    const Json& json = *parsed;
    const auto format = need(read_field<std::int64_t>(json, "kasetsu_model"));
    if (format != kModelFormat) {
      refuse(kModelFormatPointer, "unknown format of a model document", fmt::format("{}", format),
             fmt::format("{}", kModelFormat));
    }
    ModelDocument document;
    document.provenance = {read_string(json, "target", ""), read_string(json, "unit", ""),
                           read_string(json, "snapshot", ""),
                           read_string(json, "code_version", "")};
    document.model = read_body(json);
    return document;
  } catch (const Unreadable& unreadable) {
    return unreadable.error;
  }
}

}  // namespace kasetsu::campaign
