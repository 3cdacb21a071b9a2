// Identifiers that sort by creation: 48 bits of milliseconds and 80 random bits in Crockford's base
// 32 (github.com/ulid/spec), 26 characters.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>

#include "daemon/campaign/time.h"

namespace kasetsu::campaign {

// Safe to call from several threads. Identifiers from one source rise strictly, also within one
// millisecond and when the clock goes back (the random part then counts up from the last one).
class UlidSource {
 public:
  // random: 64 random bits a call; the daemon passes the operating system's generator.
  explicit UlidSource(std::function<std::uint64_t()> random);

  std::string next(Time now);

 private:
  std::mutex mutex_;
  std::function<std::uint64_t()> random_;
  std::uint64_t last_millis_ = 0;
  std::uint16_t high_ = 0;  // the upper 16 of the 80 random bits
  std::uint64_t low_ = 0;
  bool used_ = false;
};

// 64 bits from the operating system.
std::uint64_t system_random();

// Whether `text` has the form of an identifier (26 characters of the alphabet, no overflow).
bool is_ulid(std::string_view text);

}  // namespace kasetsu::campaign
