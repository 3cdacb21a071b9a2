#include <fmt/format.h>

#include <charconv>

#include "daemon/http/api.h"
#include "daemon/http/problem.h"
#include "daemon/http/server.h"
#include "daemon/http/wire.h"

namespace kasetsu::http {
namespace {

constexpr std::chrono::seconds kLongestWait{30};
constexpr std::chrono::seconds kHeartbeat{15};  // keeps proxies from closing a quiet stream
constexpr std::int64_t kEventsAPage = 500;
constexpr std::chrono::seconds kPauseAfterFailure{1};

// How far a subscriber has read: an event's number, and the timeline of the database that it is of.
// Numbers go on after a restore as if the lost events had never been, on another timeline.
struct EventCursor {
  std::string timeline;  // empty: not told
  std::int64_t seq = 0;
};

// "9f86d081884c7d65:42", or the number alone.
Result<EventCursor> read_cursor(std::string_view name, std::string_view text) {
  EventCursor cursor;
  const std::size_t colon = text.find(':');
  const std::string_view number = colon == std::string_view::npos ? text : text.substr(colon + 1);
  if (colon != std::string_view::npos) cursor.timeline = text.substr(0, colon);
  const char* end = number.data() + number.size();
  const auto [stop, error] = std::from_chars(number.data(), end, cursor.seq);
  if (error == std::errc() && stop == end && cursor.seq >= 0) return cursor;
  return Error{ErrorCode::bad_data, "wrong value", std::string(name), std::string(text),
               "a cursor that the daemon gave, or the number of an event"};
}

// Where a request begins to read; `usual` where it does not tell.
Result<EventCursor> where_from(const Request& request, EventCursor usual) {
  // A browser that lost the connection tells the last event it saw; it goes before the address.
  const bool stream = request.accept.find("text/event-stream") != std::string::npos;
  if (stream && !request.last_event_id.empty()) {
    return read_cursor("Last-Event-ID", request.last_event_id);
  }
  const auto after = request.query_value("after");
  if (!after) return usual;
  return read_cursor("query parameter after", *after);
}

std::string cursor_text(const std::string& timeline, std::int64_t seq) {
  return timeline.empty() ? std::to_string(seq) : fmt::format("{}:{}", timeline, seq);
}

std::string stream_text(const std::string& timeline, const campaign::Event& event) {
  return fmt::format("id: {}\ndata: {}\n\n", cursor_text(timeline, event.seq),
                     dump_json(to_json(event)));
}

constexpr std::string_view kGreeting = ": kasetsu events\nretry: 2000\n\n";

// Tells a subscriber of another timeline that what it knows may not be so, and where it is now.
std::string reset_text(const std::string& timeline, std::int64_t last) {
  const Json data = {{"timeline", timeline}, {"last", last}};
  return fmt::format("event: reset\nid: {}\ndata: {}\n\n", cursor_text(timeline, last),
                     dump_json(data));
}

Response gone(const std::string& timeline, std::int64_t last) {
  return problem(410, "timeline_ended",
                 fmt::format("the database was replaced by a backup since this cursor was given: "
                             "events after it may be lost or other ones; read anew what you "
                             "follow, then go on with after={}",
                             cursor_text(timeline, last)));
}

std::vector<campaign::Event> events_of(const std::vector<const EventTail::Told*>& told) {
  std::vector<campaign::Event> events;
  for (const EventTail::Told* one : told) events.push_back(one->event);
  return events;
}

// GCC 12 destroys initializer lists in coroutines twice: a plain function puts the document
// together.
Response events_response(const std::vector<campaign::Event>& events, std::int64_t after,
                         const std::string& timeline) {
  Json list = Json::array();
  for (const campaign::Event& event : events) list.push_back(to_json(event));
  const std::int64_t last = events.empty() ? after : events.back().seq;
  return json_response(200, {{"events", std::move(list)},
                             {"last", last},
                             {"timeline", timeline},
                             {"cursor", cursor_text(timeline, last)}});
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
  const bool stream = request.accept.find("text/event-stream") != std::string::npos;
  auto read_from = where_from(request, {timeline_, stream ? hub_.last() : 0});
  if (!read_from) co_return problem(read_from.error());
  const EventCursor cursor = std::move(*read_from);
  const auto limit = read_integer(request, "limit", 100, 1, 1'000);
  if (!limit) co_return problem(limit.error());
  const auto wait = read_integer(request, "wait_s", 0, 0, kLongestWait.count());
  if (!wait) co_return problem(wait.error());
  const std::string campaign = request.query_value("campaign").value_or("");

  std::int64_t newest = services_.database.last_event();
  if (cursor.seq > newest) {
    // A commit that a reader has seen may not be counted yet.
    std::function<Result<std::int64_t>()> work = [&] {
      return campaign::read_value<std::int64_t>(
          services_.database,
          [](const Reader& reader) -> Result<std::int64_t> { return reader.last_event(); });
    };
    const auto read = co_await workers_.run<std::int64_t>(request.claim, std::move(work));
    if (!read) co_return problem(read.error());
    newest = *read;
  }
  const bool other = !cursor.timeline.empty() && cursor.timeline != timeline_;
  const bool ended = other || cursor.seq > newest;
  if (stream) {
    std::string greeting(kGreeting);
    if (ended) greeting += reset_text(timeline_, newest);
    Response response;
    response.content_type = "text/event-stream";
    response.stream = [this, greeting = std::move(greeting), from = ended ? newest : cursor.seq,
                       campaign, claim = request.claim](Sink& sink) {
      return stream_events(sink, greeting, from, campaign, claim);
    };
    co_return response;
  }
  if (ended) co_return gone(timeline_, newest);

  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(*wait);
  std::int64_t seen = cursor.seq;
  // Whoever asks at once sees what was committed before, which the tail may not have yet.
  bool current = tail_.last() >= services_.database.last_event();
  for (;;) {
    const std::int64_t known = hub_.last();
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
      co_return events_response(events, cursor.seq, timeline_);
    }
    // Events of other campaigns are passed over.
    seen = std::max(seen, known);
    current = true;
    co_await hub_.wait(seen, left);
  }
}

asio::awaitable<bool> Api::follow_once() {
  const std::shared_ptr<Claim> nobody;
  constexpr std::chrono::hours kLong{1};
  const std::int64_t newest = commits_.last();
  if (newest <= tail_.last()) {
    co_await commits_.wait(newest, kLong);
    co_return true;
  }
  std::function<Result<std::vector<campaign::Event>>()> work = [&] {
    return events_after(tail_.last(), kEventsAPage, "");
  };
  auto events = co_await event_reads_.run<std::vector<campaign::Event>>(nobody, std::move(work));
  if (!events) co_return false;
  std::int64_t last = std::max(newest, tail_.last());
  if (!events->empty()) last = std::max(last, events->back().seq);
  if (static_cast<std::int64_t>(events->size()) >= kEventsAPage) last = events->back().seq;
  std::vector<std::string> texts;
  for (const campaign::Event& event : *events) texts.push_back(stream_text(timeline_, event));
  tail_.add(std::move(*events), std::move(texts), last);
  hub_.reached(last);
  co_return true;
}

asio::awaitable<void> Api::follow_events() {
  while (!commits_.closed()) {
    bool followed = false;
    // What one turn throws, such as std::bad_alloc, is its own: streams go on with the next.
    try {
      followed = co_await follow_once();
    } catch (const std::exception& error) {
      if (server_ != nullptr) server_->log_failure("events could not be followed", error.what());
    }
    if (followed) continue;
    boost::system::error_code ignored;
    asio::steady_timer pause(io_, kPauseAfterFailure);
    co_await pause.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  }
  hub_.close();
}

asio::awaitable<void> Api::stream_events(Sink& sink, std::string greeting, std::int64_t after,
                                         std::string campaign, std::shared_ptr<Claim> claim) {
  const bool greeted = co_await sink.write(std::move(greeting));
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
        text += stream_text(timeline_, event);
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
