// The dashboard's door: its files, signing in, and that no page of another site gets anywhere.
#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "daemon/base/tokens.h"
#include "daemon/http/guard.h"
#include "daemon/web/assets.h"
#include "tests/daemon/http/api_server.h"

namespace kasetsu::http {
namespace {

const char* kTwoTargets = R"(format = 1
name = "ocm"
[[targets]]
name = "conversion"
unit = "%"
goal = "maximize"
hit_threshold = 30
[[targets]]
name = "selectivity"
unit = "%"
goal = "maximize"
[[space]]
kind = "slots"
slots = 3
none = true
repetition = true
elements = ["Li", "K", "Mn", "Na", "W"]
supports = ["MgO", "SiO2"]
[planner]
batch = 5
)";

class Dashboard : public ::testing::Test {
 protected:
  static ServerOptions quick() {
    ServerOptions options;
    options.refusal_delay = std::chrono::milliseconds(0);
    return options;
  }
  // Asks for tokens from now on; returns one with these scopes.
  std::string ask_for_tokens(const std::vector<std::string>& scopes) {
    TokenFile file;
    const std::string secret = file.create("ada", scopes, std::nullopt, system_now()).value();
    server.test_server().on_network([&] {
      auto guard = std::make_shared<Guard>(file, system_now);
      server.server().set_authenticator(
          [guard](const Request& request) { return guard->decide(request); });
    });
    return secret;
  }
  static std::string cookie_of(const JsonAnswer& answer) {
    const std::string field = answer.raw.field("Set-Cookie");
    return field.substr(0, field.find(';'));
  }
  void apply(const char* text) {
    ASSERT_EQ(server.ask("POST", "/v1/campaigns", text, "", "application/toml").status, 201);
  }
  ApiServer server{quick()};
};

TEST_F(Dashboard, ThePageAllowsNothingFromElsewhere) {
  const auto page = server.get("/");
  ASSERT_EQ(page.status, 200);
  EXPECT_EQ(page.raw.field("Content-Type"), "text/html; charset=utf-8");
  EXPECT_EQ(page.raw.field("Cache-Control"), "no-cache");
  EXPECT_EQ(page.raw.field("X-Frame-Options"), "DENY");
  EXPECT_EQ(page.raw.field("Referrer-Policy"), "no-referrer");
  const std::string policy = page.raw.field("Content-Security-Policy");
  for (const char* part : {"default-src 'none'", "script-src 'self'", "connect-src 'self'",
                           "form-action 'none'", "frame-ancestors 'none'", "base-uri 'none'"}) {
    EXPECT_NE(policy.find(part), std::string::npos) << part;
  }
  EXPECT_EQ(policy.find("unsafe-eval"), std::string::npos);
  const std::string tag = page.raw.field("ETag");
  EXPECT_EQ(server.get("/", "If-None-Match: " + tag + "\r\n").status, 304);
}

TEST_F(Dashboard, FilesAreKeptForGoodUnderTheirVersionAndCompressed) {
  for (const web::Asset& asset : web::assets()) {
    const std::string path = "/ui/" + std::string(web::version()) + "/" + std::string(asset.path);
    const auto plain = server.get(path);
    ASSERT_EQ(plain.status, 200) << path;
    EXPECT_EQ(plain.raw.field("Cache-Control"), "public, max-age=31536000, immutable");
    EXPECT_EQ(plain.raw.field("Content-Encoding"), "");
    EXPECT_EQ(plain.raw.body, asset.plain) << path;
    const auto brotli = server.get(path, "Accept-Encoding: gzip, br\r\n");
    EXPECT_EQ(brotli.raw.field("Content-Encoding"), "br");
    EXPECT_EQ(brotli.raw.body, asset.brotli);
    const auto gzip = server.get(path, "Accept-Encoding: gzip;q=1.0, br;q=0\r\n");
    EXPECT_EQ(gzip.raw.field("Content-Encoding"), "gzip");
    // Of another version: still there, and asked for again each time.
    const auto old = server.get("/ui/older/" + std::string(asset.path));
    EXPECT_EQ(old.raw.field("Cache-Control"), "no-cache");
  }
  EXPECT_EQ(server.get("/ui/x/nothing.js").status, 404);
  EXPECT_EQ(server.get("/ui/x/../../etc/passwd").status, 404);
  EXPECT_EQ(server.get("/ui/x/..%2f..%2fetc%2fpasswd").status, 404);
}

TEST_F(Dashboard, WithoutTokensEverybodyIsSignedIn) {
  const auto session = server.get("/v1/session");
  ASSERT_EQ(session.status, 200);
  EXPECT_EQ(session.body["signed_in"], true);
  EXPECT_EQ(session.body["tokens"], false);
  EXPECT_EQ(session.body["scopes"].size(), 4u);
}

TEST_F(Dashboard, ATokenIsKeptInACookieThatNoScriptReads) {
  apply(kTwoTargets);
  const std::string token = ask_for_tokens({"read", "results"});
  EXPECT_EQ(server.get("/").status, 200) << "the page itself is open";
  EXPECT_EQ(server.get("/v1/session").body["signed_in"], false);
  EXPECT_EQ(server.get("/v1/campaigns").status, 401);
  EXPECT_EQ(server.post("/v1/session", {{"token", "wrong"}}).status, 401);

  const auto signed_in = server.post("/v1/session", {{"token", token}});
  ASSERT_EQ(signed_in.status, 200) << signed_in.raw.body;
  EXPECT_EQ(signed_in.body["name"], "ada");
  EXPECT_EQ(signed_in.body["scopes"], Json::array({"read", "results"}));
  const std::string field = signed_in.raw.field("Set-Cookie");
  for (const char* part : {"HttpOnly", "SameSite=Strict", "Path=/"}) {
    EXPECT_NE(field.find(part), std::string::npos) << field;
  }
  EXPECT_EQ(field.find("Secure") != std::string::npos, test_tls_context() != nullptr);

  const std::string cookie = "Cookie: other=1; " + cookie_of(signed_in) + "\r\n";
  EXPECT_EQ(server.get("/v1/session", cookie).body["name"], "ada");
  EXPECT_EQ(server.get("/v1/campaigns", cookie).status, 200);
  EXPECT_EQ(server.get("/v1/tokens", cookie).status, 403) << "rights are the token's";
  EXPECT_EQ(server.get("/v1/campaigns", "Cookie: kasetsu_session=wrong\r\n").status, 401);

  const auto out = server.ask("DELETE", "/v1/session", "", cookie + "Origin: http://localhost\r\n");
  EXPECT_EQ(out.status, 204);
  EXPECT_NE(out.raw.field("Set-Cookie").find("Max-Age=0"), std::string::npos);
}

TEST_F(Dashboard, WhoAmIIsNoPlaceToGuessTokens) {
  const std::string token = ask_for_tokens({"read"});
  for (int i = 0; i < Guard::kMostFailures; ++i) {
    const auto guess = server.get("/v1/session", fmt::format("Authorization: Bearer {}\r\n", i));
    ASSERT_EQ(guess.status, 200);
    ASSERT_EQ(guess.body["signed_in"], false) << "a page asks its person again";
  }
  EXPECT_EQ(server.get("/v1/session", "Authorization: Bearer wrong\r\n").status, 429);
  EXPECT_EQ(server.get("/v1/session", "Authorization: Bearer " + token + "\r\n").body["name"],
            "ada");
}

TEST_F(Dashboard, ACookieChangesNothingUnlessAPageOfTheDaemonAsks) {
  apply(kTwoTargets);
  const std::string token = ask_for_tokens({"read", "campaigns"});
  const std::string cookie =
      "Cookie: " + cookie_of(server.post("/v1/session", {{"token", token}})) + "\r\n";
  const auto pause = [&](const std::string& fields) {
    return server.post("/v1/campaigns/ocm:pause", {{"reason", "test"}}, cookie + fields).status;
  };
  EXPECT_EQ(pause(""), 403);
  EXPECT_EQ(pause("Origin: http://evil.example\r\n"), 403);
  EXPECT_EQ(pause("Origin: null\r\n"), 403);
  EXPECT_EQ(pause("Sec-Fetch-Site: cross-site\r\n"), 403);
  EXPECT_EQ(pause("Sec-Fetch-Site: same-site\r\n"), 403) << "another port of this machine";
  EXPECT_EQ(pause("Sec-Fetch-Site: none\r\n"), 403);
  EXPECT_EQ(server.get("/v1/campaigns/ocm", cookie).body["state"], "ACTIVE");
  EXPECT_EQ(pause("Sec-Fetch-Site: same-origin\r\n"), 200);
  // A token in its field is no cookie: programs send no Origin.
  EXPECT_EQ(server
                .post("/v1/campaigns/ocm:resume", Json::object(),
                      "Authorization: Bearer " + token + "\r\n")
                .status,
            200);
}

TEST_F(Dashboard, AnotherSiteMayLinkToThePageAndToNothingElse) {
  apply(kTwoTargets);
  const std::string from = "Sec-Fetch-Site: cross-site\r\n";
  EXPECT_EQ(server.get("/", from).status, 200);
  EXPECT_EQ(server.get("/v1/campaigns", from).status, 403);
  EXPECT_EQ(server.get("/ui/x/app.js", from).status, 403);
  // A name that is rebound to this machine.
  RawClient client(server.port());
  client.send("GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n");
  EXPECT_EQ(client.receive().status, 421);
}

TEST_F(Dashboard, ViewsCountWhatIsThere) {
  apply(kTwoTargets);
  Json rows = Json::array();
  const std::vector<std::pair<double, double>> values = {{10, 90}, {20, 60}, {35, 40}, {15, 50}};
  const std::vector<const char*> elements = {"Li", "K", "Mn", "Na"};
  for (std::size_t i = 0; i < values.size(); ++i) {
    rows.push_back(
        {{"catalyst", {{"slots", {elements[i], "W", "none"}}, {"support", "MgO"}}},
         {"channel", std::to_string(i)},
         {"sequence", i},
         {"values", {{"conversion", values[i].first}, {"selectivity", values[i].second}}}});
  }
  ASSERT_EQ(
      server
          .post("/v1/campaigns/ocm/measurements", {{"source", "rig"}, {"run", "1"}, {"rows", rows}})
          .status,
      200);
  const Json overview = server.get("/v1/campaigns/ocm/overview").body;
  EXPECT_EQ(overview["catalysts"], 4);
  EXPECT_EQ(overview["measurements"], 8);
  EXPECT_EQ(overview["targets"][0]["best"]["value"], 35.0);
  EXPECT_EQ(overview["targets"][0]["hits"], 1);
  EXPECT_EQ(overview["targets"][1]["hits"], nullptr);
  EXPECT_EQ(overview["model"], nullptr);

  const Json progress = server.get("/v1/campaigns/ocm/progress?property=conversion").body;
  EXPECT_EQ(progress["total"], 4);
  EXPECT_EQ(progress["points"].size(), 4u);
  EXPECT_EQ(progress["points"][1]["strategy"], "given");
  ASSERT_EQ(progress["best"].size(), 3u) << "10, 20, 35";
  EXPECT_EQ(progress["best"][2]["n"], 3);
  EXPECT_EQ(progress["top"][0]["value"], 35.0);
  ASSERT_EQ(progress["random"].size(), 4u);
  EXPECT_DOUBLE_EQ(progress["random"][0]["value"], 20.0) << "the mean";
  EXPECT_DOUBLE_EQ(progress["random"][3]["value"], 35.0);
  const Json binned = server.get("/v1/campaigns/ocm/progress?property=conversion&points=3").body;
  EXPECT_TRUE(binned["points"].empty());
  double total = 0.0;
  for (const Json& bin : binned["bins"]) {
    EXPECT_LE(bin["low"].get<double>(), bin["mean"].get<double>());
    EXPECT_LE(bin["mean"].get<double>(), bin["high"].get<double>());
    total +=
        bin["mean"].get<double>() * (bin["to"].get<double>() - bin["from"].get<double>() + 1.0);
  }
  EXPECT_DOUBLE_EQ(total, 80.0) << "every measurement is in one bin";

  const Json front = server.get("/v1/campaigns/ocm/front?x=conversion&y=selectivity").body;
  std::vector<bool> on_front;
  for (const Json& point : front["points"]) on_front.push_back(point["front"]);
  EXPECT_EQ(on_front, (std::vector<bool>{true, true, true, false}));

  const Json found = server.get("/v1/campaigns/ocm/elements").body;
  ASSERT_EQ(found["elements"].size(), 5u) << "Li, K, Mn, Na, W: all of the space";
  for (const Json& element : found["elements"]) {
    if (element["symbol"] == "W") {
      EXPECT_EQ(element["effect"], nullptr) << "all have it: there is nothing to compare with";
    }
    if (element["symbol"] == "Mn") {
      EXPECT_DOUBLE_EQ(element["effect"], 35.0 - 15.0);
    }
  }
  EXPECT_EQ(server.get("/v1/campaigns/ocm/foretold").body["mae"], nullptr);
  EXPECT_EQ(server.get("/v1/campaigns/ocm/progress?property=other").status, 404);
  EXPECT_EQ(server.get("/v1/campaigns/ocm/models/current/insight").status, 404);
  EXPECT_TRUE(server.get("/v1/campaigns/ocm/weighing").body["proposals"].empty());
}

TEST_F(Dashboard, TheMapHasEveryCandidateInItsState) {
  apply(kTwoTargets);
  const Json rows =
      Json::array({{{"catalyst", {{"slots", {"Li", "W", "none"}}, {"support", "MgO"}}},
                    {"channel", "1"},
                    {"values", {{"conversion", 12.5}}}}});
  ASSERT_EQ(
      server
          .post("/v1/campaigns/ocm/measurements", {{"source", "rig"}, {"run", "1"}, {"rows", rows}})
          .status,
      200);
  const auto propose = [&](const char* element) {
    return server
        .post("/v1/campaigns/ocm/proposals",
              {{"catalyst", {{"amounts", {{element, 2}, {"W", 1}}}, {"support", "SiO2"}}},
               {"reason", "test"}})
        .body;
  };
  const Json first = propose("Mn");
  propose("Na");
  ASSERT_EQ(
      server.post("/v1/proposals/" + first["id"].get<std::string>() + ":claim", {{"client", "ada"}})
          .status,
      200);
  const auto map = server.get("/v1/campaigns/ocm/coverage");
  ASSERT_EQ(map.status, 200) << map.raw.body;
  std::map<std::string, std::string> states;
  for (const Json& point : map.body["points"]) {
    states[point["state"]] = point["description"];
    EXPECT_TRUE(std::isfinite(point["x"].get<double>()) && std::isfinite(point["y"].get<double>()));
    EXPECT_LE(map.body["density"]["x0"], point["x"]);
    EXPECT_LE(point["y"], map.body["density"]["y1"]);
  }
  EXPECT_EQ(map.body["points"].size(), 3u);
  EXPECT_NE(states["measured"].find("Li"), std::string::npos) << map.raw.body;
  EXPECT_NE(states["pending"].find("Mn"), std::string::npos);
  EXPECT_NE(states["proposed"].find("Na"), std::string::npos);
  std::int64_t shown = 0;
  for (const Json& row : map.body["density"]["counts"]) {
    for (const Json& cell : row) shown += cell.get<std::int64_t>();
  }
  EXPECT_EQ(shown, map.body["sampled"]);
  ASSERT_EQ(map.body["axes"].size(), 2u);
  EXPECT_EQ(map.body["axes"][0]["descriptors"].size(), 3u);
  EXPECT_GE(map.body["axes"][0]["share"], map.body["axes"][1]["share"]);
  EXPECT_EQ(server.get("/v1/campaigns/ocm/coverage?property=other").status, 404);

  const std::string id = first["id"];
  const Json why = server.get("/v1/campaigns/ocm/explanation?proposal=" + id).body;
  EXPECT_EQ(why["model"], nullptr) << "a person asked for it";
  EXPECT_TRUE(why["neighbours"].empty());
  EXPECT_EQ(server.get("/v1/campaigns/ocm/explanation?proposal=other").status, 404);
}

TEST_F(Dashboard, AWorksheetComesBackAsItIs) {
  apply(kTwoTargets);
  const Json proposal =
      server
          .post("/v1/campaigns/ocm/proposals",
                {{"catalyst", {{"amounts", {{"Mn", 2}, {"W", 1}}}, {"support", "SiO2"}}},
                 {"reason", "test"}})
          .body;
  const std::string sheet =
      "/v1/campaigns/ocm/worksheet?batch=" + proposal["batch"].get<std::string>();
  const auto text = server.get(sheet);
  ASSERT_EQ(text.status, 200) << text.raw.body;
  EXPECT_EQ(text.raw.field("Content-Type"), "text/csv; charset=utf-8");
  EXPECT_NE(text.raw.field("Content-Disposition").find(".csv"), std::string::npos);
  const std::string id = proposal["id"];
  EXPECT_EQ(text.raw.body, "proposal,channel,sample,Mn,W,Support,conversion,selectivity\n" + id +
                               ",1,,2,1,SiO2,,\n");
  std::string filled = text.raw.body;
  filled.replace(filled.rfind(",,"), 2, ",31.5,60");
  const auto taken =
      server.ask("POST", "/v1/campaigns/ocm/measurements?source=ada", filled, "", "text/csv");
  ASSERT_EQ(taken.status, 200) << taken.raw.body;
  EXPECT_EQ(taken.body["accepted"], 1) << taken.raw.body;
  EXPECT_EQ(server.get("/v1/proposals/" + id).body["state"], "SUCCEEDED");

  const auto workbook = server.get(sheet + "&format=xlsx");
  ASSERT_EQ(workbook.status, 200);
  EXPECT_EQ(workbook.raw.body.substr(0, 2), "PK");
  EXPECT_EQ(server.get(sheet + "&format=pdf").status, 400);
  EXPECT_EQ(server.get("/v1/campaigns/ocm/worksheet?batch=other").status, 404);
}

TEST_F(Dashboard, NewestMeasurementsComeFirstPageByPage) {
  apply(kTwoTargets);
  for (int run = 0; run < 7; ++run) {
    const Json row = {{"catalyst", {{"slots", {"Li", "K", "none"}}, {"support", "MgO"}}},
                      {"channel", "1"},
                      {"sequence", 1},
                      {"values", {{"conversion", run}}}};
    const Json rows = Json::array({row});
    ASSERT_EQ(server
                  .post("/v1/campaigns/ocm/measurements",
                        {{"source", "rig"}, {"run", std::to_string(run)}, {"rows", rows}})
                  .status,
              200);
  }
  std::vector<double> seen;
  std::string token;
  for (int page = 0; page < 10; ++page) {
    const Json body = server.get("/v1/campaigns/ocm/measurements?newest=true&limit=3" + token).body;
    for (const Json& item : body["measurements"]) seen.push_back(item["value"]);
    if (body["next_page_token"].is_null()) break;
    token = "&page_token=" + body["next_page_token"].get<std::string>();
  }
  EXPECT_EQ(seen, (std::vector<double>{6, 5, 4, 3, 2, 1, 0}));
}

TEST_F(Dashboard, ATableIsReadColumnByColumnAndDrafted) {
  const std::string table =
      "M1,M2,Support,C2 yield,note\nLi,Mn,MgO,8.2,a\nK,W,SiO2,7.1,b\nXq,W,SiO2,5,c\n";
  const auto read = server.ask("POST", "/v1/tables:read?target=C2%20yield&file_name=own.csv", table,
                               "", "text/csv");
  ASSERT_EQ(read.status, 200) << read.raw.body;
  EXPECT_EQ(read.body["rows"], 3);
  EXPECT_EQ(read.body["shape"], "slots");
  ASSERT_EQ(read.body["columns"].size(), 5u);
  EXPECT_EQ(read.body["columns"][0]["use"], "slot");
  EXPECT_EQ(read.body["columns"][0]["problems"], 1);
  EXPECT_EQ(read.body["columns"][3]["content"], "numbers");
  ASSERT_EQ(read.body["problems_total"], 1);
  EXPECT_EQ(read.body["problems"][0]["line"], 4);
  EXPECT_EQ(read.body["problems"][0]["column"], "M1");
  EXPECT_EQ(read.body["problems"][0]["value"], "Xq");

  const std::string query = "?target=C2%20yield&name=own&unit=%25&goal=maximize&batch=4";
  EXPECT_EQ(server.ask("POST", "/v1/campaigns:draft" + query, table, "", "text/csv").status, 400);
  const std::string right = table.substr(0, table.find("Xq"));
  const auto draft = server.ask("POST", "/v1/campaigns:draft" + query, right, "", "text/csv");
  ASSERT_EQ(draft.status, 200) << draft.raw.body;
  EXPECT_GT(draft.body["space_size"], 0);
  const std::string text = draft.body["text"];
  EXPECT_EQ(server.ask("POST", "/v1/campaigns", text, "", "application/toml").status, 201) << text;
}

// A table that a delivery reads can be looked at before: the same options, told in the same way.
TEST_F(Dashboard, ATableIsLookedAtAsADeliveryReadsIt) {
  const std::string table =
      "M1,Support,\"yield, total\",\"bed, upper\"\n"
      "Li,MgO,8.2,1\n,,7.1,2\nK,SiO2,n.m.,\xB5m\n";
  const std::string named = "?target=%22yield,%20total%22&ignore=%22bed,%20upper%22";
  const auto plain =
      server.ask("POST", "/v1/tables:read" + named + "&encoding=cp1252", table, "", "text/csv");
  ASSERT_EQ(plain.status, 200) << plain.raw.body;
  EXPECT_EQ(plain.body["encoding"], "cp1252");
  EXPECT_GT(plain.body["problems_total"], 0) << "blank cells, and a word that is no number";
  const auto told = server.ask(
      "POST", "/v1/tables:read" + named + "&encoding=cp1252&fill_down=M1,Support&null=n.m.", table,
      "", "text/csv");
  ASSERT_EQ(told.status, 200) << told.raw.body;
  EXPECT_EQ(told.body["problems_total"], 0) << told.raw.body;
  EXPECT_EQ(told.body["columns"][3]["content"], "text") << told.raw.body;
  EXPECT_EQ(server.ask("POST", "/v1/tables:read?name_amounts=g", table, "", "text/csv").status,
            400);

  const auto draft =
      server.ask("POST",
                 "/v1/campaigns:draft" + named +
                     "&name=own&unit=%25&encoding=cp1252&fill_down=M1,Support&null=n.m.",
                 table.substr(0, table.find("K,")) + "K,SiO2,5,\xB5m\n", "", "text/csv");
  EXPECT_EQ(draft.status, 200) << draft.raw.body;
}

TEST_F(Dashboard, ADraftHasOneTarget) {
  const std::string table = "M1,M2,y,z\nLi,Mn,8.2,1\nK,W,7.1,2\n";
  for (const char* target : {"", "&target=", "&target=%EF%BB%BF", "&target=y,z", "&target=,"}) {
    const auto draft = server.ask("POST", std::string("/v1/campaigns:draft?name=own") + target,
                                  table, "", "text/csv");
    EXPECT_EQ(draft.status, 400) << target << draft.raw.body;
  }
  EXPECT_EQ(server.get("/healthz").status, 200);
}

TEST_F(Dashboard, AFileNameCannotWriteIntoADraft) {
  const auto draft = server.ask(
      "POST",
      "/v1/campaigns:draft?target=y&name=own&unit=&goal=maximize&file_name=a%0A%5Bwebhooks%5D",
      "M1,M2,y\nLi,Mn,8.2\nK,W,7.1\n", "", "text/csv");
  ASSERT_EQ(draft.status, 200) << draft.raw.body;
  EXPECT_EQ(draft.body["text"].get<std::string>().rfind("# Drafted from a [webhooks]", 0), 0u);
}

}  // namespace
}  // namespace kasetsu::http
