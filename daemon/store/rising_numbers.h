// Lists of rising numbers in few bytes: the members of a snapshot and of replicates. Each number is
// its difference from the one before, seven bits a byte, lowest first; the high bit says that more
// follow.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

struct sqlite3;

namespace kasetsu::store {

// number > before, the one that was appended last; 0 before the first.
void append_rising(std::string& bytes, std::int64_t before, std::int64_t number);

// Takes the first number off the bytes; last: the number before it, then it. False at their end.
inline bool take_rising(std::string_view& bytes, std::int64_t& last) {
  std::uint64_t difference = 0;
  for (unsigned shift = 0; !bytes.empty() && shift < 64; shift += 7) {
    const auto byte = static_cast<unsigned char>(bytes.front());
    bytes.remove_prefix(1);
    difference |= static_cast<std::uint64_t>(byte & 0x7F) << shift;
    if ((byte & 0x80) == 0) {
      last += static_cast<std::int64_t>(difference);
      return true;
    }
  }
  bytes = {};
  return false;
}
std::vector<std::int64_t> all_rising(std::string_view bytes);

// The table-valued function members(first, more) with one column, measurement: `first`, and what
// `more` holds after it. Returns SQLite's code.
int register_members(sqlite3* database);

}  // namespace kasetsu::store
