#pragma once

#include "core/base/names.h"
#include "daemon/campaign/file/campaign_file.h"

namespace kasetsu::campaign {

// `when` of [retrain], as files and answers name it.
inline constexpr auto kRetrainWhenNames =
    name_table<RetrainWhen>({{RetrainWhen::every_batch, "every_batch"},
                             {RetrainWhen::every_results, "every_results"},
                             {RetrainWhen::nightly, "nightly"},
                             {RetrainWhen::by_hand, "by_hand"}});

}  // namespace kasetsu::campaign
