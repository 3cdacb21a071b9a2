// A verdict as documents, summaries and answers carry it.
#pragma once

#include <optional>
#include <string>

#include "core/selection/verdict.h"
#include "daemon/base/json.h"

namespace kasetsu::campaign {

// {word, sentence, mae, mae_median, p, catalysts}; null where no verdict was drawn.
Json verdict_json(const std::optional<selection::Verdict>& verdict, const std::string& unit = "");

}  // namespace kasetsu::campaign
