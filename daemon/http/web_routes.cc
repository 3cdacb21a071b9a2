// The dashboard's files, and who is signed in to it.
#include <algorithm>

#include "daemon/http/api.h"
#include "daemon/http/problem.h"
#include "daemon/http/server.h"
#include "daemon/web/assets.h"

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>

namespace kasetsu::http {
namespace {

// Everything comes from this daemon; nothing is framed, sent elsewhere, or made of text at run
// time. Styles may stand in attributes, because the plots write them there.
constexpr std::string_view kPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; connect-src 'self'; font-src 'self'; form-action 'none'; "
    "frame-ancestors 'none'; base-uri 'none'";

// Whether the browser takes this encoding: named, and not with q=0.
bool accepts(const std::string& field, std::string_view encoding) {
  const auto at = field.find(encoding);
  if (at == std::string::npos) return false;
  const std::string rest = field.substr(at + encoding.size(), 5);
  return rest.rfind(";q=0", 0) != 0 || rest == ";q=0.";
}

Response asset_response(const web::Asset& asset, const Request& request, std::string_view caching,
                        const std::string& tag) {
  Response response;
  response.headers = {{"Content-Security-Policy", std::string(kPolicy)},
                      {"X-Frame-Options", "DENY"},
                      {"Referrer-Policy", "no-referrer"},
                      {"Cross-Origin-Opener-Policy", "same-origin"},
                      {"Cross-Origin-Resource-Policy", "same-origin"},
                      {"Vary", "Accept-Encoding"},
                      {"Cache-Control", std::string(caching)},
                      {"ETag", tag}};
  if (request.if_none_match == tag) {
    response.status = 304;
    return response;
  }
  response.content_type = std::string(asset.content_type);
  std::string_view body = asset.plain;
  if (!asset.brotli.empty() && accepts(request.accept_encoding, "br")) {
    body = asset.brotli;
    response.headers.emplace_back("Content-Encoding", "br");
  } else if (!asset.gzip.empty() && accepts(request.accept_encoding, "gzip")) {
    body = asset.gzip;
    response.headers.emplace_back("Content-Encoding", "gzip");
  }
  response.body = std::string(body);
  return response;
}

std::string version_tag() {
  return "\"" + std::string(web::version()) + "\"";
}

Response get_index(const Request& request) {
  return asset_response(web::index(), request, "no-cache", version_tag());
}

// A page that was opened before the daemon was renewed still gets its parts, of the new version.
Response get_asset(const Request& request, const std::string& path) {
  const auto all = web::assets();
  const auto found =
      std::find_if(all.begin(), all.end(), [&](const auto& asset) { return asset.path == path; });
  if (found == all.end()) return problem(404, "not_found", "there is no such resource");
  const bool present = request.parameter("version") == web::version();
  return asset_response(
      *found, request, present ? "public, max-age=31536000, immutable" : "no-cache", version_tag());
}

Json session_json(const Principal* principal, bool tokens, std::int64_t last_event) {
  Json scopes = Json::array();
  if (principal) {
    for (const Scope scope : principal->scopes) scopes.push_back(to_string(scope));
  }
  return {{"signed_in", principal != nullptr},
          {"tokens", tokens},
          {"name", principal ? Json(principal->name) : Json(nullptr)},
          {"scopes", std::move(scopes)},
          {"last_event", principal ? last_event : 0}};
}

// A cookie that no script reads and that goes with no request of another site.
std::string cookie(const std::string& token, bool secure) {
  return std::string(kSessionCookie) + "=" + token + "; Path=/; HttpOnly; SameSite=Strict" +
         (secure ? "; Secure" : "") + (token.empty() ? "; Max-Age=0" : "");
}

// Tokens are made of these; anything else could not stand in a cookie.
bool is_token(const std::string& text) {
  return !text.empty() && text.size() <= 200 && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.' || c == '~' || c == '+' || c == '/' || c == '=';
  });
}

}  // namespace

// A page that was signed in with a token that is no more is told so and not refused: it asks its
// person again. Guessing is as slow here as anywhere, and the log hears of it.
asio::awaitable<Response> Api::get_session(Request& request) {
  const bool tokens = server_->asks_for_tokens();
  if (tokens && request.authorization.empty())
    co_return json_response(200, session_json(nullptr, true, 0));
  auto decided = server_->decide_who(request);
  auto* const refusal = std::get_if<Response>(&decided);
  if (refusal == nullptr) {
    co_return json_response(200, session_json(&std::get<Principal>(decided), tokens, hub_.last()));
  }
  server_->log_refusal(request, "/v1/session", *refusal);
  co_await wait_before_refusing();
  if (refusal->status == 429) co_return std::move(*refusal);
  co_return json_response(200, session_json(nullptr, true, 0));
}

asio::awaitable<void> Api::wait_before_refusing() const {
  boost::system::error_code ignored;
  asio::steady_timer delay(io_, server_->options().refusal_delay);
  co_await delay.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
}

Response Api::check_sign_in(Request& request) const {
  const auto body = parse_json(request.body);
  if (!body) return problem(body.error());
  const auto token = read_field<std::string>(*body, "token");
  if (!token) return problem(token.error());
  request.authorization = "Bearer " + *token;
  auto decided = server_->decide_who(request);
  if (auto* refusal = std::get_if<Response>(&decided)) {
    server_->log_refusal(request, "/v1/session", *refusal);
    return std::move(*refusal);
  }
  const bool tokens = server_->asks_for_tokens();
  Response response =
      json_response(200, session_json(&std::get<Principal>(decided), tokens, hub_.last()));
  if (tokens && is_token(*token)) {
    response.headers.emplace_back("Set-Cookie", cookie(*token, server_->is_reached_by_tls()));
  }
  return response;
}

asio::awaitable<Response> Api::sign_in(Request& request) {
  Response response = check_sign_in(request);
  if (response.status == 401 || response.status == 429) co_await wait_before_refusing();
  co_return response;
}

void Api::add_web_routes(Router& router) {
  router.add({"GET", "/", Scope::open, at_once(get_index)});
  router.add({"GET", "/ui/{version}/{file}", Scope::open, at_once([](const Request& request) {
                return get_asset(request, request.parameter("file"));
              })});
  router.add(
      {"GET", "/ui/{version}/{folder}/{file}", Scope::open, at_once([](const Request& request) {
         return get_asset(request, request.parameter("folder") + "/" + request.parameter("file"));
       })});
  router.add({"GET", "/v1/session", Scope::open,
              [this](Request& request) { return get_session(request); }});
  router.add({"POST",
              "/v1/session",
              Scope::open,
              [this](Request& request) { return sign_in(request); },
              {"application/json"}});
  router.add({"DELETE", "/v1/session", Scope::open, at_once([this](const Request&) {
                Response response;
                response.status = 204;
                response.headers.emplace_back("Set-Cookie",
                                              cookie("", server_->is_reached_by_tls()));
                return response;
              })});
}

}  // namespace kasetsu::http
