// Random numbers that are the same on every machine: the standard library's engines are, its
// distributions are not, so both are here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

namespace kasetsu {

// xoshiro256++ (Blackman and Vigna, "Scrambled linear pseudorandom number generators", ACM TOMS 47,
// 2021), seeded by splitmix64. Streams with different `stream` are independent for practical
// purposes: parallel work takes one stream an item, so that its draws do not depend on threads.
class Random {
 public:
  explicit Random(std::uint64_t seed, std::uint64_t stream = 0);

  std::uint64_t next();
  // Uniform in [0, 1), 53 bits.
  double uniform();
  // Uniform in {0, ..., bound - 1}, without bias; bound > 0.
  std::uint64_t below(std::uint64_t bound);
  // Standard normal (Marsaglia's polar method).
  double normal();

  template <typename Sequence>
  void shuffle(Sequence& sequence) {
    for (std::size_t i = sequence.size(); i > 1; --i) {
      std::swap(sequence[i - 1], sequence[static_cast<std::size_t>(below(i))]);
    }
  }

 private:
  std::uint64_t state_[4];
};

}  // namespace kasetsu
