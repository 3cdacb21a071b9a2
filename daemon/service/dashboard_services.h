// What the daemon does for its dashboard beside the API's use cases.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

#include "core/base/control.h"
#include "core/base/result.h"
#include "daemon/base/json.h"
#include "daemon/base/time.h"
#include "daemon/campaign/learning/learn.h"
#include "daemon/http/api.h"

namespace kasetsu {

// What a campaign file would do (campaign::plan_json); changes nothing. One thread. Errors: those
// of the file, its element table, and the planner.
Result<Json> plan_campaign_file(const campaign::Science& science, const std::string& element_folder,
                                std::string_view text, std::string_view media_type,
                                bool first_batch, const Control& control);

// Which file holds the tokens: the network thread changes it when another configuration is read,
// workers ask for it.
class TokenPlace {
 public:
  explicit TokenPlace(std::string path) : path_(std::move(path)) {}
  std::string path() const {
    const std::lock_guard lock(mutex_);
    return path_;
  }
  void move_to(std::string path) {
    const std::lock_guard lock(mutex_);
    path_ = std::move(path);
  }

 private:
  mutable std::mutex mutex_;
  std::string path_;
};

// Lists, makes and revokes tokens in the file, which the daemon reads again when it changes.
http::TokenControl token_control(std::shared_ptr<const TokenPlace> place, Clock clock);

}  // namespace kasetsu
