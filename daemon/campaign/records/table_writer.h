// A store whose one writer knows results from tables.
#pragma once

#include <cstddef>
#include <functional>
#include <string>

#include "daemon/campaign/records/store_port.h"

namespace kasetsu::campaign {

class TableWriter {
 public:
  virtual ~TableWriter() = default;

  // Database::write for a task of many rows. Such tasks wait in a queue of their own, where
  // claimants are served in turn, so that a table holds up a single result for no longer than its
  // own commit takes.
  virtual void write_table(std::function<Status(Transaction&)> task,
                           std::function<void(Status)> done, Repeat repeat, std::size_t rows,
                           const std::string& claimant) = 0;
};

}  // namespace kasetsu::campaign
