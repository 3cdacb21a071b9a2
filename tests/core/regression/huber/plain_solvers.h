// Plain solvers to judge the engine by: slow, separate from it, and sharing none of its methods.
#pragma once

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

namespace kasetsu::testing {

// Mean 0, standard deviation 1, divisor N; a constant column becomes 0.
inline Eigen::MatrixXd standardised(Eigen::MatrixXd X) {
  for (Eigen::Index j = 0; j < X.cols(); ++j) {
    const double norm = X.col(j).norm();
    X.col(j).array() -= X.col(j).mean();
    const double deviation = X.col(j).norm() / std::sqrt(static_cast<double>(X.rows()));
    if (X.col(j).norm() <= 1e-10 * norm) {
      X.col(j).setZero();
    } else {
      X.col(j) /= deviation;
    }
  }
  return X;
}

inline Eigen::MatrixXd with_constant(const Eigen::MatrixXd& X) {
  Eigen::MatrixXd A(X.rows(), X.cols() + 1);
  A << Eigen::VectorXd::Ones(X.rows()), X;
  return A;
}

template <typename Matrix>
Matrix without_row(const Matrix& X, Eigen::Index row) {
  Matrix out(X.rows() - 1, X.cols());
  out.topRows(row) = X.topRows(row);
  out.bottomRows(X.rows() - 1 - row) = X.bottomRows(X.rows() - 1 - row);
  return out;
}

struct PlainFit {
  Eigen::VectorXd beta;  // the constant first
  double sigma = 0.0;
  double objective = 0.0;
  bool converged = false;
};

inline double robust_objective(const Eigen::MatrixXd& A, const Eigen::VectorXd& y,
                               const Eigen::VectorXd& beta, double sigma, double epsilon,
                               double alpha) {
  const Eigen::VectorXd r = y - A * beta;
  double sum = alpha * beta.tail(beta.size() - 1).squaredNorm();
  for (const double x : r) {
    sum += sigma;
    if (sigma > 0.0 && std::abs(x) <= epsilon * sigma) {
      sum += x * x / sigma;
    } else {
      sum += 2.0 * epsilon * std::abs(x) - epsilon * epsilon * sigma;
    }
  }
  return sum;
}

// Levenberg-Marquardt-damped Newton on the joint convex objective in (beta, sigma), until no step
// lowers the gradient any more. A: with the constant first. pull: added is pull |A (beta -
// towards)|^2.
inline PlainFit plain_huber(const Eigen::MatrixXd& A, const Eigen::VectorXd& y, double epsilon,
                            double alpha, double pull = 0.0,
                            const Eigen::VectorXd& towards = Eigen::VectorXd(),
                            const PlainFit* start = nullptr) {
  const Eigen::Index d = A.cols();
  PlainFit fit;
  fit.beta = A.completeOrthogonalDecomposition().solve(y);
  Eigen::VectorXd r = y - A * fit.beta;
  fit.sigma = std::sqrt(r.squaredNorm() / static_cast<double>(A.rows()));
  const double unit = fit.sigma;
  if (start != nullptr) {
    fit.beta = start->beta;
    fit.sigma = start->sigma;
  }
  const auto value = [&](const Eigen::VectorXd& beta, double sigma) {
    double f = robust_objective(A, y, beta, sigma, epsilon, alpha);
    if (pull > 0.0) f += pull * (A * (beta - towards)).squaredNorm();
    return f;
  };
  const auto gradient = [&](const Eigen::VectorXd& beta, double sigma, Eigen::MatrixXd* H) {
    Eigen::VectorXd g(d + 1);
    const Eigen::ArrayXd z = (y - A * beta).array() / sigma;
    const Eigen::ArrayXd clipped = z.min(epsilon).max(-epsilon);
    g.head(d) = -2.0 * (A.transpose() * clipped.matrix());
    g[d] = (1.0 - clipped.square()).sum();
    if (H != nullptr) {
      const Eigen::ArrayXd inside = (z.abs() <= epsilon).cast<double>();
      const Eigen::MatrixXd weighted = A.array().colwise() * inside;
      H->setZero(d + 1, d + 1);
      H->topLeftCorner(d, d).noalias() = 2.0 / sigma * (A.transpose() * weighted);
      H->col(d).head(d) = 2.0 / sigma * (weighted.transpose() * z.matrix());
      (*H)(d, d) = 2.0 / sigma * (inside * z.square()).sum();
    }
    g.segment(1, d - 1) += 2.0 * alpha * beta.tail(d - 1);
    if (pull > 0.0) g.head(d) += 2.0 * pull * A.transpose() * (A * (beta - towards));
    if (H != nullptr) {
      H->diagonal().segment(1, d - 1).array() += 2.0 * alpha;
      if (pull > 0.0) H->topLeftCorner(d, d) += 2.0 * pull * A.transpose() * A;
      H->row(d).head(d) = H->col(d).head(d).transpose();
    }
    return g;
  };
  double damping = 1e-3;
  double f = value(fit.beta, fit.sigma);
  for (int round = 0; round < 2000; ++round) {
    Eigen::MatrixXd H;
    const Eigen::VectorXd g = gradient(fit.beta, fit.sigma, &H);
    bool moved = false;
    for (int attempt = 0; attempt < 40; ++attempt) {
      Eigen::MatrixXd damped = H;
      damped.diagonal().array() += damping * 2.0 * static_cast<double>(A.rows()) / unit;
      const Eigen::VectorXd step = -damped.ldlt().solve(g);
      const Eigen::VectorXd beta = fit.beta + step.head(d);
      const double sigma = fit.sigma + step[d];
      if (sigma > 0.0) {
        const double next = value(beta, sigma);
        // Near the end rounding hides the change of the value: then the gradient decides.
        const bool better =
            next < f - 1e-13 * std::abs(f) ||
            (next <= f + 1e-13 * std::abs(f) && gradient(beta, sigma, nullptr).norm() < g.norm());
        if (better) {
          fit.beta = beta;
          fit.sigma = sigma;
          f = next;
          damping = std::max(damping * 0.1, 1e-18);
          moved = true;
          break;
        }
      }
      damping = std::max(damping, 1e-16) * 4.0;
    }
    if (!moved) break;
  }
  fit.objective = value(fit.beta, fit.sigma);
  fit.converged =
      gradient(fit.beta, fit.sigma, nullptr).norm() < 1e-9 * static_cast<double>(A.rows());
  return fit;
}

// Least absolute deviations by a primal-dual interior point on the dual, max y'a with A'a = A'1/2,
// 0 <= a <= 1 (Portnoy and Koenker, Statistical Science 12, 1997), then the vertex of the rows with
// the smallest residuals. Gives one minimiser; which one is not defined where there are many.
inline PlainFit plain_least_absolute(const Eigen::MatrixXd& A, const Eigen::VectorXd& y) {
  const Eigen::Index n = A.rows(), d = A.cols();
  PlainFit fit;
  fit.beta = A.completeOrthogonalDecomposition().solve(y);
  Eigen::ArrayXd r = (y - A * fit.beta).array();
  const double unit = std::max(r.abs().maxCoeff(), 1e-300);
  const auto cost = [&](const Eigen::VectorXd& beta) { return (y - A * beta).cwiseAbs().sum(); };
  Eigen::ArrayXd a = Eigen::ArrayXd::Constant(n, 0.5), s = 1.0 - a;
  Eigen::ArrayXd v = r.max(0.0) + 0.1 * unit, w = (-r).max(0.0) + 0.1 * unit;  // v - w = r
  for (int round = 0; round < 200; ++round) {
    r = (y - A * fit.beta).array();
    const double gap = (a * w + s * v).sum();
    if (gap < 1e-14 * unit * static_cast<double>(n)) break;
    const double mu = 0.1 * gap / (2.0 * static_cast<double>(n));
    // Newton on a w = mu, s v = mu, v - w = r, A'a = const.
    const Eigen::ArrayXd diagonal = 1.0 / (w / a + v / s);
    const Eigen::ArrayXd residual = (v - w - r) + (mu / a - w) - (mu / s - v);
    // dw = mu/a - w - (w/a) da ; dv = mu/s - v + (v/s) da ; dv - dw + A dbeta = -(v - w - r)
    const Eigen::ArrayXd rhs = -(v - w - r) + (mu / a - w) - (mu / s - v);
    (void)residual;
    const Eigen::MatrixXd M = A.transpose() * diagonal.matrix().asDiagonal() * A;
    const Eigen::VectorXd balance = A.transpose() * (Eigen::ArrayXd::Constant(n, 0.5) - a).matrix();
    const Eigen::VectorXd step =
        M.ldlt().solve(A.transpose() * (diagonal * rhs).matrix() - balance);
    const Eigen::ArrayXd da = diagonal * (rhs - (A * step).array());
    const Eigen::ArrayXd dw = mu / a - w - w / a * da, dv = mu / s - v + v / s * da;
    double primal = 1.0, dual = 1.0;
    for (Eigen::Index k = 0; k < n; ++k) {
      if (da[k] < 0) primal = std::min(primal, -0.995 * a[k] / da[k]);
      if (da[k] > 0) primal = std::min(primal, 0.995 * s[k] / da[k]);
      if (dv[k] < 0) dual = std::min(dual, -0.995 * v[k] / dv[k]);
      if (dw[k] < 0) dual = std::min(dual, -0.995 * w[k] / dw[k]);
    }
    const Eigen::ArrayXd a_next = a + primal * da;
    if (!a_next.isFinite().all() || !step.allFinite()) break;
    a = a_next;
    s = 1.0 - a;
    v += dual * dv;
    w += dual * dw;
    fit.beta += dual * step;
  }
  // The vertex: rows in order of |residual|, kept when independent of those before.
  std::vector<Eigen::Index> order(static_cast<std::size_t>(n));
  std::iota(order.begin(), order.end(), 0);
  r = (y - A * fit.beta).array().abs();
  std::sort(order.begin(), order.end(), [&](auto i, auto j) { return r[i] < r[j]; });
  Eigen::MatrixXd B(d, d);
  Eigen::VectorXd yb(d);
  Eigen::Index found = 0;
  for (const auto k : order) {
    B.row(found) = A.row(k);
    Eigen::FullPivLU<Eigen::MatrixXd> lu(B.topRows(found + 1));
    lu.setThreshold(1e-9);
    if (lu.rank() < found + 1) continue;
    yb[found++] = y[k];
    if (found == d) break;
  }
  if (found == d) {
    const Eigen::VectorXd vertex = B.fullPivLu().solve(yb);
    if (cost(vertex) <= cost(fit.beta) * (1.0 + 1e-12) + 1e-12 * unit) fit.beta = vertex;
  }
  fit.objective = 2.0 * cost(fit.beta);
  fit.converged = true;
  return fit;
}

// All vertices of a small least-absolute-deviations problem; of all minimisers the one whose fitted
// values are nearest to least squares (Frank-Wolfe with exact corrections over the optimal
// vertices).
inline PlainFit exhaustive_least_absolute(const Eigen::MatrixXd& A, const Eigen::VectorXd& y) {
  const Eigen::Index n = A.rows(), d = A.cols();
  std::vector<Eigen::VectorXd> vertices;
  double best = 1e300;
  std::vector<int> pick(static_cast<std::size_t>(n), 0);
  std::fill(pick.begin(), pick.begin() + d, 1);
  do {
    Eigen::MatrixXd B(d, d);
    Eigen::VectorXd yb(d);
    Eigen::Index at = 0;
    for (Eigen::Index k = 0; k < n; ++k) {
      if (pick[static_cast<std::size_t>(k)] == 0) continue;
      B.row(at) = A.row(k);
      yb[at++] = y[k];
    }
    Eigen::FullPivLU<Eigen::MatrixXd> lu(B);
    lu.setThreshold(1e-9);
    if (lu.rank() < d) continue;
    const Eigen::VectorXd beta = lu.solve(yb);
    const double cost = (y - A * beta).cwiseAbs().sum();
    const double slack = 1e-10 * (1.0 + y.cwiseAbs().sum());
    if (cost < best - slack) vertices.clear();
    if (cost < best + slack) vertices.push_back(beta);
    best = std::min(best, cost);
  } while (std::prev_permutation(pick.begin(), pick.end()));
  const Eigen::VectorXd ls = A.colPivHouseholderQr().solve(y);
  // Nearest point of the hull: non-negative weights by projected coordinate descent on pairs.
  const Eigen::Index m = static_cast<Eigen::Index>(vertices.size());
  Eigen::MatrixXd V(n, m);
  for (Eigen::Index j = 0; j < m; ++j) {
    V.col(j) = A * (vertices[static_cast<std::size_t>(j)] - ls);
  }
  Eigen::VectorXd share = Eigen::VectorXd::Constant(m, 1.0 / static_cast<double>(m));
  for (int round = 0; round < 20000; ++round) {
    double moved = 0.0;
    for (Eigen::Index i = 0; i < m; ++i) {
      for (Eigen::Index j = 0; j < m; ++j) {
        if (i == j) continue;
        const Eigen::VectorXd edge = V.col(i) - V.col(j);
        const double square = edge.squaredNorm();
        if (square < 1e-24) continue;
        const double t = std::clamp(-edge.dot(V * share) / square, -share[i], share[j]);
        share[i] += t;
        share[j] -= t;
        moved = std::max(moved, std::abs(t) * std::sqrt(square));
      }
    }
    if (moved < 1e-13) break;
  }
  PlainFit fit;
  fit.beta = Eigen::VectorXd::Zero(d);
  for (Eigen::Index j = 0; j < m; ++j) fit.beta += share[j] * vertices[static_cast<std::size_t>(j)];
  fit.objective = 2.0 * best;
  fit.converged = true;
  return fit;
}

}  // namespace kasetsu::testing
