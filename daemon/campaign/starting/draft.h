// A campaign file drafted from a table of what was measured.
#pragma once

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

struct Draft {
  std::string text;
  std::uint64_t space_size = 0;
};

// A file whose space holds what the table's elements, supports and amounts can make: slots where
// amounts count places, a simplex where they add up to the same total, else a grid of the amounts
// that occur. The table has one target. The draft was decoded again, so that it can be applied as
// it is. Errors: bad_data where no such space can be told, or a name that no campaign may have.
Result<Draft> draft_campaign_file(const DraftRequest& request, const tables::Table& table,
                                  const chemistry::SupportTable& supports);

}  // namespace kasetsu::campaign
