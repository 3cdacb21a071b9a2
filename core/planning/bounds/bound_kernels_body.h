// The text of the bounds' kernels, compiled by bound_kernels_{baseline,avx2,avx512}.cc.
#pragma once

#include "core/planning/bounds/bound_kernels.h"
#include "core/planning/bounds/bound_lanes.h"

namespace kasetsu::planning {
namespace {

constexpr std::size_t kMostTaken = 20;

void exchange(const double* from, std::size_t rows, std::size_t columns, double* to) {
  // By squares, so that both sides are read and written in whole cache lines.
  for (std::size_t r = 0; r < rows; r += kLanes) {
    for (std::size_t c = 0; c < columns; c += kLanes) {
      for (std::size_t k = 0; k < kLanes; ++k) {
        for (std::size_t l = 0; l < kLanes; ++l)
          to[(c + k) * rows + r + l] = from[(r + l) * columns + c + k];
      }
    }
  }
}

void add_rows(const RowSums& sums, const double* numbers, std::size_t width, double* out) {
  for (std::size_t r = 0; r < sums.rows; ++r) {
    for (std::size_t c = 0; c < width; c += kLanes) {
      Lanes total = all(0.0);
      for (std::size_t k = sums.first[r]; k < sums.first[r + 1]; ++k)
        total += all(sums.coefficients[k]) * load(numbers + sums.terms[k] * width + c);
      store(out + r * width + c, total);
    }
  }
}

// What a span gives eight hypotheses.
struct SpanRange {
  Lanes low, high, last_low, last_high;
};

// The `count` smallest and largest of a span, each kept in order while the items are met.
KASETSU_LANES SpanRange range_of(const double* by_item, std::size_t height, std::size_t size,
                                 std::size_t count) {
  Lanes least[kMostTaken], most[kMostTaken];
  for (std::size_t k = 0; k < count; ++k) {
    least[k] = all(__builtin_inf());
    most[k] = all(-__builtin_inf());
  }
  for (std::size_t i = 0; i < size; ++i) {
    Lanes to_least = load(by_item + i * height);
    Lanes to_most = to_least;
    for (std::size_t k = 0; k < count; ++k) {
      const Lanes kept_least = least[k];
      const Lanes kept_most = most[k];
      least[k] = smaller(kept_least, to_least);
      most[k] = larger(kept_most, to_most);
      to_least = larger(kept_least, to_least);
      to_most = smaller(kept_most, to_most);
    }
  }
  SpanRange out{all(0.0), all(0.0), least[count - 1], most[count - 1]};
  for (std::size_t k = 0; k < count; ++k) {
    out.low += least[k];
    out.high += most[k];
  }
  return out;
}

KASETSU_LANES SpanRange range_of_one(const double* by_item, std::size_t height, std::size_t size) {
  Lanes least = load(by_item);
  Lanes most = least;
  for (std::size_t i = 1; i < size; ++i) {
    const Lanes x = load(by_item + i * height);
    least = smaller(least, x);
    most = larger(most, x);
  }
  return {least, most, least, most};
}

// The middle of what a span's items give less what they give the mean; leaves how far each lies
// from there in `apart`, item by item.
KASETSU_LANES Lanes distances_of(const double* by_item, const double* mean, std::size_t height,
                                 std::size_t size, double* apart) {
  Lanes least = load(by_item) - all(mean[0]);
  Lanes most = least;
  for (std::size_t i = 1; i < size; ++i) {
    const Lanes x = load(by_item + i * height) - all(mean[i]);
    least = smaller(least, x);
    most = larger(most, x);
  }
  const Lanes middle = all(0.5) * (least + most);
  for (std::size_t i = 0; i < size; ++i)
    store(apart + i * height, load(by_item + i * height) - all(mean[i]) - middle);
  return middle;
}

void spread_items(const ItemTask& task) {
  const std::size_t height = task.height;
  exchange(task.gives, height, task.width, task.by_item);
  for (std::size_t h = 0; h < height; h += kLanes) {
    Lanes low = all(0.0);
    Lanes high = all(0.0);
    Lanes middles = all(0.0);
    for (std::size_t s = 0; s < task.span_count; ++s) {
      const ItemSpan& span = task.spans[s];
      const double* items = task.by_item + span.first * height + h;
      const SpanRange range = span.count == 1 ? range_of_one(items, height, span.size)
                                              : range_of(items, height, span.size, span.count);
      low += range.low;
      high += range.high;
      store(task.last_low + s * height + h, range.last_low);
      store(task.last_high + s * height + h, range.last_high);
      middles += all(static_cast<double>(span.count)) *
                 distances_of(items, task.mean + span.first, height, span.size,
                              task.scratch + span.first * height + h);
    }
    store(task.low + h, low);
    store(task.high + h, high);
    store(task.middles + h, middles);
    for (std::size_t i = task.items; i < task.width; ++i)
      store(task.scratch + i * height + h, all(0.0));
  }
  for (std::size_t i = 0; i < task.width; ++i) {
    Lanes off = all(0.0);
    for (std::size_t h = 0; h < height; h += kLanes)
      off += load(task.weights + h) * magnitude(load(task.scratch + i * height + h));
    task.off[i] = sum(off);
  }
  exchange(task.scratch, task.width, height, task.apart);
}

void ends_with_items(const ItemTask& task, double sign, const double* end, double least,
                     const double* own, double* ends) {
  const std::size_t height = task.height;
  const double* last = sign > 0.0 ? task.last_high : task.last_low;
  for (std::size_t s = 0; s < task.span_count; ++s) {
    const ItemSpan& span = task.spans[s];
    for (std::size_t i = span.first; i < span.first + span.size; ++i) {
      for (std::size_t h = 0; h < height; h += kLanes) {
        const Lanes lost =
            all(sign) * (load(last + s * height + h) - load(task.by_item + i * height + h));
        const Lanes reached = load(end + h) - larger(all(0.0), lost);
        store(task.scratch + i * height + h, smaller(larger(reached, all(least)), load(own + h)));
      }
    }
  }
  exchange(task.scratch, task.width, height, ends);
}

void halve(const ItemTask& task, const double* ends, double half, int times, double* below,
           double* above) {
  for (std::size_t i = 0; i < task.width; i += kLanes) {
    Lanes low = load(below + i);
    Lanes high = load(above + i);
    for (int n = 0; n < times; ++n) {
      const Lanes middle = all(0.5) * (low + high);
      Lanes reached = all(0.0);
      for (std::size_t h = 0; h < task.hypotheses; ++h)
        reached +=
            choose_below(middle, load(ends + h * task.width + i), all(0.0), all(task.weights[h]));
      low = choose_below(reached, all(half), middle, low);
      high = choose_below(reached, all(half), high, middle);
    }
    store(below + i, low);
    store(above + i, high);
  }
}

RowRange halve_row(const double* values, const double* weights, std::size_t height, double half) {
  constexpr int kHalvings = 6;
  Lanes least = load(values);
  Lanes most = least;
  for (std::size_t h = kLanes; h < height; h += kLanes) {
    least = smaller(least, load(values + h));
    most = larger(most, load(values + h));
  }
  alignas(64) double ends[2 * kLanes];
  store(ends, least);
  store(ends + kLanes, most);
  double from = ends[0];
  RowRange out{-__builtin_inf(), ends[kLanes], 0.0};
  for (std::size_t k = 1; k < kLanes; ++k) {
    from = ends[k] < from ? ends[k] : from;
    out.high = ends[kLanes + k] > out.high ? ends[kLanes + k] : out.high;
  }
  for (int n = 0; n < kHalvings; ++n) {
    const double middle = 0.5 * (from + out.high);
    Lanes reached = all(0.0);
    for (std::size_t h = 0; h < height; h += kLanes)
      reached += choose_below(all(middle), load(values + h), all(0.0), load(weights + h));
    const double weight = sum(reached);
    if (weight >= half) {
      out.high = middle;
    } else {
      out.low = from = middle;
      out.below = weight;
    }
  }
  return out;
}

double scale_rows(const ItemTask& task, const double* part, double* scaled, double* linear) {
  for (std::size_t i = 0; i < task.width; ++i) linear[i] = 0.0;
  double constant = 0.0;
  for (std::size_t h = 0; h < task.hypotheses; ++h) {
    const double* apart = task.apart + h * task.width;
    const double middle = task.middles[h];
    Lanes of_items = all(0.0);
    for (std::size_t i = 0; i < task.width; i += kLanes) {
      const Lanes x = load(apart + i);
      of_items += load(part + i) * x * x;
    }
    // About as far as the hypothesis lies from the mean somewhere in the branch.
    const double squares = middle * middle + sum(of_items);
    const bool is_mean = !(squares > 0.0);
    const double scale = __builtin_sqrt(is_mean ? 1.0 : squares);
    const double factor = is_mean ? 0.0 : 0.5 * task.weights[h] / scale;
    if (!is_mean) constant += 0.5 * task.weights[h] * scale + factor * middle * middle;
    const double root = __builtin_sqrt(factor);
    for (std::size_t i = 0; i < task.width; i += kLanes) {
      const Lanes x = load(apart + i);
      store(linear + i, load(linear + i) + all(2.0 * factor * middle) * x);
      store(scaled + h * task.width + i, all(root) * x);
    }
  }
  return constant;
}

void gram(const double* rows, std::size_t count, std::size_t width, double* out) {
  constexpr std::size_t kColumns = 4;  // at once
  for (std::size_t j = 0; j < width; j += kColumns) {
    for (std::size_t i = 0; i < width; i += kLanes) {
      Lanes sums[kColumns] = {all(0.0), all(0.0), all(0.0), all(0.0)};
      for (std::size_t r = 0; r < count; ++r) {
        const Lanes x = load(rows + r * width + i);
        for (std::size_t k = 0; k < kColumns; ++k) sums[k] += x * all(rows[r * width + j + k]);
      }
      for (std::size_t k = 0; k < kColumns; ++k) store(out + (j + k) * width + i, sums[k]);
    }
  }
}

void add_best_partners(const ItemTask& task, double* gram, double* kept, double* parts) {
  const std::size_t width = task.width;
  for (std::size_t i = 0; i < width; ++i) gram[i * width + i] = -__builtin_inf();
  for (std::size_t s = 0; s < task.span_count; ++s) {
    const ItemSpan& span = task.spans[s];
    for (std::size_t c = 0; c < width; c += kLanes) {
      Lanes best[kMostTaken];
      for (std::size_t k = 0; k < span.count; ++k) best[k] = all(-__builtin_inf());
      for (std::size_t j = span.first; j < span.first + span.size; ++j) {
        Lanes x = load(gram + j * width + c);
        for (std::size_t k = 0; k < span.count; ++k) {
          const Lanes before = best[k];
          best[k] = larger(before, x);
          x = smaller(before, x);
        }
      }
      for (std::size_t k = 0; k < span.count; ++k) store(kept + k * width + c, best[k]);
    }
    for (std::size_t i = 0; i < task.items; ++i) {
      // The last of a span is the item itself.
      const bool within = i >= span.first && i < span.first + span.size;
      const std::size_t partners = within ? span.count - 1 : span.count;
      for (std::size_t k = 0; k < partners; ++k) parts[i] += kept[k * width + i];
    }
  }
}

void keep_four(const std::uint64_t* const* rows, std::size_t words, std::uint64_t* to) {
  const std::uint64_t* a = rows[0];
  const std::uint64_t* b = rows[1];
  const std::uint64_t* c = rows[2];
  const std::uint64_t* d = rows[3];
  for (std::size_t w = 0; w < words; ++w) to[w] &= (a[w] & b[w]) & (c[w] & d[w]);
}

void keep_two(const std::uint64_t* a, const std::uint64_t* b, std::size_t words,
              std::uint64_t* to) {
  for (std::size_t w = 0; w < words; ++w) to[w] = a[w] & b[w];
}

}  // namespace

const BoundKernels& KASETSU_BOUND_KERNELS() {
  static const BoundKernels table{exchange,  add_rows,   spread_items, ends_with_items,   halve,
                                  halve_row, scale_rows, gram,         add_best_partners, keep_four,
                                  keep_two};
  return table;
}

}  // namespace kasetsu::planning
