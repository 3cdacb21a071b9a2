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
  for (int j = 0; j < d_; ++j) inverse_[j * d_ + j] = 1.0;
  c_ = ls_;
  residuals();
  for (int k = 0; k < n_; ++k) {
    state_[k] = r_[k] >= 0.0 ? 1.0 : -1.0;
  }
}

// gradient_ = sum of state q over the rows outside the basis.
void Solver::gradient() {
  for (int j = 0; j < d_; ++j) {
    const double* q = p_.basis->column(j);
    double sum = 0.0;
    for (int k = 0; k < n_; ++k) {
      if (in(k)) sum += state_[k] * q[k];
    }
    gradient_[j] = sum;
  }
}

// Everything again from the basic rows alone, to shed the rounding of the pivots.
void Solver::refresh_vertex() {
  double* a = hessian_.data();
  for (int j = 0; j < d_; ++j) {
    for (int l = 0; l < d_; ++l) {
      const int row = basic_[j];
      a[j * d_ + l] = row >= 0 ? p_.basis->at(row, l) : (j == l ? 1.0 : 0.0);
    }
    if (basic_[j] < 0) return;
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
      inverse_[j * d_ + l] = b[l * d_ + j];
    }
  }
  std::fill(c_.begin(), c_.end(), 0.0);
  for (int j = 0; j < d_; ++j) {
    const double y = y_[basic_[j]];
    for (int l = 0; l < d_; ++l) {
      c_[l] += y * inverse_[j * d_ + l];
    }
  }
  residuals();
  for (int j = 0; j < d_; ++j) {
    r_[basic_[j]] = 0.0;
  }
}

// Walks along the edge delta_ over the breakpoints at which residuals reach 0, while the objective
// falls (slope < 0). Rows that are passed change sides, in state_ and gradient_. Returns the row at
// the last breakpoint and its distance, or -1 where there is none.
int Solver::walk_edge(double slope, double length, double& reach) {
  int entering = -1, passed = 0;
  for (;;) {
    int next = -1;
    double nearest = 0.0;
    for (int k = 0; k < n_; ++k) {
      if (!(state_[k] * delta_[k] > 1e-11 * length) || !in(k)) continue;
      const double t = std::max(0.0, r_[k] / delta_[k]);
      if (next < 0 || t < nearest ||
          (t == nearest && std::abs(delta_[k]) > std::abs(delta_[next]))) {
        next = k;
        nearest = t;
      }
    }
    if (next < 0) break;
    entering = next;
    reach = nearest;
    slope += 2.0 * std::abs(delta_[next]);
    if (slope >= -1e-12) break;
    state_[next] = -state_[next];
    passed_[passed++] = next;
  }
  if (entering < 0) return -1;
  if (passed > 0 && passed_[passed - 1] == entering) {
    // Ran out of breakpoints while descending: only rounding can do this. Stop at the last one.
    state_[entering] = -state_[entering];
    --passed;
  }
  for (int i = 0; i < passed; ++i) {
    const int k = passed_[i];
    for (int j = 0; j < d_; ++j) gradient_[j] += 2.0 * state_[k] * p_.basis->at(k, j);
  }
  return entering;
}

// Puts row `entering` into the basis in place of the row at `position`, after a move by reach along
// delta_.
void Solver::exchange(int position, int entering, double sign, double reach) {
  const int row = basic_[position];
  double* edge = inverse_.data() + static_cast<long>(position) * d_;
  for (int k = 0; k < p_.basis->stride(); ++k) r_[k] -= reach * delta_[k];
  for (int j = 0; j < d_; ++j) c_[j] += reach * sign * edge[j];
  const double s = state_[entering];
  for (int j = 0; j < d_; ++j) gradient_[j] -= s * p_.basis->at(entering, j);
  state_[entering] = 0.0;
  r_[entering] = 0.0;
  if (row >= 0) {
    state_[row] = -sign;
    r_[row] = -sign * reach;
    for (int j = 0; in(row) && j < d_; ++j) gradient_[j] -= sign * p_.basis->at(row, j);
  }
  const double divisor = sign * delta_[entering];
  for (int j = 0; j < d_; ++j) edge[j] /= divisor;
  for (int l = 0; l < d_; ++l) {
    if (l == position) continue;
    double* other = inverse_.data() + static_cast<long>(l) * d_;
    double share = 0.0;
    for (int j = 0; j < d_; ++j) share += p_.basis->at(entering, j) * other[j];
    for (int j = 0; j < d_; ++j) other[j] -= share * edge[j];
  }
  basic_[position] = entering;
}

// Moves along the edge on which basic row `position` alone leaves 0, to the last breakpoint before
// the objective rises, and exchanges the rows. False when the edge does not descend.
bool Solver::pivot(int position, bool forced) {
  const int row = basic_[position];
  const double weight = row >= 0 && in(row) ? 1.0 : 0.0;
  const double* edge = inverse_.data() + static_cast<long>(position) * d_;
  double lambda = 0.0;
  for (int j = 0; j < d_; ++j) lambda -= gradient_[j] * edge[j];
  const double sign = lambda <= 0.0 ? 1.0 : -1.0;
  const double slope = weight - std::abs(lambda);
  if (!forced && slope >= 0.0) return false;
  double length = 0.0;
  for (int j = 0; j < d_; ++j) length = std::max(length, std::abs(edge[j]));
  const int stride = p_.basis->stride();
  std::fill(delta_.begin(), delta_.begin() + stride, 0.0);
  for (int j = 0; j < d_; ++j) {
    const double* q = p_.basis->column(j);
    const double factor = sign * edge[j];
    for (int k = 0; k < stride; ++k) delta_[k] += factor * q[k];
  }
  double reach = 0.0;
  const int entering = walk_edge(slope, length, reach);
  if (entering < 0) return false;
  exchange(position, entering, sign, reach);
  return true;
}

// How fast the objective falls along edge j.
inline double Solver::renew_multiplier(int j) {
  const double* edge = inverse_.data() + static_cast<long>(j) * d_;
  double lambda = 0.0;
  for (int l = 0; l < d_; ++l) lambda -= gradient_[l] * edge[l];
  lambda_[j] = lambda;
  return lambda;
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
      const double weight = basic_[j] >= 0 && in(basic_[j]) ? 1.0 : 0.0;
      const double lambda = renew_multiplier(j);
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
      if (in(k)) sum += std::abs(r_[k]);
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
        const double s = state_[k];
        // Away from 0 on its own side: the present vertex stays where it is.
        y_[k] += s * shift;
        r_[k] += s * shift;
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
    if (p_.left_out >= 0) y_[p_.left_out] = 0.0;
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
    squares += lambda_[j] * lambda_[j];
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
    const double weight = basic_[j] >= 0 && in(basic_[j]) ? 1.0 : 0.0;
    const double lambda = renew_multiplier(j);
    if (std::abs(lambda) >= weight - kMultiplierTie) dependent_[flats++] = j;
  }
  if (flats == 0) return;
  face_.start(flats);
  const auto edge_of = [&](int f) {
    return inverse_.data() + static_cast<long>(dependent_[f]) * d_;
  };
  for (int f = 0; f < flats; ++f) {
    const int j = dependent_[f];
    const int row = basic_[j];
    if (row < 0 || !in(row)) continue;
    // Moving by +u lowers the row's residual to -u; allowed where the multiplier is -1.
    for (int h = 0; h < flats; ++h) face_row_[h] = 0.0;
    face_row_[f] = lambda_[j] < 0.0 ? 1.0 : -1.0;
    face_.add(face_row_.data(), 0.0);
  }
  for (int k = 0; k < n_; ++k) {
    const double s = state_[k];
    if (!in(k) || s == 0.0) continue;
    double largest = 0.0;
    for (int f = 0; f < flats; ++f) {
      const double* edge = edge_of(f);
      double sum = 0.0;
      for (int j = 0; j < d_; ++j) sum += p_.basis->at(k, j) * edge[j];
      face_row_[f] = -s * sum;
      largest = std::max(largest, std::abs(sum));
    }
    if (largest > 1e-11) {
      face_.add(face_row_.data(), std::min(0.0, -s * r_[k]));
    }
  }
  for (int f = 0; f < flats; ++f) directions_[f] = edge_of(f);
  if (to_nearest(flats)) residuals();
}

}  // namespace kasetsu::regression
