#include "core/chemistry/weights.h"

#include <iterator>

namespace kasetsu::chemistry {

std::optional<double> atomic_weight(int atomic_number) {
  const std::vector<double>& weights = standard_atomic_weights();
  if (atomic_number < 1 || atomic_number > std::ssize(weights)) return std::nullopt;
  return weights[static_cast<std::size_t>(atomic_number - 1)];
}

int oxide_charge(int atomic_number) {
  static constexpr int kCharges[] = {1, 0, 1, 2, 3, 4, 5, -2, -1, 0, 1, 2, 3, 4, 5,  6,  -1, 0, 1,
                                     2, 3, 4, 5, 3, 4, 3, 3,  2,  2, 2, 3, 4, 5, 4,  -1, 0,  1, 2,
                                     3, 4, 5, 6, 7, 4, 3, 2,  1,  2, 3, 4, 3, 4, -1, 0,  1,  2, 3,
                                     4, 3, 3, 3, 3, 3, 3, 3,  3,  3, 3, 3, 3, 3, 4,  5,  6,  7, 4,
                                     4, 4, 3, 2, 3, 2, 3, 4,  -1, 0, 1, 2, 3, 4, 5,  6,  4,  4};
  if (atomic_number < 1 || atomic_number > static_cast<int>(std::size(kCharges))) return 0;
  return kCharges[static_cast<std::size_t>(atomic_number - 1)];
}

}  // namespace kasetsu::chemistry
