// The grammar of catalysts' names and formulas (docs/names.md), for told_catalyst.cc.
#pragma once

#include <string>
#include <string_view>

#include "core/base/result.h"
#include "core/chemistry/catalyst.h"
#include "core/chemistry/composition.h"

namespace kasetsu::chemistry {

// Active parts as they were written, with their oxygen.
struct ReadActives {
  Composition composition;
  int numbered = 0;             // parts with a number before them: "2Mn"
  int plain = 0;                // parts without: "Mn", "Na2WO4"
  bool oxygen_unknown = false;  // "MnOx"
  // The first part whose number stands before more than one element itself: "5(NiO)", "5Ni2".
  std::string numbered_formula;
};

// Adds an active part ("Na2WO4", "2Mn", "MnOx"). Errors: what read_formula refuses, with what to
// write; amounts that are too large; with `count_oxygen`, an amount of oxygen that is not told;
// without, a part that is only oxygen.
Status add_active(ReadActives& actives, std::string_view part, bool count_oxygen);

struct ReadName {
  ReadActives actives;
  std::string support;  // its one spelling; empty: none
  bool blank = false;
};
// Splits a name at its support and reads its active parts. Errors name the part.
Result<ReadName> read_name(std::string_view text, const SupportTable& supports, bool count_oxygen);

}  // namespace kasetsu::chemistry
