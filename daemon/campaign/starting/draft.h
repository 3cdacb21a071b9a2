// A campaign file drafted from a table of what was measured.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "core/base/result.h"
#include "core/chemistry/catalyst.h"
#include "drivers/tables/table.h"

namespace kasetsu::campaign {

struct DraftRequest {
  std::string file_name;  // of the table, for the first line and for messages
  std::string name;       // of the campaign
  std::string unit;       // of the target
  std::string goal;       // maximize or minimize
  std::string loading_unit = "mmol/g";
  int batch = 0;
};

struct DraftedFile {
  std::string text;
  std::uint64_t space_size = 0;
};

using ReadTable = std::function<Result<tables::Table>(const tables::ReadOptions&)>;

// A valid file whose space holds what the table's elements, supports and amounts can make: slots
// where amounts count places, a simplex where they add up to about the same total, else a grid of
// the amounts that occur, or of some between them where they are many. What was assumed stands in
// its comments. The table has one target; it is read with `options`, and once more where its
// headers tell a basis of amounts. Errors: those of `read`; bad_data where no catalyst has an
// active element; a name that no campaign may have.
Result<DraftedFile> draft_campaign_file(const DraftRequest& request, tables::ReadOptions options,
                                        const ReadTable& read,
                                        const chemistry::SupportTable& supports);

}  // namespace kasetsu::campaign
