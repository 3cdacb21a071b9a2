// The kernels' text, compiled by kernels_{baseline,avx2,avx512}.cc. Algebra in docs/method.md.
#pragma once

#include "core/regression/kernels.h"
#include "core/regression/lanes.h"

namespace kasetsu::regression {
namespace {

constexpr double kSmallestPivot = 1e-5;  // of the rows inside, against the identity of all rows
constexpr double kTouch = 1e-9;  // nearer than this to a boundary: the general solver decides
constexpr double kLeast = 1e-4;  // 1 - leverage, and RSS left, below which it decides too
constexpr int kPad = 24;         // doubles a record
constexpr int kBins = 128;

KASETSU_INLINE double largest_of(double a, double b) {
  return a > b ? a : b;
}
KASETSU_INLINE double magnitude_of(double a) {
  return a < 0.0 ? -a : a;
}

double dot_kernel(const double* a, const double* b, int stride) {
  Lanes total = all(0.0);
  for (int k = 0; k < stride; k += 8) total += load(a + k) * load(b + k);
  return sum(total);
}

void project_kernel(const double* q, int count, double* x, double* projection, int stride) {
  double share[4];
  for (int first = 0; first < count; first += 4) {
    const int some = count - first < 4 ? count - first : 4;
    const double* q0 = q + static_cast<long>(first) * stride;
    if (some == 4) {
      const double* q1 = q0 + stride;
      const double* q2 = q1 + stride;
      const double* q3 = q2 + stride;
      Lanes s0 = all(0.0), s1 = s0, s2 = s0, s3 = s0;
      for (int k = 0; k < stride; k += 8) {
        const Lanes v = load(x + k);
        s0 += load(q0 + k) * v;
        s1 += load(q1 + k) * v;
        s2 += load(q2 + k) * v;
        s3 += load(q3 + k) * v;
      }
      share[0] = sum(s0);
      share[1] = sum(s1);
      share[2] = sum(s2);
      share[3] = sum(s3);
      const Lanes f0 = all(share[0]), f1 = all(share[1]), f2 = all(share[2]), f3 = all(share[3]);
      for (int k = 0; k < stride; k += 8) {
        store(x + k, load(x + k) - ((f0 * load(q0 + k) + f1 * load(q1 + k)) +
                                    (f2 * load(q2 + k) + f3 * load(q3 + k))));
      }
    } else {
      for (int l = 0; l < some; ++l) {
        const double* ql = q0 + static_cast<long>(l) * stride;
        share[l] = dot_kernel(ql, x, stride);
        const Lanes f = all(share[l]);
        for (int k = 0; k < stride; k += 8) store(x + k, load(x + k) - f * load(ql + k));
      }
    }
    for (int l = 0; l < some; ++l) projection[first + l] += share[l];
  }
}

// kRank: the rank at compile time, so that its loops unroll; 0: any rank.
template <int kRank>
struct Huber {
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
      const Lanes qi = all(q[static_cast<long>(i) * t.stride]);
      for (int v = 0; v < wide; v += 8) {
        store(system.rows + i * wide + v,
              load(system.rows + i * wide + v) + qi * load(extended + v));
      }
    }
  }

  // present: rows that count. multipliers: of the elimination, kept for whitening, or null.
  static bool solve_system(const HuberTask& t, const System& system, int present, Solved& solved,
                           double* multipliers) {
    const int d = kRank > 0 ? kRank : t.rank;
    const double e = t.epsilon;
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
        const Lanes f = all(scaled[i]);
        for (int v = 0; v < wide; v += 8) {
          store(work + i * wide + v, load(work + i * wide + v) - f * load(row + v));
        }
      }
    }
    const double rss = system.squares - fitted;
    const double divisor = present - system.outside * e * e - e * e * bend;
    if (!(rss > 1e-7 * t.all_squares) || !(divisor > 1e-3)) return false;
    const double sigma = __builtin_sqrt(rss / divisor);
    double* x = solved.x;
    for (int j = 0; j < d; ++j) x[j] = work[j * wide + d] + sigma * e * work[j * wide + d + 1];
    for (int j = d - 1; j >= 0; --j) {
      x[j] *= solved.inverse[j];
      for (int i = 0; i < j; ++i) x[i] -= work[i * wide + j] * x[j];
    }
    solved.squares = rss;
    solved.bend = bend;
    solved.sigma = sigma;
    return true;
  }

  KASETSU_INLINE void residuals(const HuberTask& t, const double* x, double* r) {
    const int d = kRank > 0 ? kRank : t.rank;
    for (int k = 0; k < t.stride; k += 8) {
      Lanes v = load(t.r0 + k);
      for (int j = 0; j < d; ++j) v -= all(x[j]) * load(t.q + static_cast<long>(j) * t.stride + k);
      store(r + k, v);
    }
  }

  // Puts every row but `absent` on the side that its residual says, and the system with it. False:
  // nothing changed.
  static bool reclassify(const HuberTask& t, System& system, double sigma, const double* r,
                         double* state, int absent) {
    const Lanes bound = all(t.epsilon * sigma);
    bool changed = false;
    for (int k = 0; k < t.stride; k += 8) {
      const Lanes v = load(r + k);
      const Lanes old = load(state + k);
      const Lanes side = choose_below(v, all(0.0), all(-1.0), all(1.0));
      const Lanes now = choose_below(bound, magnitude(v), side, all(0.0));
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
    const Lanes bound = all(t.epsilon * sigma), near = all(kTouch * t.epsilon * sigma);
    for (int k = 0; k < t.stride; k += 8) {
      unsigned mask = mask_below(magnitude(magnitude(load(r + k)) - bound), near);
      if (absent >= k && absent < k + 8) mask &= ~(1U << (absent - k));
      if (mask != 0) return true;
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
    Lanes total = all(0.0);
    for (int k = 0; k < stride; k += 8) {
      Lanes r = load(t.y + k);
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
    for (int i = 0; i < d * wide; ++i) system.rows[i] = 0.0;
    for (int i = 0; i < d; ++i) system.rows[i * wide + i] = 1.0;
    system.squares = t.all_squares;
    system.outside = 0.0;
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
        const Lanes b2 = all(bound * bound);
        Lanes inner = all(0.0), count = all(0.0);
        for (int k = 0; k < stride; k += 8) {
          const Lanes r = load(t.r0 + k);
          const Lanes r2 = r * r;
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
    for (int round = 0; round < 30 && !settled; ++round) {
      if (!solve_system(t, system, n, solved, t.multipliers)) return false;
      residuals(t, solved.x, t.r);
      settled = !reclassify(t, system, solved.sigma, t.r, t.state, -1);
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

  // The fold without row i by the same iteration, from the fit on all rows: for rows that pull many
  // others over.
  static bool refit(HuberTask& t, int i, double& residual) {
    System system = *reinterpret_cast<const System*>(t.system);
    const double own = t.state[i];
    // An outside row leaves with its sign only; it was outside, and is no longer there.
    add(t, system, i, own == 0.0 ? -1.0 : 0.0, -own);
    system.outside -= 1.0;
    if (own == 0.0) system.outside = t.outside;
    for (int k = 0; k < t.stride; k += 8) store(t.fold_state + k, load(t.state + k));
    Solved solved;
    for (int round = 0; round < 20; ++round) {
      if (!solve_system(t, system, t.rows - 1, solved, nullptr)) return false;
      residuals(t, solved.x, t.fold_r);
      if (!reclassify(t, system, solved.sigma, t.fold_r, t.fold_state, i)) {
        residual = t.fold_r[i];
        return !touches(t, solved.sigma, t.fold_r, i);
      }
    }
    return false;
  }

  // Rows in coordinates where the rows inside have the identity as Gram matrix, g and h, and for
  // every row left out the solution on the frozen partition. False where none has one.
  static void freeze(HuberTask& t) {
    const int d = kRank > 0 ? kRank : t.rank;
    const int n = t.rows, stride = t.stride;
    const double e = t.epsilon, sigma = t.sigma;
    double weight[24], slope[24];
    for (int j = 0; j < d; ++j) {
      weight[j] = __builtin_sqrt(t.pivots[j]);
      slope[j] = t.slope[j] * weight[j];
      t.slope[j] = slope[j];
    }
    const double room = n - 1 - t.outside * e * e;
    for (int k = 0; k < stride; k += 8) {
      Lanes u[24];
      Lanes g = all(0.0), h = all(0.0);
      for (int j = 0; j < d; ++j) {
        Lanes v = load(t.q + static_cast<long>(j) * stride + k);
        for (int l = 0; l < j; ++l) v -= all(t.multipliers[l * 24 + j]) * u[l];
        u[j] = v;
      }
      for (int j = 0; j < d; ++j) {
        u[j] *= all(weight[j]);
        g += u[j] * all(slope[j]);
        h += u[j] * u[j];
      }
      store(t.h + k, h);
      const Lanes r = load(t.r + k), s = load(t.state + k);
      const Lanes ra = r + all(e * sigma) * g;
      const Lanes left = all(1.0) - h;
      const Lanes half = all(0.5);
      const Lanes is_out = magnitude(s);
      const Lanes safe = choose_below(left, all(kLeast), all(kLeast), left);
      const Lanes rss = choose_below(is_out, half, all(t.squares) - ra * ra / safe, all(t.squares));
      const Lanes bend =
          choose_below(is_out, half, all(t.bend) + g * g / safe, all(t.bend) - (s + s) * g + h);
      const Lanes divisor = all(room) + is_out * all(e * e) - all(e * e) * bend;
      Lanes scale = root(rss / divisor);
      const Lanes pull =
          choose_below(is_out, half, (all(e) * scale * g - ra) / safe, -(all(e) * scale * s));
      const Lanes step = all(e) * (scale - all(sigma));
      const Lanes reach2 = step * step * all(t.bend) + all(2.0) * step * pull * g + pull * pull * h;
      // Not to be trusted: marked by a scale of 0.
      const Lanes zero = all(0.0);
      scale = choose_below(divisor, all(1e-3), zero, scale);
      scale = choose_below(rss, all(kLeast * t.squares), zero, scale);
      const Lanes lost = choose_below(is_out, half, left, all(1.0));
      scale = choose_below(lost, all(2.0 * kLeast), zero, scale);
      store(t.scale + k, scale);
      store(t.pull + k, pull);
      store(t.reach + k, root(choose_below(reach2, zero, zero, reach2)));
      store(t.left_out + k, ra - all(e) * scale * g - pull * h);
      u[d] = g;
      u[d + 1] = h;
      u[d + 2] = r;
      u[d + 3] = s;
      for (int j = d + 4; j < record(d); ++j) u[j] = zero;
      for (int v = 0; v < record(d); v += 8) {
        Lanes rows[8];
        transpose(u + v, rows);
        for (int lane = 0; lane < 8; ++lane) store(t.records + (k + lane) * kPad + v, rows[lane]);
      }
    }
  }

  static bool one_step(HuberTask& t) {
    freeze(t);
    for (int i = 0; i < t.rows; ++i) {
      if (!(t.scale[i] > 0.0)) return false;
    }
    return true;
  }

  // Leaving out row i moves every coordinate by a vector of length at most reach_i and the boundary
  // by step_i, so row k keeps its side when margin_k > step_i + reach_i |u_k|. Rows stand in order
  // of margin / (ratio + |u|): those that may change sides are a prefix, for every i.
  struct Order {
    int start[kBins + 1];
    double ratio, to_bin;

    int prefix(double step, double reach) const {
      const double bound = largest_of(magnitude_of(step) / ratio, reach) * (1.0 + 1e-8);
      const double bin = bound * to_bin;
      return bin < kBins - 1.0 ? start[static_cast<int>(bin) + 1] : start[kBins];
    }
  };

  static void sort_rows(HuberTask& t, Order& order) {
    const int n = t.rows, stride = t.stride;
    const double boundary = t.epsilon * t.sigma;
    Lanes steps = all(0.0), reaches = all(0.0);
    for (int k = 0; k < stride; k += 8) {
      const Lanes live = choose_below(all(0.0), load(t.scale + k), all(1.0), all(0.0));
      steps += choose_below(all(0.0), live, magnitude(load(t.scale + k) - all(t.sigma)), all(0.0));
      reaches += choose_below(all(0.0), live, load(t.reach + k), all(0.0));
    }
    const double total = sum(reaches);
    order.ratio = total > 0.0 ? largest_of(t.epsilon * sum(steps) / total, 1e-12) : 1.0;
    order.to_bin = total > 0.0 ? 16.0 * n / total : 1.0;
    int* start = order.start;
    for (int b = 0; b <= kBins; ++b) start[b] = 0;
    for (int k = 0; k < stride; k += 8) {
      const Lanes r = load(t.r + k), s = load(t.state + k);
      const Lanes margin = choose_below(magnitude(s), all(0.5), all(boundary) - magnitude(r),
                                        s * r - all(boundary)) -
                           all(3.0 * kTouch * boundary);
      const Lanes key = margin / (all(order.ratio) + root(load(t.h + k))) * all(order.to_bin);
      const Lanes low = choose_below(key, all(0.0), all(0.0), key);
      store(t.key + k, choose_below(low, all(kBins - 1.0), low, all(kBins - 1.0)));
    }
    for (int k = 0; k < n; ++k) {
      const int bin = static_cast<int>(t.key[k]);
      t.position[k] = bin;
      ++start[bin + 1];
    }
    for (int b = 0; b < kBins; ++b) start[b + 1] += start[b];
    int fill[kBins];
    for (int b = 0; b < kBins; ++b) fill[b] = start[b];
    for (int k = 0; k < n; ++k) {
      const int at = fill[t.position[k]]++;
      t.order[at] = k;
      t.position[k] = at;
    }
    for (int at = 0; at < n; ++at) {
      const double side = t.state[t.order[at]];
      t.out[at] = side == 0.0 ? 0 : 0xff;
      t.below[at] = side < 0.0 ? 0xff : 0;
    }
    for (int at = n; at < stride; ++at) t.out[at] = t.below[at] = 0;
  }

  // Eight folds side by side: lane l leaves out row fold[l].
  struct Group {
    int fold[8];
    int count;            // lanes in use; the others repeat the last
    int prefix;           // rows to check
    Lanes own[24];        // record of the row left out
    Lanes direction[24];  // by which the solution moved
    Lanes scale;
    Lanes residual;
    unsigned lost;  // lanes for the general solver
  };

  // The records of eight rows, number j of each side by side in to[j].
  KASETSU_INLINE void gather(const HuberTask& t, const int* rows, Lanes* to) {
    const int d = kRank > 0 ? kRank : t.rank;
    for (int v = 0; v < record(d); v += 8) {
      Lanes in[8];
      for (int lane = 0; lane < 8; ++lane) in[lane] = load(t.records + rows[lane] * kPad + v);
      transpose(in, to + v);
    }
  }

  KASETSU_INLINE Lanes pick(const double* from, const int* index) {
    return Lanes{from[index[0]], from[index[1]], from[index[2]], from[index[3]],
                 from[index[4]], from[index[5]], from[index[6]], from[index[7]]};
  }

  // Which side every row of the prefix is on in each fold, a bit a lane: out and below the fit, or
  // out and above it. Lanes where a row touches the boundary are lost.
  static void check(HuberTask& t, Group& group) {
    const int d = kRank > 0 ? kRank : t.rank;
    const Lanes bound = all(t.epsilon) * group.scale;
    Lanes nearest = bound;
    for (int at = 0; at < group.prefix; ++at) {
      const double* row = t.records + t.order[at] * kPad;
      Lanes even = all(row[d + 2]), odd = all(0.0);
      for (int j = 0; j < d; j += 2) even -= all(row[j]) * group.direction[j];
      for (int j = 1; j < d; j += 2) odd += all(row[j]) * group.direction[j];
      const Lanes r = even - odd;
      const Lanes size = magnitude(r);
      nearest = least(magnitude(size - bound), nearest);
      const unsigned out = mask_below(bound, size);
      t.now_out[at] = static_cast<unsigned char>(out);
      t.now_below[at] = static_cast<unsigned char>(out & mask_below(r, all(0.0)));
    }
    group.lost |= mask_below(nearest, all(kTouch) * bound);
    // The row left out has no side: as in the fit on all rows.
    for (int lane = 0; lane < 8; ++lane) {
      const int at = t.position[group.fold[lane]];
      if (at >= group.prefix) continue;
      const unsigned bit = 1U << lane;
      t.now_out[at] = static_cast<unsigned char>((t.now_out[at] & ~bit) | (t.out[at] & bit));
      t.now_below[at] = static_cast<unsigned char>((t.now_below[at] & ~bit) | (t.below[at] & bit));
    }
    for (int at = group.prefix; at % 8 != 0; ++at) {
      t.now_out[at] = t.out[at];
      t.now_below[at] = t.below[at];
    }
  }

  KASETSU_INLINE unsigned long long differing(const HuberTask& t, int at) {
    unsigned long long a, b, c, d;
    __builtin_memcpy(&a, t.now_out + at, 8);
    __builtin_memcpy(&b, t.out + at, 8);
    __builtin_memcpy(&c, t.now_below + at, 8);
    __builtin_memcpy(&d, t.below + at, 8);
    return (a ^ b) | (c ^ d);
  }

  // Lists by lane the rows that are not on the side they have in the fit on all rows, as 4 x place
  // + side (0 inside, 1 above, 2 below); at most kMostChanges of them are kept.
  static void list(const HuberTask& t, const Group& group, int changes[8][kMostChanges],
                   int found[8]) {
    for (int lane = 0; lane < 8; ++lane) found[lane] = 0;
    for (int at = 0; at < group.prefix; at += 8) {
      unsigned long long bits = differing(t, at);
      while (bits != 0) {
        const int bit = __builtin_ctzll(bits);
        bits &= bits - 1;
        const int row = at + bit / 8, lane = bit % 8;
        const int side = (t.now_out[row] >> lane & 1) + (t.now_below[row] >> lane & 1);
        if (found[lane] < kMostChanges) changes[lane][found[lane]] = 4 * row + side;
        ++found[lane];
      }
    }
  }

  // Whether every lane's rows are exactly on the sides that its list says. Changes now_out and
  // now_below; `list` needs them restored by calling it again.
  static bool as_listed(HuberTask& t, const Group& group, const int* const* changes,
                        const int* count) {
    for (int lane = 0; lane < 8; ++lane) {
      for (int m = 0; m < count[lane]; ++m) {
        const int at = changes[lane][m] / 4, side = changes[lane][m] % 4;
        const unsigned bit = 1U << lane;
        t.now_out[at] = static_cast<unsigned char>(t.now_out[at] ^
                                                   ((t.out[at] ^ (side != 0 ? bit : 0U)) & bit));
        t.now_below[at] = static_cast<unsigned char>(
            t.now_below[at] ^ ((t.below[at] ^ (side == 2 ? bit : 0U)) & bit));
      }
    }
    unsigned long long any = 0;
    for (int at = 0; at < group.prefix; at += 8) any |= differing(t, at);
    return any == 0;
  }

  // The solution of each lane's fold on its own partition: the frozen one, row fold[lane] out, and
  // the rows in its list on their other side.
  static void solve(HuberTask& t, const Order& order, Group& group, const int* const* changes,
                    const int* count) {
    const int d = kRank > 0 ? kRank : t.rank;
    const double e = t.epsilon, sigma = t.sigma;
    int most = 0, last = 0;
    for (int lane = 0; lane < 8; ++lane) {
      most = count[lane] > most ? count[lane] : most;
      const int end = count[lane] > 0 ? changes[lane][count[lane] - 1] / 4 + 1 : 0;
      last = end > last ? end : last;
    }
    const int size = most + 1;
    constexpr int kSize = kMostChanges + 1;
    // in: +1 enters the rows inside, -1 leaves them; turn: change of the outside sign.
    Lanes u[kSize][24], in[kSize], turn[kSize], g[kSize], ra[kSize], dots[kSize][kSize];
    const Lanes own_state = group.own[d + 3];
    const Lanes own_out = magnitude(own_state);
    for (int j = 0; j < d; ++j) u[0][j] = group.own[j];
    in[0] = own_out - all(1.0);
    turn[0] = -own_state;
    g[0] = group.own[d];
    ra[0] = group.own[d + 2] + all(e * sigma) * g[0];
    dots[0][0] = group.own[d + 1];
    Lanes outside = all(t.outside) - own_out;
    for (int m = 1; m < size; ++m) {
      // A lane with fewer changes takes the record of zeros behind the rows: it changes nothing.
      int rows[8];
      double sides[8];
      for (int lane = 0; lane < 8; ++lane) {
        const int change = m <= count[lane] ? changes[lane][m - 1] : 0;
        rows[lane] = m <= count[lane] ? t.order[change / 4] : t.stride;
        sides[lane] = change % 4 == 0 ? 0.0 : change % 4 == 1 ? 1.0 : -1.0;
      }
      gather(t, rows, u[m]);
      const Lanes now{sides[0], sides[1], sides[2], sides[3],
                      sides[4], sides[5], sides[6], sides[7]};
      const Lanes state = u[m][d + 3];
      in[m] = magnitude(state) - magnitude(now);
      turn[m] = now - state;
      g[m] = u[m][d];
      ra[m] = u[m][d + 2] + all(e * sigma) * g[m];
      dots[m][m] = u[m][d + 1];
      outside -= in[m];
      for (int o = 0; o < m; ++o) {
        Lanes product = u[m][0] * u[o][0];
        for (int j = 1; j < d; ++j) product += u[m][j] * u[o][j];
        dots[m][o] = dots[o][m] = product;
      }
    }

    // (T + H) over the rows with in != 0, right sides W't' and W'slope'.
    Lanes matrix[kSize][kSize], st[kSize], ss[kSize], act[kSize];
    Lanes squares = all(t.squares), slope2 = all(t.bend), target2 = all(0.0);
    for (int m = 0; m < size; ++m) {
      Lanes ht = all(0.0), hs = all(0.0);
      for (int o = 0; o < size; ++o) {
        ht += dots[m][o] * (in[o] * ra[o]);
        hs += dots[m][o] * turn[o];
      }
      squares += in[m] * (ra[m] * ra[m]);
      target2 += in[m] * ra[m] * ht;
      slope2 += turn[m] * (g[m] + g[m] + hs);
      act[m] = magnitude(in[m]);
      st[m] = act[m] * ht;
      ss[m] = act[m] * (g[m] + hs);
    }
    for (int m = 0; m < size; ++m) {
      for (int o = m; o < size; ++o) matrix[m][o] = dots[m][o] * (act[m] * act[o]);
      matrix[m][m] += in[m] + (all(1.0) - act[m]);
    }
    Lanes smallest = all(1.0);
    for (int m = 0; m < size; ++m) {
      const Lanes pivot = matrix[m][m];
      const Lanes absolute = magnitude(pivot);
      smallest = choose_below(absolute, smallest, absolute, smallest);
      const Lanes inverse = all(1.0) / pivot;
      target2 -= st[m] * st[m] * inverse;
      slope2 -= ss[m] * ss[m] * inverse;
      for (int o = m + 1; o < size; ++o) {
        const Lanes f = matrix[m][o] * inverse;
        for (int p = o; p < size; ++p) matrix[o][p] -= f * matrix[m][p];
        st[o] -= f * st[m];
        ss[o] -= f * ss[m];
      }
      matrix[m][m] = inverse;
    }
    const Lanes rss = squares - target2;
    const Lanes divisor = all(t.rows - 1.0) - outside * all(e * e) - all(e * e) * slope2;
    // Negated comparisons, so that a NaN is lost as well.
    group.lost |= ~mask_below(all(kLeast), smallest) & 0xffU;
    group.lost |= ~mask_below(all(kLeast * t.squares), rss) & 0xffU;
    group.lost |= ~mask_below(all(1e-3), divisor) & 0xffU;
    const Lanes one = all(1.0);
    group.scale =
        root(choose_below(all(1e-3), divisor, choose_below(all(0.0), rss, rss, one), one) /
             choose_below(all(1e-3), divisor, divisor, one));
    const Lanes step = all(e) * (group.scale - all(sigma));
    Lanes share[kSize];
    for (int m = size - 1; m >= 0; --m) {
      Lanes value = st[m] + all(e) * group.scale * ss[m];
      for (int o = m + 1; o < size; ++o) value -= matrix[m][o] * share[o];
      share[m] = value * matrix[m][m];
    }
    for (int m = 0; m < size; ++m) {
      share[m] = in[m] * ra[m] + all(e) * group.scale * turn[m] - act[m] * share[m];
    }
    Lanes along = all(0.0), length = all(0.0);
    for (int j = 0; j < d; ++j) {
      Lanes move = step * all(t.slope[j]);
      for (int m = 0; m < size; ++m) move += share[m] * u[m][j];
      group.direction[j] = move;
      length += move * move;
      along += move * group.own[j];
    }
    group.residual = group.own[d + 2] - along;
    const Lanes reach = root(length);
    int prefix = last;
    for (int lane = 0; lane < group.count; ++lane) {
      if ((group.lost >> lane & 1U) != 0) continue;
      const int rows = order.prefix(step[lane], reach[lane]);
      prefix = rows > prefix ? rows : prefix;
    }
    group.prefix = prefix;
  }

  static double leave_one_out(HuberTask& t, double limit) {
    const int d = kRank > 0 ? kRank : t.rank;
    const int n = t.rows;
    const double e = t.epsilon, sigma = t.sigma;
    freeze(t);
    Order order;
    sort_rows(t, order);
    t.slow_count = 0;
    double partial = 0.0;

    // Folds by how many rows they must check, the longest first: the largest residuals are among
    // them, so a sum that grows beyond the limit does so early.
    int* queue = t.queue;
    int first[kBins + 1];
    for (int b = 0; b <= kBins; ++b) first[b] = 0;
    int live = 0;
    for (int i = 0; i < n; ++i) {
      if (!(t.scale[i] > 0.0)) {
        t.slow[t.slow_count++] = i;
        t.changed[i] = -1;
        continue;
      }
      const double bound =
          largest_of(magnitude_of(e * (t.scale[i] - sigma)) / order.ratio, t.reach[i]);
      const double bin = bound * (1.0 + 1e-8) * order.to_bin;
      t.changed[i] = bin < kBins - 1.0 ? kBins - 1 - static_cast<int>(bin) : 0;
      ++first[t.changed[i] + 1];
      ++live;
    }
    for (int b = 0; b < kBins; ++b) first[b + 1] += first[b];
    for (int i = 0; i < n; ++i) {
      if (t.changed[i] >= 0) queue[first[t.changed[i]]++] = i;
    }

    Group group;
    int lists[8][kMostChanges], found[8];
    int waiting = 0;
    for (int begin = 0; begin < live; begin += 8) {
      group.count = live - begin < 8 ? live - begin : 8;
      for (int lane = 0; lane < 8; ++lane) {
        group.fold[lane] = queue[begin + (lane < group.count ? lane : group.count - 1)];
      }
      gather(t, group.fold, group.own);
      group.lost = 0;
      group.scale = pick(t.scale, group.fold);
      const Lanes step = all(e) * (group.scale - all(sigma));
      const Lanes pull = pick(t.pull, group.fold);
      for (int j = 0; j < d; ++j) {
        group.direction[j] = step * all(t.slope[j]) + pull * group.own[j];
      }
      // The first has the longest prefix of the eight but for rounding within its bin.
      group.prefix = 0;
      for (int lane = 0; lane < group.count; ++lane) {
        const int rows = order.prefix(step[lane], t.reach[group.fold[lane]]);
        group.prefix = rows > group.prefix ? rows : group.prefix;
      }
      check(t, group);
      list(t, group, lists, found);
      for (int lane = 0; lane < group.count; ++lane) {
        const int i = group.fold[lane];
        if ((group.lost >> lane & 1U) != 0 || found[lane] > kMostChanges) {
          t.slow[t.slow_count++] = i;
        } else if (found[lane] == 0) {
          partial += magnitude_of(t.left_out[i]);
        } else {
          t.changed[i] = found[lane];
          for (int m = 0; m < found[lane]; ++m) {
            t.changes[i * kMostChanges + m] = lists[lane][m];
          }
          queue[waiting++] = i;
        }
      }
      if (partial >= limit) return partial;
    }

    for (int round = 0; round < 12 && waiting > 0; ++round) {
      // In order of how many rows changed, the most first.
      for (int m = 0; m <= kMostChanges + 1; ++m) first[m] = 0;
      for (int w = 0; w < waiting; ++w) ++first[kMostChanges - t.changed[queue[w]] + 1];
      for (int m = 0; m <= kMostChanges; ++m) first[m + 1] += first[m];
      for (int w = 0; w < waiting; ++w) {
        t.sorted_queue[first[kMostChanges - t.changed[queue[w]]]++] = queue[w];
      }
      live = waiting;
      waiting = 0;
      for (int begin = 0; begin < live; begin += 8) {
        group.count = live - begin < 8 ? live - begin : 8;
        const int* changes[8];
        int count[8];
        for (int lane = 0; lane < 8; ++lane) {
          const int i = t.sorted_queue[begin + (lane < group.count ? lane : group.count - 1)];
          group.fold[lane] = i;
          changes[lane] = t.changes + i * kMostChanges;
          count[lane] = t.changed[i];
        }
        gather(t, group.fold, group.own);
        group.lost = 0;
        solve(t, order, group, changes, count);
        check(t, group);
        // Mostly all eight lanes are right: then no list needs to be made.
        const bool right = group.lost == 0 && as_listed(t, group, changes, count);
        if (right) {
          for (int lane = 0; lane < group.count; ++lane) {
            const double residual = group.residual[lane];
            t.left_out[group.fold[lane]] = residual;
            partial += magnitude_of(residual);
          }
        } else {
          check(t, group);
          list(t, group, lists, found);
          for (int lane = 0; lane < group.count; ++lane) {
            const int i = group.fold[lane];
            if ((group.lost >> lane & 1U) != 0 || found[lane] > kMostChanges) {
              t.slow[t.slow_count++] = i;
              continue;
            }
            int* old = t.changes + i * kMostChanges;
            bool same = found[lane] == count[lane];
            for (int m = 0; same && m < found[lane]; ++m) same = lists[lane][m] == old[m];
            if (same) {
              t.left_out[i] = group.residual[lane];
              partial += magnitude_of(t.left_out[i]);
              continue;
            }
            t.changed[i] = found[lane];
            for (int m = 0; m < found[lane]; ++m) old[m] = lists[lane][m];
            queue[waiting++] = i;
          }
        }
        if (partial >= limit) return partial;
      }
    }
    for (int w = 0; w < waiting; ++w) t.slow[t.slow_count++] = queue[w];
    int left = 0;
    for (int w = 0; w < t.slow_count; ++w) {
      const int i = t.slow[w];
      double residual;
      if (!refit(t, i, residual)) {
        t.slow[left++] = i;
        continue;
      }
      t.left_out[i] = residual;
      partial += magnitude_of(residual);
      if (partial >= limit) return partial;
    }
    t.slow_count = left;
    return partial;
  }
};

constexpr double kTie = 1e-9;         // multipliers nearer than this to +-1: a tie
constexpr double kFlatEdge = 1e-11;   // residuals that move less than this along an edge do not
constexpr double kSmallPivot = 1e-6;  // an exchange that would cost digits

// Breakpoints along an edge on which residuals fall by delta a unit: walks while the slope is
// negative. Rows passed go to passed. Returns the row that stops the walk, or -1.
int walk(const double* state, const double* r, const double* delta, double* ratio, int stride,
         double slope, int* passed, int most, int& passed_count, double& reach) {
  const double infinity = __builtin_inf();
  Lanes nearest = all(infinity);
  for (int k = 0; k < stride; k += 8) {
    const Lanes d = load(delta + k);
    const Lanes t =
        choose_below(all(kFlatEdge), load(state + k) * d, load(r + k) / d, all(infinity));
    const Lanes positive = choose_below(t, all(0.0), all(0.0), t);
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
  const double* from = t.by_row + row * kPad;
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
    Lanes total = all(0.0);
    for (int k = 0; k < stride; k += 8) {
      Lanes v = all(0.0);
      for (int l = 0; l < d; ++l) v += all(edge[l]) * load(t.q + static_cast<long>(l) * stride + k);
      store(column + k, v);
      total += v * load(t.state + k);
    }
    base[j] = -sum(total);
  }
  for (int k = 0; k < stride; k += 8) {
    for (int v = 0; v < d; v += 8) {
      Lanes in[8], out[8];
      for (int j = 0; j < 8; ++j) {
        in[j] = v + j < d ? load(t.tableau + static_cast<long>(v + j) * stride + k) : all(0.0);
      }
      transpose(in, out);
      for (int lane = 0; lane < 8; ++lane) store(t.by_row + (k + lane) * kPad + v, out[lane]);
    }
  }
  t.slow_count = 0;
  double partial = 0.0, lambda[24];
  for (int i = 0; i < n; ++i) {
    const bool wanted = t.slow[i] != 0;
    const double s = t.state[i];
    const double* row = t.by_row + i * kPad;
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

bool huber_fit(HuberTask& t, bool resume) {
  if (t.rank > kLargestRank) return false;
  switch (t.rank) {
    case 5:
      return Huber<5>::fit(t, resume);
    case 9:
      return Huber<9>::fit(t, resume);
    default:
      return Huber<0>::fit(t, resume);
  }
}

bool huber_one_step(HuberTask& t) {
  switch (t.rank) {
    case 5:
      return Huber<5>::one_step(t);
    case 9:
      return Huber<9>::one_step(t);
    default:
      return Huber<0>::one_step(t);
  }
}

double huber_leave_one_out(HuberTask& t, double limit) {
  switch (t.rank) {
    case 5:
      return Huber<5>::leave_one_out(t, limit);
    case 9:
      return Huber<9>::leave_one_out(t, limit);
    default:
      return Huber<0>::leave_one_out(t, limit);
  }
}

}  // namespace

const Kernels& KASETSU_KERNELS() {
  static const Kernels table{dot_kernel,          project_kernel,      huber_fit,
                             huber_one_step,      huber_leave_one_out, vertex_fit,
                             vertex_leave_one_out};
  return table;
}

}  // namespace kasetsu::regression
