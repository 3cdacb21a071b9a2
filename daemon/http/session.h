// One connection. Included by server.cc alone.
#pragma once

#include <array>
#include <chrono>
#include <ctime>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>

#include "daemon/base/asio.h"

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
  enum class Phase { waiting, reading, handling, writing };

  SessionBase(Server& server, std::string peer) : server_(server), peer_(std::move(peer)) {}
  SessionBase(const SessionBase&) = delete;
  SessionBase& operator=(const SessionBase&) = delete;
  virtual ~SessionBase() = default;

  // Closes the socket at once; what is awaited on it fails.
  virtual void abort() = 0;

  Phase phase() const { return phase_; }
  // When the server gives the connection up; it looks a few times a second. A timer of its own for
  // every read and write would cost more than the read.
  Clock::time_point deadline() const { return deadline_; }
  Clock::time_point since() const { return since_; }
  const std::string& peer() const { return peer_; }

 protected:
  void enter(Phase phase) {
    phase_ = phase;
    since_ = Clock::now();
  }

  void expires_after(Clock::duration time) { deadline_ = Clock::now() + time; }
  void expires_at(Clock::time_point time) { deadline_ = time; }
  void expires_never() { deadline_ = Clock::time_point::max(); }

  // Everything that is decided between the head and the body. Fills `request` and `route`; returns
  // the refusal, if any.
  std::optional<Response> decide(
      const Head& head, const beast::http::request_parser<beast::http::string_body>& parser,
      Request& request, const Route*& route);
  std::string head_text(const Response& response, const Request& request, bool keep_alive,
                        int minor_version) const;
  void record(const Request& request, const Route* route, int status, Clock::time_point began);

  Server& server_;
  std::string peer_;
  Phase phase_ = Phase::waiting;
  Clock::time_point since_ = Clock::now();
  Clock::time_point deadline_ = Clock::time_point::max();
};

template <typename Stream>
class Session final : public SessionBase, private Sink {
 public:
  Session(Server& server, std::string peer, Stream stream)
      : SessionBase(server, std::move(peer)), stream_(std::move(stream)) {}

  void abort() override {
    expires_never();
    boost::system::error_code ignored;
    socket_layer().close(ignored);
  }

  // Runs until the connection ends; never throws.
  asio::awaitable<void> run() {
    try {
      co_await serve();
    } catch (const std::exception& error) {
      server_.log_->error("connection failed peer={} error={}", peer_, error.what());
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

  // One request and its answer; false when the connection is to be closed.
  asio::awaitable<bool> exchange() {
    const ServerOptions& options = server_.options_;
    Request request;
    request.peer = peer_;
    FramingError refused;
    std::string block;
    const HeadState state = co_await receive_head(block, refused);
    if (state == HeadState::closed) co_return false;
    const Clock::time_point began = began_;
    if (state == HeadState::wrong) {
      co_return co_await refuse(request, refused, began);
    }
    const auto read = read_head(block, options.header_fields);
    if (const auto* wrong = std::get_if<FramingError>(&read)) {
      refused = *wrong;
      co_return co_await refuse(request, refused, began);
    }
    const Head& head = std::get<Head>(read);

    Parser parser;
    // The limits of the head and the declared length are checked here, not by the parser.
    parser.header_limit(static_cast<std::uint32_t>(options.header_bytes + 64));
    parser.body_limit(std::numeric_limits<std::uint64_t>::max());
    boost::system::error_code error;
    parser.put(asio::buffer(block), error);
    if (error || !parser.is_header_done()) {
      refused = {400, "no HTTP request"};
      co_return co_await refuse(request, refused, began);
    }

    const Route* route = nullptr;
    std::optional<Response> refusal = decide(head, parser, request, route);
    if (refusal && (refusal->status == 401 || refusal->status == 429)) {
      asio::steady_timer delay(server_.io_, options.refusal_delay);
      co_await delay.async_wait(asio::redirect_error(asio::use_awaitable, error));
    }
    const std::size_t limit = route && route->bulk ? options.bulk_body_bytes : options.body_bytes;
    bool keep_alive = head.keep_alive;
    const bool has_body = head.chunked || head.content_length.value_or(0) > 0;
    if (!refusal && head.content_length.value_or(0) > limit) {
      refusal = problem(413, "too_large",
                        fmt::format("the body has {} bytes; this request may have {}",
                                    *head.content_length, limit));
    }
    if (refusal && has_body &&
        (head.expects_continue || head.content_length.value_or(0) > options.body_bytes)) {
      // The client has not sent the body yet, or it is too long to swallow.
      keep_alive = false;
      const bool written = co_await answer(request, *refusal, false, head.minor_version);
      record(request, route, refusal->status, began);
      if (written) co_await linger();
      co_return false;
    }

    if (has_body) {
      expires_at(began + options.request_time);
      if (head.expects_continue && !parser.is_done()) {
        co_await asio::async_write(stream_, asio::buffer(kContinue),
                                   asio::redirect_error(asio::use_awaitable, error));
        if (error) {
          gone_ = true;
          co_return false;
        }
      }
      const BodyState body = co_await receive_body(parser, limit, refused);
      if (body == BodyState::closed) co_return false;
      if (body == BodyState::wrong) {
        co_return co_await refuse(request, refused, began);
      }
      request.body = std::move(parser.get().body());
    } else if (!parser.is_done()) {
      refused = {400, "no HTTP request"};
      co_return co_await refuse(request, refused, began);
    }

    Response response;
    if (refusal) {
      response = std::move(*refusal);
    } else {
      enter(Phase::handling);
      expires_never();
      response = co_await handled(*route, request);
    }
    if (response.close || server_.draining()) keep_alive = false;
    if (response.stream && request.method != "HEAD") {
      keep_alive = false;
      co_await stream_answer(request, response, head.minor_version);
    } else {
      const bool written = co_await answer(request, response, keep_alive, head.minor_version);
      if (!written) keep_alive = false;
    }
    record(request, route, response.status, began);
    co_return keep_alive;
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
    try {
      co_return co_await route.handler(request);
    } catch (const std::exception& error) {
      failure = error.what();
    }
    server_.log_->error("handler failed id={} route={} error={}", request.id, route.pattern,
                        failure);
    co_return internal_problem();
  }

  // Answers a head or body that cannot be framed, and gives up the connection.
  asio::awaitable<bool> refuse(Request& request, const FramingError& refused,
                               Clock::time_point began) {
    Response response = problem(refused.status, "framing", refused.detail);
    const bool written = co_await answer(request, response, false, 1);
    record(request, nullptr, refused.status, began);
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
    expires_after(server_.options_.write_time);
    boost::system::error_code error;
    co_await asio::async_write(stream_, asio::buffer(text),
                               asio::redirect_error(asio::use_awaitable, error));
    expires_never();
    if (error) gone_ = true;
    co_return !error;
  }

  // Closing with unread bytes resets the connection and may take the answer with it: half-close and
  // read on for a moment.
  asio::awaitable<void> linger() {
    constexpr std::size_t kMost = 1024 * 1024;
    boost::system::error_code error;
    socket_layer().shutdown(asio::socket_base::shutdown_send, error);
    expires_after(std::chrono::seconds(1));
    std::size_t swallowed = 0;
    while (!error && swallowed < kMost) {
      buffer_.clear();
      const auto room = buffer_.prepare(std::size_t{16} * 1024);
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
