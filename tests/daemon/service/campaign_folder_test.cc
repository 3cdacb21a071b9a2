// The watched folder: files are applied once, again when the daemon could not, and from there
// alone.
#include "daemon/service/campaign_folder.h"

#include <gtest/gtest.h>
#include <spdlog/sinks/null_sink.h>

#include <filesystem>
#include <fstream>

#include "tests/daemon/failing_database.h"
#include "tests/daemon/store/fixture.h"

namespace kasetsu {
namespace {

namespace fs = std::filesystem;

class CampaignFolderTest : public testing::StoreTest {
 protected:
  CampaignFolderTest() {
    open();
    fs::create_directories(watched_);
    failing_ = std::make_unique<testing::FailingDatabase>(*database_);
    const auto decode = [](const std::string& text, const std::string&,
                           const std::string&) -> Result<campaign::CampaignDraft> {
      if (text.starts_with("wrong")) return Error{ErrorCode::bad_data, "wrong", "", "", ""};
      return draft(text.substr(0, text.find('\n')), text);
    };
    watching_ = std::make_unique<CampaignFolder>(
        watched_.string(), *failing_, [this] { return now_; }, ids_, decode,
        std::make_shared<spdlog::logger>("test", std::make_shared<spdlog::sinks::null_sink_mt>()));
  }
  static void put(const fs::path& path, const std::string& text) { std::ofstream(path) << text; }
  std::size_t campaigns() {
    return read<std::size_t>([](const campaign::Reader& r) { return r.campaigns().size(); });
  }

  fs::path watched_ = folder_ / "campaigns";
  std::unique_ptr<testing::FailingDatabase> failing_;
  std::unique_ptr<CampaignFolder> watching_;
};

TEST_F(CampaignFolderTest, AFileIsLookedAtOnceUnlessTheDiskWasFull) {
  put(watched_ / "a.toml", "a\n");
  put(watched_ / "w.toml", "wrong\n");
  failing_->fail_writes(2);
  EXPECT_EQ(watching_->look(), 2);
  EXPECT_EQ(campaigns(), 0U);
  EXPECT_EQ(watching_->look(), 1) << "what is wrong is not tried again";
  EXPECT_EQ(campaigns(), 0U);
  EXPECT_EQ(watching_->look(), 1);
  EXPECT_EQ(campaigns(), 1U) << "there is room again, and nobody touched the file";
  EXPECT_EQ(watching_->look(), 0);
}

TEST_F(CampaignFolderTest, ALinkIsFollowedWithinTheFolderAndNotOutOfIt) {
  put(folder_ / "secret.toml", "secret\n");
  fs::create_symlink(folder_ / "secret.toml", watched_ / "x.toml");
  // As mounted configurations have it.
  fs::create_directories(watched_ / "..data");
  put(watched_ / "..data" / "a.toml", "a\n");
  fs::create_symlink("..data/a.toml", watched_ / "a.toml");
  EXPECT_EQ(watching_->look(), 1);
  EXPECT_EQ(campaigns(), 1U);
  EXPECT_FALSE(fs::exists(watched_ / "x.toml.status"));
}

}  // namespace
}  // namespace kasetsu
