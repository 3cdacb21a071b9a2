// Identifiers of measurements. Those of a delivery are numbered after it: the k-th of its
// measurements, from 1, has the identifier that lies k above the delivery's own, and keeps none in
// its row. Measurements without a delivery of their own (corrections by hand, rows out of
// quarantine) and those written before this numbering keep theirs.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "daemon/base/ulid.h"
#include "daemon/store/sqlite.h"

// What MeasurementIds reads, from the columns of a measurement m and its ingest i.
#define KASETSU_SQL_MEASUREMENT_ID "m.seq, m.id, i.id, i.first_measurement"

namespace kasetsu::store {

// Reads identifiers out of the rows of a query, whose neighbours mostly share their delivery.
class MeasurementIds {
 public:
  // column: of the first of KASETSU_SQL_MEASUREMENT_ID's four.
  std::string read(const Statement& statement, int column);

 private:
  std::string delivery_;
  Ulid first_;  // of delivery_
};

std::string id_of_measurement(Connection& connection, std::int64_t seq);       // empty: none
std::int64_t seq_of_measurement(Connection& connection, std::string_view id);  // 0: none

}  // namespace kasetsu::store
