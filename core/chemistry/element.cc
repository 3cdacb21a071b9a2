#include "core/chemistry/element.h"

#include <array>

#include "core/base/result.h"

namespace kasetsu::chemistry {
namespace {

constexpr std::array<std::string_view, kLastAtomicNumber> kSymbols = {
    "H",  "He", "Li", "Be", "B",  "C",  "N",  "O",  "F",  "Ne", "Na", "Mg", "Al", "Si", "P",
    "S",  "Cl", "Ar", "K",  "Ca", "Sc", "Ti", "V",  "Cr", "Mn", "Fe", "Co", "Ni", "Cu", "Zn",
    "Ga", "Ge", "As", "Se", "Br", "Kr", "Rb", "Sr", "Y",  "Zr", "Nb", "Mo", "Tc", "Ru", "Rh",
    "Pd", "Ag", "Cd", "In", "Sn", "Sb", "Te", "I",  "Xe", "Cs", "Ba", "La", "Ce", "Pr", "Nd",
    "Pm", "Sm", "Eu", "Gd", "Tb", "Dy", "Ho", "Er", "Tm", "Yb", "Lu", "Hf", "Ta", "W",  "Re",
    "Os", "Ir", "Pt", "Au", "Hg", "Tl", "Pb", "Bi", "Po", "At", "Rn", "Fr", "Ra", "Ac", "Th",
    "Pa", "U",  "Np", "Pu", "Am", "Cm", "Bk", "Cf", "Es", "Fm", "Md", "No", "Lr", "Rf", "Db",
    "Sg", "Bh", "Hs", "Mt", "Ds", "Rg", "Cn", "Nh", "Fl", "Mc", "Lv", "Ts", "Og"};

// A symbol is one capital and at most one small letter: 26 x 27 places.
constexpr std::size_t place(std::string_view symbol) {
  const auto first = static_cast<std::size_t>(symbol[0] - 'A');
  const std::size_t second = symbol.size() == 2 ? static_cast<std::size_t>(symbol[1] - 'a') + 1 : 0;
  return first * 27 + second;
}

constexpr std::array<unsigned char, 26 * 27> make_index() {
  std::array<unsigned char, 26 * 27> index = {};
  for (std::size_t i = 0; i < kSymbols.size(); ++i) {
    index[place(kSymbols[i])] = static_cast<unsigned char>(i + 1);
  }
  return index;
}

constexpr std::array<unsigned char, 26 * 27> kIndex = make_index();

}  // namespace

std::optional<int> atomic_number(std::string_view symbol) {
  if (symbol.empty() || symbol.size() > 2) return std::nullopt;
  if (symbol[0] < 'A' || symbol[0] > 'Z') return std::nullopt;
  if (symbol.size() == 2 && (symbol[1] < 'a' || symbol[1] > 'z')) return std::nullopt;
  const int number = kIndex[place(symbol)];
  if (number == 0) return std::nullopt;
  return number;
}

std::string_view element_symbol(int atomic_number) {
  KASETSU_ASSERT(atomic_number >= 1 && atomic_number <= kLastAtomicNumber);
  return kSymbols[static_cast<std::size_t>(atomic_number - 1)];
}

bool is_noble_gas(int atomic_number) {
  return atomic_number == 2 || atomic_number == 10 || atomic_number == 18 || atomic_number == 36 ||
         atomic_number == 54 || atomic_number == 86 || atomic_number == 118;
}

bool can_be_weighed(int atomic_number) {
  constexpr int kEinsteinium = 99;
  return atomic_number < kEinsteinium;
}

}  // namespace kasetsu::chemistry
