// What the daemon lends a driver, over a database of the test's own.
#pragma once

#include <spdlog/sinks/null_sink.h>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "daemon/campaign/file/campaign_file.h"
#include "drivers/supervisor/driver.h"
#include "tests/daemon/store/fixture.h"

namespace kasetsu::drivers {

class DriverTest : public kasetsu::testing::StoreTest {
 protected:
  void SetUp() override {
    open();
    intake_ = std::make_unique<campaign::Intake>(
        *database_, campaigns_, supports_, [] { return system_now(); }, ids_,
        [this](const std::string&) -> Result<std::shared_ptr<const tables::Profile>> {
          ++profiles_asked_for_;
          return Error{ErrorCode::internal, "profiles are broken", "", "", ""};
        });
    log_ = std::make_shared<spdlog::logger>("drivers",
                                            std::make_shared<spdlog::sinks::null_sink_mt>());
  }

  Host host(const Settings& settings) {
    return Host{*intake_, log_, folder_ / settings.name, system_now, [] { return std::int64_t{0}; },
                {}};
  }

  void apply_campaign_file(const std::string& name) {
    const std::string text =
        "format = 1\nname = \"" + name +
        "\"\n[[targets]]\nname = \"C2_yield\"\nunit = \"%\"\ngoal = \"maximize\"\n"
        "[[space]]\nkind = \"slots\"\nslots = 3\nnone = true\nrepetition = true\nelements = "
        "[\"Li\", \"Na\", \"Mn\"]\n"
        "supports = [\"MgO\", \"SiO2\"]\n"
        "[planner]\nbatch = 20\nmix = { explore = 20 }\n";
    const auto config =
        campaign::parse_campaign(text, "campaign.toml", "application/toml", supports_);
    ASSERT_TRUE(config.ok()) << config.error().to_string();
    apply(campaign::draft_of(*config, supports_));
  }

  static void wait_until(const std::function<bool()>& true_now, const char* what) {
    for (int i = 0; i < 4'000; ++i) {
      if (true_now()) return;
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    FAIL() << "never: " << what;
  }

  campaign::DecodedCampaigns campaigns_{supports_};
  std::unique_ptr<campaign::Intake> intake_;
  std::shared_ptr<spdlog::logger> log_;
  int profiles_asked_for_ = 0;
};

}  // namespace kasetsu::drivers
