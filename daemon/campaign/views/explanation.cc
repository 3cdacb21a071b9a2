#include "daemon/campaign/views/explanation.h"

#include "core/selection/explanation.h"
#include "daemon/campaign/learning/model_document.h"
#include "daemon/campaign/planning/recommend.h"

namespace kasetsu::campaign {
namespace {

Json told(const selection::Explanation& of, std::string_view unit) {
  Json parts = Json::array();
  for (const auto& part : of.parts) {
    parts.push_back({{"name", part.name}, {"weight", part.weight}, {"says", part.says}});
  }
  Json contributions = Json::array();
  for (const auto& one : of.contributions) {
    contributions.push_back({{"descriptor", one.descriptor},
                             {"words", one.words},
                             {"contribution", one.contribution},
                             {"outside", one.outside}});
  }
  Json neighbours = Json::array();
  for (const auto& one : of.neighbours) {
    neighbours.push_back({{"catalyst", one.catalyst},
                          {"description", chemistry::describe_key(one.catalyst, unit)},
                          {"distance", one.distance},
                          {"measured", one.measured}});
  }
  return {{"usual", of.usual},
          {"agree", of.agree},
          {"hypotheses", of.hypotheses},
          {"parts", std::move(parts)},
          {"contributions", std::move(contributions)},
          {"neighbours", std::move(neighbours)}};
}

// The conditions that the model wants, of one candidate. Errors: one that it does not tell.
Result<descriptors::Conditions> conditions_of(const Proposal& proposal,
                                              const std::vector<std::string>& names) {
  const auto values = parse_json(proposal.conditions.empty() ? "{}" : proposal.conditions);
  if (!values) return values.error();
  descriptors::Conditions conditions;
  conditions.names = names;
  conditions.values.resize(1, static_cast<Eigen::Index>(names.size()));
  for (std::size_t j = 0; j < names.size(); ++j) {
    const auto value = read_optional<double>(*values, names[j]);
    if (!value) return value.error();
    if (!*value) {
      return Error{ErrorCode::bad_data, "the proposal does not tell a condition of the model",
                   names[j], "", "a number"};
    }
    conditions.values(0, static_cast<Eigen::Index>(j)) = **value;
  }
  return conditions;
}

}  // namespace

Result<Json> explanation(const Reader& reader, const Campaign& campaign,
                         const CampaignConfig& config, const std::string& id,
                         const chemistry::SupportTable& supports) {
  const auto proposal = reader.find_proposal(id);
  if (!proposal || proposal->campaign != campaign.key) {
    return Error{ErrorCode::not_found, "no such proposal", "proposal", id,
                 "the id of a proposal of this campaign"};
  }
  const std::string& unit = config.targets.front().unit;
  Json json = {{"proposal", id},
               {"model", nullptr},
               {"unit", unit.empty() ? Json(nullptr) : Json(unit)},
               {"usual", nullptr},
               {"agree", 0},
               {"hypotheses", 0},
               {"parts", Json::array()},
               {"contributions", Json::array()},
               {"neighbours", Json::array()}};
  const auto model = proposal->model.empty() ? std::nullopt : reader.find_model(proposal->model);
  if (!model) return json;
  const auto document = read_model(model->document);
  if (!document) return document.error();
  auto catalyst = chemistry::parse_key(proposal->catalyst, supports);
  if (!catalyst) return catalyst.error();
  const auto conditions = conditions_of(*proposal, document->model.features.condition_names);
  if (!conditions) return conditions.error();
  const auto predictor = selection::Predictor::make(document->model);
  if (!predictor) return predictor.error();
  const std::vector<chemistry::Catalyst> catalysts = {std::move(*catalyst)};
  const auto predictions = predictor->predict(catalysts, *conditions);
  if (!predictions) return predictions.error();
  const auto found = selection::explain(document->model, catalysts, *conditions, *predictions);
  if (!found) return found.error();
  json["model"] = model->id;
  json.update(told(found->front(), config.composition.unit()));
  return json;
}

}  // namespace kasetsu::campaign
