// What a campaign says of its compositions, and how amounts that were told in any way become its
// own. Every door goes through bring_amounts, so that one composition has one key.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "core/chemistry/basis.h"
#include "core/chemistry/composition.h"

namespace kasetsu::chemistry {

// Points that the amounts of a candidate space lie on. One of the three is given.
struct AmountGrid {
  double step = 0.0;                // multiples of it that keep the total
  std::vector<double> levels;       // each amount is one of these, ascending
  std::vector<Composition> points;  // whole compositions
};

// Made of the table [composition] of a campaign file and of its space. The defaults are those of a
// table without a campaign: amounts are numbers whose ratios count.
struct CompositionRules {
  std::optional<Basis> basis;  // of all amounts; none: the campaign tells none
  // Nothing but the unit of a grid tells the basis: a support may be there that has no name.
  bool plain_names_are_amounts = true;
  double total = 0.0;  // what the amounts of a catalyst add up to; 0: nothing is said
  int slots = 0;       // amounts count slots, of which there are so many; 0: they do not
  // Whether oxygen of active parts counts as an element with an amount (bulk oxides whose oxygen
  // content is studied). Otherwise it is dropped: it is what calcination in air makes of it.
  bool count_oxygen = false;
  // In the amounts' unit: a composition that is so near to a point of the space is that point.
  // None: what rounding to three digits makes of a point, where there is a total.
  std::optional<double> tolerance;
  std::vector<AmountGrid> grids;
  // The one spelling of each of the campaign's supports: a name without a slash that is one of them
  // is that support, bare.
  std::vector<std::string> supports;
  // Likewise of each of its preparations: another case is no other preparation.
  std::vector<std::string> preparations;
  // Atomic numbers of the elements of its space, ascending; empty: any.
  std::vector<int> elements;

  // Behind an amount: "wt%", "mmol/g", "mol%" where the fractions add up to 100; empty: none is
  // told, or ratios.
  std::string_view unit() const;
  // The sum that the amounts must have, from `total` or the basis; 0: any.
  double whole(bool supported) const;
  // One sentence naming field, value and bound.
  Status validate() const;
};

// An amount of one element. The unit is as laboratories write it ("wt%", "mol/g", "g"); empty: the
// campaign's own.
struct ElementAmount {
  int element = 0;
  double amount = 0.0;  // finite, 0 or above
  std::string unit = {};
};

enum class AmountsKind {
  ratios,  // of atoms, whatever their sum: a formula, or a name without numbers
  numbers  // in their unit, or in the campaign's
};

struct BroughtAmounts {
  Composition active;
  bool changed = false;  // by a conversion, a scale or a point of the space
  // Atoms of oxygen that were dropped, by the other active elements together; none: there was none.
  std::optional<double> dropped_oxygen;
};

// The amounts in the campaign's basis, with its total, on the near point of its space. `supported`:
// the catalyst has a support. Without a basis, weights on a support become mmol/g, weights of a
// whole catalyst become shares of the substance with the same sum, and mol/g become mmol/g. Errors
// (bad_data): units that are unknown or do not go together; what `convert` and `scale_to_total`
// refuse; more than one gram of active elements on one gram of support.
Result<BroughtAmounts> bring_amounts(const std::vector<ElementAmount>& amounts, AmountsKind kind,
                                     bool supported, const CompositionRules& rules);

}  // namespace kasetsu::chemistry
