#include "core/descriptors/likeness.h"

#include <cmath>

#include "core/base/random.h"

namespace kasetsu::descriptors {
namespace {

std::uint64_t key(std::int64_t a, std::int64_t b, std::int64_t c) {
  return (static_cast<std::uint64_t>(a + (1 << 20)) << 42) ^
         (static_cast<std::uint64_t>(b + (1 << 20)) << 21) ^
         static_cast<std::uint64_t>(c + (1 << 20));
}

}  // namespace

Likeness::Likeness(Eigen::Index rows, double limit)
    : limit_(limit), cell_(std::sqrt(2.0 - 2.0 * limit) + 1e-9) {
  Random random(0x6c696b65,
                0);  // any directions do: they decide what is compared, not the answer
  directions_.resize(rows, kProjections);
  for (double& x : directions_.reshaped()) x = random.normal();
  directions_.rowwise() -= directions_.colwise().mean();
  directions_.colwise().normalize();
}

bool Likeness::standardise(Eigen::VectorXd& column) {
  const double largest = column.cwiseAbs().maxCoeff();
  if (!(largest > 0.0) || !std::isfinite(largest)) return false;
  column /= largest;
  column.array() -= column.mean();
  const double norm = column.norm();
  if (!(norm > 1e-12 * std::sqrt(static_cast<double>(column.size())))) return false;
  column /= norm;
  return true;
}

bool Likeness::has(const Eigen::VectorXd& unit) const {
  Projections at = directions_.transpose() * unit;
  if (at[0] < 0.0) at = -at;
  return look(unit, at) || (at[0] <= cell_ && look(unit, -at));
}

void Likeness::add(const Eigen::VectorXd& unit) {
  Projections at = directions_.transpose() * unit;
  if (at[0] < 0.0) at = -at;
  cells_[key(place(at[0]), place(at[1]), place(at[2]))].push_back(
      static_cast<std::uint32_t>(columns_.size()));
  columns_.push_back({at, unit.cast<float>()});
}

std::int64_t Likeness::place(double x) const {
  return static_cast<std::int64_t>(std::floor(x / cell_));
}

bool Likeness::look(const Eigen::VectorXd& unit, const Projections& at) const {
  for (std::int64_t a = -1; a <= 1; ++a) {
    for (std::int64_t b = -1; b <= 1; ++b) {
      for (std::int64_t c = -1; c <= 1; ++c) {
        const auto found = cells_.find(key(place(at[0]) + a, place(at[1]) + b, place(at[2]) + c));
        if (found == cells_.end()) continue;
        for (const std::uint32_t other : found->second) {
          const Column& column = columns_[other];
          if ((column.at - at).cwiseAbs().maxCoeff() > cell_) continue;
          if (std::abs(column.unit.cast<double>().dot(unit)) > limit_) return true;
        }
      }
    }
  }
  return false;
}

}  // namespace kasetsu::descriptors
