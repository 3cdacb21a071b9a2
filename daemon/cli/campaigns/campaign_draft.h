// A campaign file drafted from a table of what was measured.
#pragma once

#include <cstdint>
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

struct DraftedFile {
  std::string text;
  std::uint64_t space_size = 0;
};

// A valid file whose space holds what the table's elements, supports and amounts can make: slots
// where amounts count places, a simplex where they add up to about the same total, else a grid of
// the amounts that occur, or of some between them where they are many. What was assumed stands in
// its comments. Errors: bad_data where no catalyst has an active element; a name that no campaign
// may have.
Result<DraftedFile> draft_of(const DraftArguments& arguments, const tables::Table& table,
                             const chemistry::SupportTable& supports,
                             const chemistry::CompositionRules& rules);

Status draft_campaign(const DraftArguments& arguments, Session& session);

}  // namespace kasetsu::cli
