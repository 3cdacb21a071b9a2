#include "core/selection/noise.h"

#include <cmath>

#include "core/base/result.h"

namespace kasetsu::selection {
namespace {

// Regularised incomplete beta function by its continued fraction (Lentz's method; Press et al.,
// "Numerical Recipes", 3rd edition, 2007, section 6.4).
double incomplete_beta(double a, double b, double x) {
  if (x <= 0.0) return 0.0;
  if (x >= 1.0) return 1.0;
  if (x > (a + 1.0) / (a + b + 2.0)) return 1.0 - incomplete_beta(b, a, 1.0 - x);
  constexpr double kTiny = 1e-300;
  double c = 1.0;
  double d = 1.0 - (a + b) * x / (a + 1.0);
  d = 1.0 / (std::abs(d) < kTiny ? kTiny : d);
  double h = d;
  for (int m = 1; m <= 1000; ++m) {
    const double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
    const double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
    double change = 1.0;
    for (const double term : {even, odd}) {
      d = 1.0 + term * d;
      d = 1.0 / (std::abs(d) < kTiny ? kTiny : d);
      c = 1.0 + term / c;
      if (std::abs(c) < kTiny) c = kTiny;
      change = c * d;
      h *= change;
    }
    if (std::abs(change - 1.0) < 1e-15) break;
  }
  const double front = std::exp(std::lgamma(a + b) - std::lgamma(a) - std::lgamma(b) +
                                a * std::log(x) + b * std::log1p(-x));
  return front * h / a;
}

}  // namespace

double f_upper(double f, double df1, double df2) {
  KASETSU_ASSERT(f >= 0.0 && df1 >= 1.0 && df2 >= 1.0);
  return incomplete_beta(0.5 * df2, 0.5 * df1, df2 / (df2 + df1 * f));
}

Noise noise_of(const TrainingSet& data, const Eigen::VectorXd& fitted, int parameters) {
  KASETSU_ASSERT(fitted.size() == data.y.size());
  const auto points = rows_by_point(data);
  Noise out;
  double pure = 0.0;
  double lack = 0.0;
  for (const auto& [point, rows] : points) {
    const Eigen::VectorXd y = data.y(rows);
    const double mean = y.mean();
    const auto count = static_cast<double>(rows.size());
    // A model of the catalyst says the same for each of its rows.
    lack += count * std::pow(mean - fitted[rows.front()], 2);
    if (rows.size() < 2) continue;
    ++out.replicated;
    out.rows += static_cast<int>(rows.size());
    out.pure_df += static_cast<int>(rows.size()) - 1;
    pure += (y.array() - mean).square().sum();
  }
  if (out.pure_df == 0) return out;
  const double pure_square = pure / out.pure_df;
  out.pure_sd = std::sqrt(pure_square);
  out.fit_df = static_cast<int>(points.size()) - parameters;
  if (out.fit_df < 1) {
    out.fit_df = 0;
    return out;
  }
  const double lack_square = lack / out.fit_df;
  out.fit_sd = std::sqrt(lack_square);
  if (!(pure_square > 0.0)) return out;
  out.f = lack_square / pure_square;
  out.p = f_upper(out.f, out.fit_df, out.pure_df);
  return out;
}

}  // namespace kasetsu::selection
