#include "core/planning/space/rules.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <set>

#include "core/chemistry/element.h"
#include "core/chemistry/weights.h"

namespace kasetsu::planning {
namespace {

using chemistry::Composition;

constexpr std::uint64_t kProveLimit = 200'000;

template <typename... F>
struct Overloaded : F... {
  using F::operator()...;
};
template <typename... F>
Overloaded(F...) -> Overloaded<F...>;

std::string symbols(const std::vector<int>& elements) {
  std::string text;
  for (const int element : elements) {
    if (!text.empty()) text += ", ";
    text += chemistry::element_symbol(element);
  }
  return text;
}

std::string joined(const std::vector<std::string>& names) {
  return fmt::format("{}", fmt::join(names, ", "));
}

std::string limits(double at_least, double at_most) {
  if (std::isinf(at_most)) return fmt::format("at least {:g}", at_least);
  if (at_least <= 0.0) return fmt::format("at most {:g}", at_most);
  return fmt::format("{:g} to {:g}", at_least, at_most);
}

Error wrong(const Rule& rule, std::string message, std::string value = "",
            std::string expected = "") {
  return Error{ErrorCode::invalid_argument, std::move(message),
               fmt::format("rule \"{}\"", rule.name), std::move(value), std::move(expected)};
}

// How far amounts may lie outside their limits before the rule is broken: shares are quotients.
constexpr double kSlack = 1e-9;

double charge_of(const ChargeLimit& rule, const Composition& active) {
  double sum = 0.0;
  double total = 0.0;
  for (const auto& part : active.parts()) {
    const auto given = rule.charges.find(part.element);
    sum += part.amount * (given != rule.charges.end()
                              ? given->second
                              : static_cast<double>(chemistry::oxide_charge(part.element)));
    total += part.amount;
  }
  return sum / total * (rule.oxygen ? 0.5 : 1.0);
}

// Why a sample cannot be made from the materials; empty: it can.
std::string lacking(const MaterialLimit& rule, const chemistry::Catalyst& catalyst) {
  double price = 0.0;
  for (const Weighing& weighing : weighings(rule.materials, catalyst)) {
    price += weighing.price;
    const auto name = [&] {
      return weighing.element == 0 ? catalyst.support
                                   : std::string(chemistry::element_symbol(weighing.element));
    };
    if (rule.what == MaterialLimit::What::weighable &&
        weighing.gram < weighing.least * (1.0 - kSlack)) {
      return fmt::format("needs {:.3g} mg for {}; {:.3g} mg is the least that can be weighed",
                         1e3 * weighing.gram, name(), 1e3 * weighing.least);
    }
    if (rule.what == MaterialLimit::What::stock && weighing.in_stock &&
        weighing.gram > *weighing.in_stock * (1.0 + kSlack)) {
      return fmt::format("needs {:.3g} g for {}; {:.3g} g is in stock", weighing.gram, name(),
                         *weighing.in_stock);
    }
  }
  if (rule.what == MaterialLimit::What::price && rule.materials.sample_price &&
      price > *rule.materials.sample_price * (1.0 + kSlack)) {
    return fmt::format("a sample costs {:.4g}; {:.4g} is the most", price,
                       *rule.materials.sample_price);
  }
  return {};
}

}  // namespace

int RuleSet::Mask::count() const {
  return std::popcount(low) + std::popcount(high);
}

RuleSet::Mask RuleSet::mask_of(const std::vector<int>& elements) {
  Mask mask;
  for (const int element : elements) {
    (element < 64 ? mask.low : mask.high) |= std::uint64_t{1} << (element % 64);
  }
  return mask;
}

RuleSet::Mask RuleSet::mask_of(const Composition& composition) {
  Mask mask;
  for (const auto& part : composition.parts()) {
    (part.element < 64 ? mask.low : mask.high) |= std::uint64_t{1} << (part.element % 64);
  }
  return mask;
}

namespace {

// What is wrong with a rule by itself.
Status check_rule(const Rule& rule) {
  const auto contradiction = [&](double low, double high, const char* expected) {
    return wrong(rule, "the limits contradict each other", fmt::format("{:g} to {:g}", low, high),
                 expected);
  };
  const auto elements = [&](const std::vector<int>& given) -> Status {
    if (given.empty()) return wrong(rule, "no elements are given");
    return {};
  };
  const auto from_zero = [&](double low, double high) -> Status {
    if (low <= high && low >= 0.0) return {};
    return contradiction(low, high, "0 <= at_least <= at_most");
  };
  return std::visit(
      Overloaded{[&](const AllowElements& r) { return elements(r.elements); },
                 [&](const ForbidElements& r) { return elements(r.elements); },
                 [&](const ForbidTogether& r) -> Status {
                   if (std::set<int>(r.elements.begin(), r.elements.end()).size() >= 2) return {};
                   return wrong(rule, "a forbidden pair needs two elements", symbols(r.elements),
                                "two or more elements");
                 },
                 [&](const RequireTogether& r) -> Status {
                   if (!r.with.empty() && !r.needs.empty()) return {};
                   return wrong(rule, "a required pair needs both sides");
                 },
                 [&](const GroupLimit& r) -> Status {
                   if (r.at_least <= r.at_most && r.at_least >= 0) return {};
                   return wrong(rule, "the limits contradict each other",
                                fmt::format("{} to {}", r.at_least, r.at_most),
                                "0 <= at_least <= at_most");
                 },
                 [&](const AmountLimit& r) -> Status {
                   if (Status status = elements(r.elements); !status) return status;
                   return from_zero(r.at_least, r.at_most);
                 },
                 [&](const TotalLimit& r) { return from_zero(r.at_least, r.at_most); },
                 [&](const ForbidSupports& r) -> Status {
                   if (!r.supports.empty()) return {};
                   return wrong(rule, "no supports are given");
                 },
                 [&](const ForbidOnSupport& r) -> Status {
                   if (!r.supports.empty() && !r.elements.empty()) return {};
                   return wrong(rule, "elements and supports are both needed");
                 },
                 [&](const ChargeLimit& r) -> Status {
                   if (r.at_least <= r.at_most) return {};
                   return contradiction(r.at_least, r.at_most, "at_least <= at_most");
                 },
                 [&](const MaterialLimit& r) { return r.materials.validate(); }},
      rule.what);
}

// The elements that a rule names (RequireTogether: `with`), and the supports.
std::vector<int> named_elements(const Rule& rule) {
  return std::visit(
      [](const auto& r) -> std::vector<int> {
        if constexpr (requires { r.elements; }) {
          return r.elements;
        } else if constexpr (requires { r.with; }) {
          return r.with;
        } else {
          return {};
        }
      },
      rule.what);
}

std::vector<std::string> named_supports(const Rule& rule) {
  return std::visit(
      [](const auto& r) -> std::vector<std::string> {
        if constexpr (requires { r.supports; }) {
          return r.supports;
        } else {
          return {};
        }
      },
      rule.what);
}

}  // namespace

Result<RuleSet> RuleSet::compile(std::vector<Rule> rules) {
  RuleSet set;
  for (Rule& rule : rules) {
    if (Status status = check_rule(rule); !status) return status.error();
    Mask first = mask_of(named_elements(rule));
    Mask second;
    if (const auto* pair = std::get_if<RequireTogether>(&rule.what)) second = mask_of(pair->needs);
    const auto* group = std::get_if<GroupLimit>(&rule.what);
    if (group != nullptr && group->elements.empty()) first = {~std::uint64_t{0}, ~std::uint64_t{0}};
    set.first_.push_back(first);
    set.second_.push_back(second);
    set.rules_.push_back(std::move(rule));
  }
  return set;
}

std::vector<Rule> material_rules(const Materials& materials) {
  std::vector<Rule> rules;
  using What = MaterialLimit::What;
  const auto any = [&](const auto& holds) {
    return std::any_of(materials.elements.begin(), materials.elements.end(),
                       [&](const auto& item) { return holds(item.second); }) ||
           std::any_of(materials.supports.begin(), materials.supports.end(),
                       [&](const auto& item) { return holds(item.second); });
  };
  if (materials.weighable_gram > 0.0 ||
      any([](const Material& m) { return m.weighable_gram.value_or(0.0) > 0.0; })) {
    rules.push_back({"weighable mass", MaterialLimit{What::weighable, materials}});
  }
  if (any([](const Material& m) { return m.stock_gram.has_value(); })) {
    rules.push_back({"stock", MaterialLimit{What::stock, materials}});
  }
  if (materials.sample_price) {
    rules.push_back({"price of a sample", MaterialLimit{What::price, materials}});
  }
  for (const std::string& hazard : materials.forbidden_hazards) {
    const auto is = [&](const Material& m) {
      return std::find(m.hazards.begin(), m.hazards.end(), hazard) != m.hazards.end();
    };
    ForbidElements elements;
    for (const auto& [element, material] : materials.elements) {
      if (is(material)) elements.elements.push_back(element);
    }
    ForbidSupports supports;
    for (const auto& [name, material] : materials.supports) {
      if (is(material)) supports.supports.push_back(name);
    }
    if (!elements.elements.empty()) rules.push_back({"hazard " + hazard, elements});
    if (!supports.supports.empty()) {
      rules.push_back({"hazard " + hazard + " of supports", supports});
    }
  }
  return rules;
}

namespace {

// True when some candidate of the space is allowed; exact.
bool leaves_something(const CandidateSpace& space, const RuleSet& rules) {
  for (std::uint64_t index = 0; index < space.size(); ++index) {
    if (rules.allows(space.unrank(index))) return true;
  }
  return false;
}

}  // namespace

namespace {

int most_elements_of(const CandidateSpace& space) {
  int most = 0;
  for (const auto& part : space.parts()) {
    if (part.family) most = std::max(most, part.family->largest());
    for (const auto& catalyst : part.catalysts)
      most = std::max(most, static_cast<int>(catalyst.active.parts().size()));
  }
  return most;
}

// Names that the space does not know are mistakes: the rule could never act. Lists of what is at
// hand or not wanted may hold more than the space uses.
Status check_names(const Rule& rule, const CandidateSpace& space) {
  std::vector<int> elements = named_elements(rule);
  if (const auto* pair = std::get_if<RequireTogether>(&rule.what))
    elements.insert(elements.end(), pair->needs.begin(), pair->needs.end());
  if (std::holds_alternative<AllowElements>(rule.what) ||
      std::holds_alternative<ForbidElements>(rule.what)) {
    elements.clear();
  }
  const std::vector<int> known = space.elements();
  for (const int element : elements) {
    if (std::binary_search(known.begin(), known.end(), element)) continue;
    return wrong(rule, "names an element that the space does not hold",
                 std::string(chemistry::element_symbol(element)), "one of " + symbols(known));
  }
  std::vector<std::string> supports;
  for (const Support& support : space.supports()) supports.push_back(support.name);
  for (const std::string& name : named_supports(rule)) {
    if (std::find(supports.begin(), supports.end(), name) != supports.end()) continue;
    return wrong(
        rule, "names a support that the space does not hold", name,
        supports.empty() ? "no support: the space has none" : "one of " + joined(supports));
  }
  return {};
}

// Whether these are all supports of a space in which everything has one.
bool every_support(const CandidateSpace& space, const std::vector<std::string>& names) {
  for (const auto& part : space.parts()) {
    if (!part.family) return false;
    for (const Support& support : part.supports) {
      if (support.name.empty()) return false;
    }
  }
  const std::vector<Support> supports = space.supports();
  return std::all_of(supports.begin(), supports.end(), [&](const Support& support) {
    return std::find(names.begin(), names.end(), support.name) != names.end();
  });
}

}  // namespace

Result<RuleSet> RuleSet::make(std::vector<Rule> rules, const CandidateSpace& space) {
  Result<RuleSet> compiled = compile(std::move(rules));
  if (!compiled) return compiled;
  RuleSet set = std::move(compiled).value();
  Mask usable = mask_of(space.elements());
  for (const Rule& rule : set.rules_) {
    if (const auto* allow = std::get_if<AllowElements>(&rule.what)) {
      usable = usable & mask_of(allow->elements);
    } else if (const auto* forbid = std::get_if<ForbidElements>(&rule.what)) {
      const Mask mask = mask_of(forbid->elements);
      usable = usable & Mask{~mask.low, ~mask.high};
    }
  }
  for (std::size_t i = 0; i < set.size(); ++i) {
    const Rule& rule = set.rules_[i];
    if (Status status = check_names(rule, space); !status) return status.error();
    if (const auto* group = std::get_if<GroupLimit>(&rule.what)) {
      const int reachable = std::min(most_elements_of(space), (set.first_[i] & usable).count());
      if (group->at_least > reachable) {
        return wrong(rule, "asks for more elements than the space and the other rules allow",
                     std::to_string(group->at_least), fmt::format("at most {}", reachable));
      }
    }
    const auto* forbid = std::get_if<ForbidSupports>(&rule.what);
    if (forbid != nullptr && every_support(space, forbid->supports))
      return wrong(rule, "forbids every support of the space");
  }
  if (!set.empty() && space.size() <= kProveLimit && !leaves_something(space, set))
    return set.contradiction(space);
  return set;
}

// The rules without which there is no contradiction: as many as it needs, each found by halving.
Error RuleSet::contradiction(const CandidateSpace& space) const {
  std::vector<Rule> needed;
  // Whether the rules from the i-th on leave nothing, together with those that are needed.
  const auto leave_nothing_from = [&](std::size_t i) {
    std::vector<Rule> some(rules_.begin() + static_cast<std::ptrdiff_t>(i), rules_.end());
    some.insert(some.end(), needed.begin(), needed.end());
    const Result<RuleSet> trial = compile(some);
    return trial && !leaves_something(space, *trial);
  };
  std::size_t begin = 0;
  while (!leave_nothing_from(rules_.size())) {
    // Of the last rules, as few as leave nothing: the first of them is needed.
    std::size_t end = rules_.size();
    while (end - begin > 1) {
      const std::size_t middle = begin + (end - begin) / 2;
      (leave_nothing_from(middle) ? begin : end) = middle;
    }
    needed.push_back(rules_[begin]);
    ++begin;
  }
  std::vector<std::string> names;
  for (const Rule& rule : needed) names.push_back('"' + rule.name + '"');
  return Error{ErrorCode::invalid_argument,
               needed.size() == 1
                   ? fmt::format("the rule {} leaves no candidate", names.front())
                   : fmt::format("the rules {} together leave no candidate", joined(names)),
               fmt::format("rule {}", names.front()), "",
               "rules that at least one candidate of the space keeps"};
}

bool RuleSet::broken(std::size_t i, const Candidate& candidate, const Mask& mask) const {
  const Mask& first = first_[i];
  return std::visit(
      Overloaded{[&](const AllowElements&) { return !((mask & first) == mask); },
                 [&](const ForbidElements&) { return (mask & first).any(); },
                 [&](const ForbidTogether&) { return (mask & first) == first; },
                 [&](const RequireTogether&) {
                   return (mask & first).any() && !(mask & second_[i]).any();
                 },
                 [&](const GroupLimit& r) {
                   const int count = (mask & first).count();
                   return count < r.at_least || count > r.at_most;
                 },
                 [&](const AmountLimit& r) {
                   if (!(mask & first).any()) return false;
                   const double total = r.share ? candidate.catalyst.active.total() : 1.0;
                   for (const int element : r.elements) {
                     const double amount = candidate.catalyst.active.amount(element) / total;
                     if (amount > 0.0 && (amount < r.at_least * (1.0 - kSlack) ||
                                          amount > r.at_most * (1.0 + kSlack))) {
                       return true;
                     }
                   }
                   return false;
                 },
                 [&](const TotalLimit& r) {
                   const double total = candidate.catalyst.active.total();
                   return total < r.at_least * (1.0 - kSlack) || total > r.at_most * (1.0 + kSlack);
                 },
                 [&](const ForbidSupports& r) {
                   return std::find(r.supports.begin(), r.supports.end(),
                                    candidate.catalyst.support) != r.supports.end();
                 },
                 [&](const ForbidOnSupport& r) {
                   return (mask & first).any() &&
                          std::find(r.supports.begin(), r.supports.end(),
                                    candidate.catalyst.support) != r.supports.end();
                 },
                 [&](const ChargeLimit& r) {
                   if (candidate.catalyst.active.parts().empty()) return false;
                   const double value = charge_of(r, candidate.catalyst.active);
                   return value < r.at_least - kSlack || value > r.at_most + kSlack;
                 },
                 [&](const MaterialLimit& r) { return !lacking(r, candidate.catalyst).empty(); }},
      rules_[i].what);
}

bool RuleSet::broken(std::size_t rule, const Candidate& candidate) const {
  return broken(rule, candidate, mask_of(candidate.catalyst.active));
}

bool RuleSet::allows(const Candidate& candidate) const {
  if (rules_.empty()) return true;
  const Mask mask = mask_of(candidate.catalyst.active);
  for (std::size_t i = 0; i < rules_.size(); ++i) {
    if (broken(i, candidate, mask)) return false;
  }
  return true;
}

std::string RuleSet::explain(std::size_t i, const Candidate& candidate) const {
  if (!broken(i, candidate)) return {};
  const Composition& active = candidate.catalyst.active;
  const auto held = [&](const std::vector<int>& elements) {
    std::vector<int> both;
    for (const int element : elements) {
      if (active.amount(element) > 0.0) both.push_back(element);
    }
    return both;
  };
  const std::string why = std::visit(
      Overloaded{
          [&](const AllowElements& r) {
            std::vector<int> others;
            for (const auto& part : active.parts()) {
              if (std::find(r.elements.begin(), r.elements.end(), part.element) ==
                  r.elements.end()) {
                others.push_back(part.element);
              }
            }
            return fmt::format("holds {}; only {} are allowed", symbols(others),
                               symbols(r.elements));
          },
          [&](const ForbidElements& r) {
            return fmt::format("holds {}, which is forbidden", symbols(held(r.elements)));
          },
          [&](const ForbidTogether& r) {
            return fmt::format("holds {} together, which is forbidden", symbols(r.elements));
          },
          [&](const RequireTogether& r) {
            return fmt::format("holds {} without any of {}", symbols(held(r.with)),
                               symbols(r.needs));
          },
          [&](const GroupLimit& r) {
            const std::string limit = r.at_most == std::numeric_limits<int>::max()
                                          ? fmt::format("at least {}", r.at_least)
                                      : r.at_least == 0
                                          ? fmt::format("at most {}", r.at_most)
                                          : fmt::format("{} to {}", r.at_least, r.at_most);
            if (r.elements.empty()) {
              return fmt::format("holds {} elements; {} are allowed", active.parts().size(), limit);
            }
            return fmt::format("holds {} of {}; {} are allowed", held(r.elements).size(),
                               symbols(r.elements), limit);
          },
          [&](const AmountLimit& r) {
            const double total = r.share ? active.total() : 1.0;
            std::vector<std::string> out;
            for (const int element : held(r.elements)) {
              const double amount = active.amount(element) / total;
              if (amount < r.at_least * (1.0 - kSlack) || amount > r.at_most * (1.0 + kSlack)) {
                out.push_back(fmt::format("{} {:g}", chemistry::element_symbol(element), amount));
              }
            }
            return fmt::format("{} of {}; {} is allowed", r.share ? "share" : "amount", joined(out),
                               limits(r.at_least, r.at_most));
          },
          [&](const TotalLimit& r) {
            return fmt::format("total amount {:g}; {} is allowed", active.total(),
                               limits(r.at_least, r.at_most));
          },
          [&](const ForbidSupports&) {
            return fmt::format("support {} is forbidden", candidate.catalyst.support);
          },
          [&](const ForbidOnSupport& r) {
            return fmt::format("holds {}, which is forbidden on {}", symbols(held(r.elements)),
                               candidate.catalyst.support);
          },
          [&](const ChargeLimit& r) {
            return fmt::format("{} {:.4g}; {} is allowed",
                               r.oxygen ? "oxygen for each active atom" : "mean oxide charge",
                               charge_of(r, active), limits(r.at_least, r.at_most));
          },
          [&](const MaterialLimit& r) { return lacking(r, candidate.catalyst); }},
      rules_[i].what);
  return fmt::format("rule \"{}\": {}", rules_[i].name, why);
}

std::vector<std::string> RuleSet::explain(const Candidate& candidate) const {
  std::vector<std::string> reasons;
  for (std::size_t i = 0; i < rules_.size(); ++i) {
    std::string reason = explain(i, candidate);
    if (!reason.empty()) reasons.push_back(std::move(reason));
  }
  return reasons;
}

std::vector<std::string> RuleSet::nearly(const Candidate& candidate) const {
  const Composition& active = candidate.catalyst.active;
  const Mask mask = mask_of(active);
  std::vector<std::string> sentences;
  const auto at_limit = [](double value, double low, double high) {
    const double by = 1e-6 * std::max(1.0, std::abs(value));
    return std::abs(value - low) <= by || std::abs(value - high) <= by;
  };
  for (std::size_t i = 0; i < rules_.size(); ++i) {
    if (broken(i, candidate, mask)) continue;
    const std::string why = std::visit(
        Overloaded{[&](const GroupLimit& r) -> std::string {
                     const int count = (mask & first_[i]).count();
                     if (count == 0 || (count != r.at_least && count != r.at_most)) return {};
                     return fmt::format("holds {} of its elements, the limit", count);
                   },
                   [&](const AmountLimit& r) -> std::string {
                     const double total = r.share ? active.total() : 1.0;
                     for (const int element : r.elements) {
                       const double amount = active.amount(element) / total;
                       if (amount > 0.0 && at_limit(amount, r.at_least, r.at_most)) {
                         return fmt::format("{} {:g} is the limit",
                                            chemistry::element_symbol(element), amount);
                       }
                     }
                     return {};
                   },
                   [&](const TotalLimit& r) -> std::string {
                     if (!at_limit(active.total(), r.at_least, r.at_most)) return {};
                     return fmt::format("total amount {:g} is the limit", active.total());
                   },
                   [&](const ChargeLimit& r) -> std::string {
                     if (active.parts().empty()) return {};
                     const double value = charge_of(r, active);
                     if (!at_limit(value, r.at_least, r.at_most)) return {};
                     return fmt::format("{:.4g} is the limit", value);
                   },
                   [](const auto&) -> std::string { return {}; }},
        rules_[i].what);
    if (!why.empty()) sentences.push_back(fmt::format("rule \"{}\": {}", rules_[i].name, why));
  }
  return sentences;
}

}  // namespace kasetsu::planning
