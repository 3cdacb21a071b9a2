#include "core/selection/noise.h"

#include <boost/math/distributions/fisher_f.hpp>
#include <cmath>

#include "core/base/result.h"

namespace kasetsu::selection {
double f_upper(double f, double df1, double df2) {
  KASETSU_ASSERT(f >= 0.0 && df1 >= 1.0 && df2 >= 1.0);
  if (std::isinf(f)) return 0.0;
  const boost::math::fisher_f_distribution<double> distribution(df1, df2);
  return boost::math::cdf(boost::math::complement(distribution, f));
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
