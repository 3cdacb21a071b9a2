// Amounts of elements. Units are the caller's (mol, mmol/g, counts of slots): only ratios and sums
// matter.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/result.h"

namespace kasetsu::chemistry {

class Composition {
 public:
  struct Part {
    int element;    // atomic number
    double amount;  // > 0, finite
    bool operator==(const Part&) const = default;
  };

  // Adds to what is there; an amount of zero is ignored. The amount must be finite and not
  // negative.
  void add(int element, double amount);

  const std::vector<Part>& parts() const { return parts_; }  // by atomic number, each element once
  bool empty() const { return parts_.empty(); }
  double total() const;
  double amount(int element) const;  // 0 when absent
  bool operator==(const Composition&) const = default;

 private:
  std::vector<Part> parts_;
};

// Amounts outside of these are no catalyst's in any unit, and products of such numbers leave what a
// double holds: what is told is refused.
inline constexpr double kLargestAmount = 1e30;
inline constexpr double kSmallestAmount = 1e-30;

// A chemical formula as people write it, read in one way or refused (docs/names.md has the
// grammar): "La0.5Sr0.5CoO3", "Ba.5Sr.5CoO3", "Ca10(PO4)6(OH)2", "CuSO4.5H2O" (also with a middle
// dot), "[Fe(CN)6]", "Al0.25 Co1 Fe1 Ni1", "LaCoO3-\u03B4" (the deviation is left out). Spellings
// are folded (names.h). What is left over, or reads in two ways, is an error that names the
// position and says what to write. `where` of the error is left empty for the caller.
struct Formula {
  Composition composition;
  bool oxygen_unknown = false;   // "MnOx": the composition is without that oxygen
  bool oxygen_deviates = false;  // "CeO2-\u03B4": the deviation is left out
};
Result<Formula> read_formula(std::string_view text);
// How the message about such capitals begins: "CO3O4" may be cobalt or carbon.
inline constexpr std::string_view kReadsInTwoWays = "capitals that read in two ways stand";
// The same, where an unknown amount of oxygen is an error too.
Result<Composition> parse_formula(std::string_view text);

// Shortest text that gives the same composition back, elements by symbol ("Co1La0.5O3").
std::string to_formula(const Composition& composition);

}  // namespace kasetsu::chemistry
