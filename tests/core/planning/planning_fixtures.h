// Spaces, rules and simple surrogates for the planner's tests.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <map>
#include <string>
#include <vector>

#include "core/base/random.h"
#include "core/chemistry/element.h"
#include "core/planning/planner.h"
#include "core/planning/space/rules.h"
#include "core/planning/space/space.h"
#include "core/planning/surrogates/surrogate.h"

namespace kasetsu::planning {

inline std::vector<int> elements(std::initializer_list<const char*> symbols) {
  std::vector<int> numbers;
  for (const char* symbol : symbols) numbers.push_back(chemistry::atomic_number(symbol).value());
  return numbers;
}

inline std::vector<Support> supports(std::initializer_list<const char*> names) {
  std::vector<Support> result;
  for (const char* name : names) {
    result.push_back({name, chemistry::parse_formula(name).value()});
  }
  return result;
}

inline CandidateSpace ocm_space(std::vector<ConditionLevels> conditions = {}) {
  SpaceDefinition definition;
  definition.conditions = std::move(conditions);
  definition.parts.push_back(
      {Slots{elements({"Ba", "Ca", "Ce", "Co", "Cs", "Cu", "Eu", "Fe", "Hf",
                       "K",  "La", "Li", "Mg", "Mn", "Mo", "Na", "Nd", "Ni",
                       "Pd", "Sr", "Tb", "Ti", "V",  "W",  "Y",  "Zn", "Zr"}),
             3, true, true, 1.0},
       supports({"Al2O3", "BaO", "CaO", "CeO2", "La2O3", "MgO", "SiO2", "TiO2", "ZrO2"}),
       {}});
  return CandidateSpace::make(definition).value();
}

inline double draw(Random& random, std::uint64_t bound) {
  return static_cast<double>(random.below(bound));
}

inline SpacePart random_part(Random& random) {
  SpacePart part;
  std::vector<int> pool = {3, 11, 12, 19, 25, 26, 28, 74};
  random.shuffle(pool);
  pool.resize(2 + random.below(4));
  const auto kind = random.below(4);
  if (kind == 0) {
    Slots slots;
    slots.elements = pool;
    slots.slots = 1 + static_cast<int>(random.below(3));
    slots.repetition = random.below(2) == 0;
    slots.none = random.below(2) == 0 || static_cast<std::size_t>(slots.slots) > pool.size();
    slots.amount = random.below(2) == 0 ? 1.0 : 0.5;
    part.actives = slots;
  } else if (kind == 1) {
    Simplex simplex;
    simplex.elements = pool;
    simplex.steps = 1 + static_cast<int>(random.below(5));
    simplex.min_elements = 1 + static_cast<int>(random.below(std::min<std::uint64_t>(
                                   2, static_cast<std::uint64_t>(simplex.steps))));
    simplex.max_elements = simplex.min_elements + static_cast<int>(random.below(3));
    simplex.total = random.below(2) == 0 ? 1.0 : 100.0;
    part.actives = simplex;
  } else if (kind == 2) {
    LoadingGrid grid;
    grid.elements = pool;
    grid.min_elements = static_cast<int>(random.below(3));
    grid.max_elements = std::max(grid.min_elements, 1) + static_cast<int>(random.below(2));
    grid.loadings = {0.5, 1.0, 2.0};
    grid.loadings.resize(1 + random.below(3));
    part.actives = grid;
  } else {
    CatalystList list;
    const auto count = 1 + random.below(20);
    for (std::uint64_t i = 0; i < count; ++i) {
      chemistry::Catalyst catalyst;
      for (const int element : pool) {
        if (random.below(2) == 0) catalyst.active.add(element, 0.5 * (1.0 + draw(random, 3)));
      }
      if (random.below(2) == 0) catalyst.support = "MgO";
      list.catalysts.push_back(catalyst);
    }
    part.actives = list;
    return part;
  }
  for (const char* name : {"MgO", "SiO2", "TiO2"}) {
    if (random.below(2) == 0) part.supports.push_back({name, {}});
  }
  if (random.below(4) == 0) part.preparations = {"dry", "sol-gel"};
  return part;
}

inline SpaceDefinition random_definition(Random& random) {
  SpaceDefinition definition;
  const std::uint64_t parts = 1 + random.below(3);
  for (std::uint64_t i = 0; i < parts; ++i) definition.parts.push_back(random_part(random));
  if (random.below(3) == 0) {
    definition.conditions.push_back({"temperature_C", {700, 750, 800}});
    if (random.below(2) == 0) definition.conditions.push_back({"ratio", {2, 4}});
  }
  return definition;
}

inline std::vector<int> some(Random& random, std::vector<int> pool, std::size_t at_least) {
  random.shuffle(pool);
  const std::size_t most = std::max(pool.size(), at_least);
  const std::size_t count =
      std::min(pool.size(), at_least + static_cast<std::size_t>(random.below(most - at_least + 1)));
  pool.resize(count);
  return pool;
}

// Rules whose names are known to the space; they may contradict one another.
inline std::vector<Rule> random_rules(Random& random, const CandidateSpace& space) {
  std::vector<Rule> rules;
  const std::vector<int> pool = space.elements();
  const std::vector<Support> all_supports = space.supports();
  const auto count = random.below(4);
  for (std::uint64_t i = 0; i < count; ++i) {
    Rule rule;
    rule.name = "rule " + std::to_string(i);
    const auto kind = random.below(11);
    if (kind == 0 && !pool.empty()) {
      rule.what = AllowElements{some(random, pool, 1)};
    } else if (kind == 1 && !pool.empty()) {
      auto few = some(random, pool, 1);
      few.resize(std::min<std::size_t>(few.size(), 2));
      rule.what = ForbidElements{few};
    } else if (kind == 2 && pool.size() >= 2) {
      auto few = some(random, pool, 2);
      few.resize(2);
      rule.what = ForbidTogether{few};
    } else if (kind == 3 && !pool.empty()) {
      rule.what = RequireTogether{some(random, pool, 1), some(random, pool, 1)};
    } else if (kind == 4) {
      const int low = static_cast<int>(random.below(2));
      rule.what = GroupLimit{random.below(3) == 0 ? std::vector<int>{} : some(random, pool, 0), low,
                             low + static_cast<int>(random.below(2))};
      if (std::get<GroupLimit>(rule.what).elements.empty()) {
        std::get<GroupLimit>(rule.what).at_most += 1;
      }
    } else if (kind == 5 && !pool.empty()) {
      rule.what = AmountLimit{some(random, pool, 1), 0.0, 0.25 * (1.0 + draw(random, 4)),
                              random.below(2) == 0};
    } else if (kind == 6) {
      rule.what = TotalLimit{0.5 * draw(random, 3), 2.0 + draw(random, 3)};
    } else if (kind == 7 && !all_supports.empty()) {
      rule.what = ForbidSupports{{all_supports[random.below(all_supports.size())].name}};
    } else if (kind == 8 && !all_supports.empty() && !pool.empty()) {
      rule.what = ForbidOnSupport{some(random, pool, 1),
                                  {all_supports[random.below(all_supports.size())].name}};
    } else if (kind == 9) {
      const double low = 1.0 + 0.5 * draw(random, 3);
      rule.what = ChargeLimit{{{25, 2.0 + draw(random, 3)}}, low, low + 2.0, random.below(2) == 0};
      if (std::get<ChargeLimit>(rule.what).oxygen) std::get<ChargeLimit>(rule.what).at_least = 0.5;
    } else if (kind == 10) {
      MaterialLimit limit;
      limit.materials.sample_gram = 2.0;
      limit.materials.weighable_gram = 0.002 * draw(random, 30);
      limit.materials.elements[74].gram_per_mole = 300.0;
      rule.what = limit;
    } else {
      continue;
    }
    rules.push_back(rule);
  }
  return rules;
}

// The meaning of a rule in plain words, for comparison.
inline bool keeps(const Rule& rule, const Candidate& candidate) {
  const chemistry::Composition& active = candidate.catalyst.active;
  const auto has = [&](int element) { return active.amount(element) > 0.0; };
  const auto count = [&](const std::vector<int>& set) {
    return static_cast<int>(std::count_if(set.begin(), set.end(), has));
  };
  const auto listed = [](const auto& list, const auto& item) {
    return std::find(list.begin(), list.end(), item) != list.end();
  };
  if (const auto* r = std::get_if<AllowElements>(&rule.what)) {
    return std::all_of(active.parts().begin(), active.parts().end(),
                       [&](const auto& part) { return listed(r->elements, part.element); });
  }
  if (const auto* r = std::get_if<ForbidElements>(&rule.what)) return count(r->elements) == 0;
  if (const auto* r = std::get_if<ForbidTogether>(&rule.what)) {
    return count(r->elements) < static_cast<int>(r->elements.size());
  }
  if (const auto* r = std::get_if<RequireTogether>(&rule.what)) {
    return count(r->with) == 0 || count(r->needs) > 0;
  }
  if (const auto* r = std::get_if<GroupLimit>(&rule.what)) {
    const int n =
        r->elements.empty() ? static_cast<int>(active.parts().size()) : count(r->elements);
    return n >= r->at_least && n <= r->at_most;
  }
  if (const auto* r = std::get_if<AmountLimit>(&rule.what)) {
    for (const auto& part : active.parts()) {
      if (!listed(r->elements, part.element)) continue;
      const double amount = r->share ? part.amount / active.total() : part.amount;
      if (amount < r->at_least - 1e-7 || amount > r->at_most + 1e-7) return false;
    }
    return true;
  }
  if (const auto* r = std::get_if<TotalLimit>(&rule.what)) {
    return active.total() >= r->at_least - 1e-7 && active.total() <= r->at_most + 1e-7;
  }
  if (const auto* r = std::get_if<ForbidSupports>(&rule.what)) {
    return !listed(r->supports, candidate.catalyst.support);
  }
  if (const auto* r = std::get_if<ChargeLimit>(&rule.what)) {
    if (active.parts().empty()) return true;
    // By hand, for the elements of random_part.
    std::map<int, double> charge = {{3, 1}, {11, 1}, {12, 2}, {19, 1}, {25, 4}, {26, 3}, {28, 2}};
    charge[74] = 6;
    for (const auto& [element, value] : r->charges) charge[element] = value;
    double sum = 0.0;
    for (const auto& part : active.parts()) sum += part.amount * charge.at(part.element);
    const double mean = sum / active.total() / (r->oxygen ? 2.0 : 1.0);
    return mean >= r->at_least - 1e-7 && mean <= r->at_most + 1e-7;
  }
  if (const auto* r = std::get_if<MaterialLimit>(&rule.what)) {
    // mmol per gram, two grams a sample; tungsten is weighed as 300 g for a mole of it.
    const std::map<int, double> gram = {{3, 6.941},   {11, 22.98977}, {12, 24.305}, {19, 39.0983},
                                        {25, 54.938}, {26, 55.845},   {28, 58.693}, {74, 300.0}};
    const double least = r->materials.weighable_gram;
    const bool support_too_light = !candidate.catalyst.support.empty() && least > 2.0;
    return !support_too_light &&
           std::all_of(active.parts().begin(), active.parts().end(), [&](const auto& part) {
             return 2.0 * part.amount / 1000.0 * gram.at(part.element) >= least * (1.0 - 1e-4);
           });
  }
  const auto& r = std::get<ForbidOnSupport>(rule.what);
  return count(r.elements) == 0 || !listed(r.supports, candidate.catalyst.support);
}

// A made-up surface over composition and support, with coordinates that are easy to recompute.
class ToySurrogate : public Surrogate {
 public:
  explicit ToySurrogate(bool predicts = true) : predicts_(predicts) {}

  std::string name() const override { return "toy"; }
  int dimensions() const override { return 3; }
  bool predicts() const override { return predicts_; }
  Status evaluate(std::span<const Candidate> candidates, Evaluation& out) const override {
    out.resize(static_cast<Eigen::Index>(candidates.size()), dimensions());
    for (std::size_t i = 0; i < candidates.size(); ++i) {
      const auto row = static_cast<Eigen::Index>(i);
      const auto point = coordinates(candidates[i]);
      for (int j = 0; j < 3; ++j) out.coordinates(row, j) = point[static_cast<std::size_t>(j)];
      const double nan = std::numeric_limits<double>::quiet_NaN();
      const double mean = point[0] + 0.3 * std::sin(5.0 * point[1]) - 0.2 * point[2] * point[2];
      const double width = 0.5 + 0.1 * std::abs(point[1]);
      out.mean[row] = predicts_ ? mean : nan;
      out.low[row] = predicts_ ? mean - width : nan;
      out.high[row] = predicts_ ? mean + width : nan;
      out.novelty[row] = predicts_ ? std::abs(point[2]) : nan;
      out.disagreement[row] = predicts_ ? std::abs(point[0] * point[1]) : nan;
    }
    return {};
  }
  static std::vector<double> coordinates(const Candidate& candidate) {
    std::vector<double> point(3, 0.0);
    for (const auto& part : candidate.catalyst.active.parts()) {
      point[0] += part.amount * std::sin(1.7 * part.element);
      point[1] += part.amount * std::cos(2.3 * part.element);
      point[2] += part.amount * std::sin(0.9 * part.element + 1.0);
    }
    for (const char c : candidate.catalyst.support) point[2] += 0.01 * c;
    for (const double condition : candidate.conditions) point[1] += 1e-3 * condition;
    return point;
  }

 private:
  bool predicts_;
};

}  // namespace kasetsu::planning
