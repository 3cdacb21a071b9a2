// Files that grow: each complete line is delivered once.
#pragma once

#include <string>

#include "drivers/supervisor/driver.h"

namespace kasetsu::drivers {

// The place up to which a file was read is kept in the state folder, with the file's identity (its
// inode and a digest of its beginning): a rotated file is a new one. A stretch is written down
// before it is delivered and delivered under a key of its own, so that a crash repeats exactly the
// same delivery. For tables the header's lines are put before every stretch.
class Tail {
 public:
  Tail(const Settings& settings, const Host& host, Counters& counters, int header_lines)
      : settings_(settings), host_(host), counters_(counters), header_lines_(header_lines) {}

  // Delivers what is new in inbox/name; true when something was. Errors: as deliver's when trying
  // again can help. A stretch that is refused for good is counted as dropped and logged.
  Result<bool> follow(int inbox, const std::string& name, const std::stop_token& stop);

 private:
  const Settings& settings_;
  const Host& host_;
  Counters& counters_;
  int header_lines_;
};

}  // namespace kasetsu::drivers
