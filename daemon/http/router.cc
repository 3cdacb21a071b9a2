#include "daemon/http/router.h"

#include <algorithm>
#include <optional>

namespace kasetsu::http {
namespace {

int hex(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::optional<std::string> decoded(std::string_view text, bool plus_is_space) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%') {
      if (i + 2 >= text.size()) return std::nullopt;
      const int high = hex(text[i + 1]), low = hex(text[i + 2]);
      if (high < 0 || low < 0 || (high == 0 && low == 0)) return std::nullopt;
      out += static_cast<char>(high * 16 + low);
      i += 2;
    } else if (text[i] == '+' && plus_is_space) {
      out += ' ';
    } else {
      out += text[i];
    }
  }
  return out;
}

std::vector<std::string_view> split(std::string_view path) {
  std::vector<std::string_view> segments;
  path.remove_prefix(1);
  for (;;) {
    const auto slash = path.find('/');
    segments.push_back(path.substr(0, slash));
    if (slash == std::string_view::npos) return segments;
    path.remove_prefix(slash + 1);
  }
}

Error bad_target(std::string message, std::string_view text) {
  return {ErrorCode::bad_data, std::move(message), "request target", std::string(text),
          "a path such as /v1/campaigns?limit=20"};
}

}  // namespace

Result<RequestTarget> parse_target(std::string_view text) {
  const std::string_view whole = text;
  RequestTarget target;
  if (text.starts_with("http://")) {
    text.remove_prefix(7);
    const auto slash = text.find_first_of("/?");
    target.authority = std::string(text.substr(0, slash));
    if (target.authority.empty()) return bad_target("no host", whole);
    text = slash == std::string_view::npos ? std::string_view("/") : text.substr(slash);
  }
  if (text.empty() || text.front() != '/') return bad_target("not a path", whole);
  if (text.find('#') != std::string_view::npos) return bad_target("a fragment", whole);
  const auto question = text.find('?');
  target.path = std::string(text.substr(0, question));
  if (!decoded(target.path, false)) return bad_target("a wrong percent escape", whole);
  if (question == std::string_view::npos) return target;
  std::string_view query = text.substr(question + 1);
  while (!query.empty()) {
    const auto ampersand = query.find('&');
    const std::string_view item = query.substr(0, ampersand);
    query = ampersand == std::string_view::npos ? std::string_view{} : query.substr(ampersand + 1);
    if (item.empty()) continue;
    const auto equals = item.find('=');
    const auto key = decoded(item.substr(0, equals), true);
    const auto value = decoded(
        equals == std::string_view::npos ? std::string_view{} : item.substr(equals + 1), true);
    if (!key || !value) return bad_target("a wrong percent escape", whole);
    target.query.emplace_back(*key, *value);
  }
  return target;
}

void Router::add(Route route) {
  Pattern pattern;
  std::string_view path = route.pattern;
  KASETSU_ASSERT(!path.empty() && path.front() == '/');
  const auto colon = path.rfind(':');
  if (colon != std::string_view::npos && path.find('/', colon) == std::string_view::npos) {
    pattern.verb = std::string(path.substr(colon + 1));
    path = path.substr(0, colon);
  }
  for (const std::string_view text : split(path)) {
    if (text.size() > 2 && text.front() == '{' && text.back() == '}') {
      pattern.segments.push_back({std::string(text.substr(1, text.size() - 2)), true});
    } else {
      pattern.segments.push_back({std::string(text), false});
    }
  }
  routes_.push_back(std::move(route));
  patterns_.push_back(std::move(pattern));
}

std::variant<Router::Match, Router::NoMatch> Router::find(std::string_view method,
                                                          std::string_view path) const {
  if (method == "HEAD") method = "GET";
  std::vector<std::string_view> segments = split(path.empty() ? std::string_view("/") : path);
  std::string_view last = segments.back();
  std::string_view verb;
  const auto colon = last.rfind(':');
  if (colon != std::string_view::npos) {
    verb = last.substr(colon + 1);
    last = last.substr(0, colon);
  }
  segments.back() = last;
  std::vector<std::string> allowed;
  for (std::size_t r = 0; r < routes_.size(); ++r) {
    const Pattern& pattern = patterns_[r];
    if (pattern.verb != verb || pattern.segments.size() != segments.size()) continue;
    if (colon != std::string_view::npos && pattern.verb.empty()) continue;
    bool same = true;
    for (std::size_t s = 0; same && s < segments.size(); ++s) {
      same = pattern.segments[s].parameter ? !segments[s].empty()
                                           : pattern.segments[s].text == segments[s];
    }
    if (!same) continue;
    if (routes_[r].method != method) {
      allowed.push_back(routes_[r].method);
      continue;
    }
    Match match{&routes_[r], {}};
    for (std::size_t s = 0; s < segments.size(); ++s) {
      if (!pattern.segments[s].parameter) continue;
      auto value = decoded(segments[s], false);
      if (!value) return NoMatch{404, ""};
      match.parameters.emplace_back(pattern.segments[s].text, std::move(*value));
    }
    return match;
  }
  if (allowed.empty()) return NoMatch{404, ""};
  if (std::find(allowed.begin(), allowed.end(), "GET") != allowed.end()) allowed.push_back("HEAD");
  std::sort(allowed.begin(), allowed.end());
  std::string allow;
  for (const std::string& name : allowed) allow += (allow.empty() ? "" : ", ") + name;
  return NoMatch{405, allow};
}

}  // namespace kasetsu::http
