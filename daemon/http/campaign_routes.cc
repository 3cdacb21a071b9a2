#include <fmt/format.h>

#include "daemon/base/secret_addresses.h"
#include "daemon/campaign/learning/models.h"
#include "daemon/campaign/learning/retrain.h"
#include "daemon/http/api.h"
#include "daemon/http/problem.h"
#include "daemon/http/wire.h"

namespace kasetsu::http {
namespace {

using campaign::CampaignVerb;
using campaign::Reader;

// The campaign with its properties.
Json full_json(const campaign::Reader& reader, const campaign::Campaign& found) {
  Json json = to_json(found);
  Json properties = Json::array();
  for (const campaign::Property& property : reader.properties(found.key)) {
    properties.push_back(to_json(property));
  }
  json["properties"] = std::move(properties);
  return json;
}

// What a file does to what is stored of its campaign.
struct FileEffects {
  std::vector<campaign::FallenProposal> fallen;
  std::vector<std::string> left_out;  // results_left_out
};

Response validation_response(const DecodedCampaign& decoded, const FileEffects& effects) {
  Json properties = Json::array();
  for (const campaign::Property& property : decoded.draft.properties) {
    properties.push_back(to_json(property));
  }
  return json_response(200, {{"valid", true},
                             {"name", decoded.draft.name},
                             {"properties", std::move(properties)},
                             {"conditions", decoded.conditions},
                             {"warnings", decoded.draft.warnings},
                             {"withdraws", fallen_json(effects.fallen)},
                             {"left_out", effects.left_out},
                             {"batch_size", decoded.batch_size}});
}

Result<Json> list_campaigns(const Reader& reader, const Request&) {
  Json list = Json::array();
  for (const campaign::Campaign& found : reader.campaigns()) list.push_back(to_json(found));
  return Json{{"campaigns", std::move(list)}, {"next_page_token", nullptr}};
}

Result<Written> steer(campaign::Transaction& tx, const Request& request, const Json& body,
                      const campaign::Context& context, CampaignVerb verb) {
  FieldReader fields(body, {"reason"});
  const std::string reason = fields.optional<std::string>("reason").value_or("");
  if (!fields.status()) return fields.status().error();
  const auto expected = expected_revision(request);
  if (!expected) return expected.error();
  const auto steered =
      campaign::steer_campaign(tx, request.parameter("name"), verb, reason, context, *expected);
  if (!steered) return steered.error();
  // What it would still learn or plan keeps others from the daemon's one worker.
  if (verb == CampaignVerb::complete || verb == CampaignVerb::stop) {
    for (const auto state : {campaign::JobState::scheduled, campaign::JobState::running}) {
      for (const campaign::Job& job : tx.jobs(steered->key, state, {0, 10'000})) {
        const auto cancelled = campaign::cancel_job(tx, job.id, context);
        if (!cancelled) return cancelled.error();
      }
    }
  }
  return Written{200, full_json(tx, *steered), ""};
}

Result<Json> list_configs(const Reader& reader, const Request& request) {
  const auto found = campaign::find_campaign(reader, request.parameter("name"));
  if (!found) return found.error();
  Json list = Json::array();
  for (const auto& version : reader.campaign_versions(found->key)) {
    list.push_back(to_json(version, false));
  }
  return Json{{"configs", std::move(list)}, {"next_page_token", nullptr}};
}

Result<Json> get_config(const Reader& reader, const Request& request) {
  const auto found = campaign::find_campaign(reader, request.parameter("name"));
  if (!found) return found.error();
  const std::string& number = request.parameter("version");
  for (const auto& version : reader.campaign_versions(found->key)) {
    if (std::to_string(version.version) != number) continue;
    const auto whole = reader.campaign_version(found->key, version.version);
    if (!whole) continue;
    Json json = to_json(*whole, true);
    // Those who may not change the file need not know where its webhooks lead.
    const bool hidden = !request.principal.may(Scope::campaigns);
    if (hidden) json["text"] = without_secrets(whole->text);
    json["addresses_hidden"] = hidden && json["text"] != whole->text;
    return json;
  }
  return Error{ErrorCode::not_found, "no such version of the campaign file", "version", number,
               fmt::format("a number from 1 to {}", found->version)};
}

}  // namespace

Result<Response> Api::get_campaign(const Request& request) {
  return campaign::read_value<Response>(
      services_.database, [&](const Reader& reader) -> Result<Response> {
        const auto found = campaign::find_campaign(reader, request.parameter("name"));
        if (!found) return found.error();
        Json json = full_json(reader, *found);
        json["measurements"] = reader.count_measurements(found->key);
        if (const auto config = services_.campaigns.of(reader, *found)) {
          json["composition"] = to_json((*config)->composition);
        }
        for (const auto& key : reader.renewed_keys(found->key)) {
          json["renewed_keys"].push_back(to_json(key));
        }
        Response response = json_response(200, json);
        response.headers.emplace_back("ETag", revision_tag(found->revision));
        return response;
      });
}

asio::awaitable<Response> Api::post_campaign(Request& request) {
  const Status query = check_query(request, {});
  if (!query) co_return problem(query.error());
  const auto expected = expected_revision(request);
  if (!expected) co_return problem(expected.error());
  std::function<Result<DecodedCampaign>()> decode = [&] {
    return services_.decode_campaign(request.body, request.content_type);
  };
  Result<DecodedCampaign> decoded =
      co_await campaign_files_.run<DecodedCampaign>(request.claim, std::move(decode));
  if (!decoded) co_return problem(decoded.error());
  struct Made {
    campaign::Reply reply;
    campaign::Campaign campaign;
    bool changed = false;
  };
  std::function<Result<Made>(Transaction&)> task = [&](Transaction& tx) -> Result<Made> {
    const campaign::Context context = this->context(request);
    Made made;
    const auto action = [&]() -> Result<campaign::Reply> {
      auto applied = campaign::apply_campaign(tx, decoded->draft, context, *expected);
      if (!applied) return applied.error();
      const bool created = applied->outcome == campaign::ApplyOutcome::created;
      const bool updated = applied->outcome == campaign::ApplyOutcome::updated;
      made.changed = created || updated;
      Json json = full_json(tx, applied->campaign);
      json["outcome"] = created ? "created" : updated ? "updated" : "unchanged";
      json["warnings"] = decoded->draft.warnings;
      if (updated) {
        for (std::string& text :
             campaign::results_left_out(tx, applied->campaign, decoded->conditions)) {
          json["warnings"].push_back(std::move(text));
        }
      }
      json["withdrawn"] = fallen_json(applied->withdrawn);
      return campaign::Reply{created ? 201 : 200, dump_json(json), false};
    };
    auto reply = request.idempotency_key.empty()
                     ? action()
                     : campaign::once(tx, idempotency_scope(request), request.idempotency_key,
                                      sha256(request.body), context, action);
    if (!reply) return reply.error();
    made.reply = std::move(*reply);
    const auto found = campaign::find_campaign(tx, decoded->draft.name);
    if (found) made.campaign = *found;
    return made;
  };
  Result<Made> made = co_await commit<Made>(services_.database, completions_, std::move(task));
  if (!made) {
    Response response = problem(made.error());
    if (made.error().code == ErrorCode::conflict && *expected) response.status = 412;
    co_return response;
  }
  // Those who deliver and ask from now on do not decode it, in the writer least of all.
  if (made->changed && decoded->config) {
    services_.campaigns.keep(made->campaign.id, made->campaign.version, decoded->config,
                             request.body.size());
  }
  Response response;
  response.status = static_cast<int>(made->reply.status);
  response.body = std::move(made->reply.body);
  response.headers.emplace_back("Location", fmt::format("/v1/campaigns/{}", decoded->draft.name));
  response.headers.emplace_back("ETag", revision_tag(made->campaign.revision));
  if (made->reply.replayed) response.headers.emplace_back("Idempotent-Replayed", "true");
  co_return response;
}

void Api::add_campaign_routes(Router& router) {
  const std::vector<std::string> documents = {"application/toml", "application/json"};
  router.add({"GET", "/v1/campaigns", Scope::read, reading({}, list_campaigns)});
  router.add({"POST", "/v1/campaigns", Scope::campaigns,
              [this](Request& request) { return post_campaign(request); }, documents});
  router.add(
      {"POST", "/v1/campaigns:validate", Scope::read,
       working_on(campaign_files_, {},
                  [this](const Request& request) -> Result<Response> {
                    const auto decoded =
                        services_.decode_campaign(request.body, request.content_type);
                    if (!decoded) return decoded.error();
                    const auto effects = campaign::read_value<FileEffects>(
                        services_.database, [&](const Reader& reader) -> Result<FileEffects> {
                          const auto found = reader.find_campaign(decoded->draft.name);
                          if (!found) return FileEffects();
                          const Status may = campaign::may_update(reader, *found, decoded->draft);
                          if (!may) return may.error();
                          return FileEffects{
                              campaign::fallen_proposals(reader, *found, decoded->draft),
                              campaign::results_left_out(reader, *found, decoded->conditions)};
                        });
                    if (!effects) return effects.error();
                    return validation_response(*decoded, *effects);
                  }),
       documents});
  router.add({"GET", "/v1/campaigns/{name}", Scope::read,
              working({}, [this](const Request& request) { return get_campaign(request); })});
  for (const auto& [word, verb] :
       {std::pair{"start", CampaignVerb::start}, std::pair{"pause", CampaignVerb::pause},
        std::pair{"resume", CampaignVerb::resume}, std::pair{"complete", CampaignVerb::complete},
        std::pair{"stop", CampaignVerb::stop}}) {
    add_write(router, fmt::format("/v1/campaigns/{{name}}:{}", word), Scope::campaigns,
              [verb = verb](Transaction& tx, const Request& request, const Json& body,
                            const campaign::Context& context) {
                return steer(tx, request, body, context, verb);
              });
  }
  router.add({"GET", "/v1/campaigns/{name}/configs", Scope::read, reading({}, list_configs)});
  router.add(
      {"GET", "/v1/campaigns/{name}/configs/{version}", Scope::read, reading({}, get_config)});
}

}  // namespace kasetsu::http
