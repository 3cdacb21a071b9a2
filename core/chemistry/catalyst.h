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

// Whether a cell or slot says that nothing is there: "none", "-", "", whatever its case. A symbol
// of an element never does.
bool says_none(std::string_view text);

// "Li-K-Mn/MgO", or with amounts where they are not all 1: "0.371 Li + 0.371 Mg + 0.371 Zr". With a
// unit the amounts are told always: "5 wt% Ni + 2 wt% Mg/Al2O3".
std::string describe(const Catalyst& catalyst, std::string_view unit = {});
// The same of a canonical key, without a table of supports: "blank" for "-"; a text that is no key
// is returned as it is. The unit is that of the campaign in which it is shown: a key has none.
std::string describe_key(std::string_view key, std::string_view unit = {});

}  // namespace kasetsu::chemistry
