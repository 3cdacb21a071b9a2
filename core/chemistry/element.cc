#include "core/chemistry/element.h"

#include <array>
#include <iterator>

#include "core/result.h"

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

std::optional<double> atomic_weight(int atomic_number) {
  // IUPAC's standard weights as pymatgen lists them; the longest-lived isotope where there is none.
  constexpr double kWeights[] = {
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
  if (atomic_number < 1 || atomic_number > static_cast<int>(std::size(kWeights))) {
    return std::nullopt;
  }
  return kWeights[atomic_number - 1];
}

}  // namespace kasetsu::chemistry
