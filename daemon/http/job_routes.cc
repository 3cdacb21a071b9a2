#include "daemon/campaign/learning/models.h"
#include "daemon/http/api.h"
#include "daemon/http/wire.h"
#include "daemon/jobs/schedule.h"

namespace kasetsu::http {
namespace {

using campaign::Context;
using campaign::Reader;
using campaign::Transaction;

Json job_json(const Reader& reader, const campaign::Job& job) {
  Json json = to_json(job);
  const auto found = reader.campaign(job.campaign);
  json["campaign"] = found ? Json(found->name) : Json(nullptr);
  return json;
}

Result<Json> list_jobs(const Reader& reader, const Request& request) {
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
    state = campaign::parse_job_state(*text);
    if (!state) {
      return Error{ErrorCode::bad_data, "unknown state", "query parameter state", *text,
                   "SCHEDULED, RUNNING, COMPLETED, FAILED, CANCELLED or SKIPPED"};
    }
  }
  return page_json("jobs", reader.jobs(key, state, *page), *page,
                   [&](const campaign::Job& job) { return job_json(reader, job); });
}

Result<Json> get_job(const Reader& reader, const Request& request) {
  const std::string& id = request.parameter("id");
  const auto job = reader.find_job(id);
  if (job) return job_json(reader, *job);
  return Error{ErrorCode::not_found, "no such job", "id", id, "the id of a job"};
}

Result<Written> cancel(Transaction& tx, const Request& request, const Json& body,
                       const Context& context) {
  const FieldReader fields(body, {});
  if (!fields.status()) return fields.status().error();
  const auto job = campaign::cancel_job(tx, request.parameter("id"), context);
  if (!job) return job.error();
  return Written{200, to_json(*job), ""};
}

Result<Written> retrain(Transaction& tx, const Request& request, const Json& body,
                        const Context& context) {
  FieldReader fields(body, {"if_new"});
  const bool if_new = fields.optional<bool>("if_new").value_or(false);
  if (!fields.status()) return fields.status().error();
  const auto job = campaign::request_retraining(tx, request.parameter("name"), if_new, context);
  if (!job) return job.error();
  if (!*job) return Written{200, {{"job", nullptr}, {"scheduled", false}}, ""};
  return Written{202,
                 {{"job", to_json((**job).job)}, {"scheduled", (**job).created}},
                 "/v1/jobs/" + (**job).job.id};
}

}  // namespace

void Api::add_job_routes(Router& router) {
  add_write(router, "/v1/campaigns/{name}:retrain", Scope::campaigns, retrain);
  router.add({"GET", "/v1/jobs", Scope::read,
              reading_afresh({"campaign", "state", "limit", "page_token"}, list_jobs)});
  router.add({"GET", "/v1/jobs/{id}", Scope::read, reading_afresh({}, get_job)});
  add_write(router, "/v1/jobs/{id}:cancel", Scope::campaigns, cancel);
}

}  // namespace kasetsu::http
