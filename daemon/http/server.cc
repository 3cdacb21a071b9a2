#include "daemon/http/server.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <list>
#include <map>

#include "daemon/http/session.h"

namespace kasetsu::http {
namespace {

using asio::ip::tcp;
using local = asio::local::stream_protocol;

std::string lowered(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

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

struct Server::State {
  std::vector<std::function<void()>> stop_accepting;
  std::list<SessionBase*> sessions;
  std::map<std::string, std::size_t> peers;
  std::unique_ptr<asio::steady_timer> deadline;
  std::function<void()> drained;
  std::string socket_path;
  std::uint64_t requests = 0;
  std::string id_prefix;
  std::unique_ptr<asio::steady_timer> watch;  // while there are sessions

  // Gives up the sessions whose time is over, a few times within the shortest time that there is.
  void watch_sessions(asio::io_context& io, std::chrono::milliseconds pause) {
    if (!watch) watch = std::make_unique<asio::steady_timer>(io);
    watch->expires_after(pause);
    watch->async_wait([this, &io, pause](const boost::system::error_code& error) {
      if (error) return;
      const Clock::time_point now = Clock::now();
      const std::vector<SessionBase*> all(sessions.begin(), sessions.end());
      for (SessionBase* session : all) {
        if (session->deadline() <= now) session->abort();
      }
      if (sessions.empty()) {
        watch.reset();
      } else {
        watch_sessions(io, pause);
      }
    });
  }
};

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
  const std::string where = fmt::format("{}:{}", address, port);
  boost::system::error_code error;
  const auto parsed = asio::ip::make_address(address == "localhost" ? "127.0.0.1" : address, error);
  if (error) {
    return Error{ErrorCode::invalid_argument, "no address to listen on", where, address,
                 "127.0.0.1, ::1, or another address of this machine"};
  }
  if (!parsed.is_loopback() && !options_.beyond_loopback) {
    return Error{ErrorCode::invalid_argument,
                 "will not listen beyond loopback without tokens and TLS", where, address,
                 "127.0.0.1 or ::1, or a configuration with tokens and certificate files"};
  }
  auto acceptor = std::make_shared<tcp::acceptor>(io_);
  const tcp::endpoint endpoint(parsed, port);
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
asio::awaitable<void> Server::accept(std::shared_ptr<Acceptor> acceptor, bool tls) {
  using Socket = typename Acceptor::protocol_type::socket;
  constexpr bool kTcp = std::is_same_v<Socket, tcp::socket>;
  asio::steady_timer pause(io_);
  while (!draining_) {
    boost::system::error_code error;
    Socket socket(io_);
    co_await acceptor->async_accept(socket, asio::redirect_error(asio::use_awaitable, error));
    if (draining_ || error == asio::error::operation_aborted) co_return;
    if (error) {
      // No descriptors left, or a client that went away: accepting again at once would spin.
      log_->warn("accept failed error=\"{}\"", error.message());
      if (error == boost::system::errc::too_many_files_open ||
          error == boost::system::errc::too_many_files_open_in_system) {
        evict({});
      }
      pause.expires_after(std::chrono::milliseconds(100));
      co_await pause.async_wait(asio::redirect_error(asio::use_awaitable, error));
      continue;
    }
    std::string peer = "unix";
    if constexpr (kTcp) {
      socket.set_option(tcp::no_delay(true), error);
      const auto remote = socket.remote_endpoint(error);
      if (error) continue;
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
      continue;
    }
    PlainStream stream(std::move(socket));
    if (tls) {
      auto session = std::make_shared<Session<TlsStream>>(*this, std::move(peer),
                                                          TlsStream(std::move(stream), *tls_));
      joined(session.get());
      asio::co_spawn(
          io_, [session, context = tls_] { return session->run(); }, asio::detached);
    } else {
      auto session =
          std::make_shared<Session<PlainStream>>(*this, std::move(peer), std::move(stream));
      joined(session.get());
      asio::co_spawn(
          io_, [session] { return session->run(); }, asio::detached);
    }
  }
}

bool Server::admit(const std::string& peer) {
  const auto count = state_->peers.find(peer);
  const bool peer_full =
      count != state_->peers.end() && count->second >= options_.connections_per_peer;
  if (!peer_full && state_->sessions.size() < options_.connections) return true;
  return evict(peer_full ? peer : std::string());
}

bool Server::evict(const std::string& peer) {
  SessionBase* longest = nullptr;
  for (SessionBase* session : state_->sessions) {
    if (session->phase() != SessionBase::Phase::waiting &&
        session->phase() != SessionBase::Phase::reading) {
      continue;
    }
    if (!peer.empty() && session->peer() != peer) continue;
    if (!longest || session->since() < longest->since()) longest = session;
  }
  if (!longest || Clock::now() - longest->since() < options_.evict_after) return false;
  metrics_.connection_evicted();
  left(longest);
  longest->abort();
  return true;
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
    for (SessionBase* session : open) session->abort();
    finish_drain();
  });
}

void Server::finish_drain() {
  if (state_->deadline) state_->deadline->cancel();
  state_->watch.reset();
  if (auto done = std::exchange(state_->drained, nullptr)) asio::post(io_, std::move(done));
}

std::optional<Response> SessionBase::decide(
    const Head& head, const beast::http::request_parser<beast::http::string_body>& parser,
    Request& request, const Route*& route) {
  const auto& message = parser.get();
  const auto field = [&](beast::string_view name) {
    const auto found = message.find(name);
    return found == message.end() ? std::string{} : std::string(found->value());
  };
  request.method = std::string(head.method);
  const std::string id = field("X-Request-Id");
  request.id = is_request_id(id)
                   ? id
                   : fmt::format("{}-{}", server_.state_->id_prefix, ++server_.state_->requests);
  auto target = parse_target(head.target);
  if (!target) return problem(target.error());
  request.path = std::move(target->path);
  request.query = std::move(target->query);
  if (!target->authority.empty() && lowered(target->authority) != lowered(head.host)) {
    return problem(400, "bad_target", "the target's host is not the Host field's");
  }
  if (peer_ != "unix" && head.minor_version == 1) {
    const auto& hosts = server_.options_.hosts;
    if (std::find(hosts.begin(), hosts.end(), host_name(head.host)) == hosts.end()) {
      return problem(421, "wrong_host",
                     "the Host is none of this daemon's; add it to `hosts` in its configuration");
    }
  }
  const std::string origin = field("Origin");
  if (!origin.empty()) {
    const auto slashes = origin.find("://");
    const std::string_view authority = slashes == std::string::npos
                                           ? std::string_view{}
                                           : std::string_view(origin).substr(slashes + 3);
    if (authority.empty() || lowered(authority) != lowered(head.host)) {
      return problem(403, "wrong_origin", "a page of another origin may not ask this daemon");
    }
  }

  auto found = server_.router_.find(request.method, request.path);
  if (const auto* none = std::get_if<Router::NoMatch>(&found)) {
    if (none->status == 405) {
      Response response =
          problem(405, "method_not_allowed", fmt::format("this resource takes {}", none->allow));
      response.headers.emplace_back("Allow", none->allow);
      return response;
    }
    return problem(404, "not_found", "there is no such resource");
  }
  auto& match = std::get<Router::Match>(found);
  route = match.route;
  request.parameters = std::move(match.parameters);
  std::string type = lowered(field("Content-Type"));
  type = type.substr(0, type.find(';'));
  while (!type.empty() && (type.back() == ' ' || type.back() == '\t')) type.pop_back();
  request.content_type = std::move(type);
  request.accept = field("Accept");
  request.authorization = field("Authorization");
  request.idempotency_key = field("Idempotency-Key");
  request.if_match = field("If-Match");
  request.if_none_match = field("If-None-Match");
  request.last_event_id = field("Last-Event-ID");

  if (route->scope != Scope::open && server_.authenticator_) {
    auto decided = server_.authenticator_(request);
    if (auto* refusal = std::get_if<Response>(&decided)) return std::move(*refusal);
    request.principal = std::get<Principal>(std::move(decided));
    if (!request.principal.may(route->scope)) {
      return problem(403, "scope",
                     fmt::format("this token lacks the scope {}", to_string(route->scope)));
    }
  } else {
    request.principal.scopes = {Scope::read, Scope::results, Scope::campaigns, Scope::admin};
  }
  if (request.idempotency_key.size() > 255 || !is_printable(request.idempotency_key)) {
    return problem(400, "bad_data", "Idempotency-Key is at most 255 printable characters");
  }
  if (head.chunked || head.content_length.value_or(0) > 0) {
    const auto& types = route->consumes;
    if (types.empty()) return problem(400, "bad_data", "this request has no body");
    if (std::find(types.begin(), types.end(), request.content_type) == types.end()) {
      std::string all;
      for (const std::string& name : types) all += (all.empty() ? "" : ", ") + name;
      return problem(415, "media_type", fmt::format("the Content-Type must be one of: {}", all));
    }
  }
  return std::nullopt;
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
