// One connection. Included by server.cc and session.cc alone.
#pragma once

#include <array>
#include <chrono>
#include <ctime>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>

#include "daemon/base/asio.h"
#include "daemon/base/memory_reserve.h"

#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/stream_traits.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include "daemon/http/framing.h"
#include "daemon/http/problem.h"
#include "daemon/http/server.h"

namespace kasetsu::http {

namespace beast = boost::beast;
using Clock = std::chrono::steady_clock;
using PlainStream = asio::generic::stream_protocol::socket;
// Not beast::ssl_stream: that of Boost 1.74 takes an empty first buffer, which is what is left of
// the head once it is written, for the end of the answer.
using TlsStream = asio::ssl::stream<PlainStream>;

// GCC 12 destroys some temporaries of coroutines twice: values with destructors are made in plain
// functions.
inline Response internal_problem() {
  return problem(Error{ErrorCode::internal, "a handler failed", "", "", ""});
}

class SessionBase : public std::enable_shared_from_this<SessionBase> {
 public:
  // watching: for events, by a stream or a long poll.
  enum class Phase { waiting, reading, handling, writing, watching };

  SessionBase(Server& server, std::string peer) : server_(server), peer_(std::move(peer)) {}
  SessionBase(const SessionBase&) = delete;
  SessionBase& operator=(const SessionBase&) = delete;
  virtual ~SessionBase() = default;

  // Closes the socket at once; what is awaited on it fails.
  virtual void abort() = 0;
  virtual int descriptor() = 0;

  Phase phase() const { return phase_; }
  // When the server gives the connection up; it looks a few times a second. A timer of its own for
  // every read and write would cost more than the read.
  Clock::time_point deadline() const { return deadline_; }
  Clock::time_point since() const { return since_; }
  const std::string& peer() const { return peer_; }
  // What the request that is handled waits for need not be done any more.
  void give_up_work() {
    if (claim_) claim_->end.request_stop();
  }

 protected:
  void enter(Phase phase) {
    phase_ = phase;
    since_ = Clock::now();
  }

  void expires_after(Clock::duration time) { deadline_ = Clock::now() + time; }
  void expires_at(Clock::time_point time) { deadline_ = time; }
  void expires_never() { deadline_ = Clock::time_point::max(); }

  // Who the request is of: a token, or an address where no tokens are asked for.
  std::string sender_of(const Request& request) const {
    return server_.authenticator_ ? "token " + request.principal.name : request.peer;
  }

  void claim(Request& request) {
    claim_ = std::make_shared<Claim>();
    claim_->who = sender_of(request);
    request.claim = claim_;
  }

  static Response busy();
  // Counts what the body will take once it is decoded; the refusal where that is too much.
  std::optional<Response> charge_decoded(const Request& request);
  // Counts an answer until it is taken, in the place of the request's body. Reading is refused
  // where that is too much; what was changed is told in any case.
  void charge_answer(Request& request, Response& response);

  using ParsedHead = beast::http::request_parser<beast::http::string_body>::value_type;

  // Everything that is decided between the head and the body. Fills `request` and `route`; returns
  // the refusal, if any.
  std::optional<Response> decide(const Head& head, const ParsedHead& message, Request& request,
                                 const Route*& route);
  std::string head_text(const Response& response, const Request& request, bool keep_alive,
                        int minor_version) const;
  void record(const Request& request, const Route* route, int status, Clock::time_point began);

 private:
  void read_fields(const ParsedHead& message, Request& request) const;
  std::optional<Response> check_source(const Head& head, const ParsedHead& message,
                                       const std::string& authority, bool by_cookie) const;
  std::optional<Response> authorize(const Route& route, Request& request) const;
  static std::optional<Response> check_body(const Head& head, const Route& route,
                                            const Request& request);

 protected:
  Server& server_;
  std::string peer_;
  Phase phase_ = Phase::waiting;
  Clock::time_point since_ = Clock::now();
  Clock::time_point deadline_ = Clock::time_point::max();

 private:
  friend class Server;
  std::size_t held_ = 0;  // bytes of the body, what it decodes to, or the answer
  std::string sender_;    // of what is held
  std::shared_ptr<Claim> claim_;
};

template <typename Stream>
class HttpSession final : public SessionBase, private Sink {
 public:
  HttpSession(Server& server, std::string peer, Stream stream)
      : SessionBase(server, std::move(peer)), stream_(std::move(stream)) {}

  void abort() override {
    expires_never();
    boost::system::error_code ignored;
    socket_layer().close(ignored);
  }

  int descriptor() override { return socket_layer().native_handle(); }

  // Runs until the connection ends; never throws.
  asio::awaitable<void> run() {
    try {
      co_await serve();
    } catch (const std::exception& error) {
      server_.log_->error("connection failed peer={} error=\"{}\"", peer_, error.what());
    }
    abort();
    server_.left(this);
  }

 private:
  using Parser = beast::http::request_parser<beast::http::string_body>;
  static constexpr bool kTls = std::is_same_v<Stream, TlsStream>;

  PlainStream& socket_layer() { return beast::get_lowest_layer(stream_); }

  asio::awaitable<void> serve() {
    boost::system::error_code error;
    if constexpr (kTls) {
      expires_after(server_.options_.header_time);
      co_await stream_.async_handshake(asio::ssl::stream_base::server,
                                       asio::redirect_error(asio::use_awaitable, error));
      if (error) co_return;
    }
    while (!server_.draining()) {
      const bool again = co_await exchange();
      if (!again) break;
    }
    if constexpr (kTls) {
      if (!gone_) {
        expires_after(std::chrono::seconds(1));
        co_await stream_.async_shutdown(asio::redirect_error(asio::use_awaitable, error));
      }
    }
  }

  // A request on its way.
  struct Exchange {
    Request request;
    const Route* route = nullptr;
    FramingError wrong;
    Clock::time_point began;
    bool keep_alive = false;
    int minor_version = 1;
  };

  // One request and its answer; false when the connection is to be closed.
  asio::awaitable<bool> exchange() {
    Exchange now;
    now.request.peer = peer_;
    std::string block;
    const HeadState state = co_await receive_head(block, now.wrong);
    if (state == HeadState::closed) co_return false;
    now.began = began_;
    if (state == HeadState::wrong) co_return co_await refuse(now);
    const auto read = read_head(block, server_.options_.header_fields);
    if (const auto* wrong = std::get_if<FramingError>(&read)) {
      now.wrong = *wrong;
      co_return co_await refuse(now);
    }
    const Head& head = std::get<Head>(read);
    now.keep_alive = head.keep_alive;
    now.minor_version = head.minor_version;
    Parser parser;
    if (!parse_head(block, parser)) {
      now.wrong = {400, "no HTTP request"};
      co_return co_await refuse(now);
    }
    std::optional<Response> refusal = decide(head, parser.get(), now.request, now.route);
    server_.holds_for(*this, sender_of(now.request));
    if (refusal && (refusal->status == 401 || refusal->status == 429)) {
      boost::system::error_code ignored;
      asio::steady_timer delay(server_.io_, server_.options_.refusal_delay);
      co_await delay.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    }
    const BodyState body = co_await take_body(now, head, parser, refusal);
    if (body == BodyState::wrong) co_return co_await refuse(now);
    if (body == BodyState::closed) co_return false;
    const bool again = co_await respond(now, refusal);
    server_.let_go(*this);
    // A connection that waits keeps no room for a body.
    if (buffer_.size() == 0) buffer_.shrink_to_fit();
    co_return again;
  }

  bool parse_head(const std::string& block, Parser& parser) const {
    // The limits of the head and the declared length are checked here, not by the parser.
    parser.header_limit(static_cast<std::uint32_t>(server_.options_.header_bytes + 64));
    parser.body_limit(std::numeric_limits<std::uint64_t>::max());
    boost::system::error_code error;
    parser.put(asio::buffer(block), error);
    return !error && parser.is_header_done();
  }

  enum class HeadState { complete, wrong, closed };

  asio::awaitable<HeadState> receive_head(std::string& block, FramingError& refused) {
    const ServerOptions& options = server_.options_;
    boost::system::error_code error;
    std::size_t seen = 0;
    if (buffer_.size() == 0) {
      enter(Phase::waiting);
      expires_after(options.idle_time);
    } else {
      enter(Phase::reading);
      began_ = Clock::now();
      expires_after(options.header_time);
    }
    for (;;) {
      const std::string_view arrived(static_cast<const char*>(buffer_.data().data()),
                                     buffer_.size());
      const auto found = find_head(arrived.substr(0, options.header_bytes), seen);
      if (const auto* wrong = std::get_if<FramingError>(&found)) {
        refused = *wrong;
        co_return HeadState::wrong;
      }
      if (const std::size_t length = std::get<std::size_t>(found); length > 0) {
        block.assign(arrived.substr(0, length));
        buffer_.consume(length);
        co_return HeadState::complete;
      }
      if (arrived.size() >= options.header_bytes) {
        refused = {431, fmt::format("the head has more than {} bytes", options.header_bytes)};
        co_return HeadState::wrong;
      }
      const auto room = buffer_.prepare(4096);
      const std::size_t bytes =
          co_await stream_.async_read_some(room, asio::redirect_error(asio::use_awaitable, error));
      if (error) {
        gone_ = true;
        co_return HeadState::closed;
      }
      if (phase_ == Phase::waiting) {
        enter(Phase::reading);
        began_ = since_;
        expires_after(options.header_time);
      }
      buffer_.commit(bytes);
    }
  }

  enum class BodyState { complete, wrong, closed };

  // Reads the body, if there is one; a request that is refused has its body swallowed while that is
  // cheap, so that the connection can be kept.
  asio::awaitable<BodyState> take_body(Exchange& now, const Head& head, Parser& parser,
                                       std::optional<Response>& refusal) {
    const ServerOptions& options = server_.options_;
    const std::uint64_t length = head.content_length.value_or(0);
    const std::size_t limit =
        now.route && now.route->bulk ? options.bulk_body_bytes : options.body_bytes;
    if (!refusal && length > limit) {
      refusal =
          problem(413, "too_large",
                  fmt::format("the body has {} bytes; this request may have {}", length, limit));
    }
    const bool fits = server_.may_fit(*this, length);
    if (!refusal && !fits) refusal = busy();
    if (!head.chunked && length == 0) {
      now.wrong = {400, "no HTTP request"};
      co_return parser.is_done() ? BodyState::complete : BodyState::wrong;
    }
    if (refusal && (head.expects_continue || length > options.body_bytes || !fits)) {
      // The client has not sent the body yet, or it is too long to swallow.
      const bool written = co_await answer(now.request, *refusal, false, head.minor_version);
      record(now.request, now.route, refusal->status, now.began);
      if (written) co_await linger();
      co_return BodyState::closed;
    }
    expires_at(now.began + options.request_time);
    if (head.expects_continue && !parser.is_done()) {
      boost::system::error_code error;
      co_await asio::async_write(stream_, asio::buffer(kContinue),
                                 asio::redirect_error(asio::use_awaitable, error));
      if (error) {
        gone_ = true;
        co_return BodyState::closed;
      }
    }
    const BodyState body = co_await receive_body(parser, limit, now.wrong);
    if (body == BodyState::complete) {
      now.request.body = std::move(parser.get().body());
      if (!refusal) refusal = charge_decoded(now.request);
    }
    co_return body;
  }

  // Returns whether the connection is kept.
  asio::awaitable<bool> respond(Exchange& now, std::optional<Response>& refusal) {
    Response response;
    if (refusal) {
      response = std::move(*refusal);
    } else {
      enter(now.route->waits ? Phase::watching : Phase::handling);
      expires_never();
      claim(now.request);
      response = co_await handled(*now.route, now.request);
      charge_answer(now.request, response);
    }
    bool keep_alive = now.keep_alive && !response.close && !server_.draining();
    if (response.stream && now.request.method != "HEAD") {
      keep_alive = false;
      co_await stream_answer(now.request, response, now.minor_version);
    } else {
      const bool written = co_await answer(now.request, response, keep_alive, now.minor_version);
      if (!written) keep_alive = false;
    }
    record(now.request, now.route, response.status, now.began);
    co_return keep_alive;
  }

  asio::awaitable<BodyState> receive_body(Parser& parser, std::size_t limit,
                                          FramingError& refused) {
    boost::system::error_code error;
    bool extension = false;
    auto on_chunk = [&extension](std::uint64_t, beast::string_view extensions,
                                 boost::system::error_code& refusal) {
      if (!extensions.empty()) {
        extension = true;
        refusal = beast::http::error::bad_chunk_extension;
      }
    };
    parser.on_chunk_header(on_chunk);
    parser.body_limit(limit);
    parser.eager(true);
    const auto fields = std::distance(parser.get().begin(), parser.get().end());
    bool more = buffer_.size() == 0;
    while (!parser.is_done()) {
      if (more) {
        const auto room = buffer_.prepare(std::size_t{64} * 1024);
        const std::size_t bytes = co_await stream_.async_read_some(
            room, asio::redirect_error(asio::use_awaitable, error));
        if (error) {
          gone_ = true;
          co_return BodyState::closed;
        }
        buffer_.commit(bytes);
        if (!server_.hold(*this, bytes)) {
          refused = {503, "too many large requests at once; try again in a second"};
          co_return BodyState::wrong;
        }
      }
      const std::size_t used = parser.put(buffer_.data(), error);
      buffer_.consume(used);
      more = true;
      if (error == beast::http::error::need_more) {
        error = {};
        // A chunk header, or the trailer, that does not end.
        if (buffer_.size() > server_.options_.header_bytes) {
          refused = {400, "a chunk header that does not end"};
          co_return BodyState::wrong;
        }
      } else if (error == beast::http::error::body_limit) {
        refused = {413, fmt::format("the body has more than {} bytes", limit)};
        co_return BodyState::wrong;
      } else if (error) {
        refused = {400, extension ? "a chunk extension" : "the chunked body is wrong"};
        co_return BodyState::wrong;
      } else if (buffer_.size() > 0) {
        more = false;
      }
    }
    if (std::distance(parser.get().begin(), parser.get().end()) != fields) {
      refused = {400, "trailer fields"};
      co_return BodyState::wrong;
    }
    co_return BodyState::complete;
  }

  asio::awaitable<Response> handled(const Route& route, Request& request) {
    std::string failure;
    bool memory_is_full = false;
    try {
      co_return co_await route.handler(request);
    } catch (const std::bad_alloc& error) {
      failure = error.what();
      memory_is_full = true;
    } catch (const std::exception& error) {
      failure = error.what();
    }
    server_.log_->error("handler failed id={} route={} error=\"{}\"", request.id, route.pattern,
                        failure);
    if (memory_is_full) {
      keep_memory_reserve();
      co_return problem(503, "busy", "the memory is full; try again later");
    }
    co_return internal_problem();
  }

  // Answers a head or body that cannot be read, and gives up the connection.
  asio::awaitable<bool> refuse(Exchange& now) {
    const int status = now.wrong.status;
    Response response = problem(status, status == 503 ? "busy" : "framing", now.wrong.detail);
    server_.let_go(*this);
    const bool written = co_await answer(now.request, response, false, 1);
    record(now.request, now.route, status, now.began);
    if (written) co_await linger();
    co_return false;
  }

  asio::awaitable<bool> answer(const Request& request, const Response& response, bool keep_alive,
                               int minor_version) {
    enter(Phase::writing);
    expires_after(server_.options_.write_time);
    const std::string head = head_text(response, request, keep_alive, minor_version);
    const bool bare = request.method == "HEAD" || response.status == 204 || response.status == 304;
    const std::array<asio::const_buffer, 2> parts = {
        asio::buffer(head), asio::buffer(response.body.data(), bare ? 0 : response.body.size())};
    boost::system::error_code error;
    co_await asio::async_write(stream_, parts, asio::redirect_error(asio::use_awaitable, error));
    if (error) gone_ = true;
    co_return !error;
  }

  asio::awaitable<void> stream_answer(const Request& request, Response& response,
                                      int minor_version) {
    enter(Phase::writing);
    const bool begun = co_await write(head_text(response, request, false, minor_version));
    if (begun) co_await response.stream(*this);
  }

  asio::awaitable<bool> write(std::string text) override {
    if (server_.draining() || gone_) co_return false;
    server_.let_go(*this);
    if (!server_.hold(*this, text.size())) co_return false;
    enter(Phase::writing);
    expires_after(server_.options_.write_time);
    boost::system::error_code error;
    co_await asio::async_write(stream_, asio::buffer(text),
                               asio::redirect_error(asio::use_awaitable, error));
    server_.let_go(*this);
    expires_never();
    enter(Phase::watching);
    if (error) gone_ = true;
    co_return !error;
  }

  // Closing with unread bytes resets the connection and may take the answer with it: half-close and
  // read on for a moment, so that a client that sends a whole table before it listens hears why it
  // was refused.
  asio::awaitable<void> linger() {
    constexpr std::size_t kMost = 32 * 1024 * 1024;
    boost::system::error_code error;
    socket_layer().shutdown(asio::socket_base::shutdown_send, error);
    expires_after(std::chrono::seconds(1));
    std::size_t swallowed = 0;
    while (!error && swallowed < kMost) {
      buffer_.clear();
      const auto room = buffer_.prepare(std::size_t{64} * 1024);
      swallowed += co_await socket_layer().async_read_some(
          room, asio::redirect_error(asio::use_awaitable, error));
    }
    gone_ = true;
  }

  static constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

  Stream stream_;
  beast::flat_buffer buffer_;
  Clock::time_point began_;
  bool gone_ = false;
};

}  // namespace kasetsu::http
