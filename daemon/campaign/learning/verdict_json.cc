#include "daemon/campaign/learning/verdict_json.h"

#include <cmath>

namespace kasetsu::campaign {

Json verdict_json(const std::optional<selection::Verdict>& verdict, const std::string& unit) {
  if (!verdict) return nullptr;
  const auto finite = [](double value) { return std::isfinite(value) ? Json(value) : Json(); };
  return {{"word", selection::kVerdictNames.to_name(verdict->word)},
          {"sentence", verdict->sentence(unit)},
          {"mae", finite(verdict->mae)},
          {"mae_median", finite(verdict->mae_median)},
          {"p", finite(verdict->p)},
          {"catalysts", verdict->catalysts}};
}

}  // namespace kasetsu::campaign
