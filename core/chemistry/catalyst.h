// A catalyst: what is active, on what, and its one canonical key.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/result.h"
#include "core/chemistry/composition.h"

namespace kasetsu::chemistry {

struct Support {
  std::string name;  // the one spelling of it
  Composition formula;
};

// Supports that are not simply their formula (zeolites, carbons, trade names).
// From config/elements/supports.csv: columns support_name, formula, source.
class SupportTable {
 public:
  // Two rows whose names fold to one must have the same formula.
  static Result<SupportTable> from_csv(std::string_view text, std::string_view file_name);

  // A support as people write it, with its one spelling: a name of the table (whatever its case), a
  // formula, either behind a Greek prefix ("gamma-Al2O3"), or several mixed ("CeO2-ZrO2": one of
  // each). A formula that is a common support's gets that one's spelling ("O2Ti" and "tio2" are
  // "TiO2"). An error says what to write.
  Result<Support> read(std::string_view name) const;
  Result<Composition> formula(std::string_view name) const;
  // Whether the folded name, whatever its case, is in the table.
  bool has(std::string_view name) const;

 private:
  const std::pair<const std::string, Composition>* find(std::string_view folded) const;
  Result<Support> read_one(const std::string& folded) const;
  std::optional<Result<Support>> read_kind(const std::string& folded) const;

  std::map<std::string, Composition, std::less<>> formulas_;  // by folded name
  // The folded name by the same in small letters; empty where two mean different things.
  std::map<std::string, std::string, std::less<>> by_small_letters_;
};

struct Catalyst {
  Composition active;           // the active elements with their amounts
  std::string support;          // its one spelling ("MgO", "ZSM-5"); empty: none, or not told
  Composition support_formula;  // of the support; empty where `support` is
  std::string preparation;      // free text that tells preparations apart; usually empty

  bool operator==(const Catalyst&) const = default;
};

// The one key by which two catalysts are the same: active elements by symbol with amounts to nine
// significant digits, then the support, then the preparation, both in folded spelling (names.h):
// "K:1;Li:1;Mn:1/MgO", "Li:0.371;Mg:0.371", "-/MgO" for a bare support, "Mn:2/SiO2|sol-gel". The
// order in which slots were filled does not matter; amounts do.
std::string canonical_key(const Catalyst& catalyst);
// Reads a canonical key back (supports by `supports`).
Result<Catalyst> parse_key(std::string_view key, const SupportTable& supports);

// What a campaign says about how its catalysts are written.
struct NameRules {
  // Whether oxygen of active parts counts as an element with an amount (bulk oxides whose oxygen
  // content is studied). Otherwise it is dropped: it is what calcination in air makes of it.
  bool count_oxygen = false;
  // The campaign's supports: a name without a slash that is one of them is that support, bare.
  std::vector<std::string> supports;
};

// A catalyst as some door was told it; every door makes it here, so that one thing has one key.
// Give one of name, formula, slots and amounts; the others stay empty.
struct ToldCatalyst {
  std::string name;                                     // "Mn-Na2WO4/SiO2"
  std::string formula;                                  // "La0.5Sr0.5CoO3": one active part
  std::vector<std::string> slots;                       // "Mn", "Na", "none": one of each
  std::vector<std::pair<std::string, double>> amounts;  // symbol and amount, above or equal to 0
  std::string support;                                  // empty or "none": no support
  std::string preparation;
};
// Errors: bad_data that names the part and says what to write.
Result<Catalyst> make_catalyst(const ToldCatalyst& told, const SupportTable& supports,
                               const NameRules& rules = {});

// What a person writes: "Mn-Na2WO4/SiO2", "Li-K-Mn/MgO", "2Mn-1Na-1W/SiO2", "Mn/Na2WO4/SiO2" (the
// last part is the support, the others are active), "Ni/CeO2-ZrO2", "Cu-SSZ-13", "blank".
// docs/names.md has the grammar. Percent signs are refused: a name does not tell their basis.
Result<Catalyst> parse_catalyst_name(std::string_view text, const SupportTable& supports,
                                     const NameRules& rules = {});

// Whether a cell or slot says that nothing is there: "none", "-", "", whatever its case. A symbol
// of an element never does.
bool says_none(std::string_view text);

// "Li-K-Mn/MgO", or with amounts where they are not all 1: "0.371 Li + 0.371 Mg + 0.371 Zr".
std::string describe(const Catalyst& catalyst);

}  // namespace kasetsu::chemistry
