// Amounts that a name tells with its numbers, and whether they are those that other columns tell.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/chemistry/told_catalyst.h"

namespace kasetsu::tables {

// "5Ni-2Mg/Al2O3", "Ni90Cu10/SiO2": the amount of each element by its symbol. Empty: the name tells
// none, or the numbers are those of a compound's formula ("Na2WO4", "Ni2P").
using NamedAmounts = std::vector<std::pair<std::string, double>>;
NamedAmounts amounts_of_name(std::string_view name);

// Whether the numbers of a name are the amounts that its row's columns tell, as far as that can be
// said: equal, in the same proportions, in the same proportions of moles, or weights in percent of
// what is told as mmol/g. Amounts that were weighed in or measured are a little off: a quarter is
// forgiven. `told`: without elements whose amount is 0.
bool amounts_agree(const NamedAmounts& named, const std::vector<chemistry::ToldAmount>& told);

}  // namespace kasetsu::tables
