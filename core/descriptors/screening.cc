#include "core/descriptors/screening.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <tuple>

#include "core/descriptors/likeness.h"
#include "core/descriptors/screening_pass.h"

namespace kasetsu::descriptors {
namespace {

Error invalid(std::string message, std::string value, std::string expected) {
  return {ErrorCode::invalid_argument, std::move(message), "", std::move(value),
          std::move(expected)};
}

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
    ScreeningPass screen(x_, primary_, residual_, options_.per_primaries, keep);
    const int columns = static_cast<int>(x_.cols());
    screen.run(
        static_cast<std::uint32_t>((columns + kScreenBlock - 1) / kScreenBlock),
        [&](std::uint32_t block, std::vector<LeftItem>& items) {
          items.clear();
          const int begin = static_cast<int>(block) * kScreenBlock;
          for (int j = begin; j < std::min(begin + kScreenBlock, columns); ++j)
            items.push_back({j, -1});
        },
        true, executor_, control_, from, to);
    products_ += screen.products();
    return screen.finish();
  }

  std::vector<Hit> screen_triples(const std::vector<Hit>& pairs, int share, double from,
                                  double to) {
    ScreeningPass screen(x_, primary_, residual_, options_.per_primaries, wanted(share));
    const int columns = static_cast<int>(x_.cols());
    if (!options_.all_triples) {
      const auto count = static_cast<std::uint32_t>(
          std::min(pairs.size(), static_cast<std::size_t>(options_.pairs)));
      screen.run((count + kScreenBlock - 1) / kScreenBlock,
                 [&](std::uint32_t block, std::vector<LeftItem>& items) {
                   items.clear();
                   const std::uint32_t begin = block * kScreenBlock;
                   for (std::uint32_t k = begin;
                        k < std::min<std::uint32_t>(begin + kScreenBlock, count); ++k) {
                     items.push_back({pairs[k].product[0], pairs[k].product[1]});
                   }
                 },
                 false, executor_, control_, from, to);
    } else {
      // Blocks of left pairs (a, b), a < b, one a at a time.
      std::vector<std::pair<int, int>> starts;
      for (int a = 0; a < columns; ++a) {
        for (int b = a + 1; b < columns; b += kScreenBlock) starts.push_back({a, b});
      }
      screen.run(
          static_cast<std::uint32_t>(starts.size()),
          [&](std::uint32_t block, std::vector<LeftItem>& items) {
            items.clear();
            const auto [a, begin] = starts[block];
            for (int b = begin; b < std::min(begin + kScreenBlock, columns); ++b) {
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
