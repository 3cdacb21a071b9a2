// A client that sends exactly the bytes it is told to, over a blocking socket; over TLS where the
// tests speak it, with the handshake at the first byte that is sent or awaited.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/daemon/http/test_certificate.h"

namespace kasetsu::http {

struct RawAnswer {
  int status = 0;
  std::string head;
  std::string body;
  // Value of a field, empty when absent.
  std::string field(std::string_view name) const {
    const std::string wanted = "\r\n" + std::string(name) + ": ";
    const auto at = head.find(wanted);
    if (at == std::string::npos) return {};
    const auto begin = at + wanted.size();
    return head.substr(begin, head.find("\r\n", begin) - begin);
  }
};

class RawClient {
 public:
  explicit RawClient(std::uint16_t port, const char* from = nullptr) {
    socket_ = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    if (from) {
      ::inet_pton(AF_INET, from, &address.sin_addr);
      ok_ = ::bind(socket_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0;
    }
    address.sin_port = htons(port);
    ::inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
    ok_ = ok_ && ::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0;
  }
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;
  ~RawClient() {
    SSL_free(tls_);
    if (socket_ >= 0) ::close(socket_);
  }

  bool connected() const { return ok_; }

  bool send(std::string_view bytes) {
    if (!shake_hands()) return false;
    while (!bytes.empty()) {
      const auto sent = tls_ ? SSL_write(tls_, bytes.data(), static_cast<int>(bytes.size()))
                             : ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }

  // The next answer; status 0 when the connection ends before one is complete.
  RawAnswer receive(bool bodiless = false) {
    RawAnswer answer;
    std::size_t end;
    while ((end = buffer_.find("\r\n\r\n")) == std::string::npos) {
      if (!more()) return answer;
    }
    answer.head = buffer_.substr(0, end + 2);
    buffer_.erase(0, end + 4);
    const std::string length = answer.field("Content-Length");
    if (!bodiless && !length.empty()) {
      const std::size_t bytes = std::stoul(length);
      while (buffer_.size() < bytes) {
        if (!more()) return answer;
      }
      answer.body = buffer_.substr(0, bytes);
      buffer_.erase(0, bytes);
    }
    answer.status = std::stoi(answer.head.substr(9, 3));
    return answer;
  }

  // Whether the other side closes without sending anything more.
  bool closed() {
    while (buffer_.empty() && more()) {
    }
    return buffer_.empty() && ended_;
  }

  // Everything until the other side closes.
  std::string rest() {
    while (more()) {
    }
    return std::exchange(buffer_, {});
  }

  // Waits until the text has arrived; false when the connection ends first.
  bool receive_until(std::string_view text) {
    while (buffer_.find(text) == std::string::npos) {
      if (!more()) return false;
    }
    buffer_.erase(0, buffer_.find(text) + text.size());
    return true;
  }

 private:
  // A server that does not answer for a minute is a failure of the test, not of its patience.
  bool more() {
    if (ended_ || !shake_hands()) {
      ended_ = true;
      return false;
    }
    pollfd waiting{socket_, POLLIN, 0};
    if (!(tls_ && SSL_pending(tls_) > 0) && ::poll(&waiting, 1, 60'000) <= 0) return false;
    char bytes[16 * 1024];
    const auto count =
        tls_ ? SSL_read(tls_, bytes, sizeof(bytes)) : ::recv(socket_, bytes, sizeof(bytes), 0);
    if (count <= 0) {
      ended_ = true;
      return false;
    }
    buffer_.append(bytes, static_cast<std::size_t>(count));
    return true;
  }

  bool shake_hands() {
    if (!tests_speak_tls() || tls_) return true;
    static SSL_CTX* const context = [] {
      std::signal(SIGPIPE, SIG_IGN);
      return SSL_CTX_new(TLS_client_method());
    }();
    const timeval patience{60, 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    tls_ = SSL_new(context);
    SSL_set_fd(tls_, socket_);
    return SSL_connect(tls_) == 1;
  }

  int socket_ = -1;
  SSL* tls_ = nullptr;
  bool ok_ = true;
  bool ended_ = false;
  std::string buffer_;
};

}  // namespace kasetsu::http
