// A campaign file drafted from a table of what was measured.
#pragma once

#include <string>

#include "daemon/cli/program/arguments.h"

namespace kasetsu::cli {

struct DraftArguments {
  TableArguments table;
  std::string name;
  std::string unit;
  std::string goal;
  std::string loading_unit = "mmol/g";
  int batch = 0;
  std::string out;
};

// A file whose space holds what the table's elements, supports and amounts can make: slots where
// amounts count places, a simplex where they add up to the same total, else a grid of the amounts
// that occur. Errors: those of the table; bad_data where no such space can be told.
Result<std::string> draft_text(const DraftArguments& arguments, const tables::Table& table);

Status draft_campaign(const DraftArguments& arguments, Session& session);

}  // namespace kasetsu::cli
