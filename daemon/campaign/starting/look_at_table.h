// A table of what was measured, as it was read: for people who look before they start a campaign.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "core/chemistry/catalyst.h"
#include "daemon/base/json.h"
#include "daemon/campaign/starting/draft.h"

namespace kasetsu::campaign {

// What a person told of the columns.
struct TableRequest {
  std::string file_name = "table";
  std::vector<std::string> targets, conditions, ignore;
  std::optional<std::string> composition, id;
  std::string sheet;                          // of a workbook
  char decimal = '\0';                        // '.' or ','; 0: found out
  std::string encoding, name_amounts, shape;  // as in tables::ReadOptions
  std::vector<std::string> fill_down, null;   // as in tables::ReadOptions
};

// {"rows", "shape", "encoding", "delimiter", "header_line", "sheet", "notes", "columns":
// [{"number", "header", "use", "name", "unit", "content", "filled", "first": [cells], "problems"}],
// "problems":
// [{"line", "column", "value", "detail", "expected"}] (at most 200), "problems_total"}. A table
// whose columns cannot be told is no error: its problem is the first one, and the columns are not
// used. Errors: bad_data, of a file that is no table.
Result<Json> look_at_table(std::string_view bytes, const TableRequest& request,
                           const chemistry::SupportTable& supports);

// A campaign file drafted from the table. Errors: those of read_table, and of draft_campaign_file.
Result<DraftedFile> draft_from_table(std::string_view bytes, const TableRequest& request,
                                     const DraftRequest& draft,
                                     const chemistry::SupportTable& supports);

}  // namespace kasetsu::campaign
