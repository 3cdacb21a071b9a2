#include <fmt/format.h>

#include "daemon/http/api.h"
#include "daemon/http/problem.h"
#include "daemon/http/wire.h"

namespace kasetsu::http {
namespace {

Response drivers_response(Json drivers) {
  Json body = Json::object();
  body["drivers"] = std::move(drivers);
  return json_response(200, body);
}

}  // namespace

void Api::add_driver_routes(Router& router) {
  router.add({"GET",
              "/v1/drivers",
              Scope::read,
              [this](Request& request) -> asio::awaitable<Response> {
                const Status query = check_query(request, {});
                if (!query) co_return problem(query.error());
                co_return drivers_response(services_.drivers.list());
              },
              {}});
  const auto act = [this](std::string verb) -> Handler {
    return [this, verb](Request& request) -> asio::awaitable<Response> {
      const Status query = check_query(request, {});
      if (!query) co_return problem(query.error());
      std::function<Result<Json>()> work = [&] {
        return services_.drivers.act(request.parameter("name"), verb);
      };
      Result<Json> answer = co_await workers_.run<Json>(std::move(work));
      if (!answer) co_return problem(answer.error());
      co_return json_response(200, *answer);
    };
  };
  router.add({"GET", "/v1/drivers/{name}", Scope::read, act("show"), {}});
  for (const std::string verb : {"start", "stop", "check"}) {
    router.add(
        {"POST", "/v1/drivers/{name}:" + verb, Scope::admin, act(verb), {"application/json"}});
  }
}

}  // namespace kasetsu::http
