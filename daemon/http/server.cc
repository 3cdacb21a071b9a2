#include "daemon/http/server.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/steady_timer.hpp>

#include "daemon/http/server_state.h"
#include "daemon/http/session.h"

namespace kasetsu::http {
namespace {

// What each connection may hold whatever the others do: results of a robot.
constexpr std::size_t kAlwaysHeld = 16 * 1024;
constexpr std::chrono::milliseconds kPauseOfAccepting{100};

using asio::ip::tcp;
using local = asio::local::stream_protocol;

asio::ip::address address_of(const std::string& text, boost::system::error_code& error) {
  return asio::ip::make_address(text == "localhost" ? "127.0.0.1" : text, error);
}

}  // namespace

Status check_address(const std::string& address, bool beyond_loopback) {
  boost::system::error_code error;
  const auto parsed = address_of(address, error);
  if (error) {
    return Error{ErrorCode::invalid_argument, "this is no address to listen on", "listen.address",
                 address, "127.0.0.1, ::1, or another address of this machine"};
  }
  if (parsed.is_loopback() || beyond_loopback) return {};
  return Error{ErrorCode::invalid_argument,
               "the daemon does not listen beyond loopback without tokens and TLS",
               "listen.address", address,
               "127.0.0.1 or ::1, or a configuration with tokens and certificate files"};
}

Status ServerOptions::validate() const {
  const auto bound = [](const char* field, auto value, auto low, auto high) -> Status {
    if (value >= low && value <= high) return {};
    return Error{ErrorCode::invalid_argument, "out of bounds", field, fmt::format("{}", value),
                 fmt::format("{} to {}", low, high)};
  };
  for (const Status& status :
       {bound("header_bytes", header_bytes, std::size_t{512}, std::size_t{65'536}),
        bound("header_fields", header_fields, std::size_t{8}, std::size_t{1'000}),
        bound("body_bytes", body_bytes, std::size_t{256}, std::size_t{64} << 20),
        bound("bulk_body_bytes", bulk_body_bytes, std::size_t{256}, std::size_t{256} << 20),
        bound("all_bodies_bytes", all_bodies_bytes, bulk_body_bytes, std::size_t{64} << 30),
        bound("connections", connections, std::size_t{1}, std::size_t{100'000}),
        bound("connections_per_peer", connections_per_peer, std::size_t{1}, std::size_t{100'000}),
        bound("header_time", header_time.count(), 1, 600'000),
        bound("request_time", request_time.count(), 1, 3'600'000),
        bound("idle_time", idle_time.count(), 1, 3'600'000),
        bound("write_time", write_time.count(), 1, 3'600'000)}) {
    if (!status) return status;
  }
  return {};
}

Server::Server(asio::io_context& io, Router router, ServerOptions options,
               std::shared_ptr<spdlog::logger> log)
    : io_(io),
      router_(std::move(router)),
      options_(std::move(options)),
      log_(std::move(log)),
      state_(std::make_unique<State>()) {
  for (std::string& host : options_.hosts) host = lowered(host);
  const auto start = std::chrono::system_clock::now().time_since_epoch();
  state_->id_prefix =
      fmt::format("{:x}", std::chrono::duration_cast<std::chrono::milliseconds>(start).count());
}

Server::~Server() = default;

Result<std::uint16_t> Server::listen_tcp(const std::string& address, std::uint16_t port,
                                         std::shared_ptr<asio::ssl::context> context) {
  if (Status allowed = check_address(address, options_.beyond_loopback); !allowed) {
    return allowed.error();
  }
  const std::string where = fmt::format("{}:{}", address, port);
  boost::system::error_code error;
  auto acceptor = std::make_shared<tcp::acceptor>(io_);
  const tcp::endpoint endpoint(address_of(address, error), port);
  acceptor->open(endpoint.protocol(), error);
  if (!error) acceptor->set_option(asio::socket_base::reuse_address(true), error);
  if (!error) acceptor->bind(endpoint, error);
  if (!error) acceptor->listen(asio::socket_base::max_listen_connections, error);
  if (error) {
    return Error{ErrorCode::unavailable, fmt::format("cannot listen: {}", error.message()), where,
                 "", "a free port"};
  }
  if (context) tls_ = context;
  state_->stop_accepting.push_back([acceptor] {
    boost::system::error_code ignored;
    acceptor->close(ignored);
  });
  asio::co_spawn(io_, accept(acceptor, context != nullptr), asio::detached);
  return acceptor->local_endpoint().port();
}

Status Server::listen_unix(const std::string& path) {
  boost::system::error_code error;
  if (path.size() >= 100) {
    return Error{ErrorCode::invalid_argument, "the path of a Unix socket is too long",
                 "unix_socket", path, "fewer than 100 bytes"};
  }
  const local::endpoint endpoint(path);
  struct stat found {};
  if (::lstat(path.c_str(), &found) == 0) {
    if (!S_ISSOCK(found.st_mode)) {
      return Error{ErrorCode::invalid_argument, "a file is there that is no socket", "unix_socket",
                   path, "a free path"};
    }
    local::socket probe(io_);
    probe.connect(endpoint, error);
    if (!error) {
      return Error{ErrorCode::unavailable, "another daemon answers on the socket", "unix_socket",
                   path, "a free path"};
    }
    ::unlink(path.c_str());
  }
  auto acceptor = std::make_shared<local::acceptor>(io_);
  acceptor->open(endpoint.protocol(), error);
  const mode_t before = ::umask(0117);
  if (!error) acceptor->bind(endpoint, error);
  ::umask(before);
  if (!error) acceptor->listen(asio::socket_base::max_listen_connections, error);
  if (error) {
    return Error{ErrorCode::unavailable, fmt::format("cannot listen: {}", error.message()),
                 "unix_socket", path, "a path in a folder that exists"};
  }
  state_->stop_accepting.push_back([acceptor, path] {
    boost::system::error_code ignored;
    acceptor->close(ignored);
    ::unlink(path.c_str());
  });
  asio::co_spawn(io_, accept(acceptor, false), asio::detached);
  return {};
}

template <typename Acceptor>
asio::awaitable<bool> Server::accept_one(Acceptor& acceptor, bool tls) {
  using Socket = typename Acceptor::protocol_type::socket;
  constexpr bool kTcp = std::is_same_v<Socket, tcp::socket>;
  boost::system::error_code error;
  Socket socket(io_);
  co_await acceptor.async_accept(socket, asio::redirect_error(asio::use_awaitable, error));
  if (draining_ || error == asio::error::operation_aborted) co_return false;
  if (error) {
    // No descriptors left, or a client that went away: accepting again at once would spin.
    log_->warn("accept failed error=\"{}\"", error.message());
    if (error == boost::system::errc::too_many_files_open ||
        error == boost::system::errc::too_many_files_open_in_system) {
      evict({});
    }
    asio::steady_timer pause(io_, kPauseOfAccepting);
    co_await pause.async_wait(asio::redirect_error(asio::use_awaitable, error));
    co_return true;
  }
  std::string peer = "unix";
  if constexpr (kTcp) {
    socket.set_option(tcp::no_delay(true), error);
    const auto remote = socket.remote_endpoint(error);
    if (error) co_return true;
    peer = remote.address().to_string();
  }
  if (!admit(peer)) {
    metrics_.connection_refused();
    static constexpr std::string_view kFull =
        "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length: 0\r\n"
        "Connection: close\r\n\r\n";
    socket.non_blocking(true, error);
    if (!error && !tls) {
      std::array<char, 4096> unread{};
      socket.read_some(asio::buffer(unread), error);
      error = {};
      socket.write_some(asio::buffer(kFull), error);
    }
    co_return true;
  }
  begin(PlainStream(std::move(socket)), std::move(peer), tls);
  co_return true;
}

// What one connection throws, such as std::bad_alloc, keeps nobody else out.
template <typename Acceptor>
asio::awaitable<void> Server::accept(std::shared_ptr<Acceptor> acceptor, bool tls) {
  bool more = true;
  while (more && !draining_) {
    bool failed = false;
    try {
      more = co_await accept_one(*acceptor, tls);
    } catch (const std::exception& error) {
      failed = true;
      log_failure("a connection was not accepted", error.what());
    }
    if (!failed) continue;
    boost::system::error_code ignored;
    asio::steady_timer pause(io_, kPauseOfAccepting);
    co_await pause.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  }
}

// Where memory is short, the connection is closed and the next one accepted.
void Server::begin(PlainStream stream, std::string peer, bool tls) {
  const auto run = [this](auto session, auto context) {
    joined(session.get());
    asio::co_spawn(
        io_, [session, context] { return session->run(); }, asio::detached);
  };
  try {
    if (tls) {
      run(std::make_shared<HttpSession<TlsStream>>(*this, std::move(peer),
                                                   TlsStream(std::move(stream), *tls_)),
          tls_);
    } else {
      run(std::make_shared<HttpSession<PlainStream>>(*this, std::move(peer), std::move(stream)),
          tls_);
    }
  } catch (const std::exception& error) {
    log_->error("connection not begun error=\"{}\"", error.what());
  }
}

void Server::log_refusal(const Request& request, std::string_view route,
                         const Response& refusal) const {
  log_->warn("request refused id={} status={} route={} peer={} token={}", request.id,
             refusal.status, route, request.peer,
             refusal.token.empty() ? "unknown" : refusal.token);
}

void Server::log_failure(std::string_view what, std::string_view error) const {
  log_->error("{} error=\"{}\"", what, error);
}

std::variant<Principal, Response> Server::decide_who(const Request& request) const {
  if (authenticator_) return authenticator_(request);
  Principal everybody;
  everybody.scopes = {Scope::read, Scope::results, Scope::campaigns, Scope::admin};
  return everybody;
}

bool Server::is_proxy(const std::string& address) const {
  return std::find(options_.proxies.begin(), options_.proxies.end(), address) !=
         options_.proxies.end();
}

bool Server::admit(const std::string& peer) {
  const auto count = state_->peers.find(peer);
  const bool peer_full = count != state_->peers.end() && !is_proxy(peer) &&
                         count->second >= options_.connections_per_peer;
  if (!peer_full && state_->sessions.size() < options_.connections) return true;
  return evict(peer_full ? peer : std::string());
}

bool Server::evict(const std::string& peer) {
  using Phase = SessionBase::Phase;
  SessionBase* idle = nullptr;
  SessionBase* watching = nullptr;
  for (SessionBase* session : state_->sessions) {
    if (!peer.empty() && session->peer() != peer) continue;
    if (Clock::now() - session->since() < options_.evict_after) continue;
    const bool is_idle = session->phase() == Phase::waiting || session->phase() == Phase::reading;
    if (!is_idle && session->phase() != Phase::watching) continue;
    SessionBase*& longest = is_idle ? idle : watching;
    if (!longest || session->since() < longest->since()) longest = session;
  }
  SessionBase* chosen = idle ? idle : watching;
  if (!chosen) return false;
  metrics_.connection_evicted();
  left(chosen);
  chosen->abort();
  return true;
}

bool Server::hold(SessionBase& session, std::size_t bytes) {
  session.held_ += bytes;
  state_->held += bytes;
  state_->held_by[session.sender_] += bytes;
  if (session.held_ <= kAlwaysHeld) return true;
  const auto sender_fits = [&] { return state_->held_by[session.sender_] <= most_of_one(); };
  if (sender_fits() && state_->held <= options_.all_bodies_bytes) return true;
  // Of a sender that has too much, one of its own uploads goes.
  const bool own = !sender_fits();
  SessionBase* slowest = nullptr;
  for (SessionBase* other : state_->sessions) {
    if (other == &session || other->held_ == 0) continue;
    if (other->phase() != SessionBase::Phase::reading) continue;
    if (own && other->sender_ != session.sender_) continue;
    if (!slowest || other->since() < slowest->since()) slowest = other;
  }
  if (!slowest || Clock::now() - slowest->since() < options_.evict_after) return false;
  metrics_.connection_evicted();
  left(slowest);
  slowest->abort();
  return sender_fits() && state_->held <= options_.all_bodies_bytes;
}

bool Server::may_fit(const SessionBase& session, std::uint64_t length) const {
  if (length <= kAlwaysHeld) return true;
  std::uint64_t all = length, own = length;
  for (const SessionBase* other : state_->sessions) {
    if (other->phase() == SessionBase::Phase::reading) continue;
    all += other->held_;
    if (other->sender_ == session.sender_) own += other->held_;
  }
  return all <= options_.all_bodies_bytes && own <= most_of_one();
}

std::size_t Server::most_of_one() const {
  return authenticator_ ? options_.all_bodies_bytes / 4 * 3 : options_.all_bodies_bytes;
}

void Server::let_go(SessionBase& session) {
  const std::size_t bytes = std::exchange(session.held_, 0);
  if (bytes == 0) return;
  state_->held -= bytes;
  const auto own = state_->held_by.find(session.sender_);
  if ((own->second -= bytes) == 0) state_->held_by.erase(own);
}

void Server::holds_for(SessionBase& session, std::string sender) {
  let_go(session);
  session.sender_ = std::move(sender);
}

void Server::joined(SessionBase* session) {
  state_->sessions.push_back(session);
  if (!state_->watch) {
    const auto shortest = std::min(
        {options_.header_time, options_.request_time, options_.idle_time, options_.write_time});
    state_->watch_sessions(io_, std::clamp(shortest / 8, std::chrono::milliseconds(1),
                                           std::chrono::milliseconds(250)));
  }
  ++state_->peers[session->peer()];
  metrics_.connection_opened();
}

void Server::left(SessionBase* session) {
  // One that was evicted may have held more before it heard of that.
  let_go(*session);
  const auto found = std::find(state_->sessions.begin(), state_->sessions.end(), session);
  if (found == state_->sessions.end()) return;
  state_->sessions.erase(found);
  const auto count = state_->peers.find(session->peer());
  if (--count->second == 0) state_->peers.erase(count);
  metrics_.connection_closed();
  if (draining_ && state_->sessions.empty()) finish_drain();
}

void Server::drain(std::chrono::milliseconds deadline, std::function<void()> done) {
  if (draining_) return;
  draining_ = true;
  state_->drained = std::move(done);
  for (const auto& stop : state_->stop_accepting) stop();
  state_->stop_accepting.clear();
  for (const auto& hook : drain_hooks_) hook();
  for (SessionBase* session : state_->sessions) {
    if (session->phase() == SessionBase::Phase::waiting) session->abort();
  }
  if (state_->sessions.empty()) {
    finish_drain();
    return;
  }
  state_->deadline = std::make_unique<asio::steady_timer>(io_, deadline);
  state_->deadline->async_wait([this](const boost::system::error_code& error) {
    if (error) return;
    log_->warn("drain deadline passed connections={}", state_->sessions.size());
    const std::vector<SessionBase*> open(state_->sessions.begin(), state_->sessions.end());
    for (SessionBase* session : open) {
      session->give_up_work();
      session->abort();
    }
    finish_drain();
  });
}

void Server::finish_drain() {
  if (state_->deadline) state_->deadline->cancel();
  state_->watch.reset();
  if (auto done = std::exchange(state_->drained, nullptr)) asio::post(io_, std::move(done));
}

}  // namespace kasetsu::http
