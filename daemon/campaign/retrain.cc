#include "daemon/campaign/retrain.h"

#include <fmt/format.h>

#include <utility>

namespace kasetsu::campaign {

Result<selection::TrainingSet> training_rows(const TrainingSet& set,
                                             const std::vector<std::string>& conditions,
                                             const chemistry::SupportTable& supports) {
  selection::TrainingSet out;
  out.conditions.names = conditions;
  std::vector<double> values;
  std::vector<double> inputs;
  for (const TrainingRow& row : set.rows) {
    if (row.kind == SampleKind::blank) continue;
    const std::string where = fmt::format("measurement {}", row.measurement);
    Result<chemistry::Catalyst> catalyst = chemistry::parse_key(row.catalyst, supports);
    if (!catalyst) return catalyst.error().in(where);
    if (!conditions.empty()) {
      const Result<Json> told = parse_json(row.conditions);
      if (!told) return told.error().in(where);
      for (const std::string& name : conditions) {
        const Result<double> value = read_field<double>(*told, name, "/conditions");
        if (!value) return value.error().in(where);
        inputs.push_back(*value);
      }
    }
    out.catalysts.push_back(std::move(catalyst).value());
    values.push_back(row.value);
  }
  const auto rows = static_cast<Eigen::Index>(values.size());
  out.y = Eigen::Map<const Eigen::VectorXd>(values.data(), rows);
  using RowMajor = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  out.conditions.values =
      Eigen::Map<const RowMajor>(inputs.data(), rows, static_cast<Eigen::Index>(conditions.size()));
  return out;
}

Result<Learnt> learn(const TrainingSet& set, const selection::ModelSettings& settings,
                     const std::vector<std::string>& conditions, const Science& science,
                     const std::string& code_version, const Executor& executor,
                     const Control& control) {
  const Result<selection::TrainingSet> rows = training_rows(set, conditions, science.supports);
  if (!rows) return rows.error();
  Result<selection::Model> model =
      selection::train(science.elements, *rows, settings, executor, control);
  if (!model) return model.error();
  Learnt learnt;
  learnt.document.provenance = {set.property, set.unit, set.snapshot.hex(), code_version};
  learnt.document.model = std::move(model).value();
  learnt.text = write_model(learnt.document);
  learnt.summary = model_summary(learnt.document.model);
  return learnt;
}

Json model_summary(const selection::Model& model) {
  const selection::Hypothesis& best = model.hypotheses.front();
  Json texts = Json::array();
  Json words = Json::array();
  for (const descriptors::Descriptor& descriptor : best.descriptors) {
    texts.push_back(descriptors::to_text(descriptor, model.features.primaries));
    words.push_back(descriptors::describe(descriptor, model.features.primaries));
  }
  return {{"mae_cv", best.mae_cv},
          {"mae_train", best.mae_train},
          {"n_samples", model.n_samples},
          {"n_descriptors", model.n_descriptors},
          {"hypotheses", model.hypotheses.size()},
          {"size", model.size},
          {"best", texts},
          {"best_in_words", words},
          {"evaluations", model.search.evaluations},
          {"stopped_by", model.search.stopped_by}};
}

}  // namespace kasetsu::campaign
