// What the command line reads from whoever answers it: a server on a Unix socket sends the bytes,
// and the client must give what was sent whole, or an error that says something. The first byte
// chooses how the rest is sent: as it is, or as a body that is framed here, whole or cut, so that
// it is known what must be read.
#include <fmt/format.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <mutex>
#include <thread>

#include "daemon/cli/program/answers.h"
#include "daemon/cli/program/client.h"
#include "tests/fuzz/fuzz.h"

using namespace kasetsu;

namespace {

// Answers every connection with the same bytes after it has read the request, and closes it.
class Server {
 public:
  Server() {
    char pattern[] = "/tmp/kasetsu_fuzz_XXXXXX";
    folder_ = mkdtemp(pattern);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path().data(), path().size());
    listener_ = socket(AF_UNIX, SOCK_STREAM, 0);
    KASETSU_ASSERT(listener_ >= 0);
    KASETSU_ASSERT(bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof address) ==
                   0);
    KASETSU_ASSERT(listen(listener_, 8) == 0);
    thread_ = std::thread([this] { serve(); });
  }
  ~Server() {
    shutdown(listener_, SHUT_RDWR);
    thread_.join();
    close(listener_);
    std::filesystem::remove_all(folder_);
  }

  std::string path() const { return folder_ + "/s"; }
  void answer_with(std::string bytes) {
    const std::lock_guard lock(mutex_);
    bytes_ = std::move(bytes);
  }

 private:
  void serve() {
    for (;;) {
      const int client = accept(listener_, nullptr, nullptr);
      if (client < 0) return;
      read_request(client);
      std::string bytes;
      {
        const std::lock_guard lock(mutex_);
        bytes = bytes_;
      }
      for (std::string_view rest = bytes; !rest.empty();) {
        const ssize_t count = send(client, rest.data(), rest.size(), MSG_NOSIGNAL);
        if (count <= 0) break;  // the client has read enough
        rest.remove_prefix(static_cast<std::size_t>(count));
      }
      close(client);
    }
  }

  // Closing a socket whose data was not read would take the answer away. Requests here have a body
  // of "{}" or none.
  static void read_request(int client) {
    std::string request;
    char part[4096];
    while (request.find("\r\n\r\n") == std::string::npos ||
           (request.starts_with("POST") && !request.ends_with("{}"))) {
      const ssize_t count = recv(client, part, sizeof part, 0);
      if (count <= 0) return;
      request.append(part, static_cast<std::size_t>(count));
    }
  }

  std::string folder_;
  int listener_ = -1;
  std::thread thread_;
  std::mutex mutex_;
  std::string bytes_;
};

// As answers come: with a length, or in chunks.
enum class Frame { raw, length, cut_length, chunks, cut_chunks };

std::string framed(Frame frame, std::string_view body) {
  constexpr const char* kHead = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n";
  if (frame == Frame::raw) return std::string(body);
  if (frame == Frame::length || frame == Frame::cut_length) {
    const std::size_t more = frame == Frame::cut_length ? 1 : 0;
    return fmt::format("{}Content-Length: {}\r\n\r\n{}", kHead, body.size() + more, body);
  }
  std::string text = fmt::format("{}Transfer-Encoding: chunked\r\n\r\n", kHead);
  for (std::size_t size = 1; !body.empty(); size = size * 3 + 1) {
    const std::string_view chunk = body.substr(0, size);
    text += fmt::format("{:x}\r\n{}\r\n", chunk.size(), chunk);
    body.remove_prefix(chunk.size());
  }
  if (frame == Frame::chunks) text += "0\r\n\r\n";
  return text;
}

// What a person sees of an answer.
void show(const cli::Json& answer) {
  const cli::TextTable table =
      cli::table_of(cli::list_of(answer, "rows"), {{"row", "row"}, {"catalyst", "catalyst"}});
  for (const std::string& line : table.lines()) {
    KASETSU_ASSERT(cli::printable(line, false) == line);
  }
  const std::string text = cli::printable(cli::field(answer, "detail"));
  KASETSU_ASSERT(cli::printable(text) == text);
}

void expect_told(const Error& error) {
  fuzz::expect_told(error);
  const std::string text = cli::printable(error.to_string());
  KASETSU_ASSERT(cli::printable(text) == text);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static Server server;
  static const Result<cli::Client> client = cli::Client::connect({"unix:" + server.path(), ""}, {});
  KASETSU_ASSERT(client.ok());
  fuzz::Input input(data, size);
  const std::uint8_t choice = input.byte();
  const auto frame = static_cast<Frame>(choice % 5);
  const std::string_view body = input.rest();
  const std::string bytes = framed(frame, body);
  server.answer_with(bytes);

  if (choice & 0x80) {
    // A list in pages: the same page again and again must come to an end.
    const Result<cli::Json> items = client->list("/v1/campaigns", "campaigns");
    if (items.ok()) {
      KASETSU_ASSERT(items->is_array());
    } else {
      expect_told(items.error());
    }
    return 0;
  }
  const Result<cli::Json> answer = client->post("/v1/campaigns", cli::Json::object());
  if (!answer.ok()) expect_told(answer.error());
  if (answer.ok()) show(*answer);
  switch (frame) {
    case Frame::raw:
      // libcurl takes the protocol's name in small letters, too.
      KASETSU_ASSERT(!answer.ok() || strncasecmp(bytes.c_str(), "HTTP/", 5) == 0);
      break;
    case Frame::cut_length:
    case Frame::cut_chunks:
      KASETSU_ASSERT(!answer.ok());
      break;
    case Frame::length:
    case Frame::chunks: {
      const cli::Json sent = body.empty() ? cli::Json::object() : cli::read_json(body);
      KASETSU_ASSERT(answer.ok() == !sent.is_discarded());
      KASETSU_ASSERT(!answer.ok() || *answer == sent);
    }
  }
  return 0;
}
