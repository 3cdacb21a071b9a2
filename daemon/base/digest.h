// SHA-256 (FIPS 180-4): names of contents, snapshots and migrations.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace kasetsu {

struct Digest {
  std::array<std::uint8_t, 32> bytes{};

  std::string hex() const;     // 64 lower-case digits
  std::string base64() const;  // 44 characters (RFC 4648)
  bool operator==(const Digest&) const = default;
  auto operator<=>(const Digest&) const = default;
};

Digest sha256(std::string_view bytes);
// HMAC-SHA256 (RFC 2104).
Digest hmac_sha256(std::string_view key, std::string_view bytes);

// The same in pieces.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;

  void add(std::string_view bytes);
  Digest finish();  // once

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace kasetsu
