// Leave-one-out of a Huber fit, eight folds side by side. Included by kernels_body.h.
#pragma once

#include "core/regression/huber/double_lanes.h"
#include "core/regression/huber/huber_fit_kernel.h"

namespace kasetsu::regression {
namespace {

constexpr double kLeast = 1e-4;  // 1 - leverage, and RSS left, below which it decides too
constexpr int kBins = 128;

template <int kRank>
struct HuberFolds : HuberFit<kRank> {
  using HuberFit<kRank>::record;
  using HuberFit<kRank>::refit;

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
      DoubleLanes u[24];
      DoubleLanes g = all(0.0), h = all(0.0);
      for (int j = 0; j < d; ++j) {
        DoubleLanes v = load(t.q + static_cast<long>(j) * stride + k);
        for (int l = 0; l < j; ++l) v -= all(t.multipliers[l * 24 + j]) * u[l];
        u[j] = v;
      }
      for (int j = 0; j < d; ++j) {
        u[j] *= all(weight[j]);
        g += u[j] * all(slope[j]);
        h += u[j] * u[j];
      }
      store(t.h + k, h);
      const DoubleLanes r = load(t.r + k), s = load(t.state + k);
      const DoubleLanes ra = r + all(e * sigma) * g;
      const DoubleLanes left = all(1.0) - h;
      const DoubleLanes half = all(0.5);
      const DoubleLanes is_out = magnitude(s);
      const DoubleLanes safe = choose_below(left, all(kLeast), all(kLeast), left);
      const DoubleLanes rss =
          choose_below(is_out, half, all(t.squares) - ra * ra / safe, all(t.squares));
      const DoubleLanes bend =
          choose_below(is_out, half, all(t.bend) + g * g / safe, all(t.bend) - (s + s) * g + h);
      const DoubleLanes divisor = all(room) + is_out * all(e * e) - all(e * e) * bend;
      DoubleLanes scale = root(rss / divisor);
      const DoubleLanes pull =
          choose_below(is_out, half, (all(e) * scale * g - ra) / safe, -(all(e) * scale * s));
      const DoubleLanes step = all(e) * (scale - all(sigma));
      const DoubleLanes reach2 =
          step * step * all(t.bend) + all(2.0) * step * pull * g + pull * pull * h;
      // Not to be trusted: marked by a scale of 0.
      const DoubleLanes zero = all(0.0);
      scale = choose_below(divisor, all(1e-3), zero, scale);
      scale = choose_below(rss, all(kLeast * t.squares), zero, scale);
      const DoubleLanes lost = choose_below(is_out, half, left, all(1.0));
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
        DoubleLanes rows[8];
        transpose(u + v, rows);
        for (int lane = 0; lane < 8; ++lane)
          store(t.records + (k + lane) * kRecord + v, rows[lane]);
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

    // Places of rows that may change sides, in any lane that is live.
    int prefix(DoubleLanes step, DoubleLanes reach, unsigned live) const {
      const DoubleLanes part = magnitude(step) * all(1.0 / ratio);
      const DoubleLanes bin = choose_below(part, reach, reach, part) * all((1.0 + 1e-8) * to_bin);
      double largest = 0.0;
      for (int lane = 0; lane < 8; ++lane) {
        if ((live >> lane & 1U) != 0) largest = largest_of(largest, bin[lane]);
      }
      return largest < kBins - 1.0 ? start[static_cast<int>(largest) + 1] : start[kBins];
    }
  };

  static void sort_rows(HuberTask& t, Order& order) {
    const int n = t.rows, stride = t.stride;
    const double boundary = t.epsilon * t.sigma;
    DoubleLanes steps = all(0.0), reaches = all(0.0);
    for (int k = 0; k < stride; k += 8) {
      const DoubleLanes live = choose_below(all(0.0), load(t.scale + k), all(1.0), all(0.0));
      steps += choose_below(all(0.0), live, magnitude(load(t.scale + k) - all(t.sigma)), all(0.0));
      reaches += choose_below(all(0.0), live, load(t.reach + k), all(0.0));
    }
    const double total = sum(reaches);
    order.ratio = total > 0.0 ? largest_of(t.epsilon * sum(steps) / total, 1e-12) : 1.0;
    order.to_bin = total > 0.0 ? 16.0 * n / total : 1.0;
    int* start = order.start;
    for (int b = 0; b <= kBins; ++b) start[b] = 0;
    for (int k = 0; k < stride; k += 8) {
      const DoubleLanes r = load(t.r + k), s = load(t.state + k);
      const DoubleLanes margin = choose_below(magnitude(s), all(0.5), all(boundary) - magnitude(r),
                                              s * r - all(boundary)) -
                                 all(3.0 * kTouch * boundary);
      const DoubleLanes key = margin / (all(order.ratio) + root(load(t.h + k))) * all(order.to_bin);
      const DoubleLanes low = choose_below(key, all(0.0), all(0.0), key);
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
    int count;                  // lanes in use; the others repeat the last
    int prefix;                 // rows to check
    DoubleLanes own[24];        // record of the row left out
    DoubleLanes direction[24];  // by which the solution moved
    DoubleLanes scale;
    DoubleLanes residual;
    unsigned lost;  // lanes for the general solver
  };

  // The records of eight rows, number j of each side by side in to[j].
  KASETSU_INLINE void gather(const HuberTask& t, const int* rows, DoubleLanes* to) {
    const int d = kRank > 0 ? kRank : t.rank;
    for (int v = 0; v < record(d); v += 8) {
      DoubleLanes in[8];
      for (int lane = 0; lane < 8; ++lane) in[lane] = load(t.records + rows[lane] * kRecord + v);
      transpose(in, to + v);
    }
  }

  KASETSU_INLINE DoubleLanes pick(const double* from, const int* index) {
    return DoubleLanes{from[index[0]], from[index[1]], from[index[2]], from[index[3]],
                       from[index[4]], from[index[5]], from[index[6]], from[index[7]]};
  }

  // Which side every row of the prefix is on in each fold, a bit a lane: out and below the fit, or
  // out and above it. DoubleLanes where a row touches the boundary are lost.
  static void check(HuberTask& t, Group& group) {
    const int d = kRank > 0 ? kRank : t.rank;
    const DoubleLanes bound = all(t.epsilon) * group.scale;
    DoubleLanes nearest = bound;
    // Local copies: a store of bytes may alias any object, so the compiler would load the task's
    // pointers again after every store.
    const double* const records = t.records;
    const int* const order = t.order;
    unsigned char* const now_out = t.now_out;
    unsigned char* const now_below = t.now_below;
    DoubleLanes direction[24];
    for (int j = 0; j < d; ++j) direction[j] = group.direction[j];
    const int prefix = group.prefix;
    for (int at = 0; at < prefix; ++at) {
      const double* row = records + order[at] * kRecord;
      DoubleLanes even = all(row[d + 2]), odd = all(0.0);
      for (int j = 0; j < d; j += 2) even -= all(row[j]) * direction[j];
      for (int j = 1; j < d; j += 2) odd += all(row[j]) * direction[j];
      const DoubleLanes r = even - odd;
      const DoubleLanes size = magnitude(r);
      nearest = least(magnitude(size - bound), nearest);
      const unsigned out = mask_below(bound, size);
      now_out[at] = static_cast<unsigned char>(out);
      now_below[at] = static_cast<unsigned char>(out & mask_below(r, all(0.0)));
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
  // + side (0 inside, 1 above, 2 below); at most kMostChanges of them are kept. Only for the lanes
  // wanted, a bit each.
  static void list(const HuberTask& t, const Group& group, unsigned wanted, int* const* changes,
                   int* found) {
    for (int lane = 0; lane < 8; ++lane) found[lane] = 0;
    const unsigned long long lanes = wanted * 0x0101010101010101ULL;
    for (int at = 0; at < group.prefix; at += 8) {
      unsigned long long bits = differing(t, at) & lanes;
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

  // Takes the changes that the lists say out of now_out and now_below, or puts them back.
  static void turn(HuberTask& t, const int* const* changes, const int* count) {
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
  }

  // The lanes, a bit each, where some row is not on the side that the lane's list says.
  static unsigned not_as_listed(HuberTask& t, const Group& group, const int* const* changes,
                                const int* count) {
    turn(t, changes, count);
    unsigned long long any = 0;
    for (int at = 0; at < group.prefix; at += 8) any |= differing(t, at);
    any |= any >> 32;
    any |= any >> 16;
    any |= any >> 8;
    const unsigned wrong = static_cast<unsigned>(any & 0xffU);
    if (wrong != 0) turn(t, changes, count);
    return wrong;
  }

  // The solution of each lane's fold on its own partition: the frozen one, row fold[lane] out, and
  // the rows in its list on their other side.
  static void solve(HuberTask& t, const Order& order, Group& group, const int* const* changes,
                    const int* count) {
    int most = 0;
    for (int lane = 0; lane < 8; ++lane) most = count[lane] > most ? count[lane] : most;
    switch (kRank > 0 ? most : 0) {
      case 1:
        return solve_sized<1>(t, order, group, changes, count, most);
      case 2:
        return solve_sized<2>(t, order, group, changes, count, most);
      case 3:
        return solve_sized<3>(t, order, group, changes, count, most);
      default:
        return solve_sized<0>(t, order, group, changes, count, most);
    }
  }

  // kMost: the longest list at compile time; 0: any.
  template <int kMost>
  static void solve_sized(HuberTask& t, const Order& order, Group& group, const int* const* changes,
                          const int* count, int most) {
    const int d = kRank > 0 ? kRank : t.rank;
    const double e = t.epsilon, sigma = t.sigma;
    int last = 0;
    for (int lane = 0; lane < 8; ++lane) {
      const int end = count[lane] > 0 ? changes[lane][count[lane] - 1] / 4 + 1 : 0;
      last = end > last ? end : last;
    }
    const int size = kMost > 0 ? kMost + 1 : most + 1;
    constexpr int kSize = kMost > 0 ? kMost + 1 : kMostChanges + 1;
    // in: +1 enters the rows inside, -1 leaves them; turn: change of the outside sign.
    DoubleLanes u[kSize][24], in[kSize], turn[kSize], g[kSize], ra[kSize], dots[kSize][kSize];
    const DoubleLanes own_state = group.own[d + 3];
    const DoubleLanes own_out = magnitude(own_state);
    for (int j = 0; j < d; ++j) u[0][j] = group.own[j];
    in[0] = own_out - all(1.0);
    turn[0] = -own_state;
    g[0] = group.own[d];
    ra[0] = group.own[d + 2] + all(e * sigma) * g[0];
    dots[0][0] = group.own[d + 1];
    DoubleLanes outside = all(t.outside) - own_out;
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
      const DoubleLanes now{sides[0], sides[1], sides[2], sides[3],
                            sides[4], sides[5], sides[6], sides[7]};
      const DoubleLanes state = u[m][d + 3];
      in[m] = magnitude(state) - magnitude(now);
      turn[m] = now - state;
      g[m] = u[m][d];
      ra[m] = u[m][d + 2] + all(e * sigma) * g[m];
      dots[m][m] = u[m][d + 1];
      outside -= in[m];
      for (int o = 0; o < m; ++o) {
        DoubleLanes product = u[m][0] * u[o][0];
        for (int j = 1; j < d; ++j) product += u[m][j] * u[o][j];
        dots[m][o] = dots[o][m] = product;
      }
    }

    // (T + H) over the rows with in != 0, right sides W't' and W'slope'.
    DoubleLanes matrix[kSize][kSize], st[kSize], ss[kSize], act[kSize];
    DoubleLanes squares = all(t.squares), slope2 = all(t.bend), target2 = all(0.0);
    for (int m = 0; m < size; ++m) {
      DoubleLanes ht = all(0.0), hs = all(0.0);
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
    DoubleLanes smallest = all(1.0);
    for (int m = 0; m < size; ++m) {
      const DoubleLanes pivot = matrix[m][m];
      const DoubleLanes absolute = magnitude(pivot);
      smallest = choose_below(absolute, smallest, absolute, smallest);
      const DoubleLanes inverse = all(1.0) / pivot;
      target2 -= st[m] * st[m] * inverse;
      slope2 -= ss[m] * ss[m] * inverse;
      for (int o = m + 1; o < size; ++o) {
        const DoubleLanes f = matrix[m][o] * inverse;
        for (int p = o; p < size; ++p) matrix[o][p] -= f * matrix[m][p];
        st[o] -= f * st[m];
        ss[o] -= f * ss[m];
      }
      matrix[m][m] = inverse;
    }
    const DoubleLanes rss = squares - target2;
    const DoubleLanes divisor = all(t.rows - 1.0) - outside * all(e * e) - all(e * e) * slope2;
    // Negated comparisons, so that a NaN is lost as well.
    group.lost |= ~mask_below(all(kLeast), smallest) & 0xffU;
    group.lost |= ~mask_below(all(kLeast * t.squares), rss) & 0xffU;
    group.lost |= ~mask_below(all(1e-3), divisor) & 0xffU;
    const DoubleLanes one = all(1.0);
    group.scale =
        root(choose_below(all(1e-3), divisor, choose_below(all(0.0), rss, rss, one), one) /
             choose_below(all(1e-3), divisor, divisor, one));
    const DoubleLanes step = all(e) * (group.scale - all(sigma));
    DoubleLanes share[kSize];
    for (int m = size - 1; m >= 0; --m) {
      DoubleLanes value = st[m] + all(e) * group.scale * ss[m];
      for (int o = m + 1; o < size; ++o) value -= matrix[m][o] * share[o];
      share[m] = value * matrix[m][m];
    }
    for (int m = 0; m < size; ++m) {
      share[m] = in[m] * ra[m] + all(e) * group.scale * turn[m] - act[m] * share[m];
    }
    DoubleLanes along = all(0.0), length = all(0.0);
    for (int j = 0; j < d; ++j) {
      DoubleLanes move = step * all(t.slope[j]);
      for (int m = 0; m < size; ++m) move += share[m] * u[m][j];
      group.direction[j] = move;
      length += move * move;
      along += move * group.own[j];
    }
    group.residual = group.own[d + 2] - along;
    const int rows = order.prefix(step, root(length), ~group.lost & 0xffU);
    group.prefix = rows > last ? rows : last;
  }

  // Folds into t.queue by how many rows they must check, the longest first: the largest residuals
  // are among them, so a sum that grows beyond the limit does so early. Those without a frozen
  // solution go to t.slow. Returns how many are in the queue.
  static int line_up(HuberTask& t, const Order& order) {
    const int n = t.rows, stride = t.stride;
    const DoubleLanes share = all(t.epsilon / order.ratio),
                      to_bin = all((1.0 + 1e-8) * order.to_bin);
    for (int k = 0; k < stride; k += 8) {
      const DoubleLanes part = magnitude(load(t.scale + k) - all(t.sigma)) * share;
      const DoubleLanes reach = load(t.reach + k);
      const DoubleLanes bin = choose_below(part, reach, reach, part) * to_bin;
      store(t.key + k, choose_below(bin, all(kBins - 1.0), bin, all(kBins - 1.0)));
    }
    int first[kBins + 1];
    for (int b = 0; b <= kBins; ++b) first[b] = 0;
    int live = 0;
    t.slow_count = 0;
    for (int i = 0; i < n; ++i) {
      if (!(t.scale[i] > 0.0)) {
        t.slow[t.slow_count++] = i;
        t.changed[i] = -1;
        continue;
      }
      t.changed[i] = kBins - 1 - static_cast<int>(t.key[i]);
      ++first[t.changed[i] + 1];
      ++live;
    }
    for (int b = 0; b < kBins; ++b) first[b + 1] += first[b];
    for (int i = 0; i < n; ++i) {
      if (t.changed[i] >= 0) t.queue[first[t.changed[i]]++] = i;
    }
    return live;
  }

  // Every fold on the frozen partition. Those where nobody changes sides are done; the others stay
  // in t.queue, their number in waiting.
  static double first_round(HuberTask& t, const Order& order, double limit, int& waiting) {
    const int d = kRank > 0 ? kRank : t.rank;
    const int live = line_up(t, order);
    int* queue = t.queue;
    double partial = 0.0;
    Group group;
    waiting = 0;
    for (int begin = 0; begin < live; begin += 8) {
      group.count = live - begin < 8 ? live - begin : 8;
      int* lists[8];
      int found[8];
      for (int lane = 0; lane < 8; ++lane) {
        const int i = queue[begin + (lane < group.count ? lane : group.count - 1)];
        group.fold[lane] = i;
        lists[lane] = t.changes + i * kMostChanges;
      }
      gather(t, group.fold, group.own);
      group.lost = 0;
      group.scale = pick(t.scale, group.fold);
      const DoubleLanes step = all(t.epsilon) * (group.scale - all(t.sigma));
      const DoubleLanes pull = pick(t.pull, group.fold);
      for (int j = 0; j < d; ++j) {
        group.direction[j] = step * all(t.slope[j]) + pull * group.own[j];
      }
      group.prefix = order.prefix(step, pick(t.reach, group.fold), 0xffU);
      check(t, group);
      list(t, group, 0xffU, lists, found);
      for (int lane = 0; lane < group.count; ++lane) {
        const int i = group.fold[lane];
        t.changed[i] = found[lane];
        if ((group.lost >> lane & 1U) != 0 || found[lane] > kMostChanges) {
          t.slow[t.slow_count++] = i;
        } else if (found[lane] == 0) {
          partial += magnitude_of(t.left_out[i]);
        } else {
          queue[waiting++] = i;
        }
      }
      if (partial >= limit) break;
    }
    return partial;
  }

  // Every waiting fold with the changes that it has listed. Those where that is right are done; the
  // others list anew and stay.
  static double next_round(HuberTask& t, const Order& order, double partial, double limit,
                           int& waiting) {
    // In order of how many rows changed, the most first.
    int* queue = t.queue;
    int first[kMostChanges + 2];
    for (int m = 0; m <= kMostChanges + 1; ++m) first[m] = 0;
    for (int w = 0; w < waiting; ++w) ++first[kMostChanges - t.changed[queue[w]] + 1];
    for (int m = 0; m <= kMostChanges; ++m) first[m + 1] += first[m];
    for (int w = 0; w < waiting; ++w) {
      t.sorted_queue[first[kMostChanges - t.changed[queue[w]]]++] = queue[w];
    }
    const int live = waiting;
    Group group;
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
      const unsigned wrong = not_as_listed(t, group, changes, count) | group.lost;
      int fresh[8][kMostChanges], found[8];
      if (wrong != 0) {
        int* lists[8];
        for (int lane = 0; lane < 8; ++lane) lists[lane] = fresh[lane];
        list(t, group, wrong, lists, found);
      }
      for (int lane = 0; lane < group.count; ++lane) {
        const int i = group.fold[lane];
        if ((wrong >> lane & 1U) == 0) {
          const double residual = group.residual[lane];
          t.left_out[i] = residual;
          partial += magnitude_of(residual);
        } else if ((group.lost >> lane & 1U) != 0 || found[lane] > kMostChanges) {
          t.slow[t.slow_count++] = i;
        } else {
          t.changed[i] = found[lane];
          int* own = t.changes + i * kMostChanges;
          for (int m = 0; m < found[lane]; ++m) own[m] = fresh[lane][m];
          queue[waiting++] = i;
        }
      }
      if (partial >= limit) break;
    }
    return partial;
  }

  static double leave_one_out(HuberTask& t, double limit) {
    freeze(t);
    Order order;
    sort_rows(t, order);
    int waiting;
    double partial = first_round(t, order, limit, waiting);
    for (int round = 0; round < 12 && waiting > 0 && partial < limit; ++round) {
      partial = next_round(t, order, partial, limit, waiting);
    }
    if (partial >= limit) return partial;
    for (int w = 0; w < waiting; ++w) t.slow[t.slow_count++] = t.queue[w];
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

}  // namespace
}  // namespace kasetsu::regression
