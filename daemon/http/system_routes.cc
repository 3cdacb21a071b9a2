#include <fmt/format.h>

#include "daemon/http/api.h"
#include "daemon/http/openapi.h"
#include "daemon/http/server.h"

namespace kasetsu::http {
namespace {

Response get_openapi(const Request& request) {
  Response response;
  const std::string tag = openapi_tag();
  response.headers.emplace_back("ETag", tag);
  response.headers.emplace_back("Cache-Control", "no-cache");
  if (request.if_none_match == tag) {
    response.status = 304;
  } else {
    response.body = std::string(openapi_document());
  }
  return response;
}

}  // namespace

Response Api::get_readiness() const {
  std::vector<std::string> reasons = services_.not_ready();
  const Status health = services_.database.health();
  if (!health) reasons.push_back(health.error().message);
  if (server_->draining()) reasons.push_back("draining");
  return json_response(reasons.empty() ? 200 : 503,
                       {{"ready", reasons.empty()}, {"reasons", reasons}});
}

Response Api::get_metrics() const {
  std::string rows =
      "# HELP kasetsu_results_total Rows of results that came over HTTP.\n"
      "# TYPE kasetsu_results_total counter\n";
  for (const auto& [verdict, count] :
       {std::pair{"accepted", taken_.accepted}, std::pair{"flagged", taken_.flagged},
        std::pair{"duplicate", taken_.duplicate}, std::pair{"quarantined", taken_.quarantined}}) {
    rows += fmt::format("kasetsu_results_total{{verdict=\"{}\"}} {}\n", verdict, count);
  }
  Response response;
  response.content_type = "text/plain; version=0.0.4; charset=utf-8";
  response.body = server_->metrics().text() + rows +
                  metric_text("kasetsu_workers_waiting", "gauge",
                              "Requests that wait for a worker or run on one.",
                              static_cast<double>(workers_.waiting())) +
                  services_.more_metrics();
  return response;
}

void Api::add_system_routes(Router& router) {
  router.add({"POST",
              "/v1/admin:backup",
              Scope::admin,
              working_on(operations_, {},
                         [this](const Request&) -> Result<Response> {
                           const Result<std::string> path = services_.backup();
                           if (!path) return path.error();
                           return json_response(201, {{"path", *path}});
                         }),
              {"application/json"}});
  router.add({"GET", "/healthz", Scope::open, at_once([](const Request&) {
                return json_response(200, {{"status", "ok"}});
              })});
  router.add(
      {"GET", "/readyz", Scope::open, at_once([this](const Request&) { return get_readiness(); })});
  router.add({"GET", "/version", Scope::open,
              at_once([this](const Request&) { return json_response(200, services_.version); })});
  router.add(
      {"GET", "/metrics", Scope::read, at_once([this](const Request&) { return get_metrics(); })});
  router.add({"GET", "/openapi.json", Scope::open, at_once(get_openapi)});
}

}  // namespace kasetsu::http
