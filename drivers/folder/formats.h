// What a file is, by its name.
#pragma once

#include <string_view>

#include "daemon/campaign/ingest/intake.h"

namespace kasetsu::drivers {

// .json, .ndjson and .jsonl; everything else is a table.
campaign::DeliveryFormat format_of(std::string_view name);
// Names that a writer has not finished, or that are nobody's results.
bool is_unfinished(std::string_view name);
// "*" stands for any text.
bool matches(std::string_view pattern, std::string_view name);

}  // namespace kasetsu::drivers
