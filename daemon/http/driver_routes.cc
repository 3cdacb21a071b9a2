#include "daemon/http/api.h"
#include "daemon/http/problem.h"

namespace kasetsu::http {

void Api::add_driver_routes(Router& router) {
  router.add(
      {"GET", "/v1/drivers", Scope::read, working({}, [this](const Request&) -> Result<Response> {
         return json_response(200, {{"drivers", services_.drivers.list()}});
       })});
  const auto act = [this](WorkerPool& pool, const std::string& verb) {
    return working_on(pool, {}, [this, verb](const Request& request) -> Result<Response> {
      const Result<Json> answer = services_.drivers.act(request.parameter("name"), verb);
      if (!answer) return answer.error();
      return json_response(200, *answer);
    });
  };
  router.add({"GET", "/v1/drivers/{name}", Scope::read, act(workers_, "show")});
  // A check waits for what the instrument says, and a stop for what is being taken in.
  for (const std::string verb : {"start", "stop", "check"}) {
    router.add({"POST",
                "/v1/drivers/{name}:" + verb,
                Scope::admin,
                act(operations_, verb),
                {"application/json"}});
  }
}

}  // namespace kasetsu::http
