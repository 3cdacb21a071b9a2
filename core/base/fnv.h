// FNV-1a with 64 bits (Fowler, Noll and Vo; RFC 9923): a quick hash that says the same everywhere
// and for ever, so that it may stand in files. Not against those who want two texts to collide.
#pragma once

#include <cstdint>
#include <string_view>

namespace kasetsu {

class Fnv1a {
 public:
  void byte(unsigned char value) { value_ = (value_ ^ value) * 0x100000001B3; }
  void bytes(std::string_view values) {
    for (const char c : values) byte(static_cast<unsigned char>(c));
  }
  // Eight bytes, the lowest first.
  void number(std::uint64_t value) {
    for (int shift = 0; shift < 64; shift += 8) byte(static_cast<unsigned char>(value >> shift));
  }
  std::uint64_t value() const { return value_; }

 private:
  std::uint64_t value_ = 0xCBF29CE484222325;
};

}  // namespace kasetsu
