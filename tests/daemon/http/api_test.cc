// The API end to end over real sockets and the real store: what a robot and a scientist do with it.
#include <gtest/gtest.h>

#include <set>
#include <thread>

#include "tests/daemon/http/api_server.h"

namespace kasetsu::http {
namespace {

const char* kCampaign = R"(format = 1
name = "ocm"
[[targets]]
name = "C2_yield"
unit = "%"
goal = "maximize"
plausible = [0, 100]
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

Json row(std::vector<std::string> slots, double value, int channel) {
  return {{"catalyst", {{"slots", std::move(slots)}, {"support", "MgO"}}},
          {"channel", std::to_string(channel)},
          {"sequence", channel},
          {"values", {{"C2_yield", value}}}};
}

Json delivery(const std::string& run, std::vector<Json> rows) {
  return {{"source", "rig"}, {"run", run}, {"rows", std::move(rows)}};
}

class Api_ : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto applied = server.ask("POST", "/v1/campaigns", kCampaign, "", "application/toml");
    ASSERT_EQ(applied.status, 201) << applied.raw.body;
    ASSERT_EQ(applied.body["state"], "ACTIVE");
  }
  static ServerOptions quick() {
    ServerOptions options;
    options.refusal_delay = std::chrono::milliseconds(0);
    return options;
  }
  ApiServer server{quick()};
};

TEST_F(Api_, DescriptionAndRoutesAgree) {
  const auto document = server.get("/openapi.json");
  ASSERT_EQ(document.status, 200);
  EXPECT_EQ(document.body["openapi"], "3.1.0");
  std::set<std::string> described, routed, ids;
  for (const auto& [path, methods] : document.body["paths"].items()) {
    for (const auto& [method, operation] : methods.items()) {
      std::string upper = method;
      for (char& c : upper) c = static_cast<char>(std::toupper(c));
      std::string line = upper + " " + path + " " + operation["x-scope"].get<std::string>();
      if (operation.contains("requestBody")) {
        for (const auto& [type, content] : operation["requestBody"]["content"].items()) {
          line += " " + type;
        }
      }
      described.insert(line);
      EXPECT_TRUE(ids.insert(operation["operationId"].get<std::string>()).second) << line;
      EXPECT_TRUE(operation["responses"].contains("default")) << line;
    }
  }
  for (const Route& route : server.server().router().routes()) {
    std::string line =
        route.method + " " + route.pattern + " " + std::string(to_string(route.scope));
    std::set<std::string> types(route.consumes.begin(), route.consumes.end());
    for (const std::string& type : types) line += " " + type;
    routed.insert(line);
  }
  EXPECT_EQ(described, routed);
  // Every reference leads somewhere.
  const std::string text = document.raw.body;
  for (std::size_t at = 0; (at = text.find("\"#/", at)) != std::string::npos; ++at) {
    const auto end = text.find('"', at + 1);
    const nlohmann::json::json_pointer pointer(text.substr(at + 2, end - at - 2));
    EXPECT_TRUE(document.body.contains(pointer)) << pointer.to_string();
  }
  EXPECT_EQ(
      server.get("/openapi.json", "If-None-Match: " + document.raw.field("ETag") + "\r\n").status,
      304);
}

// Texts that are nothing to one reader and something to another one.
TEST_F(Api_, NoValueOfAParameterEndsTheDaemon) {
  const Json document = server.get("/openapi.json").body;
  const std::string table = "M1,M2,M3,Support,C2_yield\nLi,K,none,MgO,8.5\n";
  const auto ask = [&](const std::string& method, const std::string& path, const Json& operation,
                       const std::string& query) {
    std::string type, body;
    if (operation.contains("requestBody")) {
      const Json& types = operation["requestBody"]["content"];
      type = types.contains("text/csv") ? "text/csv" : "application/json";
      body = type == "text/csv" ? table : "{}";
    }
    const auto answer = server.ask(method, path + query, body, "", type);
    EXPECT_LT(answer.status, 500) << method << " " << path << query << "\n" << answer.raw.body;
  };
  std::size_t asked = 0;
  for (const auto& [pattern, methods] : document["paths"].items()) {
    std::string path = pattern;
    for (std::size_t at = 0; (at = path.find('{')) != std::string::npos;) {
      const auto end = path.find('}', at);
      const bool campaign = pattern.starts_with("/v1/campaigns/") && at == 14;
      path.replace(at, end + 1 - at, campaign ? "ocm" : "1");
    }
    for (const auto& [method, operation] : methods.items()) {
      std::string upper = method;
      for (char& c : upper) c = static_cast<char>(std::toupper(c));
      ask(upper, path, operation, "");
      for (const Json& parameter : operation.value("parameters", Json::array())) {
        if (parameter.value("in", "") != "query" || parameter["name"] == "wait_s") continue;
        for (const char* value : {"", "%EF%BB%BF", "%EF%BB%BF%0A", "%20", "%0A", "%00", "%22",
                                  "%22%22", ",", "-1", "nan", "%EF%BB%BF%22", "C2_yield"}) {
          const std::string told = parameter["name"].get<std::string>() + "=" + value;
          ask(upper, path, operation, "?" + told);
          // Beside what is needed to come as far as the table.
          if (path.ends_with("/measurements") && upper == "POST" && !told.starts_with("source"))
            ask(upper, path, operation, "?source=a&dry_run=true&" + told);
          if (path.ends_with(":draft") && !told.starts_with("target"))
            ask(upper, path, operation, "?target=C2_yield&" + told);
          ++asked;
        }
      }
    }
  }
  EXPECT_GT(asked, 500U);
}

TEST_F(Api_, AnIdempotencyKeyBelongsToItsToken) {
  server.test_server().on_network([&] {
    server.server().set_authenticator(
        [](const Request& request) -> std::variant<Principal, Response> {
          return Principal{request.authorization,
                           {Scope::read, Scope::results, Scope::campaigns, Scope::admin}};
        });
  });
  const auto apply = [&](const std::string& token) {
    return server.ask("POST", "/v1/campaigns", file_text("config/campaigns/ocm.toml"),
                      "Idempotency-Key: k\r\nAuthorization: " + token + "\r\n", "application/toml");
  };
  EXPECT_EQ(apply("alice").raw.field("Idempotent-Replayed"), "");
  EXPECT_EQ(apply("alice").raw.field("Idempotent-Replayed"), "true");
  EXPECT_EQ(apply("bob").raw.field("Idempotent-Replayed"), "");
}

TEST_F(Api_, WhatPeopleSayHoldsNoControlCharacters) {
  const std::string stop = "/v1/campaigns/ocm:stop";
  for (const char* text : {"x\x1B[31m", "a\nb", "\x7F", "a\rb", "\u009b31m", "\u202egnp.exe",
                           "a\u200bb", "\u2066a", "\ufeffa"}) {
    const auto refused = server.post(stop, {{"reason", text}});
    EXPECT_EQ(refused.status, 400) << refused.raw.body;
    EXPECT_EQ(refused.raw.body.find('\x1B'), std::string::npos);
  }
  EXPECT_EQ(server.post(stop, {{"reason", "Budget is used – schön, 予算 “€ 5” ⁂ ﷼"}}).status, 200);
}

TEST_F(Api_, ALeaseOfAnotherClientIsCancelledByWhoRunsTheCampaignAlone) {
  server.test_server().on_network([&] {
    server.server().set_authenticator(
        [](const Request& request) -> std::variant<Principal, Response> {
          Principal who{request.authorization, {Scope::read, Scope::results}};
          if (request.authorization == "lead") who.scopes.push_back(Scope::campaigns);
          return who;
        });
  });
  const auto as = [&](const std::string& token, const std::string& path, const Json& body) {
    return server.post(path, body, "Authorization: " + token + "\r\n");
  };
  const auto made =
      as("rig-a", "/v1/campaigns/ocm/proposals",
         {{"catalyst", {{"slots", {"Li", "K", "none"}}, {"support", "MgO"}}}, {"reason", "x"}});
  ASSERT_EQ(made.status, 201) << made.raw.body;
  const std::string path = "/v1/proposals/" + made.body["id"].get<std::string>();
  ASSERT_EQ(as("rig-a", path + ":claim", Json::object()).status, 200);
  EXPECT_EQ(as("rig-b", path + ":cancel", {{"reason", "x"}}).status, 409);
  EXPECT_EQ(as("lead", path + ":cancel", {{"reason", "x"}}).body["state"], "CANCELLED");
}

TEST_F(Api_, EveryRouteAsksForItsScopeAndNothingElseOpens) {
  std::string allowed;
  server.test_server().on_network([&] {
    server.server().set_authenticator(
        [&allowed](const Request& request) -> std::variant<Principal, Response> {
          if (request.authorization.empty()) {
            Response refusal;
            refusal.status = 401;
            return refusal;
          }
          Principal principal{"tester", {}};
          for (const Scope scope : {Scope::read, Scope::results, Scope::campaigns, Scope::admin}) {
            if (request.authorization == to_string(scope)) principal.scopes = {scope};
          }
          return principal;
        });
  });
  std::size_t guarded = 0;
  for (const Route& route : server.server().router().routes()) {
    std::string path = route.pattern;
    for (std::size_t open; (open = path.find('{')) != std::string::npos;) {
      path.replace(open, path.find('}') - open + 1, "x");
    }
    SCOPED_TRACE(route.method + " " + path);
    const int bare = server.ask(route.method, path).status;
    if (route.scope == Scope::open) {
      EXPECT_TRUE(bare != 401 && bare != 403) << bare;
      continue;
    }
    ++guarded;
    EXPECT_EQ(bare, 401);
    for (const Scope scope : {Scope::read, Scope::results, Scope::campaigns, Scope::admin}) {
      const int status =
          server.ask(route.method, path, "", fmt::format("Authorization: {}\r\n", to_string(scope)))
              .status;
      if (scope == route.scope) {
        EXPECT_NE(status, 401);
        EXPECT_NE(status, 403);
      } else {
        EXPECT_EQ(status, 403) << to_string(scope);
      }
    }
  }
  EXPECT_GT(guarded, 40u);
}

TEST_F(Api_, CampaignsAreAppliedSteeredAndKeptVerbatim) {
  const auto again = server.ask("POST", "/v1/campaigns", kCampaign, "", "application/toml");
  EXPECT_EQ(again.status, 200);
  EXPECT_EQ(again.body["outcome"], "unchanged");
  const auto shown = server.get("/v1/campaigns/ocm");
  EXPECT_EQ(shown.status, 200);
  EXPECT_EQ(shown.body["properties"][0]["name"], "C2_yield");
  EXPECT_EQ(shown.body["measurements"], 0);
  const std::string tag = shown.raw.field("ETag");
  EXPECT_EQ(tag, "\"1\"");

  const std::string changed = std::string(kCampaign) + "\n# a remark\n";
  EXPECT_EQ(server.ask("POST", "/v1/campaigns", changed, "If-Match: \"7\"\r\n", "application/toml")
                .status,
            412);
  const auto updated =
      server.ask("POST", "/v1/campaigns", changed, "If-Match: " + tag + "\r\n", "application/toml");
  EXPECT_EQ(updated.status, 200);
  EXPECT_EQ(updated.body["outcome"], "updated");
  const auto configs = server.get("/v1/campaigns/ocm/configs");
  EXPECT_EQ(configs.body["configs"].size(), 2u);
  EXPECT_EQ(server.get("/v1/campaigns/ocm/configs/1").body["text"], kCampaign);
  EXPECT_EQ(server.get("/v1/campaigns/ocm/configs/2").body["text"], changed);
  EXPECT_EQ(server.get("/v1/campaigns/ocm/configs/3").status, 404);

  EXPECT_EQ(server.post("/v1/campaigns/ocm:pause", {{"reason", "holiday"}}).body["state"],
            "PAUSED");
  EXPECT_EQ(server.post("/v1/campaigns/ocm:pause").status, 200);
  EXPECT_EQ(server.post("/v1/campaigns/ocm:resume").body["state"], "ACTIVE");
  EXPECT_EQ(server.post("/v1/campaigns/ocm:stop", {{"reason", "done"}}).body["state"], "STOPPED");
  EXPECT_EQ(server.post("/v1/campaigns/ocm:resume").status, 409);
  EXPECT_EQ(server.post("/v1/campaigns/none:pause").status, 404);
  EXPECT_EQ(server.get("/v1/campaigns").body["campaigns"].size(), 1u);
}

TEST_F(Api_, AWrongCampaignFileIsExplainedAndChangesNothing) {
  std::string wrong = kCampaign;
  wrong.replace(wrong.find("batch"), 5, "bach_");
  const auto refused = server.ask("POST", "/v1/campaigns", wrong, "", "application/toml");
  EXPECT_EQ(refused.status, 400);
  EXPECT_EQ(refused.raw.field("Content-Type"), "application/problem+json");
  EXPECT_NE(refused.body["detail"].get<std::string>().find("bach_"), std::string::npos);
  const auto checked = server.ask("POST", "/v1/campaigns:validate", wrong, "", "application/toml");
  EXPECT_EQ(checked.status, 400);
  std::string other = kCampaign;
  other.replace(other.find("\"ocm\""), 5, "\"two\"");
  const auto right = server.ask("POST", "/v1/campaigns:validate", other, "", "application/toml");
  EXPECT_EQ(right.status, 200);
  EXPECT_EQ(right.body["name"], "two");
  EXPECT_EQ(server.get("/v1/campaigns").body["campaigns"].size(), 1u);
}

TEST_F(Api_, ADeliveryHasOneEffectHoweverOftenItComes) {
  const Json body =
      delivery("r1", {row({"Li", "K", "none"}, 8.2, 1), row({"Mn", "Na", "W"}, 17, 2)});
  const auto first = server.post("/v1/campaigns/ocm/measurements", body, "Idempotency-Key: k1\r\n");
  ASSERT_EQ(first.status, 200) << first.raw.body;
  EXPECT_EQ(first.body["accepted"], 2);
  EXPECT_EQ(first.body["rows"][1]["verdict"], "accepted");
  for (const char* key : {"Idempotency-Key: k1\r\n", "", "Idempotency-Key: k2\r\n"}) {
    const auto again = server.post("/v1/campaigns/ocm/measurements", body, key);
    EXPECT_EQ(again.status, 200) << key << again.raw.body;
    EXPECT_EQ(again.body["rows"][0]["verdict"], "duplicate") << key;
  }
  Json other = body;
  other["rows"][0]["values"]["C2_yield"] = 9.0;
  EXPECT_EQ(server.post("/v1/campaigns/ocm/measurements", other, "Idempotency-Key: k1\r\n").status,
            422);
  const auto list = server.get("/v1/campaigns/ocm/measurements");
  EXPECT_EQ(list.body["measurements"].size(), 2u);
  EXPECT_EQ(list.body["measurements"][0]["value"], 8.2);
  const auto ingest = server.get("/v1/ingests/" + first.body["ingest"].get<std::string>());
  EXPECT_EQ(ingest.body["accepted"], 2);
  const auto bytes =
      server.get("/v1/ingests/" + first.body["ingest"].get<std::string>() + "/content");
  EXPECT_EQ(bytes.raw.body, body.dump());
}

TEST_F(Api_, TablesAndLinesAreTakenToo) {
  const auto csv =
      server.ask("POST", "/v1/campaigns/ocm/measurements?source=rig&run=t1",
                 "M1,M2,M3,Support,C2_yield\nLi,K,none,MgO,8.5\nMn,Na,W,SiO2,18\n", "", "text/csv");
  ASSERT_EQ(csv.status, 200) << csv.raw.body;
  EXPECT_EQ(csv.body["accepted"], 2);
  const std::string lines = Json(row({"Li", "Li", "none"}, 3.0, 1)).dump() + "\n" +
                            row({"K", "K", "none"}, 2.0, 2).dump() + "\n";
  const auto ndjson = server.ask("POST", "/v1/campaigns/ocm/measurements?source=rig&run=t2", lines,
                                 "", "application/x-ndjson");
  ASSERT_EQ(ndjson.status, 200) << ndjson.raw.body;
  EXPECT_EQ(ndjson.body["accepted"], 2);
  const auto wrong = server.ask("POST", "/v1/campaigns/ocm/measurements?source=rig",
                                "M1,M2,M3,Support,C2_yeild\nLi,K,none,MgO,8.5\n", "", "text/csv");
  EXPECT_EQ(wrong.status, 400);
  EXPECT_EQ(server
                .ask("POST", "/v1/campaigns/ocm/measurements?sorce=rig", lines, "",
                     "application/x-ndjson")
                .status,
            400);
  const auto table = server.get("/v1/campaigns/ocm/measurements", "Accept: text/csv\r\n");
  EXPECT_EQ(table.raw.field("Content-Type"), "text/csv; charset=utf-8");
  EXPECT_EQ(std::count(table.raw.body.begin(), table.raw.body.end(), '\n'), 5);
}

// To one reader of text it is a character, to another one nothing.
TEST_F(Api_, AListOfNothingNamesNoColumns) {
  const std::string table = "M1,M2,M3,Support,C2_yield\nLi,K,none,MgO,8.5\n";
  for (const char* parameter : {"ignore", "fill_down", "null", "target", "condition"}) {
    for (const char* nothing :
         {"", "%EF%BB%BF", "%EF%BB%BF%0A", "%EF%BB%BF%0D%0A%0A", "%20", "%0A"}) {
      const std::string query = fmt::format("?{}={}", parameter, nothing);
      const bool of_look = std::string_view("targetcondition").find(parameter) != std::string::npos;
      if (!of_look) {
        const auto taken =
            server.ask("POST", "/v1/campaigns/ocm/measurements" + query + "&source=a&dry_run=true",
                       table, "", "text/csv");
        EXPECT_EQ(taken.status, 200) << query << taken.raw.body;
        EXPECT_EQ(taken.body["accepted"], 1) << query;
      }
      const auto read = server.ask("POST", "/v1/tables:read" + query, table, "", "text/csv");
      EXPECT_EQ(read.status, 200) << query << read.raw.body;
      EXPECT_EQ(read.body["problems_total"], 0) << query << read.raw.body;
    }
  }
  EXPECT_EQ(server
                .ask("POST", "/v1/campaigns/ocm/measurements?source=a&ignore=a%0Ab", table, "",
                     "text/csv")
                .status,
            400)
      << "a second line of names would be dropped";
  EXPECT_EQ(server.get("/healthz").status, 200);
}

TEST_F(Api_, BadRowsWaitInQuarantineAndAreMended) {
  Json bad = row({"Xx", "K", "none"}, 1.0, 1);
  const auto answer = server.post("/v1/campaigns/ocm/measurements",
                                  delivery("q", {bad, row({"Li", "K", "W"}, 5, 2)}));
  ASSERT_EQ(answer.status, 200) << answer.raw.body;
  EXPECT_EQ(answer.body["rows"][0]["verdict"], "quarantined");
  EXPECT_NE(answer.body["rows"][0]["reason"].get<std::string>().find("Xx"), std::string::npos);
  EXPECT_EQ(answer.body["rows"][1]["verdict"], "accepted");
  const auto waiting = server.get("/v1/campaigns/ocm/quarantine?state=waiting");
  ASSERT_EQ(waiting.body["quarantine"].size(), 1u);
  const std::string id = waiting.body["quarantine"][0]["id"];
  EXPECT_EQ(server.post("/v1/quarantine/" + id + ":readmit").status, 400);
  const auto mended = server.post("/v1/quarantine/" + id + ":readmit",
                                  {{"row", row({"Mn", "K", "none"}, 1.0, 1)}, {"remark", "typo"}});
  EXPECT_EQ(mended.status, 200) << mended.raw.body;
  EXPECT_EQ(server.post("/v1/quarantine/" + id + ":discard", {{"reason", "late"}}).status, 409);
  EXPECT_EQ(server.get("/v1/campaigns/ocm/measurements").body["measurements"].size(), 2u);

  const auto whole = server.post("/v1/campaigns/ocm/measurements?whole=true",
                                 delivery("w", {bad, row({"Li", "K", "Na"}, 5, 9)}));
  EXPECT_EQ(whole.status, 400);
  EXPECT_EQ(server.get("/v1/campaigns/ocm/measurements").body["measurements"].size(), 2u);
}

TEST_F(Api_, CorrectionsAreRevisions) {
  const auto posted =
      server.post("/v1/campaigns/ocm/measurements", delivery("c", {row({"Li", "K", "W"}, 80, 1)}));
  const std::string id = posted.body["rows"][0]["measurement"];
  EXPECT_EQ(server.post("/v1/measurements/" + id + ":supersede", {{"value", 8.0}}).status, 400);
  const auto revised = server.post("/v1/measurements/" + id + ":supersede",
                                   {{"value", 8.0}, {"reason", "decimal point"}});
  ASSERT_EQ(revised.status, 201) << revised.raw.body;
  EXPECT_EQ(revised.body["supersedes"], id);
  EXPECT_EQ(server.get("/v1/measurements/" + id).body["superseded_by"], revised.body["id"]);
  EXPECT_EQ(server.post("/v1/measurements/" + id + ":retract", {{"reason", "x"}}).status, 409);
  const std::string next = revised.body["id"];
  EXPECT_EQ(
      server.post("/v1/measurements/" + next + ":exclude", {{"reason", "leak"}}).body["excluded"],
      true);
  EXPECT_EQ(server.post("/v1/measurements/" + next + ":include", {{"reason", "no leak"}})
                .body["excluded"],
            false);
  EXPECT_EQ(server
                .post("/v1/measurements/" + next + ":retract",
                      {{"reason", "broken tube"}, {"person", "Mika"}})
                .body["person"],
            "Mika");
  EXPECT_EQ(server.get("/v1/campaigns/ocm/measurements?live=true").body["measurements"].size(), 0u);
  EXPECT_EQ(server.get("/v1/campaigns/ocm/measurements").body["measurements"].size(), 2u);
}

TEST_F(Api_, ProposalsAreLeasedMeasuredAndFinished) {
  const auto made = server.post("/v1/campaigns/ocm/proposals",
                                {{"catalyst", {{"slots", {"Mn", "Na", "W"}}, {"support", "SiO2"}}},
                                 {"reason", "the classic"}},
                                "Idempotency-Key: p1\r\n");
  ASSERT_EQ(made.status, 201) << made.raw.body;
  const std::string id = made.body["id"];
  EXPECT_EQ(made.raw.field("Location"), "/v1/proposals/" + id);
  EXPECT_EQ(made.body["catalyst"]["amounts"]["Mn"], 1.0);
  EXPECT_EQ(made.body["catalyst"]["support"], "SiO2");
  const auto replayed =
      server.post("/v1/campaigns/ocm/proposals",
                  {{"catalyst", {{"slots", {"Mn", "Na", "W"}}, {"support", "SiO2"}}},
                   {"reason", "the classic"}},
                  "Idempotency-Key: p1\r\n");
  EXPECT_EQ(replayed.body["id"], id);
  EXPECT_EQ(replayed.raw.field("Idempotent-Replayed"), "true");

  EXPECT_EQ(server.get("/v1/campaigns/ocm/proposals?state=REQUESTED").body["proposals"].size(), 1u);
  EXPECT_EQ(server.get("/v1/campaigns/ocm/proposals?state=requested_").status, 400);
  const auto taken =
      server.post("/v1/campaigns/ocm:recommend", {{"batch_size", 3}, {"client", "robot-1"}});
  EXPECT_EQ(taken.status, 200);
  EXPECT_EQ(taken.body["proposals"][0]["state"], "ACTIVE");
  EXPECT_EQ(taken.body["proposals"][0]["client"], "robot-1");
  const auto other = server.post("/v1/proposals/" + id + ":claim", {{"client", "robot-2"}});
  EXPECT_EQ(other.status, 409);
  EXPECT_NE(other.body["detail"].get<std::string>().find("robot-1"), std::string::npos);
  EXPECT_EQ(
      server.post("/v1/proposals/" + id + ":heartbeat", {{"client", "robot-1"}, {"lease_s", 60}})
          .status,
      200);
  EXPECT_EQ(
      server.post("/v1/proposals/" + id + ":claim", {{"client", "robot-1"}, {"lease_s", 0}}).status,
      400);
  EXPECT_EQ(server.post("/v1/proposals/" + id + ":claim", {{"cleint", "robot-1"}}).status, 400);
  const Json answer = {
      {"source", "rig"},
      {"run", "p"},
      {"rows", {{{"proposal", id}, {"channel", "1"}, {"values", {{"C2_yield", 18.5}}}}}}};
  EXPECT_EQ(server.post("/v1/campaigns/ocm/measurements", answer).status, 200);
  EXPECT_EQ(server.get("/v1/proposals/" + id).body["state"], "SUCCEEDED");
  EXPECT_EQ(server.post("/v1/proposals/" + id + ":cancel", {{"reason", "x"}}).status, 409);
}

TEST_F(Api_, WithNothingToOfferPlanningIsScheduledOnce) {
  const auto first = server.post("/v1/campaigns/ocm:recommend", {{"batch_size", 4}});
  ASSERT_EQ(first.status, 202) << first.raw.body;
  const std::string job = first.body["job"]["id"];
  EXPECT_EQ(first.raw.field("Location"), "/v1/jobs/" + job);
  EXPECT_EQ(server.post("/v1/campaigns/ocm:recommend", {{"client", "r"}}).body["job"]["id"], job);
  EXPECT_EQ(server.get("/v1/jobs/" + job).body["state"], "SCHEDULED");
  EXPECT_EQ(server.get("/v1/jobs/" + job).body["campaign"], "ocm");
  EXPECT_EQ(server.get("/v1/jobs?state=SCHEDULED&campaign=ocm").body["jobs"].size(), 1u);
  EXPECT_EQ(server.post("/v1/jobs/" + job + ":cancel").body["state"], "CANCELLED");
  EXPECT_EQ(server.post("/v1/campaigns/ocm:recommend", {{"batch_size", 0}}).status, 400);
  const auto retrain = server.post("/v1/campaigns/ocm:retrain");
  EXPECT_EQ(retrain.status, 202);
  EXPECT_EQ(retrain.body["job"]["kind"], "retrain");
  EXPECT_EQ(server.get("/v1/campaigns/ocm/models").body["models"].size(), 0u);
  EXPECT_EQ(server.get("/v1/campaigns/ocm/models/current").status, 404);
  EXPECT_EQ(server.get("/v1/campaigns/ocm/ledger").body["ledger"].size(), 0u);
  EXPECT_EQ(server.get("/v1/campaigns/ocm/batches").body["batches"].size(), 0u);
}

TEST_F(Api_, ABatchWithoutASizeIsAsLargeAsTheCampaignSays) {
  for (const char* name : {"Li/MgO", "K/MgO", "Mn/MgO", "Na/MgO", "W/MgO", "Li/SiO2", "K/SiO2"}) {
    const auto made =
        server.post("/v1/campaigns/ocm/proposals", {{"catalyst", name}, {"reason", "to see"}});
    ASSERT_EQ(made.status, 201) << made.raw.body;
  }
  const auto got =
      server.post("/v1/campaigns/ocm:recommend", {{"batch_size", nullptr}, {"client", "robot"}});
  ASSERT_EQ(got.status, 200) << got.raw.body;
  EXPECT_EQ(got.body["proposals"].size(), 5u) << got.raw.body;
}

TEST_F(Api_, PagesHoldEverythingOnce) {
  std::vector<Json> rows;
  for (int i = 0; i < 25; ++i) rows.push_back(row({"Li", "K", "W"}, i, i));
  ASSERT_EQ(server.post("/v1/campaigns/ocm/measurements", delivery("pages", rows)).status, 200);
  std::set<std::string> ids;
  std::string token = "0";
  int pages = 0;
  for (;;) {
    const auto page =
        server.get("/v1/campaigns/ocm/measurements?limit=10&page_token=" + token).body;
    for (const Json& item : page["measurements"]) {
      EXPECT_TRUE(ids.insert(item["id"].get<std::string>()).second);
    }
    ++pages;
    if (page["next_page_token"].is_null()) break;
    token = page["next_page_token"].get<std::string>();
  }
  EXPECT_EQ(ids.size(), 25u);
  EXPECT_EQ(pages, 3);
  EXPECT_EQ(server.get("/v1/campaigns/ocm/measurements?limit=0").status, 400);
  EXPECT_EQ(server.get("/v1/campaigns/ocm/measurements?page_token=abc").status, 400);
}

// No model can foretell it or learn from it: americium stands in no row of the table.
TEST_F(Api_, AProposalOfAnElementThatTheTableLacksIsRefused) {
  const auto refused = server.post("/v1/campaigns/ocm/proposals",
                                   {{"catalyst", "Am/SiO2"}, {"reason", "curiosity"}});
  EXPECT_EQ(refused.status, 400) << refused.raw.body;
  EXPECT_NE(refused.raw.body.find("\"Am\""), std::string::npos) << refused.raw.body;
  const auto made = server.post("/v1/campaigns/ocm/proposals",
                                {{"catalyst", "Mn/SiO2"}, {"reason", "the classic"}});
  ASSERT_EQ(made.status, 201) << made.raw.body;
  const auto amended =
      server.post("/v1/proposals/" + made.body["id"].get<std::string>() + ":amend",
                  {{"client", "rig"}, {"catalyst", "Am/SiO2"}, {"reason", "it was there"}});
  EXPECT_EQ(amended.status, 400) << amended.raw.body;
}

TEST_F(Api_, UnchangedListsAreCheap) {
  const auto first = server.get("/v1/campaigns/ocm/proposals");
  const std::string tag = first.raw.field("ETag");
  ASSERT_FALSE(tag.empty());
  const std::string condition = "If-None-Match: " + tag + "\r\n";
  EXPECT_EQ(server.get("/v1/campaigns/ocm/proposals", condition).status, 304);
  ASSERT_EQ(
      server.post("/v1/campaigns/ocm/measurements", delivery("e", {row({"Li"}, 1, 1)})).status,
      200);
  EXPECT_EQ(server.get("/v1/campaigns/ocm/proposals", condition).status, 200);
}

TEST_F(Api_, EventsArePolledAwaitedAndStreamed) {
  const auto all = server.get("/v1/events");
  ASSERT_GE(all.body["events"].size(), 1u);
  const std::int64_t last = all.body["last"];
  EXPECT_EQ(server.get(fmt::format("/v1/events?after={}", last)).body["events"].size(), 0u);

  // A poll that waits is answered by the next commit.
  RawClient waiting(server.port());
  waiting.send(ApiServer::request("GET", fmt::format("/v1/events?after={}&wait_s=30", last)));
  RawClient stream(server.port());
  stream.send(ApiServer::request("GET", fmt::format("/v1/events?after={}", last), "",
                                 "Accept: text/event-stream\r\n"));
  ASSERT_TRUE(stream.receive_until("text/event-stream"));
  ASSERT_TRUE(stream.receive_until("retry: 2000"));
  ASSERT_EQ(server.post("/v1/campaigns/ocm:pause").status, 200);
  const Json woken = Json::parse(waiting.receive().body);
  ASSERT_EQ(woken["events"].size(), 1u);
  EXPECT_EQ(woken["events"][0]["object"], "campaign");
  const std::int64_t paused = woken["last"];
  const std::string timeline = woken["timeline"];
  EXPECT_EQ(timeline.size(), 16u);
  EXPECT_EQ(woken["cursor"], fmt::format("{}:{}", timeline, paused));
  EXPECT_TRUE(stream.receive_until(fmt::format("id: {}:{}\ndata: ", timeline, paused)));

  // A stream that broke goes on after the event that it saw last.
  ASSERT_EQ(server.post("/v1/campaigns/ocm:resume").status, 200);
  RawClient resumed(server.port());
  resumed.send(ApiServer::request(
      "GET", "/v1/events", "",
      fmt::format("Accept: text/event-stream\r\nLast-Event-ID: {}:{}\r\n", timeline, paused)));
  EXPECT_TRUE(resumed.receive_until(fmt::format("id: {}:{}\ndata: ", timeline, paused + 1)));
  EXPECT_EQ(server.get("/v1/events?after=0&campaign=other").body["events"].size(), 0u);
  EXPECT_EQ(server.get("/v1/events?wait_s=31").status, 400);
}

// What one reading of the events throws ends neither those who wait nor those who stream.
TEST_F(Api_, EventsGoOnAfterAReadingThatThrew) {
  const std::int64_t last = server.get("/v1/events").body["last"];
  RawClient waiting(server.port());
  waiting.send(ApiServer::request("GET", fmt::format("/v1/events?after={}&wait_s=30", last)));
  RawClient stream(server.port());
  stream.send(ApiServer::request("GET", fmt::format("/v1/events?after={}", last), "",
                                 "Accept: text/event-stream\r\n"));
  ASSERT_TRUE(stream.receive_until("retry: 2000"));
  while (server.server().metrics().connections() < 2)
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  server.reads().fail_reads(1);
  ASSERT_EQ(server.post("/v1/campaigns/ocm:pause").status, 200);
  EXPECT_EQ(Json::parse(waiting.receive().body)["events"].size(), 1u);
  EXPECT_TRUE(stream.receive_until("campaign"));
  EXPECT_EQ(server.reads().reads_left(), 0);
}

// After a restore, event numbers go on where the backup ended.
TEST_F(Api_, ASubscriberOfAnotherTimelineIsTold) {
  const auto all = server.get("/v1/events");
  const std::int64_t last = all.body["last"];
  const std::string here = all.body["cursor"];
  const std::string other = fmt::format("0123456789abcdef:{}", last - 1);
  EXPECT_EQ(server.get("/v1/events?after=" + here).status, 200);
  // A cursor of another timeline, and a number that this one has not come to.
  for (const std::string& after : {other, std::to_string(last + 1), here + "0"}) {
    for (const char* more : {"", "&wait_s=30"}) {
      const auto gone = server.get(fmt::format("/v1/events?after={}{}", after, more));
      EXPECT_EQ(gone.status, 410) << after;
      EXPECT_EQ(gone.body["code"], "timeline_ended");
      EXPECT_NE(gone.body["detail"].get<std::string>().find("after=" + here), std::string::npos);
    }
    // A stream goes on, and begins with an event that tells it.
    RawClient stream(server.port());
    stream.send(ApiServer::request(
        "GET", "/v1/events", "",
        fmt::format("Accept: text/event-stream\r\nLast-Event-ID: {}\r\n", after)));
    EXPECT_TRUE(stream.receive_until(fmt::format("event: reset\nid: {}\ndata: ", here))) << after;
    RawClient asked(server.port());
    asked.send(ApiServer::request("GET", "/v1/events?after=" + after, "",
                                  "Accept: text/event-stream\r\n"));
    EXPECT_TRUE(asked.receive_until("event: reset\n")) << after;
  }
  for (const char* wrong : {"x", "-1", ":", "abc:", "1:2:3", "99999999999999999999"}) {
    EXPECT_EQ(server.get(fmt::format("/v1/events?after={}", wrong)).status, 400) << wrong;
  }
  // What a reader kept is another one's when the numbers come again.
  const std::string timeline = all.body["timeline"];
  EXPECT_NE(server.get("/v1/campaigns")
                .raw.field("ETag")
                .find(fmt::format(":{}:{}:local\"", timeline, last)),
            std::string::npos);
}

TEST_F(Api_, DrainingWakesWhoWaits) {
  const std::int64_t last = server.get("/v1/events").body["last"];
  RawClient waiting(server.port());
  waiting.send(ApiServer::request("GET", fmt::format("/v1/events?after={}&wait_s=30", last)));
  RawClient stream(server.port());
  stream.send(ApiServer::request("GET", "/v1/events", "", "Accept: text/event-stream\r\n"));
  ASSERT_TRUE(stream.receive_until("retry: 2000"));
  server.test_server().drain(std::chrono::seconds(20));
  EXPECT_EQ(waiting.receive().status, 200);
  stream.rest();
}

TEST_F(Api_, HealthReadinessVersionMetricsBackup) {
  EXPECT_EQ(server.get("/healthz").body["status"], "ok");
  EXPECT_EQ(server.get("/readyz").body["ready"], true);
  server.test_server().on_network([&] { server.set_not_ready({"the disk is almost full"}); });
  const auto not_ready = server.get("/readyz");
  EXPECT_EQ(not_ready.status, 503);
  EXPECT_EQ(not_ready.body["reasons"][0], "the disk is almost full");
  EXPECT_EQ(server.get("/version").body["name"], "kasetsud");
  const auto backup = server.post("/v1/admin:backup");
  EXPECT_EQ(backup.status, 201);
  EXPECT_TRUE(std::filesystem::exists(backup.body["path"].get<std::string>()));

  ASSERT_EQ(
      server.post("/v1/campaigns/ocm/measurements", delivery("m", {row({"Li"}, 1, 1)})).status,
      200);
  const std::string text = server.get("/metrics").raw.body;
  EXPECT_NE(text.find("kasetsu_results_total{verdict=\"accepted\"} 1\n"), std::string::npos);
  std::set<std::string> typed;
  std::stringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    ASSERT_FALSE(line.empty());
    if (line.starts_with("# TYPE ")) {
      const std::string name = line.substr(7, line.find(' ', 7) - 7);
      EXPECT_TRUE(typed.insert(name).second) << "typed twice: " << name;
      continue;
    }
    if (line[0] == '#') continue;
    std::string name = line.substr(0, line.find_first_of("{ "));
    for (const char* suffix : {"_bucket", "_sum", "_count"}) {
      if (!typed.contains(name) && name.ends_with(suffix)) {
        name.resize(name.size() - std::string_view(suffix).size());
      }
    }
    EXPECT_TRUE(typed.contains(name)) << line;
    EXPECT_NO_THROW(std::stod(line.substr(line.rfind(' ') + 1))) << line;
  }
}

TEST_F(Api_, WrongBodiesAreRefusedWithTheirPlace) {
  const auto check = [&](const std::string& body, const std::string& expected) {
    const auto answer = server.ask("POST", "/v1/campaigns/ocm/measurements", body);
    EXPECT_EQ(answer.status, 400) << body << answer.raw.body;
    EXPECT_NE(answer.raw.body.find(expected), std::string::npos) << answer.raw.body;
  };
  check("{", "byte");
  check("[]", "object");
  check(R"({"rows": [], "rows": []})", "rows");
  check(R"({"rosw": []})", "rows");
  check(R"({"rows": {}})", "/rows");
  check("{\"rows\": " + std::string(100, '[') + std::string(100, ']') + "}", "32");
  check("\"\xff\xfe\"", "");
  EXPECT_EQ(
      server
          .ask("POST", "/v1/campaigns/none/measurements", delivery("x", {row({"Li"}, 1, 1)}).dump())
          .status,
      404);
  EXPECT_EQ(server.ask("POST", "/v1/campaigns/ocm:pause", "[1]").status, 400);
  EXPECT_EQ(server.ask("POST", "/v1/campaigns/ocm:pause", R"({"reson": "x"})").status, 400);
}

TEST_F(Api_, ManyClientsAtOnceEachGetTheirOwnAnswer) {
  constexpr int kClients = 8, kRequests = 40;
  std::vector<std::thread> clients;
  std::atomic<int> accepted{0};
  for (int c = 0; c < kClients; ++c) {
    clients.emplace_back([&, c] {
      RawClient client(server.port());
      for (int i = 0; i < kRequests; ++i) {
        // One value: a client that gets ahead of the others must not be flagged for it.
        const Json body = {{"source", fmt::format("rig-{}", c)},
                           {"run", "load"},
                           {"rows", {row({"Li", "K", "W"}, 5.0, i + 1)}}};
        client.send(ApiServer::request("POST", "/v1/campaigns/ocm/measurements", body.dump()));
        const RawAnswer answer = client.receive();
        const Json json = Json::parse(answer.body, nullptr, false);
        if (answer.status == 200 && json["accepted"] == 1) {
          ++accepted;
        } else {
          ADD_FAILURE() << answer.status << " " << answer.body;
        }
      }
    });
  }
  for (std::thread& client : clients) client.join();
  EXPECT_EQ(accepted, kClients * kRequests);
  EXPECT_EQ(server.get("/v1/campaigns/ocm").body["measurements"], kClients * kRequests);
}

// Each commit is read once for all who wait, and that takes no place of a request.
TEST_F(Api_, ManyStreamsHearOfACommitAndTakeNoPlaceOfARequest) {
  const std::int64_t last = server.get("/v1/events").body["last"];
  std::vector<std::unique_ptr<RawClient>> streams;
  for (int i = 0; i < 300; ++i) {
    streams.push_back(std::make_unique<RawClient>(server.port()));
    streams.back()->send(ApiServer::request("GET", fmt::format("/v1/events?after={}", i % 2 * last),
                                            "", "Accept: text/event-stream\r\n"));
  }
  for (const auto& stream : streams) ASSERT_TRUE(stream->receive_until("retry: 2000"));
  for (int i = 0; i < 10; ++i) {
    const auto taken = server.post("/v1/campaigns/ocm/measurements",
                                   delivery("r" + std::to_string(i), {row({"Li"}, 5.0, i)}));
    EXPECT_EQ(taken.status, 200) << taken.raw.body;
    EXPECT_EQ(server.get("/v1/campaigns").status, 200);
  }
  const std::int64_t end = server.get("/v1/events?limit=1000").body["last"];
  ASSERT_GE(end, last + 10);
  for (const auto& stream : streams) {
    EXPECT_TRUE(stream->receive_until(fmt::format(":{}\ndata: ", end)));
  }
}

TEST_F(Api_, WhoAsksForEventsAfterAPostSeesIt) {
  for (int i = 0; i < 50; ++i) {
    const std::int64_t last = server.get("/v1/events?limit=1000").body["last"];
    ASSERT_EQ(server
                  .post("/v1/campaigns/ocm/measurements",
                        delivery("r" + std::to_string(i), {row({"Li"}, 5.0, i)}))
                  .status,
              200);
    const auto seen = server.get(fmt::format("/v1/events?after={}", last));
    EXPECT_FALSE(seen.body["events"].empty());
    const auto polled = server.get(fmt::format("/v1/events?after={}&wait_s=5", last));
    EXPECT_FALSE(polled.body["events"].empty());
  }
}

// Plans until it is told to stop.
class EndlessPlan {
 public:
  explicit EndlessPlan(ApiServer& server) {
    server.set_plan([this](const Control& control) -> Result<Json> {
      begun = true;
      while (!control.cancelled()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
      ended = true;
      return cancelled_error();
    });
  }
  std::atomic<bool> begun{false}, ended{false};
};

TEST(ApiLimits, APlanEndsInItsTime) {
  ServerOptions options;
  options.plan_time = std::chrono::milliseconds(200);
  ApiServer server(options);
  EndlessPlan plan(server);
  const auto late = server.ask("POST", "/v1/campaigns:plan", kCampaign, "", "application/toml");
  EXPECT_EQ(late.status, 422) << late.raw.body;
  EXPECT_NE(late.raw.body.find("takes longer than the 0.2 s"), std::string::npos) << late.raw.body;
  EXPECT_TRUE(plan.ended);
}

TEST(ApiLimits, APlanEndsWhenItsClientHasGoneAndKeepsNobodyFromReading) {
  ServerOptions options;
  options.plan_time = std::chrono::hours(1);
  ApiServer server(options);
  EndlessPlan plan(server);
  {
    RawClient client(server.port());
    client.send(
        ApiServer::request("POST", "/v1/campaigns:plan", kCampaign, "", "application/toml"));
    while (!plan.begun) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    EXPECT_EQ(server.get("/v1/campaigns").status, 200);
    EXPECT_FALSE(plan.ended);
  }
  while (!plan.ended) std::this_thread::sleep_for(std::chrono::milliseconds(1));
}

TEST(ApiLimits, DriversThatAreCheckedKeepNobodyFromReading) {
  ApiServer server;
  std::atomic<int> begun{0};
  std::atomic<bool> over{false};
  server.set_driver([&](const std::string& name, const std::string& verb) -> Result<Json> {
    ++begun;
    while (verb == "check" && !over) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    return Json{{"name", name}};
  });
  std::vector<std::unique_ptr<RawClient>> checks;
  for (int i = 0; i < 4; ++i) {
    checks.push_back(std::make_unique<RawClient>(server.port()));
    checks.back()->send(ApiServer::request("POST", fmt::format("/v1/drivers/rig{}:check", i)));
  }
  while (begun == 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  EXPECT_EQ(server.get("/v1/campaigns").status, 200);
  EXPECT_EQ(server.get("/v1/drivers/rig0").body["name"], "rig0");
  EXPECT_FALSE(over);
  over = true;
  for (const auto& check : checks) EXPECT_EQ(check->receive().status, 200);
}

TEST(ApiLimits, ALargeDeliveryHasToBeSplit) {
  ServerOptions options;
  options.rows = 2;
  ApiServer server(options);
  ASSERT_EQ(server.ask("POST", "/v1/campaigns", kCampaign, "", "application/toml").status, 201);
  const auto post = [&](std::vector<Json> rows) {
    return server.post("/v1/campaigns/ocm/measurements", delivery("r", std::move(rows)));
  };
  const auto refused = post({row({"Li"}, 1, 1), row({"Na"}, 2, 2), row({"K"}, 3, 3)});
  EXPECT_GE(refused.status, 400);
  EXPECT_NE(refused.raw.body.find("split it into several"), std::string::npos) << refused.raw.body;
  EXPECT_EQ(post({row({"Li"}, 1, 1), row({"Na"}, 2, 2)}).status, 200);
}

}  // namespace
}  // namespace kasetsu::http
