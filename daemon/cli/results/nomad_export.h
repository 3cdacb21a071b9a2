// Measurements as the tables of NOMAD's catalysis plugin.
#pragma once

#include <string>

#include "core/base/result.h"
#include "daemon/cli/program/session.h"

namespace kasetsu::cli {

struct NomadTables {
  std::string samples;    // NAME_CatalystSampleCollection.csv
  std::string reactions;  // NAME_CatalyticReactionCollection.csv
};

// measurements: as GET /v1/campaigns/{name}/measurements lists them. Values that were measured
// together stand in one row. Columns that NOMAD has no word for (channel, replicate, source, other
// conditions and properties) stand beside its own, so that the profile nomad_catalysis reads
// everything back. bad_data: a name that cannot stand in a header.
Result<NomadTables> nomad_tables(const Json& measurements);

}  // namespace kasetsu::cli
