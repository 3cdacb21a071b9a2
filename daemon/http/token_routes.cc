#include "daemon/http/api.h"

namespace kasetsu::http {
namespace {

Result<std::vector<std::string>> read_names(const Json& body, std::string_view member) {
  std::vector<std::string> names;
  const auto list = body.find(member);
  const std::string pointer = json_pointer("", member);
  if (list == body.end() || !list->is_array()) {
    return Error{ErrorCode::bad_data, "missing", pointer, "", "a list of names"};
  }
  for (const Json& item : *list) {
    const auto name = read_value_as<std::string>(item, pointer);
    if (!name) return name.error();
    names.push_back(*name);
  }
  return names;
}

}  // namespace

void Api::add_token_routes(Router& router) {
  router.add(
      {"GET", "/v1/tokens", Scope::admin, working({}, [this](const Request&) -> Result<Response> {
         const auto list = services_.tokens.list();
         if (!list) return list.error();
         return json_response(200, {{"tokens", *list}});
       })});
  router.add({"POST",
              "/v1/tokens",
              Scope::admin,
              working({},
                      [this](const Request& request) -> Result<Response> {
                        const auto body = parse_json(request.body);
                        if (!body) return body.error();
                        FieldReader fields(*body, {"name", "scopes", "expires_at"});
                        const auto name = fields.required<std::string>("name");
                        const auto expires = fields.optional<std::string>("expires_at");
                        if (!fields.status()) return fields.status().error();
                        const auto scopes = read_names(*body, "scopes");
                        if (!scopes) return scopes.error();
                        std::optional<Time> end;
                        if (expires) {
                          const auto time = parse_time(*expires);
                          if (!time) return time.error().in("/expires_at");
                          end = *time;
                        }
                        const auto token = services_.tokens.create(name, *scopes, end);
                        if (!token) return token.error();
                        return json_response(201, {{"name", name}, {"token", *token}});
                      }),
              {"application/json"}});
  router.add({"POST",
              "/v1/tokens/{name}:revoke",
              Scope::admin,
              working({},
                      [this](const Request& request) -> Result<Response> {
                        const Status done = services_.tokens.revoke(request.parameter("name"));
                        if (!done) return done.error();
                        return json_response(200, {{"name", request.parameter("name")}});
                      }),
              {"application/json"}});
}

}  // namespace kasetsu::http
