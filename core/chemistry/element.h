// The periodic table's names. Nothing here depends on a property table.
#pragma once

#include <optional>
#include <string_view>

namespace kasetsu::chemistry {

inline constexpr int kLastAtomicNumber = 118;

// Atomic number of an exact symbol ("Co", not "CO" or "co"); nothing for any other text.
std::optional<int> atomic_number(std::string_view symbol);
// Symbol of an atomic number in 1 ... 118.
std::string_view element_symbol(int atomic_number);
// Helium to oganesson: in no catalyst.
bool is_noble_gas(int atomic_number);
// Einsteinium and what comes after it never were there in amounts that could be weighed.
bool can_be_weighed(int atomic_number);

}  // namespace kasetsu::chemistry
