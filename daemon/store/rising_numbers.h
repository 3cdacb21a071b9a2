// Lists of rising numbers in few bytes: the members of a snapshot and of replicates. Each number is
// its difference from the one before, seven bits a byte, lowest first; the high bit says that more
// follow.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

struct sqlite3;

namespace kasetsu::store {

// number > before, the one that was appended last; 0 before the first.
void append_rising(std::string& bytes, std::int64_t before, std::int64_t number);

// Reads them one by one.
class RisingNumbers {
 public:
  RisingNumbers() = default;
  // before: the number before the first one. `bytes` must outlive the reader.
  explicit RisingNumbers(std::string_view bytes, std::int64_t before = 0)
      : bytes_(bytes), last_(before) {}
  std::optional<std::int64_t> next();

 private:
  std::string_view bytes_;
  std::int64_t last_ = 0;
};

std::vector<std::int64_t> all_rising(std::string_view bytes);

// The table-valued function members(first, more) with one column, measurement: `first`, and what
// `more` holds after it. Returns SQLite's code.
int register_members(sqlite3* database);

}  // namespace kasetsu::store
