// The words that options of tables take, the same at every door: command line, the daemon's file,
// profiles.
#pragma once

#include <string>
#include <vector>

namespace kasetsu::tables {

inline std::vector<std::string> encoding_names() {
  return {"auto", "utf-8", "utf-16", "utf-16le", "utf-16be", "cp1252", "cp932"};
}

// What numbers before the elements of names are; none: a line that tells a unit is about something
// else.
inline std::vector<std::string> name_amounts_names() {
  return {"wt%", "mol%", "none"};
}

// How decimals are written.
inline std::vector<std::string> decimal_names() {
  return {"point", "comma"};
}

}  // namespace kasetsu::tables
