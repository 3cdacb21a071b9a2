// Numbers of the elements that conversions and rules about materials and charges need, whatever
// property table a model uses.
#pragma once

#include <optional>
#include <vector>

namespace kasetsu::chemistry {

// Standard atomic weight in g/mol, from config/elements/atomic_weights.csv (IUPAC 2021); the mass
// number of the longest-lived isotope where there is none; nothing beyond plutonium.
std::optional<double> atomic_weight(int atomic_number);
// The same table by atomic number - 1. It is made from the file when the project is built.
const std::vector<double>& standard_atomic_weights();

// The charge that an element mostly has in its oxide under air (Greenwood and Earnshaw, "Chemistry
// of the Elements", 1997); 0 for the noble gases and beyond plutonium. A rule of thumb: many
// elements have several.
int oxide_charge(int atomic_number);

}  // namespace kasetsu::chemistry
