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

Result<RuleSet> RuleSet::compile(std::vector<Rule> rules) {
  RuleSet set;
  for (Rule& rule : rules) {
    Mask first;
    Mask second;
    Status status;
    std::visit(Overloaded{[&](const AllowElements& r) {
                            first = mask_of(r.elements);
                            if (r.elements.empty()) status = wrong(rule, "no elements are given");
                          },
                          [&](const ForbidElements& r) {
                            first = mask_of(r.elements);
                            if (r.elements.empty()) status = wrong(rule, "no elements are given");
                          },
                          [&](const ForbidTogether& r) {
                            first = mask_of(r.elements);
                            if (first.count() < 2) {
                              status = wrong(rule, "a forbidden pair needs two elements",
                                             symbols(r.elements), "two or more elements");
                            }
                          },
                          [&](const RequireTogether& r) {
                            first = mask_of(r.with);
                            second = mask_of(r.needs);
                            if (r.with.empty() || r.needs.empty()) {
                              status = wrong(rule, "a required pair needs both sides");
                            }
                          },
                          [&](const GroupLimit& r) {
                            first = r.elements.empty() ? Mask{~std::uint64_t{0}, ~std::uint64_t{0}}
                                                       : mask_of(r.elements);
                            if (r.at_least > r.at_most || r.at_least < 0) {
                              status = wrong(rule, "the limits contradict each other",
                                             fmt::format("{} to {}", r.at_least, r.at_most),
                                             "0 <= at_least <= at_most");
                            }
                          },
                          [&](const AmountLimit& r) {
                            first = mask_of(r.elements);
                            if (r.elements.empty()) {
                              status = wrong(rule, "no elements are given");
                            } else if (!(r.at_least <= r.at_most) || r.at_least < 0.0) {
                              status = wrong(rule, "the limits contradict each other",
                                             fmt::format("{:g} to {:g}", r.at_least, r.at_most),
                                             "0 <= at_least <= at_most");
                            }
                          },
                          [&](const TotalLimit& r) {
                            if (!(r.at_least <= r.at_most) || r.at_least < 0.0) {
                              status = wrong(rule, "the limits contradict each other",
                                             fmt::format("{:g} to {:g}", r.at_least, r.at_most),
                                             "0 <= at_least <= at_most");
                            }
                          },
                          [&](const ForbidSupports& r) {
                            if (r.supports.empty()) status = wrong(rule, "no supports are given");
                          },
                          [&](const ForbidOnSupport& r) {
                            first = mask_of(r.elements);
                            if (r.supports.empty() || r.elements.empty()) {
                              status = wrong(rule, "elements and supports are both needed");
                            }
                          },
                          [&](const ChargeLimit& r) {
                            if (!(r.at_least <= r.at_most)) {
                              status = wrong(rule, "the limits contradict each other",
                                             fmt::format("{:g} to {:g}", r.at_least, r.at_most),
                                             "at_least <= at_most");
                            }
                          },
                          [&](const MaterialLimit& r) { status = r.materials.validate(); }},
               rule.what);
    if (!status) return status.error();
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

Result<RuleSet> RuleSet::make(std::vector<Rule> rules, const CandidateSpace& space) {
  Result<RuleSet> compiled = compile(std::move(rules));
  if (!compiled) return compiled;
  RuleSet set = std::move(compiled).value();

  // Names that the space does not know are mistakes: a rule that can never act.
  const std::vector<int> in_space = space.elements();
  const std::vector<Support> supports = space.supports();
  const auto unknown_element = [&](const std::vector<int>& elements) -> std::optional<int> {
    for (const int element : elements) {
      if (!std::binary_search(in_space.begin(), in_space.end(), element)) return element;
    }
    return std::nullopt;
  };
  const auto unknown_support =
      [&](const std::vector<std::string>& names) -> std::optional<std::string> {
    for (const std::string& name : names) {
      if (std::none_of(supports.begin(), supports.end(),
                       [&](const Support& s) { return s.name == name; })) {
        return name;
      }
    }
    return std::nullopt;
  };
  int most_elements = 0;
  for (const auto& part : space.parts()) {
    if (part.family) {
      most_elements = std::max(most_elements, part.family->largest());
    } else {
      for (const auto& catalyst : part.catalysts) {
        most_elements = std::max(most_elements, static_cast<int>(catalyst.active.parts().size()));
      }
    }
  }

  Mask usable = mask_of(in_space);
  for (std::size_t i = 0; i < set.size(); ++i) {
    if (const auto* allow = std::get_if<AllowElements>(&set.rules_[i].what)) {
      usable = usable & mask_of(allow->elements);
    } else if (const auto* forbid = std::get_if<ForbidElements>(&set.rules_[i].what)) {
      const Mask mask = mask_of(forbid->elements);
      usable = usable & Mask{~mask.low, ~mask.high};
    }
  }
  for (std::size_t i = 0; i < set.size(); ++i) {
    const Rule& rule = set.rules_[i];
    std::optional<int> element;
    std::optional<std::string> support;
    Status status;
    std::visit(
        Overloaded{
            [&](const AllowElements&) {
              // A list of what is at hand may hold more than the space uses.
            },
            [&](const ForbidElements&) {
              // A list of what is not wanted may hold more than the space uses.
            },
            [&](const ForbidTogether& r) { element = unknown_element(r.elements); },
            [&](const RequireTogether& r) {
              element = unknown_element(r.with);
              if (!element) element = unknown_element(r.needs);
            },
            [&](const GroupLimit& r) {
              element = unknown_element(r.elements);
              const int reachable = std::min(most_elements, (set.first_[i] & usable).count());
              if (r.at_least > reachable) {
                status =
                    wrong(rule, "asks for more elements than the space and the other rules allow",
                          std::to_string(r.at_least), fmt::format("at most {}", reachable));
              }
            },
            [&](const AmountLimit& r) { element = unknown_element(r.elements); },
            [&](const TotalLimit&) {},
            [&](const ForbidSupports& r) {
              support = unknown_support(r.supports);
              bool bare = false;
              bool all = true;
              for (const auto& part : space.parts()) {
                if (!part.family) bare = true;
                for (const Support& s : part.supports) {
                  if (s.name.empty()) bare = true;
                }
              }
              for (const Support& s : supports) {
                if (std::find(r.supports.begin(), r.supports.end(), s.name) == r.supports.end()) {
                  all = false;
                }
              }
              if (all && !bare) status = wrong(rule, "forbids every support of the space");
            },
            [&](const ForbidOnSupport& r) {
              element = unknown_element(r.elements);
              support = unknown_support(r.supports);
            },
            [&](const ChargeLimit&) {}, [&](const MaterialLimit&) {}},
        rule.what);
    if (element) {
      return wrong(rule, "names an element that the space does not hold",
                   std::string(chemistry::element_symbol(*element)), "one of " + symbols(in_space));
    }
    if (support) {
      std::vector<std::string> names;
      for (const Support& s : supports) names.push_back(s.name);
      return wrong(rule, "names a support that the space does not hold", *support,
                   names.empty() ? "no support: the space has none" : "one of " + joined(names));
    }
    if (!status) return status.error();
  }

  if (!set.empty() && space.size() <= kProveLimit && !leaves_something(space, set)) {
    // Drop each rule that is not needed for the contradiction: what is left is minimal.
    std::vector<Rule> needed = set.rules_;
    for (std::size_t i = 0; i < needed.size();) {
      std::vector<Rule> fewer = needed;
      fewer.erase(fewer.begin() + static_cast<std::ptrdiff_t>(i));
      const Result<RuleSet> trial = compile(fewer);
      if (trial && !leaves_something(space, *trial)) {
        needed = std::move(fewer);
      } else {
        ++i;
      }
    }
    std::vector<std::string> names;
    for (const Rule& rule : needed) names.push_back('"' + rule.name + '"');
    return Error{ErrorCode::invalid_argument,
                 needed.size() == 1
                     ? fmt::format("the rule {} leaves no candidate", names.front())
                     : fmt::format("the rules {} together leave no candidate", joined(names)),
                 "rules", "", "rules that at least one candidate of the space keeps"};
  }
  return set;
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

bool RuleSet::forbids(const std::vector<int>& elements, const std::string& support) const {
  if (rules_.empty()) return false;
  const Mask mask = mask_of(elements);
  Candidate candidate;
  candidate.catalyst.support = support;
  for (std::size_t i = 0; i < rules_.size(); ++i) {
    const bool amounts = std::holds_alternative<AmountLimit>(rules_[i].what) ||
                         std::holds_alternative<TotalLimit>(rules_[i].what) ||
                         std::holds_alternative<ChargeLimit>(rules_[i].what) ||
                         std::holds_alternative<MaterialLimit>(rules_[i].what);
    if (!amounts && broken(i, candidate, mask)) return true;
  }
  return false;
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
