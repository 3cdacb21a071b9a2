#include "daemon/campaign/learning/hypothesis_record.h"
#include "daemon/campaign/learning/models.h"
#include "daemon/http/api.h"
#include "daemon/http/wire.h"

namespace kasetsu::http {
namespace {

using campaign::Reader;

Error no_model(const std::string& id, const char* expected) {
  return {ErrorCode::not_found, "no such model", "id", id, expected};
}

Result<Json> list_models(const Reader& reader, const Request&, const campaign::Campaign& found,
                         const campaign::Page& page) {
  return page_json("models", reader.models(found.key, page), page,
                   [](const auto& model) { return to_json(model, false); });
}

Result<Json> get_model(const Reader& reader, const Request& request) {
  const auto found = campaign::find_campaign(reader, request.parameter("name"));
  if (!found) return found.error();
  const std::string& id = request.parameter("id");
  const auto model = id == "current" ? reader.current_model(found->key, "") : reader.find_model(id);
  if (!model || model->campaign != found->key) {
    return no_model(id, "the id of a model of this campaign, or current");
  }
  return to_json(*model, true);
}

Result<Written> promote(campaign::Transaction& tx, const Request& request, const Json& body,
                        const campaign::Context& context) {
  FieldReader fields(body, {"reason"});
  const auto reason = fields.required<std::string>("reason");
  if (!fields.status()) return fields.status().error();
  const auto found = campaign::find_campaign(tx, request.parameter("name"));
  if (!found) return found.error();
  const auto before = tx.find_model(request.parameter("id"));
  if (!before || before->campaign != found->key) {
    return no_model(request.parameter("id"), "the id of a model of this campaign");
  }
  const auto model = campaign::promote_model(tx, before->id, reason, context);
  if (!model) return model.error();
  return Written{200, to_json(*model, false), ""};
}

Result<Json> get_hypotheses(const Reader& reader, const Request& request) {
  const auto found = campaign::find_campaign(reader, request.parameter("name"));
  if (!found) return found.error();
  return campaign::hypothesis_record(reader, *found, request.query_value("property").value_or(""));
}

Result<Json> list_ledger(const Reader& reader, const Request& request,
                         const campaign::Campaign& found, const campaign::Page& page) {
  const std::string model = request.query_value("model").value_or("");
  return page_json("ledger", reader.ledger(found.key, model, page), page,
                   [](const auto& entry) { return to_json(entry); });
}

}  // namespace

void Api::add_model_routes(Router& router) {
  router.add({"GET", "/v1/campaigns/{name}/models", Scope::read, listing({}, list_models)});
  router.add({"GET", "/v1/campaigns/{name}/models/{id}", Scope::read, reading({}, get_model)});
  add_write(router, "/v1/campaigns/{name}/models/{id}:promote", Scope::campaigns, promote);
  router.add({"GET", "/v1/campaigns/{name}/hypotheses", Scope::read,
              reading_afresh({"property"}, get_hypotheses)});
  router.add({"GET", "/v1/campaigns/{name}/ledger", Scope::read,
              listing({"model"}, list_ledger, 1'000, 10'000)});
}

}  // namespace kasetsu::http
