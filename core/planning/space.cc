#include "core/planning/space.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <set>

#include "core/chemistry/element.h"
#include "core/planning/counting.h"

namespace kasetsu::planning {
namespace {

using chemistry::Catalyst;
using chemistry::Composition;

constexpr std::uint64_t kOverlapLimit = 50'000'000;
constexpr double kSameAmount = 1e-6;

bool same_amount(double a, double b) {
  return std::abs(a - b) <= kSameAmount * std::max(std::abs(a), std::abs(b));
}

Error wrong(std::string message, std::string value, std::string expected) {
  return Error{ErrorCode::invalid_argument, std::move(message), "space", std::move(value),
               std::move(expected)};
}

Status check_elements(const std::vector<int>& elements) {
  if (elements.empty()) return wrong("no elements are given", "", "at least one element");
  std::set<int> seen;
  for (const int element : elements) {
    if (element < 1 || element > chemistry::kLastAtomicNumber) {
      return wrong("unknown atomic number", std::to_string(element), "1 to 118");
    }
    if (!seen.insert(element).second) {
      return wrong("element is listed twice", std::string(chemistry::element_symbol(element)),
                   "each element once");
    }
  }
  return {};
}

Status check_counts(int smallest, int largest, std::size_t elements) {
  if (smallest < 0) {
    return wrong("min_elements is negative", std::to_string(smallest), "0 or more");
  }
  if (smallest > largest) {
    return wrong("min_elements is larger than max_elements",
                 fmt::format("{} > {}", smallest, largest), "min_elements <= max_elements");
  }
  if (largest > kMostElements) {
    return wrong("too many elements in one composition", std::to_string(largest),
                 fmt::format("at most {}", kMostElements));
  }
  if (static_cast<std::size_t>(smallest) > elements) {
    return wrong("min_elements is larger than the number of elements", std::to_string(smallest),
                 fmt::format("at most {}", elements));
  }
  return {};
}

std::string key_number(double value) {
  return fmt::format("{:.9g}", value);
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

Status CompositionFamily::finish() {
  if (Status status = check_elements(elements_); !status) return status;
  if (Status status = check_counts(smallest_, largest_, elements_.size()); !status) return status;
  std::sort(elements_.begin(), elements_.end());
  largest_ = std::min(largest_, static_cast<int>(elements_.size()));
  position_of_.assign(chemistry::kLastAtomicNumber + 1, -1);
  for (std::size_t i = 0; i < elements_.size(); ++i) {
    position_of_[static_cast<std::size_t>(elements_[i])] = static_cast<int>(i);
  }
  first_.clear();
  size_ = 0;
  for (int count = smallest_; count <= largest_; ++count) {
    first_.push_back(size_);
    size_ = plus(size_, times(subsets(count), patterns(count)));
  }
  first_.push_back(size_);
  if (size_ >= kLargestSpace) {
    return wrong("the space is too large to address", "", "fewer than 2^63 candidates");
  }
  if (size_ == 0) return wrong("the space holds no candidate", "", "at least one");
  return {};
}

Result<CompositionFamily> CompositionFamily::make(const Slots& slots) {
  if (slots.slots < 1 || slots.slots > kMostElements) {
    return wrong("slots is out of range", std::to_string(slots.slots),
                 fmt::format("1 to {}", kMostElements));
  }
  if (!(slots.amount > 0.0) || !std::isfinite(slots.amount)) {
    return wrong("the amount of a slot must be positive", key_number(slots.amount), "above 0");
  }
  CompositionFamily family;
  family.elements_ = slots.elements;
  family.steps_ = slots.slots;
  family.unit_ = slots.amount;
  if (slots.repetition) {
    family.kind_ = slots.none ? Kind::slots_up_to : Kind::slots_exactly;
    family.smallest_ = slots.none ? 0 : 1;
  } else {
    family.kind_ = Kind::ones;
    family.smallest_ = slots.none ? 0 : slots.slots;
  }
  family.largest_ = slots.slots;
  if (Status status = family.finish(); !status) return status.error();
  return family;
}

Result<CompositionFamily> CompositionFamily::make(const Simplex& simplex) {
  if (simplex.steps < 1 || simplex.steps > 1000) {
    return wrong("steps is out of range", std::to_string(simplex.steps), "1 to 1000");
  }
  if (!(simplex.total > 0.0) || !std::isfinite(simplex.total)) {
    return wrong("the total must be positive", key_number(simplex.total), "above 0");
  }
  if (simplex.min_elements < 1) {
    return wrong("min_elements of a simplex must be positive", std::to_string(simplex.min_elements),
                 "1 or more");
  }
  if (simplex.min_elements > simplex.steps) {
    return wrong("min_elements needs more steps than there are",
                 std::to_string(simplex.min_elements), fmt::format("at most {}", simplex.steps));
  }
  CompositionFamily family;
  family.kind_ = Kind::simplex;
  family.elements_ = simplex.elements;
  family.smallest_ = simplex.min_elements;
  family.largest_ = std::min(simplex.max_elements, std::max(simplex.steps, simplex.min_elements));
  if (simplex.max_elements < simplex.min_elements) family.largest_ = simplex.max_elements;
  family.steps_ = simplex.steps;
  family.unit_ = simplex.total;
  if (Status status = family.finish(); !status) return status.error();
  return family;
}

Result<CompositionFamily> CompositionFamily::make(const LoadingGrid& grid) {
  if (grid.loadings.empty()) return wrong("no loadings are given", "", "at least one loading");
  CompositionFamily family;
  family.kind_ = Kind::grid;
  family.elements_ = grid.elements;
  family.smallest_ = grid.min_elements;
  family.largest_ = grid.max_elements;
  family.loadings_ = grid.loadings;
  std::sort(family.loadings_.begin(), family.loadings_.end());
  for (std::size_t i = 0; i < family.loadings_.size(); ++i) {
    const double loading = family.loadings_[i];
    if (!(loading > 0.0) || !std::isfinite(loading)) {
      return wrong("a loading must be positive and finite", key_number(loading), "above 0");
    }
    if (i > 0 && same_amount(loading, family.loadings_[i - 1])) {
      return wrong("a loading is listed twice", key_number(loading), "each loading once");
    }
  }
  if (Status status = family.finish(); !status) return status.error();
  return family;
}

std::uint64_t CompositionFamily::subsets(int count) const {
  return binomial(static_cast<int>(elements_.size()), count);
}

std::uint64_t CompositionFamily::patterns(int count) const {
  switch (kind_) {
    case Kind::slots_up_to:
      return binomial(steps_, count);  // compositions of steps_ + 1 into count + 1 parts
    case Kind::slots_exactly:
    case Kind::simplex:
      return count == 0 ? 0 : binomial(steps_ - 1, count - 1);
    case Kind::ones:
      return 1;
    case Kind::grid:
      return power(loadings_.size(), count);
  }
  return 0;
}

std::uint64_t CompositionFamily::first(int count) const {
  KASETSU_ASSERT(count >= smallest_ && count <= largest_ + 1);
  return first_[static_cast<std::size_t>(count - smallest_)];
}

CompositionFamily::Ranges CompositionFamily::ranges(int count) const {
  Ranges r{};
  const double others = count - 1;
  switch (kind_) {
    case Kind::slots_up_to:
    case Kind::slots_exactly:
      r.amount_low = unit_;
      r.amount_high = unit_ * (steps_ - count + 1);
      r.total_low = unit_ * (kind_ == Kind::slots_exactly ? steps_ : count);
      r.total_high = unit_ * steps_;
      break;
    case Kind::ones:
      r.amount_low = r.amount_high = unit_;
      r.total_low = r.total_high = unit_ * count;
      break;
    case Kind::simplex:
      r.amount_low = unit_ / steps_;
      r.amount_high = unit_ * (steps_ - count + 1) / steps_;
      r.total_low = r.total_high = unit_;
      break;
    case Kind::grid:
      r.amount_low = loadings_.front();
      r.amount_high = loadings_.back();
      r.total_low = loadings_.front() * count;
      r.total_high = loadings_.back() * count;
      break;
  }
  // Smallest share: its own amount least, the others most; with a bounded sum the others get the
  // rest.
  const double most_others = std::min(others * r.amount_high, r.total_high - r.amount_low);
  const double least_others = std::max(others * r.amount_low, r.total_low - r.amount_high);
  r.share_low = count > 1 ? r.amount_low / (r.amount_low + most_others) : 1.0;
  r.share_high = count > 1 ? r.amount_high / (r.amount_high + least_others) : 1.0;
  return r;
}

void CompositionFamily::subset(int count, std::uint64_t rank, int* positions) const {
  unrank_subset(rank, count, static_cast<int>(elements_.size()), positions);
}

void CompositionFamily::pattern(int count, std::uint64_t rank, double* amounts) const {
  std::array<int, kMostElements + 1> parts{};
  switch (kind_) {
    case Kind::slots_up_to:
      // The last part of steps_ + 1, less one, is the number of empty slots.
      parts_of_sum(rank, count + 1, steps_ + 1, parts.data());
      for (int i = 0; i < count; ++i) amounts[i] = parts[i] * unit_;
      return;
    case Kind::slots_exactly:
      parts_of_sum(rank, count, steps_, parts.data());
      for (int i = 0; i < count; ++i) amounts[i] = parts[i] * unit_;
      return;
    case Kind::simplex:
      parts_of_sum(rank, count, steps_, parts.data());
      for (int i = 0; i < count; ++i) amounts[i] = parts[i] * unit_ / steps_;
      return;
    case Kind::ones:
      for (int i = 0; i < count; ++i) amounts[i] = unit_;
      return;
    case Kind::grid:
      for (int i = 0; i < count; ++i) {
        amounts[i] = loadings_[rank % loadings_.size()];
        rank /= loadings_.size();
      }
      return;
  }
}

Composition CompositionFamily::unrank(std::uint64_t index) const {
  KASETSU_ASSERT(index < size_);
  int count = smallest_;
  while (index >= first_[static_cast<std::size_t>(count - smallest_) + 1]) ++count;
  index -= first_[static_cast<std::size_t>(count - smallest_)];
  const std::uint64_t patterns_here = patterns(count);
  std::array<int, kMostElements> positions{};
  std::array<double, kMostElements> amounts{};
  subset(count, index / patterns_here, positions.data());
  pattern(count, index % patterns_here, amounts.data());
  Composition composition;
  for (int i = 0; i < count; ++i) {
    composition.add(elements_[static_cast<std::size_t>(positions[i])], amounts[i]);
  }
  return composition;
}

std::optional<std::uint64_t> CompositionFamily::rank(const Composition& composition) const {
  const auto& given = composition.parts();
  const int count = static_cast<int>(given.size());
  if (count < smallest_ || count > largest_) return std::nullopt;
  std::array<int, kMostElements> positions{};
  std::array<int, kMostElements + 1> parts{};
  // Parts come by atomic number and elements_ is sorted, so positions ascend.
  int total = 0;
  std::uint64_t grid_rank = 0;
  std::uint64_t digit = 1;
  for (int i = 0; i < count; ++i) {
    const auto& part = given[static_cast<std::size_t>(i)];
    positions[i] = position_of_[static_cast<std::size_t>(part.element)];
    if (positions[i] < 0) return std::nullopt;
    if (kind_ == Kind::grid) {
      std::size_t at = 0;
      while (at < loadings_.size() && !same_amount(loadings_[at], part.amount)) ++at;
      if (at == loadings_.size()) return std::nullopt;
      grid_rank += digit * at;
      digit *= loadings_.size();
    } else {
      const double step = kind_ == Kind::simplex ? unit_ / steps_ : unit_;
      const double whole = std::round(part.amount / step);
      if (whole < 1.0 || whole > steps_ || !same_amount(whole * step, part.amount)) {
        return std::nullopt;
      }
      parts[i] = static_cast<int>(whole);
      total += parts[i];
    }
  }
  std::uint64_t pattern_rank = 0;
  switch (kind_) {
    case Kind::slots_up_to:
      if (total > steps_) return std::nullopt;
      parts[count] = steps_ + 1 - total;
      pattern_rank = rank_of_parts(parts.data(), count + 1);
      break;
    case Kind::slots_exactly:
    case Kind::simplex:
      if (total != steps_) return std::nullopt;
      pattern_rank = rank_of_parts(parts.data(), count);
      break;
    case Kind::ones:
      if (total != count) return std::nullopt;
      break;
    case Kind::grid:
      pattern_rank = grid_rank;
      break;
  }
  return first(count) + rank_subset(positions.data(), count) * patterns(count) + pattern_rank;
}

namespace {

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

bool share_support(const CandidateSpace::Part& a, const CandidateSpace::Part& b) {
  const auto told = [](const CandidateSpace::Part& part) {
    std::set<std::pair<std::string, std::string>> pairs;
    if (part.family) {
      for (const Support& support : part.supports) {
        for (const std::string& preparation : part.preparations) {
          pairs.emplace(support.name, preparation);
        }
      }
    } else {
      for (const Catalyst& catalyst : part.catalysts) {
        pairs.emplace(catalyst.support, catalyst.preparation);
      }
    }
    return pairs;
  };
  const auto of_a = told(a);
  const auto of_b = told(b);
  return std::any_of(of_a.begin(), of_a.end(),
                     [&](const auto& pair) { return of_b.count(pair) > 0; });
}

}  // namespace

Result<CandidateSpace> CandidateSpace::make(SpaceDefinition definition) {
  CandidateSpace space;
  if (definition.parts.empty()) return wrong("the space has no part", "", "at least one part");
  std::set<std::string> names;
  for (const ConditionLevels& condition : definition.conditions) {
    if (condition.name.empty() || !names.insert(condition.name).second) {
      return wrong("a condition has no name of its own", condition.name, "distinct names");
    }
    if (condition.levels.empty()) {
      return wrong("a condition has no levels", condition.name, "at least one number");
    }
    std::set<std::string> levels;
    for (const double level : condition.levels) {
      if (!std::isfinite(level) || !levels.insert(key_number(level)).second) {
        return wrong(fmt::format("levels of condition {} must be distinct numbers", condition.name),
                     key_number(level), "each level once");
      }
    }
    space.condition_points_ = times(space.condition_points_, condition.levels.size());
  }

  space.first_.push_back(0);
  for (const SpacePart& given : definition.parts) {
    Part part;
    if (const auto* list = std::get_if<CatalystList>(&given.actives)) {
      if (!given.supports.empty() || !given.preparations.empty()) {
        return wrong("a list carries its own supports and preparations", "",
                     "no supports and no preparations beside a list");
      }
      if (list->catalysts.empty()) return wrong("the list is empty", "", "at least one catalyst");
      std::map<std::string, const Catalyst*> by_key;
      for (const Catalyst& catalyst : list->catalysts) {
        by_key.emplace(chemistry::canonical_key(catalyst), &catalyst);
      }
      for (const auto& [key, catalyst] : by_key) {
        part.keys.push_back(key);
        part.catalysts.push_back(*catalyst);
      }
      part.size = part.catalysts.size();
    } else {
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
      part.family = std::move(family).value();
      part.supports = given.supports;
      if (part.supports.empty()) part.supports.push_back({});
      part.preparations = given.preparations;
      if (part.preparations.empty()) part.preparations.push_back({});
      std::set<std::string> seen;
      for (const Support& support : part.supports) {
        if (!seen.insert(support.name).second) {
          return wrong("support is listed twice", support.name, "each support once");
        }
      }
      seen.clear();
      for (const std::string& preparation : part.preparations) {
        if (!seen.insert(preparation).second) {
          return wrong("preparation is listed twice", preparation, "each preparation once");
        }
      }
      part.size = times(times(part.family->size(), part.supports.size()), part.preparations.size());
    }
    if (part.size >= kLargestSpace) {
      return wrong("the space is too large to address", "", "fewer than 2^63 candidates");
    }
    for (const Part& earlier : space.parts_) {
      if (!share_support(earlier, part)) continue;
      if (std::min(earlier.size, part.size) > kOverlapLimit) {
        return wrong("the overlap of two parts of the space is too large to count", "",
                     "parts told apart by supports or preparations, or one part below 50 million");
      }
      // Walk through the smaller one.
      if (part.size <= earlier.size) {
        for (std::uint64_t local = 0; local < part.size; ++local) {
          if (rank_local(earlier, unrank_local(part, local))) part.repeats.push_back(local);
        }
      } else {
        for (std::uint64_t local = 0; local < earlier.size; ++local) {
          if (const auto here = rank_local(part, unrank_local(earlier, local))) {
            part.repeats.push_back(*here);
          }
        }
      }
    }
    std::sort(part.repeats.begin(), part.repeats.end());
    part.repeats.erase(std::unique(part.repeats.begin(), part.repeats.end()), part.repeats.end());
    space.first_.push_back(plus(space.first_.back(), part.size - part.repeats.size()));
    space.parts_.push_back(std::move(part));
  }
  space.size_ = times(space.first_.back(), space.condition_points_);
  if (space.size_ >= kLargestSpace) {
    return wrong("the space is too large to address", "", "fewer than 2^63 candidates");
  }
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

Candidate CandidateSpace::unrank(std::uint64_t index) const {
  KASETSU_ASSERT(index < size_);
  Candidate candidate;
  candidate.conditions = condition_values(index % condition_points_);
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
  candidate.catalyst = unrank_local(part, local + low);
  return candidate;
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
