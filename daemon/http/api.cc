#include "daemon/http/api.h"
#include "daemon/base/system.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "core/base/text.h"
#include "daemon/base/digest.h"
#include "daemon/http/openapi.h"
#include "daemon/http/problem.h"
#include "daemon/web/assets.h"

namespace kasetsu::http {

namespace {

// Requests that wait for a worker: of all, and of one token.
constexpr std::size_t kMostWaiting = 256;
constexpr std::size_t kMostOfOne = 64;
constexpr std::size_t kMostStreams = 65'536;  // more than there are connections

// The object that a request's body holds; an empty body is {}.
Result<Json> body_object(const std::string& text) {
  if (text.empty()) return Json::object();
  Result<Json> parsed = parse_json(text);
  if (parsed && !parsed->is_object()) {
    return Error{ErrorCode::bad_data, "the body is no object", "/",
                 std::string(parsed->type_name()), "a JSON object"};
  }
  return parsed;
}

// Control characters, and those that turn or hide what stands beside them, as they begin `text`
// (UTF-8): U+0080 to U+009F; marks of direction; zero width space, word joiner, byte order mark.
bool begins_unseen(std::string_view text) {
  const auto byte = [&](std::size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u;
  };
  if (byte(0) < 0x20 || byte(0) == 0x7F) return true;
  if (byte(0) == 0xC2) return byte(1) < 0xA0;
  if (byte(0) == 0xEF) return byte(1) == 0xBB && byte(2) == 0xBF;
  if (byte(0) != 0xE2) return false;
  if (byte(1) == 0x80) {
    return byte(2) == 0x8B || byte(2) == 0x8E || byte(2) == 0x8F ||
           (byte(2) >= 0xA8 && byte(2) <= 0xAE);
  }
  return byte(1) == 0x81 && byte(2) >= 0xA0 && byte(2) <= 0xA9;
}

// What people say is shown in terminals, logs and messages of others.
Status check_said(const Json& body) {
  for (const char* field : {"reason", "person", "remark"}) {
    const auto found = body.find(field);
    if (found == body.end() || !found->is_string()) continue;
    const std::string_view text = found->get_ref<const std::string&>();
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (!begins_unseen(text.substr(i))) continue;
      return Error{ErrorCode::bad_data, "a character that cannot be seen", std::string("/") + field,
                   "", "one line of printable characters"};
    }
  }
  return {};
}

// Empty where it cannot be read: cursors then tell no timeline, and are believed.
std::string timeline_of(const campaign::Database& database) {
  const auto timeline = campaign::read_value<std::string>(
      database, [](const campaign::Reader& reader) -> Result<std::string> {
        return reader.setting("timeline");
      });
  return timeline ? *timeline : std::string();
}

std::string program_of(const Json& version) {
  const Digest digest =
      sha256(fmt::format("{} {} {}", dump_json(version), web::version(), openapi_tag()));
  return digest.hex().substr(0, 12);
}

}  // namespace

Api::Api(asio::io_context& io, Services services, std::size_t workers)
    : io_(io),
      services_(std::move(services)),
      timeline_(timeline_of(services_.database)),
      program_(program_of(services_.version)),
      completions_(io),
      workers_(workers, kMostWaiting, kMostOfOne),
      campaign_files_(1, kMostWaiting, kMostOfOne),
      deliveries_(1, kMostWaiting, kMostOfOne),
      operations_(1, kMostWaiting, kMostOfOne),
      event_reads_(1, kMostStreams, kMostStreams),
      commits_(io, services_.database.last_event()),
      tail_(commits_.last()),
      hub_(io, commits_.last()) {
  asio::co_spawn(
      io_, [this] { return follow_events(); }, asio::detached);
}

void Api::add_routes(Router& router) {
  add_campaign_routes(router);
  add_result_routes(router);
  add_proposal_routes(router);
  add_job_routes(router);
  add_model_routes(router);
  add_notification_routes(router);
  add_event_routes(router);
  add_driver_routes(router);
  add_system_routes(router);
  add_web_routes(router);
  add_view_routes(router);
  add_starting_routes(router);
  add_token_routes(router);
}

campaign::Context Api::context(const Request& request) const {
  return {services_.clock(), &services_.ids, request.principal.name};
}

Handler Api::reading(std::vector<std::string> query_names, Read make) {
  return [this, query_names = std::move(query_names),
          make = std::move(make)](Request& request) -> asio::awaitable<Response> {
    const Status query = check_query(request, query_names);
    if (!query) co_return problem(query.error());
    const std::string tag = fmt::format("W/\"{}:{}:{}:{}\"", program_, timeline_,
                                        services_.database.last_event(), request.principal.name);
    if (!request.if_none_match.empty() && request.if_none_match.find(tag) != std::string::npos) {
      Response unchanged;
      unchanged.status = 304;
      unchanged.headers.emplace_back("ETag", tag);
      co_return unchanged;
    }
    std::function<Result<std::string>()> work = [&]() -> Result<std::string> {
      return campaign::read_value<std::string>(services_.database,
                                               [&](const Reader& reader) -> Result<std::string> {
                                                 Result<Json> body = make(reader, request);
                                                 if (!body) return body.error();
                                                 return dump_json(*body);
                                               });
    };
    Result<std::string> body = co_await workers_.run<std::string>(request.claim, std::move(work));
    if (!body) co_return problem(body.error());
    Response response;
    response.body = std::move(*body);
    response.headers.emplace_back("ETag", tag);
    response.headers.emplace_back("Cache-Control", "no-cache");
    co_return response;
  };
}

Handler Api::reading_afresh(std::vector<std::string> query_names, Read make) {
  return [inner = reading(std::move(query_names), std::move(make))](
             Request& request) -> asio::awaitable<Response> {
    request.if_none_match.clear();
    Response response = co_await inner(request);
    response.headers.clear();
    co_return response;
  };
}

Handler Api::working_on(WorkerPool& pool, std::vector<std::string> query_names, Work make) {
  return [&pool, behind = &pool != &workers_, query_names = std::move(query_names),
          make = std::move(make)](Request& request) -> asio::awaitable<Response> {
    const Status query = check_query(request, query_names);
    if (!query) co_return problem(query.error());
    std::function<Result<Response>()> work = [&] {
      if (behind) give_way();
      return make(request);
    };
    Result<Response> response = co_await pool.run<Response>(request.claim, std::move(work));
    if (!response) co_return problem(response.error());
    co_return std::move(*response);
  };
}

Handler Api::listing(std::vector<std::string> query_names, List make, std::int64_t usual,
                     std::int64_t most) {
  query_names.insert(query_names.end(), {"limit", "page_token"});
  return reading(std::move(query_names),
                 [make = std::move(make), usual, most](const Reader& reader,
                                                       const Request& request) -> Result<Json> {
                   const auto found = campaign::find_campaign(reader, request.parameter("name"));
                   if (!found) return found.error();
                   const auto page = read_page(request, usual, most);
                   if (!page) return page.error();
                   return make(reader, request, *found, *page);
                 });
}

Handler Api::writing(Write act) {
  return [this, act = std::move(act)](Request& request) { return write_once(request, act); };
}

asio::awaitable<Response> Api::write_once(Request& request, const Write& act) {
  Result<Json> decoded = body_object(request.body);
  if (!decoded) co_return problem(decoded.error());
  const Json& body = *decoded;
  if (const Status said = check_said(body); !said) co_return problem(said.error());
  std::string location;
  std::function<Result<campaign::Reply>(Transaction&)> task =
      [&](Transaction& tx) -> Result<campaign::Reply> {
    const campaign::Context context = this->context(request);
    const auto action = [&]() -> Result<campaign::Reply> {
      Result<Written> answer = act(tx, request, body, context);
      if (!answer) return answer.error();
      location = answer->location;
      return campaign::Reply{answer->status, dump_json(answer->body), false};
    };
    if (request.idempotency_key.empty()) return action();
    return campaign::once(tx, idempotency_scope(request), request.idempotency_key,
                          sha256(request.body), context, action);
  };
  Result<campaign::Reply> reply =
      co_await commit<campaign::Reply>(services_.database, completions_, std::move(task));
  if (!reply) co_return problem(reply.error());
  Response response;
  response.status = static_cast<int>(reply->status);
  response.body = std::move(reply->body);
  if (!location.empty()) response.headers.emplace_back("Location", location);
  if (reply->replayed) response.headers.emplace_back("Idempotent-Replayed", "true");
  co_return response;
}

void Api::add_write(Router& router, std::string pattern, Scope scope, Write act) {
  router.add({"POST", std::move(pattern), scope, writing(std::move(act)), {"application/json"}});
}

Handler at_once(std::function<Response(const Request&)> make) {
  return [make = std::move(make)](Request& request) -> asio::awaitable<Response> {
    co_return make(request);
  };
}

Response json_response(int status, const Json& body) {
  Response response;
  response.status = status;
  response.body = dump_json(body);
  return response;
}

Status check_query(const Request& request, const std::vector<std::string>& known) {
  std::vector<std::string> seen;
  for (const auto& [name, value] : request.query) {
    if (std::find(known.begin(), known.end(), name) == known.end()) {
      const auto nearest = nearest_names(name, known, 1);
      return Error{ErrorCode::bad_data, "unknown query parameter", "query", name,
                   nearest.empty() ? (known.empty() ? "none" : join_or(known))
                                   : fmt::format("did you mean \"{}\"?", nearest.front())};
    }
    if (std::find(seen.begin(), seen.end(), name) != seen.end()) {
      return Error{ErrorCode::bad_data, "a query parameter is given twice", "query", name, "once"};
    }
    seen.push_back(name);
  }
  return {};
}

Result<std::int64_t> read_integer(const Request& request, std::string_view name, std::int64_t usual,
                                  std::int64_t low, std::int64_t high) {
  const auto text = request.query_value(name);
  if (!text) return usual;
  std::int64_t value = 0;
  const char* end = text->data() + text->size();
  const auto [stop, error] = std::from_chars(text->data(), end, value);
  if (error != std::errc() || stop != end || value < low || value > high) {
    return Error{ErrorCode::bad_data, "wrong value", fmt::format("query parameter {}", name), *text,
                 fmt::format("a whole number from {} to {}", low, high)};
  }
  return value;
}

Result<campaign::Page> read_page(const Request& request, std::int64_t usual, std::int64_t most) {
  const auto limit = read_integer(request, "limit", usual, 1, most);
  if (!limit) return limit.error();
  const auto after =
      read_integer(request, "page_token", 0, 0, std::numeric_limits<std::int64_t>::max());
  if (!after) return after.error();
  return campaign::Page{*after, *limit};
}

std::string idempotency_scope(const Request& request) {
  return fmt::format("{} {} {}", request.principal.name, request.method, request.path);
}

std::string revision_tag(std::int64_t revision) {
  return fmt::format("\"{}\"", revision);
}

Result<std::optional<std::int64_t>> expected_revision(const Request& request) {
  const std::string& tag = request.if_match;
  if (tag.empty() || tag == "*") return std::optional<std::int64_t>{};
  std::int64_t value = 0;
  if (tag.size() > 2 && tag.front() == '"' && tag.back() == '"') {
    const char* end = tag.data() + tag.size() - 1;
    const auto [stop, error] = std::from_chars(tag.data() + 1, end, value);
    if (error == std::errc() && stop == end) return std::optional<std::int64_t>{value};
  }
  return Error{ErrorCode::bad_data, "no revision of a campaign", "If-Match", tag,
               "its ETag, such as \"3\" with the quotes"};
}

}  // namespace kasetsu::http
