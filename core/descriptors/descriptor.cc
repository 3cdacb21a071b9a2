#include "core/descriptors/descriptor.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <numeric>
#include <optional>
#include <utility>

#include "core/base/random.h"
#include "core/base/text.h"

namespace kasetsu::descriptors {
namespace {

constexpr double kConstant = 1e-12;  // relative, as for primaries

template <Form form>
double transform(double x) {
  if constexpr (form == Form::identity) return x;
  if constexpr (form == Form::reciprocal) return 1.0 / x;
  if constexpr (form == Form::sqrt) return std::sqrt(x);
  if constexpr (form == Form::inv_sqrt) return 1.0 / std::sqrt(x);
  if constexpr (form == Form::square) return x * x;
  if constexpr (form == Form::inv_square) return 1.0 / (x * x);
  if constexpr (form == Form::cube) return x * x * x;
  if constexpr (form == Form::inv_cube) return 1.0 / (x * x * x);
  if constexpr (form == Form::log) return std::log(x);
  if constexpr (form == Form::inv_log) return 1.0 / std::log(x);
  if constexpr (form == Form::exp) return std::exp(x);
  if constexpr (form == Form::inv_exp) return 1.0 / std::exp(x);
}

// Calls work(transform<form>): the switch stands outside of the loops.
template <typename Work>
auto with_form(Form form, const Work& work) {
  switch (form) {
    case Form::identity:
      return work(transform<Form::identity>);
    case Form::reciprocal:
      return work(transform<Form::reciprocal>);
    case Form::sqrt:
      return work(transform<Form::sqrt>);
    case Form::inv_sqrt:
      return work(transform<Form::inv_sqrt>);
    case Form::square:
      return work(transform<Form::square>);
    case Form::inv_square:
      return work(transform<Form::inv_square>);
    case Form::cube:
      return work(transform<Form::cube>);
    case Form::inv_cube:
      return work(transform<Form::inv_cube>);
    case Form::log:
      return work(transform<Form::log>);
    case Form::inv_log:
      return work(transform<Form::inv_log>);
    case Form::exp:
      return work(transform<Form::exp>);
    case Form::inv_exp:
      return work(transform<Form::inv_exp>);
  }
  assertion_failed("a form", __FILE__, __LINE__);
}

// Sorts up to three items.
template <typename Item, typename Less>
void sort_few(Item* items, std::size_t count, const Less& less) {
  for (std::size_t i = 1; i < count; ++i) {
    for (std::size_t j = i; j > 0 && less(items[j], items[j - 1]); --j) {
      std::swap(items[j], items[j - 1]);
    }
  }
}

void apply_column(Form form, const double* from, Eigen::Index rows, double* to) {
  with_form(form, [&](auto* function) {
    for (Eigen::Index i = 0; i < rows; ++i) to[i] = function(from[i]);
  });
}

bool usable(const double* column, Eigen::Index rows) {
  double least = std::numeric_limits<double>::infinity();
  double most = -std::numeric_limits<double>::infinity();
  for (Eigen::Index i = 0; i < rows; ++i) {
    if (!std::isfinite(column[i])) return false;
    least = std::min(least, column[i]);
    most = std::max(most, column[i]);
  }
  return most - least > kConstant * std::max(std::abs(least), std::abs(most));
}

// How a form is written around its primary. Those that to_text writes come first.
struct Spelling {
  Form form;
  std::array<std::string_view, 4> before;
  std::array<std::string_view, 3> after;
};
constexpr Spelling kSpellings[] = {{Form::identity, {}, {}},
                                   {Form::reciprocal, {"1", "/"}, {}},
                                   {Form::sqrt, {"sqrt", "("}, {")"}},
                                   {Form::inv_sqrt, {"1", "/", "sqrt", "("}, {")"}},
                                   {Form::square, {"("}, {")", "^", "2"}},
                                   {Form::inv_square, {"1", "/", "("}, {")", "^", "2"}},
                                   {Form::cube, {"("}, {")", "^", "3"}},
                                   {Form::inv_cube, {"1", "/", "("}, {")", "^", "3"}},
                                   {Form::log, {"ln", "("}, {")"}},
                                   {Form::inv_log, {"1", "/", "ln", "("}, {")"}},
                                   {Form::exp, {"exp", "("}, {")"}},
                                   {Form::inv_exp, {"1", "/", "exp", "("}, {")"}},
                                   // Also read.
                                   {Form::identity, {"("}, {")"}},
                                   {Form::reciprocal, {"1", "/", "("}, {")"}},
                                   {Form::square, {}, {"^", "2"}},
                                   {Form::cube, {}, {"^", "3"}},
                                   {Form::inv_square, {"1", "/"}, {"^", "2"}},
                                   {Form::inv_cube, {"1", "/"}, {"^", "3"}}};

// What stands inside a spelling, or nothing when the text is not written so.
std::optional<std::string_view> inside(const Spelling& spelling, std::string_view text) {
  text = trim(text);
  for (const std::string_view token : spelling.before) {
    if (!text.starts_with(token)) return std::nullopt;
    text = trim(text.substr(token.size()));
  }
  for (auto token = spelling.after.rbegin(); token != spelling.after.rend(); ++token) {
    if (!text.ends_with(*token)) return std::nullopt;
    text = trim(text.substr(0, text.size() - token->size()));
  }
  return text;
}

Result<Factor> parse_factor(std::string_view text, std::span<const Primary> primaries) {
  // The innermost reading is what an unknown name is taken from. A primary's name may itself hold
  // brackets and slashes ("condition.CH4/O2 (mol/mol)"), so a spelling counts only when a known
  // name stands inside.
  std::string_view core = trim(text);
  for (const Spelling& spelling : kSpellings) {
    const std::optional<std::string_view> name = inside(spelling, text);
    if (!name) continue;
    for (std::size_t p = 0; p < primaries.size(); ++p) {
      if (primaries[p].name == *name) {
        return Factor{static_cast<std::int32_t>(p), spelling.form};
      }
    }
    if (name->size() < core.size()) core = *name;
  }
  if (trim(text).empty()) {
    return Error{ErrorCode::bad_data, "a factor of the descriptor is empty", "", std::string(text),
                 "a form of a feature such as ln(en_pauling_avg)"};
  }
  std::vector<std::string> names;
  for (const Primary& primary : primaries) names.push_back(primary.name);
  const std::vector<std::string> near = nearest_names(core, names);
  return Error{ErrorCode::bad_data,
               core == trim(text) ? std::string("unknown feature")
                                  : fmt::format("unknown feature in \"{}\":", trim(text)),
               "", std::string(core),
               near.empty() ? std::string("a feature of this data such as ln(en_pauling_avg)")
                            : join_or(near)};
}

// Centred columns of unit length; a column of zeros for one that is constant or not finite. After a
// cancel they are not all there.
Eigen::MatrixXd unit_columns(const Eigen::MatrixXd& values, const Control& control) {
  Eigen::MatrixXd out(values.rows(), values.cols());
  for (Eigen::Index j = 0; j < values.cols() && !control.cancelled(); ++j) {
    const double scale = values.col(j).cwiseAbs().maxCoeff();
    if (!usable(values.data() + j * values.rows(), values.rows()) || !std::isfinite(scale)) {
      out.col(j).setZero();
      continue;
    }
    out.col(j) = values.col(j) / scale;  // first, so that squares neither overflow nor vanish
    out.col(j).array() -= out.col(j).mean();
    const double norm = out.col(j).norm();
    if (norm > 0.0) out.col(j) /= norm;
  }
  return out;
}

// An orthonormal basis of (nearly) the space in which the columns vary most: a few random mixtures
// of them, made orthogonal. Which basis decides on speed only.
Eigen::MatrixXd sketch_basis(const Eigen::MatrixXd& unit) {
  constexpr Eigen::Index kWidest = 12;
  const Eigen::Index width = std::min(kWidest, unit.rows());
  Random random(20240107);
  Eigen::MatrixXd signs(unit.cols(), width);
  for (double& sign : signs.reshaped()) sign = random.next() >> 63 != 0 ? 1.0 : -1.0;
  Eigen::MatrixXd basis = unit * signs;
  // Modified Gram-Schmidt, twice for orthogonality to rounding; a direction that vanishes is zero.
  for (Eigen::Index k = 0; k < width; ++k) {
    const double before = basis.col(k).norm();
    for (int round = 0; round < 2; ++round) {
      for (Eigen::Index l = 0; l < k; ++l) {
        basis.col(k) -= basis.col(l).dot(basis.col(k)) * basis.col(l);
      }
    }
    const double norm = basis.col(k).norm();
    if (norm > 1e-8 * before && norm > 0.0) {
      basis.col(k) /= norm;
    } else {
      basis.col(k).setZero();
    }
  }
  return basis;
}

// Simplest first.
std::vector<Eigen::Index> by_simplicity(const std::vector<Descriptor>& descriptors) {
  std::vector<Eigen::Index> order(descriptors.size());
  std::iota(order.begin(), order.end(), Eigen::Index{0});
  const auto key = [&](Eigen::Index i) {
    const Descriptor& d = descriptors[static_cast<std::size_t>(i)];
    std::array<int, 7> out = {d.order, 0, 0, 0, -1, -1, -1};
    for (std::size_t k = 0; k < d.order; ++k) {
      out[1 + k] = static_cast<int>(d.factors[k].form);
      out[4 + k] = d.factors[k].primary;
    }
    // The set of forms, whichever factor has which.
    sort_few(&out[1], d.order, std::less<int>());
    return out;
  };
  std::stable_sort(order.begin(), order.end(),
                   [&](Eigen::Index a, Eigen::Index b) { return key(a) < key(b); });
  return order;
}

}  // namespace

double apply(Form form, double x) {
  return with_form(form, [&](auto* function) { return function(x); });
}

Descriptor make_descriptor(std::span<const Factor> factors) {
  KASETSU_ASSERT(!factors.empty() && factors.size() <= 3);
  Descriptor descriptor;
  descriptor.order = static_cast<std::uint8_t>(factors.size());
  std::copy(factors.begin(), factors.end(), descriptor.factors);
  sort_few(descriptor.factors, descriptor.order, [](const Factor& a, const Factor& b) {
    return std::pair(a.primary, a.form) < std::pair(b.primary, b.form);
  });
  return descriptor;
}

std::array<int, 3> families(const Descriptor& descriptor) {
  std::array<int, 3> out = {-1, -1, -1};
  for (std::size_t k = 0; k < descriptor.order; ++k) out[k] = descriptor.factors[k].primary;
  return out;
}

std::string to_text(const Descriptor& descriptor, std::span<const Primary> primaries) {
  std::string out;
  for (std::size_t k = 0; k < descriptor.order; ++k) {
    const Factor& factor = descriptor.factors[k];
    const Spelling& spelling = kSpellings[static_cast<std::size_t>(factor.form)];
    KASETSU_ASSERT(spelling.form == factor.form);
    if (k > 0) out += '|';
    for (const std::string_view token : spelling.before) out += token;
    out += primaries[static_cast<std::size_t>(factor.primary)].name;
    for (const std::string_view token : spelling.after) out += token;
  }
  return out;
}

Result<Descriptor> parse_descriptor(std::string_view text, std::span<const Primary> primaries) {
  std::vector<Factor> factors;
  std::string_view rest = text;
  for (;;) {
    const std::size_t bar = std::min(rest.find('|'), rest.size());
    if (factors.size() == 3) {
      return Error{ErrorCode::bad_data, "the descriptor has more than three factors", "",
                   std::string(text), "one to three factors, joined by |"};
    }
    Result<Factor> factor = parse_factor(rest.substr(0, bar), primaries);
    if (!factor.ok()) return factor.error();
    for (const Factor& other : factors) {
      if (other.primary == factor->primary) {
        return Error{ErrorCode::bad_data, "two factors of the descriptor are of one feature", "",
                     std::string(text), "a product of forms of different features"};
      }
    }
    factors.push_back(*factor);
    if (bar == rest.size()) break;
    rest.remove_prefix(bar + 1);
  }
  return make_descriptor(factors);
}

DescriptorMatrix enumerate(const Eigen::MatrixXd& primary_values, int order,
                           const Control& control) {
  KASETSU_ASSERT(order == 0 || order == 1);
  const int forms = order == 0 ? 1 : kForms;
  const Eigen::Index rows = primary_values.rows();
  DescriptorMatrix out;
  out.values.resize(rows, primary_values.cols() * forms);
  Eigen::Index kept = 0;
  for (Eigen::Index p = 0; p < primary_values.cols() && !control.cancelled(); ++p) {
    for (int f = 0; f < forms; ++f) {
      const Factor factor{static_cast<std::int32_t>(p), static_cast<Form>(f)};
      double* const column = out.values.data() + kept * rows;
      apply_column(factor.form, primary_values.data() + p * rows, rows, column);
      if (!usable(column, rows)) continue;
      out.descriptors.push_back(make_descriptor({&factor, 1}));
      ++kept;
    }
  }
  out.values.conservativeResize(rows, kept);
  return out;
}

DescriptorMatrix remove_duplicates(DescriptorMatrix matrix, double limit, const Control& control) {
  KASETSU_ASSERT(limit >= 0.0);
  KASETSU_ASSERT(static_cast<Eigen::Index>(matrix.descriptors.size()) == matrix.values.cols());
  const Eigen::Index rows = matrix.values.rows();
  const Eigen::Index columns = matrix.values.cols();
  if (rows == 0 || columns == 0 || limit >= 1.0) return matrix;

  // Unit columns u, v with |r| > limit have |u -+ v|^2 = 2 - 2|r| < 2 - 2 limit, and no projection
  // makes a distance longer. So a pair is looked at only when its projections are that near.
  Eigen::MatrixXd unit = unit_columns(matrix.values, control);
  if (control.cancelled()) return {};
  const Eigen::MatrixXd basis = sketch_basis(unit);
  if (control.cancelled()) return {};
  const Eigen::MatrixXd place = basis.transpose() * unit;
  const double reach2 = 2.0 - 2.0 * limit + 1e-9;  // more than the rounding of all this
  const double reach = std::sqrt(reach2);

  // A grid over the first two projections, which lie in [-1, 1], with cells as wide as the reach.
  constexpr double kMostCells = 256.0;
  const auto cells = static_cast<int>(std::min(kMostCells, std::ceil(2.0 / reach))) + 1;
  const double cell_width = std::max(reach, 2.0 / kMostCells);
  const auto cell_of = [&](double x) {
    return std::clamp(static_cast<int>(std::floor((x + 1.0) / cell_width)), 0, cells - 1);
  };
  const auto depth = place.rows();
  const auto second = [&](Eigen::Index j) { return depth > 1 ? place(1, j) : 0.0; };
  std::vector<std::vector<Eigen::Index>> grid(static_cast<std::size_t>(cells) *
                                              static_cast<std::size_t>(cells));
  const auto cell_at = [&](int x, int y) -> std::vector<Eigen::Index>& {
    return grid[static_cast<std::size_t>(x) * static_cast<std::size_t>(cells) +
                static_cast<std::size_t>(y)];
  };
  const auto copy_near = [&](Eigen::Index j, double sign) {
    const int x = cell_of(sign * place(0, j));
    const int y = cell_of(sign * second(j));
    for (int cx = std::max(0, x - 1); cx <= std::min(cells - 1, x + 1); ++cx) {
      for (int cy = std::max(0, y - 1); cy <= std::min(cells - 1, y + 1); ++cy) {
        for (const Eigen::Index other : cell_at(cx, cy)) {
          double distance2 = 0.0;
          for (Eigen::Index k = 0; k < depth && distance2 <= reach2; ++k) {
            const double step = sign * place(k, j) - place(k, other);
            distance2 += step * step;
          }
          if (distance2 <= reach2 && std::abs(unit.col(j).dot(unit.col(other))) > limit) {
            return true;
          }
        }
      }
    }
    return false;
  };

  std::vector<char> keep(static_cast<std::size_t>(columns), 0);
  for (const Eigen::Index j : by_simplicity(matrix.descriptors)) {
    if (control.cancelled()) return {};
    if (unit.col(j).isZero(0.0)) {
      keep[static_cast<std::size_t>(j)] = 1;
      continue;
    }
    if (copy_near(j, 1.0) || copy_near(j, -1.0)) continue;
    keep[static_cast<std::size_t>(j)] = 1;
    cell_at(cell_of(place(0, j)), cell_of(second(j))).push_back(j);
  }

  unit.resize(0, 0);  // as large as the matrix, which may be copied below
  Eigen::Index kept = 0;
  for (Eigen::Index j = 0; j < columns; ++j) {
    if (keep[static_cast<std::size_t>(j)] == 0) continue;
    if (kept != j) {
      matrix.values.col(kept) = matrix.values.col(j);
      matrix.descriptors[static_cast<std::size_t>(kept)] =
          matrix.descriptors[static_cast<std::size_t>(j)];
    }
    ++kept;
  }
  matrix.values.conservativeResize(rows, kept);
  matrix.descriptors.resize(static_cast<std::size_t>(kept));
  return matrix;
}

Eigen::MatrixXd evaluate(std::span<const Descriptor> descriptors,
                         const Eigen::MatrixXd& primary_values) {
  const Eigen::Index rows = primary_values.rows();
  Eigen::MatrixXd out(rows, static_cast<Eigen::Index>(descriptors.size()));
  Eigen::VectorXd factor_values(rows);
  for (std::size_t d = 0; d < descriptors.size(); ++d) {
    double* const column = out.data() + static_cast<Eigen::Index>(d) * rows;
    for (std::size_t k = 0; k < descriptors[d].order; ++k) {
      const Factor& factor = descriptors[d].factors[k];
      KASETSU_ASSERT(factor.primary >= 0 && factor.primary < primary_values.cols());
      const double* const from = primary_values.data() + factor.primary * rows;
      if (k == 0) {
        apply_column(factor.form, from, rows, column);
      } else {
        apply_column(factor.form, from, rows, factor_values.data());
        for (Eigen::Index i = 0; i < rows; ++i) column[i] *= factor_values[i];
      }
    }
  }
  return out;
}

}  // namespace kasetsu::descriptors
