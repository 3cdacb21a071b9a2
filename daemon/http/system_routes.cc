#include <fmt/format.h>

#include "daemon/http/api.h"
#include "daemon/http/openapi.h"
#include "daemon/http/problem.h"
#include "daemon/http/server.h"
#include "daemon/http/wire.h"

namespace kasetsu::http {
namespace {

constexpr std::chrono::seconds kLongestWait{30};
constexpr std::chrono::seconds kHeartbeat{15};  // keeps proxies and dead clients from lingering
constexpr std::int64_t kEventsAPage = 500;

// A handler that waits for nothing. GCC 12 destroys initializer lists in coroutines twice:
// documents are therefore put together in plain functions.
Handler at_once(std::function<Response(const Request&)> make) {
  return [make = std::move(make)](Request& request) -> asio::awaitable<Response> {
    co_return make(request);
  };
}

Response events_response(const std::vector<campaign::Event>& events, std::int64_t after) {
  Json list = Json::array();
  for (const campaign::Event& event : events) list.push_back(to_json(event));
  return json_response(
      200, {{"events", std::move(list)}, {"last", events.empty() ? after : events.back().seq}});
}

Response backup_response(const std::string& path) {
  return json_response(201, {{"path", path}});
}

}  // namespace

Result<std::vector<campaign::Event>> Api::events_after(std::int64_t after, std::int64_t limit,
                                                       const std::string& campaign) const {
  return campaign::read_value<std::vector<campaign::Event>>(
      services_.database, [&](const Reader& reader) -> Result<std::vector<campaign::Event>> {
        return reader.events(after, limit, campaign);
      });
}

asio::awaitable<Response> Api::get_events(Request& request) {
  const Status query = check_query(request, {"after", "limit", "campaign", "wait_s"});
  if (!query) co_return problem(query.error());
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
  const bool stream = request.accept.find("text/event-stream") != std::string::npos;
  auto after = read_integer(request, "after", stream ? hub_.last() : 0, 0, kMost);
  if (!after) co_return problem(after.error());
  const auto limit = read_integer(request, "limit", 100, 1, 1'000);
  if (!limit) co_return problem(limit.error());
  const auto wait = read_integer(request, "wait_s", 0, 0, kLongestWait.count());
  if (!wait) co_return problem(wait.error());
  const std::string campaign = request.query_value("campaign").value_or("");

  if (stream) {
    if (!request.last_event_id.empty()) {
      // A browser that lost the connection tells the last event it saw; it goes before the address.
      Request resumed;
      resumed.query = {{"Last-Event-ID", request.last_event_id}};
      after = read_integer(resumed, "Last-Event-ID", 0, 0, kMost);
      if (!after) co_return problem(after.error());
    }
    Response response;
    response.content_type = "text/event-stream";
    response.stream = [this, from = *after, campaign](Sink& sink) {
      return stream_events(sink, from, campaign);
    };
    co_return response;
  }

  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(*wait);
  std::int64_t seen = *after;
  for (;;) {
    const std::int64_t newest = hub_.last();
    std::function<Result<std::vector<campaign::Event>>()> work = [&] {
      return events_after(seen, *limit, campaign);
    };
    auto events = co_await workers_.run<std::vector<campaign::Event>>(std::move(work));
    if (!events) co_return problem(events.error());
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        deadline - std::chrono::steady_clock::now());
    if (!events->empty() || left.count() <= 0 || hub_.closed()) {
      co_return events_response(*events, *after);
    }
    // Events of other campaigns are passed over.
    seen = std::max(seen, newest);
    co_await hub_.wait(seen, left);
  }
}

asio::awaitable<void> Api::stream_events(Sink& sink, std::int64_t after, std::string campaign) {
  const bool greeted = co_await sink.write(": kasetsu events\nretry: 2000\n\n");
  if (!greeted) co_return;
  while (!hub_.closed()) {
    const std::int64_t newest = hub_.last();
    std::function<Result<std::vector<campaign::Event>>()> work = [&] {
      return events_after(after, kEventsAPage, campaign);
    };
    auto events = co_await workers_.run<std::vector<campaign::Event>>(std::move(work));
    if (!events && events.error().code != ErrorCode::busy) co_return;
    std::string text;
    if (events) {
      for (const campaign::Event& event : *events) {
        text += fmt::format("id: {}\ndata: {}\n\n", event.seq, dump_json(to_json(event)));
        after = event.seq;
      }
      if (static_cast<std::int64_t>(events->size()) < kEventsAPage) {
        after = std::max(after, newest);
      }
    }
    if (!text.empty()) {
      const bool written = co_await sink.write(std::move(text));
      if (!written) co_return;
      continue;
    }
    const auto longest = std::chrono::duration_cast<std::chrono::milliseconds>(kHeartbeat);
    co_await hub_.wait(after, longest);
    if (hub_.last() <= after) {
      const bool written = co_await sink.write(": still here\n\n");
      if (!written) co_return;
    }
  }
}

void Api::add_system_routes(Router& router) {
  router.add({"GET",
              "/v1/events",
              Scope::read,
              [this](Request& request) { return get_events(request); },
              {}});
  router.add({"POST",
              "/v1/admin:backup",
              Scope::admin,
              [this](Request& request) -> asio::awaitable<Response> {
                const Status query = check_query(request, {});
                if (!query) co_return problem(query.error());
                std::function<Result<std::string>()> work = services_.backup;
                Result<std::string> path = co_await workers_.run<std::string>(std::move(work));
                if (!path) co_return problem(path.error());
                co_return backup_response(*path);
              },
              {"application/json"}});
  router.add({"GET",
              "/healthz",
              Scope::open,
              at_once([](const Request&) {
                return json_response(200, {{"status", "ok"}});
              }),
              {}});
  router.add({"GET",
              "/readyz",
              Scope::open,
              at_once([this](const Request&) {
                std::vector<std::string> reasons = services_.not_ready();
                const Status health = services_.database.health();
                if (!health) reasons.push_back(health.error().message);
                if (server_->draining()) reasons.push_back("draining");
                return json_response(reasons.empty() ? 200 : 503,
                                     {{"ready", reasons.empty()}, {"reasons", reasons}});
              }),
              {}});
  router.add({"GET",
              "/version",
              Scope::open,
              at_once([this](const Request&) { return json_response(200, services_.version); }),
              {}});
  router.add({"GET",
              "/metrics",
              Scope::read,
              at_once([this](const Request&) {
                std::string rows =
                    "# HELP kasetsu_results_total Rows of results that came over HTTP.\n"
                    "# TYPE kasetsu_results_total counter\n";
                for (const auto& [verdict, count] :
                     {std::pair{"accepted", taken_.accepted}, std::pair{"flagged", taken_.flagged},
                      std::pair{"duplicate", taken_.duplicate},
                      std::pair{"quarantined", taken_.quarantined}}) {
                  rows +=
                      fmt::format("kasetsu_results_total{{verdict=\"{}\"}} {}\n", verdict, count);
                }
                Response response;
                response.content_type = "text/plain; version=0.0.4; charset=utf-8";
                response.body = server_->metrics().text() + rows +
                                metric_text("kasetsu_workers_waiting", "gauge",
                                            "Requests that wait for a worker or run on one.",
                                            static_cast<double>(workers_.waiting())) +
                                services_.more_metrics();
                return response;
              }),
              {}});
  router.add({"GET",
              "/openapi.json",
              Scope::open,
              at_once([](const Request& request) {
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
              }),
              {}});
}

}  // namespace kasetsu::http
