#include "core/planning/space/space.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <set>

#include "core/base/random.h"
#include "core/chemistry/element.h"
#include "core/planning/space/counting.h"
#include "core/planning/space/rules.h"
#include "tests/core/planning/planning_fixtures.h"

namespace kasetsu::planning {
namespace {

using testing::HasSubstr;

// All compositions of a part by trying every assignment of amounts, as sets of keys: an oracle that
// knows nothing of ranks.
std::set<std::string> brute_force(const SpacePart& part) {
  std::set<std::string> keys;
  const auto add = [&](const chemistry::Composition& active) {
    std::vector<Support> supports = part.supports;
    if (supports.empty()) supports.push_back({});
    std::vector<std::string> preparations = part.preparations;
    if (preparations.empty()) preparations.push_back("");
    for (const Support& support : supports) {
      for (const std::string& preparation : preparations) {
        chemistry::Catalyst catalyst;
        catalyst.active = active;
        catalyst.support = support.name;
        catalyst.support_formula = support.formula;
        catalyst.preparation = preparation;
        keys.insert(chemistry::canonical_key(catalyst));
      }
    }
  };
  if (const auto* slots = std::get_if<Slots>(&part.actives)) {
    std::vector<int> choices = slots->elements;
    if (slots->none) choices.push_back(0);
    std::vector<int> filled;
    const std::function<void()> fill = [&] {
      if (static_cast<int>(filled.size()) == slots->slots) {
        chemistry::Composition active;
        for (const int element : filled) {
          if (element > 0) active.add(element, slots->amount);
        }
        add(active);
        return;
      }
      for (const int element : choices) {
        if (!slots->repetition && element > 0 &&
            std::find(filled.begin(), filled.end(), element) != filled.end()) {
          continue;
        }
        filled.push_back(element);
        fill();
        filled.pop_back();
      }
    };
    fill();
  } else if (const auto* list = std::get_if<CatalystList>(&part.actives)) {
    for (const auto& catalyst : list->catalysts) keys.insert(chemistry::canonical_key(catalyst));
  } else {
    const auto* simplex = std::get_if<Simplex>(&part.actives);
    const auto* grid = std::get_if<LoadingGrid>(&part.actives);
    const std::vector<int>& elements = simplex ? simplex->elements : grid->elements;
    const int low = simplex ? simplex->min_elements : grid->min_elements;
    const int high = simplex ? simplex->max_elements : grid->max_elements;
    const int digits = simplex ? simplex->steps + 1 : static_cast<int>(grid->loadings.size()) + 1;
    std::vector<int> amount(elements.size(), 0);
    for (;;) {
      int sum = 0;
      int count = 0;
      for (const int a : amount) {
        sum += a;
        count += a > 0 ? 1 : 0;
      }
      if (count >= low && count <= high && (!simplex || sum == simplex->steps)) {
        chemistry::Composition active;
        for (std::size_t i = 0; i < elements.size(); ++i) {
          if (amount[i] == 0) continue;
          active.add(elements[i], simplex
                                      ? amount[i] * simplex->total / simplex->steps
                                      : grid->loadings[static_cast<std::size_t>(amount[i] - 1)]);
        }
        add(active);
      }
      std::size_t place = 0;
      while (place < amount.size() && ++amount[place] == digits) amount[place++] = 0;
      if (place == amount.size()) break;
    }
  }
  return keys;
}

// They come from a table where sets of elements ask for them, and are computed beyond it.
TEST(Counting, BinomialsFollowPascalsRule) {
  for (int n = 0; n < 200; ++n) {
    EXPECT_EQ(binomial(n, 0), 1U);
    for (int k = 0; k < 26; ++k)
      EXPECT_EQ(binomial(n + 1, k + 1), plus(binomial(n, k), binomial(n, k + 1))) << n << ' ' << k;
  }
  EXPECT_EQ(binomial(60, 5), 5'461'512U);
  EXPECT_EQ(binomial(4, 5), 0U);
  EXPECT_EQ(binomial(200, 100), kLargestSpace);
}

TEST(CandidateSpace, MethaneCouplingHas36540) {
  const CandidateSpace space = ocm_space();
  EXPECT_EQ(space.size(), 36'540U);
  std::set<std::string> keys;
  for (std::uint64_t i = 0; i < space.size(); ++i) keys.insert(space.key(space.unrank(i)));
  EXPECT_EQ(keys.size(), 36'540U);
  EXPECT_EQ(keys, brute_force(space.definition().parts[0]));
}

TEST(CandidateSpace, OxygenEvolutionPlate) {
  SpaceDefinition definition;
  definition.parts.push_back(
      {Simplex{elements({"Ni", "Fe", "Co", "Mn", "Ce", "La"}), 10, 1, 4, 1.0}, {}, {}});
  const auto space = CandidateSpace::make(definition);
  ASSERT_TRUE(space.ok());
  EXPECT_EQ(space->size(), 2121U);  // as the plates of Olympus have
}

// The property of issue 5: random spaces and rules against brute force.
TEST(CandidateSpace, ThousandRandomSpacesEqualBruteForce) {
  Random random(20240501);
  std::uint64_t candidates = 0;
  for (int trial = 0; trial < 1000; ++trial) {
    const SpaceDefinition definition = random_definition(random);
    std::set<std::string> expected;
    for (const SpacePart& part : definition.parts) {
      for (const std::string& key : brute_force(part)) expected.insert(key);
    }
    if (!definition.conditions.empty()) {
      std::set<std::string> with;
      std::vector<double> levels;
      const std::function<void(const std::string&)> extend = [&](const std::string& key) {
        if (levels.size() == definition.conditions.size()) {
          std::string text = key;
          for (std::size_t i = 0; i < levels.size(); ++i) {
            text += (i == 0 ? "@" : ";") + definition.conditions[i].name + "=" +
                    std::to_string(static_cast<int>(levels[i]));
          }
          with.insert(text);
          return;
        }
        for (const double level : definition.conditions[levels.size()].levels) {
          levels.push_back(level);
          extend(key);
          levels.pop_back();
        }
      };
      for (const std::string& key : expected) extend(key);
      expected = std::move(with);
    }
    const auto space = CandidateSpace::make(definition);
    ASSERT_TRUE(space.ok()) << space.error().to_string();
    ASSERT_EQ(space->size(), expected.size()) << "trial " << trial;
    std::set<std::string> keys;
    for (std::uint64_t i = 0; i < space->size(); ++i) {
      const Candidate candidate = space->unrank(i);
      const std::string key = space->key(candidate);
      ASSERT_TRUE(keys.insert(key).second) << "twice: " << key;
      ASSERT_EQ(space->rank(candidate), std::optional<std::uint64_t>(i)) << key;
    }
    ASSERT_EQ(keys, expected) << "trial " << trial;
    candidates += space->size();
  }
  EXPECT_GT(candidates, 50'000U);
}

TEST(CandidateSpace, BillionsAreAddressed) {
  SpaceDefinition definition;
  std::vector<int> sixty;
  for (int z = 1; z <= 60; ++z) sixty.push_back(z);
  std::vector<Support> supports;
  for (int i = 0; i < 12; ++i) supports.push_back({"S" + std::to_string(i), {}});
  definition.parts.push_back({LoadingGrid{sixty, 5, 5, {0.1, 0.2, 0.5}}, supports, {}});
  const auto space = CandidateSpace::make(definition);
  ASSERT_TRUE(space.ok());
  EXPECT_EQ(space->size(), 5'461'512ULL * 243ULL * 12ULL);
  Random random(7);
  for (int trial = 0; trial < 20'000; ++trial) {
    const std::uint64_t index = random.below(space->size());
    ASSERT_EQ(space->rank(space->unrank(index)), std::optional<std::uint64_t>(index));
  }
  ASSERT_EQ(space->rank(space->unrank(space->size() - 1)),
            std::optional<std::uint64_t>(space->size() - 1));
}

TEST(CandidateSpace, DoesNotHoldWhatItDoesNotHold) {
  const CandidateSpace space = ocm_space();
  const auto rank = [&](const std::string& key) {
    return space.rank({chemistry::parse_key(key, {}).value(), {}});
  };
  EXPECT_TRUE(rank("Li:1;K:2/MgO").has_value());
  EXPECT_TRUE(rank("-/MgO").has_value());
  EXPECT_FALSE(rank("Li:1;K:3/MgO").has_value());  // four slots
  EXPECT_FALSE(rank("Li:1.5;K:1/MgO").has_value());
  EXPECT_FALSE(rank("Au:1/MgO").has_value());
  EXPECT_FALSE(rank("Li:1/ZnO").has_value());
  EXPECT_FALSE(rank("Li:1").has_value());
  EXPECT_FALSE(rank("Li:1/MgO|sol-gel").has_value());
}

TEST(CandidateSpace, AmountsOfFloatingPointAreRecognised) {
  SpaceDefinition definition;
  definition.parts.push_back({Simplex{elements({"Ni", "Fe", "Co"}), 10, 1, 3, 1.0}, {}, {}});
  const auto space = CandidateSpace::make(definition);
  Candidate candidate;
  candidate.catalyst.active.add(28, 0.1 + 0.2);  // not 0.3 to the last bit
  candidate.catalyst.active.add(26, 0.7);
  EXPECT_TRUE(space->rank(candidate).has_value());
}

TEST(CandidateSpace, RefusesWithASentence) {
  const auto refusal = [](SpaceDefinition definition) {
    const auto space = CandidateSpace::make(std::move(definition));
    EXPECT_FALSE(space.ok());
    return space.ok() ? std::string() : space.error().to_string();
  };
  EXPECT_THAT(refusal({}), HasSubstr("no part"));
  EXPECT_THAT(refusal({{{Slots{{}, 3, true, true, 1.0}, {}, {}}}, {}}), HasSubstr("no elements"));
  EXPECT_THAT(refusal({{{Slots{{3, 3}, 3, true, true, 1.0}, {}, {}}}, {}}), HasSubstr("\"Li\""));
  EXPECT_THAT(refusal({{{LoadingGrid{{3, 4}, 2, 1, {1.0}}, {}, {}}}, {}}),
              HasSubstr("min_elements"));
  EXPECT_THAT(refusal({{{LoadingGrid{{3, 4}, 1, 2, {0.0}}, {}, {}}}, {}}), HasSubstr("loading"));
  EXPECT_THAT(refusal({{{LoadingGrid{{3, 4}, 1, 2, {1.0, 1.0}}, {}, {}}}, {}}), HasSubstr("twice"));
  EXPECT_THAT(refusal({{{Slots{{3}, 1, true, true, 1.0}, {{"MgO", {}}, {"MgO", {}}}, {}}}, {}}),
              HasSubstr("\"MgO\""));
  std::vector<int> many;
  for (int z = 1; z <= 100; ++z) many.push_back(z);
  EXPECT_THAT(refusal({{{LoadingGrid{many, 1, 15, {1, 2, 3, 4, 5, 6, 7, 8, 9}}, {}, {}}}, {}}),
              HasSubstr("too large"));
}

TEST(Rules, RandomRulesEqualTheirMeaning) {
  Random random(99);
  int contradictions = 0;
  for (int trial = 0; trial < 1000; ++trial) {
    const auto space = CandidateSpace::make(random_definition(random));
    ASSERT_TRUE(space.ok());
    const std::vector<Rule> rules = random_rules(random, *space);
    std::uint64_t expected = 0;
    std::vector<std::uint64_t> removed(rules.size(), 0);
    for (std::uint64_t i = 0; i < space->size(); ++i) {
      const Candidate candidate = space->unrank(i);
      bool allowed = true;
      for (std::size_t r = 0; r < rules.size(); ++r) {
        if (!keeps(rules[r], candidate)) {
          ++removed[r];
          allowed = false;
        }
      }
      if (allowed) ++expected;
    }
    const auto set = RuleSet::make(rules, *space);
    if (expected == 0) {
      ASSERT_FALSE(set.ok()) << "trial " << trial;
      EXPECT_THAT(set.error().to_string(), HasSubstr("rule"));
      ++contradictions;
      continue;
    }
    ASSERT_TRUE(set.ok()) << set.error().to_string();
    const auto counts = count_rules(*space, *set, Executor(2), {});
    ASSERT_TRUE(counts.ok());
    EXPECT_EQ(counts->allowed, expected);
    for (std::size_t r = 0; r < rules.size(); ++r) {
      EXPECT_EQ(counts->rules[r].removed, removed[r]) << rules[r].name;
    }
    for (std::uint64_t i = 0; i < space->size(); i += 7) {
      const Candidate candidate = space->unrank(i);
      ASSERT_EQ(set->allows(candidate), set->explain(candidate).empty());
    }
  }
  EXPECT_GT(contradictions, 10);
  EXPECT_LT(contradictions, 600);
}

TEST(Rules, ExplainThemselves) {
  const CandidateSpace space = ocm_space();
  std::vector<Rule> rules;
  rules.push_back({"alkali", GroupLimit{elements({"Li", "Na", "K", "Cs"}), 0, 1}});
  rules.push_back({"no Pd on titania", ForbidOnSupport{elements({"Pd"}), {"TiO2"}}});
  rules.push_back({"sodium with tungsten", RequireTogether{elements({"W"}), elements({"Na"})}});
  const auto set = RuleSet::make(rules, space);
  ASSERT_TRUE(set.ok());
  const auto why = [&](const std::string& key) {
    return set->explain({chemistry::parse_key(key, {}).value(), {}});
  };
  EXPECT_THAT(
      why("Li:1;K:1;Mn:1/MgO"),
      testing::ElementsAre("rule \"alkali\": holds 2 of Li, Na, K, Cs; at most 1 are allowed"));
  EXPECT_THAT(why("Pd:1/TiO2"), testing::ElementsAre(HasSubstr("forbidden on TiO2")));
  EXPECT_THAT(why("W:2/MgO"), testing::ElementsAre(HasSubstr("holds W without any of Na")));
  EXPECT_THAT(why("Na:1;W:2/MgO"), testing::IsEmpty());
}

TEST(Rules, ContradictionsAreNamed) {
  const CandidateSpace space = ocm_space();
  const auto refusal = [&](std::vector<Rule> rules) {
    const auto set = RuleSet::make(std::move(rules), space);
    EXPECT_FALSE(set.ok());
    return set.ok() ? std::string() : set.error().to_string();
  };
  EXPECT_THAT(refusal({{"a", GroupLimit{elements({"Li", "Na"}), 2, 1}}}), HasSubstr("\"a\""));
  EXPECT_THAT(refusal({{"gold", ForbidTogether{elements({"Au", "Li"})}}}), HasSubstr("\"Au\""));
  EXPECT_THAT(refusal({{"s", ForbidSupports{{"MgO2"}}}}), HasSubstr("MgO2"));
  EXPECT_THAT(refusal({{"many", GroupLimit{{}, 4, 9}}}), HasSubstr("at most 3"));
  // Minimal: the harmless rule is not named.
  const std::string both =
      refusal({{"needs Li", GroupLimit{elements({"Li"}), 1, 1}},
               {"harmless", ForbidTogether{elements({"Mn", "Na"})}},
               {"Li needs Na", RequireTogether{elements({"Li"}), elements({"Na"})}},
               {"not both", ForbidTogether{elements({"Li", "Na"})}}});
  EXPECT_THAT(both,
              HasSubstr("\"needs Li\", \"Li needs Na\", \"not both\" together leave no candidate"));
}

// What three hundred parts cost is bounded for all of them together.
TEST(CandidateSpace, ManyPartsThatOverlapALittleAreRefusedBeforeTheyAreCounted) {
  SpaceDefinition many;
  for (int first = 0; first < 300; ++first) {
    Slots slots;
    for (int i = 0; i < 6; ++i) slots.elements.push_back(1 + (first % 40) + i);
    many.parts.push_back({slots, {{"MgO", {}}, {"SiO2", {}}}, {}});
  }
  const auto refused = CandidateSpace::make(many);
  ASSERT_FALSE(refused.ok());
  EXPECT_THAT(refused.error().to_string(), HasSubstr("overlap too much"));
  EXPECT_THAT(refused.error().to_string(), HasSubstr("fewer parts"));
  many.parts.resize(40);
  EXPECT_TRUE(CandidateSpace::make(many).ok());
}

// Parts with thousands of preparations are told apart by them, not by every pair with a support.
TEST(CandidateSpace, NamesOfPartsAreComparedWithinTheSameBound) {
  SpaceDefinition many;
  for (int part = 0; part < 50; ++part) {
    Slots slots;
    slots.elements = {3, 11};
    SpacePart made{slots, {}, {}};
    for (int i = 0; i < 10; ++i) made.supports.push_back({"S" + std::to_string(i), {}});
    for (int i = 0; i < 1'000; ++i) {
      made.preparations.push_back(std::to_string(part) + "-" + std::to_string(i));
    }
    many.parts.push_back(std::move(made));
  }
  const auto refused = CandidateSpace::make(many);
  ASSERT_FALSE(refused.ok());
  EXPECT_THAT(refused.error().to_string(), HasSubstr("overlap too much"));
  many.parts.resize(20);
  const auto space = CandidateSpace::make(many);
  ASSERT_TRUE(space.ok()) << space.error().to_string();
  EXPECT_EQ(space->size(), 20u * 10u * 1'000u * space->parts()[0].family->size());
}

}  // namespace
}  // namespace kasetsu::planning
