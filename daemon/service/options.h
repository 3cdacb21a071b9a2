// What kasetsud was started with: its command line, and the configuration file below it.
#pragma once

#include <optional>
#include <string>

#include "core/base/result.h"
#include "daemon/service/daemon_file.h"

namespace kasetsu {

struct DaemonArguments {
  std::string config_file;
  std::string data_dir;
  std::string listen;
  std::string port_file;
  std::string unix_socket;
  std::string log_level;
  std::optional<unsigned> threads;
  bool check_config = false;
  bool check_security = false;
};

// Reads the command line. A code: the program has answered (--help, --version, a mistake) and ends
// with it.
std::optional<int> read_arguments(int argc, char** argv, DaemonArguments& arguments);

// The file that the command line names, with what the command line says instead. Errors: those of
// the file, of --listen, and of DaemonConfig::validate.
Result<DaemonConfig> read_config(const DaemonArguments& arguments);

}  // namespace kasetsu
