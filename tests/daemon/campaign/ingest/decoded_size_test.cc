// What a body is counted with before it is decoded.
#include "daemon/campaign/ingest/decoded_size.h"

#include <gtest/gtest.h>

#include <string>

namespace kasetsu::campaign {
namespace {

TEST(DecodedSize, EachValueOfATextCounts) {
  EXPECT_EQ(decoded_bytes(""), 0u);
  EXPECT_EQ(decoded_bytes("[1,2]"), 2 * kBytesOfValue);
  std::string lines;
  for (int i = 0; i < 1'000; ++i) lines += "{}\n";
  EXPECT_EQ(decoded_bytes(lines), 2'000 * kBytesOfValue);
  std::string cells;
  for (int i = 0; i < 1'000; ++i) cells += "1;2\t3\n";
  EXPECT_EQ(decoded_bytes(cells), 3'000 * kBytesOfValue);
}

// An archive of one part that says it unpacks to `size` bytes, stored under an empty name.
std::string archive_of(std::uint32_t size) {
  const auto number = [](std::uint64_t value, int bytes) {
    std::string text;
    for (int i = 0; i < bytes; ++i) text.push_back(static_cast<char>(value >> (8 * i)));
    return text;
  };
  const std::string name = "a.xml", packed(100, '\0');
  const std::string common = number(20, 2) + number(0, 2) + number(8, 2) + number(0, 8) +
                             number(packed.size(), 4) + number(size, 4) + number(name.size(), 2) +
                             number(0, 2);
  const std::string local = "PK\x03\x04" + common + name + packed;
  const std::string entry = "PK\x01\x02" + number(20, 2) + common + number(0, 2) + number(0, 4) +
                            number(0, 4) + number(0, 4) + name;
  return local + entry + "PK\x05\x06" + number(0, 4) + number(1, 2) + number(1, 2) +
         number(entry.size(), 4) + number(local.size(), 4) + number(0, 2);
}

// It has hardly a comma, and takes hundreds of megabytes.
TEST(DecodedSize, AWorkbookCountsByWhatItUnpacksTo) {
  const std::string small = archive_of(1'000'000), large = archive_of(4'000'000'000);
  EXPECT_EQ(decoded_bytes(small), 8'000'000u);
  EXPECT_EQ(decoded_bytes(large), std::size_t{320} << 20) << "no more than the largest takes";
  EXPECT_EQ(decoded_bytes("PK\x03\x04 and nothing behind"), 0u) << "it cannot be read";
}

}  // namespace
}  // namespace kasetsu::campaign
