#include "core/planning/surrogates/acquisition.h"

namespace kasetsu::planning {

std::string_view to_string(Acquisition acquisition) {
  switch (acquisition) {
    case Acquisition::automatic:
      return "automatic";
    case Acquisition::expected_improvement:
      return "expected_improvement";
    case Acquisition::probability:
      return "probability";
    case Acquisition::conservative:
      return "conservative";
    case Acquisition::mean:
      return "mean";
  }
  return "automatic";
}

}  // namespace kasetsu::planning
