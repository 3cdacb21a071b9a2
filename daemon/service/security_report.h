// How safe an installation is, told to its operator by `kasetsu doctor --security`: who can reach
// the daemon, who can read or change its files, and which tokens are about.
#pragma once

#include <string>
#include <vector>

#include "daemon/base/json.h"
#include "daemon/base/time.h"
#include "daemon/service/daemon_file.h"

namespace kasetsu {

struct SecurityFinding {
  std::string check;   // "tokens", "data folder"
  std::string found;   // "ok"; "warning": it may be meant so; "wrong"
  std::string text;    // a sentence without a secret in it
  std::string advice;  // what to type or to write; empty: nothing
};

// Reads the files that the configuration names and changes nothing. `now` ages tokens and the
// certificate.
std::vector<SecurityFinding> look_at_security(const DaemonConfig& config, Time now);

// {"checks": [{"check", "found", "text", "advice"}]}
Json to_json(const std::vector<SecurityFinding>& findings);

}  // namespace kasetsu
