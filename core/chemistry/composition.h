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

// A chemical formula: "La0.5Sr0.5CoO3", "Ca10(PO4)6(OH)2", "CuSO4.5H2O" (also with a middle dot),
// "[Fe(CN)6]", amounts with decimals or exponents ("1e-1"). Everything must be read; what is left
// over is an error that names the position. `where` of the error is left empty for the caller.
Result<Composition> parse_formula(std::string_view text);

// Shortest text that gives the same composition back, elements by symbol ("Co1La0.5O3").
std::string to_formula(const Composition& composition);

}  // namespace kasetsu::chemistry
