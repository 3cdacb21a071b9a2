// Load on a running daemon: many clients, each with one request under way, on one thread.
//
//   http_load --port 8765 --campaign ocm [--clients 32] [--seconds 5] [--slow 0]
// posts single rows, each durable when it is answered;
//   http_load --port 8765 --campaign ocm --csv ROWS [--clients 2] [--seconds 5]
// posts whole tables.
//
// --slow opens connections that send a head byte by byte and never finish it. --tls 1 speaks TLS,
// to whatever certificate. Prints one line of JSON.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "tests/benchmark/arguments.h"

namespace {

using Clock = std::chrono::steady_clock;

struct Options {
  int port = 8765;
  std::string campaign = "ocm";
  std::string property = "C2_yield";
  int clients = 0;  // 0: 32 for single rows, 2 for tables
  double seconds = 5.0;
  int slow = 0;
  int csv = 0;
  bool tls = false;
};

int connect_to(int port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  ::inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
  if (::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) {
    std::perror("connect");
    std::exit(1);
  }
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  return fd;
}

// A connection, plain or over TLS.
class Link {
 public:
  Link(int port, bool tls) : fd_(connect_to(port)) {
    if (!tls) return;
    static SSL_CTX* const context = SSL_CTX_new(TLS_client_method());
    // Tickets of the session come between answers and are no data: reading ends at them.
    SSL_CTX_clear_mode(context, SSL_MODE_AUTO_RETRY);
    ssl_ = SSL_new(context);
    if (SSL_set_fd(ssl_, fd_) != 1 || SSL_connect(ssl_) != 1) {
      std::fprintf(stderr, "no TLS handshake\n");
      std::exit(1);
    }
  }
  ~Link() {
    SSL_free(ssl_);
    ::close(fd_);
  }
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;

  int fd() const { return fd_; }

  void send_all(std::string_view bytes) {
    while (!bytes.empty()) {
      const auto sent = ssl_ ? SSL_write(ssl_, bytes.data(), static_cast<int>(bytes.size()))
                             : ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
  }

  // Adds what has come, at least a byte unless it was a message of TLS itself; false at the end.
  bool receive(std::string& buffer) {
    static thread_local std::vector<char> bytes(256 * 1024);
    do {
      const auto got = ssl_ ? SSL_read(ssl_, bytes.data(), static_cast<int>(bytes.size()))
                            : ::recv(fd_, bytes.data(), bytes.size(), 0);
      if (got <= 0)
        return ssl_ != nullptr && SSL_get_error(ssl_, static_cast<int>(got)) == SSL_ERROR_WANT_READ;
      buffer.append(bytes.data(), static_cast<std::size_t>(got));
    } while (ssl_ != nullptr && SSL_pending(ssl_) > 0);
    return true;
  }

 private:
  int fd_;
  SSL* ssl_ = nullptr;
};

std::string request(const Options& options, const std::string& type, const std::string& body,
                    const std::string& query) {
  char head[512];
  std::snprintf(head, sizeof(head),
                "POST /v1/campaigns/%s/measurements%s HTTP/1.1\r\nHost: localhost\r\nContent-Type: "
                "%s\r\nContent-Length: %zu\r\n\r\n",
                options.campaign.c_str(), query.c_str(), type.c_str(), body.size());
  return head + body;
}

struct Client {
  std::unique_ptr<Link> link;
  int number = 0;
  std::uint64_t sequence = 0;
  Clock::time_point sent;
  std::string buffer;
};

// Every row is new: its own channel and sequence.
void post_one(Client& client, const Options& options, const std::string& run) {
  char body[512];
  ++client.sequence;
  std::snprintf(body, sizeof(body),
                "{\"source\":\"load-%d\",\"run\":\"%s\",\"rows\":[{\"catalyst\":{\"slots\":[\"Li\","
                "\"K\",\"Mn\"],\"support\":\"MgO\"},\"channel\":\"%d\",\"sequence\":%llu,"
                "\"values\":{\"%s\":%.3f}}]}",
                client.number, run.c_str(), client.number,
                static_cast<unsigned long long>(client.sequence), options.property.c_str(),
                static_cast<double>(client.sequence % 9'000) * 0.01);
  client.sent = Clock::now();
  client.link->send_all(request(options, "application/json", body, ""));
}

// The digits that begin there.
std::size_t number_of(std::string_view text, std::size_t at) {
  std::size_t number = 0;
  std::from_chars(text.data() + at, text.data() + text.size(), number);
  return number;
}

// The status of a complete answer, which is taken off the buffer; 0 when more must come.
int take_answer(std::string& buffer, std::string* body = nullptr) {
  const auto end = buffer.find("\r\n\r\n");
  if (end == std::string::npos) return 0;
  const auto at = buffer.find("Content-Length: ");
  const std::size_t length = at < end ? number_of(buffer, at + 16) : std::size_t{0};
  if (buffer.size() < end + 4 + length) return 0;
  const int status = static_cast<int>(number_of(buffer, 9));
  if (body) *body = buffer.substr(end + 4, length);
  buffer.erase(0, end + 4 + length);
  return status;
}

// One client that posts tables until the time is up; the rows that were taken, or none on an error.
std::uint64_t post_tables(const Options& options, int client, const std::string& run,
                          Clock::time_point end, std::atomic<std::uint64_t>& deliveries) {
  const char* const elements[] = {"Li", "K", "Mn", "Na", "W", "Ba", "Ca", "Ce", "Co", "Cs"};
  Link link(options.port, options.tls);
  // The same table again, also of an earlier run of this program, would be a repetition.
  const auto first =
      static_cast<std::uint64_t>(std::chrono::system_clock::now().time_since_epoch().count()) /
      1'000;
  std::uint64_t rows = 0;
  while (Clock::now() < end) {
    std::string table = "M1,M2,M3,Support," + options.property + "\n";
    table.reserve(static_cast<std::size_t>(options.csv) * 28);
    for (int i = 0; i < options.csv; ++i) {
      const auto n = first + rows + static_cast<std::uint64_t>(i);
      // Values come again after 18 tables of 50,000 rows; each table's first value is its own.
      const double value = i == 0 ? static_cast<double>(n / 7 % 9'000'000) * 1e-5
                                  : static_cast<double>(n % 900'000) * 1e-4 + 1e-5 * client;
      char line[96];
      const int length = std::snprintf(line, sizeof(line), "%s,%s,%s,MgO,%.5f\n", elements[n % 10],
                                       elements[n / 10 % 10], elements[n / 100 % 10], value);
      table.append(line, static_cast<std::size_t>(length));
    }
    link.send_all(request(options, "text/csv", table,
                          "?source=load&run=" + run + "-" + std::to_string(rows)));
    std::string buffer, body;
    int status = 0;
    while ((status = take_answer(buffer, &body)) == 0) {
      if (!link.receive(buffer)) break;
    }
    if (status != 200 || body.find("\"quarantined\":0") == std::string::npos) {
      std::fprintf(stderr, "status %d: %.300s\n", status, body.c_str());
      std::exit(1);
    }
    rows += static_cast<std::uint64_t>(options.csv);
    ++deliveries;
  }
  return rows;
}

int load_csv(const Options& options, const std::string& run) {
  std::atomic<std::uint64_t> rows{0}, deliveries{0};
  const auto begin = Clock::now();
  const auto end = begin + std::chrono::duration_cast<Clock::duration>(
                               std::chrono::duration<double>(options.seconds));
  std::vector<std::thread> clients;
  clients.reserve(static_cast<std::size_t>(options.clients));
  for (int c = 0; c < options.clients; ++c) {
    clients.emplace_back([&, c] {
      rows += post_tables(options, c, run + "-" + std::to_string(c), end, deliveries);
    });
  }
  for (std::thread& client : clients) client.join();
  const double seconds = std::chrono::duration<double>(Clock::now() - begin).count();
  std::printf(
      "{\"clients\": %d, \"csv_rows\": %llu, \"deliveries\": %llu, \"seconds\": %.3f, "
      "\"rows_per_second\": %.0f}\n",
      options.clients, static_cast<unsigned long long>(rows.load()),
      static_cast<unsigned long long>(deliveries.load()), seconds,
      static_cast<double>(rows.load()) / seconds);
  return 0;
}

int load_rows(const Options& options, const std::string& run) {
  std::vector<std::unique_ptr<Link>> slow;
  for (int i = 0; i < options.slow; ++i) {
    slow.push_back(std::make_unique<Link>(options.port, options.tls));
    slow.back()->send_all("GET /v1/campaigns HTTP/1.1\r\nHost: loc");
  }
  const int poll = ::epoll_create1(0);
  std::vector<Client> clients(static_cast<std::size_t>(options.clients));
  for (std::size_t i = 0; i < clients.size(); ++i) {
    clients[i].link = std::make_unique<Link>(options.port, options.tls);
    clients[i].number = static_cast<int>(i);
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u64 = i;
    ::epoll_ctl(poll, EPOLL_CTL_ADD, clients[i].link->fd(), &event);
    post_one(clients[i], options, run);
  }
  std::vector<double> latencies;
  latencies.reserve(1'000'000);
  std::uint64_t errors = 0;
  std::size_t under_way = clients.size(), trickle = 0;
  const auto begin = Clock::now();
  const auto end = begin + std::chrono::duration<double>(options.seconds);
  auto last = begin;
  while (under_way > 0) {
    epoll_event events[64];
    const int ready = ::epoll_wait(poll, events, 64, 20'000);
    if (ready <= 0) {
      std::fprintf(stderr, "no answer for 20 s\n");
      return 1;
    }
    for (int e = 0; e < ready; ++e) {
      Client& client = clients[events[e].data.u64];
      if (!client.link->receive(client.buffer)) {
        ++errors;
        --under_way;
        client.link.reset();
        continue;
      }
      std::string body;
      const int status = take_answer(client.buffer, &body);
      if (status == 0) continue;
      last = Clock::now();
      latencies.push_back(std::chrono::duration<double>(last - client.sent).count());
      if (status != 200 || (body.find("\"accepted\":1,") == std::string::npos &&
                            body.find("\"flagged\":1,") == std::string::npos)) {
        if (errors++ == 0) std::fprintf(stderr, "status %d: %.300s\n", status, body.c_str());
      }
      if (last < end) {
        post_one(client, options, run);
      } else {
        --under_way;
      }
    }
    if (!slow.empty() && ++trickle % 64 == 0) {
      slow[trickle / 64 % slow.size()]->send_all("a");
    }
  }
  const double seconds = std::chrono::duration<double>(last - begin).count();
  std::sort(latencies.begin(), latencies.end());
  const auto quantile = [&](double q) {
    return latencies.empty() ? 0.0
                             : 1e3 * latencies[static_cast<std::size_t>(
                                         q * static_cast<double>(latencies.size() - 1))];
  };
  std::printf(
      "{\"tls\": %s, \"clients\": %d, \"slow\": %d, \"acknowledged\": %zu, \"errors\": %llu, "
      "\"seconds\": %.3f, "
      "\"per_second\": %.0f, \"p50_ms\": %.2f, \"p99_ms\": %.2f, \"max_ms\": %.2f}\n",
      options.tls ? "true" : "false", options.clients, options.slow, latencies.size(),
      static_cast<unsigned long long>(errors), seconds,
      static_cast<double>(latencies.size()) / seconds, quantile(0.5), quantile(0.99),
      quantile(1.0));
  return errors == 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string_view name = argv[i];
    const char* value = argv[i + 1];
    if (name == "--port") options.port = kasetsu::number_argument<int>(value);
    if (name == "--campaign") options.campaign = value;
    if (name == "--property") options.property = value;
    if (name == "--clients") options.clients = kasetsu::number_argument<int>(value);
    if (name == "--seconds") options.seconds = kasetsu::number_argument<double>(value);
    if (name == "--slow") options.slow = kasetsu::number_argument<int>(value);
    if (name == "--tls") options.tls = kasetsu::number_argument<int>(value) != 0;
    if (name == "--csv") options.csv = kasetsu::number_argument<int>(value);
  }
  // A connection that the daemon closed is counted, and no reason to end.
  (void)std::signal(SIGPIPE, SIG_IGN);
  // Many clients are played by one thread: woken for each answer at once, it would interrupt the
  // daemon at each. Ignored where it is not allowed.
  const sched_param ordinary{};
  (void)::sched_setscheduler(0, SCHED_BATCH, &ordinary);
  if (options.clients == 0) options.clients = options.csv > 0 ? 2 : 32;
  const std::string run =
      "load-" + std::to_string(std::chrono::system_clock::now().time_since_epoch().count());
  return options.csv > 0 ? load_csv(options, run) : load_rows(options, run);
}
