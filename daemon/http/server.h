// HTTP/1.1 over TCP on the loopback interface, over TLS, and over a Unix socket. One thread runs
// the io_context; every member is called on it. Handlers are coroutines on the same thread and send
// slow work elsewhere (daemon/http/offload.h).
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include <spdlog/logger.h>

#include <boost/asio/generic/stream_protocol.hpp>

#include "core/base/result.h"
#include "daemon/http/message.h"
#include "daemon/http/metrics.h"
#include "daemon/http/router.h"

namespace boost::asio::ssl {
class context;
}

namespace kasetsu::http {

struct ServerOptions {
  std::size_t header_bytes = 8 * 1024;  // request line and header fields
  std::size_t header_fields = 64;
  std::size_t body_bytes = 1024 * 1024;
  std::size_t bulk_body_bytes = 16 * 1024 * 1024;  // routes that take tables
  std::size_t rows = 100'000;  // of one delivery: the others wait while it is written
  // Of all requests that are read or handled at once, with what their bodies take once they are
  // decoded, and of all answers that are on their way. Above it the upload that takes longest is
  // given up, or the new one is refused. One token has three quarters of it at most.
  std::size_t all_bodies_bytes = 512 * 1024 * 1024;
  std::chrono::milliseconds header_time{10'000};   // first byte to the end of the head
  std::chrono::milliseconds request_time{30'000};  // first byte to the end of the body
  std::chrono::milliseconds idle_time{60'000};     // between requests
  std::chrono::milliseconds plan_time{10'000};     // a plan of a campaign file
  std::chrono::milliseconds write_time{30'000};    // one answer, or one piece of a stream
  // A waiting connection costs a few kilobytes; what waits too long makes room (evict_after).
  std::size_t connections = 4096;
  std::size_t connections_per_peer = 2048;
  // A connection that has waited this long for a request, or for an event, may be closed to let a
  // new one in when the limits are reached; those that wait for a request go first.
  std::chrono::milliseconds evict_after{1'000};
  // A wrong token is told so only after this long.
  std::chrono::milliseconds refusal_delay{250};
  // Host names under which the daemon may be asked, beside its own addresses: a page in a browser
  // that rebinds its name to 127.0.0.1 is refused. Ports do not matter.
  std::vector<std::string> hosts = {"localhost", "127.0.0.1", "[::1]"};
  // Addresses of proxies, which tell their client's address in X-Forwarded-For; the limit of
  // connections for one address is not for them.
  std::vector<std::string> proxies;
  bool beyond_loopback = false;  // only with tokens, and TLS unless told otherwise

  // One sentence naming field, value and bound.
  Status validate() const;
};

// Whether the daemon may listen there. Errors: invalid_argument.
Status check_address(const std::string& address, bool beyond_loopback);

// Decides who asks: a principal, or the refusal (401, 429).
using Authenticator = std::function<std::variant<Principal, Response>(const Request&)>;

class SessionBase;

class Server {
 public:
  Server(asio::io_context& io, Router router, ServerOptions options,
         std::shared_ptr<spdlog::logger> log);
  ~Server();

  // Returns the port that was bound (port 0: the system chooses one). invalid_argument for an
  // address beyond loopback unless the options allow it; unavailable when it cannot be bound.
  // context: null for plain HTTP.
  Result<std::uint16_t> listen_tcp(const std::string& address, std::uint16_t port,
                                   std::shared_ptr<asio::ssl::context> context = nullptr);
  // Mode 0660. A socket file that nobody answers on is replaced.
  Status listen_unix(const std::string& path);

  void set_authenticator(Authenticator authenticator) { authenticator_ = std::move(authenticator); }
  bool asks_for_tokens() const { return authenticator_ != nullptr; }
  // Who asks, by the request's token: where no tokens are asked for, everybody may do everything.
  std::variant<Principal, Response> decide_who(const Request& request) const;
  // Whether browsers reach this server by TLS: its own, or a proxy's in front.
  bool is_reached_by_tls() const { return tls_ != nullptr || options_.beyond_loopback; }
  // New TLS connections use this one.
  void set_tls_context(std::shared_ptr<asio::ssl::context> context) { tls_ = std::move(context); }
  // Called when draining begins: wakes what waits inside handlers.
  void on_drain(std::function<void()> hook) { drain_hooks_.push_back(std::move(hook)); }

  // Stops accepting, closes idle connections, lets the others finish their request until the
  // deadline, then calls done. A second call does nothing.
  void drain(std::chrono::milliseconds deadline, std::function<void()> done);
  bool draining() const { return draining_; }

  // One line for each request that is refused because of its token, which has a name or is unknown.
  void log_refusal(const Request& request, std::string_view route, const Response& refusal) const;
  void log_failure(std::string_view what, std::string_view error) const;

  Metrics& metrics() { return metrics_; }
  const Router& router() const { return router_; }
  const ServerOptions& options() const { return options_; }

 private:
  friend class SessionBase;
  template <typename Stream>
  friend class HttpSession;
  struct State;  // acceptors, connections and timers

  // One connection; false where accepting ends.
  template <typename Acceptor>
  asio::awaitable<bool> accept_one(Acceptor& acceptor, bool tls);
  template <typename Acceptor>
  asio::awaitable<void> accept(std::shared_ptr<Acceptor> acceptor, bool tls);
  void begin(asio::generic::stream_protocol::socket stream, std::string peer, bool tls);
  bool is_proxy(const std::string& address) const;
  bool admit(const std::string& peer);
  // Closes the connection that has waited longest, of one peer or (empty) of any.
  bool evict(const std::string& peer);
  // Bytes that one sender may hold.
  std::size_t most_of_one() const;
  void holds_for(SessionBase& session, std::string sender);
  // Whether a body of this length would fit if all uploads that go on were given up.
  bool may_fit(const SessionBase& session, std::uint64_t length) const;
  // Counts bytes of a body that has arrived; false where there are too many.
  bool hold(SessionBase& session, std::size_t bytes);
  void let_go(SessionBase& session);
  void joined(SessionBase* session);
  void left(SessionBase* session);
  void finish_drain();

  asio::io_context& io_;
  Router router_;
  ServerOptions options_;
  std::shared_ptr<spdlog::logger> log_;
  Authenticator authenticator_;
  std::shared_ptr<asio::ssl::context> tls_;
  Metrics metrics_;
  std::unique_ptr<State> state_;
  std::vector<std::function<void()>> drain_hooks_;
  bool draining_ = false;
};

}  // namespace kasetsu::http
