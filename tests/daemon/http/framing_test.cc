// What reaches a handler over a real connection, case by case: heads and bodies on which two HTTP
// implementations could disagree are refused and the connection is given up, so that what follows
// is never read as a second request.
#include "daemon/http/framing.h"

#include <gtest/gtest.h>

#include <mutex>

#include "tests/daemon/http/raw_client.h"
#include "tests/daemon/http/test_server.h"

namespace kasetsu::http {
namespace {

class Seen {
 public:
  void add(std::string what) {
    const std::lock_guard lock(mutex_);
    seen_.push_back(std::move(what));
  }
  std::vector<std::string> take() {
    const std::lock_guard lock(mutex_);
    return std::exchange(seen_, {});
  }

 private:
  std::mutex mutex_;
  std::vector<std::string> seen_;
};

Router routes(Seen& seen) {
  Router router;
  router.add({"POST",
              "/echo",
              Scope::open,
              [&seen](Request& request) -> asio::awaitable<Response> {
                seen.add(request.body);
                Response response;
                response.content_type = "text/plain";
                response.body = request.body;
                co_return response;
              },
              {"text/plain"},
              false});
  router.add({"GET",
              "/smuggled",
              Scope::open,
              [&seen](Request&) -> asio::awaitable<Response> {
                seen.add("SMUGGLED");
                co_return Response{};
              },
              {},
              false});
  return router;
}

struct Case {
  const char* name;
  std::string bytes;
  int status;  // of the first answer; 200: accepted, and the connection stays open
};

const std::string kPost = "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\n";
const std::string kNext = "GET /smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n";

std::vector<Case> cases() {
  const std::string abc = "\r\nabc";
  const std::string chunks = "\r\n3\r\nabc\r\n0\r\n\r\n";
  const std::string te = "Transfer-Encoding: chunked\r\n";
  return {
      {"content length", kPost + "Content-Length: 3\r\n" + abc, 200},
      {"no body", kPost + "Content-Length: 0\r\n\r\n", 200},
      {"chunked", kPost + te + chunks, 200},
      {"chunked in capitals", kPost + "Transfer-Encoding: CHUNKED\r\n" + chunks, 200},
      {"length and chunked", kPost + "Content-Length: 3\r\n" + te + chunks, 400},
      {"chunked and length", kPost + te + "Content-Length: 3\r\n" + chunks, 400},
      {"two lengths", kPost + "Content-Length: 3\r\nContent-Length: 4\r\n" + abc, 400},
      {"two equal lengths", kPost + "Content-Length: 3\r\nContent-Length: 3\r\n" + abc, 400},
      {"a list of lengths", kPost + "Content-Length: 3, 3\r\n" + abc, 400},
      {"length with plus", kPost + "Content-Length: +3\r\n" + abc, 400},
      {"negative length", kPost + "Content-Length: -1\r\n" + abc, 400},
      {"huge length", kPost + "Content-Length: 99999999999999999999\r\n" + abc, 400},
      {"hexadecimal length", kPost + "Content-Length: 0x3\r\n" + abc, 400},
      {"empty length", kPost + "Content-Length:\r\n" + abc, 400},
      {"space before colon", kPost + "Content-Length : 3\r\n" + abc, 400},
      {"bare LF", "POST /echo HTTP/1.1\nHost: localhost\n\n", 400},
      {"bare CR", kPost + "X: a\rb\r\n\r\n", 400},
      {"NUL", kPost + std::string("X: a\0b\r\n\r\n", 10), 400},
      {"other control character",
       kPost + "X: a\x01"
               "b\r\n\r\n",
       400},
      {"hexadecimal chunk prefix", kPost + te + "\r\n0x3\r\nabc\r\n0\r\n\r\n", 400},
      {"chunk size too large", kPost + te + "\r\nfffffffffffffffff\r\nabc\r\n0\r\n\r\n", 400},
      {"chunk longer than said", kPost + te + "\r\n3\r\nabcd\r\n0\r\n\r\n", 400},
      {"chunk extension", kPost + te + "\r\n3;a=b\r\nabc\r\n0\r\n\r\n", 400},
      {"long chunk extension",
       kPost + te + "\r\n3;a=" + std::string(4096, 'b') + "\r\nabc\r\n0\r\n\r\n", 400},
      {"trailer", kPost + te + "\r\n3\r\nabc\r\n0\r\nX-Trailer: 1\r\n\r\n", 400},
      {"bare LF after a chunk size", kPost + te + "\r\n3\nabc\r\n0\r\n\r\n", 400},
      {"HTTP/1.2", "POST /echo HTTP/1.2\r\nHost: localhost\r\n\r\n", 505},
      {"HTTP/2.0", "POST /echo HTTP/2.0\r\nHost: localhost\r\n\r\n", 505},
      {"lower case version", "POST /echo http/1.1\r\nHost: localhost\r\n\r\n", 400},
      {"no version", "POST /echo\r\nHost: localhost\r\n\r\n", 400},
      {"two spaces", "POST  /echo HTTP/1.1\r\nHost: localhost\r\n\r\n", 400},
      {"gzip", kPost + "Transfer-Encoding: gzip\r\n" + abc, 400},
      {"chunked and identity", kPost + "Transfer-Encoding: chunked, identity\r\n" + chunks, 400},
      {"chunked twice", kPost + te + te + chunks, 400},
      {"xchunked with length", kPost + "Transfer-Encoding: xchunked\r\nContent-Length: 3\r\n" + abc,
       400},
      {"HTTP/1.0 chunked",
       "POST /echo HTTP/1.0\r\nHost: localhost\r\nContent-Type: text/plain\r\n" + te + chunks, 400},
      {"no Host", "POST /echo HTTP/1.1\r\nContent-Length: 3\r\n" + abc, 400},
      {"two Host", kPost + "Host: localhost\r\nContent-Length: 3\r\n" + abc, 400},
      {"folded line", kPost + "X: a\r\n b\r\nContent-Length: 3\r\n" + abc, 400},
      {"folded length", kPost + "Content-Length:\r\n 3\r\n" + abc, 400},
      {"line without colon", kPost + "nonsense\r\n\r\n", 400},
      {"empty field name", kPost + ": a\r\n\r\n", 400},
      {"empty line first", "\r\n" + kPost + "Content-Length: 3\r\n" + abc, 400},
      {"other expectation", kPost + "Expect: coffee\r\nContent-Length: 3\r\n" + abc, 417},
  };
}

TEST(Framing, EveryCaseIsDecidedAsSpecified) {
  Seen seen;
  TestServer server(routes(seen));
  std::size_t accepted = 0, refused = 0;
  for (const Case& test : cases()) {
    SCOPED_TRACE(test.name);
    seen.take();
    RawClient client(server.port());
    ASSERT_TRUE(client.connected());
    ASSERT_TRUE(client.send(test.bytes + kNext));
    const RawAnswer first = client.receive();
    EXPECT_EQ(first.status, test.status) << first.head << first.body;
    if (test.status == 200) {
      ++accepted;
      const RawAnswer second = client.receive();
      EXPECT_EQ(second.status, 200);
      EXPECT_EQ(seen.take().back(), "SMUGGLED");
    } else {
      ++refused;
      EXPECT_EQ(first.field("Content-Type"), "application/problem+json");
      EXPECT_EQ(first.field("Connection"), "close");
      EXPECT_EQ(client.rest(), "") << "a second answer";
      EXPECT_TRUE(seen.take().empty()) << "a handler ran";
    }
  }
  EXPECT_EQ(accepted, 4u);
  EXPECT_GE(accepted + refused, 28u);
}

TEST(Framing, BytesOneByOneMeanTheSame) {
  Seen seen;
  TestServer server(routes(seen));
  RawClient client(server.port());
  const std::string bytes =
      kPost + "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n" + kNext;
  for (const char byte : bytes) ASSERT_TRUE(client.send(std::string_view(&byte, 1)));
  EXPECT_EQ(client.receive().body, "abcde");
  EXPECT_EQ(client.receive().status, 200);
}

TEST(Framing, Http10ClosesUnlessAskedToStay) {
  Seen seen;
  TestServer server(routes(seen));
  RawClient closing(server.port());
  closing.send("GET /smuggled HTTP/1.0\r\nHost: localhost\r\n\r\n");
  EXPECT_EQ(closing.receive().status, 200);
  EXPECT_TRUE(closing.closed());
  RawClient staying(server.port());
  staying.send("GET /smuggled HTTP/1.0\r\nHost: localhost\r\nConnection: Keep-Alive\r\n\r\n");
  EXPECT_EQ(staying.receive().field("Connection"), "keep-alive");
  staying.send(kNext);
  EXPECT_EQ(staying.receive().status, 200);
}

TEST(Framing, ContinueIsSentBeforeTheBody) {
  Seen seen;
  TestServer server(routes(seen));
  RawClient client(server.port());
  client.send(kPost + "Expect: 100-continue\r\nContent-Length: 3\r\n\r\n");
  ASSERT_TRUE(client.receive_until("HTTP/1.1 100 Continue\r\n\r\n"));
  client.send("abc");
  EXPECT_EQ(client.receive().body, "abc");
}

TEST(Framing, HeadLimits) {
  Seen seen;
  TestServer server(routes(seen));
  {
    RawClient client(server.port());
    client.send(kPost + "X: " + std::string(9'000, 'a') + "\r\n\r\n");
    EXPECT_EQ(client.receive().status, 431);
  }
  {
    RawClient client(server.port());
    std::string many = kPost;
    for (int i = 0; i < 70; ++i) many += "X-" + std::to_string(i) + ": 1\r\n";
    client.send(many + "\r\n");
    EXPECT_EQ(client.receive().status, 431);
  }
  {
    RawClient client(server.port());
    client.send("GET /" + std::string(9'000, 'a') + " HTTP/1.1\r\nHost: localhost\r\n\r\n");
    EXPECT_EQ(client.receive().status, 431);
  }
  EXPECT_TRUE(seen.take().empty());
}

// The reader of heads alone: whatever is cut off or changed by one byte, it never reads past the
// end and never calls two requests one.
TEST(Framing, EveryPrefixAndEveryByteOfAHead) {
  const std::string head = kPost + "Content-Length: 3\r\nX-Request-Id: a\r\n\r\n";
  for (std::size_t length = 0; length < head.size(); ++length) {
    std::size_t seen = 0;
    const auto found = find_head(std::string_view(head).substr(0, length), seen);
    ASSERT_TRUE(std::holds_alternative<std::size_t>(found));
    EXPECT_EQ(std::get<std::size_t>(found), 0u);
  }
  for (std::size_t at = 0; at < head.size(); ++at) {
    for (int byte = 0; byte < 256; ++byte) {
      std::string changed = head;
      changed[at] = static_cast<char>(byte);
      const auto read = read_head(changed, 64);
      if (const auto* good = std::get_if<Head>(&read)) {
        EXPECT_FALSE(good->method.empty());
        EXPECT_TRUE(good->host.find('\n') == std::string_view::npos);
      }
    }
  }
}

}  // namespace
}  // namespace kasetsu::http
