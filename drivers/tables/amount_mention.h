// What a header that heads no part of the composition says of amounts.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

namespace kasetsu::tables {

// "M1_mol%", "Ni\u62C5\u6301\u91CF (wt%)", "Teneur en Ni (% mass.)", "Cu/Zn ratio", "Ni:Co".
struct AmountMention {
  std::vector<int> elements;  // whose amounts; empty: of slots, of metals, or nobody's
  bool ratio = false;         // of one element to another
};

// Nothing of outcomes and of what was measured of a surface ("Ni conversion (mol%)", "CO uptake
// (umol/g)"), of feeds ("S/C", "W/F"), and of weights ("catalyst loading (g)").
std::optional<AmountMention> amount_mention(std::string_view header);

}  // namespace kasetsu::tables
