#include "drivers/supervisor/supervisor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>

#include "drivers/supervisor/message.h"
#include "drivers/supervisor/spool.h"
#include "tests/drivers/supervisor/driver_fixture.h"

namespace kasetsu::drivers {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// Does what the test says in each life.
class Scripted final : public Driver {
 public:
  explicit Scripted(std::function<Status(std::stop_token)> life) : life_(std::move(life)) {}
  Status run(std::stop_token stop) override { return life_(stop); }
  Result<Json> dry_run() override { return Json{{"would_take", Json::array()}}; }

 private:
  std::function<Status(std::stop_token)> life_;
};

class SupervisorTest : public DriverTest {
 protected:
  std::unique_ptr<Supervisor> supervise(std::function<Status(int, std::stop_token)> life) {
    SupervisorOptions options;
    options.first_pause_s = 0.01;
    options.longest_pause_s = 0.02;
    return std::make_unique<Supervisor>(
        [this](const Settings& settings) { return host(settings); },
        [this, life](const Settings&, const Host&,
                     Counters& counters) -> Result<std::unique_ptr<Driver>> {
          counters.deliveries += 1;
          const int number = ++lives_;
          return std::unique_ptr<Driver>(std::make_unique<Scripted>(
              [life, number](std::stop_token stop) { return life(number, stop); }));
        },
        system_now, options);
  }

  static std::vector<Settings> one() {
    Settings settings;
    settings.name = "door";
    settings.kind = "folder";
    settings.campaign = "ocm";
    return {settings};
  }

  static void wait_for(const Supervisor& supervisor, const std::string& state) {
    for (int i = 0; i < 2'000; ++i) {
      if (supervisor.show("door")->at("state") == state) return;
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    FAIL() << "never " << state << ": " << supervisor.show("door")->dump();
  }

  // "RUNNING" is told before the driver is made.
  void wait_for_lives(int count) const {
    for (int i = 0; i < 2'000 && lives_ < count; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    ASSERT_EQ(lives_, count);
  }

  std::atomic<int> lives_{0};
};

TEST_F(SupervisorTest, FailuresAndExceptionsAreTriedAgainAndTold) {
  auto supervisor = supervise([](int number, std::stop_token stop) -> Status {
    if (number == 1) return Error{ErrorCode::unavailable, "the first time", "", "", ""};
    if (number == 2) throw std::runtime_error("the second time");
    while (pause(stop, 10.0)) {
    }
    return {};
  });
  supervisor->start(one());
  wait_for_lives(3);
  wait_for(*supervisor, "RUNNING");
  const Json shown = *supervisor->show("door");
  EXPECT_EQ(shown["restarts"], 2);
  EXPECT_THAT(shown["last_error"].get<std::string>(), HasSubstr("the second time"));
  EXPECT_EQ(shown["deliveries"], 3) << "counters outlive the driver";
  EXPECT_THAT(supervisor->metrics(),
              HasSubstr("kasetsu_driver_up{driver=\"door\",kind=\"folder\"} 1\n"));
  EXPECT_THAT(supervisor->metrics(),
              HasSubstr("kasetsu_driver_events_total{driver=\"door\",event=\"restart\"} 2\n"));
}

TEST_F(SupervisorTest, StopsStartsAndEnds) {
  auto supervisor = supervise([](int number, std::stop_token stop) -> Status {
    if (number == 2) return {};
    while (pause(stop, 10.0)) {
    }
    return {};
  });
  supervisor->start(one());
  EXPECT_EQ(supervisor->stop_one("door")->at("state"), "STOPPED");
  EXPECT_EQ(lives_, 1);
  EXPECT_TRUE(supervisor->start_one("door").ok());
  wait_for(*supervisor, "FINISHED");
  EXPECT_TRUE(supervisor->start_one("door").ok());
  wait_for_lives(3);
  EXPECT_TRUE(supervisor->start_one("door").ok()) << "it runs already";
  EXPECT_EQ(supervisor->show("door")->at("state"), "RUNNING");
  EXPECT_EQ(lives_, 3);
  EXPECT_EQ(supervisor->start_one("window").error().code, ErrorCode::not_found);
  EXPECT_TRUE(supervisor->dry_run("door").ok());
  supervisor->stop();
  EXPECT_EQ(supervisor->show("door")->at("state"), "STOPPED");
}

TEST_F(SupervisorTest, ADriverThatIsNotEnabledStaysStopped) {
  auto supervisor = supervise([](int, std::stop_token) -> Status { return {}; });
  auto settings = one();
  settings[0].enabled = false;
  supervisor->start(std::move(settings));
  EXPECT_EQ(supervisor->show("door")->at("state"), "STOPPED");
  EXPECT_EQ(lives_, 0);
}

using MessageTest = DriverTest;

TEST_F(MessageTest, TheDriversOwnCampaignIsWaitedForAndAnotherIsNot) {
  Settings settings;
  settings.name = "door";
  settings.campaign = "later";
  settings.source = "rig";
  Counters counters;
  const auto deliver = [&](const std::string& more, const std::stop_token& stop) {
    const auto message = read_message(settings, body({row("\"Li\"", 5.0)}, more));
    EXPECT_TRUE(message.ok()) << message.error().to_string();
    return deliver_patiently(host(settings), counters, settings, message->request, stop);
  };
  const auto refused = deliver(R"("campaign":"latter","run":"1")", {});
  ASSERT_FALSE(refused.ok()) << "it may be misspelt, and would hold up all others";
  EXPECT_EQ(refused.error().code, ErrorCode::not_found);
  std::atomic<bool> done{false};
  std::jthread waiting([&](const std::stop_token& stop) {
    const auto receipt = deliver(R"("run":"2")", stop);
    EXPECT_TRUE(receipt.ok()) << receipt.error().to_string();
    done = true;
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  EXPECT_FALSE(done) << "its campaign is not there";
  apply_campaign_file("later");
  wait_until([&] { return done.load(); }, "taken");
  EXPECT_EQ(counters.accepted, 1);
  std::stop_source stop;
  stop.request_stop();
  settings.campaign = "never";
  const auto message = read_message(settings, body({row("\"Li\"", 5.0)}));
  ASSERT_TRUE(message.ok());
  const auto stopped =
      deliver_patiently(host(settings), counters, settings, message->request, stop.get_token());
  EXPECT_EQ(stopped.error().code, ErrorCode::cancelled);
}

TEST_F(MessageTest, AFaultOfTheProgramIsTriedFiveTimes) {
  apply_campaign_file("ocm");
  Settings settings;
  settings.name = "door";
  settings.campaign = "ocm";
  settings.profile = "any";
  Counters counters;
  const auto receipt =
      deliver(host(settings), counters,
              request_of(settings, "a,b\n1,2\n", campaign::DeliveryFormat::csv), {});
  EXPECT_EQ(receipt.error().code, ErrorCode::internal);
  EXPECT_EQ(profiles_asked_for_, 5);
  EXPECT_EQ(counters.deliveries, 0);
}

TEST(Driver, OnlyWhatAnotherTryMayChangeIsTriedAgain) {
  const auto transient = [](ErrorCode code) { return is_transient(Error{code, "", "", "", ""}); };
  for (const ErrorCode code : {ErrorCode::busy, ErrorCode::storage_full, ErrorCode::storage_failed,
                               ErrorCode::not_found, ErrorCode::unavailable}) {
    EXPECT_TRUE(transient(code)) << to_string(code);
  }
  for (const ErrorCode code : {ErrorCode::bad_data, ErrorCode::invalid_argument,
                               ErrorCode::unprocessable, ErrorCode::internal}) {
    EXPECT_FALSE(transient(code)) << to_string(code);
  }
}

TEST(Spool, KeepsOrderOverLivesAndSetsAside) {
  kasetsu::testing::TemporaryFolder folder;
  std::vector<std::string> names;
  {
    auto spool = Spool::open(folder / "spool").value();
    for (int i = 0; i < 3; ++i) {
      ASSERT_TRUE(
          spool->append("head " + std::to_string(i), "line\nline " + std::to_string(i)).ok());
    }
  }
  auto spool = Spool::open(folder / "spool").value();
  ASSERT_TRUE(spool->append("head 3", "").ok());
  names = spool->names().value();
  ASSERT_THAT(names, SizeIs(4));
  for (int i = 0; i < 4; ++i) {
    const auto item = spool->read(names[static_cast<std::size_t>(i)]);
    ASSERT_TRUE(item.ok());
    EXPECT_EQ(item->head, "head " + std::to_string(i));
    EXPECT_EQ(item->body, i < 3 ? "line\nline " + std::to_string(i) : "");
  }
  ASSERT_TRUE(spool->remove(names[0]).ok());
  ASSERT_TRUE(spool->refuse(names[1], "a reason").ok());
  EXPECT_THAT(*spool->names(), ElementsAre(names[2], names[3]));
  EXPECT_TRUE(std::filesystem::exists(folder / "spool/refused/" + names[1] + ".reason"));
  ASSERT_TRUE(spool->remove(names[2]).ok());
  ASSERT_TRUE(spool->remove(names[3]).ok());
  ASSERT_TRUE(spool->append("head 4", "x").ok());
  EXPECT_THAT(*spool->names(), SizeIs(1));
}

}  // namespace
}  // namespace kasetsu::drivers
