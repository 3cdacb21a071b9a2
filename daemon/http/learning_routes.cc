#include <fmt/format.h>

#include "daemon/campaign/learning/hypothesis_record.h"
#include "daemon/campaign/learning/models.h"
#include "daemon/http/api.h"
#include "daemon/http/problem.h"
#include "daemon/http/wire.h"
#include "daemon/jobs/schedule.h"

namespace kasetsu::http {
namespace {

Error no_job(const std::string& id) {
  return {ErrorCode::not_found, "no such job", "id", id, "the id of a job"};
}

// Without progress in events, jobs have no cheap change tag: this reader always asks the database.
Result<campaign::JobState> job_state(const std::string& text) {
  const auto state = campaign::parse_job_state(text);
  if (state) return *state;
  return Error{ErrorCode::bad_data, "unknown state", "query parameter state", text,
               "SCHEDULED, RUNNING, COMPLETED, FAILED, CANCELLED or SKIPPED"};
}

}  // namespace

void Api::add_learning_routes(Router& router) {
  // Progress of a job is no event, nor is a message's, so these answers have no ETag.
  const auto fresh = [this](std::vector<std::string> names, Read make) -> Handler {
    return [inner = reading(std::move(names), std::move(make))](
               Request& request) -> asio::awaitable<Response> {
      request.if_none_match.clear();
      Response response = co_await inner(request);
      response.headers.clear();
      co_return response;
    };
  };
  router.add({"POST",
              "/v1/campaigns/{name}:retrain",
              Scope::campaigns,
              writing([](Transaction& tx, const Request& request, const Json& body,
                         const campaign::Context& context) -> Result<Answer> {
                const Status known = refuse_unknown(body, {"if_new"}, "");
                if (!known) return known.error();
                const auto if_new = read_optional<bool>(body, "if_new");
                if (!if_new) return if_new.error();
                const auto job = campaign::request_retraining(tx, request.parameter("name"),
                                                              if_new->value_or(false), context);
                if (!job) return job.error();
                if (!*job) return Answer{200, {{"job", nullptr}, {"scheduled", false}}, ""};
                return Answer{202,
                              {{"job", to_json((**job).job)}, {"scheduled", (**job).created}},
                              "/v1/jobs/" + (**job).job.id};
              }),
              {"application/json"}});
  router.add({"GET",
              "/v1/notifications",
              Scope::read,
              fresh({"campaign"},
                    [this](const Reader& reader, const Request& request) -> Result<Json> {
                      const std::string name = request.query_value("campaign").value_or("");
                      if (!name.empty()) {
                        const auto found = campaign::find_campaign(reader, name);
                        if (!found) return found.error();
                      }
                      return services_.notifications(reader, name);
                    }),
              {}});
  router.add({"GET",
              "/v1/jobs",
              Scope::read,
              fresh({"campaign", "state", "limit", "page_token"},
                    [](const Reader& reader, const Request& request) -> Result<Json> {
                      const auto page = read_page(request);
                      if (!page) return page.error();
                      std::optional<std::int64_t> key;
                      if (const auto name = request.query_value("campaign")) {
                        const auto found = campaign::find_campaign(reader, *name);
                        if (!found) return found.error();
                        key = found->key;
                      }
                      std::optional<campaign::JobState> state;
                      if (const auto text = request.query_value("state")) {
                        const auto parsed = job_state(*text);
                        if (!parsed) return parsed.error();
                        state = *parsed;
                      }
                      return page_json("jobs", reader.jobs(key, state, *page), *page,
                                       [&reader](const campaign::Job& job) {
                                         Json json = to_json(job);
                                         const auto of = reader.campaign(job.campaign);
                                         json["campaign"] = of ? Json(of->name) : Json(nullptr);
                                         return json;
                                       });
                    }),
              {}});
  router.add({"GET",
              "/v1/jobs/{id}",
              Scope::read,
              fresh({},
                    [](const Reader& reader, const Request& request) -> Result<Json> {
                      const auto job = reader.find_job(request.parameter("id"));
                      if (!job) return no_job(request.parameter("id"));
                      Json json = to_json(*job);
                      const auto of = reader.campaign(job->campaign);
                      json["campaign"] = of ? Json(of->name) : Json(nullptr);
                      return json;
                    }),
              {}});
  router.add({"POST",
              "/v1/jobs/{id}:cancel",
              Scope::campaigns,
              writing([](Transaction& tx, const Request& request, const Json& body,
                         const campaign::Context& context) -> Result<Answer> {
                const Status known = refuse_unknown(body, {}, "");
                if (!known) return known.error();
                const auto job = campaign::cancel_job(tx, request.parameter("id"), context);
                if (!job) return job.error();
                return Answer{200, to_json(*job), ""};
              }),
              {"application/json"}});
  router.add({"GET",
              "/v1/campaigns/{name}/models",
              Scope::read,
              listing({},
                      [](const Reader& reader, const Request&, const campaign::Campaign& found,
                         const campaign::Page& page) -> Result<Json> {
                        return page_json("models", reader.models(found.key, page), page,
                                         [](const auto& model) { return to_json(model, false); });
                      }),
              {}});
  router.add({"GET",
              "/v1/campaigns/{name}/models/{id}",
              Scope::read,
              reading({},
                      [](const Reader& reader, const Request& request) -> Result<Json> {
                        const auto found =
                            campaign::find_campaign(reader, request.parameter("name"));
                        if (!found) return found.error();
                        const std::string& id = request.parameter("id");
                        const auto model = id == "current" ? reader.current_model(found->key, "")
                                                           : reader.find_model(id);
                        if (!model || model->campaign != found->key) {
                          return Error{ErrorCode::not_found, "no such model", "id", id,
                                       "the id of a model of this campaign, or current"};
                        }
                        return to_json(*model, true);
                      }),
              {}});
  router.add({"POST",
              "/v1/campaigns/{name}/models/{id}:promote",
              Scope::campaigns,
              writing([](Transaction& tx, const Request& request, const Json& body,
                         const campaign::Context& context) -> Result<Answer> {
                const Status known = refuse_unknown(body, {"reason"}, "");
                if (!known) return known.error();
                const auto reason = read_field<std::string>(body, "reason");
                if (!reason) return reason.error();
                const auto found = campaign::find_campaign(tx, request.parameter("name"));
                if (!found) return found.error();
                const auto before = tx.find_model(request.parameter("id"));
                if (!before || before->campaign != found->key) {
                  return Error{ErrorCode::not_found, "no such model", "id", request.parameter("id"),
                               "the id of a model of this campaign"};
                }
                const auto model = campaign::promote_model(tx, before->id, *reason, context);
                if (!model) return model.error();
                return Answer{200, to_json(*model, false), ""};
              }),
              {"application/json"}});
  router.add({"GET",
              "/v1/campaigns/{name}/hypotheses",
              Scope::read,
              fresh({"property"},
                    [](const Reader& reader, const Request& request) -> Result<Json> {
                      const auto found = campaign::find_campaign(reader, request.parameter("name"));
                      if (!found) return found.error();
                      return campaign::hypothesis_record(
                          reader, *found, request.query_value("property").value_or(""));
                    }),
              {}});
  router.add({"GET",
              "/v1/campaigns/{name}/ledger",
              Scope::read,
              listing(
                  {"model"},
                  [](const Reader& reader, const Request& request, const campaign::Campaign& found,
                     const campaign::Page& page) -> Result<Json> {
                    return page_json(
                        "ledger",
                        reader.ledger(found.key, request.query_value("model").value_or(""), page),
                        page, [](const auto& entry) { return to_json(entry); });
                  },
                  1'000, 10'000),
              {}});
}

}  // namespace kasetsu::http
