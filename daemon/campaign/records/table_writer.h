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
  // claimants are served in turn. Where single results come while a long table is written, the
  // store may undo it and run the task again after them, whatever `repeat`: only its last run
  // counts.
  virtual void write_table(std::function<Status(Transaction&)> task,
                           std::function<void(Status)> done, Repeat repeat, std::size_t rows,
                           const std::string& claimant) = 0;
};

}  // namespace kasetsu::campaign
