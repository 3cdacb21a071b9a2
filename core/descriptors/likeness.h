// Finds columns that are like ones already there.
#pragma once

#include <Eigen/Core>
#include <cstdint>
#include <unordered_map>
#include <vector>

namespace kasetsu::descriptors {

// Columns already there, to ask whether one like it (|r| above a limit) is among them. Two unit
// vectors that are so alike are near one another in every projection: columns are filed by three of
// them, and those in the neighbouring cells are compared where five more are near, too.
class Likeness {
 public:
  Likeness(Eigen::Index rows, double limit);

  // column: any scale. False for a constant one.
  static bool standardise(Eigen::VectorXd& column);

  // unit: centred, length 1. Filed with the sign that makes its first projection positive, so that
  // opposite columns meet, too; near 0 both signs have to be looked for.
  bool has(const Eigen::VectorXd& unit) const;
  void add(const Eigen::VectorXd& unit);

 private:
  static constexpr Eigen::Index kProjections = 8;
  using Projections = Eigen::Matrix<double, kProjections, 1>;
  struct Column {
    Projections at;
    Eigen::VectorXf unit;
  };

  std::int64_t place(double x) const;
  bool look(const Eigen::VectorXd& unit, const Projections& at) const;

  double limit_;
  double cell_;
  Eigen::MatrixXd directions_;
  std::unordered_map<std::uint64_t, std::vector<std::uint32_t>> cells_;
  std::vector<Column> columns_;
};

}  // namespace kasetsu::descriptors
