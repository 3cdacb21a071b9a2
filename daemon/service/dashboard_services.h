// What the daemon does for its dashboard beside the API's use cases.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <string_view>

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

// Lists, makes and revokes tokens in the file, which the daemon reads again when it changes.
http::TokenControl token_control(std::string path, Clock clock);

}  // namespace kasetsu
