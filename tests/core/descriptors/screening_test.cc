#include "core/descriptors/screening.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <map>
#include <set>
#include <stop_token>
#include <tuple>

#include "core/base/instruction_set.h"
#include "core/base/random.h"

namespace kasetsu::descriptors {
namespace {

struct Problem {
  Eigen::MatrixXd primaries;
  DescriptorMatrix first;
  Eigen::VectorXd y;
};

Problem make(int rows, int primaries, std::uint64_t seed) {
  Random random(seed);
  Problem made;
  made.primaries.resize(rows, primaries);
  for (double& x : made.primaries.reshaped()) x = 0.2 + random.uniform();
  made.first = enumerate(made.primaries, 1);
  made.y.resize(rows);
  for (double& value : made.y) value = random.normal();
  return made;
}

double squared_correlation(const Eigen::VectorXd& a, const Eigen::VectorXd& b) {
  const Eigen::ArrayXd x = a.array() - a.mean();
  const Eigen::ArrayXd y = b.array() - b.mean();
  return std::pow((x * y).sum(), 2) / (x.square().sum() * y.square().sum());
}

std::set<std::int32_t> primaries_of(const Descriptor& descriptor) {
  std::set<std::int32_t> primaries;
  for (std::size_t f = 0; f < descriptor.order; ++f)
    primaries.insert(descriptor.factors[f].primary);
  return primaries;
}

// Everything, the plain way: every product of `order` columns of different primaries, by score.
std::vector<std::pair<double, std::vector<Eigen::Index>>> all_products(const Problem& made,
                                                                       int order) {
  std::vector<std::pair<double, std::vector<Eigen::Index>>> all;
  const Eigen::Index count = made.first.values.cols();
  const auto primary = [&](Eigen::Index j) {
    return made.first.descriptors[static_cast<std::size_t>(j)].factors[0].primary;
  };
  for (Eigen::Index a = 0; a < count; ++a) {
    for (Eigen::Index b = a + 1; b < count; ++b) {
      if (primary(a) == primary(b)) continue;
      const Eigen::VectorXd ab = made.first.values.col(a).cwiseProduct(made.first.values.col(b));
      if (order == 2) {
        all.push_back({squared_correlation(ab, made.y), {a, b}});
        continue;
      }
      for (Eigen::Index c = b + 1; c < count; ++c) {
        if (primary(a) == primary(c) || primary(b) == primary(c)) continue;
        all.push_back(
            {squared_correlation(ab.cwiseProduct(made.first.values.col(c)), made.y), {a, b, c}});
      }
    }
  }
  std::sort(all.rbegin(), all.rend());
  return all;
}

ScreeningOptions plain(int order, int keep) {
  ScreeningOptions options;
  options.order = order;
  options.keep = keep;
  options.rounds = 1;
  options.per_primaries = 1728;
  options.all_triples = true;
  options.duplicate = 1.0 - 1e-12;
  return options;
}

Screened run(const Problem& made, const ScreeningOptions& options, unsigned threads = 1) {
  const auto screened = screen_products(made.first, made.y, options, Executor(threads), Control{});
  EXPECT_TRUE(screened.ok()) << (screened.ok() ? "" : screened.error().to_string());
  return screened.ok() ? *screened : Screened{};
}

void expect_same(const Screened& a, const Screened& b) {
  EXPECT_EQ(a.kept.descriptors, b.kept.descriptors);
  EXPECT_EQ(a.kept.values, b.kept.values);
  EXPECT_EQ(a.scores, b.scores);
  EXPECT_EQ(a.products, b.products);
}

TEST(Screening, KeepsTheBestPairsOfAll) {
  for (const auto& [rows, primaries] : {std::pair{40, 6}, std::pair{25, 19}, std::pair{171, 40}}) {
    const Problem made = make(rows, primaries, 5U + rows);
    const auto all = all_products(made, 2);
    const Screened screened = run(made, plain(2, 60));
    ASSERT_EQ(screened.kept.descriptors.size(), 60U);
    std::uint64_t pairs = 0;
    for (Eigen::Index a = 0; a < made.first.values.cols(); ++a)
      pairs += static_cast<std::uint64_t>(a);
    EXPECT_EQ(screened.products, pairs);
    for (Eigen::Index k = 0; k < 60; ++k) {
      EXPECT_NEAR(screened.scores[k], all[static_cast<std::size_t>(k)].first, 1e-9) << k;
      EXPECT_NEAR(screened.scores[k], squared_correlation(screened.kept.values.col(k), made.y),
                  1e-12);
    }
  }
}

TEST(Screening, KeepsTheBestTriplesOfAll) {
  const Problem made = make(30, 8, 3);
  const auto all = all_products(made, 3);
  const Screened screened = run(made, plain(3, 40));
  std::vector<double> triples;
  for (std::size_t k = 0; k < screened.kept.descriptors.size(); ++k) {
    if (screened.kept.descriptors[k].order == 3) {
      triples.push_back(screened.scores[static_cast<Eigen::Index>(k)]);
    }
  }
  ASSERT_EQ(triples.size(), 20U);
  for (std::size_t k = 0; k < triples.size(); ++k) EXPECT_NEAR(triples[k], all[k].first, 1e-9) << k;
}

TEST(Screening, ValuesAreThoseOfTheDescriptor) {
  const Problem made = make(50, 15, 4);
  ScreeningOptions options;
  options.order = 3;
  options.keep = 200;
  const Screened screened = run(made, options);
  ASSERT_FALSE(screened.kept.descriptors.empty());
  EXPECT_EQ(evaluate(screened.kept.descriptors, made.primaries), screened.kept.values);
  for (const Descriptor& descriptor : screened.kept.descriptors) {
    EXPECT_GE(descriptor.order, 2);
    EXPECT_EQ(primaries_of(descriptor).size(), descriptor.order);
    for (std::size_t f = 1; f < descriptor.order; ++f) {
      EXPECT_LT(descriptor.factors[f - 1].primary, descriptor.factors[f].primary);
    }
  }
}

TEST(Screening, NothingIsKeptTwiceOrRepeatsADescriptor) {
  const Problem made = make(30, 12, 6);
  ScreeningOptions options;
  options.order = 3;
  options.keep = 300;
  options.duplicate = 0.99;
  const Screened screened = run(made, options);
  const Eigen::Index kept = screened.kept.values.cols();
  ASSERT_GT(kept, 50);
  for (Eigen::Index a = 0; a < kept; ++a) {
    for (Eigen::Index b = 0; b < a; ++b) {
      EXPECT_LE(squared_correlation(screened.kept.values.col(a), screened.kept.values.col(b)),
                0.99 * 0.99 + 1e-6);
    }
    for (Eigen::Index j = 0; j < made.first.values.cols(); ++j) {
      EXPECT_LE(squared_correlation(screened.kept.values.col(a), made.first.values.col(j)),
                0.99 * 0.99 + 1e-6);
    }
  }
}

TEST(Screening, OfEqualProductsTheSimplestIsKept) {
  // The second primary is the exponential of the first up to a factor, so 1/exp of it with another
  // column equals a product with a simpler form.
  Problem made = make(40, 4, 7);
  made.primaries.col(1) = made.primaries.col(0).array().square();
  made.first = enumerate(made.primaries, 1);
  made.y = made.primaries.col(0).array().pow(6) * made.primaries.col(2).array();
  ScreeningOptions options = plain(2, 1);
  options.duplicate = 0.9999;
  const Screened screened = run(made, options);
  ASSERT_EQ(screened.kept.descriptors.size(), 1U);
  const Descriptor& best = screened.kept.descriptors[0];
  EXPECT_NEAR(screened.scores[0], 1.0, 1e-12);
  EXPECT_EQ(best.factors[0], (Factor{1, Form::cube}));
  EXPECT_EQ(best.factors[1], (Factor{2, Form::identity}));
}

TEST(Screening, OneChoiceOfPrimariesDoesNotFloodWhatIsKept) {
  Problem made = make(60, 12, 8);
  made.y = made.primaries.col(2).array() * made.primaries.col(5).array();
  ScreeningOptions options = plain(2, 80);
  options.per_primaries = 3;
  options.duplicate = 0.9999;
  std::map<std::set<std::int32_t>, int> counts;
  for (const Descriptor& descriptor : run(made, options).kept.descriptors) {
    EXPECT_LE(++counts[primaries_of(descriptor)], 3);
  }
  EXPECT_GT(counts.size(), 20U);
}

TEST(Screening, LaterRoundsFindWhatTheFirstHides) {
  Problem made = make(80, 20, 9);
  const Eigen::ArrayXd strong = made.primaries.col(3).array() / made.primaries.col(7).array();
  const Eigen::ArrayXd weak =
      made.primaries.col(11).array().square() * made.primaries.col(14).array();
  made.y = 20.0 * strong + 1.0 * weak;
  ScreeningOptions options;
  options.keep = 40;
  const auto has_weak = [&](const Screened& screened) {
    for (const Descriptor& descriptor : screened.kept.descriptors) {
      if (primaries_of(descriptor) == std::set<std::int32_t>{11, 14}) return true;
    }
    return false;
  };
  EXPECT_TRUE(has_weak(run(made, options)));
  options.rounds = 1;
  EXPECT_FALSE(has_weak(run(made, options)));
}

TEST(Screening, FindsAPlantedTripleFromTheBestPairs) {
  Problem made = make(100, 15, 10);
  made.y = made.primaries.col(1).array() * made.primaries.col(6).array().square() /
           made.primaries.col(9).array();
  ScreeningOptions options;
  options.order = 3;
  options.keep = 100;
  const Screened screened = run(made, options);
  EXPECT_NEAR(screened.scores[0], 1.0, 1e-9);
  EXPECT_EQ(primaries_of(screened.kept.descriptors[0]), (std::set<std::int32_t>{1, 6, 9}));
}

TEST(Screening, TheSameForAnyNumberOfThreadsAndInstructionSet) {
  const Problem made = make(60, 60, 11);
  for (const int order : {2, 3}) {
    ScreeningOptions options;
    options.order = order;
    options.keep = 150;
    options.pairs = 400;
    const Screened one = run(made, options, 1);
    expect_same(one, run(made, options, 2));
    expect_same(one, run(made, options, 3));
    for (const auto set : {InstructionSet::baseline, InstructionSet::avx2}) {
      if (!force_instruction_set(set)) continue;
      expect_same(one, run(made, options));
      force_instruction_set(std::nullopt);
    }
  }
}

TEST(Screening, HugeTinyAndNearlyConstantColumnsDoNoHarm) {
  Problem made = make(40, 8, 12);
  made.primaries.col(2) *= 1e-90;
  made.primaries.col(3) *= 1e60;
  made.primaries.col(4) = 1.0 + 1e-7 * made.primaries.col(4).array();
  made.first = enumerate(made.primaries, 1);
  const Screened screened = run(made, plain(2, 50));
  EXPECT_TRUE(screened.kept.values.allFinite());
  EXPECT_TRUE(screened.scores.allFinite());
  EXPECT_LE(screened.scores.maxCoeff(), 1.0 + 1e-9);
}

TEST(Screening, CancelIsAnswered) {
  const Problem made = make(60, 60, 13);
  std::stop_source source;
  Control control;
  control.stop = source.get_token();
  int reports = 0;
  control.progress = [&](double, std::string_view) {
    if (++reports == 2) source.request_stop();
  };
  ScreeningOptions options = plain(3, 100);
  const auto screened = screen_products(made.first, made.y, options, Executor(2), control);
  ASSERT_FALSE(screened.ok());
  EXPECT_EQ(screened.error().code, ErrorCode::cancelled);
  EXPECT_EQ(reports, 2);
}

TEST(Screening, WhenTimeRunsOutWhatWasFoundIsReturned) {
  const Problem made = make(60, 60, 13);
  std::atomic<int> asked{0};
  Control control;
  control.seconds_left = [&] { return ++asked > 60 ? -1.0 : 1.0; };
  const auto screened = screen_products(made.first, made.y, plain(3, 100), Executor(1), control);
  ASSERT_TRUE(screened.ok());
  EXPECT_GT(screened->kept.descriptors.size(), 0U);
}

TEST(Screening, WhatItCannotDoItSays) {
  Problem made = make(20, 4, 14);
  ScreeningOptions options;
  options.order = 4;
  EXPECT_FALSE(screen_products(made.first, made.y, options, Executor(1), Control{}).ok());
  options.order = 2;
  EXPECT_FALSE(screen_products(made.first, made.y.head(10), options, Executor(1), Control{}).ok());
  made.first.descriptors[0].order = 2;
  EXPECT_FALSE(screen_products(made.first, made.y, options, Executor(1), Control{}).ok());
}

TEST(Screening, AConstantTargetKeepsNothing) {
  Problem made = make(20, 4, 15);
  made.y.setConstant(3.0);
  EXPECT_TRUE(run(made, ScreeningOptions{}).kept.descriptors.empty());
}

}  // namespace
}  // namespace kasetsu::descriptors
