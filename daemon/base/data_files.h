// The one place that knows where the files that come with the program lie: element tables,
// supports, schemas. Used by the command line and the daemon.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"

namespace kasetsu {

// Path of a file below config/ ("elements/general.csv"). Looked for in $KASETSU_DATA_DIR when that
// is set (and nowhere else then), in share/kasetsu beside the program's bin folder, and in the
// source tree that the program was built from. not_found names every place that was tried.
Result<std::string> find_data_file(std::string_view relative);

// The whole file; "-" is the standard input. Errors: not_found (no such file), bad_data (a folder,
// or larger than 256 MB), storage_failed (the system's reason).
Result<std::string> read_file(const std::string& path);

// Writes beside the file and renames, so that a file is never half-written; "-" is the standard
// output.
Status write_file(const std::string& path, std::string_view text);

// Where a daemon of this machine may have its Unix socket, the likelier first: the service's, the
// user's own.
std::vector<std::string> unix_socket_paths();
// Where a daemon puts it that was told none: below $RUNTIME_DIRECTORY (of the service manager),
// else $XDG_RUNTIME_DIR; empty where there is neither.
std::string default_unix_socket();

// The table in the file `path`, or in the data file `built_in` where `path` is empty, as
// Table::from_csv reads it.
template <typename Table>
Result<Table> read_data_table(std::string_view built_in, std::string path = {}) {
  if (path.empty()) {
    auto found = find_data_file(built_in);
    if (!found) return found.error();
    path = std::move(*found);
  }
  const auto text = read_file(path);
  if (!text) return text.error();
  return Table::from_csv(*text, path);
}

inline constexpr std::string_view kElementsFile = "elements/general.csv";
inline constexpr std::string_view kSupportsFile = "elements/supports.csv";

}  // namespace kasetsu
