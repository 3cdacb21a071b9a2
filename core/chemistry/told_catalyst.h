// The one way from what a door was told to a catalyst: names, formulas, slots, amounts and keys.
#pragma once

#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "core/chemistry/catalyst.h"
#include "core/chemistry/composition_rules.h"

namespace kasetsu::chemistry {

struct ToldAmount {
  std::string symbol;
  double amount = 0.0;  // 0 or above
  std::string unit = {};
};

// A catalyst as some door was told it; every door makes it here, so that one thing has one key.
// Give one of key, name, formula, slots and amounts; the others stay empty.
struct ToldCatalyst {
  std::string key;                 // canonical_key, of an export or of a campaign file
  std::string name;                // "Mn-Na2WO4/SiO2"
  std::string formula;             // "La0.5Sr0.5CoO3": one active part
  std::vector<std::string> slots;  // "Mn", "Na", "none": one of each
  std::vector<ToldAmount> amounts;
  std::string support;  // empty or "none": no support
  std::string preparation;
};

struct MadeCatalyst {
  Catalyst catalyst;
  // "5 wt% Ni + 2 wt% Mg", where the amounts became others; empty: they are as they were told.
  std::string told;
  // Oxygen that the campaign does not count: atoms by the other active ones ("1.5"), or "x" where
  // the amount is not known. Empty: none was told.
  std::string dropped_oxygen;
};

// Errors: bad_data that names the part and says what to write; `where` is "/key", "/name",
// "/formula", "/slots/2", "/amounts/Li", "/amounts", "/support", or empty.
Result<MadeCatalyst> make_catalyst(const ToldCatalyst& told, const SupportTable& supports,
                                   const CompositionRules& rules = {});

// What a person writes: "Mn-Na2WO4/SiO2", "Li-K-Mn/MgO", "2Mn-1Na-1W/SiO2", "Mn/Na2WO4/SiO2" (the
// last part is the support, the others are active), "Ni/CeO2-ZrO2", "Cu-SSZ-13", "blank".
// docs/names.md has the grammar. Percent signs are refused: a name does not tell their basis.
Result<Catalyst> parse_catalyst_name(std::string_view text, const SupportTable& supports,
                                     const CompositionRules& rules = {});

// Whether a text is meant as a canonical key: it has amounts behind colons, or is a bare support.
bool looks_like_key(std::string_view text);

// The active elements' shares of their substance (they sum to 1), out of amounts in the campaign's
// basis; elements without an atomic weight have none where amounts are weights.
Composition mole_fractions(const Catalyst& catalyst, const CompositionRules& rules);

// Whether two canonical keys are of one support and preparation and of the same elements (but for
// what rounding leaves), and no amount differs by more than `tolerance`.
bool nearly_same(std::string_view key, std::string_view other, double tolerance);

// Rows that differ in nothing but the oxygen that the campaign does not count.
class OxygenMerges {
 public:
  void add(const std::string& key, const std::string& dropped_oxygen);
  // One sentence with their number; empty: nothing became one. `what` they are: "rows".
  std::string note(std::string_view what = "rows") const;

 private:
  struct Rows {
    std::set<std::string> oxygen;
    std::size_t count = 0;
  };
  std::map<std::string, Rows> by_key_;
};

// Keys that become one under the campaign's present rules.
struct RenewedKeys {
  std::map<std::string, std::string> changed;              // old key, new key
  std::map<std::string, std::vector<std::string>> merged;  // new key, the old ones (two or more)
  std::map<std::string, std::string> unreadable;           // key, why
};
// What the rules make of keys that were written by earlier versions: other spellings of supports
// and preparations, oxygen that is not counted, amounts in percent.
RenewedKeys renew_keys(const std::vector<std::string>& keys, const SupportTable& supports,
                       const CompositionRules& rules);

}  // namespace kasetsu::chemistry
