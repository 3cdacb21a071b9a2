// Numbers of conditions as they are compared and kept.
#pragma once

namespace kasetsu {

// The number to nine significant digits, and 0 for -0: 1073.15 K and 800 °C are one condition.
double plain_condition(double value);

}  // namespace kasetsu
