#include "core/planning/surrogates/principal_axes.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/core/planning/planning_fixtures.h"

namespace kasetsu::planning {
namespace {

chemistry::ElementTable random_table(std::uint64_t seed) {
  Random random(seed);
  std::string text = "symbol,a,b,c,d\n";
  for (const char* symbol : {"Li", "Na", "K", "Mg", "Ca", "Mn", "Fe", "Co", "O", "Si", "Ti"}) {
    text += symbol;
    for (int property = 0; property < 4; ++property) {
      text += "," + std::to_string(1.0 + 9.0 * random.uniform());
    }
    text += "\n";
  }
  return chemistry::ElementTable::from_csv(text, "random.csv").value();
}

CandidateSpace small_space() {
  SpaceDefinition definition;
  definition.parts.push_back(
      {Slots{elements({"Li", "Na", "K", "Mg", "Ca", "Mn", "Fe", "Co"}), 3, true, true, 1.0},
       supports({"MgO", "SiO2", "TiO2"}),
       {}});
  definition.conditions = {{"temperature_C", {700.0, 800.0}}};
  return CandidateSpace::make(definition).value();
}

TEST(PrincipalAxes, AreOrthogonalAndOrderedByTheirShares) {
  const CandidateSpace space = small_space();
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    const auto axes = PrincipalAxes::learn(random_table(seed), space, {}, seed);
    ASSERT_TRUE(axes) << axes.error().to_string();
    ASSERT_GE(axes->dimensions(), 2);
    const Eigen::MatrixXd product = axes->loadings().transpose() * axes->loadings();
    EXPECT_TRUE(product.isIdentity(1e-9)) << product;
    for (Eigen::Index k = 1; k < axes->shares().size(); ++k) {
      EXPECT_LE(axes->shares()[k], axes->shares()[k - 1]);
    }
    EXPECT_GT(axes->shares().minCoeff(), 0.0);
    EXPECT_LE(axes->shares().sum(), 1.0 + 1e-12);
  }
}

TEST(PrincipalAxes, PutACandidateInOnePlaceWhoeverIsAskedWithIt) {
  const CandidateSpace space = small_space();
  const auto axes = PrincipalAxes::learn(random_table(5), space, {}, 1);
  const auto again = PrincipalAxes::learn(random_table(5), space, {}, 1);
  ASSERT_TRUE(axes && again);
  std::vector<Candidate> all;
  for (std::uint64_t i = 0; i < space.size(); i += 7) all.push_back(space.unrank(i));
  const auto together = axes->coordinates(all);
  const auto repeated = again->coordinates(all);
  ASSERT_TRUE(together && repeated);
  EXPECT_EQ(*together, *repeated) << "the same table and space, the same map";
  for (std::size_t i = 0; i < all.size(); i += 11) {
    const auto alone = axes->coordinates(std::vector<Candidate>{all[i]});
    ASSERT_TRUE(alone);
    EXPECT_TRUE(alone->row(0).isApprox(together->row(static_cast<Eigen::Index>(i)), 1e-12));
  }
  // The sample has no mean: a map has its candidates around its middle.
  EXPECT_LT(std::abs(together->col(0).mean()), 0.2 * together->col(0).cwiseAbs().maxCoeff());
}

TEST(PrincipalAxes, RefuseAnElementThatTheTableLacks) {
  SpaceDefinition definition;
  definition.parts.push_back({Slots{elements({"Li", "Pt"}), 2, true, true, 1.0}, {}, {}});
  const CandidateSpace space = CandidateSpace::make(definition).value();
  EXPECT_FALSE(PrincipalAxes::learn(random_table(1), space, {}, 1));
}

}  // namespace
}  // namespace kasetsu::planning
