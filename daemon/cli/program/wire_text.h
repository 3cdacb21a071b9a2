// Pieces of the daemon's answers as text.
#pragma once

#include <string>
#include <string_view>

#include "daemon/cli/program/session.h"

namespace kasetsu::cli {

// A member as text: strings as they are, numbers short, "-" when it is absent or null.
std::string field(const Json& object, std::string_view name);
// Description of a member `catalyst`, else its key.
std::string catalyst_text(const Json& object);

}  // namespace kasetsu::cli
