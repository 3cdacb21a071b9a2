// Descriptors: functional forms of primary features (order 1) and products of those (orders 2 and
// 3), with a text form that parses back. METHOD section 2.
#pragma once

#include <Eigen/Core>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/descriptors/featurizer.h"
#include "core/result.h"

namespace kasetsu::descriptors {

enum class Form : std::uint8_t {
  identity,
  reciprocal,
  sqrt,
  inv_sqrt,
  square,
  inv_square,
  cube,
  inv_cube,
  log,
  inv_log,
  exp,
  inv_exp
};
inline constexpr int kForms = 12;

double apply(Form form, double x);  // NaN or infinite where the form is not defined

struct Factor {
  std::int32_t primary;  // index into primaries
  Form form;
  bool operator==(const Factor&) const = default;
};

// One to three factors; a product's factors are sorted by (primary, form), so that equal products
// are equal.
struct Descriptor {
  Factor factors[3] = {};
  std::uint8_t order = 0;  // number of factors; 1, 2 or 3
  bool operator==(const Descriptor&) const = default;
};

// "x", "1/x", "sqrt(x)", "1/sqrt(x)", "(x)^2", "1/(x)^2", "(x)^3", "1/(x)^3", "ln(x)", "1/ln(x)",
// "exp(x)", "1/exp(x)" with the primary's name for x; factors of a product are joined by "|".
std::string to_text(const Descriptor& descriptor, std::span<const Primary> primaries);
// The inverse; also reads "1/(x)", "x^2", "x^3", "1/x^2", "1/x^3", and spaces around tokens. The
// error names what was not understood and, for an unknown primary, the nearest known names.
Result<Descriptor> parse_descriptor(std::string_view text, std::span<const Primary> primaries);
// In words, for people: "cube of the largest Pauling electronegativity among the active elements".
std::string describe(const Descriptor& descriptor, std::span<const Primary> primaries);

// The family of a primary: its block, property and operation. Order-1 descriptors of one primary
// are one family. (One primary is exactly one family; products belong to the families of all their
// factors.)

// A table of descriptor columns on given catalysts. Column-major, catalysts x descriptors.
struct DescriptorMatrix {
  std::vector<Descriptor> descriptors;
  Eigen::MatrixXd values;
};

// All forms of all primaries (order 0: the identity only; order 1: all twelve), minus those that
// are not finite, or constant to rounding (max - min <= 1e-12 max|.|), on the given rows. Order: by
// primary, then form. primary_values: catalysts x primaries.
DescriptorMatrix enumerate(const Eigen::MatrixXd& primary_values, int order);

// Removes descriptors whose correlation with an earlier-kept one exceeds |r| > 0.9999 on the rows;
// the simplest of each group is kept (order, then form in the order of Form, then primary). Stable
// order of what is kept.
DescriptorMatrix remove_duplicates(DescriptorMatrix matrix, double limit = 0.9999);

// catalysts x descriptors.size().
Eigen::MatrixXd evaluate(std::span<const Descriptor> descriptors,
                         const Eigen::MatrixXd& primary_values);

}  // namespace kasetsu::descriptors
