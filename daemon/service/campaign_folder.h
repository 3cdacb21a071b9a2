// A folder of campaign files that the daemon applies by itself, as programs read a config.d.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>

#include <spdlog/logger.h>

#include "core/base/result.h"
#include "daemon/base/ulid.h"
#include "daemon/campaign/lifecycle/campaigns.h"
#include "daemon/campaign/records/store_port.h"

namespace kasetsu {

// Every *.toml and *.json of the folder (not of folders in it; no names that begin with a dot) is
// applied when it appears and when its content changes; a file that goes changes nothing. Links
// are followed within the folder, as mounted configurations have them, and not out of it. Beside
// FILE lies FILE.status, a JSON document: {"file", "outcome": "created|updated|unchanged|refused",
// "campaign", "version", "error", "at"}; it is written only when something changed.
class CampaignFolder {
 public:
  using Decode = std::function<Result<campaign::CampaignDraft>(
      const std::string& text, const std::string& file, const std::string& media_type)>;

  // Everything given outlives it.
  CampaignFolder(std::string folder, campaign::Database& database, Clock clock, UlidSource& ids,
                 Decode decode, std::shared_ptr<spdlog::logger> log);

  // Returns how many files were looked at because they were new or changed.
  int look();

 private:
  bool is_of_this_folder(const std::filesystem::directory_entry& entry);
  // The outcome, which its status file tells too.
  Status apply(const std::string& path, const std::string& text);

  std::string folder_;
  campaign::Database& database_;
  Clock clock_;
  UlidSource& ids_;
  Decode decode_;
  std::shared_ptr<spdlog::logger> log_;
  std::map<std::string, Digest> seen_;  // by path
  std::set<std::string> strangers_;     // links out of the folder that were told of
  bool complained_ = false;             // that the folder cannot be read
};

}  // namespace kasetsu
