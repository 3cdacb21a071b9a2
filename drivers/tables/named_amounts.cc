#include "drivers/tables/named_amounts.h"

#include <algorithm>
#include <array>
#include <optional>

#include "core/base/text.h"
#include "core/chemistry/basis.h"
#include "core/chemistry/element.h"
#include "core/chemistry/names.h"
#include "core/chemistry/weights.h"
#include "drivers/tables/cells.h"

namespace kasetsu::tables {
namespace {

// What is in a compound with metals: its formula's numbers are no amounts of a catalyst's elements.
bool makes_compounds(int element) {
  constexpr std::array<int, 13> kElements = {1, 5, 6, 7, 8, 9, 14, 15, 16, 17, 34, 35, 53};
  return std::find(kElements.begin(), kElements.end(), element) != kElements.end();
}

// "Ni90Cu10", "Ni5": symbols of metals, each with its number.
NamedAmounts trailing_amounts(std::string_view text) {
  NamedAmounts amounts;
  while (!text.empty()) {
    std::size_t letters = 1;
    while (letters < text.size() && text[letters] >= 'a' && text[letters] <= 'z') ++letters;
    const std::string symbol(text.substr(0, letters));
    const auto element = chemistry::atomic_number(symbol);
    text.remove_prefix(letters);
    const std::size_t digits = std::min(text.find_first_not_of("0123456789."), text.size());
    const auto amount = parse_number(text.substr(0, digits));
    if (!element || makes_compounds(*element) || !amount) return {};
    amounts.emplace_back(symbol, *amount);
    text.remove_prefix(digits);
    while (!text.empty() && (text[0] == '-' || text[0] == ' ')) text.remove_prefix(1);
  }
  return amounts;
}

// Amounts of the elements of a name: its number, the other columns' amount, and the atomic weight.
struct Pair {
  double named = 0.0, told = 0.0, weight = 0.0;
};

constexpr double kForgiven = 1.25;

// Whether `scale` makes each number of a name the amount that is told, or (`proportions`) all of
// them but for one factor.
template <class Scale>
bool agree(const std::vector<Pair>& pairs, bool proportions, const Scale& scale) {
  double least = 1.0, most = 1.0;
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    const double factor = pairs[i].named * scale(pairs[i]) / pairs[i].told;
    if (i == 0 && proportions) least = most = factor;
    least = std::min(least, factor);
    most = std::max(most, factor);
  }
  return most <= kForgiven * least;
}

}  // namespace

NamedAmounts amounts_of_name(std::string_view name) {
  const std::string folded = chemistry::fold_name(name);
  if (auto numbered = read_numbered_name(folded, "wt%")) return std::move(numbered->amounts);
  return trailing_amounts(trim(std::string_view(folded).substr(0, folded.rfind('/'))));
}

bool amounts_agree(const NamedAmounts& named, const std::vector<chemistry::ToldAmount>& told) {
  std::vector<Pair> pairs;
  std::optional<chemistry::ToldUnit> unit;
  for (const auto& [symbol, amount] : named) {
    Pair pair{amount, 0.0, 0.0};
    for (const chemistry::ToldAmount& one : told) {
      if (one.symbol != symbol) continue;
      unit = chemistry::told_unit(one.unit);
      pair.told += one.amount;
    }
    const auto weight = chemistry::atomic_weight(*chemistry::atomic_number(symbol));
    if (!weight || pair.told <= 0.0 || amount <= 0.0 || (unit && unit->weighed)) return true;
    pair.weight = *weight;
    pairs.push_back(pair);
  }
  using chemistry::Basis;
  const auto as_it_is = [](const Pair&) { return 1.0; };
  const auto to_moles = [](const Pair& pair) { return 1.0 / pair.weight; };
  const auto to_grams = [](const Pair& pair) { return pair.weight; };
  if (agree(pairs, false, as_it_is)) return true;
  if (unit && unit->basis == Basis::mass_fraction &&
      agree(pairs, false, [&](const Pair&) { return 0.01 / unit->scale; })) {
    return true;
  }
  if (unit && unit->basis == Basis::mmol_per_g_support &&
      agree(pairs, false, [&](const Pair& pair) { return 10.0 / pair.weight / unit->scale; })) {
    return true;
  }
  // Percent of weight and shares of moles cannot be compared without the support's weight.
  if (pairs.size() == 1) return unit && unit->basis == Basis::mole_fraction;
  return agree(pairs, true, as_it_is) || agree(pairs, true, to_moles) ||
         agree(pairs, true, to_grams);
}

}  // namespace kasetsu::tables
