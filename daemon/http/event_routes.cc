#include <fmt/format.h>

#include "daemon/http/api.h"
#include "daemon/http/problem.h"
#include "daemon/http/wire.h"

namespace kasetsu::http {
namespace {

constexpr std::chrono::seconds kLongestWait{30};
constexpr std::chrono::seconds kHeartbeat{15};  // keeps proxies from closing a quiet stream
constexpr std::int64_t kEventsAPage = 500;

std::string stream_text(const campaign::Event& event) {
  return fmt::format("id: {}\ndata: {}\n\n", event.seq, dump_json(to_json(event)));
}

std::vector<campaign::Event> events_of(const std::vector<const EventTail::Told*>& told) {
  std::vector<campaign::Event> events;
  for (const EventTail::Told* one : told) events.push_back(one->event);
  return events;
}

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
    response.stream = [this, from = *after, campaign, claim = request.claim](Sink& sink) {
      return stream_events(sink, from, campaign, claim);
    };
    co_return response;
  }

  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(*wait);
  std::int64_t seen = *after;
  // Whoever asks at once sees what was committed before, which the tail may not have yet.
  bool current = tail_.last() >= services_.database.last_event();
  for (;;) {
    const std::int64_t newest = hub_.last();
    std::vector<campaign::Event> events;
    if (current && tail_.holds_after(seen)) {
      events = events_of(tail_.after(seen, *limit, campaign));
    } else {
      std::function<Result<std::vector<campaign::Event>>()> work = [&] {
        return events_after(seen, *limit, campaign);
      };
      auto read =
          co_await workers_.run<std::vector<campaign::Event>>(request.claim, std::move(work));
      if (!read) co_return problem(read.error());
      events = std::move(*read);
    }
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        deadline - std::chrono::steady_clock::now());
    if (!events.empty() || left.count() <= 0 || hub_.closed()) {
      co_return events_response(events, *after);
    }
    // Events of other campaigns are passed over.
    seen = std::max(seen, newest);
    current = true;
    co_await hub_.wait(seen, left);
  }
}

asio::awaitable<void> Api::follow_events() {
  const std::shared_ptr<Claim> nobody;
  constexpr std::chrono::hours kLong{1};
  while (!commits_.closed()) {
    const std::int64_t newest = commits_.last();
    if (newest <= tail_.last()) {
      co_await commits_.wait(newest, kLong);
      continue;
    }
    std::function<Result<std::vector<campaign::Event>>()> work = [&] {
      return events_after(tail_.last(), kEventsAPage, "");
    };
    auto events = co_await event_reads_.run<std::vector<campaign::Event>>(nobody, std::move(work));
    if (!events) {
      boost::system::error_code ignored;
      asio::steady_timer pause(io_, std::chrono::seconds(1));
      co_await pause.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
      continue;
    }
    std::int64_t last = std::max(newest, tail_.last());
    if (!events->empty()) last = std::max(last, events->back().seq);
    if (static_cast<std::int64_t>(events->size()) >= kEventsAPage) last = events->back().seq;
    std::vector<std::string> texts;
    for (const campaign::Event& event : *events) texts.push_back(stream_text(event));
    tail_.add(std::move(*events), std::move(texts), last);
    hub_.reached(last);
  }
  hub_.close();
}

asio::awaitable<void> Api::stream_events(Sink& sink, std::int64_t after, std::string campaign,
                                         std::shared_ptr<Claim> claim) {
  const bool greeted = co_await sink.write(": kasetsu events\nretry: 2000\n\n");
  if (!greeted) co_return;
  while (!hub_.closed()) {
    std::int64_t newest = tail_.last();
    std::int64_t count = 0;
    std::string text;
    if (tail_.holds_after(after)) {
      for (const EventTail::Told* told : tail_.after(after, kEventsAPage, campaign)) {
        text += told->text;
        after = told->event.seq;
        ++count;
      }
    } else {
      // A stream that begins with old events catches up by itself.
      std::function<Result<std::vector<campaign::Event>>()> work = [&] {
        return events_after(after, kEventsAPage, campaign);
      };
      auto events = co_await event_reads_.run<std::vector<campaign::Event>>(claim, std::move(work));
      if (!events) co_return;
      for (const campaign::Event& event : *events) {
        text += stream_text(event);
        after = event.seq;
        ++count;
      }
    }
    if (count < kEventsAPage) after = std::max(after, newest);
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
