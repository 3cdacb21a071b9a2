// What a campaign does not want to make: rules over candidates, each of which can say how many
// candidates it removes and why a given one is out.
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "core/base/control.h"
#include "core/base/executor.h"
#include "core/base/result.h"
#include "core/planning/space/materials.h"
#include "core/planning/space/space.h"

namespace kasetsu::planning {

// Only these elements may be active.
struct AllowElements {
  std::vector<int> elements;
};
// None of these elements may be active.
struct ForbidElements {
  std::vector<int> elements;
};
// All of these in one catalyst are forbidden.
struct ForbidTogether {
  std::vector<int> elements;  // two or more
};
// A catalyst that holds any of `with` must hold at least one of `needs`.
struct RequireTogether {
  std::vector<int> with;
  std::vector<int> needs;
};
// The number of distinct elements of this set lies between the limits. An empty set means all
// elements: a limit of the number of distinct active elements.
struct GroupLimit {
  std::vector<int> elements;
  int at_least = 0;
  int at_most = std::numeric_limits<int>::max();
};
// The amount of each of these elements, where it is present, lies between the limits; `share`: of
// the total, from 0 to 1.
struct AmountLimit {
  std::vector<int> elements;
  double at_least = 0.0;
  double at_most = std::numeric_limits<double>::infinity();
  bool share = false;
};
// The sum of all amounts lies between the limits.
struct TotalLimit {
  double at_least = 0.0;
  double at_most = std::numeric_limits<double>::infinity();
};
struct ForbidSupports {
  std::vector<std::string> supports;
};
// None of these elements on any of these supports.
struct ForbidOnSupport {
  std::vector<int> elements;
  std::vector<std::string> supports;
};

// The mean charge of the active elements in their oxides lies between the limits. In oxygen: half
// of it is the number of oxygen atoms for each.
struct ChargeLimit {
  std::map<int, double> charges;  // other than chemistry::oxide_charge
  double at_least = -std::numeric_limits<double>::infinity();
  double at_most = std::numeric_limits<double>::infinity();
  bool oxygen = false;  // the limits are of oxygen atoms for each active one
};
// A sample can be weighed out, is in stock, or costs no more than it may.
struct MaterialLimit {
  enum class What { weighable, stock, price };
  What what = What::weighable;
  Materials materials;
};

struct Rule {
  std::string name;  // as the campaign file calls it: "no lead", "rules[2]"
  std::variant<AllowElements, ForbidElements, ForbidTogether, RequireTogether, GroupLimit,
               AmountLimit, TotalLimit, ForbidSupports, ForbidOnSupport, ChargeLimit, MaterialLimit>
      what;
};

// The rules that materials imply, by name: "weighable mass", "stock", "price of a sample", and one
// for the elements and one for the supports of each forbidden hazard class.
std::vector<Rule> material_rules(const Materials& materials);

struct RuleCount {
  std::string name;
  std::uint64_t removed = 0;  // candidates that this rule forbids, whatever the others say
  bool estimated = false;     // from a sample of the space
};

struct RuleCounts {
  std::vector<RuleCount> rules;
  std::uint64_t allowed = 0;  // candidates that no rule forbids
  std::uint64_t size = 0;     // of the space
  bool estimated = false;
};

// Many catalysts at once: from each group so many elements, each with this amount, on one support.
struct PartialCatalyst {
  struct Group {
    const std::vector<int>* elements;  // atomic numbers
    int count;
    double amount;
  };
  std::vector<Group> groups;
  double total = 0.0;  // of all amounts
};

class RuleSet {
 public:
  RuleSet() = default;  // allows everything

  // invalid_argument names the rule for limits that contradict one another, an element or support
  // that the space does not know, and names the smallest set of rules that together leave no
  // candidate (proven; for spaces above 200,000 candidates only contradictions that can be seen
  // from the rules and the elements alone are found here, the others by the planner).
  static Result<RuleSet> make(std::vector<Rule> rules, const CandidateSpace& space);

  std::size_t size() const { return rules_.size(); }
  bool empty() const { return rules_.empty(); }
  const Rule& rule(std::size_t i) const { return rules_[i]; }

  bool allows(const Candidate& candidate) const;
  // True only where every such catalyst is forbidden. Not every rule is asked: false may also mean
  // that it is not known.
  bool forbids(const PartialCatalyst& partial, const std::string& support) const;
  bool broken(std::size_t rule, const Candidate& candidate) const;
  // One sentence: "rule \"alkali\": holds 3 of Li, Na, K; at most 1 is allowed"; empty where the
  // rule is kept.
  std::string explain(std::size_t rule, const Candidate& candidate) const;
  std::vector<std::string> explain(const Candidate& candidate) const;
  // Limits that it keeps, but is at, one sentence each.
  std::vector<std::string> nearly(const Candidate& candidate) const;

 private:
  // Sets of elements as bits by atomic number.
  struct Mask {
    std::uint64_t low = 0;
    std::uint64_t high = 0;
    int count() const;
    Mask operator&(const Mask& other) const { return {low & other.low, high & other.high}; }
    bool any() const { return (low | high) != 0; }
    bool operator==(const Mask&) const = default;
  };
  static Mask mask_of(const std::vector<int>& elements);
  static Mask mask_of(const chemistry::Composition& composition);
  bool broken(std::size_t rule, const Candidate& candidate, const Mask& mask) const;
  bool breaks(std::size_t rule, const PartialCatalyst& partial, const std::string& support) const;
  static Result<RuleSet> compile(std::vector<Rule> rules);
  Error contradiction(const CandidateSpace& space) const;

  std::vector<Rule> rules_;
  std::vector<Mask> first_;   // of each rule's elements
  std::vector<Mask> second_;  // of RequireTogether's `needs`
};

// Counts by going through the space, or through `budget` candidates spread evenly over a larger one
// (then `estimated`). Errors: cancelled.
Result<RuleCounts> count_rules(const CandidateSpace& space, const RuleSet& rules,
                               const Executor& executor, const Control& control,
                               std::uint64_t budget = 20'000'000);

// Index number `j` of `count` indices spread over 0 ... size - 1, ascending and distinct: one from
// each of `count` equal strata, drawn by `seed`. The same for all indices when count >= size.
std::uint64_t spread_index(std::uint64_t j, std::uint64_t count, std::uint64_t size,
                           std::uint64_t seed);

}  // namespace kasetsu::planning
