#include "daemon/service/upkeep.h"

#include <fmt/format.h>

#include <algorithm>
#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <vector>

#include "daemon/campaign/planning/leases.h"

namespace kasetsu {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kPrefix = "kasetsu-";
constexpr std::string_view kSuffix = ".db";

// "2026-03-01T09:30:00.000000Z" -> "kasetsu-20260301T093000.000000Z.db", which any file system
// takes.
std::string backup_name(Time time) {
  std::string name(kPrefix);
  for (const char c : format_time(time)) {
    if (c != '-' && c != ':') name += c;
  }
  return name.append(kSuffix);
}

// Whether back_up gave the file its name: a person's own "kasetsu-before-upgrade.db" is theirs.
bool is_backup_name(std::string_view name) {
  const std::string form = backup_name(Time());
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  return std::equal(name.begin(), name.end(), form.begin(), form.end(), [&](char told, char known) {
    return is_digit(known) ? is_digit(told) : told == known;
  });
}

// Backups in the folder, oldest first: the names sort by time. A clock that ran ahead made names
// that lie after `now`: they come first, so that they stand in nobody's way.
std::vector<fs::path> backups(const std::string& folder, Time now) {
  std::vector<fs::path> found;
  std::error_code ignored;
  for (fs::directory_iterator entry(folder, ignored), end; !ignored && entry != end;
       entry.increment(ignored)) {
    const std::string name = entry->path().filename().string();
    if (is_backup_name(name)) found.push_back(entry->path());
  }
  const std::string newest = backup_name(now);
  std::sort(found.begin(), found.end(), [&](const fs::path& a, const fs::path& b) {
    const bool a_is_past = a.filename().string() <= newest;
    const bool b_is_past = b.filename().string() <= newest;
    return a_is_past != b_is_past ? b_is_past : a < b;
  });
  return found;
}

// One backup is written at a time, so that what another one has begun is known to be left over.
std::mutex writing;

// Backups that were killed, as large as far as they came.
void remove_unfinished(const std::string& folder) {
  std::vector<fs::path> found;
  std::error_code ignored;
  for (fs::directory_iterator entry(folder, ignored), end; !ignored && entry != end;
       entry.increment(ignored)) {
    const std::string name = entry->path().filename().string();
    const auto part = name.find(".part");
    if (part != std::string::npos && is_backup_name(std::string_view(name).substr(0, part))) {
      found.push_back(entry->path());
    }
  }
  for (const fs::path& path : found) fs::remove(path, ignored);
}

}  // namespace

Result<std::string> back_up(const campaign::Database& database, const std::string& folder,
                            std::size_t kept, Time now) {
  std::error_code error;
  const bool made = fs::create_directories(folder, error);
  if (error) {
    return Error{ErrorCode::storage_failed, "the folder for backups cannot be made", "backup_dir",
                 folder, error.message()};
  }
  // Who may look into a folder that was there is for its owner to say.
  if (made) fs::permissions(folder, fs::perms::owner_all, error);
  const std::lock_guard one(writing);
  remove_unfinished(folder);
  const fs::path path = fs::path(folder) / backup_name(now);
  const Status done = database.backup(path.string());
  if (!done) return done.error();
  const auto all = backups(folder, now);
  for (std::size_t i = 0; i + kept < all.size(); ++i) {
    if (all[i] != path) fs::remove(all[i], error);
  }
  return path.string();
}

Upkeep::Upkeep(campaign::Database& database, Clock clock, UlidSource& ids, UpkeepOptions options,
               std::shared_ptr<spdlog::logger> log)
    : database_(database),
      clock_(std::move(clock)),
      ids_(ids),
      options_(std::move(options)),
      log_(std::move(log)) {
}

void Upkeep::start() {
  thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

void Upkeep::stop() {
  thread_.request_stop();
  if (thread_.joinable()) thread_.join();
}

void Upkeep::run(const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any wake;
  std::unique_lock lock(mutex);
  {
    const std::lock_guard one(writing);
    remove_unfinished(options_.backup_dir);
  }
  while (!stop.stop_requested()) {
    try {
      sweep();
      back_up_if_due();
      if (options_.also) options_.also();
    } catch (const std::exception& error) {
      log_->error("upkeep failed error=\"{}\"", error.what());
    }
    wake.wait_for(lock, stop, options_.look_every, [] { return false; });
  }
}

void Upkeep::sweep() {
  if (!database_.health()) return;
  // Looking costs nothing; writing costs a commit, and is done only where a lease ran out.
  bool lapsed = false;
  const Status looked = database_.read([&](const campaign::Reader& reader) -> Status {
    lapsed = !reader.lapsed_proposals(clock_()).empty();
    return {};
  });
  if (!looked || !lapsed) return;
  const Status swept =
      campaign::write_and_wait(database_, [this](campaign::Transaction& tx) -> Status {
        campaign::sweep_leases(tx, {clock_(), &ids_, "scheduler"});
        return {};
      });
  if (!swept) log_->warn("leases could not be given back error=\"{}\"", swept.error().to_string());
}

void Upkeep::back_up_if_due() {
  if (options_.backup_every.count() <= 0) return;
  if (std::chrono::steady_clock::now() < next_backup_) return;
  const Time now = clock_();
  const auto all = backups(options_.backup_dir, now);
  const std::string newest = all.empty() ? std::string() : all.back().filename().string();
  if (newest > backup_name(now - options_.backup_every) && newest <= backup_name(now)) return;
  const auto done = back_up(database_, options_.backup_dir, options_.backups_kept, now);
  if (done) {
    log_->info("backup written path={}", *done);
  } else {
    log_->error("backup failed error=\"{}\"", done.error().to_string());
    // Not again at once: a full disk does not get better by trying.
    next_backup_ = std::chrono::steady_clock::now() + std::chrono::minutes(1);
  }
}

}  // namespace kasetsu
