// Least absolute deviations: from vertex to vertex of the linear programme.
#include "core/regression/huber/solver.h"

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace kasetsu::regression {
namespace {

constexpr double kMultiplierTie = 1e-9;  // |multiplier| = 1: more than one minimiser

}  // namespace

// A vertex: rank rows are fitted exactly (basic_). Until the first optimum some places may be held
// by no row (-1): they carry no weight, so they must leave.
void Solver::begin_vertex(const Start* start) {
  perturbed_ = false;
  if (start != nullptr && start->vertex) {
    basic_ = start->basic;
    if (!start->fresh) {
      state_ = start->state;
      refresh_vertex();
      return;
    }
    inverse_ = start->inverse;
    c_ = start->c;
    state_ = start->state;
    residuals();
    return;
  }
  std::fill(basic_.begin(), basic_.end(), -1);
  std::fill(inverse_.begin(), inverse_.end(), 0.0);
  for (int j = 0; j < d_; ++j) inverse_[static_cast<std::size_t>(j * d_ + j)] = 1.0;
  c_ = ls_;
  residuals();
  for (int k = 0; k < n_; ++k) {
    state_[static_cast<std::size_t>(k)] = r_[static_cast<std::size_t>(k)] >= 0.0 ? 1.0 : -1.0;
  }
}

// gradient_ = sum of state q over the rows outside the basis.
void Solver::gradient() {
  for (int j = 0; j < d_; ++j) {
    const double* q = p_.basis->column(j);
    double sum = 0.0;
    for (int k = 0; k < n_; ++k) {
      if (in(k)) sum += state_[static_cast<std::size_t>(k)] * q[k];
    }
    gradient_[static_cast<std::size_t>(j)] = sum;
  }
}

// Everything again from the basic rows alone, to shed the rounding of the pivots.
void Solver::refresh_vertex() {
  double* a = hessian_.data();
  for (int j = 0; j < d_; ++j) {
    for (int l = 0; l < d_; ++l) {
      const int row = basic_[static_cast<std::size_t>(j)];
      a[j * d_ + l] = row >= 0 ? p_.basis->at(row, l) : (j == l ? 1.0 : 0.0);
    }
    if (basic_[static_cast<std::size_t>(j)] < 0) return;
  }
  // Gauss-Jordan with partial pivoting; inverse_ holds the columns of a^-1.
  double* b = triangle_.data();
  std::fill(b, b + d_ * d_, 0.0);
  for (int j = 0; j < d_; ++j) b[j * d_ + j] = 1.0;
  for (int j = 0; j < d_; ++j) {
    int best = j;
    for (int i = j + 1; i < d_; ++i) {
      if (std::abs(a[i * d_ + j]) > std::abs(a[best * d_ + j])) best = i;
    }
    if (!(std::abs(a[best * d_ + j]) > 0.0)) return;
    for (int l = 0; l < d_; ++l) {
      std::swap(a[best * d_ + l], a[j * d_ + l]);
      std::swap(b[best * d_ + l], b[j * d_ + l]);
    }
    const double pivot = a[j * d_ + j];
    for (int l = 0; l < d_; ++l) {
      a[j * d_ + l] /= pivot;
      b[j * d_ + l] /= pivot;
    }
    for (int i = 0; i < d_; ++i) {
      const double factor = a[i * d_ + j];
      if (i == j || factor == 0.0) continue;
      for (int l = 0; l < d_; ++l) {
        a[i * d_ + l] -= factor * a[j * d_ + l];
        b[i * d_ + l] -= factor * b[j * d_ + l];
      }
    }
  }
  for (int j = 0; j < d_; ++j) {
    for (int l = 0; l < d_; ++l) {
      inverse_[static_cast<std::size_t>(j * d_ + l)] = b[l * d_ + j];
    }
  }
  std::fill(c_.begin(), c_.end(), 0.0);
  for (int j = 0; j < d_; ++j) {
    const double y = y_[static_cast<std::size_t>(basic_[static_cast<std::size_t>(j)])];
    for (int l = 0; l < d_; ++l) {
      c_[static_cast<std::size_t>(l)] += y * inverse_[static_cast<std::size_t>(j * d_ + l)];
    }
  }
  residuals();
  for (int j = 0; j < d_; ++j) {
    r_[static_cast<std::size_t>(basic_[static_cast<std::size_t>(j)])] = 0.0;
  }
}

// Moves along the edge on which basic row `position` alone leaves 0, to the last breakpoint before
// the objective rises, and exchanges the rows. False when the edge does not descend.
bool Solver::pivot(int position, bool forced) {
  const int row = basic_[static_cast<std::size_t>(position)];
  const double weight = row >= 0 && in(row) ? 1.0 : 0.0;
  double* edge = inverse_.data() + static_cast<long>(position) * d_;
  double lambda = 0.0;
  for (int j = 0; j < d_; ++j) lambda -= gradient_[static_cast<std::size_t>(j)] * edge[j];
  const double sign = lambda <= 0.0 ? 1.0 : -1.0;
  double slope = weight - std::abs(lambda);
  if (!forced && slope >= 0.0) return false;
  double length = 0.0;
  for (int j = 0; j < d_; ++j) length = std::max(length, std::abs(edge[j]));
  const int stride = p_.basis->stride();
  std::fill(delta_.begin(), delta_.begin() + stride, 0.0);
  for (int j = 0; j < d_; ++j) {
    const double* q = p_.basis->column(j);
    const double factor = sign * edge[j];
    for (int k = 0; k < stride; ++k) delta_[static_cast<std::size_t>(k)] += factor * q[k];
  }
  int entering = -1, passed = 0;
  double reach = 0.0;
  for (;;) {
    int next = -1;
    double nearest = 0.0;
    for (int k = 0; k < n_; ++k) {
      const double s = state_[static_cast<std::size_t>(k)];
      const double delta = delta_[static_cast<std::size_t>(k)];
      if (!(s * delta > 1e-11 * length) || !in(k)) continue;
      const double t = std::max(0.0, r_[static_cast<std::size_t>(k)] / delta);
      if (next < 0 || t < nearest ||
          (t == nearest && std::abs(delta) > std::abs(delta_[static_cast<std::size_t>(next)]))) {
        next = k;
        nearest = t;
      }
    }
    if (next < 0) break;
    entering = next;
    reach = nearest;
    slope += 2.0 * std::abs(delta_[static_cast<std::size_t>(next)]);
    if (slope >= -1e-12) break;
    // Passed: the row changes sides.
    state_[static_cast<std::size_t>(next)] = -state_[static_cast<std::size_t>(next)];
    passed_[static_cast<std::size_t>(passed++)] = next;
  }
  if (entering < 0) return false;
  if (passed > 0 && passed_[static_cast<std::size_t>(passed - 1)] == entering) {
    // Ran out of breakpoints while descending: only rounding can do this. Stop at the last one.
    state_[static_cast<std::size_t>(entering)] = -state_[static_cast<std::size_t>(entering)];
    --passed;
  }
  for (int i = 0; i < passed; ++i) {
    const int k = passed_[static_cast<std::size_t>(i)];
    const double s = state_[static_cast<std::size_t>(k)];
    for (int j = 0; j < d_; ++j)
      gradient_[static_cast<std::size_t>(j)] += 2.0 * s * p_.basis->at(k, j);
  }
  for (int k = 0; k < stride; ++k)
    r_[static_cast<std::size_t>(k)] -= reach * delta_[static_cast<std::size_t>(k)];
  for (int j = 0; j < d_; ++j) c_[static_cast<std::size_t>(j)] += reach * sign * edge[j];
  const double s = state_[static_cast<std::size_t>(entering)];
  for (int j = 0; j < d_; ++j) {
    gradient_[static_cast<std::size_t>(j)] -= s * p_.basis->at(entering, j);
  }
  state_[static_cast<std::size_t>(entering)] = 0.0;
  r_[static_cast<std::size_t>(entering)] = 0.0;
  if (row >= 0) {
    state_[static_cast<std::size_t>(row)] = -sign;
    r_[static_cast<std::size_t>(row)] = -sign * reach;
    if (in(row)) {
      for (int j = 0; j < d_; ++j) {
        gradient_[static_cast<std::size_t>(j)] -= sign * p_.basis->at(row, j);
      }
    }
  }
  const double divisor = sign * delta_[static_cast<std::size_t>(entering)];
  for (int j = 0; j < d_; ++j) edge[j] /= divisor;
  for (int l = 0; l < d_; ++l) {
    if (l == position) continue;
    double* other = inverse_.data() + static_cast<long>(l) * d_;
    double share = 0.0;
    for (int j = 0; j < d_; ++j) share += p_.basis->at(entering, j) * other[j];
    for (int j = 0; j < d_; ++j) other[j] -= share * edge[j];
  }
  basic_[static_cast<std::size_t>(position)] = entering;
  return true;
}

bool Solver::improve_vertex() {
  int standing = 0;
  double before = -1.0;
  const int most = 60 * (n_ + d_);
  for (int round = 0; round < most; ++round) {
    int worst = -1;
    double violation = 1e-10;
    int idle = -1;
    for (int j = 0; j < d_; ++j) {
      const int row = basic_[static_cast<std::size_t>(j)];
      const double weight = row >= 0 && in(row) ? 1.0 : 0.0;
      const double* edge = inverse_.data() + static_cast<long>(j) * d_;
      double lambda = 0.0;
      for (int l = 0; l < d_; ++l) lambda -= gradient_[static_cast<std::size_t>(l)] * edge[l];
      lambda_[static_cast<std::size_t>(j)] = lambda;
      if (std::abs(lambda) - weight > violation) {
        violation = std::abs(lambda) - weight;
        worst = j;
      }
      if (weight == 0.0 && idle < 0) idle = j;
    }
    if (worst < 0 && idle < 0) return true;
    if (!pivot(worst >= 0 ? worst : idle, worst < 0)) return worst < 0;
    double sum = 0.0;
    for (int k = 0; k < n_; ++k) {
      if (in(k)) sum += std::abs(r_[static_cast<std::size_t>(k)]);
    }
    standing = before >= 0.0 && sum >= before - 1e-14 * before ? standing + 1 : 0;
    before = sum;
    if (standing > 2 * d_ + 20 && !perturbed_) {
      // Many rows meet in one vertex: part them by amounts that no decision elsewhere can see. The
      // final basis is judged on the true target; the multipliers do not depend on it.
      perturbed_ = true;
      standing = 0;
      for (int k = 0; k < n_; ++k) {
        std::uint64_t h = (static_cast<std::uint64_t>(k) + 1) * 0x9e3779b97f4a7c15ULL;
        h = (h ^ (h >> 31)) * 0xbf58476d1ce4e5b9ULL;
        const double shift = scale_ * 1e-9 * (1.0 + static_cast<double>(h >> 40) * 0x1.0p-24);
        const double s = state_[static_cast<std::size_t>(k)];
        // Away from 0 on its own side: the present vertex stays where it is.
        y_[static_cast<std::size_t>(k)] += s * shift;
        r_[static_cast<std::size_t>(k)] += s * shift;
      }
    }
  }
  return false;
}

void Solver::least_absolute(const Start* start) {
  begin_vertex(start);
  gradient();
  bool done = improve_vertex();
  if (perturbed_) {
    std::copy(p_.y, p_.y + p_.basis->stride(), y_.begin());
    if (p_.left_out >= 0) y_[static_cast<std::size_t>(p_.left_out)] = 0.0;
  }
  if (start == nullptr || perturbed_) {
    refresh_vertex();
    gradient();
    perturbed_ = true;  // no second perturbation: the sides of tied rows are settled
    done = improve_vertex() && done;
    perturbed_ = false;
  }
  if (!done) ++unconfirmed_;
  canonical_vertex();
}

// At a vertex of least absolute deviations with multipliers lambda the objective's derivative by
// sigma at 0 is at least n - (n - d) epsilon^2 - epsilon^2 |lambda|^2 (rows beyond the d basic ones
// counted as outside, which bounds it from below).
bool Solver::scale_is_zero() const {
  const double e2 = p_.epsilon * p_.epsilon;
  double squares = 0.0;
  for (int j = 0; j < d_; ++j) {
    squares += lambda_[static_cast<std::size_t>(j)] * lambda_[static_cast<std::size_t>(j)];
  }
  return present_ - (present_ - d_) * e2 - e2 * squares >= 0.0;
}

// A multiplier of exactly +-1 says that the objective is flat along that edge: of all minimisers
// take the one whose fitted values are nearest to the least-squares fit.
void Solver::canonical_vertex() {
  vertex_ = c_;
  vertex_found_ = true;
  int flats = 0;
  for (int j = 0; j < d_; ++j) {
    const int row = basic_[static_cast<std::size_t>(j)];
    const double weight = row >= 0 && in(row) ? 1.0 : 0.0;
    const double* edge = inverse_.data() + static_cast<long>(j) * d_;
    double lambda = 0.0;
    for (int l = 0; l < d_; ++l) lambda -= gradient_[static_cast<std::size_t>(l)] * edge[l];
    lambda_[static_cast<std::size_t>(j)] = lambda;
    if (std::abs(lambda) >= weight - kMultiplierTie)
      dependent_[static_cast<std::size_t>(flats++)] = j;
  }
  if (flats == 0) return;
  face_.start(flats);
  const auto edge_of = [&](int f) {
    return inverse_.data() + static_cast<long>(dependent_[static_cast<std::size_t>(f)]) * d_;
  };
  for (int f = 0; f < flats; ++f) {
    const int j = dependent_[static_cast<std::size_t>(f)];
    const int row = basic_[static_cast<std::size_t>(j)];
    if (row < 0 || !in(row)) continue;
    // Moving by +u lowers the row's residual to -u; allowed where the multiplier is -1.
    for (int h = 0; h < flats; ++h) face_row_[static_cast<std::size_t>(h)] = 0.0;
    face_row_[static_cast<std::size_t>(f)] =
        lambda_[static_cast<std::size_t>(j)] < 0.0 ? 1.0 : -1.0;
    face_.add(face_row_.data(), 0.0);
  }
  for (int k = 0; k < n_; ++k) {
    const double s = state_[static_cast<std::size_t>(k)];
    if (!in(k) || s == 0.0) continue;
    double largest = 0.0;
    for (int f = 0; f < flats; ++f) {
      const double* edge = edge_of(f);
      double sum = 0.0;
      for (int j = 0; j < d_; ++j) sum += p_.basis->at(k, j) * edge[j];
      face_row_[static_cast<std::size_t>(f)] = -s * sum;
      largest = std::max(largest, std::abs(sum));
    }
    if (largest > 1e-11) {
      face_.add(face_row_.data(), std::min(0.0, -s * r_[static_cast<std::size_t>(k)]));
    }
  }
  for (int f = 0; f < flats; ++f) directions_[static_cast<std::size_t>(f)] = edge_of(f);
  if (to_nearest(flats)) residuals();
}

}  // namespace kasetsu::regression
