// What the name of a column says: a slot, an amount, an element, a support, or something that comes
// near to one of them.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace kasetsu::tables {

// "wt% 1", "loading 2 (mmol/g)", "amount 1": the number of the slot whose amount it is, and the
// unit.
struct AmountHeader {
  int number = 0;
  std::string unit;
};
std::optional<AmountHeader> slot_amount(std::string_view name);

// "Cu (wt%)", "Cu/wt%", "x(Cu)", "Copper (wt%)": the element and the unit of an amount. C (%), S
// (%) and Y (%) are conversion, selectivity and yield.
struct ElementHeader {
  int element = 0;
  std::string unit;
  bool method = false;  // it says how the amount was measured: "Cu (wt%; ICP)"
};
std::optional<ElementHeader> element_header(std::string_view name);
// "Ni (wt% NiO)", "Ni (mg/g support)", "Ni (mmol/g catalyst)": the element of an amount that is
// told as its oxide's, or by another weight than its unit means. No element_header.
std::optional<int> amount_of_other(std::string_view name);
// An element by its name and nothing else: "Copper".
std::optional<int> element_near_name(std::string_view name);

// Letters and digits only, in lower case: what is left of a name when its writing is forgiven.
std::string bare(std::string_view name);

// The number of an exact slot name: M1 ... M99, without leading zeros.
std::optional<int> slot_number(std::string_view name);

// "m2", "M 2", "MM2", "M-2", "M02", "Metal 2", "slot2": the number that was probably meant.
std::optional<int> slot_near_miss(std::string_view name);

// "T", "Temp.", "Temperatur", "\u6E29\u5EA6": the temperature of the reaction; "p", "Pressure",
// "Druck": its pressure. With a number ("T50", "T2") it may be an outcome or one of several
// sensors.
enum class Quantity { temperature, pressure };
struct QuantityName {
  Quantity quantity;
  bool numbered;
};
std::optional<QuantityName> quantity_name(std::string_view name);
// "Support", "supp.", "Tr\u00E4ger".
bool is_support_name(std::string_view name);
// The same with words that say no more: "Support oxide", "oxide support", "Tr\u00E4geroxid".
bool describes_support(std::string_view name);
bool is_support_near_miss(std::string_view name);
bool is_formula_name(std::string_view name);
// The same in other languages, where the cells are compositions, too.
bool is_catalyst_word(std::string_view name);
bool is_formula_near_miss(std::string_view name);
// "Li (wt%)", "li_mol", "Li%", "LI", "li": the symbol that was probably meant.
std::optional<int> element_near_miss(std::string_view name);

// "CuO (wt%)", "CuO": an oxide of a solid, and the share of its metal by the unit (weight or moles;
// by weight where there is none).
struct OxideHeader {
  std::string name, symbol, unit;
  double share = 0.0;
};
std::optional<OxideHeader> oxide_header(std::string_view name);
// What to write instead of a column of an oxide.
std::string oxide_advice(const OxideHeader& oxide);
// "wt% M1", "Loading (wt%)", "Loading M1": amounts, and nothing says of which element.
bool tells_loading(std::string_view name);
// "Ni (mmol/gcat)", "Ni content (% en poids)": an amount of an element in a unit that is not read.
bool tells_unread_amount(std::string_view name);

// A symbol that is the sign of a quantity, too: "S" is sulfur or a selectivity.
struct QuantitySign {
  std::string_view sign, element, quantity;
};
std::optional<QuantitySign> quantity_sign(std::string_view name);

bool looks_like_symbol(std::string_view name);
std::string digits_of(std::string_view text);

// Insertions, deletions and substitutions that make one text of the other.
std::size_t edit_distance(std::string_view a, std::string_view b);

}  // namespace kasetsu::tables
