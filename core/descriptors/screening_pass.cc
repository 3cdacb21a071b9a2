#include "core/descriptors/screening_pass.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <memory>
#include <new>
#include <unordered_map>
#include <utility>

#include "core/base/instruction_set.h"

namespace kasetsu::descriptors {
namespace {

constexpr int kBlock = kScreenBlock;
constexpr int kTilesAnItem = 8;        // tiles that one item of parallel work goes through
constexpr std::size_t kFirstWave = 1;  // items before the bar is set for the first time
constexpr std::size_t kLargestWave = 64;

struct Floats {
  explicit Floats(std::size_t count)
      : data(static_cast<float*>(std::aligned_alloc(64, (count * sizeof(float) + 63) / 64 * 64))) {
    if (!data) throw std::bad_alloc();
  }
  struct Free {
    void operator()(float* p) const { std::free(p); }
  };
  std::unique_ptr<float[], Free> data;
};

bool better(const Hit& a, const Hit& b) {
  return a.score != b.score ? a.score > b.score : a.product < b.product;
}

struct Tile {
  std::uint32_t left;  // block of left items
  int right;           // first right column
};

}  // namespace

struct ScreeningPass::Worker {
  explicit Worker(const ScreeningPass& screen)
      : of(screen),
        rows(static_cast<int>(screen.x_.rows())),
        left(static_cast<std::size_t>(rows) * 3 * kBlock),
        right(static_cast<std::size_t>(rows) * 2 * kBlock),
        scores(static_cast<std::size_t>(kBlock) * kBlock),
        hits(static_cast<std::size_t>(kBlock / kGroupWidth) * (kBlock / kPanelWidth)) {}

  void pack_left() {
    const int count = static_cast<int>(items.size());
    panels = (count + 2 * kPanelWidth - 1) / (2 * kPanelWidth) * 2;
    std::fill_n(left.data.get(),
                static_cast<std::size_t>(panels) * static_cast<std::size_t>(rows) * 3 * kPanelWidth,
                0.0F);
    Eigen::VectorXf column(rows);
    groups_of_items.clear();
    items_group.clear();
    for (int k = 0; k < count; ++k) {
      const LeftItem& item = items[static_cast<std::size_t>(k)];
      column = of.x_.col(item[0]);
      if (item[1] >= 0) {
        column.array() *= of.x_.col(item[1]).array();
        const float largest = column.cwiseAbs().maxCoeff();
        if (largest > 0.0F) column /= largest;
        column = (column.array().abs() < 1e-15F).select(0.0F, column);
      }
      float* out = left.data.get() +
                   static_cast<std::size_t>(k / kPanelWidth) * static_cast<std::size_t>(rows) * 3 *
                       kPanelWidth +
                   k % kPanelWidth;
      for (int i = 0; i < rows; ++i) {
        out[0] = column[i];
        out[kPanelWidth] = column[i] * of.y_[i];
        out[2 * kPanelWidth] = column[i] * column[i];
        out += 3 * kPanelWidth;
      }
      std::pair<int, int> primaries{
          of.primary_[static_cast<std::size_t>(item[0])],
          item[1] < 0 ? -1 : of.primary_[static_cast<std::size_t>(item[1])]};
      if (primaries.first > primaries.second) std::swap(primaries.first, primaries.second);
      const auto at = std::find(groups_of_items.begin(), groups_of_items.end(), primaries);
      items_group.push_back(static_cast<int>(at - groups_of_items.begin()));
      if (at == groups_of_items.end()) groups_of_items.push_back(primaries);
    }
  }

  // One tile; adds what is above the bar to `out` and returns how many products it scored.
  std::uint64_t screen(int right_begin, bool ordered, std::vector<Hit>& out) {
    const int columns = static_cast<int>(of.x_.cols());
    const int right_end = std::min(right_begin + kBlock, columns);
    const int count = right_end - right_begin;
    const int groups = (count + kGroupWidth - 1) / kGroupWidth;
    const auto group_size = static_cast<std::size_t>(rows) * 2 * kGroupWidth;
    std::fill_n(right.data.get(), static_cast<std::size_t>(groups) * group_size, 0.0F);
    right_group.clear();
    int right_groups = 0;
    for (int k = 0; k < count; ++k) {
      float* to = right.data.get() + static_cast<std::size_t>(k / kGroupWidth) * group_size +
                  k % kGroupWidth;
      const auto column = of.x_.col(right_begin + k);
      for (int i = 0; i < rows; ++i) {
        to[0] = column[i];
        to[kGroupWidth] = column[i] * column[i];
        to += 2 * kGroupWidth;
      }
      const auto primary = of.primary_[static_cast<std::size_t>(right_begin + k)];
      if (k == 0 || primary != of.primary_[static_cast<std::size_t>(right_begin + k - 1)]) {
        ++right_groups;
      }
      right_group.push_back(right_groups - 1);
    }
    const ScreeningTile tile{left.data.get(),   panels,     right.data.get(), groups, rows, of.bar_,
                             scores.data.get(), hits.data()};
    of.kernel_(tile);

    // The best few of each choice of primaries, by insertion.
    const auto most = static_cast<std::size_t>(of.per_primaries_);
    best.assign(groups_of_items.size() * static_cast<std::size_t>(right_groups) * most,
                Hit{of.bar_, {-1, -1, -1}});
    std::uint64_t scored = 0;
    const int items_count = static_cast<int>(items.size());
    for (int k = 0; k < items_count; ++k) {
      const LeftItem& item = items[static_cast<std::size_t>(k)];
      const int behind = ordered ? std::max(item[0], item[1]) + 1 : 0;
      scored += static_cast<std::uint64_t>(std::max(0, right_end - std::max(right_begin, behind)));
    }
    const std::size_t stride = static_cast<std::size_t>(panels) * kPanelWidth;
    for (int group = 0; group < groups; ++group) {
      for (int panel = 0; panel < panels; ++panel) {
        if (hits[static_cast<std::size_t>(group * panels + panel)] == 0) continue;
        for (int r = 0; r < kGroupWidth && group * kGroupWidth + r < count; ++r) {
          const int j = right_begin + group * kGroupWidth + r;
          const float* row = scores.data.get() +
                             static_cast<std::size_t>(group * kGroupWidth + r) * stride +
                             panel * kPanelWidth;
          for (int lane = 0; lane < kPanelWidth; ++lane) {
            const int k = panel * kPanelWidth + lane;
            if (!(row[lane] > of.bar_) || k >= items_count) continue;
            offer(k, j, right_begin, right_groups, ordered, row[lane]);
          }
        }
      }
    }
    for (const Hit& hit : best) {
      if (hit.product[0] >= 0) out.push_back(hit);
    }
    return scored;
  }

  void offer(int k, int j, int right_begin, int right_groups, bool ordered, float score) {
    const LeftItem& item = items[static_cast<std::size_t>(k)];
    const std::vector<int>& primary = of.primary_;
    const auto same = [&](int column) {
      return column >= 0 &&
             primary[static_cast<std::size_t>(column)] == primary[static_cast<std::size_t>(j)];
    };
    if (same(item[0]) || same(item[1])) return;
    if (ordered && j <= std::max(item[0], item[1])) return;
    Product product{item[0], j, -1};
    if (item[1] >= 0) product = {item[0], item[1], j};
    if (item[1] >= 0 && product[2] < product[1]) std::swap(product[1], product[2]);
    if (product[1] < product[0]) std::swap(product[0], product[1]);
    if (item[1] >= 0 && product[2] < product[1]) std::swap(product[1], product[2]);
    const auto most = static_cast<std::size_t>(of.per_primaries_);
    Hit* slots =
        best.data() +
        (static_cast<std::size_t>(items_group[static_cast<std::size_t>(k)]) *
             static_cast<std::size_t>(right_groups) +
         static_cast<std::size_t>(right_group[static_cast<std::size_t>(j - right_begin)])) *
            most;
    const Hit hit{score, product};
    if (slots[most - 1].product[0] >= 0 && !better(hit, slots[most - 1])) return;
    std::size_t at = most - 1;
    while (at > 0 && (slots[at - 1].product[0] < 0 || better(hit, slots[at - 1]))) {
      slots[at] = slots[at - 1];
      --at;
    }
    slots[at] = hit;
  }

  const ScreeningPass& of;
  int rows;
  int panels = 0;
  std::vector<LeftItem> items;
  std::vector<std::pair<int, int>> groups_of_items;  // choices of primaries on the left
  std::vector<int> items_group;
  std::vector<int> right_group;
  Floats left;
  Floats right;
  Floats scores;
  std::vector<unsigned char> hits;
  std::vector<Hit> best;
};

ScreeningPass::ScreeningPass(const Eigen::MatrixXf& x, const std::vector<int>& primary,
                             const Eigen::VectorXd& target, int per_primaries, std::size_t keep)
    : x_(x),
      primary_(primary),
      y_((target / target.norm()).cast<float>()),
      per_primaries_(per_primaries),
      keep_(keep) {
  const auto set = instruction_set();
#if defined(__x86_64__)
  kernel_ = set == InstructionSet::avx512 ? screen_tile_avx512
            : set == InstructionSet::avx2 ? screen_tile_avx2
                                          : screen_tile_baseline;
#endif
}

void ScreeningPass::run(std::uint32_t blocks, const ItemsOf& items_of, bool ordered,
                        const Executor& executor, const Control& control, double from, double to) {
  const int columns = static_cast<int>(x_.cols());
  std::uint32_t block = 0;
  int right = -1;
  std::vector<LeftItem> items;
  std::vector<Tile> tiles;
  std::size_t wave = kFirstWave;
  bool more = blocks > 0;
  while (more && !control.should_stop()) {
    tiles.clear();
    while (tiles.size() < wave * kTilesAnItem) {
      if (block == blocks) {
        more = false;
        break;
      }
      if (right < 0) {
        items_of(block, items);
        right = 0;
        if (ordered) {
          int first = columns;
          for (const LeftItem& item : items) first = std::min(first, std::max(item[0], item[1]));
          right = first / kBlock * kBlock;
        }
      }
      if (right >= columns) {
        ++block;
        right = -1;
        continue;
      }
      tiles.push_back({block, right});
      right += kBlock;
    }
    const std::size_t pieces = (tiles.size() + kTilesAnItem - 1) / kTilesAnItem;
    std::vector<std::vector<Hit>> found(pieces);
    std::vector<std::uint64_t> scored(pieces, 0);
    executor.parallel_for(pieces, [&](std::size_t piece) {
      const std::size_t first = piece * kTilesAnItem;
      const std::size_t last = std::min(first + kTilesAnItem, tiles.size());
      Worker worker(*this);
      for (std::size_t t = first; t < last && !control.should_stop(); ++t) {
        if (t == first || tiles[t].left != tiles[t - 1].left) {
          items_of(tiles[t].left, worker.items);
          worker.pack_left();
        }
        scored[piece] += worker.screen(tiles[t].right, ordered, found[piece]);
      }
    });
    for (std::size_t piece = 0; piece < pieces; ++piece) {
      hits_.insert(hits_.end(), found[piece].begin(), found[piece].end());
      products_ += scored[piece];
    }
    if (hits_.size() > 2 * keep_) reduce();
    wave = std::min(2 * wave, kLargestWave);
    if (control.cancelled()) return;
    control.report(from + (to - from) * static_cast<double>(block) / blocks, "screening products");
  }
}

const std::vector<Hit>& ScreeningPass::finish() {
  reduce();
  return hits_;
}

void ScreeningPass::reduce() {
  std::sort(hits_.begin(), hits_.end(), better);
  std::unordered_map<std::uint64_t, int> taken;
  std::vector<Hit> kept;
  for (const Hit& hit : hits_) {
    if (kept.size() == keep_) break;
    if (!kept.empty() && kept.back().product == hit.product) continue;
    std::array<std::uint64_t, 3> key{};
    for (std::size_t f = 0; f < 3; ++f) {
      if (hit.product[f] >= 0) {
        key[f] = static_cast<std::uint64_t>(primary_[static_cast<std::size_t>(hit.product[f])]) + 1;
      }
    }
    std::sort(key.begin(), key.end());
    if (++taken[(key[0] << 42) ^ (key[1] << 21) ^ key[2]] > per_primaries_) continue;
    kept.push_back(hit);
  }
  hits_ = std::move(kept);
  bar_ = hits_.size() == keep_ ? hits_.back().score : 0.0F;
  // Ties with the last stay in play: they are ordered by product, not by when they were met.
  bar_ = std::nextafter(bar_, -1.0F);
  bar_ = std::max(bar_, 0.0F);
}

}  // namespace kasetsu::descriptors
