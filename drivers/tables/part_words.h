// Words by which headers and cells tell parts of a catalyst beside its composition: elements,
// compounds, promoters, ratios and shares.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace kasetsu::tables {

// Metals and semimetals: neither what gases and products are made of nor noble gases.
bool is_metal(int element);

// What a cell tells of parts. `sure`: it can hardly be a code, initials or a position ("B", "B2",
// "KS"), as "La", "K2CO3" and "1% K" cannot.
struct PartText {
  std::vector<int> metals;  // empty: the text is something else
  bool sure = false;
};
// "K", "K+", "K2CO3", "potassium", "1% K", "K (1 wt%)", "K-La", "La2O3, CeO2".
PartText part_text(std::string_view text);

// "-", "none", "no promoter", "unpromoted", "w/o", "0": nothing was added.
bool says_nothing_added(std::string_view text);

// A text in words, without signs: "n(K)/n(Ni)" is n, K, n, Ni, and "K\u6DFB\u52A0\u91CF" is K and
// what follows.
std::vector<std::string> words_of(std::string_view text);

// "Modifier", "dopant (1 wt%)", "Zusatz": what is added to a catalyst.
bool names_an_additive(std::string_view header);
// The same, and words for any of its parts: "2nd metal", "Cation", "Alkali".
bool names_a_part(std::string_view header);
// "Precursor", "Precipitant", "Carrier gas", "Counter electrode", "Operator": what may hold
// elements and compounds, and is no part of the catalyst.
bool names_no_part(std::string_view header);

// "ratio", "Gehalt", "\u6BD4".
bool is_share_word(std::string_view word);

// What a header tells amounts of, where each of its words speaks of amounts, elements or additives:
// "K loading", "K2O (wt%)", "promoter content", "x(K)", "silica/alumina". Nothing where another
// word stands in it ("Ni dispersion (%)"), and where a symbol may be the sign of a quantity ("Y
// (%)").
struct ToldAmounts {
  std::set<int> metals;
  bool additive = false;  // of a promoter or dopant, whatever it is
};
ToldAmounts told_amounts(std::string_view header);

}  // namespace kasetsu::tables
