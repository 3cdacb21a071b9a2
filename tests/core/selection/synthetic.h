// Problems made up for tests: primary features, each in several functional forms, and a target that
// some of them explain.
#pragma once

#include <Eigen/Core>
#include <array>
#include <cmath>
#include <vector>

#include "core/base/random.h"
#include "core/selection/search/search.h"

namespace kasetsu::testing {

struct Synthetic {
  Eigen::MatrixXd X;
  Eigen::VectorXd y;
  std::vector<std::array<int, 3>> families;
  std::vector<int> planted;

  selection::SearchProblem problem() const { return {&X, &y, families, {}}; }
};

// primaries x 6 forms candidates. The target is a sum of `planted` of them, of different primaries,
// plus `noise` times a heavy-tailed error.
inline Synthetic synthetic(int rows, int primaries, int planted, double noise, std::uint64_t seed) {
  constexpr int forms = 6;
  Random random(seed);
  Synthetic made;
  made.X.resize(rows, primaries * forms);
  made.y.setZero(rows);
  const Eigen::Index latent = std::max(2, primaries / 4);
  Eigen::MatrixXd hidden(rows, latent);
  for (Eigen::Index i = 0; i < rows; ++i) {
    for (Eigen::Index k = 0; k < latent; ++k) hidden(i, k) = random.normal();
  }
  for (int p = 0; p < primaries; ++p) {
    Eigen::VectorXd weights(latent);
    for (Eigen::Index k = 0; k < latent; ++k) weights[k] = random.normal();
    Eigen::VectorXd value = hidden * weights;
    for (int i = 0; i < rows; ++i) value[i] += 0.5 * random.normal();
    const double low = value.minCoeff();
    const double high = value.maxCoeff();
    for (int i = 0; i < rows; ++i) {
      const double x = 0.05 + (value[i] - low) / (high - low);
      const double shapes[forms] = {x, 1.0 / x, std::sqrt(x), x * x, std::log(x), std::exp(x)};
      for (int f = 0; f < forms; ++f) made.X(i, p * forms + f) = shapes[f];
    }
    for (int f = 0; f < forms; ++f) made.families.push_back({p, -1, -1});
  }
  for (int k = 0; k < planted; ++k) {
    const int column = (k * primaries / planted) * forms + static_cast<int>(random.below(forms));
    made.planted.push_back(column);
    const Eigen::VectorXd centred = made.X.col(column).array() - made.X.col(column).mean();
    const double deviation = std::sqrt(centred.squaredNorm() / rows);
    made.y += (k % 2 == 0 ? 1.0 : -1.0) * (1.0 + 0.2 * k) / deviation * centred;
  }
  for (int i = 0; i < rows; ++i) {
    const double tail = random.uniform() < 0.1 ? 5.0 : 1.0;
    made.y[i] += 3.0 + noise * tail * random.normal();
  }
  return made;
}

}  // namespace kasetsu::testing
