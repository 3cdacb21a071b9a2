// What the rules say of many catalysts at once: of a branch of the search by bounds.
#include <algorithm>

#include "core/planning/space/rules.h"

namespace kasetsu::planning {
namespace {

// Wider than the slack of RuleSet::broken: totals are added up in another order here.
constexpr double kClearly = 1e-8;

bool outside(double x, double low, double high) {
  return x < low * (1.0 - kClearly) || x > high * (1.0 + kClearly);
}

bool listed(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

bool RuleSet::forbids(const PartialCatalyst& partial, const std::string& support) const {
  for (std::size_t i = 0; i < rules_.size(); ++i) {
    if (breaks(i, partial, support)) return true;
  }
  return false;
}

bool RuleSet::breaks(std::size_t i, const PartialCatalyst& partial,
                     const std::string& support) const {
  // How many elements of a set a catalyst holds at least, and at most.
  const auto held = [&](const Mask& set) {
    std::pair<int, int> number{0, 0};
    for (const PartialCatalyst::Group& group : partial.groups) {
      const int inside = (mask_of(*group.elements) & set).count();
      const int others = static_cast<int>(group.elements->size()) - inside;
      number.first += std::max(0, group.count - others);
      number.second += std::min(group.count, inside);
    }
    return number;
  };
  const auto& what = rules_[i].what;
  const Mask& first = first_[i];
  if (std::holds_alternative<AllowElements>(what)) {
    return held({~first.low, ~first.high}).first > 0;
  }
  if (std::holds_alternative<ForbidElements>(what)) return held(first).first > 0;
  if (std::holds_alternative<ForbidTogether>(what)) return held(first).first >= first.count();
  if (std::holds_alternative<RequireTogether>(what)) {
    return held(first).first > 0 && held(second_[i]).second == 0;
  }
  if (const auto* r = std::get_if<GroupLimit>(&what)) {
    const auto [least, most] = held(first);
    return least > r->at_most || most < r->at_least;
  }
  if (const auto* r = std::get_if<AmountLimit>(&what)) {
    const double whole = r->share ? partial.total : 1.0;
    return std::any_of(partial.groups.begin(), partial.groups.end(), [&](const auto& group) {
      const Mask mask = mask_of(*group.elements);
      return (mask & first) == mask && outside(group.amount / whole, r->at_least, r->at_most);
    });
  }
  if (const auto* r = std::get_if<TotalLimit>(&what)) {
    return outside(partial.total, r->at_least, r->at_most);
  }
  if (const auto* r = std::get_if<ForbidSupports>(&what)) return listed(r->supports, support);
  if (const auto* r = std::get_if<ForbidOnSupport>(&what)) {
    return held(first).first > 0 && listed(r->supports, support);
  }
  return false;
}

}  // namespace kasetsu::planning
