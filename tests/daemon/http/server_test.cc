// Limits, slow clients, draining and the rules that keep other web pages out, on the real server
// with small limits.
#include "daemon/http/server.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <boost/asio/steady_timer.hpp>
#include <filesystem>

#include "daemon/http/tls.h"
#include "tests/daemon/http/raw_client.h"
#include "tests/daemon/http/test_server.h"

namespace kasetsu::http {
namespace {

using namespace std::chrono_literals;

// A connection above the limits is told so in plain HTTP; over TLS it is closed.
const int kRefused = tests_speak_tls() ? 0 : 503;

Handler text(std::string body) {
  return [body](Request&) -> asio::awaitable<Response> {
    Response response;
    response.content_type = "text/plain";
    response.body = body;
    co_return response;
  };
}

Router routes() {
  Router router;
  router.add({"GET", "/hello", Scope::open, text("hello"), {}, false});
  router.add({"GET", "/read", Scope::read, text("read"), {}, false});
  router.add({"POST", "/admin", Scope::admin, text("admin"), {"application/json"}, false});
  router.add({"POST", "/small", Scope::open, text("small"), {"text/csv"}, false});
  router.add({"POST", "/bulk", Scope::open, text("bulk"), {"text/csv"}, true});
  router.add({"POST",
              "/echo",
              Scope::open,
              [](Request& request) -> asio::awaitable<Response> {
                Response response;
                response.content_type = "text/csv";
                response.body = std::move(request.body);
                co_return response;
              },
              {"text/csv"},
              true});
  router.add({"GET",
              "/throws",
              Scope::open,
              [](Request&) -> asio::awaitable<Response> {
                throw std::runtime_error("secret inside");
                co_return Response{};
              },
              {},
              false});
  router.add({"GET",
              "/slow",
              Scope::open,
              [](Request&) -> asio::awaitable<Response> {
                asio::steady_timer timer(co_await asio::this_coro::executor);
                timer.expires_after(300ms);
                co_await timer.async_wait(asio::use_awaitable);
                Response response;
                response.body = "{}";
                co_return response;
              },
              {},
              false});
  router.add({.method = "GET",
              .pattern = "/quiet",
              .scope = Scope::open,
              .handler = [](Request&) -> asio::awaitable<Response> {
                Response response;
                response.content_type = "text/event-stream";
                response.stream = [](Sink& sink) -> asio::awaitable<void> {
                  const bool written = co_await sink.write(": begun\n\n");
                  if (!written) co_return;
                  asio::steady_timer timer(co_await asio::this_coro::executor);
                  timer.expires_after(3s);
                  co_await timer.async_wait(asio::use_awaitable);
                };
                co_return response;
              },
              .waits = true});
  router.add({"GET",
              "/stream",
              Scope::open,
              [](Request&) -> asio::awaitable<Response> {
                Response response;
                response.content_type = "text/event-stream";
                response.stream = [](Sink& sink) -> asio::awaitable<void> {
                  for (int i = 0;; ++i) {
                    const bool written = co_await sink.write("data: " + std::to_string(i) + "\n\n");
                    if (!written) co_return;
                    asio::steady_timer timer(co_await asio::this_coro::executor);
                    timer.expires_after(5ms);
                    co_await timer.async_wait(asio::use_awaitable);
                  }
                };
                co_return response;
              },
              {},
              false});
  return router;
}

std::string get(std::string_view path, std::string_view fields = "") {
  return "GET " + std::string(path) + " HTTP/1.1\r\nHost: localhost\r\n" + std::string(fields) +
         "\r\n";
}

RawAnswer ask(TestServer& server, const std::string& bytes, bool bodiless = false) {
  RawClient client(server.port());
  client.send(bytes);
  return client.receive(bodiless);
}

TEST(Server, AnswersCarryTheSafeHeaders) {
  TestServer server(routes());
  const RawAnswer answer = ask(server, get("/hello", "X-Request-Id: robot-7\r\n"));
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, "hello");
  EXPECT_EQ(answer.field("X-Request-Id"), "robot-7");
  EXPECT_EQ(answer.field("X-Content-Type-Options"), "nosniff");
  EXPECT_EQ(answer.field("Cache-Control"), "no-store");
  EXPECT_EQ(answer.field("Server"), "kasetsu");
  EXPECT_EQ(answer.field("Date").size(), 29u);
  const RawAnswer other = ask(server, get("/hello", "X-Request-Id: a b\"c\r\n"));
  EXPECT_EQ(other.status, 200);
  EXPECT_EQ(other.field("X-Request-Id").find(' '), std::string::npos);
}

// Over TLS, no answer above 16 KiB arrived: Beast's stream gave up behind the head.
TEST(Server, BodiesOfEverySizeArriveWholeInBothDirections) {
  TestServer server(routes());
  RawClient client(server.port());
  for (const std::size_t size : {std::size_t{1}, std::size_t{8'191}, std::size_t{16'100},
                                 std::size_t{16'384}, std::size_t{16'385}, std::size_t{65'536},
                                 std::size_t{1'000'003}, std::size_t{12'000'000}}) {
    std::string body(size, '\0');
    for (std::size_t i = 0; i < size; ++i) body[i] = static_cast<char>('a' + i * 7 % 26);
    ASSERT_TRUE(
        client.send("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/csv\r\n"
                    "Content-Length: " +
                    std::to_string(size) + "\r\n\r\n" + body));
    const RawAnswer answer = client.receive();
    ASSERT_EQ(answer.status, 200) << size;
    ASSERT_TRUE(answer.body == body) << size;
  }
}

TEST(Server, HeadHasTheLengthWithoutTheBody) {
  TestServer server(routes());
  RawClient client(server.port());
  client.send("HEAD /hello HTTP/1.1\r\nHost: localhost\r\n\r\n" + get("/read"));
  const RawAnswer head = client.receive(true);
  EXPECT_EQ(head.field("Content-Length"), "5");
  EXPECT_EQ(client.receive().body, "read");
}

TEST(Server, WrongMethodAndPath) {
  TestServer server(routes());
  EXPECT_EQ(ask(server, get("/nowhere")).status, 404);
  const RawAnswer answer = ask(server, get("/bulk"));
  EXPECT_EQ(answer.status, 405);
  EXPECT_EQ(answer.field("Allow"), "POST");
  EXPECT_EQ(ask(server, "TRACE /hello HTTP/1.1\r\nHost: localhost\r\n\r\n").status, 405);
  EXPECT_EQ(ask(server, "CONNECT x:1 HTTP/1.1\r\nHost: localhost\r\n\r\n").status, 400);
}

TEST(Server, PagesOfOtherOriginsAndReboundNamesAreRefused) {
  TestServer server(routes());
  EXPECT_EQ(ask(server, "GET /hello HTTP/1.1\r\nHost: evil.example\r\n\r\n").status, 421);
  EXPECT_EQ(ask(server, "GET /hello HTTP/1.1\r\nHost: 127.0.0.1:9\r\n\r\n").status, 200);
  EXPECT_EQ(ask(server, "GET /hello HTTP/1.1\r\nHost: [::1]:9\r\n\r\n").status, 200);
  EXPECT_EQ(ask(server, "GET /hello HTTP/1.1\r\nHost: LocalHost\r\n\r\n").status, 200);
  EXPECT_EQ(ask(server, get("/hello", "Origin: http://evil.example\r\n")).status, 403);
  EXPECT_EQ(ask(server, get("/hello", "Origin: null\r\n")).status, 403);
  // Of two Origin fields only the first counted, and HTTP/1.0 was not asked for its Host.
  EXPECT_EQ(
      ask(server, get("/hello", "Origin: http://localhost\r\nOrigin: http://evil.example\r\n"))
          .status,
      403);
  EXPECT_EQ(ask(server, "GET /hello HTTP/1.0\r\nHost: evil.example\r\n\r\n").status, 421);
  EXPECT_EQ(ask(server, "GET /hello HTTP/1.0\r\nHost: localhost\r\n\r\n").status, 200);
  EXPECT_EQ(ask(server, "GET /hello HTTP/1.0\r\n\r\n").status, 400);
  EXPECT_EQ(ask(server, get("/hello", "Origin: http://localhost\r\n")).status, 200);
  EXPECT_EQ(ask(server, "GET http://localhost/hello HTTP/1.1\r\nHost: localhost\r\n\r\n").status,
            200);
  EXPECT_EQ(ask(server, "GET http://evil.example/hello HTTP/1.1\r\nHost: localhost\r\n\r\n").status,
            400);
}

TEST(Server, OneRequestHasOneToken) {
  TestServer server(routes());
  EXPECT_EQ(ask(server, get("/hello", "Authorization: Bearer a\r\n")).status, 200);
  EXPECT_EQ(
      ask(server, get("/hello", "Authorization: Bearer a\r\nAuthorization: Bearer b\r\n")).status,
      400);
}

TEST(Server, BodiesHaveATypeAndALimit) {
  ServerOptions options;
  options.body_bytes = 1'000;
  options.bulk_body_bytes = 5'000;
  TestServer server(routes(), options);
  const auto post = [&](std::string_view path, std::string_view type, std::size_t bytes) {
    return ask(server, "POST " + std::string(path) +
                           " HTTP/1.1\r\nHost: localhost\r\nContent-Type: " + std::string(type) +
                           "\r\nContent-Length: " + std::to_string(bytes) + "\r\n\r\n" +
                           std::string(bytes, 'a'))
        .status;
  };
  EXPECT_EQ(post("/small", "text/csv", 1'000), 200);
  EXPECT_EQ(post("/small", "Text/CSV; charset=utf-8", 10), 200);
  EXPECT_EQ(post("/small", "text/html", 10), 415);
  EXPECT_EQ(post("/small", "text/csv", 1'001), 413);
  EXPECT_EQ(post("/bulk", "text/csv", 5'000), 200);
  EXPECT_EQ(post("/bulk", "text/csv", 5'001), 413);
  EXPECT_EQ(ask(server, get("/hello", "Content-Length: 3\r\n") + "abc").status, 400);
  // Chunks are counted while they come.
  RawClient client(server.port());
  client.send(
      "POST /small HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/csv\r\nTransfer-Encoding: "
      "chunked\r\n\r\n");
  for (int i = 0; i < 11; ++i) client.send("64\r\n" + std::string(100, 'a') + "\r\n");
  EXPECT_EQ(client.receive().status, 413);
}

TEST(Server, ARefusalKeepsTheConnectionWhenTheBodyIsSmall) {
  TestServer server(routes());
  RawClient client(server.port());
  client.send("POST /nowhere HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nabc" +
              get("/hello"));
  EXPECT_EQ(client.receive().status, 404);
  EXPECT_EQ(client.receive().status, 200);
}

TEST(Server, AFailingHandlerKeepsItsWordsToItself) {
  TestServer server(routes());
  const RawAnswer answer = ask(server, get("/throws"));
  EXPECT_EQ(answer.status, 500);
  EXPECT_EQ(answer.body.find("secret"), std::string::npos);
  EXPECT_EQ(ask(server, get("/hello")).status, 200);
}

TEST(Server, ScopesAreCheckedAndOpenRoutesAskForNothing) {
  TestServer server(routes());
  server.on_network([&] {
    server.server().set_authenticator(
        [](const Request& request) -> std::variant<Principal, Response> {
          if (request.authorization == "Bearer reader") return Principal{"reader", {Scope::read}};
          Response refusal;
          refusal.status = 401;
          return refusal;
        });
  });
  EXPECT_EQ(ask(server, get("/hello")).status, 200);
  EXPECT_EQ(ask(server, get("/read")).status, 401);
  EXPECT_EQ(ask(server, get("/read", "Authorization: Bearer reader\r\n")).status, 200);
  EXPECT_EQ(ask(server,
                "POST /admin HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer "
                "reader\r\n\r\n")
                .status,
            403);
}

TEST(Server, SlowHeadsAndBodiesAndIdleConnectionsAreClosed) {
  ServerOptions options;
  options.header_time = 100ms;
  options.request_time = 150ms;
  options.idle_time = 100ms;
  TestServer server(routes(), options);
  RawClient idle(server.port());
  RawClient head(server.port());
  head.send("GET /hel");
  RawClient body(server.port());
  body.send(
      "POST /small HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/csv\r\nContent-Length: "
      "9\r\n\r\nab");
  RawClient trickle(server.port());
  trickle.send("GET /hello HTTP/1.1\r\n");
  for (int i = 0; i < 1'000 && trickle.send("X: 1\r\n"); ++i) std::this_thread::sleep_for(10ms);
  EXPECT_TRUE(idle.closed());
  EXPECT_TRUE(head.closed());
  EXPECT_TRUE(body.closed());
  EXPECT_EQ(ask(server, get("/hello")).status, 200);
}

TEST(Server, WaitingConnectionsMakeRoomFirstThenIdleStreamsAndBusyOnesNever) {
  ServerOptions options;
  options.connections = 4;
  options.evict_after = 0ms;
  TestServer server(routes(), options);
  RawClient stream(server.port());
  stream.send(get("/quiet"));
  ASSERT_TRUE(stream.receive_until("begun\n\n"));
  std::vector<std::unique_ptr<RawClient>> idle;
  for (int i = 0; i < 3; ++i) idle.push_back(std::make_unique<RawClient>(server.port()));
  EXPECT_EQ(ask(server, get("/hello")).status, 200);
  EXPECT_TRUE(idle[0]->closed());
  // Streams that wait for events are next.
  TestServer streaming(routes(), options);
  std::vector<std::unique_ptr<RawClient>> streams;
  for (int i = 0; i < 4; ++i) {
    streams.push_back(std::make_unique<RawClient>(streaming.port()));
    streams.back()->send(get("/quiet"));
    ASSERT_TRUE(streams.back()->receive_until("begun\n\n"));
  }
  EXPECT_EQ(ask(streaming, get("/hello")).status, 200);
  EXPECT_TRUE(streams[0]->closed());
  // All four in the middle of something: the next one is told to come again.
  TestServer busy(routes(), options);
  std::vector<std::unique_ptr<RawClient>> working;
  for (int i = 0; i < 4; ++i) {
    working.push_back(std::make_unique<RawClient>(busy.port()));
    working.back()->send(get("/slow"));
  }
  std::this_thread::sleep_for(100ms);
  RawClient refused(busy.port());
  refused.send(get("/hello"));
  EXPECT_EQ(refused.receive().status, kRefused);
  for (const auto& client : working) EXPECT_EQ(client->receive().status, 200);
}

TEST(Server, OnePeerCannotTakeEveryConnection) {
  ServerOptions options;
  options.connections_per_peer = 2;
  options.evict_after = 60s;
  TestServer server(routes(), options);
  std::vector<std::unique_ptr<RawClient>> greedy;
  for (int i = 0; i < 2; ++i) {
    greedy.push_back(std::make_unique<RawClient>(server.port(), "127.0.0.2"));
    greedy.back()->send(get("/stream"));
    ASSERT_TRUE(greedy.back()->receive_until("data: 0"));
  }
  RawClient third(server.port(), "127.0.0.2");
  EXPECT_EQ(third.receive().status, kRefused);
  EXPECT_EQ(ask(server, get("/hello")).status, 200);
}

TEST(Server, ThePlaceOfAStreamIsFreeWhenItsClientIsGone) {
  TestServer server(routes());
  const auto connections = [&] {
    std::string text;
    server.on_network([&] { text = server.server().metrics().text(); });
    return text.find("kasetsu_http_connections 1\n") != std::string::npos ? 1 : 0;
  };
  {
    RawClient stream(server.port());
    stream.send(get("/quiet"));
    ASSERT_TRUE(stream.receive_until("begun\n\n"));
    ASSERT_EQ(connections(), 1);
  }
  for (int i = 0; i < 500 && connections() == 1; ++i) std::this_thread::sleep_for(10ms);
  EXPECT_EQ(connections(), 0);
}

// A hundred uploads that lack one byte held all their bodies.
TEST(Server, BodiesTogetherHaveALimit) {
  ServerOptions options;
  options.bulk_body_bytes = 1'000'000;
  options.all_bodies_bytes = 2'500'000;
  options.evict_after = 50ms;
  TestServer server(routes(), options);
  const std::string head =
      "POST /bulk HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/csv\r\n"
      "Content-Length: 1000000\r\n\r\n";
  std::vector<std::unique_ptr<RawClient>> stalled;
  for (int i = 0; i < 5; ++i) {
    stalled.push_back(std::make_unique<RawClient>(server.port()));
    stalled.back()->send(head + std::string(999'999, 'x'));
    std::this_thread::sleep_for(100ms);
  }
  EXPECT_TRUE(stalled[0]->closed()) << "the upload that takes longest is given up";
  RawClient whole(server.port());
  whole.send(head + std::string(1'000'000, 'x'));
  EXPECT_EQ(whole.receive().status, 200);
  // What was held is given back.
  stalled.clear();
  for (int i = 0; i < 5; ++i) {
    RawClient again(server.port());
    again.send(head + std::string(1'000'000, 'x'));
    EXPECT_EQ(again.receive().status, 200);
  }
}

// Sixteen megabytes of "{}," take a gigabyte once they are decoded.
TEST(Server, WhatABodyTakesOnceItIsDecodedIsCounted) {
  ServerOptions options;
  options.bulk_body_bytes = 1'000'000;
  options.all_bodies_bytes = 2'500'000;
  TestServer server(routes(), options);
  const auto post = [&](int values) {
    std::string body;
    for (int i = 0; i < values; ++i) body += "{},";
    return ask(server, fmt::format("POST /bulk HTTP/1.1\r\nHost: localhost\r\n"
                                   "Content-Type: text/csv\r\nContent-Length: {}\r\n\r\n{}",
                                   body.size(), body));
  };
  const RawAnswer refused = post(30'000);
  EXPECT_EQ(refused.status, 413);
  EXPECT_NE(refused.body.find("split it"), std::string::npos) << refused.body;
  for (int i = 0; i < 5; ++i) EXPECT_EQ(post(5'000).status, 200) << "what was held is given back";
}

// One token leaves room for the others.
TEST(Server, ATokenHoldsThreeQuartersOfTheMemoryAtMost) {
  ServerOptions options;
  options.bulk_body_bytes = 1'000'000;
  options.all_bodies_bytes = 2'500'000;
  Router router;
  router.add({"POST", "/bulk", Scope::results, text("bulk"), {"text/csv"}, true});
  TestServer server(std::move(router), options);
  server.on_network([&] {
    server.server().set_authenticator([](const Request& request) {
      Principal principal;
      principal.name = request.authorization;
      principal.scopes = {Scope::results};
      return principal;
    });
  });
  const auto upload = [&](const std::string& token, std::size_t sent) {
    auto client = std::make_unique<RawClient>(server.port());
    client->send(
        fmt::format("POST /bulk HTTP/1.1\r\nHost: localhost\r\nAuthorization: {}\r\n"
                    "Content-Type: text/csv\r\nContent-Length: 900000\r\n\r\n{}",
                    token, std::string(sent, 'x')));
    return client;
  };
  const auto first = upload("one", 890'000), second = upload("one", 890'000);
  std::this_thread::sleep_for(100ms);
  EXPECT_EQ(upload("one", 900'000)->receive().status, 503);
  const auto third = upload("one", 890'000);
  EXPECT_EQ(third->receive().status, 503);
  // 0.6 MB are left whatever that token does.
  const auto other = std::make_unique<RawClient>(server.port());
  other->send(
      "POST /bulk HTTP/1.1\r\nHost: localhost\r\nAuthorization: other\r\n"
      "Content-Type: text/csv\r\nContent-Length: 600000\r\n\r\n" +
      std::string(600'000, 'x'));
  EXPECT_EQ(other->receive().status, 200);
}

// Clients that ask for much and take nothing.
TEST(Server, AnswersThatNobodyTakesAreCounted) {
  constexpr std::size_t kSize = 16'000'000;
  Router router = routes();
  router.add({"GET", "/big", Scope::open, [](Request&) -> asio::awaitable<Response> {
                Response response;
                response.body = std::string(kSize, 'x');
                co_return response;
              }});
  ServerOptions options;
  options.all_bodies_bytes = 2 * kSize + kSize / 2;
  TestServer server(std::move(router), options);
  std::vector<std::unique_ptr<RawClient>> clients;
  for (int i = 0; i < 2; ++i) {
    clients.push_back(std::make_unique<RawClient>(server.port()));
    clients.back()->send(get("/big"));
    ASSERT_TRUE(clients.back()->receive_until("200 OK"));
  }
  EXPECT_EQ(ask(server, get("/big")).status, 503);
  EXPECT_EQ(ask(server, get("/")).status, 404) << "small ones go on";
  clients.clear();
  RawAnswer whole;
  for (int i = 0; i < 200 && whole.status != 200; ++i) {
    std::this_thread::sleep_for(10ms);
    whole = ask(server, get("/big"));
  }
  EXPECT_EQ(whole.status, 200) << "what was held is given back";
  EXPECT_EQ(whole.body.size(), kSize);
}

// Work for a client that has gone need not be done.
TEST(Server, AHandlerHearsThatItsClientIsGone) {
  std::atomic<bool> heard{false};
  Router router;
  router.add({"GET", "/work", Scope::open, [&](Request& request) -> asio::awaitable<Response> {
                const auto executor = co_await asio::this_coro::executor;
                asio::steady_timer timer(executor);
                for (int i = 0; i < 1'000 && !heard; ++i) {
                  timer.expires_after(5ms);
                  co_await timer.async_wait(asio::use_awaitable);
                  heard = request.claim->gone();
                }
                Response response;
                co_return response;
              }});
  TestServer server(std::move(router));
  {
    RawClient client(server.port());
    client.send(get("/work"));
    std::this_thread::sleep_for(50ms);
    EXPECT_FALSE(heard);
  }
  for (int i = 0; i < 400 && !heard; ++i) std::this_thread::sleep_for(10ms);
  EXPECT_TRUE(heard);
}

TEST(Server, AProxyIsLookedThrough) {
  Router router = routes();
  router.add({"GET", "/peer", Scope::open, [](Request& request) -> asio::awaitable<Response> {
                Response response;
                response.body = request.peer;
                co_return response;
              }});
  ServerOptions options;
  options.proxies = {"127.0.0.1"};
  options.connections_per_peer = 1;
  TestServer server(std::move(router), options);
  const RawClient other(server.port());  // the limit of one address is not for proxies
  const auto peer = [&](std::string_view fields) { return ask(server, get("/peer", fields)).body; };
  EXPECT_EQ(peer(""), "127.0.0.1");
  EXPECT_EQ(peer("X-Forwarded-For: 198.51.100.7\r\n"), "198.51.100.7");
  EXPECT_EQ(peer("X-Forwarded-For: 203.0.113.9, 198.51.100.7\r\n"), "198.51.100.7")
      << "what the client itself says is not believed";
  EXPECT_EQ(peer("X-Forwarded-For: 198.51.100.7, 127.0.0.1\r\n"), "198.51.100.7");
  TestServer plain(routes());
  EXPECT_EQ(ask(plain, get("/hello", "X-Forwarded-For: 198.51.100.7\r\n")).status, 200);
}

TEST(Server, DrainingLetsRequestsFinishAndClosesIdleConnections) {
  TestServer server(routes());
  RawClient idle(server.port());
  idle.send(get("/hello"));
  EXPECT_EQ(idle.receive().status, 200);
  RawClient stream(server.port());
  stream.send(get("/stream"));
  ASSERT_TRUE(stream.receive_until("data: 0"));
  RawClient working(server.port());
  working.send(get("/slow"));
  std::this_thread::sleep_for(50ms);
  server.drain(10s);
  const RawAnswer answer = working.receive();
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.field("Connection"), "close");
  EXPECT_TRUE(idle.closed());
  stream.rest();
  EXPECT_FALSE(RawClient(server.port()).connected());
  server.stop();
}

TEST(Server, TheDrainDeadlineEndsWhatDoesNotFinish) {
  TestServer server(routes());
  RawClient half(server.port());
  half.send("GET /hel");
  std::this_thread::sleep_for(50ms);
  server.drain(50ms);
  EXPECT_TRUE(half.closed());
  server.stop();
}

TEST(Server, AcceptingGoesOnAfterDescriptorsRanOut) {
  TestServer server(routes());
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit tight{64, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &tight), 0);
  {
    std::vector<std::unique_ptr<RawClient>> clients;
    for (int i = 0; i < 64; ++i) clients.push_back(std::make_unique<RawClient>(server.port()));
    std::this_thread::sleep_for(150ms);
  }
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_EQ(ask(server, get("/hello")).status, 200);
}

TEST(Server, ListensOnLoopbackOnly) {
  asio::io_context io;
  auto log = std::make_shared<spdlog::logger>("http");
  Server server(io, routes(), {}, log);
  for (const char* address : {"0.0.0.0", "::", "192.0.2.1"}) {
    const auto port = server.listen_tcp(address, 0);
    ASSERT_FALSE(port.ok()) << address;
    EXPECT_NE(port.error().to_string().find("loopback"), std::string::npos);
  }
  EXPECT_FALSE(server.listen_tcp("lab.example", 0).ok());
  const auto port = server.listen_tcp("127.0.0.1", 0);
  ASSERT_TRUE(port.ok());
  EXPECT_EQ(server.listen_tcp("127.0.0.1", *port).error().code, ErrorCode::unavailable);
  server.drain(0ms, [] {});
  io.run();
}

TEST(Server, UnixSocketForOwnerAndGroup) {
  const auto folder =
      std::filesystem::temp_directory_path() / ("kasetsu_http_" + std::to_string(::getpid()));
  std::filesystem::create_directory(folder);
  const std::string path = (folder / "kasetsud.sock").string();
  {
    TestServer server(routes());
    Status listening;
    server.on_network([&] { listening = server.server().listen_unix(path); });
    ASSERT_TRUE(listening.ok()) << listening.error().to_string();
    struct stat found {};
    ASSERT_EQ(::stat(path.c_str(), &found), 0);
    EXPECT_EQ(found.st_mode & 0777, 0660u);
    const int socket = ::socket(AF_UNIX, SOCK_STREAM, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof(address.sun_path) - 1);
    ASSERT_EQ(::connect(socket, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
    const std::string request = get("/hello");
    ASSERT_EQ(::send(socket, request.data(), request.size(), 0),
              static_cast<ssize_t>(request.size()));
    char bytes[16] = {};
    ASSERT_GT(::recv(socket, bytes, 15, MSG_WAITALL), 0);
    EXPECT_EQ(std::string(bytes), "HTTP/1.1 200 OK");
    ::close(socket);
  }
  EXPECT_FALSE(std::filesystem::exists(path));
  std::filesystem::remove_all(folder);
}

TEST(Server, MetricsCountByRouteAndNeverByPath) {
  TestServer server(routes());
  ask(server, get("/hello"));
  ask(server, get("/who/ever"));
  std::string text;
  server.on_network([&] { text = server.server().metrics().text(); });
  EXPECT_NE(
      text.find("kasetsu_http_requests_total{route=\"/hello\",method=\"GET\",code=\"200\"} 1\n"),
      std::string::npos);
  EXPECT_EQ(text.find("who"), std::string::npos);
  EXPECT_EQ(text.back(), '\n');
}

TEST(Server, ACertificateThatClientsRefuseIsSaid) {
  const auto folder =
      std::filesystem::temp_directory_path() / ("kasetsu_tls_" + std::to_string(::getpid()));
  std::filesystem::create_directory(folder);
  const std::string certificate = folder / "c.pem", key = folder / "k.pem";
  const auto warning = [&](long from, long to) {
    write_test_certificate(certificate, key, from, to);
    return certificate_warning(*make_tls_context(certificate, key, "").value(), system_now());
  };
  constexpr long kDay = 86'400;
  EXPECT_EQ(warning(-kDay, 60 * kDay), "");
  EXPECT_NE(warning(-3 * kDay, -kDay).find("has expired"), std::string::npos);
  EXPECT_NE(warning(kDay, 60 * kDay).find("not valid yet"), std::string::npos);
  EXPECT_NE(warning(-kDay, 3 * kDay).find("two weeks"), std::string::npos);
  std::filesystem::remove_all(folder);
}

TEST(Server, OptionsAreBounded) {
  ServerOptions options;
  options.header_bytes = 10;
  const Status status = options.validate();
  ASSERT_FALSE(status.ok());
  EXPECT_NE(status.error().to_string().find("header_bytes"), std::string::npos);
  EXPECT_TRUE(ServerOptions{}.validate().ok());
}

}  // namespace
}  // namespace kasetsu::http
