#include "daemon/campaign/learning/learn.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <utility>

#include "core/selection/ensemble.h"
#include "daemon/campaign/learning/verdict_json.h"
#include "daemon/campaign/records/conditions.h"

namespace kasetsu::campaign {

bool can_be_learnt(const TrainingRow& row, const std::vector<std::string>& conditions) {
  if (row.kind == SampleKind::blank) return false;
  if (conditions.empty()) return true;
  const auto told = read_conditions(row.conditions);
  return std::all_of(conditions.begin(), conditions.end(),
                     [&](const std::string& name) { return told.contains(name); });
}

std::optional<int> lacking_element(const chemistry::Catalyst& catalyst, descriptors::Method method,
                                   const std::function<bool(int)>& has) {
  for (const auto& part : catalyst.active.parts()) {
    if (!has(part.element)) return part.element;
  }
  if (method != descriptors::Method::extended) return {};
  for (const auto& part : catalyst.support_formula.parts()) {
    if (!has(part.element)) return part.element;
  }
  return {};
}

bool describes(const descriptors::FeaturizerState& features, const chemistry::Catalyst& catalyst) {
  return !lacking_element(catalyst, features.options.method, [&](int element) {
    return std::binary_search(features.elements.begin(), features.elements.end(), element);
  });
}

std::string left_out_text(const TrainingSet& set, const std::vector<std::string>& conditions) {
  std::size_t left_out = 0;
  std::set<std::string> missing;
  for (const TrainingRow& row : set.rows) {
    if (row.kind == SampleKind::blank || can_be_learnt(row, conditions)) continue;
    ++left_out;
    const auto told = read_conditions(row.conditions);
    for (const std::string& name : conditions) {
      if (!told.contains(name)) missing.insert(name);
    }
  }
  if (left_out == 0) return {};
  return fmt::format("{} of {} results of {} do not tell {}, and are left out", left_out,
                     set.rows.size(), set.property, fmt::join(missing, ", "));
}

Result<selection::TrainingSet> training_rows(const TrainingSet& set,
                                             const std::vector<std::string>& conditions,
                                             const chemistry::SupportTable& supports) {
  selection::TrainingSet out;
  out.conditions.names = conditions;
  std::vector<double> values;
  std::vector<double> inputs;
  std::unordered_map<std::string_view, std::size_t> first_of;  // place of a key's first catalyst
  for (const TrainingRow& row : set.rows) {
    if (!can_be_learnt(row, conditions)) continue;
    const std::string where = fmt::format("measurement {}", row.measurement);
    const auto [known, is_new] = first_of.try_emplace(row.catalyst, out.catalysts.size());
    Result<chemistry::Catalyst> catalyst =
        is_new ? chemistry::parse_key(row.catalyst, supports)
               : Result<chemistry::Catalyst>(out.catalysts[known->second]);
    if (!catalyst) return catalyst.error().in(where);
    if (!conditions.empty()) {
      const auto told = read_conditions(row.conditions);
      for (const std::string& name : conditions) inputs.push_back(told.at(name));
    }
    out.catalysts.push_back(std::move(catalyst).value());
    if (!row.batch.empty()) out.batches.push_back(row.batch);
    values.push_back(row.value);
  }
  KASETSU_ASSERT(out.batches.empty() || out.batches.size() == values.size());
  const auto rows = static_cast<Eigen::Index>(values.size());
  out.y = Eigen::Map<const Eigen::VectorXd>(values.data(), rows);
  using RowMajor = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  out.conditions.values =
      Eigen::Map<const RowMajor>(inputs.data(), rows, static_cast<Eigen::Index>(conditions.size()));
  return out;
}

Result<TrainingSet> rows_to_learn(const TrainingSet& set, std::size_t most) {
  if (set.rows.size() <= most) return set;
  using Key = std::tuple<std::string_view, std::string_view, std::string_view, SampleKind>;
  std::map<Key, std::size_t> place;
  std::vector<std::vector<double>> values;
  TrainingSet out;
  out.property = set.property;
  out.unit = set.unit;
  out.snapshot = set.snapshot;
  for (const TrainingRow& row : set.rows) {
    const auto [known, is_new] =
        place.try_emplace(Key{row.catalyst, row.conditions, row.batch, row.kind}, values.size());
    if (is_new) {
      out.rows.push_back(row);
      values.emplace_back();
    }
    values[known->second].push_back(row.value);
  }
  if (out.rows.size() > most) {
    return Error{ErrorCode::bad_data,
                 "there are more catalysts and conditions than one model can learn from",
                 set.property, fmt::format("{} of them", out.rows.size()),
                 fmt::format("at most {}: exclude results, or give a part of them a campaign of "
                             "its own",
                             most)};
  }
  for (std::size_t i = 0; i < values.size(); ++i) {
    // A median is no measurement that a model before may have predicted.
    if (values[i].size() > 1) out.rows[i].measurement.clear();
    out.rows[i].value = selection::median(std::move(values[i]));
  }
  return out;
}

Result<Learnt> learn(const TrainingSet& set, const selection::ModelSettings& settings,
                     const std::vector<std::string>& conditions, const Science& science,
                     const std::string& code_version, const Executor& executor,
                     const Control& control, const selection::History& history) {
  const Result<selection::TrainingSet> rows = training_rows(set, conditions, science.supports);
  if (!rows) return rows.error();
  Result<selection::Model> model =
      selection::train(science.elements, *rows, settings, executor, control, history);
  if (!model) return model.error();
  Learnt learnt;
  learnt.document.provenance = {set.property, set.unit, set.snapshot.hex(), code_version};
  learnt.document.model = std::move(model).value();
  learnt.text = write_model(learnt.document);
  learnt.summary = model_summary(learnt.document.model);
  learnt.summary["intervals"] = intervals_json(learnt.document.model);
  learnt.summary["verdict"] =
      verdict_json(selection::verdict_of(learnt.document.model), learnt.document.provenance.unit);
  return learnt;
}

Result<std::vector<LedgerEntry>> predict_proposals(const ModelDocument& document,
                                                   std::span<const Proposal> proposals,
                                                   const chemistry::SupportTable& supports) {
  std::vector<LedgerEntry> entries;
  TrainingSet asked;
  std::vector<const Proposal*> predicted;
  for (const Proposal& proposal : proposals) {
    TrainingRow row;
    row.catalyst = proposal.catalyst;
    row.conditions = proposal.conditions;
    if (!can_be_learnt(row, document.model.features.condition_names)) continue;
    const auto catalyst = chemistry::parse_key(row.catalyst, supports);
    if (!catalyst || !describes(document.model.features, *catalyst)) continue;
    asked.rows.push_back(std::move(row));
    predicted.push_back(&proposal);
  }
  if (predicted.empty()) return entries;
  const Result<selection::TrainingSet> rows =
      training_rows(asked, document.model.features.condition_names, supports);
  if (!rows) return rows.error();
  const Result<selection::Predictor> predictor = selection::Predictor::make(document.model);
  if (!predictor) return predictor.error();
  const Result<selection::Predictions> found =
      predictor->predict(rows->catalysts, rows->conditions, selection::Asked::alive_and_dormant);
  if (!found) return found.error();
  for (std::size_t i = 0; i < predicted.size(); ++i) {
    const auto row = static_cast<Eigen::Index>(i);
    LedgerEntry entry;
    entry.catalyst = predicted[i]->catalyst;
    entry.proposal = predicted[i]->id;
    entry.property = document.provenance.target;
    entry.predicted = found->mean[row];
    entry.low = found->low[row];
    entry.high = found->high[row];
    entries.push_back(entry);
    entry.low.reset();
    entry.high.reset();
    entry.hypothesis = 0;
    for (const double said : found->for_ledger(row)) {
      entry.predicted = said;
      entries.push_back(entry);
      ++entry.hypothesis;
    }
  }
  return entries;
}

Json model_summary(const selection::Model& model) {
  const selection::Hypothesis& best = model.hypotheses.front();
  Json texts = Json::array();
  Json words = Json::array();
  for (const descriptors::Descriptor& descriptor : best.descriptors) {
    texts.push_back(descriptors::to_text(descriptor, model.features.primaries));
    words.push_back(descriptors::describe(descriptor, model.features.primaries));
  }
  return {{"verdict", verdict_json(selection::verdict_of(model))},
          {"mae_cv", best.mae_cv},
          {"batch_offsets", model.offsets.batches.empty() ? Json() : offsets_json(model.offsets)},
          {"mae_honest", honest_json(model)},
          {"parts", parts_json(model)},
          {"noise", noise_json(model.noise)},
          {"eliminated", model.eliminated},
          {"mae_train", best.mae_train},
          {"n_samples", model.n_samples},
          {"n_descriptors", model.n_descriptors},
          {"hypotheses", model.hypotheses.size()},
          {"size", model.size},
          {"sizes_tried", sizes_json(model)},
          {"best", texts},
          {"best_in_words", words},
          {"evaluations", model.search.evaluations},
          {"stopped_by", model.search.stopped_by}};
}

}  // namespace kasetsu::campaign
