#include "core/planning/surrogates/pareto.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <set>

#include "core/base/random.h"
#include "tests/core/planning/planning_fixtures.h"

namespace kasetsu::planning {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;
using testing::HasSubstr;

// Mean of f over y ~ N(mean, sd^2), by the midpoint rule over ten deviations.
template <typename F>
double expectation(double mean, double sd, const F& f) {
  constexpr int kSteps = 200'000;
  double sum = 0.0;
  for (int i = 0; i < kSteps; ++i) {
    const double z = -10.0 + 20.0 * (i + 0.5) / kSteps;
    sum += f(mean + sd * z) * std::exp(-0.5 * z * z);
  }
  return sum * 20.0 / kSteps / std::sqrt(2.0 * M_PI);
}

// Volume above `reference` that some row reaches over, by inclusion and exclusion.
double volume_slowly(const MatrixXd& points, const VectorXd& reference) {
  double volume = 0.0;
  for (unsigned set = 1; set < (1u << points.rows()); ++set) {
    VectorXd corner = VectorXd::Constant(points.cols(), std::numeric_limits<double>::infinity());
    for (Index i = 0; i < points.rows(); ++i) {
      if ((set >> i & 1u) != 0) corner = corner.cwiseMin(points.row(i).transpose());
    }
    const double part = (corner - reference).cwiseMax(0.0).prod();
    volume += __builtin_popcount(set) % 2 == 1 ? part : -part;
  }
  return volume;
}

MatrixXd random_points(Random& random, Index rows, Index columns) {
  MatrixXd points(rows, columns);
  for (Index i = 0; i < rows; ++i) {
    for (Index t = 0; t < columns; ++t) points(i, t) = random.normal();
  }
  return points;
}

TEST(Aim, GainAndProbabilityAreIntegralsOfTheUtility) {
  for (const Aim aim :
       {Aim{Goal::maximize, 0.0}, Aim{Goal::minimize, 0.0}, Aim{Goal::target, 2.0}}) {
    for (const double mean : {-1.0, 1.7, 2.0, 4.5}) {
      for (const double sd : {0.2, 1.5}) {
        for (const double level : {-3.0, -0.5, 0.4}) {
          EXPECT_NEAR(aim.expected_gain(mean, sd, level),
                      expectation(mean, sd,
                                  [&](double y) { return std::max(0.0, aim.utility(y) - level); }),
                      1e-8);
          EXPECT_NEAR(
              aim.probability(mean, sd, level),
              expectation(mean, sd, [&](double y) { return aim.utility(y) >= level ? 1.0 : 0.0; }),
              1e-4);
        }
      }
    }
  }
  EXPECT_EQ((Aim{Goal::target, 2.0}.level_of(0.5)), -0.5);
  EXPECT_EQ((Aim{Goal::minimize, 0.0}.level_of(0.5)), -0.5);
}

TEST(ParetoFront, IsWhatNothingBeats) {
  Random random(3);
  for (int trial = 0; trial < 50; ++trial) {
    MatrixXd points = random_points(random, 12, 2 + trial % 2);
    points = (points.array() * 2.0).round() / 2.0;  // with ties
    points(4, 0) = std::numeric_limits<double>::quiet_NaN();
    const auto front = pareto_front(points);
    const std::set<std::size_t> in(front.begin(), front.end());
    EXPECT_EQ(in.count(4), 0U);
    for (Index i = 0; i < 12; ++i) {
      bool beaten = i == 4;
      for (Index k = 0; k < 12; ++k) {
        if (k == 4 || k == i) continue;
        const bool as_good = (points.row(k).array() >= points.row(i).array()).all();
        const bool equal = points.row(k) == points.row(i);
        beaten = beaten || (as_good && (!equal || k < i));
      }
      EXPECT_EQ(in.count(static_cast<std::size_t>(i)), beaten ? 0U : 1U);
    }
  }
}

TEST(Front, CoversTheVolumeOfItsPoints) {
  Random random(5);
  for (int trial = 0; trial < 40; ++trial) {
    const Index targets = 1 + trial % 4;
    const MatrixXd points = random_points(random, 7, targets);
    const VectorXd reference = VectorXd::Constant(targets, -0.8);
    Front front(std::vector<Aim>(static_cast<std::size_t>(targets)), reference, points.topRows(4));
    EXPECT_NEAR(front.covered(), volume_slowly(points.topRows(4), reference), 1e-10);
    for (Index i = 4; i < 7; ++i) front.add(points.row(i).transpose());
    EXPECT_NEAR(front.covered(), volume_slowly(points, reference), 1e-10);
  }
}

// A certain prediction improves by exactly the volume that it adds; an uncertain one by the mean of
// that over draws.
TEST(Front, ExpectedImprovementIsTheMeanGrowthOfTheVolume) {
  Random random(7);
  const std::vector<Aim> all = {{Goal::maximize, 0.0}, {Goal::target, 0.3}, {Goal::minimize, 0.0}};
  for (int trial = 0; trial < 12; ++trial) {
    const Index targets = 2 + trial % 2;
    const std::vector<Aim> aims(all.begin(), all.begin() + targets);
    MatrixXd points = random_points(random, 5, targets);
    for (Index i = 0; i < points.rows(); ++i) points(i, 1) = aims[1].utility(points(i, 1));
    const VectorXd reference = VectorXd::Constant(targets, -1.2);
    const Front front(aims, reference, points);
    const double before = volume_slowly(points, reference);
    const auto growth = [&](const VectorXd& y) {
      MatrixXd more(6, targets);
      more.topRows(5) = points;
      for (Index t = 0; t < targets; ++t)
        more(5, t) = aims[static_cast<std::size_t>(t)].utility(y[t]);
      return volume_slowly(more, reference) - before;
    };
    const VectorXd mean = random_points(random, targets, 1);
    EXPECT_NEAR(front.expected_improvement(mean, VectorXd::Zero(targets)), growth(mean), 1e-10);
    const VectorXd sd = 0.2 + random_points(random, targets, 1).array().abs();
    constexpr int kDraws = 40'000;
    double sum = 0.0;
    double square = 0.0;
    for (int draw = 0; draw < kDraws; ++draw) {
      VectorXd y(targets);
      for (Index t = 0; t < targets; ++t) y[t] = mean[t] + sd[t] * random.normal();
      const double grown = growth(y);
      sum += grown;
      square += grown * grown;
    }
    const double average = sum / kDraws;
    const double error = std::sqrt((square / kDraws - average * average) / kDraws);
    EXPECT_NEAR(front.expected_improvement(mean, sd), average, 5.0 * error);
  }
}

TEST(Front, ManyPointsStayFewBoxes) {
  Random random(11);
  const MatrixXd points = random_points(random, 3000, 4);
  const Front front(std::vector<Aim>(4), VectorXd::Constant(4, -5.0), points);
  EXPECT_LT(front.boxes(), 20'000U);
  EXPECT_GT(front.covered(), 0.0);
}

// A second target over the same candidates, at odds with ToySurrogate's.
class OtherToy final : public ToySurrogate {
 public:
  Status evaluate(std::span<const Candidate> candidates, Evaluation& out) const override {
    if (Status status = ToySurrogate::evaluate(candidates, out); !status) return status;
    for (Index i = 0; i < out.mean.size(); ++i) {
      const double mean = 10.0 - 3.0 * out.mean[i] + 2.0 * out.coordinates(i, 1);
      out.mean[i] = mean;
      out.low[i] = mean - 0.3;
      out.high[i] = mean + 0.4;
    }
    return {};
  }
};

struct TwoTargets {
  CandidateSpace space = ocm_space();
  ToySurrogate first;
  OtherToy second;
  PlanProblem problem;
  PlanOptions options;

  TwoTargets() {
    problem.space = &space;
    problem.surrogate = &first;
    problem.target = "yield";
    problem.unit = "%";
    problem.also = {{&second, {Goal::maximize, 0.0}, std::nullopt, "stability", "h"}};
    Random random(1);
    for (int i = 0; i < 60; ++i)
      problem.known.push_back(
          {space.unrank(random.below(space.size())), KnownState::measured, 1.0, 1, 0.1});
    options.batch = 10;
    options.mix = {{Strategy::exploit, 10, 0.0}};
  }

  // Utilities of candidates, and the volume that they cover together with what is known.
  MatrixXd utilities(const std::vector<Candidate>& candidates) const {
    Evaluation a, b;
    EXPECT_TRUE(first.evaluate(candidates, a).ok());
    EXPECT_TRUE(second.evaluate(candidates, b).ok());
    MatrixXd out(a.mean.size(), 2);
    for (Index i = 0; i < out.rows(); ++i) {
      out(i, 0) = options.aim.utility(a.mean[i]);
      out(i, 1) = problem.also.front().aim.utility(b.mean[i]);
    }
    return out;
  }
  double covered_with(const Plan& plan) const {
    std::vector<Candidate> candidates;
    for (const KnownPoint& point : problem.known) candidates.push_back(point.candidate);
    for (const Proposal& proposal : plan.proposals) candidates.push_back(proposal.candidate);
    return Front({{}, {}}, reference(), utilities(candidates)).covered();
  }
  MatrixXd known_utilities() const {
    std::vector<Candidate> candidates;
    for (const KnownPoint& point : problem.known) candidates.push_back(point.candidate);
    return utilities(candidates);
  }
  // A tenth of what was seen below the worst of the front.
  VectorXd reference() const {
    const MatrixXd points = known_utilities();
    VectorXd out(2);
    for (Index t = 0; t < 2; ++t) {
      double worst = 1e300;
      for (const std::size_t row : pareto_front(points))
        worst = std::min(worst, points(static_cast<Index>(row), t));
      out[t] = worst - 0.1 * (points.col(t).maxCoeff() - points.col(t).minCoeff());
    }
    return out;
  }
};

TEST(TwoTargets, ExploitExtendsTheFrontMoreThanEitherTargetAlone) {
  TwoTargets of;
  const auto both = plan(of.problem, of.options, Executor(2), {});
  ASSERT_TRUE(both.ok()) << both.error().to_string();
  ASSERT_EQ(both->proposals.size(), 10U);
  EXPECT_THAT(both->notes, testing::Contains(HasSubstr("front of 2 targets")));
  for (const Proposal& proposal : both->proposals) {
    EXPECT_THAT(proposal.reason, testing::AllOf(HasSubstr("yield"), HasSubstr("stability")));
    ASSERT_EQ(proposal.also.size(), 1U);
    EXPECT_NEAR(proposal.also[0].mean, of.utilities({proposal.candidate})(0, 1), 1e-12);
    EXPECT_LT(proposal.also[0].low, proposal.also[0].mean);
  }
  PlanProblem alone = of.problem;
  alone.also.clear();
  const auto first = plan(alone, of.options, Executor(2), {});
  alone.surrogate = &of.second;
  const auto second = plan(alone, of.options, Executor(2), {});
  ASSERT_TRUE(first.ok() && second.ok());
  EXPECT_GT(of.covered_with(*both), of.covered_with(*first));
  EXPECT_GT(of.covered_with(*both), of.covered_with(*second));
}

TEST(TwoTargets, TheFirstPickIsTheBestOfTheWholeSpace) {
  TwoTargets of;
  of.problem.also.front().aim = {Goal::target, 11.0};
  of.options.diversity = 0.0;
  const auto found = plan(of.problem, of.options, Executor(2), {});
  ASSERT_TRUE(found.ok()) << found.error().to_string();
  const Proposal* first = &found->proposals.front();
  for (const Proposal& proposal : found->proposals) {
    if (proposal.score > first->score) first = &proposal;
  }
  // Every candidate by itself, on a front made by hand.
  std::set<std::uint64_t> excluded;
  for (const KnownPoint& point : of.problem.known)
    excluded.insert(of.space.rank(point.candidate).value());
  const Front by_hand({of.options.aim, of.problem.also.front().aim}, of.reference(),
                      of.known_utilities());
  double best = -1.0;
  std::uint64_t best_index = 0;
  for (std::uint64_t index = 0; index < of.space.size(); ++index) {
    if (excluded.count(index) != 0) continue;
    const std::vector<Candidate> one = {of.space.unrank(index)};
    Evaluation a, b;
    ASSERT_TRUE(of.first.evaluate(one, a).ok());
    ASSERT_TRUE(of.second.evaluate(one, b).ok());
    VectorXd mean(2), sd(2);
    mean << a.mean[0], b.mean[0];
    sd << (a.high[0] - a.low[0]) / (2.0 * kHalfWidth80),
        (b.high[0] - b.low[0]) / (2.0 * kHalfWidth80);
    const double score = by_hand.expected_improvement(mean, sd);
    if (score > best) {
      best = score;
      best_index = index;
    }
  }
  EXPECT_EQ(first->index, best_index);
  EXPECT_NEAR(first->score, best, 1e-9 * best);
}

TEST(TwoTargets, ThresholdsSayWhereTheFrontBegins) {
  TwoTargets of;
  of.options.threshold = 1.0;
  of.problem.also.front().threshold = 12.0;
  of.options.diversity = 0.0;
  const auto found = plan(of.problem, of.options, Executor(2), {});
  ASSERT_TRUE(found.ok()) << found.error().to_string();
  const Proposal& first = found->proposals.front();
  EXPECT_GT(first.high, 1.0);
  EXPECT_GT(first.also[0].high, 12.0);
}

TEST(OneTarget, AValueIsApproached) {
  TwoTargets of;
  of.problem.also.clear();
  of.options.aim = {Goal::target, 0.25};
  of.options.threshold = 0.05;
  of.options.diversity = 0.0;
  for (const Acquisition acquisition :
       {Acquisition::mean, Acquisition::probability, Acquisition::expected_improvement,
        Acquisition::conservative}) {
    of.options.acquisition = acquisition;
    const auto found = plan(of.problem, of.options, Executor(2), {});
    ASSERT_TRUE(found.ok()) << found.error().to_string();
    ASSERT_EQ(found->proposals.size(), 10U);
    for (const Proposal& proposal : found->proposals)
      // All but the mean weigh the uncertainty, too.
      EXPECT_NEAR(proposal.mean, 0.25, acquisition == Acquisition::mean ? 0.02 : 0.1)
          << to_string(acquisition) << proposal.reason;
  }
}

}  // namespace
}  // namespace kasetsu::planning
