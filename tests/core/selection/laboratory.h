// A made-up laboratory: ternary catalysts of real elements with a target that follows their
// properties.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "core/base/random.h"
#include "core/chemistry/element.h"
#include "core/chemistry/element_table.h"
#include "core/selection/model.h"
#include "tests/shared_data.h"

namespace kasetsu::testing {

inline const chemistry::ElementTable& general_elements() {
  static const chemistry::ElementTable table = [] {
    const std::string file = source_file("config/elements/general.csv");
    return chemistry::ElementTable::from_csv(read_file(file), file).value();
  }();
  return table;
}

// One row a catalyst of three of sixteen elements, with repetition. The target: the smallest of a
// property, and the logarithm of a mean of another, plus Gaussian noise.
inline selection::TrainingSet laboratory(int rows, double noise, std::uint64_t seed) {
  static const std::vector<std::string> symbols{"Li", "Na", "K",  "Mg", "Ca", "Sr", "Ti", "V",
                                                "Mn", "Fe", "Co", "Ni", "Cu", "Zn", "Zr", "W"};
  const chemistry::ElementTable& elements = general_elements();
  Random random(seed);
  selection::TrainingSet data;
  data.y.resize(rows);
  for (int i = 0; i < rows; ++i) {
    chemistry::Catalyst catalyst;
    for (int slot = 0; slot < 3; ++slot) {
      catalyst.active.add(
          chemistry::atomic_number(symbols[static_cast<std::size_t>(random.below(symbols.size()))])
              .value(),
          1.0);
    }
    double low = 1e300;
    double mean = 0.0;
    for (const auto& part : catalyst.active.parts()) {
      low = std::min(low, elements.value(part.element, 0));
      mean += part.amount * elements.value(part.element, 0) / 3.0;
    }
    data.y[i] = 0.05 * low + 2.0 * std::log(mean) + noise * random.normal();
    data.catalysts.push_back(catalyst);
  }
  return data;
}

}  // namespace kasetsu::testing
