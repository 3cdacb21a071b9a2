// What a body takes in memory once it is decoded: so that those who take bodies in can count it
// before.
#pragma once

#include <cstddef>
#include <string_view>

namespace kasetsu::campaign {

// Bytes, about: JSON, lines of JSON or a table by its values (kBytesOfValue each, measured on
// deliveries of 100,000 rows with their receipts), a workbook by what it unpacks to.
std::size_t decoded_bytes(std::string_view body);

inline constexpr std::size_t kBytesOfValue = 200;

}  // namespace kasetsu::campaign
