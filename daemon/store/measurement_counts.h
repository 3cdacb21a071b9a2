// How many measurements of a campaign are live, without counting them all again: measurements are
// only ever added, so the number of those up to one of them stays what it was.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>

#include "daemon/store/sqlite.h"

namespace kasetsu::store {

// Shared by all readers of one database; for what is committed only. Any thread.
class MeasurementCounts {
 public:
  // As the connection's transaction sees it. Throws StorageError.
  std::int64_t live(Connection& connection, std::int64_t campaign);

 private:
  struct Known {
    std::int64_t upto = 0;   // seq of a measurement of the campaign
    std::int64_t count = 0;  // its measurements up to that one, live or not
  };
  std::int64_t all(Connection& connection, std::int64_t campaign);

  std::mutex mutex_;
  std::map<std::int64_t, Known> known_;  // by campaign
};

}  // namespace kasetsu::store
