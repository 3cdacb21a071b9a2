#include "drivers/supervisor/supervisor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/sinks/null_sink.h>

#include <atomic>
#include <stdexcept>

#include "drivers/supervisor/spool.h"
#include "tests/daemon/store/fixture.h"

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

class SupervisorTest : public kasetsu::testing::StoreTest {
 protected:
  void SetUp() override {
    open();
    intake_ = std::make_unique<campaign::Intake>(
        *database_, campaigns_, supports_, [] { return system_now(); }, ids_,
        [](const std::string&) -> Result<std::shared_ptr<const tables::Profile>> {
          return Error{ErrorCode::not_found, "none", "", "", ""};
        });
    log_ = std::make_shared<spdlog::logger>("drivers",
                                            std::make_shared<spdlog::sinks::null_sink_mt>());
  }

  std::unique_ptr<Supervisor> supervise(std::function<Status(int, std::stop_token)> life) {
    SupervisorOptions options;
    options.first_pause_s = 0.01;
    options.longest_pause_s = 0.02;
    return std::make_unique<Supervisor>(
        [this](const Settings& settings) {
          return Host{
              *intake_, log_, folder_ / settings.name, system_now, [] { return std::int64_t{0}; },
              {}};
        },
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

  campaign::DecodedCampaigns campaigns_{supports_};
  std::unique_ptr<campaign::Intake> intake_;
  std::shared_ptr<spdlog::logger> log_;
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
