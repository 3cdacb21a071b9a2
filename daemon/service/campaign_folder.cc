#include "daemon/service/campaign_folder.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <vector>

#include "daemon/base/data_files.h"
#include "daemon/base/json.h"
#include "daemon/campaign/file/campaign_file.h"

namespace kasetsu {

namespace fs = std::filesystem;
namespace {

bool may_pass(const Error& error) {
  return error.code == ErrorCode::storage_full || error.code == ErrorCode::storage_failed ||
         error.code == ErrorCode::busy;
}

}  // namespace

CampaignFolder::CampaignFolder(std::string folder, campaign::Database& database, Clock clock,
                               UlidSource& ids, Decode decode, std::shared_ptr<spdlog::logger> log)
    : folder_(std::move(folder)),
      database_(database),
      clock_(std::move(clock)),
      ids_(ids),
      decode_(std::move(decode)),
      log_(std::move(log)) {
}

int CampaignFolder::look() {
  std::error_code error;
  std::vector<fs::path> files;
  for (fs::directory_iterator entry(folder_, error), end; !error && entry != end;
       entry.increment(error)) {
    const fs::path& path = entry->path();
    const std::string name = path.filename().string();
    if (name.starts_with('.')) continue;
    if (path.extension() != ".toml" && path.extension() != ".json") continue;
    std::error_code ignored;
    if (entry->is_regular_file(ignored) && is_of_this_folder(*entry)) files.push_back(path);
  }
  if (error) {
    if (!complained_) {
      log_->error("campaign folder cannot be read path=\"{}\" error=\"{}\"", folder_,
                  error.message());
    }
    complained_ = true;
    return 0;
  }
  complained_ = false;
  std::sort(files.begin(), files.end());
  int looked = 0;
  for (const fs::path& path : files) {
    const Result<std::string> text = read_file(path.string());
    if (!text) continue;  // gone in between, or no right to read: looked at again next time
    const Digest digest = sha256(*text);
    const auto known = seen_.find(path.string());
    if (known != seen_.end() && known->second == digest) continue;
    ++looked;
    // What failed for want of disk or time is tried again; what is wrong is, once it has changed.
    const Status applied = apply(path.string(), *text);
    if (applied || !may_pass(applied.error())) seen_[path.string()] = digest;
  }
  return looked;
}

bool CampaignFolder::is_of_this_folder(const fs::directory_entry& entry) {
  std::error_code error;
  if (!entry.is_symlink(error)) return true;
  const fs::path folder = fs::canonical(folder_, error);
  const fs::path target = error ? fs::path() : fs::canonical(entry.path(), error);
  if (!error && std::mismatch(folder.begin(), folder.end(), target.begin(), target.end()).first ==
                    folder.end()) {
    return true;
  }
  if (strangers_.insert(entry.path().string()).second) {
    log_->warn("campaign file is a link to another folder and is not read file=\"{}\"",
               entry.path().filename().string());
  }
  return false;
}

Status CampaignFolder::apply(const std::string& path, const std::string& text) {
  const std::string name = fs::path(path).filename().string();
  const auto media_type = std::string(path.ends_with(".json") ? kJson : kToml);
  Json status = {{"file", name}, {"at", format_time(clock_())}};
  Result<campaign::Applied> applied = [&]() -> Result<campaign::Applied> {
    const Result<campaign::CampaignDraft> draft = decode_(text, name, media_type);
    if (!draft) return draft.error();
    return campaign::write_and_wait<campaign::Applied>(database_, [&](campaign::Transaction& tx) {
      return campaign::apply_campaign(tx, *draft, {clock_(), &ids_, "folder"});
    });
  }();
  if (applied) {
    const std::string outcome = applied->outcome == campaign::ApplyOutcome::created   ? "created"
                                : applied->outcome == campaign::ApplyOutcome::updated ? "updated"
                                                                                      : "unchanged";
    status["outcome"] = outcome;
    status["campaign"] = applied->campaign.name;
    status["version"] = applied->campaign.version;
    log_->info("campaign file applied file=\"{}\" campaign={} version={} outcome={}", name,
               applied->campaign.name, applied->campaign.version, outcome);
  } else {
    status["outcome"] = "refused";
    status["error"] = applied.error().to_string();
    log_->error("campaign file refused error=\"{}\"", applied.error().to_string());
  }
  const Status written = write_file(path + ".status", status.dump(2) + "\n");
  if (!written) {
    log_->error("status file not written error=\"{}\"", written.error().to_string());
  }
  return applied ? Status() : Status(applied.error());
}

}  // namespace kasetsu
