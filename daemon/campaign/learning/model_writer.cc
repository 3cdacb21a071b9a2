#include "daemon/campaign/learning/model_document.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "core/chemistry/element.h"
#include "daemon/campaign/learning/model_words.h"

namespace kasetsu::campaign {
namespace {

using descriptors::FeaturizerState;
using selection::Hypothesis;
using selection::Model;
using namespace words;

// NaN is written as null: JSON has no other word for it.
Json number(double x) {
  return std::isfinite(x) ? Json(x) : Json(nullptr);
}

Json vector_json(const Eigen::VectorXd& values) {
  Json out = Json::array();
  for (const double x : values) out.push_back(number(x));
  return out;
}

Json matrix_json(const Eigen::MatrixXd& values) {
  Json out = Json::array();
  for (Eigen::Index i = 0; i < values.rows(); ++i)
    out.push_back(vector_json(values.row(i).transpose()));
  return out;
}

Json features_json(const FeaturizerState& state) {
  Json elements = Json::array();
  for (const int element : state.elements)
    elements.push_back(std::string(chemistry::element_symbol(element)));
  Json primaries = Json::array();
  for (const descriptors::Primary& primary : state.primaries) {
    primaries.push_back({{"name", primary.name},
                         {"property", primary.property},
                         {"block", name_in(kBlocks, primary.block)},
                         {"operation", descriptors::kOperationNames.to_name(primary.operation)}});
  }
  return {{"method", name_in(kMethods, state.options.method)},
          {"loading", name_in(kLoadings, state.options.loading)},
          {"normalize", name_in(kNormalizations, state.options.normalize)},
          {"element_table", state.element_table},
          {"properties", state.properties},
          {"elements", elements},
          {"normalized", matrix_json(state.normalized)},
          {"active_mean", vector_json(state.active_mean)},
          {"support_mean", vector_json(state.support_mean)},
          {"condition_names", state.condition_names},
          {"primaries", primaries},
          {"offset", vector_json(state.offset)}};
}

Json hypothesis_json(const Hypothesis& hypothesis,
                     const std::vector<descriptors::Primary>& primaries) {
  Json texts = Json::array();
  for (const descriptors::Descriptor& descriptor : hypothesis.descriptors) {
    texts.push_back(descriptors::to_text(descriptor, primaries));
  }
  return {{"descriptors", texts},
          {"coefficients", vector_json(hypothesis.coefficients)},
          {"intercept", number(hypothesis.intercept)},
          {"scale", number(hypothesis.scale)},
          {"mae_train", number(hypothesis.mae_train)},
          {"mae_cv", number(hypothesis.mae_cv)},
          {"weight", number(hypothesis.weight)}};
}

Json forest_json(const regression::Forest& forest) {
  Json trees = Json::array();
  for (const regression::Tree& tree : forest.trees) {
    Json columns = Json::array();
    Json right = Json::array();
    Json values = Json::array();
    for (const regression::Tree::Node& node : tree.nodes) {
      columns.push_back(node.column);
      right.push_back(node.right);
      values.push_back(number(node.value));
    }
    trees.push_back({{"column", columns}, {"right", right}, {"value", values}});
  }
  return trees;
}

Json companions_json(const Model& model) {
  Json out = Json::array();
  for (const selection::Companion& companion : model.companions) {
    Json symbols = Json::array();
    for (const int element : companion.composition.elements)
      symbols.push_back(std::string(chemistry::element_symbol(element)));
    out.push_back({{"name", companion.name},
                   {"weight", number(companion.weight)},
                   {"primaries", companion.primaries},
                   {"elements", symbols},
                   {"supports", companion.composition.supports},
                   {"conditions", companion.composition.conditions},
                   {"center", name_in(kCenters, companion.forest.center)},
                   {"trees", forest_json(companion.forest)},
                   {"honest", vector_json(companion.honest)}});
  }
  return out;
}

// With everything that a prediction by it needs.
Json whole_hypothesis_json(const Hypothesis& hypothesis,
                           const std::vector<descriptors::Primary>& primaries) {
  Json entry = hypothesis_json(hypothesis, primaries);
  entry["promise"] = vector_json(hypothesis.promise);
  entry["low"] = vector_json(hypothesis.low);
  entry["high"] = vector_json(hypothesis.high);
  entry["center"] = vector_json(hypothesis.center);
  entry["spread"] = vector_json(hypothesis.spread);
  return entry;
}

// What a model inherited: when each hypothesis was found, the dormant ones, and what was promised
// for the measurements in each record of the ledger.
Json population_json(const Model& model) {
  Json born = Json::array();
  for (const Hypothesis& hypothesis : model.hypotheses) born.push_back(hypothesis.born);
  Json dormant = Json::array();
  for (const Hypothesis& hypothesis : model.dormant) {
    dormant.push_back(whole_hypothesis_json(hypothesis, model.features.primaries));
    dormant.back()["born"] = hypothesis.born;
  }
  Json promised = Json::array();
  for (const selection::LedgerRecord& record : model.ledger)
    promised.push_back(number(record.total_promised));
  return {{"generation", model.generation},
          {"born", born},
          {"dormant", dormant},
          {"promised", promised}};
}

Json ledger_json(const std::vector<selection::LedgerRecord>& records) {
  Json out = Json::array();
  for (const selection::LedgerRecord& record : records) {
    out.push_back({{"descriptors", record.descriptors},
                   {"count", record.count},
                   {"total_error", number(record.total_error)},
                   {"total_log_p", number(record.total_log_p)},
                   {"worse", record.worse}});
  }
  return out;
}

}  // namespace

Json settings_json(const selection::ModelSettings& settings) {
  const selection::SearchOptions& search = settings.search;
  return {{"method", name_in(kMethods, settings.features.method)},
          {"loading", name_in(kLoadings, settings.features.loading)},
          {"normalize", name_in(kNormalizations, settings.features.normalize)},
          {"order", settings.order},
          {"products", settings.products},
          {"size_by_nested_error", settings.size_by_nested_error},
          {"coverage", settings.coverage},
          {"trees", settings.trees},
          {"calibration_folds", settings.calibration_folds},
          {"search", name_in(kSearches, search.method)},
          {"size", search.size},
          {"epsilon", search.regression.epsilon},
          {"alpha", search.regression.alpha},
          {"one_per_family", search.one_per_family},
          {"hypotheses", search.hypotheses},
          {"shared", search.shared},
          {"seed", search.seed},
          {"work", search.work},
          {"time_limit", search.time_limit}};
}

Json hypotheses_json(const Model& model) {
  Json out = Json::array();
  for (const Hypothesis& hypothesis : model.hypotheses) {
    out.push_back(hypothesis_json(hypothesis, model.features.primaries));
  }
  return out;
}

Json noise_json(const selection::Noise& noise) {
  return {{"replicated", noise.replicated}, {"rows", noise.rows},
          {"pure_df", noise.pure_df},       {"pure_sd", number(noise.pure_sd)},
          {"fit_df", noise.fit_df},         {"fit_sd", number(noise.fit_sd)},
          {"f", number(noise.f)},           {"p", number(noise.p)}};
}

Json offsets_json(const selection::BatchOffsets& offsets) {
  Json batches = Json::array();
  for (const selection::BatchOffsets::Batch& batch : offsets.batches) {
    Json item = Json::object();
    item["batch"] = batch.name;
    item["offset"] = number(batch.offset);
    item["standard_error"] = number(batch.standard_error);
    item["rows"] = batch.rows;
    item["bridges"] = batch.bridges;
    batches.push_back(std::move(item));
  }
  Json out = Json::object();
  out["batches"] = std::move(batches);
  out["bridge_points"] = offsets.bridge_points;
  out["between_sd"] = number(offsets.between_sd);
  out["within_sd"] = number(offsets.within_sd);
  out["df"] = offsets.df;
  out["p"] = number(offsets.p);
  out["why_none"] = offsets.why_none;
  return out;
}

Json honest_json(const Model& model) {
  if (model.honest_prediction.size() == 0) return nullptr;
  return (model.y - model.honest_prediction).cwiseAbs().mean();
}

Json sizes_json(const Model& model) {
  Json out = Json::array();
  for (const selection::SizeTried& tried : model.sizes_tried)
    out.push_back({{"size", tried.size}, {"mae_honest", number(tried.mae_honest)}});
  return out;
}

Json parts_json(const Model& model) {
  const auto honest = [&](const Eigen::VectorXd& said) -> Json {
    if (said.size() != model.y.size()) return nullptr;
    return (model.y - said).cwiseAbs().mean();
  };
  double rest = 1.0;
  Json companions = Json::array();
  for (const selection::Companion& companion : model.companions) {
    rest -= companion.weight;
    companions.push_back({{"name", companion.name},
                          {"weight", companion.weight},
                          {"mae_honest", honest(companion.honest)}});
  }
  Json out = Json::array();
  out.push_back({{"name", "hypotheses"},
                 {"weight", std::max(0.0, rest)},
                 {"mae_honest", honest(model.honest_hypotheses)}});
  for (Json& companion : companions) out.push_back(std::move(companion));
  return out;
}

std::string write_model(const ModelDocument& document) {
  const Model& model = document.model;
  Json hypotheses = Json::array();
  for (const Hypothesis& hypothesis : model.hypotheses)
    hypotheses.push_back(whole_hypothesis_json(hypothesis, model.features.primaries));
  Json symbols = Json::array();
  for (const int element : model.elements)
    symbols.push_back(std::string(chemistry::element_symbol(element)));
  Json json = {{"kasetsu_model", kModelFormat},
               {"target", document.provenance.target},
               {"unit", document.provenance.unit},
               {"snapshot", document.provenance.snapshot},
               {"code_version", document.provenance.code_version},
               {"settings", settings_json(model.settings)},
               {"features", features_json(model.features)},
               {"hypotheses", hypotheses},
               {"n_samples", model.n_samples},
               {"n_descriptors", model.n_descriptors},
               {"size", model.size},
               {"effort",
                {{"evaluations", model.search.evaluations},
                 {"exact_evaluations", model.search.exact_evaluations},
                 {"work", model.search.work},
                 {"stopped_by", model.search.stopped_by}}},
               {"sizes_tried", sizes_json(model)},
               {"catalysts", model.catalysts},
               {"y", vector_json(model.y)},
               {"loo_prediction", vector_json(model.loo_prediction)},
               {"honest_prediction", vector_json(model.honest_prediction)},
               {"honest_hypotheses", vector_json(model.honest_hypotheses)},
               {"companions", companions_json(model)},
               {"noise", noise_json(model.noise)},
               {"ledger", ledger_json(model.ledger)},
               {"eliminated", model.eliminated},
               {"seen_elements", symbols},
               {"seen_supports", model.supports},
               {"base", number(model.base)},
               {"scores", vector_json(model.scores)},
               {"coordinates", matrix_json(model.coordinates)},
               {"typical_distance", number(model.typical_distance)}};
  // Only where the term was asked for: other documents do not change by it.
  if (!model.offsets.batches.empty()) json["batch_offsets"] = offsets_json(model.offsets);
  if (model.generation > 0) json["population"] = population_json(model);
  return json.dump() + "\n";
}

}  // namespace kasetsu::campaign
