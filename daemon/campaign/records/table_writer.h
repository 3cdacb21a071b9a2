// A store whose one writer knows results from tables.
#pragma once

#include <cstddef>
#include <functional>
#include <stop_token>
#include <string>

#include "daemon/campaign/records/store_port.h"

namespace kasetsu::campaign {

// What a table asks of the writer, and for whom.
struct TableShare {
  std::size_t rows = 0;
  std::size_t values = 0;  // of all rows: what writing takes time for
  std::string claimant;    // tables of several claimants are served in turn
  // Asked to stop where nobody waits for the table any more; it is given up then.
  std::stop_token given_up;
  // Whether the table is written to its end, however long that holds the others up, once it has
  // waited long enough. Otherwise it is refused with busy where that would take too long.
  bool to_its_end = false;
};

class TableWriter {
 public:
  virtual ~TableWriter() = default;

  // Database::write for a task of many rows. Such tasks wait in a queue of their own. Where single
  // results come while a long table is written, the store may undo it and run the task again after
  // them, whatever `repeat`: only its last run counts. Errors of the store's own: busy (the table
  // was given up, others kept it from its end, or the store ends).
  virtual void write_table(std::function<Status(Transaction&)> task,
                           std::function<void(Status)> done, Repeat repeat, TableShare share) = 0;
};

}  // namespace kasetsu::campaign
