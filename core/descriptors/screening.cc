#include "core/descriptors/screening.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <memory>
#include <new>
#include <tuple>
#include <unordered_map>
#include <unordered_set>

#include "core/descriptors/screening_tiles.h"
#include "core/instruction_set.h"
#include "core/random.h"

namespace kasetsu::descriptors {
namespace {

constexpr int kBlock = 192;  // columns a side of a tile: its panels and scores fit the second cache
constexpr int kTilesAnItem = 8;        // tiles that one item of parallel work goes through
constexpr std::size_t kFirstWave = 1;  // items before the bar is set for the first time
constexpr std::size_t kLargestWave = 64;

Error invalid(std::string message, std::string value, std::string expected) {
  return {ErrorCode::invalid_argument, std::move(message), "", std::move(value),
          std::move(expected)};
}

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

// A product as columns of the first-order matrix; the third is -1 for a product of two. Sorted by
// factor.
using Product = std::array<int, 3>;

struct Hit {
  float score;
  Product product;
};

bool better(const Hit& a, const Hit& b) {
  return a.score != b.score ? a.score > b.score : a.product < b.product;
}

// The left side of a tile: descriptors, or products of two.
using LeftItem = std::array<int, 2>;  // the second is -1 for a descriptor

struct Tile {
  std::uint32_t left;  // block of left items
  int right;           // first right column
};

// One screening: left items times descriptors, against one target.
class Screen {
 public:
  Screen(const Eigen::MatrixXf& x, const std::vector<int>& primary, const Eigen::VectorXd& target,
         int per_primaries, std::size_t keep)
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

  // items_of(block, items): the left items of a block, at most kBlock. ordered: only right columns
  // behind the last column of the left item count (so that each product is met once).
  template <typename ItemsOf>
  void run(std::uint32_t blocks, const ItemsOf& items_of, bool ordered, const Executor& executor,
           const Control& control, double from, double to) {
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
      control.report(from + (to - from) * static_cast<double>(block) / blocks,
                     "screening products");
    }
  }

  // The best found, at most `keep`, at most per_primaries of each choice of primaries.
  const std::vector<Hit>& finish() {
    reduce();
    return hits_;
  }
  std::uint64_t products() const {
    return products_;
  }

 private:
  struct Worker {
    explicit Worker(const Screen& screen)
        : of(screen),
          rows(static_cast<int>(screen.x_.rows())),
          left(static_cast<std::size_t>(rows) * 3 * kBlock),
          right(static_cast<std::size_t>(rows) * 2 * kBlock),
          scores(static_cast<std::size_t>(kBlock) * kBlock),
          hits(static_cast<std::size_t>(kBlock / kGroupWidth) * (kBlock / kPanelWidth)) {}

    void pack_left() {
      const int count = static_cast<int>(items.size());
      panels = (count + 2 * kPanelWidth - 1) / (2 * kPanelWidth) * 2;
      std::fill_n(
          left.data.get(),
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
                     static_cast<std::size_t>(k / kPanelWidth) * static_cast<std::size_t>(rows) *
                         3 * kPanelWidth +
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
      const ScreeningTile tile{
          left.data.get(),   panels,     right.data.get(), groups, rows, of.bar_,
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
        scored +=
            static_cast<std::uint64_t>(std::max(0, right_end - std::max(right_begin, behind)));
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

    const Screen& of;
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

  void reduce() {
    std::sort(hits_.begin(), hits_.end(), better);
    std::unordered_map<std::uint64_t, int> taken;
    std::vector<Hit> kept;
    for (const Hit& hit : hits_) {
      if (kept.size() == keep_) break;
      if (!kept.empty() && kept.back().product == hit.product) continue;
      std::array<std::uint64_t, 3> key{};
      for (std::size_t f = 0; f < 3; ++f) {
        if (hit.product[f] >= 0) {
          key[f] =
              static_cast<std::uint64_t>(primary_[static_cast<std::size_t>(hit.product[f])]) + 1;
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

  const Eigen::MatrixXf& x_;
  const std::vector<int>& primary_;
  Eigen::VectorXf y_;
  int per_primaries_;
  std::size_t keep_;
  void (*kernel_)(const ScreeningTile&) = screen_tile_baseline;
  float bar_ = 0.0F;
  std::vector<Hit> hits_;
  std::uint64_t products_ = 0;
};

// Columns already there, to ask whether one like it (|r| above a limit) is among them. Two unit
// vectors that are so alike are near one another in every projection: columns are filed by three of
// them, and those in the neighbouring cells are compared where five more are near, too.
class Likeness {
 public:
  Likeness(Eigen::Index rows, double limit)
      : limit_(limit), cell_(std::sqrt(2.0 - 2.0 * limit) + 1e-9) {
    Random random(0x6c696b65,
                  0);  // any directions do: they decide what is compared, not the answer
    directions_.resize(rows, kProjections);
    for (double& x : directions_.reshaped()) x = random.normal();
    directions_.rowwise() -= directions_.colwise().mean();
    directions_.colwise().normalize();
  }

  // column: any scale. False for a constant one.
  static bool standardise(Eigen::VectorXd& column) {
    const double largest = column.cwiseAbs().maxCoeff();
    if (!(largest > 0.0) || !std::isfinite(largest)) return false;
    column /= largest;
    column.array() -= column.mean();
    const double norm = column.norm();
    if (!(norm > 1e-12 * std::sqrt(static_cast<double>(column.size())))) return false;
    column /= norm;
    return true;
  }

  // unit: centred, length 1. Filed with the sign that makes its first projection positive, so that
  // opposite columns meet, too; near 0 both signs have to be looked for.
  bool has(const Eigen::VectorXd& unit) const {
    Projections at = directions_.transpose() * unit;
    if (at[0] < 0.0) at = -at;
    return look(unit, at) || (at[0] <= cell_ && look(unit, -at));
  }
  void add(const Eigen::VectorXd& unit) {
    Projections at = directions_.transpose() * unit;
    if (at[0] < 0.0) at = -at;
    cells_[key(place(at[0]), place(at[1]), place(at[2]))].push_back(
        static_cast<std::uint32_t>(columns_.size()));
    columns_.push_back({at, unit.cast<float>()});
  }

 private:
  static constexpr Eigen::Index kProjections = 8;
  using Projections = Eigen::Matrix<double, kProjections, 1>;
  struct Column {
    Projections at;
    Eigen::VectorXf unit;
  };

  std::int64_t place(double x) const { return static_cast<std::int64_t>(std::floor(x / cell_)); }
  static std::uint64_t key(std::int64_t a, std::int64_t b, std::int64_t c) {
    return (static_cast<std::uint64_t>(a + (1 << 20)) << 42) ^
           (static_cast<std::uint64_t>(b + (1 << 20)) << 21) ^
           static_cast<std::uint64_t>(c + (1 << 20));
  }
  bool look(const Eigen::VectorXd& unit, const Projections& at) const {
    for (std::int64_t a = -1; a <= 1; ++a) {
      for (std::int64_t b = -1; b <= 1; ++b) {
        for (std::int64_t c = -1; c <= 1; ++c) {
          const auto found = cells_.find(key(place(at[0]) + a, place(at[1]) + b, place(at[2]) + c));
          if (found == cells_.end()) continue;
          for (const std::uint32_t other : found->second) {
            const Column& column = columns_[other];
            if ((column.at - at).cwiseAbs().maxCoeff() > cell_) continue;
            if (std::abs(column.unit.cast<double>().dot(unit)) > limit_) return true;
          }
        }
      }
    }
    return false;
  }

  double limit_;
  double cell_;
  Eigen::MatrixXd directions_;
  std::unordered_map<std::uint64_t, std::vector<std::uint32_t>> cells_;
  std::vector<Column> columns_;
};

struct Rescored {
  double score;
  Product product;
  Descriptor descriptor;
  Eigen::Index unit;  // where its standardised values are while candidates are compared
};

auto simplicity(const Descriptor& descriptor) {
  std::array<int, 3> forms{};
  std::array<int, 3> primaries{};
  int sum = 0;
  for (std::size_t f = 0; f < descriptor.order; ++f) {
    forms[f] = static_cast<int>(descriptor.factors[f].form);
    primaries[f] = descriptor.factors[f].primary;
    sum += forms[f];
  }
  return std::tuple(descriptor.order, sum, forms, primaries);
}

class Screening {
 public:
  Screening(const DescriptorMatrix& first, const Eigen::VectorXd& target,
            const ScreeningOptions& options, const Executor& executor, const Control& control)
      : first_(first),
        options_(options),
        executor_(executor),
        control_(control),
        target_(target.array() - target.mean()),
        residual_(target_),
        likeness_(target.size(), options.duplicate) {
    const Eigen::Index columns = first.values.cols();
    x_.resize(first.values.rows(), columns);
    for (Eigen::Index j = 0; j < columns && !control.cancelled(); ++j) {
      const double largest = first.values.col(j).cwiseAbs().maxCoeff();
      Eigen::VectorXd unit = first.values.col(j);
      x_.col(j) = (first.values.col(j) / (largest > 0.0 ? largest : 1.0)).cast<float>();
      // Squares of smaller ones would be denormal numbers, which are slow and do not matter.
      x_.col(j) = (x_.col(j).array().abs() < 1e-15F).select(0.0F, x_.col(j));
      primary_.push_back(first.descriptors[static_cast<std::size_t>(j)].factors[0].primary);
      if (Likeness::standardise(unit)) likeness_.add(unit);
    }
  }

  Result<Screened> run() {
    const int kinds = options_.order == 3 ? 2 : 1;
    const int slots = options_.rounds * kinds;
    int slot = 0;
    for (int round = 0; round < options_.rounds && !control_.cancelled(); ++round) {
      if (round > 0 && !next_residual()) break;
      std::vector<Hit> pairs;
      for (int kind = 0; kind < kinds; ++kind, ++slot) {
        const int share = options_.keep * (slot + 1) / slots - options_.keep * slot / slots;
        const double from = static_cast<double>(slot) / slots;
        const double to = static_cast<double>(slot + 1) / slots;
        if (kind == 0) {
          pairs = screen_pairs(share, from, to);
          take(pairs, share);
        } else {
          take(screen_triples(pairs, share, from, to), share);
        }
        if (control_.cancelled()) return cancelled_error();
      }
      if (control_.out_of_time()) break;
    }
    if (control_.cancelled()) return cancelled_error();
    return finish();
  }

 private:
  // More than are kept, as many are alike, and as 32-bit scores err at the edge.
  std::size_t wanted(int share) const {
    return std::max<std::size_t>(4 * static_cast<std::size_t>(share), 64);
  }

  std::vector<Hit> screen_pairs(int share, double from, double to) {
    const std::size_t keep = options_.order == 3
                                 ? std::max(wanted(share), static_cast<std::size_t>(options_.pairs))
                                 : wanted(share);
    Screen screen(x_, primary_, residual_, options_.per_primaries, keep);
    const int columns = static_cast<int>(x_.cols());
    screen.run(
        static_cast<std::uint32_t>((columns + kBlock - 1) / kBlock),
        [&](std::uint32_t block, std::vector<LeftItem>& items) {
          items.clear();
          const int begin = static_cast<int>(block) * kBlock;
          for (int j = begin; j < std::min(begin + kBlock, columns); ++j) items.push_back({j, -1});
        },
        true, executor_, control_, from, to);
    products_ += screen.products();
    return screen.finish();
  }

  std::vector<Hit> screen_triples(const std::vector<Hit>& pairs, int share, double from,
                                  double to) {
    Screen screen(x_, primary_, residual_, options_.per_primaries, wanted(share));
    const int columns = static_cast<int>(x_.cols());
    if (!options_.all_triples) {
      const auto count = static_cast<std::uint32_t>(
          std::min(pairs.size(), static_cast<std::size_t>(options_.pairs)));
      screen.run((count + kBlock - 1) / kBlock,
                 [&](std::uint32_t block, std::vector<LeftItem>& items) {
                   items.clear();
                   const std::uint32_t begin = block * kBlock;
                   for (std::uint32_t k = begin; k < std::min<std::uint32_t>(begin + kBlock, count);
                        ++k) {
                     items.push_back({pairs[k].product[0], pairs[k].product[1]});
                   }
                 },
                 false, executor_, control_, from, to);
    } else {
      // Blocks of left pairs (a, b), a < b, one a at a time.
      std::vector<std::pair<int, int>> starts;
      for (int a = 0; a < columns; ++a) {
        for (int b = a + 1; b < columns; b += kBlock) starts.push_back({a, b});
      }
      screen.run(
          static_cast<std::uint32_t>(starts.size()),
          [&](std::uint32_t block, std::vector<LeftItem>& items) {
            items.clear();
            const auto [a, begin] = starts[block];
            for (int b = begin; b < std::min(begin + kBlock, columns); ++b) {
              if (primary_[static_cast<std::size_t>(a)] != primary_[static_cast<std::size_t>(b)]) {
                items.push_back({a, b});
              }
            }
          },
          true, executor_, control_, from, to);
    }
    products_ += screen.products();
    return screen.finish();
  }

  Descriptor descriptor_of(Product& product) const {
    const std::size_t order = product[2] >= 0 ? 3 : 2;
    const auto factor = [&](int column) {
      return first_.descriptors[static_cast<std::size_t>(column)].factors[0];
    };
    for (std::size_t k = 1; k < order; ++k) {
      for (std::size_t f = k; f > 0; --f) {
        const Factor here = factor(product[f]);
        const Factor before = factor(product[f - 1]);
        if (std::tuple(before.primary, before.form) <= std::tuple(here.primary, here.form)) break;
        std::swap(product[f], product[f - 1]);
      }
    }
    Descriptor descriptor;
    descriptor.order = static_cast<std::uint8_t>(order);
    for (std::size_t f = 0; f < order; ++f) descriptor.factors[f] = factor(product[f]);
    return descriptor;
  }

  Eigen::VectorXd values_of(const Product& product) const {
    Eigen::VectorXd column =
        first_.values.col(product[0]).cwiseProduct(first_.values.col(product[1]));
    if (product[2] >= 0) column = column.cwiseProduct(first_.values.col(product[2]));
    return column;
  }

  // Scores again in 64 bits, drops what repeats something simpler, keeps the best `share`.
  void take(const std::vector<Hit>& hits, int share) {
    const double length = residual_.norm();
    std::vector<Rescored> candidates;
    Eigen::MatrixXd units(residual_.size(), static_cast<Eigen::Index>(hits.size()));
    Eigen::VectorXd unit;
    for (const Hit& hit : hits) {
      if (control_.cancelled()) return;
      Rescored candidate{0.0, hit.product, {}, static_cast<Eigen::Index>(candidates.size())};
      candidate.descriptor = descriptor_of(candidate.product);
      unit = values_of(candidate.product);
      if (!unit.allFinite() || !Likeness::standardise(unit)) continue;
      const double r = unit.dot(residual_) / length;
      candidate.score = r * r;
      units.col(candidate.unit) = unit;
      candidates.push_back(candidate);
    }
    std::sort(candidates.begin(), candidates.end(), [](const Rescored& a, const Rescored& b) {
      return simplicity(a.descriptor) < simplicity(b.descriptor);
    });
    Likeness among(residual_.size(), options_.duplicate);
    std::vector<Rescored> different;
    for (const Rescored& candidate : candidates) {
      if (control_.cancelled()) return;
      unit = units.col(candidate.unit);
      if (likeness_.has(unit) || among.has(unit)) continue;
      among.add(unit);
      different.push_back(candidate);
    }
    std::stable_sort(different.begin(), different.end(),
                     [](const Rescored& a, const Rescored& b) { return a.score > b.score; });
    if (different.size() > static_cast<std::size_t>(share)) {
      different.resize(static_cast<std::size_t>(share));
    }
    for (const Rescored& candidate : different) {
      likeness_.add(units.col(candidate.unit));
      kept_.push_back(candidate);
    }
  }

  // Two more columns by orthogonal matching pursuit, from the descriptors and from what was kept;
  // false when the target is explained.
  bool next_residual() {
    for (int step = 0; step < 2; ++step) {
      double best = 0.0;
      Eigen::VectorXd chosen;
      const auto look = [&](Eigen::VectorXd column) {
        if (!Likeness::standardise(column)) return;
        const double r = std::abs(column.dot(residual_));
        if (r > best) {
          best = r;
          chosen = std::move(column);
        }
      };
      for (Eigen::Index j = 0; j < first_.values.cols() && !control_.cancelled(); ++j)
        look(first_.values.col(j));
      for (const Rescored& kept : kept_) look(values_of(kept.product));
      if (!(best > 1e-9 * target_.norm())) return false;
      for (int pass = 0; pass < 2; ++pass) {
        for (const Eigen::VectorXd& direction : directions_) {
          chosen -= direction.dot(chosen) * direction;
        }
      }
      const double norm = chosen.norm();
      if (!(norm > 1e-6)) return false;
      chosen /= norm;
      residual_ -= chosen.dot(residual_) * chosen;
      directions_.push_back(chosen);
      if (static_cast<Eigen::Index>(directions_.size()) + 2 >= target_.size()) return false;
    }
    return residual_.norm() > 1e-9 * target_.norm();
  }

  Screened finish() {
    std::stable_sort(kept_.begin(), kept_.end(), [](const Rescored& a, const Rescored& b) {
      if (a.score != b.score) return a.score > b.score;
      return simplicity(a.descriptor) < simplicity(b.descriptor);
    });
    Screened screened;
    screened.products = products_;
    screened.scores.resize(static_cast<Eigen::Index>(kept_.size()));
    screened.kept.values.resize(target_.size(), static_cast<Eigen::Index>(kept_.size()));
    for (std::size_t k = 0; k < kept_.size(); ++k) {
      screened.kept.descriptors.push_back(kept_[k].descriptor);
      screened.kept.values.col(static_cast<Eigen::Index>(k)) = values_of(kept_[k].product);
      screened.scores[static_cast<Eigen::Index>(k)] = kept_[k].score;
    }
    return screened;
  }

  const DescriptorMatrix& first_;
  const ScreeningOptions& options_;
  const Executor& executor_;
  const Control& control_;
  Eigen::VectorXd target_;
  Eigen::VectorXd residual_;
  Eigen::MatrixXf x_;  // scaled by the largest of each
  std::vector<int> primary_;
  Likeness likeness_;
  std::vector<Rescored> kept_;
  std::vector<Eigen::VectorXd> directions_;
  std::uint64_t products_ = 0;
};

}  // namespace

Status ScreeningOptions::validate() const {
  if (order != 2 && order != 3) {
    return invalid("order is out of range", fmt::format("{}", order), "2 or 3");
  }
  if (keep < 1 || keep > 1000000) {
    return invalid("keep is out of range", fmt::format("{}", keep), "1 to 1000000 products");
  }
  if (rounds < 1 || rounds > 16) {
    return invalid("rounds is out of range", fmt::format("{}", rounds), "1 to 16");
  }
  if (per_primaries < 1 || per_primaries > 1728) {
    return invalid("per_primaries is out of range", fmt::format("{}", per_primaries), "1 to 1728");
  }
  if (!(duplicate > 0.5) || !(duplicate < 1.0)) {
    return invalid("duplicate is out of range", fmt::format("{}", duplicate),
                   "a correlation above 0.5 and below 1");
  }
  if (pairs < 1 || pairs > 1000000) {
    return invalid("pairs is out of range", fmt::format("{}", pairs), "1 to 1000000");
  }
  return {};
}

Result<Screened> screen_products(const DescriptorMatrix& first, const Eigen::VectorXd& target,
                                 const ScreeningOptions& options, const Executor& executor,
                                 const Control& control) {
  if (Status status = options.validate(); !status) return status.error();
  if (first.values.rows() != target.size() ||
      first.values.cols() != static_cast<Eigen::Index>(first.descriptors.size())) {
    return invalid("the shapes of descriptors and target differ",
                   fmt::format("{} x {} values, {} descriptors, {} targets", first.values.rows(),
                               first.values.cols(), first.descriptors.size(), target.size()),
                   "one row a target, one column a descriptor");
  }
  for (const Descriptor& descriptor : first.descriptors) {
    if (descriptor.order != 1) {
      return invalid("a factor of a product is itself a product",
                     fmt::format("{}", descriptor.order), "descriptors of one factor");
    }
  }
  if (!first.values.allFinite() || !target.allFinite()) {
    return invalid("the screening met a number that is not finite", "", "finite numbers");
  }
  if (first.values.rows() < 3) {
    return invalid("too few rows to screen on", fmt::format("{}", first.values.rows()),
                   "at least 3");
  }
  if ((target.array() == target[0]).all()) return Screened{};
  return Screening(first, target, options, executor, control).run();
}

}  // namespace kasetsu::descriptors
