// Huber fit of all rows, and of the folds that pull many rows over. Included by kernels_body.h.
#pragma once

#include "core/regression/huber/double_lanes.h"
#include "core/regression/huber/kernels.h"
#include "core/regression/huber/vector_kernel.h"

namespace kasetsu::regression {
namespace {

constexpr double kSmallestPivot = 1e-5;  // of the rows inside, against the identity of all rows
constexpr double kTouch = 1e-9;  // nearer than this to a boundary: the general solver decides

// Rounds in which rows are put where the last solution says. Mostly four to six do.
constexpr int kPlainRounds = 9;

// kRank: the rank at compile time, so that its loops unroll; 0: any rank.
template <int kRank>
struct HuberFit {
  // Doubles of a row's record that are in use, a multiple of 8.
  static constexpr int record(int d) { return (d + 4 + 7) / 8 * 8; }
  static constexpr int kWide = kRank > 0 ? (kRank + 2 + 7) / 8 : 3;  // lanes a row of the system

  static constexpr int wide = 8 * kWide;

  // The system [A | Q_I'r0 | sum of state q] of the rows inside, and the solution for their
  // partition: Gaussian elimination without square roots.
  struct System {
    alignas(64) double rows[24 * wide];
    double squares, outside;  // sum of r0^2 inside, rows outside
  };
  struct Solved {
    alignas(64) double work[24 * wide];
    double inverse[24], x[24];  // reciprocal pivots; coordinates
    double squares, bend, sigma;
  };

  // All rows inside.
  static void begin(const HuberTask& t, System& system) {
    const int d = kRank > 0 ? kRank : t.rank;
    for (int i = 0; i < d * wide; i += 8) store(system.rows + i, all(0.0));
    for (int i = 0; i < d; ++i) system.rows[i * wide + i] = 1.0;
    system.squares = t.all_squares;
    system.outside = 0.0;
  }

  KASETSU_INLINE void add(const HuberTask& t, System& system, int row, double in, double turn) {
    const int d = kRank > 0 ? kRank : t.rank;
    const double r0 = t.r0[row];
    system.outside -= in;
    system.squares += in * (r0 * r0);
    alignas(64) double extended[wide];
    for (int i = 0; i < wide; ++i) extended[i] = 0.0;
    const double* q = t.q + row;
    for (int i = 0; i < d; ++i) extended[i] = in * q[static_cast<long>(i) * t.stride];
    extended[d] = in * r0;
    extended[d + 1] = turn;
    for (int i = 0; i < d; ++i) {
      const DoubleLanes qi = all(q[static_cast<long>(i) * t.stride]);
      for (int v = 0; v < wide; v += 8) {
        store(system.rows + i * wide + v,
              load(system.rows + i * wide + v) + qi * load(extended + v));
      }
    }
  }

  // Reduces the system: A = L D L', with rss and bend of the partition. False where the rows inside
  // do not determine the coordinates. multipliers: kept for whitening, or null.
  static bool eliminate(const HuberTask& t, const System& system, Solved& solved,
                        double* multipliers) {
    const int d = kRank > 0 ? kRank : t.rank;
    double* work = solved.work;
    for (int i = 0; i < d * wide; i += 8) store(work + i, load(system.rows + i));
    double fitted = 0.0, bend = 0.0;
    for (int j = 0; j < d; ++j) {
      const double* row = work + j * wide;
      const double pivot = row[j];
      if (!(pivot > kSmallestPivot)) return false;
      const double inv = 1.0 / pivot;
      solved.inverse[j] = inv;
      fitted += row[d] * row[d] * inv;
      bend += row[d + 1] * row[d + 1] * inv;
      alignas(64) double scaled[wide];
      for (int v = 0; v < wide; v += 8) store(scaled + v, all(inv) * load(row + v));
      for (int i = j + 1; i < d; ++i) {
        if (multipliers != nullptr) multipliers[j * 24 + i] = scaled[i];
        const DoubleLanes f = all(scaled[i]);
        for (int v = 0; v < wide; v += 8) {
          store(work + i * wide + v, load(work + i * wide + v) - f * load(row + v));
        }
      }
    }
    solved.squares = system.squares - fitted;
    solved.bend = bend;
    return true;
  }

  // The partition's own scale. False where it has none to rounding. present: rows that count.
  static bool own_scale(const HuberTask& t, const System& system, int present, Solved& solved) {
    const double e2 = t.epsilon * t.epsilon;
    const double divisor = present - system.outside * e2 - e2 * solved.bend;
    if (!(solved.squares > 1e-7 * t.all_squares) || !(divisor > 1e-3)) return false;
    solved.sigma = __builtin_sqrt(solved.squares / divisor);
    return true;
  }

  // The coordinates that minimise the partition's objective at solved.sigma.
  static void substitute(const HuberTask& t, Solved& solved) {
    const int d = kRank > 0 ? kRank : t.rank;
    const double* work = solved.work;
    const double pull = solved.sigma * t.epsilon;
    double* x = solved.x;
    for (int j = 0; j < d; ++j) x[j] = work[j * wide + d] + pull * work[j * wide + d + 1];
    for (int j = d - 1; j >= 0; --j) {
      x[j] *= solved.inverse[j];
      for (int i = 0; i < j; ++i) x[i] -= work[i * wide + j] * x[j];
    }
  }

  static bool solve_system(const HuberTask& t, const System& system, int present, Solved& solved,
                           double* multipliers) {
    if (!eliminate(t, system, solved, multipliers)) return false;
    if (!own_scale(t, system, present, solved)) return false;
    substitute(t, solved);
    return true;
  }

  KASETSU_INLINE void residuals(const HuberTask& t, const double* x, double* r) {
    const int d = kRank > 0 ? kRank : t.rank;
    for (int k = 0; k < t.stride; k += 8) {
      DoubleLanes v = load(t.r0 + k);
      for (int j = 0; j < d; ++j) v -= all(x[j]) * load(t.q + static_cast<long>(j) * t.stride + k);
      store(r + k, v);
    }
  }

  // Puts every row but `absent` on the side that its residual says, and the system with it. False:
  // nothing changed.
  static bool reclassify(const HuberTask& t, System& system, double sigma, const double* r,
                         double* state, int absent) {
    const DoubleLanes bound = all(t.epsilon * sigma);
    bool changed = false;
    for (int k = 0; k < t.stride; k += 8) {
      const DoubleLanes v = load(r + k);
      const DoubleLanes old = load(state + k);
      const DoubleLanes side = choose_below(v, all(0.0), all(-1.0), all(1.0));
      const DoubleLanes now = choose_below(bound, magnitude(v), side, all(0.0));
      unsigned mask = mask_below(all(0.5), magnitude(now - old));
      if (absent >= k && absent < k + 8) mask &= ~(1U << (absent - k));
      if (mask == 0) continue;
      changed = true;
      store(state + k, now);
      while (mask != 0) {
        const int lane = __builtin_ctz(mask);
        mask &= mask - 1;
        const double before = old[lane], after = now[lane];
        add(t, system, k + lane, (after == 0.0 ? 1.0 : 0.0) - (before == 0.0 ? 1.0 : 0.0),
            after - before);
      }
    }
    return changed;
  }

  // A row on the boundary: perhaps one of many minimisers.
  static bool touches(const HuberTask& t, double sigma, const double* r, int absent) {
    const DoubleLanes bound = all(t.epsilon * sigma), near = all(kTouch * t.epsilon * sigma);
    for (int k = 0; k < t.stride; k += 8) {
      unsigned mask = mask_below(magnitude(magnitude(load(r + k)) - bound), near);
      if (absent >= k && absent < k + 8) mask &= ~(1U << (absent - k));
      if (mask != 0) return true;
    }
    return false;
  }

  // Derivative of the objective along the step that lowers the residuals r by delta and changes
  // sigma by turn, after the share `part` of it. It rises: the objective is convex. Rows that are
  // absent have r = delta = 0.
  static double slope(const HuberTask& t, const double* r, const double* delta, double sigma,
                      double turn, double part, int present) {
    const double scale = sigma + part * turn;
    const DoubleLanes bound = all(t.epsilon * scale), inverse = all(1.0 / scale), share = all(part);
    DoubleLanes squares = all(0.0), along = all(0.0);
    for (int k = 0; k < t.stride; k += 8) {
      const DoubleLanes move = load(delta + k);
      const DoubleLanes v = load(r + k) - share * move;
      const DoubleLanes low = choose_below(v, -bound, -bound, v);
      const DoubleLanes z = choose_below(bound, low, bound, low) * inverse;
      squares += z * z;
      along += z * move;
    }
    return turn * (present - sum(squares)) - 2.0 * sum(along);
  }

  // From residuals r (0 where absent) and sigma, with `state` and `system` as they say: towards the
  // minimum of the present partition, which has the value and the slope of the objective here, as
  // far as the objective falls; again until nobody moves. The step is Newton's and the objective
  // convex, so this ends where plain iteration goes round in circles. True: the minimum, in
  // `solved`, its residuals in `reached`.
  static bool descend(const HuberTask& t, System& system, double* state, double* r, double sigma,
                      double* delta, double* reached, int present, int absent, Solved& solved,
                      double* multipliers) {
    const double e2 = t.epsilon * t.epsilon;
    for (int round = 0; round < 40; ++round) {
      if (!eliminate(t, system, solved, multipliers)) return false;
      const bool own = own_scale(t, system, present, solved);
      if (!own) {
        // No minimum, or too near to 0: a bounded part of the way there.
        const double divisor = present - system.outside * e2 - e2 * solved.bend;
        const double least = 0.1 * sigma, most = 10.0 * sigma;
        double aim = most;
        if (divisor * most * most > solved.squares) {
          aim = solved.squares > 0.0 ? __builtin_sqrt(solved.squares / divisor) : 0.0;
        }
        solved.sigma = aim > least ? aim : least;
      }
      substitute(t, solved);
      residuals(t, solved.x, reached);
      const double turn = solved.sigma - sigma;
      for (int k = 0; k < t.stride; k += 8) store(delta + k, load(r + k) - load(reached + k));
      if (absent >= 0) delta[absent] = 0.0;
      const double at_start = slope(t, r, delta, sigma, turn, 0.0, present);
      if (!(at_start < 0.0)) return false;
      const double enough = -0.05 * at_start;
      double part = 1.0, high = 1.0, at_high = slope(t, r, delta, sigma, turn, 1.0, present);
      if (at_high > enough) {
        double low = 0.0, at_low = at_start;
        // A root bracketed from both sides; half the value of an end that stays (Illinois).
        int stayed = 0;
        for (int attempt = 0; attempt < 30; ++attempt) {
          part = low - at_low * (high - low) / (at_high - at_low);
          if (!(part > low && part < high)) part = 0.5 * (low + high);
          const double value = slope(t, r, delta, sigma, turn, part, present);
          if (magnitude_of(value) <= enough) break;
          if (value < 0.0) {
            low = part;
            at_low = value;
            if (stayed > 0) at_high *= 0.5;
            stayed = 1;
          } else {
            high = part;
            at_high = value;
            if (stayed < 0) at_low *= 0.5;
            stayed = -1;
          }
        }
      }
      for (int k = 0; k < t.stride; k += 8) {
        store(r + k, load(r + k) - all(part) * load(delta + k));
      }
      sigma += part * turn;
      // The end of a full step is the partition's own minimum: where nobody moves, everybody's.
      const bool full = own && part == 1.0;
      if (!reclassify(t, system, sigma, full ? reached : r, state, absent) && full) return true;
    }
    return false;
  }

  // resume: t.state holds the solution's sides; only the system is made.
  static bool fit(HuberTask& t, bool resume) {
    const int d = kRank > 0 ? kRank : t.rank;
    const int n = t.rows, stride = t.stride;
    const double e = t.epsilon;
    const double* q = t.q;

    // Least squares; its residuals are the target from here on, so that Q'r0 = 0.
    double c0[24];
    for (int j = 0; j < d; ++j) c0[j] = dot_kernel(q + static_cast<long>(j) * stride, t.y, stride);
    DoubleLanes total = all(0.0);
    for (int k = 0; k < stride; k += 8) {
      DoubleLanes r = load(t.y + k);
      for (int j = 0; j < d; ++j) r -= all(c0[j]) * load(q + static_cast<long>(j) * stride + k);
      store(t.r0 + k, r);
      store(t.r + k, r);
      if (!resume) store(t.state + k, all(0.0));
      total += r * r;
    }
    t.all_squares = sum(total);
    const double resolved = 1e3 * t.resolution;
    if (!(t.all_squares > n * resolved * resolved)) return false;

    System& system = *reinterpret_cast<System*>(t.system);
    begin(t, system);
    Solved solved;
    if (resume) {
      for (int k = 0; k < n; ++k) {
        if (t.state[k] != 0.0) add(t, system, k, -1.0, t.state[k]);
      }
    } else {
      // The first scale: towards the fixed point for the residuals of least squares.
      double sigma = __builtin_sqrt(t.all_squares / n);
      for (int round = 0; round < 4; ++round) {
        const double bound = e * sigma;
        const DoubleLanes b2 = all(bound * bound);
        DoubleLanes inner = all(0.0), count = all(0.0);
        for (int k = 0; k < stride; k += 8) {
          const DoubleLanes r = load(t.r0 + k);
          const DoubleLanes r2 = r * r;
          inner += choose_below(b2, r2, all(0.0), r2);
          count += choose_below(b2, r2, all(1.0), all(0.0));
        }
        const double divisor = n - e * e * sum(count);
        if (!(divisor > 0.1 * n)) break;
        sigma = __builtin_sqrt(sum(inner) / divisor);
      }
      reclassify(t, system, sigma, t.r0, t.state, -1);
    }
    bool settled = false;
    for (int round = 0; round < kPlainRounds && !settled; ++round) {
      if (!solve_system(t, system, n, solved, t.multipliers)) break;
      residuals(t, solved.x, t.r);
      settled = !reclassify(t, system, solved.sigma, t.r, t.state, -1);
    }
    if (!settled) {
      // From least squares again, with care.
      const double sigma = __builtin_sqrt(t.all_squares / n);
      for (int k = 0; k < stride; k += 8) {
        store(t.fold_r + k, load(t.r0 + k));
        store(t.state + k, all(0.0));
      }
      begin(t, system);
      reclassify(t, system, sigma, t.r0, t.state, -1);
      settled =
          descend(t, system, t.state, t.fold_r, sigma, t.key, t.r, n, -1, solved, t.multipliers);
    }
    if (!settled || touches(t, solved.sigma, t.r, -1)) return false;
    for (int j = 0; j < d; ++j) {
      t.c[j] = c0[j] + solved.x[j];
      t.pivots[j] = solved.inverse[j];
      t.slope[j] = solved.work[j * wide + d + 1];
    }
    t.sigma = solved.sigma;
    t.squares = solved.squares;
    t.bend = solved.bend;
    t.outside = system.outside;
    return true;
  }

  // The fold without row i by descent from the fit on all rows: for rows that pull many others
  // over.
  static bool refit(HuberTask& t, int i, double& residual) {
    System system = *reinterpret_cast<const System*>(t.system);
    const double own = t.state[i];
    // An outside row leaves with its sign only; it was outside, and is no longer there.
    add(t, system, i, own == 0.0 ? -1.0 : 0.0, -own);
    system.outside -= 1.0;
    if (own == 0.0) system.outside = t.outside;
    for (int k = 0; k < t.stride; k += 8) {
      store(t.fold_state + k, load(t.state + k));
      store(t.fold_r + k, load(t.r + k));
    }
    t.fold_r[i] = 0.0;
    Solved solved;
    double* reached = t.pull;
    if (!descend(t, system, t.fold_state, t.fold_r, t.sigma, t.key, reached, t.rows - 1, i, solved,
                 nullptr)) {
      return false;
    }
    residual = reached[i];
    return !touches(t, solved.sigma, reached, i);
  }
};

}  // namespace
}  // namespace kasetsu::regression
