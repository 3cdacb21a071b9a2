// A whole connection: the real server on a Unix socket, one client that sends the bytes and then
// nothing more. Every request is answered or the connection is closed; the server is idle after it.
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "daemon/base/asio.h"

#include <spdlog/sinks/null_sink.h>
#include <boost/asio/io_context.hpp>

#include "daemon/http/problem.h"
#include "daemon/http/server.h"
#include "tests/fuzz/fuzz.h"

using namespace kasetsu;
namespace asio = boost::asio;

namespace {

// The body goes back as it came, so that a wrong frame would show.
asio::awaitable<http::Response> echo(http::Request& request) {
  http::Response response;
  response.content_type = "text/plain";
  response.body = request.body;
  co_return response;
}

http::Router routes() {
  http::Router router;
  router.add({"GET", "/v1/campaigns/{name}", http::Scope::open, echo, {}, false});
  router.add({"POST", "/v1/results", http::Scope::open, echo, {"application/json"}, false});
  router.add({"POST", "/v1/tables", http::Scope::open, echo, {"text/csv"}, true});
  router.add({"DELETE", "/v1/campaigns/{name}", http::Scope::admin, echo, {}, false});
  return router;
}

class Daemon {
 public:
  Daemon() {
    char pattern[] = "/tmp/kasetsu_fuzz_XXXXXX";
    folder_ = mkdtemp(pattern);
    http::ServerOptions options;
    options.refusal_delay = std::chrono::milliseconds(0);
    options.body_bytes = 4096;
    options.bulk_body_bytes = 16384;
    server_ = std::make_unique<http::Server>(
        io_, routes(), options,
        std::make_shared<spdlog::logger>("http", std::make_shared<spdlog::sinks::null_sink_st>()));
    KASETSU_ASSERT(server_->listen_unix(path()).ok());
  }
  ~Daemon() { std::filesystem::remove_all(folder_); }

  std::string path() const { return folder_ + "/s"; }

  void serve(std::string_view bytes) {
    const int client = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    KASETSU_ASSERT(client >= 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string name = path();
    std::memcpy(address.sun_path, name.data(), name.size());
    KASETSU_ASSERT(connect(client, reinterpret_cast<const sockaddr*>(&address), sizeof address) ==
                   0);
    bool closed = false;
    char answer[65536];
    std::size_t received = 0;
    const auto receive = [&] {
      for (;;) {
        const ssize_t count = recv(client, answer, sizeof answer, 0);
        if (count == 0) closed = true;
        if (count < 0 && errno != EAGAIN) closed = true;  // reset: it would not read more
        if (count <= 0) return;
        if (received == 0) {
          KASETSU_ASSERT(
              std::string_view(answer, static_cast<std::size_t>(count)).starts_with("HTTP/1.1 "));
        }
        received += static_cast<std::size_t>(count);
      }
    };
    while (!bytes.empty() && !closed) {
      const ssize_t count = send(client, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (count > 0) {
        bytes.remove_prefix(static_cast<std::size_t>(count));
      } else if (errno != EAGAIN) {
        break;
      }
      run();
      receive();
    }
    shutdown(client, SHUT_WR);
    // Nothing but the end of the stream is awaited: the connection must end by itself.
    for (int round = 0; !closed; ++round) {
      KASETSU_ASSERT(round < 1000);
      run();
      receive();
    }
    close(client);
    run();
  }

 private:
  void run() {
    io_.restart();
    io_.poll();
  }

  std::string folder_;
  asio::io_context io_{1};
  std::unique_ptr<http::Server> server_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static Daemon daemon;
  daemon.serve(std::string_view(reinterpret_cast<const char*>(data), size));
  return 0;
}
