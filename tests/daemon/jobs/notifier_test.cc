// Messages to people: who is told what, signed, again after a failure, never to other hosts.
#include "daemon/jobs/notifier.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "daemon/base/digest.h"
#include "daemon/campaign/records/events.h"
#include "tests/daemon/failing_database.h"
#include "tests/daemon/jobs/laboratory.h"

namespace kasetsu::jobs {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string with_hooks(const std::string& hooks) {
  std::string text(kCampaign);
  const std::string goal = "goal = \"maximize\"\n";
  text.replace(text.find(goal), goal.size(), goal + "hit_threshold = 5\n");
  return text + hooks;
}

const std::string kGeneric = R"(
[[webhooks]]
url = "https://hooks.example.org/a"
events = ["batch", "hit", "model", "stopped", "failed"]
secret_file = "key"
)";

struct Post {
  Laboratory lab;
  testing::FailingDatabase database{lab.database()};
  std::vector<WebhookRequest> sent;
  std::vector<int> answers;  // statuses to give, in order; then 204; 0: no answer
  std::string text;          // of every answer
  NotifierOptions options;
  std::unique_ptr<Notifier> notifier;

  explicit Post(const std::string& hooks, std::vector<std::string> hosts = {"hooks.example.org"})
      : lab(1, 7, with_hooks(hooks)) {
    options.hosts = std::move(hosts);
    options.read_secret = [](const std::string& name) -> Result<std::string> {
      EXPECT_EQ(name, "key");
      return std::string("sixteen bytes and more");
    };
    options.send = [this](const WebhookRequest& request,
                          const std::stop_token&) -> Result<WebhookAnswer> {
      sent.push_back(request);
      int status = 204;
      if (!answers.empty()) {
        status = answers.front();
        answers.erase(answers.begin());
      }
      if (status == 0) return Error{ErrorCode::unavailable, "no answer", "", "", ""};
      return WebhookAnswer{status, text};
    };
    options.decode = [this](const campaign::CampaignVersion& version) {
      return campaign::parse_campaign(version.text, "c", version.media_type,
                                      lab.science().supports);
    };
    start();
    EXPECT_EQ(look(), 0);
  }
  void start() {
    notifier = std::make_unique<Notifier>(
        database, [this] { return lab.now(); }, lab.ids(), options);
  }
  int look() {
    const auto done = notifier->look();
    EXPECT_TRUE(done.ok()) << done.error().to_string();
    return done ? *done : -1;
  }
  void later(std::chrono::seconds by) { lab.set_now(lab.now() + by); }
  Json state() {
    Json found;
    EXPECT_TRUE(lab.database()
                    .read([&](const Reader& reader) -> Status {
                      found = notifications_json(reader, "test");
                      return {};
                    })
                    .ok());
    return found;
  }
};

std::string header(const WebhookRequest& request, const std::string& name) {
  for (const auto& [key, value] : request.headers) {
    if (key == name) return value;
  }
  return "";
}

TEST(Notifier, TellsOfHitsOnceSignedAndWithoutCompositions) {
  Post post(kGeneric);
  post.lab.post(0, 12);
  EXPECT_EQ(post.look(), 1);
  EXPECT_EQ(post.look(), 0);
  ASSERT_EQ(post.sent.size(), 1U);
  const WebhookRequest& request = post.sent[0];
  EXPECT_EQ(request.url, "https://hooks.example.org/a");
  const Json body = Json::parse(request.body);
  EXPECT_EQ(body["type"], "kasetsu.hit");
  EXPECT_EQ(body["campaign"], "test");
  EXPECT_THAT(body["text"].get<std::string>(), HasSubstr("reached 5 %"));
  for (const char* secret : {"Li", "MgO", "SiO2", "Zn"})
    EXPECT_THAT(request.body, Not(HasSubstr(secret)));
  // The receiver's side of standardwebhooks.com: HMAC over id.timestamp.body.
  const std::string id = header(request, "webhook-id");
  const std::string at = header(request, "webhook-timestamp");
  EXPECT_EQ(body["id"], id);
  EXPECT_EQ(
      header(request, "webhook-signature"),
      "v1," + hmac_sha256("sixteen bytes and more", id + "." + at + "." + request.body).base64());
}

TEST(Notifier, HmacOfTheStandard) {
  // RFC 4231, test cases 2 and 6.
  EXPECT_EQ(hmac_sha256("Jefe", "what do ya want for nothing?").hex(),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_EQ(hmac_sha256(std::string(131, '\xaa'),
                        "Test Using Larger Than Block-Size Key - Hash Key First")
                .hex(),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
  EXPECT_EQ(sha256("").base64(), "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
}

TEST(Notifier, NamesCatalystsWhereItIsAsked) {
  Post post(kGeneric + "compositions = true\n");
  post.lab.post(0, 12);
  EXPECT_EQ(post.look(), 1);
  EXPECT_THAT(post.sent.at(0).body, ::testing::AnyOf(HasSubstr("MgO"), HasSubstr("SiO2")));
}

TEST(Notifier, TriesAgainWithGrowingPausesAndGivesUp) {
  Post post(kGeneric);
  post.answers = {0, 500, 503, 429, 0, 0, 500, 500};
  post.lab.post(0, 12);
  EXPECT_EQ(post.look(), 0);
  std::vector<std::size_t> after;
  for (const std::chrono::seconds pause : kWebhookPauses) {
    post.later(pause - std::chrono::seconds(1));
    EXPECT_EQ(post.look(), 0);
    after.push_back(post.sent.size());
    post.start();  // a restart forgets nothing
    post.later(std::chrono::seconds(1));
    EXPECT_EQ(post.look(), 0);
  }
  EXPECT_EQ(after, (std::vector<std::size_t>{1, 2, 3, 4, 5, 6, 7}));
  EXPECT_EQ(post.sent.size(), 8U);
  for (const WebhookRequest& request : post.sent)
    EXPECT_EQ(header(request, "webhook-id"), header(post.sent[0], "webhook-id"));
  const Json state = post.state();
  EXPECT_EQ(state["waiting"].size(), 0U);
  ASSERT_EQ(state["given_up"].size(), 1U);
  EXPECT_EQ(state["given_up"][0]["attempts"], 8);
  EXPECT_EQ(state["given_up"][0]["last_error"], "status 500");
  post.later(std::chrono::hours(1000));
  EXPECT_EQ(post.look(), 0);
  EXPECT_EQ(post.sent.size(), 8U);
}

TEST(Notifier, ARefusalIsFinalAndASuccessEndsTheTrying) {
  Post post(kGeneric);
  post.answers = {404};
  post.lab.post(0, 12);
  post.look();
  EXPECT_EQ(post.state()["given_up"].size(), 1U);
  post.answers = {503, 200};
  post.lab.post(12, 12);
  post.look();
  EXPECT_EQ(post.state()["waiting"].size(), 1U);
  post.later(kWebhookPauses[0]);
  EXPECT_EQ(post.look(), 1);
  EXPECT_EQ(post.state()["waiting"].size(), 0U);
  EXPECT_EQ(post.state()["given_up"].size(), 1U);
}

// Kind 18: Teams answers 200 to what it does not post.
TEST(Notifier, AnAnswerThatTellsOfAnErrorInItsTextIsNoSuccess) {
  Post post(kGeneric);
  post.answers = {200, 200};
  post.text =
      "Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error "
      "413 with ContextId tcid=0";
  post.lab.post(0, 12);
  EXPECT_EQ(post.look(), 0);
  ASSERT_EQ(post.state()["waiting"].size(), 1U);
  EXPECT_EQ(post.state()["waiting"][0]["last_error"],
            "status 200, but its text tells of error 413");
  for (const std::chrono::seconds pause : kWebhookPauses) {
    post.later(pause);
    post.answers = {200};
    EXPECT_EQ(post.look(), 0);
  }
  EXPECT_EQ(post.state()["given_up"].size(), 1U);
  for (const auto& [status, text, told] : {std::tuple{200, "1", 200},
                                           {202, "", 202},
                                           {200, "HTTP error 429", 429},
                                           {200, "HTTP error unknown", 500},
                                           {404, "HTTP error 413", 404}}) {
    EXPECT_EQ(told_status({status, text}), told) << text;
  }
}

TEST(Notifier, AFullDiskTellsNobodyTwice) {
  for (const int answer : {204, 500, 404}) {
    Post post(kGeneric);
    post.answers = {503, answer};
    post.lab.post(0, 12);
    EXPECT_EQ(post.look(), 0);
    post.later(kWebhookPauses[0]);
    post.database.fail_writes(3);
    for (int i = 0; i < 3; ++i) {
      EXPECT_FALSE(post.notifier->look().ok());
      EXPECT_EQ(post.sent.size(), 2U) << "only the writing is tried again";
    }
    EXPECT_EQ(post.look(), answer == 204 ? 1 : 0);
    EXPECT_EQ(post.sent.size(), 2U);
    const Json state = post.state();
    EXPECT_EQ(state["waiting"].size(), answer == 500 ? 1U : 0U);
    EXPECT_EQ(state["given_up"].size(), answer == 404 ? 1U : 0U);
    if (answer == 500) {
      EXPECT_EQ(state["waiting"][0]["attempts"], 2);
    }
  }
}

TEST(Notifier, AStopLeavesTheRestForTheNextStartAndIsNoFailure) {
  Post post(kGeneric);
  std::stop_source stop;
  post.options.send = [&](const WebhookRequest& request,
                          const std::stop_token& token) -> Result<WebhookAnswer> {
    post.sent.push_back(request);
    stop.request_stop();
    EXPECT_TRUE(token.stop_requested());
    return Error{ErrorCode::unavailable, "given up", "", "", ""};
  };
  post.start();
  post.lab.post(0, 12);
  post.lab.post(12, 12);
  ASSERT_TRUE(post.notifier->look(stop.get_token()).ok());
  EXPECT_EQ(post.sent.size(), 1U);
  const Json state = post.state();
  ASSERT_EQ(state["waiting"].size(), 2U);
  for (const Json& item : state["waiting"]) EXPECT_EQ(item["attempts"], 0);
}

TEST(Notifier, WhatIsTooMuchIsGivenUpInSight) {
  Post post(kGeneric);
  constexpr std::size_t kMore = 3;
  ASSERT_TRUE(campaign::write_and_wait(post.lab.database(), [&](Transaction& tx) -> Status {
                for (std::size_t i = 0; i < kMostWaitingMessages + kMore; ++i) {
                  campaign::append_event(tx, post.lab.context(), "test", "job",
                                         fmt::format("job {}", i), "failed", {{"kind", "plan"}});
                }
                return {};
              }).ok());
  std::stop_source stopped;
  stopped.request_stop();
  ASSERT_TRUE(post.notifier->look(stopped.get_token()).ok());
  const Json state = post.state();
  EXPECT_EQ(state["waiting"].size(), kMostWaitingMessages);
  ASSERT_EQ(state["given_up"].size(), kMore);
  EXPECT_THAT(state["given_up"][0]["last_error"].get<std::string>(), HasSubstr("1000 messages"));
}

TEST(Notifier, TellsNoHostThatIsNotListed) {
  for (const auto& [url, host] :
       {std::pair{"https://hooks.example.org.evil.net/a", "hooks.example.org.evil.net"},
        std::pair{"https://hooks.example.org:8443/a", "hooks.example.org"},
        std::pair{"https://evil.net/hooks.example.org", "evil.net"},
        std::pair{"https://evil.net?hooks.example.org", "evil.net"}}) {
    std::string hook = kGeneric;
    const std::string from = "https://hooks.example.org/a";
    hook.replace(hook.find(from), from.size(), url);
    Post post(hook, {"hooks.example.org:443"});
    post.lab.post(0, 12);
    EXPECT_EQ(post.look(), 0);
    EXPECT_TRUE(post.sent.empty()) << url;
    const Json state = post.state();
    ASSERT_EQ(state["given_up"].size(), 1U);
    EXPECT_EQ(state["given_up"][0]["host"], host);
  }
  Post off(kGeneric, {});  // as it is installed
  off.lab.post(0, 12);
  EXPECT_EQ(off.look(), 0);
  EXPECT_TRUE(off.sent.empty());
}

TEST(Notifier, KindsHaveTheirShapes) {
  const Message message{"stopped", "ocm: the campaign was completed: budget", Json::object()};
  campaign::Webhook hook;
  hook.url = "https://x.org/";
  hook.kind = "slack";
  const Time at = from_micros(0);
  EXPECT_EQ(Json::parse(make_request(hook, message, "ocm", "m", at).body),
            (Json{{"text", message.text}}));
  const Message loud{"stopped", "a < b & <!channel>", Json::object()};
  EXPECT_EQ(Json::parse(make_request(hook, loud, "ocm", "m", at).body)["text"],
            "a &lt; b &amp; &lt;!channel&gt;");
  hook.kind = "teams";
  const Json teams = Json::parse(make_request(hook, message, "ocm", "m", at).body);
  EXPECT_EQ(teams["type"], "message");
  EXPECT_EQ(teams["attachments"][0]["content"]["body"][0]["text"], message.text);
  hook.kind = "ntfy";
  const WebhookRequest ntfy = make_request(hook, message, "ocm", "m", at);
  EXPECT_EQ(ntfy.body, message.text);
  EXPECT_EQ(header(ntfy, "Title"), "Kasetsu: ocm");
}

TEST(Notifier, TellsThatACampaignEnded) {
  Post post(R"(
[[webhooks]]
url = "https://hooks.example.org/a"
kind = "slack"
events = ["stopped"]
)");
  post.lab.post(0, 12);  // hits, which this hook does not ask for
  EXPECT_TRUE(campaign::write_and_wait(post.lab.database(), [&](Transaction& tx) -> Status {
                const auto done =
                    campaign::steer_campaign(tx, "test", campaign::CampaignVerb::complete,
                                             "the budget is used", post.lab.context());
                return done ? Status() : Status(done.error());
              }).ok());
  EXPECT_EQ(post.look(), 1);
  ASSERT_EQ(post.sent.size(), 1U);
  EXPECT_THAT(post.sent[0].body, HasSubstr("completed: the budget is used"));
  EXPECT_EQ(header(post.sent[0], "webhook-signature"), "");
}

}  // namespace
}  // namespace kasetsu::jobs
