#include "daemon/campaign/views/insight.h"

#include <algorithm>
#include <optional>
#include <set>

#include "core/descriptors/descriptor.h"
#include "core/selection/ensemble.h"
#include "core/selection/model.h"
#include "daemon/campaign/learning/learn.h"
#include "daemon/campaign/learning/model_document.h"
#include "daemon/campaign/views/foretold.h"

namespace kasetsu::campaign {
namespace {

constexpr std::size_t kMostPoints = 5'000;
constexpr std::size_t kModelsInHistory = 12;
constexpr std::size_t kDescriptorsInHistory = 30;

// How far the hypotheses disagree on each training row; nothing where the rows are not to be had.
std::optional<Eigen::VectorXd> disagreements(const Reader& reader, const Model& row,
                                             const selection::Model& model,
                                             const selection::Predictor& predictor,
                                             const chemistry::SupportTable& supports) {
  const auto set = reader.training_set(row.campaign, row.snapshot);
  if (!set) return std::nullopt;
  const auto rows = rows_to_learn(*set);
  if (!rows) return std::nullopt;
  const auto training = training_rows(*rows, model.features.condition_names, supports);
  if (!training || std::ssize(training->catalysts) != model.y.size()) return std::nullopt;
  const auto predictions = predictor.predict(training->catalysts, training->conditions);
  if (!predictions) return std::nullopt;
  return predictions->disagreement;
}

Result<Json> parity(const Reader& reader, const Model& row, const selection::Model& model,
                    const chemistry::SupportTable& supports, std::string_view unit) {
  const auto predictor = selection::Predictor::make(model);
  if (!predictor) return predictor.error();
  const Eigen::VectorXd& predicted =
      model.honest_prediction.size() > 0 ? model.honest_prediction : model.loo_prediction;
  const auto disagreement = disagreements(reader, row, model, *predictor, supports);
  const Eigen::VectorXd novelty =
      selection::in_units(selection::nearest_distance(model.coordinates, model.coordinates, true),
                          model.typical_distance);
  const auto stride =
      static_cast<Eigen::Index>(static_cast<std::size_t>(model.y.size()) / kMostPoints + 1);
  Json points = Json::array();
  for (Eigen::Index i = 0; i < model.y.size(); i += stride) {
    Json point = {{"description",
                   chemistry::describe_key(model.catalysts[static_cast<std::size_t>(i)], unit)},
                  {"measured", model.y[i]},
                  {"predicted", predicted[i]},
                  {"low", nullptr},
                  {"high", nullptr}};
    if (disagreement) {
      const double half = predictor->half_width((*disagreement)[i], novelty[i]);
      point["low"] = predicted[i] - half;
      point["high"] = predicted[i] + half;
    }
    points.push_back(std::move(point));
  }
  return points;
}

struct Chosen {
  std::string words;
  std::int64_t hypotheses = 0;
  double share = 0.0;
  double effect = 0.0;
};

// By text; effects of the first, which is the best, hypothesis that has it.
std::map<std::string, Chosen> chosen_descriptors(const selection::Model& model) {
  std::map<std::string, Chosen> chosen;
  for (const selection::Hypothesis& hypothesis : model.hypotheses) {
    for (std::size_t j = 0; j < hypothesis.descriptors.size(); ++j) {
      const auto column = static_cast<Eigen::Index>(j);
      const auto [place, is_new] = chosen.try_emplace(
          descriptors::to_text(hypothesis.descriptors[j], model.features.primaries));
      Chosen& of = place->second;
      if (is_new) {
        of.words = descriptors::describe(hypothesis.descriptors[j], model.features.primaries);
        of.effect = hypothesis.coefficients[column] * hypothesis.spread[column];
      }
      ++of.hypotheses;
      of.share += hypothesis.weight;
    }
  }
  return chosen;
}

std::map<std::string, double> shares_of(const selection::Model& model) {
  std::map<std::string, double> shares;
  for (const selection::Hypothesis& hypothesis : model.hypotheses) {
    for (const auto& descriptor : hypothesis.descriptors) {
      shares[descriptors::to_text(descriptor, model.features.primaries)] += hypothesis.weight;
    }
  }
  return shares;
}

Json history(const Reader& reader, const Campaign& campaign, const Model& newest,
             const std::set<std::string>& wanted) {
  std::vector<Model> models = reader.models(campaign.key, {0, 100'000});
  std::erase_if(models, [&](const Model& model) {
    return model.property != newest.property || model.version > newest.version;
  });
  if (models.size() > kModelsInHistory) {
    models.erase(models.begin(), models.end() - static_cast<std::ptrdiff_t>(kModelsInHistory));
  }
  Json list = Json::array();
  for (const Model& model : models) {
    const auto whole = reader.find_model(model.id);
    const auto document = whole
                              ? read_model(whole->document)
                              : Result<ModelDocument>(Error{ErrorCode::not_found, "", "", "", ""});
    if (!document) continue;
    Json shares = Json::object();
    for (const auto& [text, share] : shares_of(document->model)) {
      if (wanted.count(text) != 0) shares[text] = share;
    }
    list.push_back({{"version", model.version}, {"shares", std::move(shares)}});
  }
  return list;
}

Json best_json(const selection::Model& model) {
  const selection::Hypothesis& best = model.hypotheses.front();
  Json list = Json::array();
  for (std::size_t j = 0; j < best.descriptors.size(); ++j) {
    const auto column = static_cast<Eigen::Index>(j);
    list.push_back(
        {{"descriptor", descriptors::to_text(best.descriptors[j], model.features.primaries)},
         {"words", descriptors::describe(best.descriptors[j], model.features.primaries)},
         {"effect", best.coefficients[column] * best.spread[column]}});
  }
  return {{"usual", best.intercept + best.coefficients.dot(best.center)},
          {"descriptors", std::move(list)}};
}

}  // namespace

Result<Json> insight(const Reader& reader, const Campaign& campaign, const Model& row,
                     const chemistry::SupportTable& supports, std::string_view unit) {
  const auto document = read_model(row.document);
  if (!document) return document.error();
  const selection::Model& model = document->model;
  auto points = parity(reader, row, model, supports, unit);
  if (!points) return points.error();
  std::vector<std::pair<std::string, Chosen>> chosen;
  for (auto& item : chosen_descriptors(model)) chosen.push_back(std::move(item));
  std::stable_sort(chosen.begin(), chosen.end(),
                   [](const auto& a, const auto& b) { return a.second.share > b.second.share; });
  Json list = Json::array();
  std::set<std::string> wanted;
  for (const auto& [text, of] : chosen) {
    if (wanted.size() < kDescriptorsInHistory) wanted.insert(text);
    list.push_back({{"descriptor", text},
                    {"words", of.words},
                    {"chosen", of.hypotheses},
                    {"share", of.share},
                    {"effect", of.effect}});
  }
  Json json = judged(*points, model.settings.coverage);
  json["model"] = row.id;
  json["version"] = row.version;
  json["property"] = row.property;
  json["unit"] =
      document->provenance.unit.empty() ? Json(nullptr) : Json(document->provenance.unit);
  json["hypotheses"] = model.hypotheses.size();
  json["honest"] = model.honest_prediction.size() > 0;
  json["parity"] = std::move(*points);
  json["best"] = best_json(model);
  json["descriptors"] = std::move(list);
  json["history"] = history(reader, campaign, row, wanted);
  return json;
}

}  // namespace kasetsu::campaign
