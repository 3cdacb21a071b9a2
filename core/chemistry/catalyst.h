// A catalyst: what is active, on what, and its one canonical key.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/result.h"
#include "core/chemistry/composition.h"

namespace kasetsu::chemistry {

// Supports that are not simply their formula (zeolites, carbons, trade names), by exact name.
// From config/elements/supports.csv: columns support_name, formula, source.
class SupportTable {
 public:
  static Result<SupportTable> from_csv(std::string_view text, std::string_view file_name);
  // The table's formula for a name, else the name read as a formula; an error for neither.
  Result<Composition> formula(std::string_view name) const;

 private:
  std::map<std::string, Composition, std::less<>> formulas_;
};

struct Catalyst {
  Composition active;  // the active elements with their amounts
  std::string
      support;  // name as the laboratory writes it ("MgO", "ZSM-5"); empty: none, or not told
  Composition support_formula;  // of the support; empty where `support` is
  std::string preparation;      // free text that tells preparations apart; usually empty

  bool operator==(const Catalyst&) const = default;
};

// The one key by which two catalysts are the same: active elements by symbol with amounts to nine
// significant digits, then the support, then the preparation: "K:1;Li:1;Mn:1/MgO",
// "Li:0.371;Mg:0.371", "-/MgO" for a bare support, "Mn:2/SiO2|sol-gel". The order in which slots
// were filled does not matter; amounts do.
std::string canonical_key(const Catalyst& catalyst);
// Reads a canonical key back (supports by `supports`).
Result<Catalyst> parse_key(std::string_view key, const SupportTable& supports);

// What a person writes: "Mn-Na2WO4/SiO2", "Li–K–Mn/MgO", "2Mn-1Na-1W/SiO2", "blank". Split at the
// last "/" for the support, at - – — + · for the actives; each active is a formula of which oxygen
// is dropped, with an optional leading number as its amount. Percent signs are refused: their basis
// is not told.
Result<Catalyst> parse_catalyst_name(std::string_view text, const SupportTable& supports);

// "Li-K-Mn/MgO", or with amounts where they are not all 1: "0.371 Li + 0.371 Mg + 0.371 Zr".
std::string describe(const Catalyst& catalyst);

}  // namespace kasetsu::chemistry
