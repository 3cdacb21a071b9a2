// Identifiers that sort by creation: 48 bits of milliseconds and 80 random bits in Crockford's base
// 32 (github.com/ulid/spec), 26 characters.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "daemon/base/time.h"

namespace kasetsu {

// The 128 bits of an identifier, a number that can be counted up.
struct Ulid {
  std::uint64_t high = 0, low = 0;

  // Nothing for what is_ulid refuses.
  static std::optional<Ulid> parse(std::string_view text);
  std::string text() const;
  Ulid plus(std::uint64_t steps) const;
  bool operator==(const Ulid&) const = default;
};

// Safe to call from several threads. Identifiers from one source rise strictly, also within one
// millisecond and when the clock goes back (the random part then counts up from the last one).
class UlidSource {
 public:
  // random: 64 random bits a call; the daemon passes the operating system's generator.
  explicit UlidSource(std::function<std::uint64_t()> random);

  std::string next(Time now) { return block(now, 1).text(); }
  // The first of `count` identifiers that follow one another and are given to nobody else.
  Ulid block(Time now, std::uint64_t count);

 private:
  std::mutex mutex_;
  std::function<std::uint64_t()> random_;
  Ulid next_;  // lowest that is free
  bool used_ = false;
};

// 64 bits from the operating system.
std::uint64_t system_random();

// Whether `text` has the form of an identifier (26 characters of the alphabet, no overflow).
bool is_ulid(std::string_view text);

}  // namespace kasetsu
