#include "daemon/base/ulid.h"

#include <sys/random.h>

#include <algorithm>
#include <array>
#include <utility>

namespace kasetsu {
namespace {

constexpr std::string_view kAlphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
constexpr std::size_t kLength = 26;

// By character; -1: not of the alphabet.
constexpr std::array<std::int8_t, 256> kDigits = [] {
  std::array<std::int8_t, 256> digits{};
  digits.fill(-1);
  for (std::size_t i = 0; i < kAlphabet.size(); ++i) {
    digits[static_cast<unsigned char>(kAlphabet[i])] = static_cast<std::int8_t>(i);
  }
  return digits;
}();

}  // namespace

UlidSource::UlidSource(std::function<std::uint64_t()> random) : random_(std::move(random)) {
}

Ulid UlidSource::block(Time now, std::uint64_t count) {
  const std::int64_t micros = std::max<std::int64_t>(0, to_micros(now));
  const std::uint64_t millis = (static_cast<std::uint64_t>(micros) / 1000) & 0xFFFFFFFFFFFFull;
  const std::lock_guard guard(mutex_);
  if (!used_ || millis > next_.high >> 16) {
    used_ = true;
    // Half of the range is left for counting up.
    const std::uint64_t upper = random_() & 0x7FFF;
    next_ = {millis << 16 | upper, random_()};
  }
  const Ulid first = next_;
  next_ = next_.plus(count);
  return first;
}

std::uint64_t system_random() {
  std::uint64_t value = 0;
  // The kernel gives up to 256 bytes without interruption once it is seeded.
  KASETSU_ASSERT(::getrandom(&value, sizeof value, 0) == static_cast<ssize_t>(sizeof value));
  return value;
}

bool is_ulid(std::string_view text) {
  return Ulid::parse(text).has_value();
}

std::optional<Ulid> Ulid::parse(std::string_view text) {
  if (text.size() != kLength || text[0] > '7') return {};
  Ulid value;
  for (const char c : text) {
    const std::int8_t digit = kDigits[static_cast<unsigned char>(c)];
    if (digit < 0) return {};
    value.high = value.high << 5 | value.low >> 59;
    value.low = value.low << 5 | static_cast<std::uint64_t>(digit);
  }
  return value;
}

std::string Ulid::text() const {
  std::string text(kLength, '0');
  Ulid rest = *this;
  for (std::size_t i = kLength; i-- > 0;) {
    text[i] = kAlphabet[rest.low & 31];
    rest.low = rest.low >> 5 | rest.high << 59;
    rest.high >>= 5;
  }
  return text;
}

Ulid Ulid::plus(std::uint64_t steps) const {
  Ulid sum = {high, low + steps};
  if (sum.low < low) ++sum.high;
  return sum;
}

}  // namespace kasetsu
