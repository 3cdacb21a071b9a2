// One part of a space, by subset and pattern: see space.h.
#include <algorithm>
#include <array>
#include <cmath>
#include <set>

#include "core/chemistry/element.h"
#include "core/planning/space/counting.h"
#include "core/planning/space/space.h"
#include "core/planning/space/space_parts.h"

namespace kasetsu::planning {
namespace {

using chemistry::Composition;

Status check_elements(const std::vector<int>& elements) {
  if (elements.empty()) return wrong_space("no elements are given", "", "at least one element");
  std::set<int> seen;
  for (const int element : elements) {
    if (element < 1 || element > chemistry::kLastAtomicNumber) {
      return wrong_space("unknown atomic number", std::to_string(element), "1 to 118");
    }
    if (!seen.insert(element).second) {
      return wrong_space("element is listed twice", std::string(chemistry::element_symbol(element)),
                         "each element once");
    }
  }
  return {};
}

Status check_counts(int smallest, int largest, std::size_t elements) {
  if (smallest < 0) {
    return wrong_space("min_elements is negative", std::to_string(smallest), "0 or more");
  }
  if (smallest > largest) {
    return wrong_space("min_elements is larger than max_elements",
                       fmt::format("{} > {}", smallest, largest), "min_elements <= max_elements");
  }
  if (largest > kMostElements) {
    return wrong_space("too many elements in one composition", std::to_string(largest),
                       fmt::format("at most {}", kMostElements));
  }
  if (static_cast<std::size_t>(smallest) > elements) {
    return wrong_space("min_elements is larger than the number of elements",
                       std::to_string(smallest), fmt::format("at most {}", elements));
  }
  return {};
}

}  // namespace

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
    return wrong_space("the space is too large to address", "", "fewer than 2^63 candidates");
  }
  if (size_ == 0) return wrong_space("the space holds no candidate", "", "at least one");
  return {};
}

Result<CompositionFamily> CompositionFamily::make(const Slots& slots) {
  if (slots.slots < 1 || slots.slots > kMostElements) {
    return wrong_space("slots is out of range", std::to_string(slots.slots),
                       fmt::format("1 to {}", kMostElements));
  }
  if (!(slots.amount > 0.0) || !std::isfinite(slots.amount)) {
    return wrong_space("the amount of a slot must be positive", key_number(slots.amount),
                       "above 0");
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
    return wrong_space("steps is out of range", std::to_string(simplex.steps), "1 to 1000");
  }
  if (!(simplex.total > 0.0) || !std::isfinite(simplex.total)) {
    return wrong_space("the total must be positive", key_number(simplex.total), "above 0");
  }
  if (simplex.min_elements < 1) {
    return wrong_space("min_elements of a simplex must be positive",
                       std::to_string(simplex.min_elements), "1 or more");
  }
  if (simplex.min_elements > simplex.steps) {
    return wrong_space("min_elements needs more steps than there are",
                       std::to_string(simplex.min_elements),
                       fmt::format("at most {}", simplex.steps));
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
  if (grid.loadings.empty())
    return wrong_space("no loadings are given", "", "at least one loading");
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
      return wrong_space("a loading must be positive and finite", key_number(loading), "above 0");
    }
    if (i > 0 && same_amount(loading, family.loadings_[i - 1])) {
      return wrong_space("a loading is listed twice", key_number(loading), "each loading once");
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
  KASETSU_ASSERT(patterns_here > 0);  // else first_ would not have grown here
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

}  // namespace kasetsu::planning
