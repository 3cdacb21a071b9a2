// Descriptors: functional forms of primary features (order 1) and products of those (orders 2 and
// 3), with a text form that parses back. METHOD section 2.
#pragma once

#include <Eigen/Core>
#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/control.h"
#include "core/base/result.h"
#include "core/descriptors/featurizer.h"

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

// The descriptor of one to three factors in any order.
Descriptor make_descriptor(std::span<const Factor> factors);

// The families of a descriptor: the primaries of its factors, -1 where there are fewer than three.
// A family is a block, property and operation, and so is a primary: the twelve forms of one primary
// are one family, and a product belongs to the families of all its factors.
std::array<int, 3> families(const Descriptor& descriptor);

// "x", "1/x", "sqrt(x)", "1/sqrt(x)", "(x)^2", "1/(x)^2", "(x)^3", "1/(x)^3", "ln(x)", "1/ln(x)",
// "exp(x)", "1/exp(x)" with the primary's name for x; factors of a product are joined by "|".
std::string to_text(const Descriptor& descriptor, std::span<const Primary> primaries);
// The inverse, factors in any order; also reads "(x)", "1/(x)", "x^2", "x^3", "1/x^2", "1/x^3", and
// spaces around tokens. Errors (bad_data): more than three factors, two factors of one primary, and
// what was not understood with, for an unknown primary, the nearest known names.
Result<Descriptor> parse_descriptor(std::string_view text, std::span<const Primary> primaries);
// In words, for people: "cube of the largest Pauling electronegativity among the active elements".
std::string describe(const Descriptor& descriptor, std::span<const Primary> primaries);
std::string describe(const Primary& primary);
// A property's column name in words: "en_pauling" is "Pauling electronegativity". Names that are
// not in the list of common ones are spelt out ("first_ion_en", "MeltingT" become words).
std::string readable_property(std::string_view property);

// A table of descriptor columns on given catalysts. Column-major, catalysts x descriptors.
struct DescriptorMatrix {
  std::vector<Descriptor> descriptors;
  Eigen::MatrixXd values;
};

// All forms of all primaries (order 0: the identity only; order 1: all twelve), minus those that
// are not finite, or constant to rounding (max - min <= 1e-12 max|.|), on the given rows. Order: by
// by primary, then form. primary_values: catalysts x primaries. Cancelled, it has not seen all.
DescriptorMatrix enumerate(const Eigen::MatrixXd& primary_values, int order,
                           const Control& control = {});

// Removes descriptors whose correlation with an earlier-kept one exceeds |r| > limit on the rows,
// going from the simplest to the most complex (order, then forms in the order of Form, then
// primary): the simplest of each group is kept. What is kept stays in the order given. Columns that
// are constant or not finite correlate with nothing and are kept. Exact: candidates for a pair are
// found by projections that cannot miss one, and each is confirmed by its correlation in f64.
// Cancelled, what it returns is of no use.
DescriptorMatrix remove_duplicates(DescriptorMatrix matrix, double limit = 0.9999,
                                   const Control& control = {});

// catalysts x descriptors.size(); NaN or infinite where a form is not defined. Same numbers as
// apply() of each factor, multiplied in the factors' order.
Eigen::MatrixXd evaluate(std::span<const Descriptor> descriptors,
                         const Eigen::MatrixXd& primary_values);

}  // namespace kasetsu::descriptors
