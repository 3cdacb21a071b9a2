// A batch as a table to fill in: what its open proposals are, with empty columns for the results.
#pragma once

#include "core/base/result.h"
#include "daemon/campaign/views/candidates.h"

namespace kasetsu::campaign {

enum class SheetFormat { csv, workbook };

// The bytes of the file. Its first sheet is read back by the intake as it is: proposal, channel,
// sample (for a person), amounts by element, Support, Preparation (where there is one), the
// conditions that the campaign varies, and a column to fill for each target. A workbook has a
// second one, "weigh in", where the campaign tells of materials: milligrams of each for each
// channel. Proposals by the places of the plate, else by rank. Errors: not_found for a batch that
// is not of this campaign; those of tables::write_workbook.
Result<std::string> worksheet(const Reader& reader, const Campaign& campaign,
                              const CampaignConfig& config, const std::string& batch,
                              SheetFormat format, const chemistry::SupportTable& supports);

}  // namespace kasetsu::campaign
