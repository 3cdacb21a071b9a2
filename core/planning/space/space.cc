#include "core/planning/space/space.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "core/planning/space/counting.h"
#include "core/planning/space/space_parts.h"

namespace kasetsu::planning {
namespace {

using chemistry::Catalyst;
using chemistry::Composition;

// Bounds on the time that a hostile definition can take: all overlaps of a space together are
// counted within a fraction of a second, and every known catalyst may stand for all condition
// points.
constexpr std::uint64_t kOverlapLimit = 1'000'000;
constexpr std::uint64_t kConditionLimit = 100'000;

Catalyst unrank_local(const CandidateSpace::Part& part, std::uint64_t local) {
  if (!part.family) return part.catalysts[static_cast<std::size_t>(local)];
  const std::uint64_t preparations = part.preparations.size();
  const std::uint64_t supports = part.supports.size();
  Catalyst catalyst;
  catalyst.preparation = part.preparations[static_cast<std::size_t>(local % preparations)];
  local /= preparations;
  const Support& support = part.supports[static_cast<std::size_t>(local % supports)];
  catalyst.support = support.name;
  catalyst.support_formula = support.formula;
  catalyst.active = part.family->unrank(local / supports);
  return catalyst;
}

std::optional<std::uint64_t> rank_local(const CandidateSpace::Part& part,
                                        const Catalyst& catalyst) {
  if (!part.family) {
    const std::string key = chemistry::canonical_key(catalyst);
    const auto at = std::lower_bound(part.keys.begin(), part.keys.end(), key);
    if (at == part.keys.end() || *at != key) return std::nullopt;
    return static_cast<std::uint64_t>(at - part.keys.begin());
  }
  const auto support = std::find_if(part.supports.begin(), part.supports.end(),
                                    [&](const Support& s) { return s.name == catalyst.support; });
  const auto preparation =
      std::find(part.preparations.begin(), part.preparations.end(), catalyst.preparation);
  if (support == part.supports.end() || preparation == part.preparations.end()) {
    return std::nullopt;
  }
  const auto active = part.family->rank(catalyst.active);
  if (!active) return std::nullopt;
  return (*active * part.supports.size() +
          static_cast<std::uint64_t>(support - part.supports.begin())) *
             part.preparations.size() +
         static_cast<std::uint64_t>(preparation - part.preparations.begin());
}

}  // namespace

std::string candidate_key(const Candidate& candidate,
                          const std::vector<ConditionLevels>& conditions) {
  std::string key = chemistry::canonical_key(candidate.catalyst);
  for (std::size_t i = 0; i < candidate.conditions.size() && i < conditions.size(); ++i) {
    key += i == 0 ? '@' : ';';
    key += conditions[i].name + '=' + key_number(candidate.conditions[i]);
  }
  return key;
}

namespace {

Status check_conditions(const std::vector<ConditionLevels>& conditions) {
  std::set<std::string> names;
  for (const ConditionLevels& condition : conditions) {
    if (condition.name.empty() || !names.insert(condition.name).second) {
      return wrong_space("a condition has no name of its own", condition.name, "distinct names");
    }
    if (condition.levels.empty()) {
      return wrong_space("a condition has no levels", condition.name, "at least one number");
    }
    std::set<std::string> levels;
    for (const double level : condition.levels) {
      if (!std::isfinite(level) || !levels.insert(key_number(level)).second) {
        return wrong_space(
            fmt::format("levels of condition {} must be distinct numbers", condition.name),
            key_number(level), "each level once");
      }
    }
  }
  return {};
}

Result<CandidateSpace::Part> part_of_list(const SpacePart& given, const CatalystList& list) {
  if (!given.supports.empty() || !given.preparations.empty()) {
    return wrong_space("a list carries its own supports and preparations", "",
                       "no supports and no preparations beside a list");
  }
  if (list.catalysts.empty()) return wrong_space("the list is empty", "", "at least one catalyst");
  std::map<std::string, const Catalyst*> by_key;
  for (const Catalyst& catalyst : list.catalysts)
    by_key.emplace(chemistry::canonical_key(catalyst), &catalyst);
  CandidateSpace::Part part;
  for (const auto& [key, catalyst] : by_key) {
    part.keys.push_back(key);
    part.catalysts.push_back(*catalyst);
  }
  part.size = part.catalysts.size();
  return part;
}

Result<CandidateSpace::Part> part_of_family(const SpacePart& given) {
  Result<CompositionFamily> family = std::visit(
      [](const auto& kind) -> Result<CompositionFamily> {
        if constexpr (std::is_same_v<std::decay_t<decltype(kind)>, CatalystList>) {
          return Error{};
        } else {
          return CompositionFamily::make(kind);
        }
      },
      given.actives);
  if (!family) return family.error();
  CandidateSpace::Part part;
  part.family = std::move(family).value();
  part.supports = given.supports;
  if (part.supports.empty()) part.supports.push_back({});
  part.preparations = given.preparations;
  if (part.preparations.empty()) part.preparations.push_back({});
  std::set<std::string> seen;
  for (const Support& support : part.supports) {
    if (!seen.insert(support.name).second)
      return wrong_space("support is listed twice", support.name, "each support once");
  }
  seen.clear();
  for (const std::string& preparation : part.preparations) {
    if (!seen.insert(preparation).second)
      return wrong_space("preparation is listed twice", preparation, "each preparation once");
  }
  part.size = times(times(part.family->size(), part.supports.size()), part.preparations.size());
  return part;
}

Error too_much_overlap() {
  return wrong_space("the parts of the space overlap too much to be counted", "",
                     "fewer parts, parts that differ in supports or preparations, or parts whose "
                     "smaller ones have fewer than a million candidates together");
}

// Supports with preparations that a part holds.
struct OverlapReach {
  std::set<std::string> supports;                       // of a family, with each of
  std::set<std::string> preparations;                   // these
  std::set<std::pair<std::string, std::string>> pairs;  // of a list
};

OverlapReach reach_of(const CandidateSpace::Part& part) {
  OverlapReach reach;
  if (part.family) {
    for (const Support& support : part.supports) reach.supports.insert(support.name);
    reach.preparations.insert(part.preparations.begin(), part.preparations.end());
  }
  for (const Catalyst& catalyst : part.catalysts) {
    reach.pairs.emplace(catalyst.support, catalyst.preparation);
  }
  return reach;
}

// `walked` counts the looks.
template <typename Set, typename Holds>
bool any_of_these(const Set& set, std::uint64_t& walked, Holds holds) {
  return std::any_of(set.begin(), set.end(), [&](const auto& one) {
    ++walked;
    return holds(one);
  });
}

bool meet(const OverlapReach& a, const OverlapReach& b, std::uint64_t& walked) {
  const auto holds = [](const OverlapReach& reach, const auto& pair) {
    return reach.pairs.count(pair) > 0 ||
           (reach.supports.count(pair.first) > 0 && reach.preparations.count(pair.second) > 0);
  };
  if (!a.pairs.empty() && (b.pairs.empty() || a.pairs.size() <= b.pairs.size())) {
    return any_of_these(a.pairs, walked, [&](const auto& pair) { return holds(b, pair); });
  }
  if (!b.pairs.empty()) return meet(b, a, walked);
  return any_of_these(a.supports, walked,
                      [&](const auto& name) { return b.supports.count(name) > 0; }) &&
         any_of_these(a.preparations, walked,
                      [&](const auto& name) { return b.preparations.count(name) > 0; });
}

// Which of a part's candidates the earlier parts hold: goes through the smaller one. `walked`
// counts the candidates and names that all calls have gone through.
Status find_repeats(const std::vector<CandidateSpace::Part>& parts,
                    const std::vector<OverlapReach>& reaches, CandidateSpace::Part& part,
                    std::uint64_t& walked) {
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const CandidateSpace::Part& earlier = parts[i];
    const bool common = meet(reaches[i], reaches.back(), walked);
    if (common) walked = plus(walked, std::min(earlier.size, part.size));
    if (walked > kOverlapLimit) return too_much_overlap();
    if (!common) continue;
    if (part.size <= earlier.size) {
      for (std::uint64_t local = 0; local < part.size; ++local) {
        if (rank_local(earlier, unrank_local(part, local))) part.repeats.push_back(local);
      }
    } else {
      for (std::uint64_t local = 0; local < earlier.size; ++local) {
        if (const auto here = rank_local(part, unrank_local(earlier, local)))
          part.repeats.push_back(*here);
      }
    }
  }
  std::sort(part.repeats.begin(), part.repeats.end());
  part.repeats.erase(std::unique(part.repeats.begin(), part.repeats.end()), part.repeats.end());
  return {};
}

}  // namespace

Result<CandidateSpace> CandidateSpace::make(SpaceDefinition definition) {
  const auto too_large = [] {
    return wrong_space("the space is too large to address", "", "fewer than 2^63 candidates");
  };
  CandidateSpace space;
  if (definition.parts.empty())
    return wrong_space("the space has no part", "", "at least one part");
  if (Status status = check_conditions(definition.conditions); !status) return status.error();
  for (const ConditionLevels& condition : definition.conditions)
    space.condition_points_ = times(space.condition_points_, condition.levels.size());
  if (space.condition_points_ > kConditionLimit) {
    return wrong_space("the conditions have too many combinations",
                       std::to_string(space.condition_points_), "at most 100000: fewer levels");
  }
  std::uint64_t walked = 0;  // to count overlaps
  std::vector<OverlapReach> reaches;
  space.first_.push_back(0);
  for (const SpacePart& given : definition.parts) {
    const auto* list = std::get_if<CatalystList>(&given.actives);
    Result<Part> part = list != nullptr ? part_of_list(given, *list) : part_of_family(given);
    if (!part) return part.error();
    if (part->size >= kLargestSpace) return too_large();
    reaches.push_back(reach_of(*part));
    if (Status status = find_repeats(space.parts_, reaches, *part, walked); !status) {
      return status.error();
    }
    space.first_.push_back(plus(space.first_.back(), part->size - part->repeats.size()));
    space.parts_.push_back(std::move(*part));
  }
  space.size_ = times(space.first_.back(), space.condition_points_);
  if (space.size_ >= kLargestSpace) return too_large();
  space.definition_ = std::move(definition);
  return space;
}

std::vector<double> CandidateSpace::condition_values(std::uint64_t condition) const {
  std::vector<double> values(definition_.conditions.size());
  for (std::size_t i = definition_.conditions.size(); i-- > 0;) {
    const std::vector<double>& levels = definition_.conditions[i].levels;
    values[i] = levels[static_cast<std::size_t>(condition % levels.size())];
    condition /= levels.size();
  }
  return values;
}

std::optional<std::uint64_t> CandidateSpace::index_of(std::size_t which, std::uint64_t local,
                                                      std::uint64_t condition) const {
  const std::vector<std::uint64_t>& repeats = parts_[which].repeats;
  const auto at = std::lower_bound(repeats.begin(), repeats.end(), local);
  if (at != repeats.end() && *at == local) return std::nullopt;
  const auto before = static_cast<std::uint64_t>(at - repeats.begin());
  return (first_[which] + local - before) * condition_points_ + condition;
}

std::uint64_t CandidateSpace::least_index(std::size_t which, std::uint64_t local) const {
  const std::vector<std::uint64_t>& repeats = parts_[which].repeats;
  const auto before = std::lower_bound(repeats.begin(), repeats.end(), local) - repeats.begin();
  return (first_[which] + local - static_cast<std::uint64_t>(before)) * condition_points_;
}

CandidateSpace::Place CandidateSpace::place_of(std::uint64_t index) const {
  KASETSU_ASSERT(index < size_);
  const std::uint64_t condition = index % condition_points_;
  index /= condition_points_;
  const auto after = std::upper_bound(first_.begin(), first_.end(), index);
  const auto which = static_cast<std::size_t>(after - first_.begin()) - 1;
  const Part& part = parts_[which];
  std::uint64_t local = index - first_[which];
  // The local-th index that is no repeat: add the repeats that lie before it.
  std::size_t low = 0;
  std::size_t high = part.repeats.size();
  while (low < high) {
    const std::size_t middle = (low + high) / 2;
    if (part.repeats[middle] - middle <= local) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return {which, local + low, condition};
}

Candidate CandidateSpace::unrank(std::uint64_t index) const {
  const Place place = place_of(index);
  return {unrank_local(parts_[place.part], place.local), condition_values(place.condition)};
}

std::optional<std::uint64_t> CandidateSpace::rank(const Candidate& candidate) const {
  if (candidate.conditions.size() != definition_.conditions.size()) return std::nullopt;
  std::uint64_t condition = 0;
  for (std::size_t i = 0; i < definition_.conditions.size(); ++i) {
    const std::vector<double>& levels = definition_.conditions[i].levels;
    const auto level = std::find_if(levels.begin(), levels.end(), [&](double x) {
      return x == candidate.conditions[i] || same_amount(x, candidate.conditions[i]);
    });
    if (level == levels.end()) return std::nullopt;
    condition = condition * levels.size() + static_cast<std::uint64_t>(level - levels.begin());
  }
  for (std::size_t which = 0; which < parts_.size(); ++which) {
    const Part& part = parts_[which];
    const auto local = rank_local(part, candidate.catalyst);
    if (!local) continue;
    const auto before = static_cast<std::uint64_t>(
        std::lower_bound(part.repeats.begin(), part.repeats.end(), *local) - part.repeats.begin());
    return (first_[which] + *local - before) * condition_points_ + condition;
  }
  return std::nullopt;
}

std::vector<int> CandidateSpace::elements() const {
  std::set<int> elements;
  for (const Part& part : parts_) {
    if (part.family) {
      if (part.family->largest() > 0) {
        elements.insert(part.family->elements().begin(), part.family->elements().end());
      }
    } else {
      for (const Catalyst& catalyst : part.catalysts) {
        for (const auto& p : catalyst.active.parts()) elements.insert(p.element);
      }
    }
  }
  return {elements.begin(), elements.end()};
}

std::vector<Support> CandidateSpace::supports() const {
  std::vector<Support> supports;
  std::set<std::string> seen;
  const auto add = [&](const std::string& name, const Composition& formula) {
    if (!name.empty() && seen.insert(name).second) supports.push_back({name, formula});
  };
  for (const Part& part : parts_) {
    if (part.family) {
      for (const Support& support : part.supports) add(support.name, support.formula);
    } else {
      for (const Catalyst& catalyst : part.catalysts) {
        add(catalyst.support, catalyst.support_formula);
      }
    }
  }
  return supports;
}

}  // namespace kasetsu::planning
