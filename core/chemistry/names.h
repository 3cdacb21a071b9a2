// One folding of the spellings in which people and programs write one name: what two doors get must
// become the same text before anything is compared. docs/names.md lists what is folded.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace kasetsu::chemistry {

// A text of which every character is in its plain form: subscript and full-width characters, all
// kinds of spaces, hyphens, slashes and dots, Greek letters by name ("\u03B3-Al2O3" is
// "gamma-Al2O3"); characters without width are gone. Bytes that are no UTF-8 stay as they are.
struct FoldedText {
  std::string text;
  // For each byte of `text`, the character of the original that it stands for, from 1; one more at
  // the end.
  std::vector<std::size_t> character;
};
FoldedText fold_characters(std::string_view text);

// The one spelling of a support's name or a preparation: folded characters, single spaces, none at
// the ends, and a Greek prefix in small letters with a hyphen ("Gamma Al2O3" is "gamma-Al2O3").
std::string fold_name(std::string_view text);

// "gamma", "alpha": a Greek letter by name, in small letters as fold_name leaves it.
bool is_greek_prefix(const std::string& prefix);

// A folded name at its hyphens, plus signs and middle dots; the minus of an exponent (1e-3) and of
// a deviation (O3-delta) separates nothing. Parts are without spaces at their ends.
struct NamePart {
  std::string_view text;
  bool behind_hyphen = false;  // joined to the part before it without spaces
};
std::vector<NamePart> split_name(std::string_view folded);

// ASCII capitals become small letters.
std::string small_letters(std::string_view text);
// What is left of a name in another writing: its letters and digits, ASCII capitals small, so that
// "Co-precipitation", "coprecipitation" and "co_precipitation" are alike.
std::string letters_of(std::string_view name);
// Whether two texts differ in nothing but the case of ASCII letters.
bool same_but_for_case(std::string_view a, std::string_view b);

// The reading of a formula's letters as symbols of elements, whatever their case, that takes two
// letters wherever they are a symbol: "NIO" and "nio" are "NiO". Empty where there is none.
std::string with_usual_capitals(std::string_view formula);

}  // namespace kasetsu::chemistry
