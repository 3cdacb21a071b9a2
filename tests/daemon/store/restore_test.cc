// A daemon never starts with an empty or an older database without a word, whatever happened to the
// files beside one another; and a restore that was killed is finished.
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <fstream>

#include "daemon/store/maintenance.h"
#include "daemon/store/reached_file.h"
#include "daemon/store/restore_steps.h"
#include "tests/daemon/store/fixture.h"

namespace kasetsu {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class Restores : public testing::StoreTest {
 protected:
  // A database that was killed: one measurement in the backup, and two in what a kill left.
  void SetUp() override {
    open();
    apply();
    ASSERT_TRUE(post(body({row("\"Li\"", 1.0)})).ok());
    ASSERT_TRUE(database_->backup(backup_).ok());
    ASSERT_TRUE(post(body({row("\"Na\"", 2.0)})).ok());
    fs::create_directory(folder_ / "killed");
    for (const char* suffix : {"", "-wal", "-shm", store::kReachedSuffix}) {
      fs::copy_file(options_.path + suffix, killed_ + suffix);
    }
    database_.reset();
    options_.path = killed_;
  }

  std::string refused() {
    const auto opened = store::SqliteDatabase::open(options_);
    return opened.ok() ? "" : opened.error().to_string();
  }
  std::string timeline() {
    return read<std::string>(
        [](const campaign::Reader& reader) { return reader.setting("timeline"); });
  }

  const std::string backup_ = folder_ / "backup.db";
  const std::string killed_ = folder_ / "killed/kasetsu.db";
};

TEST_F(Restores, AreFinishedWhereverTheyWereKilled) {
  const std::array<std::string, 5> moved = {"", "-wal", "-shm", store::kReachedSuffix, ".restored"};
  for (std::size_t done = 0; done <= moved.size(); ++done) {
    SCOPED_TRACE(done);
    const std::string folder = folder_ / ("after-" + std::to_string(done));
    fs::copy(folder_ / "killed", folder);
    options_.path = folder + "/kasetsu.db";
    ASSERT_TRUE(store::begin_restore(backup_, options_.path, now_).ok());
    const std::string kept = options_.path + ".replaced-" + std::to_string(to_micros(now_));
    for (std::size_t i = 0; i < done; ++i) {
      const bool last = i + 1 == moved.size();
      fs::rename(options_.path + moved[i], last ? options_.path : kept + moved[i]);
    }
    open();
    EXPECT_EQ(measurements().size(), 1u);
    database_.reset();
    EXPECT_FALSE(fs::exists(options_.path + ".restoring"));
    EXPECT_FALSE(fs::exists(options_.path + ".restored"));
    // What was there is kept whole, its WAL file beside it.
    options_.path = kept;
    open();
    EXPECT_EQ(measurements().size(), 2u);
    database_.reset();
  }
}

TEST_F(Restores, LeaveWhatWasThereWhereTheyWereKilledBeforeTheirCopyWasWhole) {
  ASSERT_TRUE(store::begin_restore(backup_, killed_, now_).ok());
  fs::remove(killed_ + ".restoring");
  fs::copy_file(backup_, killed_ + ".restored.part");
  fs::copy_file(backup_, killed_ + ".restored-journal");
  open();
  EXPECT_EQ(measurements().size(), 2u);
  EXPECT_FALSE(fs::exists(killed_ + ".restored"));
  EXPECT_FALSE(fs::exists(killed_ + ".restored.part"));
  EXPECT_FALSE(fs::exists(killed_ + ".restored-journal"));
}

TEST_F(Restores, SayThatTheirCopyIsGone) {
  ASSERT_TRUE(store::begin_restore(backup_, killed_, now_).ok());
  fs::rename(killed_, killed_ + ".replaced-" + std::to_string(to_micros(now_)));
  fs::remove(killed_ + ".restored");
  EXPECT_THAT(refused(), HasSubstr("a restore was interrupted here"));
  // As the sentence says, the backup is restored again.
  ASSERT_TRUE(store::restore(backup_, killed_, now_ + std::chrono::seconds(1)).ok());
  open();
  EXPECT_EQ(measurements().size(), 1u);
}

// Numbers of events go on from the restored state: those of what was thrown away may be higher.
TEST_F(Restores, OfAFolderTakeTheNewestBackupAlsoAfterARestore) {
  const std::string backups = folder_ / "backups";
  fs::create_directory(backups);
  const auto back_up = [&](const std::string& name) {
    ASSERT_TRUE(database_->backup(backups + "/" + name).ok());
    database_.reset();
    now_ += std::chrono::hours(24);
  };
  fs::copy_file(backup_, backups + "/1-sunday.db");
  now_ += std::chrono::hours(24);
  open();
  for (const char* element : {"\"K\"", "\"Mn\"", "\"Fe\"", "\"Co\""}) {
    ASSERT_TRUE(post(body({row(element, 3.0)})).ok());
  }
  back_up("2-monday.db");
  const Time tuesday = now_;
  ASSERT_TRUE(restore_database(backups + "/1-sunday.db", {}, options_.path, now_).ok());
  open();
  ASSERT_TRUE(post(body({row("\"Zn\"", 4.0)})).ok());
  back_up("3-tuesday.db");
  const auto newest = restore_database(backups, {}, options_.path, now_);
  ASSERT_TRUE(newest.ok()) << newest.error().to_string();
  EXPECT_THAT(newest->backup, HasSubstr("3-tuesday.db"));
  now_ += std::chrono::hours(1);
  const auto before = restore_database(backups, tuesday - Duration(1), options_.path, now_);
  ASSERT_TRUE(before.ok()) << before.error().to_string();
  EXPECT_THAT(before->backup, HasSubstr("2-monday.db"));
}

// The folder is the daemon's user's, and root restores.
TEST_F(Restores, FollowNoLinkThatLiesInTheFolder) {
  const std::string victim = folder_ / "victim";
  std::ofstream(victim) << "precious";
  fs::permissions(victim, fs::perms::owner_read | fs::perms::owner_write | fs::perms::group_read);
  const auto before = fs::status(victim).permissions();
  fs::create_symlink(victim, killed_ + ".restoring.part");
  fs::remove(killed_ + ".lock");
  fs::create_symlink(victim, killed_ + ".lock");
  // The lock is refused, or the restore done: in neither case the other file is touched.
  const Status done = store::restore(backup_, killed_, now_);
  EXPECT_FALSE(done.ok());
  EXPECT_EQ(fs::file_size(victim), 8U);
  EXPECT_EQ(fs::status(victim).permissions(), before);
  fs::remove(killed_ + ".lock");
  fs::remove(killed_ + ".restoring.part");
  fs::create_symlink(victim, killed_ + ".restoring.part");
  EXPECT_TRUE(store::restore(backup_, killed_, now_).ok());
  EXPECT_EQ(fs::file_size(victim), 8U);
  EXPECT_EQ(fs::status(victim).permissions(), before);
}

TEST_F(Restores, BelongToTheDaemonsUserAndToNobodyElse) {
  const std::string folder = folder_ / "owned";
  fs::create_directory(folder);
  options_.path = folder + "/kasetsu.db";
  const bool root = ::geteuid() == 0;
  if (root) {
    ASSERT_EQ(::chown(folder.c_str(), 4'321, 4'322), 0);
  }
  ASSERT_TRUE(store::restore(backup_, options_.path, now_).ok());
  for (const std::string& path : {options_.path, options_.path + ".lock"}) {
    struct stat status {};
    ASSERT_EQ(::stat(path.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0600u) << path;
    if (root) {
      EXPECT_EQ(status.st_uid, 4'321u) << path;
    }
  }
}

TEST_F(Restores, BeginATimelineThatIsKept) {
  open();
  const std::string before = timeline();
  EXPECT_EQ(before.size(), 16u);
  reopen();
  EXPECT_EQ(timeline(), before);
  database_.reset();
  ASSERT_TRUE(store::restore(backup_, killed_, now_).ok());
  open();
  const std::string after = timeline();
  EXPECT_EQ(after.size(), 16u);
  EXPECT_NE(after, before);
  reopen();
  EXPECT_EQ(timeline(), after);
}

TEST_F(Restores, ADeletedOrCutLogIsNotTakenForAnOlderDatabase) {
  const std::string log = killed_ + "-wal";
  fs::copy_file(log, folder_ / "kept-wal");
  fs::remove(log);
  fs::remove(killed_ + "-shm");
  EXPECT_THAT(refused(), HasSubstr("its -wal file was deleted or cut"));
  // Cut at each third: what is left of it is whole commits, and fewer.
  const auto whole = fs::file_size(folder_ / "kept-wal");
  for (const std::uintmax_t size : {whole / 3, whole * 2 / 3, whole - 1}) {
    const std::string folder = folder_ / ("cut-" + std::to_string(size));
    fs::create_directory(folder);
    options_.path = folder + "/kasetsu.db";
    fs::copy_file(killed_, options_.path);
    fs::copy_file(killed_ + store::kReachedSuffix, options_.path + store::kReachedSuffix);
    fs::copy_file(folder_ / "kept-wal", options_.path + "-wal");
    fs::resize_file(options_.path + "-wal", size);
    EXPECT_THAT(refused(), HasSubstr("its -wal file was deleted or cut")) << size;
  }
  options_.path = killed_;
  fs::copy_file(folder_ / "kept-wal", log, fs::copy_options::overwrite_existing);
  open();
  EXPECT_EQ(measurements().size(), 2u);
}

TEST_F(Restores, AnOlderCopyInThePlaceOfTheDatabaseIsTold) {
  open();
  database_.reset();
  fs::copy_file(killed_, folder_ / "copy.db");
  open();
  ASSERT_TRUE(post(body({row("\"K\"", 3.0)})).ok());
  database_.reset();
  fs::copy_file(folder_ / "copy.db", killed_, fs::copy_options::overwrite_existing);
  EXPECT_THAT(refused(), HasSubstr("an older copy was put here"));
  // Another laboratory's database is another timeline.
  fs::remove(killed_);
  fs::rename(killed_ + store::kReachedSuffix, folder_ / "note");
  open();
  database_.reset();
  fs::rename(folder_ / "note", killed_ + store::kReachedSuffix);
  EXPECT_THAT(refused(), HasSubstr("not the database that was here before"));
}

TEST_F(Restores, ADatabaseThatIsGoneIsNotBegunAnew) {
  open();
  database_.reset();
  fs::remove(killed_);
  EXPECT_THAT(refused(), HasSubstr("there was a database here, and it is gone"));
  EXPECT_FALSE(fs::exists(killed_));
  // Whoever wants an empty one removes the note that the sentence names.
  fs::remove(killed_ + store::kReachedSuffix);
  open();
  EXPECT_TRUE(read<std::vector<campaign::Campaign>>([](const campaign::Reader& reader) {
                return reader.campaigns();
              }).empty());
}

TEST_F(Restores, ANoteThatAPowerCutLeftUnwrittenStopsNobody) {
  fs::resize_file(killed_ + store::kReachedSuffix, 0);
  open();
  EXPECT_EQ(measurements().size(), 2u);
  database_.reset();
  EXPECT_GT(fs::file_size(killed_ + store::kReachedSuffix), 0u);
}

}  // namespace
}  // namespace kasetsu
