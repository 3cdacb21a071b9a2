// The kernels' text, compiled by kernels_{baseline,avx2,avx512}.cc. Algebra in docs/method.md.
#pragma once

#include "core/regression/kernels.h"
#include "core/regression/lanes.h"

namespace kasetsu::regression {
namespace {

constexpr double kSmallestPivot = 1e-5;  // of the rows inside, against the identity of all rows
constexpr double kTouch = 1e-9;  // nearer than this to a boundary: the general solver decides
constexpr double kLeast = 1e-4;  // 1 - leverage, and RSS left, below which it decides too
constexpr int kMostChanges = 10;
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
  static constexpr int kWide = kRank > 0 ? (kRank + 2 + 7) / 8 : 3;  // lanes a row of the system

  static bool fit(HuberTask& t) {
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
      store(t.state + k, all(0.0));
      total += r * r;
    }
    const double all_squares = sum(total);
    const double resolved = 1e3 * t.resolution;
    if (!(all_squares > n * resolved * resolved)) return false;

    // The system [A | Q_I'r0 | sum of state q] of the rows inside; A = I to begin with.
    alignas(64) double system[24 * 8 * kWide];
    alignas(64) double work[24 * 8 * kWide];
    constexpr int wide = 8 * kWide;
    for (int i = 0; i < d * wide_of(); ++i) system[i] = 0.0;
    for (int i = 0; i < d; ++i) system[i * wide + i] = 1.0;
    double squares = all_squares, outside = 0.0;
    double sigma = __builtin_sqrt(all_squares / n);
    // A better first scale: the fixed point for the least-squares residuals, a few steps.
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

    double inverse[24], x[24];
    bool settled = false;
    for (int round = 0; round < 30; ++round) {
      const Lanes bound = all(e * sigma);
      bool changed = false;
      for (int k = 0; k < stride; k += 8) {
        const Lanes r = load(t.r + k);
        const Lanes old = load(t.state + k);
        const Lanes side = choose_below(r, all(0.0), all(-1.0), all(1.0));
        const Lanes now = choose_below(bound, magnitude(r), side, all(0.0));
        unsigned mask = mask_below(all(0.5), magnitude(now - old));
        if (mask == 0) continue;
        changed = true;
        store(t.state + k, now);
        while (mask != 0) {
          const int lane = __builtin_ctz(mask);
          mask &= mask - 1;
          const int row = k + lane;
          const double before = old[lane], after = now[lane];
          const double in = (after == 0.0 ? 1.0 : 0.0) - (before == 0.0 ? 1.0 : 0.0);
          const double turn = after - before;
          const double r0 = t.r0[row];
          outside -= in;
          squares += in * (r0 * r0);
          alignas(64) double ext[wide];
          for (int i = 0; i < wide; ++i) ext[i] = 0.0;
          for (int i = 0; i < d; ++i) ext[i] = in * q[static_cast<long>(i) * stride + row];
          ext[d] = in * r0;
          ext[d + 1] = turn;
          for (int i = 0; i < d; ++i) {
            const Lanes qi = all(q[static_cast<long>(i) * stride + row]);
            for (int v = 0; v < wide; v += 8) {
              store(system + i * wide + v, load(system + i * wide + v) + qi * load(ext + v));
            }
          }
        }
      }
      if (!changed) {
        if (round > 0) {
          settled = true;
          break;
        }
      }
      // Gaussian elimination of the symmetric system, without square roots.
      for (int i = 0; i < d * wide_of(); i += 8) store(work + i, load(system + i));
      double fitted = 0.0, bend = 0.0;
      for (int j = 0; j < d; ++j) {
        const double* row = work + j * wide;
        const double pivot = row[j];
        if (!(pivot > kSmallestPivot)) return false;
        const double inv = 1.0 / pivot;
        inverse[j] = inv;
        fitted += row[d] * row[d] * inv;
        bend += row[d + 1] * row[d + 1] * inv;
        double* factors = t.multipliers + j * 24;
        alignas(64) double scaled[wide];
        for (int v = 0; v < wide; v += 8) store(scaled + v, all(inv) * load(row + v));
        for (int i = j + 1; i < d; ++i) {
          factors[i] = scaled[i];
          const Lanes f = all(scaled[i]);
          for (int v = 0; v < wide; v += 8) {
            store(work + i * wide + v, load(work + i * wide + v) - f * load(row + v));
          }
        }
      }
      const double rss = squares - fitted;
      const double divisor = n - outside * e * e - e * e * bend;
      if (!(rss > 1e-7 * all_squares) || !(divisor > 1e-3)) return false;
      sigma = __builtin_sqrt(rss / divisor);
      for (int j = 0; j < d; ++j) x[j] = work[j * wide + d] + sigma * e * work[j * wide + d + 1];
      for (int j = d - 1; j >= 0; --j) {
        x[j] *= inverse[j];
        for (int i = 0; i < j; ++i) x[i] -= work[i * wide + j] * x[j];
      }
      for (int k = 0; k < stride; k += 8) {
        Lanes r = load(t.r0 + k);
        for (int j = 0; j < d; ++j) r -= all(x[j]) * load(q + static_cast<long>(j) * stride + k);
        store(t.r + k, r);
      }
      t.squares = rss;
      t.bend = bend;
      t.outside = outside;
    }
    if (!settled) return false;
    // A row that touches the boundary: perhaps one of many minimisers.
    const Lanes bound = all(e * sigma), near = all(kTouch * e * sigma);
    for (int k = 0; k < stride; k += 8) {
      if (mask_below(magnitude(magnitude(load(t.r + k)) - bound), near) != 0) return false;
    }
    for (int j = 0; j < d; ++j) {
      t.c[j] = c0[j] + x[j];
      t.pivots[j] = inverse[j];
      t.slope[j] = work[j * wide + d + 1];
    }
    t.sigma = sigma;
    return true;
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
      for (int j = 0; j < d; ++j) {
        for (int lane = 0; lane < 8; ++lane) t.whitened[(k + lane) * wide_of() + j] = u[j][lane];
      }
      for (int j = d; j < wide_of(); ++j) {
        for (int lane = 0; lane < 8; ++lane) t.whitened[(k + lane) * wide_of() + j] = 0.0;
      }
      store(t.g + k, g);
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
    }
  }

  static bool one_step(HuberTask& t) {
    freeze(t);
    for (int i = 0; i < t.rows; ++i) {
      if (!(t.scale[i] > 0.0)) return false;
    }
    return true;
  }

  static double leave_one_out(HuberTask& t, double limit) {
    const int d = kRank > 0 ? kRank : t.rank;
    const int n = t.rows, stride = t.stride;
    const double e = t.epsilon, sigma = t.sigma;
    freeze(t);

    // Leaving out row i moves every coordinate by a vector of length at most reach_i and the
    // boundary by step_i, so row k keeps its side when margin_k > step_i + reach_i |u_k|. Rows in
    // order of margin / (ratio + |u|): those that may change are a prefix for every i.
    double steps = 0.0, reaches = 0.0;
    for (int i = 0; i < n; ++i) {
      steps += magnitude_of(e * (t.scale[i] - sigma));
      reaches += t.reach[i];
    }
    const double ratio = reaches > 0.0 ? largest_of(steps / reaches, 1e-12) : 1.0;
    const double to_bin = reaches > 0.0 ? 16.0 * n / reaches : 1.0;
    int start[kBins + 1];
    for (int b = 0; b <= kBins; ++b) start[b] = 0;
    for (int k = 0; k < stride; k += 8) {
      const Lanes r = load(t.r + k), s = load(t.state + k);
      const Lanes margin = choose_below(magnitude(s), all(0.5), all(e * sigma) - magnitude(r),
                                        s * r - all(e * sigma)) -
                           all(3.0 * kTouch * e * sigma);
      const Lanes key = margin / (all(ratio) + root(load(t.h + k)));
      const Lanes scaled = key * all(to_bin);
      const Lanes low = choose_below(scaled, all(0.0), all(0.0), scaled);
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
    const double undecided = __builtin_nan("");
    for (int at = 0; at < n; ++at) {
      const int k = t.order[at];
      t.sorted_r[at] = t.r[k];
      t.sorted_state[at] = t.state[k];
      for (int j = 0; j < d; ++j) {
        t.columns[static_cast<long>(j) * stride + at] = t.whitened[k * wide_of() + j];
      }
    }
    for (int at = n; at < stride; ++at) {
      t.sorted_r[at] = 0.0;
      t.sorted_state[at] = undecided;
      for (int j = 0; j < d; ++j) t.columns[static_cast<long>(j) * stride + at] = 0.0;
    }

    t.slow_count = 0;
    double partial = 0.0;
    alignas(64) double direction[wide_of()];
    alignas(64) double slope_row[wide_of()];
    for (int j = 0; j < wide_of(); ++j) slope_row[j] = j < d ? t.slope[j] : 0.0;
    for (int i = 0; i < n; ++i) {
      if (!(t.scale[i] > 0.0)) {
        t.slow[t.slow_count++] = i;
        continue;
      }
      double residual;
      if (fold(t, i, start, ratio, to_bin, slope_row, direction, residual)) {
        t.left_out[i] = residual;
        partial += magnitude_of(residual);
        if (partial >= limit) return partial;
      } else {
        t.slow[t.slow_count++] = i;
      }
    }
    return partial;
  }

  static constexpr int wide_of() { return 8 * kWide; }

  static int prefix_of(const int* start, double ratio, double to_bin, double step, double reach) {
    const double bound = largest_of(magnitude_of(step) / ratio, reach) * (1.0 + 1e-8);
    const double bin = bound * to_bin;
    // NaN goes to the end as well.
    return bin < kBins - 1.0 ? start[static_cast<int>(bin) + 1] : start[kBins];
  }

  // The fold without row i, from the frozen partition to its own: rows that leave their side are
  // moved over, and the solution for the new partition comes from a system of the moved rows alone.
  static bool fold(HuberTask& t, int i, const int* start, double ratio, double to_bin,
                   const double* slope_row, double* direction, double& residual) {
    const int d = kRank > 0 ? kRank : t.rank;
    const int stride = t.stride, n = t.rows;
    const double e = t.epsilon, sigma = t.sigma;
    const double* ui = t.whitened + static_cast<long>(i) * wide_of();
    double scale = t.scale[i];
    double step = e * (scale - sigma);
    int prefix = prefix_of(start, ratio, to_bin, step, t.reach[i]);
    residual = t.left_out[i];
    if (prefix == 0) return true;
    {
      const Lanes pull = all(t.pull[i]), along = all(step);
      for (int v = 0; v < wide_of(); v += 8) {
        store(direction + v, along * load(slope_row + v) + pull * load(ui + v));
      }
    }
    const int own = t.position[i];
    const double own_state = t.sorted_state[own];
    t.sorted_state[own] = __builtin_nan("");

    // Moved rows; 0 is the row left out.
    int at[kMostChanges + 1];
    double before[kMostChanges + 1], now[kMostChanges + 1];
    double dots[kMostChanges + 1][kMostChanges + 1];
    int moved = 1;
    at[0] = own;
    before[0] = own_state;
    now[0] = __builtin_nan("");
    dots[0][0] = t.h[i];
    bool good = false;
    for (int round = 0; round < 12; ++round) {
      const Lanes bound = all(e * scale), near = all(kTouch * e * scale);
      bool touched = false, changed = false, full = false;
      for (int k = 0; k < prefix; k += 8) {
        Lanes r = load(t.sorted_r + k);
        for (int j = 0; j < d; ++j) {
          r -= all(direction[j]) * load(t.columns + static_cast<long>(j) * stride + k);
        }
        const Lanes s = load(t.sorted_state + k);
        const Lanes size = magnitude(r);
        const Lanes margin = choose_below(magnitude(s), all(0.5), bound - size, s * r - bound);
        touched |= mask_below(magnitude(margin), near) != 0;
        unsigned mask = mask_below(margin, all(0.0));
        while (mask != 0) {
          const int lane = __builtin_ctz(mask);
          mask &= mask - 1;
          const int row = k + lane;
          const double rr = r[lane];
          const double after = magnitude_of(rr) <= e * scale ? 0.0 : rr > 0.0 ? 1.0 : -1.0;
          changed = true;
          int m = 1;
          while (m < moved && at[m] != row) ++m;
          if (m == moved) {
            if (moved > kMostChanges) {
              full = true;
              break;
            }
            const double* um = t.whitened + static_cast<long>(t.order[row]) * wide_of();
            for (int o = 0; o <= moved; ++o) {
              const double* uo =
                  o == moved ? um : t.whitened + static_cast<long>(t.order[at[o]]) * wide_of();
              Lanes product = load(um) * load(uo);
              for (int v = 8; v < wide_of(); v += 8) product += load(um + v) * load(uo + v);
              dots[m][o] = dots[o][m] = sum(product);
            }
            at[m] = row;
            before[m] = t.sorted_state[row];
            ++moved;
          }
          now[m] = after;
          t.sorted_state[row] = after;
        }
        if (full) break;
      }
      if (full) break;
      if (!changed) {
        good = !touched;
        break;
      }

      // in: +1 enters the rows inside, -1 leaves them; turn: change of the outside sign.
      double in[kMostChanges + 1], turn[kMostChanges + 1], g[kMostChanges + 1],
          ra[kMostChanges + 1];
      double squares = t.squares, outside = t.outside;
      for (int m = 0; m < moved; ++m) {
        const int k = t.order[at[m]];
        in[m] = m == 0 ? (own_state == 0.0 ? -1.0 : 0.0)
                       : (now[m] == 0.0 ? 1.0 : 0.0) - (before[m] == 0.0 ? 1.0 : 0.0);
        turn[m] = m == 0 ? -own_state : now[m] - before[m];
        outside += m == 0 ? (own_state == 0.0 ? 0.0 : -1.0)
                          : (now[m] == 0.0 ? 0.0 : 1.0) - (before[m] == 0.0 ? 0.0 : 1.0);
        g[m] = t.g[k];
        ra[m] = t.r[k] + e * sigma * g[m];
        squares += in[m] * (ra[m] * ra[m]);
      }
      // (T + H) over the rows with in != 0, with two right sides: W't' and W'slope'.
      double matrix[kMostChanges + 1][kMostChanges + 1], wt[kMostChanges + 1], ws[kMostChanges + 1];
      double slope2 = t.bend, target2 = 0.0;
      for (int m = 0; m < moved; ++m) {
        double ht = 0.0, hs = 0.0;
        for (int o = 0; o < moved; ++o) {
          ht += dots[m][o] * (in[o] * ra[o]);
          hs += dots[m][o] * turn[o];
        }
        target2 += in[m] * ra[m] * ht;
        slope2 += turn[m] * (g[m] + g[m] + hs);
        wt[m] = ht;
        ws[m] = g[m] + hs;
        for (int o = 0; o < moved; ++o) matrix[m][o] = dots[m][o];
        matrix[m][m] += in[m];
      }
      for (int m = 0; m < moved; ++m) {
        if (in[m] != 0.0) continue;
        for (int o = 0; o < moved; ++o) matrix[m][o] = matrix[o][m] = 0.0;
        matrix[m][m] = 1.0;
        wt[m] = ws[m] = 0.0;
      }
      // t'A'^-1 t' = target2 - wt'M^-1 wt, likewise the slope.
      double st[kMostChanges + 1], ss[kMostChanges + 1];
      bool singular = false;
      for (int m = 0; m < moved; ++m) {
        st[m] = wt[m];
        ss[m] = ws[m];
      }
      for (int m = 0; m < moved && !singular; ++m) {
        const double pivot = matrix[m][m];
        if (!(magnitude_of(pivot) > kLeast)) {
          singular = true;
          break;
        }
        const double inv = 1.0 / pivot;
        target2 -= st[m] * st[m] * inv;
        slope2 -= ss[m] * ss[m] * inv;
        for (int o = m + 1; o < moved; ++o) {
          const double f = matrix[o][m] * inv;
          for (int p = m + 1; p < moved; ++p) matrix[o][p] -= f * matrix[m][p];
          st[o] -= f * st[m];
          ss[o] -= f * ss[m];
        }
        matrix[m][m] = inv;
      }
      if (singular) break;
      const double rss = squares - target2;
      const double divisor = n - 1 - outside * e * e - e * e * slope2;
      if (!(rss > kLeast * t.squares) || !(divisor > 1e-3)) break;
      scale = __builtin_sqrt(rss / divisor);
      step = e * (scale - sigma);
      // Coordinates move by sum of share u + step * slope.
      double share[kMostChanges + 1];
      for (int m = moved - 1; m >= 0; --m) {
        double value = st[m] + e * scale * ss[m];
        for (int o = m + 1; o < moved; ++o) value -= matrix[m][o] * share[o];
        share[m] = value * matrix[m][m];
      }
      for (int v = 0; v < wide_of(); v += 8) store(direction + v, all(step) * load(slope_row + v));
      for (int m = 0; m < moved; ++m) {
        const double f = in[m] * ra[m] + e * scale * turn[m] - (in[m] == 0.0 ? 0.0 : share[m]);
        const double* um = t.whitened + static_cast<long>(t.order[at[m]]) * wide_of();
        for (int v = 0; v < wide_of(); v += 8) {
          store(direction + v, load(direction + v) + all(f) * load(um + v));
        }
      }
      Lanes product = load(direction) * load(direction), along = load(direction) * load(ui);
      for (int v = 8; v < wide_of(); v += 8) {
        product += load(direction + v) * load(direction + v);
        along += load(direction + v) * load(ui + v);
      }
      residual = t.r[i] - sum(along);
      const int reach = prefix_of(start, ratio, to_bin, step, __builtin_sqrt(sum(product)));
      prefix = reach > prefix ? reach : prefix;
    }
    for (int m = 0; m < moved; ++m) t.sorted_state[at[m]] = before[m];
    return good;
  }
};

bool huber_fit(HuberTask& t) {
  if (t.rank > kLargestRank) return false;
  switch (t.rank) {
    case 5:
      return Huber<5>::fit(t);
    case 9:
      return Huber<9>::fit(t);
    default:
      return Huber<0>::fit(t);
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
  static const Kernels table{dot_kernel, project_kernel, huber_fit, huber_one_step,
                             huber_leave_one_out};
  return table;
}

}  // namespace kasetsu::regression
