#include "daemon/http/router.h"

#include <gtest/gtest.h>

namespace kasetsu::http {
namespace {

Router router() {
  Router router;
  for (const auto& [method, pattern] :
       std::vector<std::pair<const char*, const char*>>{{"GET", "/v1/campaigns"},
                                                        {"POST", "/v1/campaigns"},
                                                        {"POST", "/v1/campaigns:validate"},
                                                        {"GET", "/v1/campaigns/{name}"},
                                                        {"POST", "/v1/campaigns/{name}:pause"},
                                                        {"GET", "/v1/campaigns/{name}/models/{id}"},
                                                        {"GET", "/"}}) {
    router.add({method, pattern, Scope::open, {}, {}, false});
  }
  return router;
}

std::string found(const Router& router, const char* method, const char* path) {
  const auto result = router.find(method, path);
  if (const auto* none = std::get_if<Router::NoMatch>(&result)) {
    return std::to_string(none->status) + (none->allow.empty() ? "" : " " + none->allow);
  }
  const auto& match = std::get<Router::Match>(result);
  std::string text = match.route->method + " " + match.route->pattern;
  for (const auto& [name, value] : match.parameters) text += " " + name + "=" + value;
  return text;
}

TEST(Router, FindsLiteralsParametersAndVerbs) {
  const Router table = router();
  EXPECT_EQ(found(table, "GET", "/v1/campaigns"), "GET /v1/campaigns");
  EXPECT_EQ(found(table, "HEAD", "/v1/campaigns"), "GET /v1/campaigns");
  EXPECT_EQ(found(table, "POST", "/v1/campaigns:validate"), "POST /v1/campaigns:validate");
  EXPECT_EQ(found(table, "GET", "/v1/campaigns/ocm"), "GET /v1/campaigns/{name} name=ocm");
  EXPECT_EQ(found(table, "POST", "/v1/campaigns/ocm:pause"),
            "POST /v1/campaigns/{name}:pause name=ocm");
  EXPECT_EQ(found(table, "GET", "/v1/campaigns/ocm/models/1"),
            "GET /v1/campaigns/{name}/models/{id} name=ocm id=1");
  EXPECT_EQ(found(table, "GET", "/v1/campaigns/a%20b"), "GET /v1/campaigns/{name} name=a b");
  EXPECT_EQ(found(table, "GET", "/"), "GET /");
}

TEST(Router, SaysWhatIsMissing) {
  const Router table = router();
  EXPECT_EQ(found(table, "GET", "/v1"), "404");
  EXPECT_EQ(found(table, "GET", "/v1/campaigns/"), "404");
  EXPECT_EQ(found(table, "GET", "/v1/campaigns/a/b"), "404");
  EXPECT_EQ(found(table, "GET", "//v1/campaigns"), "404");
  EXPECT_EQ(found(table, "POST", "/v1/campaigns/ocm:paus"), "404");
  EXPECT_EQ(found(table, "GET", "/v1/campaigns/ocm:"), "404");
  EXPECT_EQ(found(table, "GET", "/v1/campaigns/ocm:pause"), "405 POST");
  EXPECT_EQ(found(table, "DELETE", "/v1/campaigns"), "405 GET, HEAD, POST");
  EXPECT_EQ(found(table, "POST", "/v1/campaigns/:pause"), "404");
}

TEST(RequestTarget, SplitsPathAndQuery) {
  const auto target = parse_target("/v1/events?after=3&campaign=a%26b+c&flag").value();
  EXPECT_EQ(target.path, "/v1/events");
  ASSERT_EQ(target.query.size(), 3u);
  EXPECT_EQ(target.query[1].second, "a&b c");
  EXPECT_EQ(target.query[2].second, "");
  EXPECT_EQ(parse_target("http://localhost:80/a?b=c").value().authority, "localhost:80");
  EXPECT_EQ(parse_target("http://localhost").value().path, "/");
}

TEST(RequestTarget, RefusesWhatIsNoPath) {
  for (const char* text : {"", "a", "*", "/%", "/%4", "/%zz", "/%00", "/a#b", "http:///a", "/a?b=%",
                           "ftp://x/", "localhost:80"}) {
    EXPECT_FALSE(parse_target(text).ok()) << text;
  }
}

}  // namespace
}  // namespace kasetsu::http
