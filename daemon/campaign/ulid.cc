#include "daemon/campaign/ulid.h"

#include <sys/random.h>

#include <algorithm>
#include <utility>

namespace kasetsu::campaign {
namespace {

constexpr std::string_view kAlphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

}  // namespace

UlidSource::UlidSource(std::function<std::uint64_t()> random) : random_(std::move(random)) {
}

std::string UlidSource::next(Time now) {
  const std::int64_t micros = std::max<std::int64_t>(0, to_micros(now));
  const std::uint64_t millis = static_cast<std::uint64_t>(micros) / 1000;
  const std::lock_guard guard(mutex_);
  if (!used_ || millis > last_millis_) {
    used_ = true;
    last_millis_ = millis;
    // Half of the range is left for counting up.
    high_ = static_cast<std::uint16_t>(random_() & 0x7FFF);
    low_ = random_();
  } else if (++low_ == 0 && ++high_ == 0) {
    ++last_millis_;
  }
  std::string text(26, '0');
  std::uint64_t time_bits = last_millis_ & 0xFFFFFFFFFFFFull;
  for (std::size_t i = 10; i-- > 0;) {
    text[i] = kAlphabet[time_bits & 31];
    time_bits >>= 5;
  }
  std::uint64_t low = low_;
  std::uint64_t high = high_;
  for (std::size_t i = 26; i-- > 10;) {
    text[i] = kAlphabet[low & 31];
    low = (low >> 5) | ((high & 31) << 59);
    high >>= 5;
  }
  return text;
}

std::uint64_t system_random() {
  std::uint64_t value = 0;
  // The kernel gives up to 256 bytes without interruption once it is seeded.
  KASETSU_ASSERT(::getrandom(&value, sizeof value, 0) == static_cast<ssize_t>(sizeof value));
  return value;
}

bool is_ulid(std::string_view text) {
  if (text.size() != 26 || text[0] > '7') return false;
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return kAlphabet.find(c) != std::string_view::npos; });
}

}  // namespace kasetsu::campaign
