#include "daemon/http/session.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>

#include "core/base/text.h"
#include "daemon/campaign/ingest/decoded_size.h"
#include "daemon/http/server_state.h"

namespace kasetsu::http {
namespace {

// "[::1]:8080" -> "[::1]", "localhost:80" -> "localhost".
std::string host_name(std::string_view host) {
  const auto bracket = host.rfind(']');
  const auto colon = host.rfind(':');
  if (colon != std::string_view::npos && (bracket == std::string_view::npos || colon > bracket)) {
    host = host.substr(0, colon);
  }
  return lowered(host);
}

bool is_request_id(std::string_view text) {
  if (text.empty() || text.size() > 64) return false;
  return std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_';
  });
}

// Of the first cookie with this name; empty: there is none.
std::string cookie_value(std::string_view field, std::string_view name) {
  while (!field.empty()) {
    const auto semicolon = field.find(';');
    const std::string_view item = trim(field.substr(0, semicolon));
    field = semicolon == std::string_view::npos ? std::string_view{} : field.substr(semicolon + 1);
    const auto equals = item.find('=');
    if (equals != std::string_view::npos && item.substr(0, equals) == name) {
      return std::string(item.substr(equals + 1));
    }
  }
  return {};
}

bool is_printable(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7f; });
}

// RFC 9110's Date, made once a second.
const std::string& date_now() {
  static thread_local std::time_t made = 0;
  static thread_local std::string text;
  const std::time_t now = std::time(nullptr);
  if (now != made) {
    made = now;
    text = fmt::format("{:%a, %d %b %Y %H:%M:%S} GMT", fmt::gmtime(now));
  }
  return text;
}

}  // namespace

std::optional<Response> SessionBase::charge_decoded(const Request& request) {
  const std::size_t bytes = campaign::decoded_bytes(request.body);
  const std::size_t most = server_.most_of_one();
  if (bytes > most) {
    return problem(413, "too_large",
                   fmt::format("the body takes about {} MiB once it is decoded, and the requests "
                               "of one sender together may take {}: split it, or raise "
                               "all_bodies_MiB of [limits]",
                               bytes >> 20, most >> 20));
  }
  if (server_.hold(*this, bytes)) return std::nullopt;
  return busy();
}

Response SessionBase::busy() {
  return problem(503, "busy", "too many large requests at once; try again in a second");
}

void SessionBase::charge_answer(Request& request, Response& response) {
  server_.let_go(*this);
  request.body = std::string();
  if (server_.hold(*this, response.body.size()) || request.method != "GET") return;
  response = problem(503, "busy", "too many large answers at once; try again in a second");
  server_.let_go(*this);
}

void SessionBase::read_fields(const ParsedHead& message, Request& request) const {
  const auto field = [&](beast::string_view name) {
    const auto found = message.find(name);
    return found == message.end() ? std::string{} : std::string(found->value());
  };
  const std::string id = field("X-Request-Id");
  request.id = is_request_id(id)
                   ? id
                   : fmt::format("{}-{}", server_.state_->id_prefix, ++server_.state_->requests);
  std::string type = lowered(field("Content-Type"));
  type = type.substr(0, type.find(';'));
  while (!type.empty() && (type.back() == ' ' || type.back() == '\t')) type.pop_back();
  request.content_type = std::move(type);
  request.accept = field("Accept");
  request.accept_encoding = lowered(field("Accept-Encoding"));
  request.authorization = field("Authorization");
  if (request.authorization.empty()) {
    const std::string token = cookie_value(field("Cookie"), kSessionCookie);
    request.by_cookie = !token.empty();
    if (request.by_cookie) request.authorization = "Bearer " + token;
  }
  request.idempotency_key = field("Idempotency-Key");
  request.if_match = field("If-Match");
  request.if_none_match = field("If-None-Match");
  request.last_event_id = field("Last-Event-ID");
  // A proxy appends the address of its client: of several, the last that is no proxy counts.
  const auto is_proxy = [this](const std::string& address) { return server_.is_proxy(address); };
  if (!is_proxy(peer_)) return;
  std::string_view addresses;
  const auto forwarded = message.equal_range("X-Forwarded-For");
  for (auto line = forwarded.first; line != forwarded.second; ++line) {
    addresses = {line->value().data(), line->value().size()};
  }
  while (!addresses.empty()) {
    const auto comma = addresses.rfind(',');
    const auto last =
        trim(comma == std::string_view::npos ? addresses : addresses.substr(comma + 1));
    addresses = addresses.substr(0, comma == std::string_view::npos ? 0 : comma);
    if (last.empty() || last.size() > 64) return;
    request.peer = std::string(last);
    if (!is_proxy(request.peer)) return;
  }
}

// Keeps pages of other origins out, also where they rebind their name to this machine.
std::optional<Response> SessionBase::check_source(const Head& head, const ParsedHead& message,
                                                  const std::string& authority,
                                                  bool by_cookie) const {
  if (!authority.empty() && lowered(authority) != lowered(head.host)) {
    return problem(400, "bad_target", "the target's host is not the Host field's");
  }
  if (peer_ != "unix") {
    if (head.host.empty()) return problem(400, "bad_request", "the request has no Host field");
    const auto& hosts = server_.options_.hosts;
    if (std::find(hosts.begin(), hosts.end(), host_name(head.host)) == hosts.end()) {
      return problem(421, "wrong_host",
                     fmt::format("the Host \"{}\" is none of this daemon's; add it to `hosts` of "
                                 "[listen] in kasetsud.toml, where a proxy passes it on",
                                 host_name(head.host)));
    }
  }
  const auto origins = message.equal_range("Origin");
  for (auto origin = origins.first; origin != origins.second; ++origin) {
    const std::string_view text(origin->value().data(), origin->value().size());
    const auto slashes = text.find("://");
    const std::string_view asked =
        slashes == std::string_view::npos ? std::string_view{} : text.substr(slashes + 3);
    if (asked.empty() || lowered(asked) != lowered(head.host)) {
      return problem(403, "wrong_origin", "a page of another origin may not ask this daemon");
    }
  }
  // Browsers say where a request comes from, also where they send no Origin. Another site may link
  // to the dashboard, and to nothing else.
  const auto site = message.find("Sec-Fetch-Site");
  const bool foreign =
      site != message.end() && (site->value() == "cross-site" || site->value() == "same-site");
  if (foreign && head.target != "/") {
    return problem(403, "wrong_origin", "a page of another site may not ask this daemon");
  }
  // A cookie goes along unasked: what it changes must come from a page of this daemon, and say so.
  const bool changes = head.method != "GET" && head.method != "HEAD";
  const bool told =
      origins.first != origins.second || (site != message.end() && site->value() == "same-origin");
  if (changes && by_cookie && !told) {
    return problem(403, "wrong_origin", "a cookie is taken from the daemon's own pages only");
  }
  return std::nullopt;
}

std::optional<Response> SessionBase::authorize(const Route& route, Request& request) const {
  if (route.scope == Scope::open) {
    request.principal.scopes = {Scope::read, Scope::results, Scope::campaigns, Scope::admin};
    return std::nullopt;
  }
  auto decided = server_.decide_who(request);
  auto* refusal = std::get_if<Response>(&decided);
  if (refusal == nullptr) {
    request.principal = std::get<Principal>(std::move(decided));
    if (request.principal.may(route.scope)) return std::nullopt;
    refusal = &decided.emplace<Response>(problem(
        403, "scope", fmt::format("this token lacks the scope {}", to_string(route.scope))));
    refusal->token = request.principal.name;
  }
  server_.log_refusal(request, route.pattern, *refusal);
  return std::move(*refusal);
}

std::optional<Response> SessionBase::check_body(const Head& head, const Route& route,
                                                const Request& request) {
  if (request.idempotency_key.size() > 255 || !is_printable(request.idempotency_key)) {
    return problem(400, "bad_data", "Idempotency-Key is at most 255 printable characters");
  }
  if (!head.chunked && head.content_length.value_or(0) == 0) return std::nullopt;
  const auto& types = route.consumes;
  if (types.empty()) return problem(400, "bad_data", "this request has no body");
  if (std::find(types.begin(), types.end(), request.content_type) != types.end()) {
    return std::nullopt;
  }
  std::string all;
  for (const std::string& name : types) all += (all.empty() ? "" : ", ") + name;
  return problem(415, "media_type", fmt::format("the Content-Type must be one of: {}", all));
}

std::optional<Response> SessionBase::decide(const Head& head, const ParsedHead& message,
                                            Request& request, const Route*& route) {
  request.method = std::string(head.method);
  read_fields(message, request);
  auto target = parse_target(head.target);
  if (!target) return problem(target.error());
  request.path = std::move(target->path);
  request.query = std::move(target->query);
  if (auto refusal = check_source(head, message, target->authority, request.by_cookie))
    return refusal;
  // Whoever looks at one of them, a proxy or this daemon, must look at the one that counts.
  if (message.count("Authorization") > 1) {
    return problem(400, "bad_request", "the request has more than one Authorization field");
  }
  auto found = server_.router_.find(request.method, request.path);
  if (const auto* none = std::get_if<Router::NoMatch>(&found)) {
    if (none->status == 404) return problem(404, "not_found", "there is no such resource");
    Response response =
        problem(405, "method_not_allowed", fmt::format("this resource takes {}", none->allow));
    response.headers.emplace_back("Allow", none->allow);
    return response;
  }
  auto& match = std::get<Router::Match>(found);
  route = match.route;
  request.parameters = std::move(match.parameters);
  if (auto refusal = authorize(*route, request)) return refusal;
  return check_body(head, *route, request);
}

std::string SessionBase::head_text(const Response& response, const Request& request,
                                   bool keep_alive, int minor_version) const {
  std::string text = fmt::format("HTTP/1.1 {} {}\r\nServer: kasetsu\r\nDate: {}\r\n",
                                 response.status, reason_phrase(response.status), date_now());
  if (!request.id.empty()) text += fmt::format("X-Request-Id: {}\r\n", request.id);
  const bool bodiless = response.status == 204 || response.status == 304;
  if (!bodiless) {
    text += fmt::format("Content-Type: {}\r\nX-Content-Type-Options: nosniff\r\n",
                        response.content_type);
    if (!response.stream) text += fmt::format("Content-Length: {}\r\n", response.body.size());
  }
  bool cache = false;
  for (const auto& [name, value] : response.headers) {
    text += fmt::format("{}: {}\r\n", name, value);
    cache = cache || name == "Cache-Control";
  }
  if (!cache) text += "Cache-Control: no-store\r\n";
  if (!keep_alive) {
    text += "Connection: close\r\n";
  } else if (minor_version == 0) {
    text += "Connection: keep-alive\r\n";
  }
  text += "\r\n";
  return text;
}

void SessionBase::record(const Request& request, const Route* route, int status,
                         Clock::time_point began) {
  const double seconds = std::chrono::duration<double>(Clock::now() - began).count();
  const std::string_view pattern = route ? std::string_view(route->pattern) : "none";
  const std::string_view method = route ? std::string_view(route->method) : "none";
  server_.metrics_.request(pattern, method, status, seconds);
  const auto level = status >= 500 && status != 503 ? spdlog::level::warn : spdlog::level::debug;
  if (server_.log_->should_log(level)) {
    server_.log_->log(level, "request id={} method={} route={} status={} ms={:.2f} peer={} as={}",
                      request.id, method, pattern, status, seconds * 1e3, peer_,
                      request.principal.name);
  }
}

}  // namespace kasetsu::http
