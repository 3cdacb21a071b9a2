// The real server on a port of the system's choice, with its network thread. It speaks TLS where
// the program is started with KASETSU_TEST_TLS, so that every test runs both ways.
#pragma once

#include <atomic>
#include <future>
#include <thread>

#include <spdlog/sinks/null_sink.h>

#include "daemon/http/server.h"
#include "tests/daemon/http/test_certificate.h"

namespace kasetsu::http {

class TestServer {
 public:
  explicit TestServer(Router router, ServerOptions options = {})
      : TestServer([&router](asio::io_context&) { return std::move(router); }, std::move(options)) {
  }
  // For routes that need the network thread's context.
  explicit TestServer(const std::function<Router(asio::io_context&)>& make_router,
                      ServerOptions options = {})
      : work_(asio::make_work_guard(io_)),
        server_(std::make_unique<Server>(
            io_, make_router(io_), std::move(options),
            std::make_shared<spdlog::logger>("http",
                                             std::make_shared<spdlog::sinks::null_sink_mt>()))) {
    port_ = server_->listen_tcp("127.0.0.1", 0, test_tls_context()).value();
    thread_ = std::thread([this] { io_.run(); });
  }
  ~TestServer() {
    if (thread_.joinable()) {
      drain(std::chrono::milliseconds(100));
      stop();
    }
  }

  std::uint16_t port() const { return port_; }
  Server& server() { return *server_; }

  // Runs `action` on the network thread and waits for it.
  void on_network(const std::function<void()>& action) {
    std::promise<void> done;
    asio::post(io_, [&] {
      action();
      done.set_value();
    });
    done.get_future().wait();
  }

  void drain(std::chrono::milliseconds deadline) {
    std::promise<void> done;
    auto finished = done.get_future();
    asio::post(io_, [&] {
      if (server_->draining()) {
        done.set_value();
      } else {
        server_->drain(deadline, [&] { done.set_value(); });
      }
    });
    finished.wait();
  }

  void stop() {
    work_.reset();
    thread_.join();
  }

 private:
  asio::io_context io_{1};
  asio::executor_work_guard<asio::io_context::executor_type> work_;
  std::unique_ptr<Server> server_;
  std::uint16_t port_ = 0;
  std::thread thread_;
};

}  // namespace kasetsu::http
