// Least absolute deviations at a vertex, and its folds. Included by kernels_body.h.
#pragma once

#include "core/regression/huber/double_lanes.h"
#include "core/regression/huber/kernels.h"
#include "core/regression/huber/vector_kernel.h"

namespace kasetsu::regression {
namespace {

constexpr double kTie = 1e-9;         // multipliers nearer than this to +-1: a tie
constexpr double kFlatEdge = 1e-11;   // residuals that move less than this along an edge do not
constexpr double kSmallPivot = 1e-6;  // an exchange that would cost digits

// Breakpoints along an edge on which residuals fall by delta a unit: walks while the slope is
// negative. Rows passed go to passed. Returns the row that stops the walk, or -1.
int walk(const double* state, const double* r, const double* delta, double* ratio, int stride,
         double slope, int* passed, int most, int& passed_count, double& reach) {
  const double infinity = __builtin_inf();
  DoubleLanes nearest = all(infinity);
  for (int k = 0; k < stride; k += 8) {
    const DoubleLanes d = load(delta + k);
    const DoubleLanes t =
        choose_below(all(kFlatEdge), load(state + k) * d, load(r + k) / d, all(infinity));
    const DoubleLanes positive = choose_below(t, all(0.0), all(0.0), t);
    store(ratio + k, positive);
    nearest = least(positive, nearest);
  }
  passed_count = 0;
  for (;;) {
    double value = nearest[0];
    for (int lane = 1; lane < 8; ++lane) value = nearest[lane] < value ? nearest[lane] : value;
    if (!(value < infinity)) return -1;
    int row = -1;
    for (int k = 0; row < 0; k += 8) {
      const unsigned mask = ~mask_below(all(value), load(ratio + k)) & 0xffU;
      if (mask != 0) row = k + __builtin_ctz(mask);
    }
    slope += 2.0 * magnitude_of(delta[row]);
    if (slope >= -1e-12) {
      reach = value;
      return row;
    }
    if (passed_count == most) return -1;
    passed[passed_count++] = row;
    ratio[row] = infinity;
    nearest = all(infinity);
    for (int k = 0; k < stride; k += 8) nearest = least(load(ratio + k), nearest);
  }
}

// Simplex from the least-squares coordinates, which are held by `rank` places without a row and
// without weight.
bool vertex_fit(VertexTask& t) {
  const int d = t.rank, stride = t.stride;
  if (d > kLargestRank) return false;
  for (int k = 0; k < stride; k += 8) store(t.r + k, load(t.y + k));
  for (int j = 0; j < d; ++j) {
    const double* q = t.q + static_cast<long>(j) * stride;
    const double share = dot_kernel(q, t.y, stride);
    double* column = t.tableau + static_cast<long>(j) * stride;
    for (int k = 0; k < stride; k += 8) {
      store(column + k, load(q + k));
      store(t.r + k, load(t.r + k) - all(share) * load(q + k));
    }
    t.basic[j] = -1;
  }
  for (int k = 0; k < stride; ++k) {
    t.state[k] = k >= t.rows ? 0.0 : t.r[k] >= 0.0 ? 1.0 : -1.0;
  }
  double lambda[24];
  for (int j = 0; j < d; ++j) {
    lambda[j] = -dot_kernel(t.tableau + static_cast<long>(j) * stride, t.state, stride);
  }
  constexpr int kMostPassed = 64;
  int passed[kMostPassed];
  int standing = 0;
  for (int round = 0; round < 40 * d; ++round) {
    int place = -1;
    double violation = kTie;
    for (int j = 0; j < d; ++j) {
      const double over = magnitude_of(lambda[j]) - (t.basic[j] < 0 ? 0.0 : 1.0);
      if (over > violation) {
        violation = over;
        place = j;
      }
    }
    for (int j = 0; j < d && place < 0; ++j) {
      if (t.basic[j] < 0) place = j;
    }
    if (place < 0) return true;
    const double sign = lambda[place] <= 0.0 ? 1.0 : -1.0;
    double* column = t.tableau + static_cast<long>(place) * stride;
    for (int k = 0; k < stride; k += 8) store(t.delta + k, all(sign) * load(column + k));
    int count = 0;
    double reach = 0.0;
    const double weight = t.basic[place] < 0 ? 0.0 : 1.0;
    const int row = walk(t.state, t.r, t.delta, t.ratio, stride,
                         weight - magnitude_of(lambda[place]), passed, kMostPassed, count, reach);
    if (row < 0) return false;
    const double pivot = column[row];
    if (!(magnitude_of(pivot) > kSmallPivot)) return false;
    standing = reach > 0.0 ? 0 : standing + 1;
    if (standing > d + 8) return false;
    for (int f = 0; f < count; ++f) {
      const int k = passed[f];
      for (int j = 0; j < d; ++j) {
        lambda[j] += 2.0 * t.state[k] * t.tableau[static_cast<long>(j) * stride + k];
      }
      t.state[k] = -t.state[k];
    }
    for (int k = 0; k < stride; k += 8) {
      store(t.r + k, load(t.r + k) - all(reach) * load(t.delta + k));
    }
    for (int j = 0; j < d; ++j) {
      lambda[j] += t.state[row] * t.tableau[static_cast<long>(j) * stride + row];
    }
    const int leaving = t.basic[place];
    if (leaving >= 0) {
      lambda[place] += sign;
      t.state[leaving] = -sign;
    }
    t.state[row] = 0.0;
    t.r[row] = 0.0;
    t.basic[place] = row;
    const double inverse = 1.0 / pivot;
    lambda[place] *= inverse;
    for (int k = 0; k < stride; k += 8) store(column + k, all(inverse) * load(column + k));
    for (int j = 0; j < d; ++j) {
      if (j == place) continue;
      double* other = t.tableau + static_cast<long>(j) * stride;
      const double share = other[row];
      lambda[j] -= lambda[place] * share;
      for (int k = 0; k < stride; k += 8) {
        store(other + k, load(other + k) - all(share) * load(column + k));
      }
    }
  }
  return false;
}

// The tableau and its multipliers after the pivots of one fold, in product form.
struct Pivots {
  int count;
  int place[kMostPivots], row[kMostPivots];
  double inverse[kMostPivots];
  double entering[kMostPivots][24];  // the entering row before its pivot
};

void current_row(const VertexTask& t, const Pivots& pivots, int row, double* out) {
  const int d = t.rank;
  const double* from = t.by_row + row * kRecord;
  for (int j = 0; j < d; ++j) out[j] = from[j];
  for (int m = 0; m < pivots.count; ++m) {
    const int place = pivots.place[m];
    const double share = out[place] * pivots.inverse[m];
    for (int j = 0; j < d; ++j) out[j] -= share * pivots.entering[m][j];
    out[place] = share;
  }
}

void current_column(const VertexTask& t, const Pivots& pivots, int place, double* out) {
  const int stride = t.stride;
  const double* from = t.tableau + static_cast<long>(place) * stride;
  int first = 0;
  for (int m = 0; m < pivots.count; ++m) {
    if (pivots.place[m] != place) continue;
    from = t.pivots + static_cast<long>(m) * stride;
    first = m + 1;
  }
  for (int k = 0; k < stride; k += 8) store(out + k, load(from + k));
  for (int m = first; m < pivots.count; ++m) {
    const double share = out[pivots.row[m]];
    const double* column = t.pivots + static_cast<long>(m) * stride;
    for (int k = 0; k < stride; k += 8)
      store(out + k, load(out + k) - all(share) * load(column + k));
  }
}

// lambda: of the fit on all rows, row i taken out. False: a tie, or not for the fast path.
bool vertex_fold(VertexTask& t, int i, double* lambda, double& residual) {
  const int d = t.rank, stride = t.stride;
  int forced = -1;
  for (int j = 0; j < d; ++j) {
    if (t.basic[j] == i) forced = j;
  }
  int basic[24];
  for (int j = 0; j < d; ++j) basic[j] = t.basic[j];
  const auto worst = [&] {
    if (forced >= 0) return forced;
    int place = -1;
    double violation = 0.0;
    for (int j = 0; j < d; ++j) {
      const double over = magnitude_of(lambda[j]) - 1.0;
      if (over > -kTie && (place < 0 || over > violation)) {
        violation = over;
        place = j;
      }
    }
    return place;
  };
  int place = worst();
  if (place < 0) {
    residual = t.r[i];
    return true;
  }
  for (int k = 0; k < stride; k += 8) {
    store(t.fold_r + k, load(t.r + k));
    store(t.fold_state + k, load(t.state + k));
  }
  t.fold_state[i] = 0.0;
  Pivots pivots;
  pivots.count = 0;
  int passed[kMostPivots];
  double row_values[24];
  while (place >= 0) {
    const double weight = forced >= 0 ? 0.0 : 1.0;
    const double size = magnitude_of(lambda[place]);
    // Neither clearly inside nor clearly violated.
    if (size < weight + kTie) return false;
    if (pivots.count == kMostPivots) return false;
    const double sign = lambda[place] <= 0.0 ? 1.0 : -1.0;
    double* column = t.pivots + static_cast<long>(pivots.count) * stride;
    current_column(t, pivots, place, column);
    for (int k = 0; k < stride; k += 8) store(t.delta + k, all(sign) * load(column + k));
    int count = 0;
    double reach = 0.0;
    const int row = walk(t.fold_state, t.fold_r, t.delta, t.ratio, stride, weight - size, passed,
                         kMostPivots, count, reach);
    if (row < 0) return false;
    const double pivot = column[row];
    if (!(magnitude_of(pivot) > kSmallPivot)) return false;
    for (int f = 0; f < count; ++f) {
      const int k = passed[f];
      current_row(t, pivots, k, row_values);
      for (int j = 0; j < d; ++j) lambda[j] += 2.0 * t.fold_state[k] * row_values[j];
      t.fold_state[k] = -t.fold_state[k];
    }
    for (int k = 0; k < stride; k += 8) {
      store(t.fold_r + k, load(t.fold_r + k) - all(reach) * load(t.delta + k));
    }
    double* entering = pivots.entering[pivots.count];
    current_row(t, pivots, row, entering);
    for (int j = 0; j < d; ++j) lambda[j] += t.fold_state[row] * entering[j];
    const int leaving = basic[place];
    if (leaving != i) {
      lambda[place] += sign;
      t.fold_state[leaving] = -sign;
    }
    t.fold_state[row] = 0.0;
    t.fold_r[row] = 0.0;
    basic[place] = row;
    const double inverse = 1.0 / pivot;
    lambda[place] *= inverse;
    for (int j = 0; j < d; ++j) {
      if (j != place) lambda[j] -= lambda[place] * entering[j];
    }
    for (int k = 0; k < stride; k += 8) store(column + k, all(inverse) * load(column + k));
    pivots.place[pivots.count] = place;
    pivots.row[pivots.count] = row;
    pivots.inverse[pivots.count] = inverse;
    ++pivots.count;
    forced = -1;
    place = worst();
  }
  residual = t.fold_r[i];
  return true;
}

double vertex_leave_one_out(VertexTask& t, double limit) {
  const int d = t.rank, stride = t.stride, n = t.rows;
  double base[24];
  for (int j = 0; j < d; ++j) {
    double* column = t.tableau + static_cast<long>(j) * stride;
    const double* edge = t.inverse + j * d;
    DoubleLanes total = all(0.0);
    for (int k = 0; k < stride; k += 8) {
      DoubleLanes v = all(0.0);
      for (int l = 0; l < d; ++l) v += all(edge[l]) * load(t.q + static_cast<long>(l) * stride + k);
      store(column + k, v);
      total += v * load(t.state + k);
    }
    base[j] = -sum(total);
  }
  for (int k = 0; k < stride; k += 8) {
    for (int v = 0; v < d; v += 8) {
      DoubleLanes in[8], out[8];
      for (int j = 0; j < 8; ++j) {
        in[j] = v + j < d ? load(t.tableau + static_cast<long>(v + j) * stride + k) : all(0.0);
      }
      transpose(in, out);
      for (int lane = 0; lane < 8; ++lane) store(t.by_row + (k + lane) * kRecord + v, out[lane]);
    }
  }
  t.slow_count = 0;
  double partial = 0.0, lambda[24];
  for (int i = 0; i < n; ++i) {
    const bool wanted = t.slow[i] != 0;
    const double s = t.state[i];
    const double* row = t.by_row + i * kRecord;
    for (int j = 0; j < d; ++j) lambda[j] = base[j] + s * row[j];
    double residual;
    if (wanted || !vertex_fold(t, i, lambda, residual)) {
      t.slow[t.slow_count++] = i;
      continue;
    }
    t.left_out[i] = residual;
    partial += magnitude_of(residual);
    if (partial >= limit) return partial;
  }
  return partial;
}

}  // namespace
}  // namespace kasetsu::regression
