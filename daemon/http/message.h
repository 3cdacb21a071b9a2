// What a handler sees of HTTP: plain values, no Beast.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "daemon/base/asio.h"

namespace kasetsu::http {

namespace asio = boost::asio;

// What a bearer token may do. `open` routes (health, version, the API description) ask for nothing.
enum class Scope { open, read, results, campaigns, admin };

std::string_view to_string(Scope scope);

// Of the dashboard's sign-in; holds the token.
inline constexpr std::string_view kSessionCookie = "kasetsu_session";

// Who asks. Without tokens configured, everybody on this machine is "local" with every scope.
struct Principal {
  std::string name = "local";
  std::vector<Scope> scopes;
  bool may(Scope scope) const;
};

// Whose work a request causes, and whether anybody still waits for it.
struct Claim {
  std::string who;       // a token, or an address where there are no tokens
  std::stop_source end;  // asked to stop when the client has gone
  bool gone() const { return end.stop_requested(); }
};

struct Request {
  std::string method;  // upper case; HEAD is routed as GET and its body left out when written
  std::string path;    // as sent, without the query
  std::vector<std::pair<std::string, std::string>> query;       // percent-decoded, in order
  std::vector<std::pair<std::string, std::string>> parameters;  // from the route's pattern
  std::string body;
  std::string id;    // request id: echoed, logged
  std::string peer;  // address, or "unix"
  Principal principal;
  std::shared_ptr<Claim> claim;  // null outside of a server

  // Header fields that handlers may use; empty when absent.
  std::string content_type;  // lower case, without parameters
  std::string accept;
  std::string accept_encoding;
  // Also of the dashboard's cookie, where no field is sent: then by_cookie is set.
  std::string authorization;
  bool by_cookie = false;
  std::string idempotency_key;
  std::string if_match;
  std::string if_none_match;
  std::string last_event_id;

  // Parameter of the route's pattern; asking for one that the pattern lacks is a bug.
  const std::string& parameter(std::string_view name) const;
  // First value of a query parameter.
  std::optional<std::string> query_value(std::string_view name) const;
};

// Where a streaming answer writes to. write() is false when the client is gone or the server
// drains.
class Sink {
 public:
  virtual ~Sink() = default;
  virtual asio::awaitable<bool> write(std::string text) = 0;
};

struct Response {
  int status = 200;
  std::string content_type = "application/json";
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers;
  bool close = false;
  std::string token;  // name of a token that is refused; for the log, never sent
  // Set: after the head, the stream writes the body until it returns; the connection then closes.
  std::function<asio::awaitable<void>(Sink&)> stream;
};

using Handler = std::function<asio::awaitable<Response>(Request&)>;

}  // namespace kasetsu::http
