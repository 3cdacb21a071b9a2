#include <fmt/format.h>

#include "daemon/http/api.h"
#include "daemon/http/problem.h"
#include "daemon/http/wire.h"

namespace kasetsu::http {
namespace {

constexpr std::chrono::seconds kLongestWait{30};
constexpr std::chrono::seconds kHeartbeat{15};  // keeps proxies from closing a quiet stream
constexpr std::int64_t kEventsAPage = 500;

// GCC 12 destroys initializer lists in coroutines twice: a plain function puts the document
// together.
Response events_response(const std::vector<campaign::Event>& events, std::int64_t after) {
  Json list = Json::array();
  for (const campaign::Event& event : events) list.push_back(to_json(event));
  return json_response(
      200, {{"events", std::move(list)}, {"last", events.empty() ? after : events.back().seq}});
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

void Api::add_event_routes(Router& router) {
  router.add({.method = "GET",
              .pattern = "/v1/events",
              .scope = Scope::read,
              .handler = [this](Request& request) { return get_events(request); },
              .waits = true});
}

}  // namespace kasetsu::http
