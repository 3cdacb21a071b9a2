#include "core/chemistry/weights.h"

#include <iterator>

namespace kasetsu::chemistry {

std::optional<double> atomic_weight(int atomic_number) {
  static constexpr double kWeights[] = {
      1.00794,   4.002602,  6.941,     9.012182,  10.811,    12.0107, 14.0067,   15.9994,
      18.998403, 20.1797,   22.989769, 24.305,    26.981539, 28.0855, 30.973762, 32.065,
      35.453,    39.948,    39.0983,   40.078,    44.955912, 47.867,  50.9415,   51.9961,
      54.938045, 55.845,    58.933195, 58.6934,   63.546,    65.409,  69.723,    72.64,
      74.9216,   78.96,     79.904,    83.798,    85.4678,   87.62,   88.90585,  91.224,
      92.90638,  95.94,     98,        101.07,    102.9055,  106.42,  107.8682,  112.411,
      114.818,   118.71,    121.76,    127.6,     126.90447, 131.293, 132.90545, 137.327,
      138.90547, 140.116,   140.90765, 144.242,   145,       150.36,  151.964,   157.25,
      158.92535, 162.5,     164.93032, 167.259,   168.93421, 173.04,  174.967,   178.49,
      180.94788, 183.84,    186.207,   190.23,    192.217,   195.084, 196.96657, 200.59,
      204.3833,  207.2,     208.9804,  210,       210,       220,     223,       226,
      227,       232.03806, 231.03588, 238.02891, 237,       244};
  if (atomic_number < 1 || atomic_number > static_cast<int>(std::size(kWeights)))
    return std::nullopt;
  return kWeights[static_cast<std::size_t>(atomic_number - 1)];
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
