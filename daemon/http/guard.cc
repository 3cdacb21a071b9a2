#include "daemon/http/guard.h"

#include <algorithm>

#include "daemon/http/problem.h"

namespace kasetsu {
namespace {

constexpr Duration kMemory = std::chrono::minutes(1);
constexpr std::size_t kMostPeers = 10'000;

http::Response refuse(const char* detail) {
  http::Response response = http::problem(401, "unauthorized", detail);
  response.headers.emplace_back("WWW-Authenticate", "Bearer realm=\"kasetsu\"");
  return response;
}

}  // namespace

bool Guard::spend(const std::string& name, Time now) {
  if (requests_per_s_ <= 0.0) return true;
  const double most = std::max(1.0, requests_per_s_);
  const auto [place, is_new] = buckets_.try_emplace(name, Bucket{most, now});
  Bucket& bucket = place->second;
  // A clock that was set back fills nothing, and does not wait for the old time to come again.
  const double passed = std::max(0.0, std::chrono::duration<double>(now - bucket.filled).count());
  bucket.left = std::min(most, bucket.left + passed * requests_per_s_);
  bucket.filled = now;
  if (bucket.left < 1.0) return false;
  bucket.left -= 1.0;
  return true;
}

std::variant<http::Principal, http::Response> Guard::decide(const http::Request& request) {
  constexpr std::string_view kScheme = "Bearer ";
  const std::string& field = request.authorization;
  if (field.empty()) return refuse("a bearer token is needed");
  const Time now = clock_();
  const Token* token = nullptr;
  if (field.size() > kScheme.size() && field.starts_with(kScheme)) {
    token = tokens_.find(std::string_view(field).substr(kScheme.size()));
  }
  if (token && token->expires && *token->expires <= now) {
    http::Response response = refuse("the token is unknown or has expired");
    response.token = token->name;
    return response;
  }
  if (!token) {
    if (failures_.size() >= kMostPeers) failures_.clear();
    Failures& failures = failures_[request.peer];
    if (now - failures.since > kMemory || now < failures.since) failures = {0, now};
    if (++failures.count > kMostFailures) {
      http::Response response =
          http::problem(429, "too_many_failures", "too many wrong tokens; wait a minute");
      response.headers = {{"Retry-After", "60"}};
      return response;
    }
    return refuse("the token is unknown or has expired");
  }
  if (!spend(token->name, now)) {
    http::Response response =
        http::problem(429, "too_many_requests", "this token asks more often than it may");
    response.headers = {{"Retry-After", "1"}};
    response.token = token->name;
    return response;
  }
  http::Principal principal{token->name, {}};
  for (const http::Scope scope :
       {http::Scope::read, http::Scope::results, http::Scope::campaigns, http::Scope::admin}) {
    for (const std::string& name : token->scopes) {
      if (name == to_string(scope)) principal.scopes.push_back(scope);
    }
  }
  return principal;
}

}  // namespace kasetsu
