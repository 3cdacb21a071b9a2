// The table of routes: method, pattern, scope, handler. The API description is checked against it.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/base/result.h"
#include "daemon/http/message.h"

namespace kasetsu::http {

struct Route {
  std::string method;   // GET, POST, ...
  std::string pattern;  // "/v1/campaigns/{name}:pause"; {parameter} is one whole path segment
  Scope scope = Scope::admin;
  Handler handler;
  // Media types that a body may have; empty: a body is not wanted, and ignored if it is empty.
  std::vector<std::string> consumes = {};
  bool bulk = false;   // the larger body limit
  bool waits = false;  // for events: its connection may be closed when others need the place
};

struct RequestTarget {
  std::string path;  // as sent
  std::vector<std::pair<std::string, std::string>> query;
  std::string authority;  // of the absolute form, else empty
};

// Origin form ("/path?query") or absolute form ("http://host/path"). bad_data otherwise, and for a
// wrong percent escape, an escaped NUL, or a fragment.
Result<RequestTarget> parse_target(std::string_view text);

class Router {
 public:
  void add(Route route);

  struct Match {
    const Route* route;
    std::vector<std::pair<std::string, std::string>> parameters;
  };
  struct NoMatch {
    int status;         // 404 or 405
    std::string allow;  // of a 405
  };
  // HEAD is answered by GET's route.
  std::variant<Match, NoMatch> find(std::string_view method, std::string_view path) const;

  const std::vector<Route>& routes() const { return routes_; }

 private:
  struct Segment {
    std::string text;  // literal, or the parameter's name
    bool parameter;
  };
  struct Pattern {
    std::vector<Segment> segments;
    std::string verb;  // after the last colon
  };
  std::vector<Route> routes_;
  std::vector<Pattern> patterns_;  // same order
};

}  // namespace kasetsu::http
