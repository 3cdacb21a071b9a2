#include "daemon/campaign/ingest/decoded_size.h"

#include <algorithm>

#include "drivers/tables/workbook.h"

namespace kasetsu::campaign {
namespace {

// Of a workbook: its parts, their elements, and the cells, by byte of what is unpacked; and what
// the largest that is read takes.
constexpr std::size_t kTimesUnpacked = 8;
constexpr std::size_t kLargestWorkbook = std::size_t{320} << 20;

// At least the number of values or cells that a text can hold: each has one of these before or
// after it.
std::size_t count_values(std::string_view body) {
  std::size_t count = 0;
  for (const char c : body) {
    count += static_cast<std::size_t>((c == ',') | (c == '[') | (c == '{') | (c == '\n') |
                                      (c == ';') | (c == '\t'));
  }
  return count;
}

}  // namespace

std::size_t decoded_bytes(std::string_view body) {
  if (tables::is_workbook(body)) {
    const auto unpacked = std::min<std::uint64_t>(tables::unpacked_bytes(body), kLargestWorkbook);
    return std::min<std::size_t>(kTimesUnpacked * unpacked, kLargestWorkbook);
  }
  return kBytesOfValue * count_values(body);
}

}  // namespace kasetsu::campaign
