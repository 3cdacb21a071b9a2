#include "core/chemistry/told_catalyst.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include "core/base/text.h"
#include "core/chemistry/catalyst_name.h"
#include "core/chemistry/element.h"
#include "core/chemistry/names.h"
#include "core/chemistry/weights.h"

namespace kasetsu::chemistry {
namespace {

bool is_loading(const std::optional<Basis>& basis) {
  return basis && *basis != Basis::atomic_ratio && *basis != Basis::mole_fraction;
}

Error placed(Error error, std::string where) {
  if (error.where.empty()) error.where = std::move(where);
  return error;
}

// What one of the forms of a ToldCatalyst says.
struct Said {
  std::vector<ElementAmount> amounts;
  AmountsKind kind = AmountsKind::ratios;
  std::string support;      // the text; empty: none
  std::string preparation;  // of a key
  std::string text;         // as it was told
  bool oxygen_unknown = false;
};

class Maker {
 public:
  Maker(const ToldCatalyst& told, const SupportTable& supports, const CompositionRules& rules)
      : told_(told), supports_(supports), rules_(rules) {
    said_.support = says_none(told.support) ? std::string() : told.support;
    beside_ = !said_.support.empty();
  }

  Result<MadeCatalyst> make() {
    for (const Status& status : {key(), name(), formula(), slots(), amounts()}) {
      if (!status.ok()) return status.error();
    }
    MadeCatalyst made;
    if (!said_.support.empty()) {
      Result<Support> support = supports_.read(said_.support);
      if (!support.ok()) return placed(support.error(), beside_ ? "/support" : form_);
      if (Status solid = check_support(*support); !solid.ok()) {
        return placed(solid.error(), beside_ ? "/support" : form_);
      }
      *support = as_listed(std::move(*support));
      made.catalyst.support = std::move(support->name);
      made.catalyst.support_formula = std::move(support->formula);
    }
    Result<BroughtAmounts> brought =
        bring_amounts(said_.amounts, said_.kind, !made.catalyst.support.empty(), rules_);
    if (!brought.ok()) return placed(brought.error(), form_);
    made.catalyst.active = std::move(brought->active);
    made.catalyst.preparation =
        preparation(fold_name(told_.preparation.empty() ? said_.preparation : told_.preparation));
    for (const auto& part : made.catalyst.active.parts()) {
      if (!is_noble_gas(part.element)) continue;
      return placed(Error{ErrorCode::bad_data, "a noble gas is in no catalyst", "",
                          std::string(element_symbol(part.element)),
                          "the catalyst without it; a flow of gas is a condition"},
                    form_);
    }
    if (brought->changed) made.told = told_text();
    if (!rules_.count_oxygen) {
      if (said_.oxygen_unknown) {
        made.dropped_oxygen = "x";
      } else if (brought->dropped_oxygen) {
        made.dropped_oxygen = fmt::format("{:.6g}", *brought->dropped_oxygen);
      }
    }
    return made;
  }

 private:
  // "Ni/2O" is half of a formula.
  Status check_support(const Support& support) const {
    constexpr int kOxygen = 8;
    for (const auto& part : support.formula.parts()) {
      if (part.element != kOxygen) return {};
    }
    return Error{ErrorCode::bad_data, "a support of nothing but oxygen", "", said_.support,
                 "the support's formula, such as MgO; fractions in a formula as decimals (Ni0.5)"};
  }

  // The campaign's own spelling of its preparations.
  std::string preparation(std::string folded) const {
    const std::vector<std::string>& own = rules_.preparations;
    if (std::find(own.begin(), own.end(), folded) != own.end()) return folded;
    const auto alike = [&](const std::string& one) {
      return letters_of(one) == letters_of(folded);
    };
    // Two of the campaign's that are alike are told apart by their exact spelling.
    if (std::count_if(own.begin(), own.end(), alike) != 1) return folded;
    return *std::find_if(own.begin(), own.end(), alike);
  }

  // The folded text as one of the supports that stand alone.
  bool is_bare_support(const std::string& folded) const {
    return supports_.has(folded) || is_support_of_campaign(folded);
  }

  bool is_support_of_campaign(const std::string& folded) const {
    if (rules_.supports.empty() || folded.find('/') != std::string::npos) return false;
    const Result<Support> read = supports_.read(folded);
    return read.ok() && is_listed(as_listed(*read).name);
  }

  bool is_listed(const std::string& support) const {
    return std::find(rules_.supports.begin(), rules_.supports.end(), support) !=
           rules_.supports.end();
  }

  // The campaign's spelling of a support that is one of its own: with the same letters and digits
  // ("HZSM-5", "H-ZSM-5"), or a formula of the same composition ("Zr0.20Ce0.80O2").
  Support as_listed(Support support) const {
    if (is_listed(support.name)) return support;
    const std::string bare = letters_of(support.name);
    const Result<Composition> formula = parse_formula(support.name);
    for (const std::string& listed : rules_.supports) {
      bool same = letters_of(listed) == bare;
      if (!same && formula.ok()) {
        const Result<Composition> other = parse_formula(listed);
        same = other.ok() && largest_difference(*formula, *other) <= 1e-9;
      }
      if (!same) continue;
      const Result<Support> own = supports_.read(listed);
      if (own.ok() && largest_difference(own->formula, support.formula) <= 1e-9) return *own;
    }
    return support;
  }

  Status key() {
    if (told_.key.empty()) return {};
    form_ = "/key";
    Result<Catalyst> read = parse_key(told_.key, supports_);
    if (!read.ok()) return placed(read.error(), form_);
    if (beside_ && !read->support.empty()) {
      return placed(twice(told_.key, "the key has a support, and another one is told"), form_);
    }
    if (!beside_) said_.support = read->support;
    said_.preparation = read->preparation;
    take(read->active, AmountsKind::numbers);
    return {};
  }

  std::string expected_amounts() const {
    return fmt::format(
        "the {} of each element itself before it, such as 5Ni-2K/Al2O3, not those of its oxide or "
        "salt",
        rules_.unit());
  }

  // Brackets are no way out where take_actives refuses them.
  Error without_brackets(Error error) const {
    constexpr std::string_view kHint = "or brackets, as in 2(MgO)";
    if (is_loading(rules_.basis) && error.expected.ends_with(kHint)) {
      error.expected = expected_amounts();
    }
    return error;
  }

  Status name() {
    if (told_.name.empty()) return {};
    form_ = "/name";
    const std::string folded = fold_name(told_.name);
    if (!beside_ && is_bare_support(folded)) {
      said_.support = folded;
      return {};
    }
    Result<ReadName> read = read_name(told_.name, supports_, rules_.count_oxygen);
    if (!read.ok()) return placed(without_brackets(read.error()), form_);
    if (!read->support.empty()) {
      if (beside_ && !same_support(read->support)) {
        return placed(twice(told_.name, "the name has a support, and another one is told"), form_);
      }
      if (!beside_) said_.support = read->support;
    } else if (Status one = check_last_part(folded); !one.ok()) {
      return one;
    }
    return take_actives(read->actives);
  }

  // "Li-MgO", where MgO is one of the known supports: the support, or an active part?
  Status check_last_part(const std::string& folded) const {
    const std::vector<NamePart> parts = split_name(folded);
    if (beside_ || parts.size() < 2 || !is_support_of_campaign(std::string(parts.back().text))) {
      return {};
    }
    const std::string_view last = parts.back().text;
    const std::size_t begin = static_cast<std::size_t>(last.data() - folded.data());
    std::string_view actives = std::string_view(folded).substr(0, begin);
    while (!actives.empty() &&
           std::string_view("-+ \u00B7").find(actives.back()) != std::string_view::npos) {
      actives.remove_suffix(1);
    }
    return Error{ErrorCode::bad_data,
                 fmt::format("{} is one of the supports, and no slash stands before it", last),
                 form_, told_.name,
                 fmt::format("{}/{}, or its elements without their oxygen if they are active",
                             actives, last)};
  }

  Status formula() {
    if (told_.formula.empty() || says_none(told_.formula)) return {};
    form_ = "/formula";
    const std::string folded = fold_name(told_.formula);
    if (!beside_ && is_bare_support(folded)) {
      said_.support = folded;
      return {};
    }
    ReadActives actives;
    if (Status added = add_active(actives, told_.formula, rules_.count_oxygen); !added.ok()) {
      return placed(added.error(), form_);
    }
    // A number before a formula is no loading: 2Mn is Mn2.
    actives.plain += std::exchange(actives.numbered, 0);
    return take_actives(actives);
  }

  Status slots() {
    if (told_.slots.empty()) return {};
    form_ = "/slots";
    constexpr std::size_t kMostSlots = 1'000;
    if (told_.slots.size() > kMostSlots) {
      return Error{ErrorCode::bad_data, "too many slots", form_, std::to_string(told_.slots.size()),
                   fmt::format("at most {}", kMostSlots)};
    }
    ReadActives actives;
    for (std::size_t i = 0; i < told_.slots.size(); ++i) {
      if (says_none(told_.slots[i])) continue;
      if (Status added = add_active(actives, told_.slots[i], rules_.count_oxygen); !added.ok()) {
        return placed(without_brackets(added.error()), fmt::format("/slots/{}", i));
      }
    }
    return take_actives(actives);
  }

  Status amounts() {
    if (told_.amounts.empty()) return {};
    form_ = "/amounts";
    said_.kind = AmountsKind::numbers;
    for (const ToldAmount& one : told_.amounts) {
      const std::optional<int> element = atomic_number(fold_name(one.symbol));
      const std::string where = "/amounts/" + one.symbol;
      if (!element) {
        return Error{ErrorCode::bad_data, "unknown element", where, one.symbol,
                     "a chemical symbol such as Li"};
      }
      if (!std::isfinite(one.amount) || one.amount < 0.0) {
        return Error{ErrorCode::bad_data,
                     one.amount < 0.0 ? "a negative amount" : "an amount is no number", where,
                     format_number(one.amount), "an amount of at least 0"};
      }
      said_.amounts.push_back({*element, one.amount, one.unit});
    }
    return {};
  }

  Status take_actives(const ReadActives& actives) {
    // "Ti-6Al-4V" is 90 % titanium: only where slots are counted is an element without a number
    // one.
    const bool counts = rules_.slots > 0 && actives.composition.total() < rules_.slots + 0.5;
    if (actives.numbered > 0 && actives.plain > 0 && !counts) {
      const bool amounts = is_loading(rules_.basis);
      return Error{ErrorCode::bad_data,
                   "some active elements have a number before them, and others have none", form_,
                   text_of_form(),
                   amounts ? fmt::format("an amount in {} before each element", rules_.unit())
                           : "a number before each element, the balance of an alloy included "
                             "(90Ti-6Al-4V), or a formula such as Ni3Al1"};
    }
    // The number would be multiplied by the formula: 20(V2O5) is no 40 wt% of vanadium.
    if (actives.numbered > 0 && is_loading(rules_.basis) && !actives.numbered_formula.empty()) {
      return Error{ErrorCode::bad_data, "a number stands before a formula", form_, text_of_form(),
                   expected_amounts()};
    }
    said_.oxygen_unknown = actives.oxygen_unknown;
    take(actives.composition, actives.numbered > 0 && is_loading(rules_.basis)
                                  ? AmountsKind::numbers
                                  : AmountsKind::ratios);
    return {};
  }

  void take(const Composition& active, AmountsKind kind) {
    for (const auto& part : active.parts()) said_.amounts.push_back({part.element, part.amount});
    said_.kind = kind;
  }

  bool same_support(const std::string& other) const {
    const Result<Support> one = supports_.read(said_.support);
    const Result<Support> two = supports_.read(other);
    return one.ok() && two.ok() && one->name == two->name;
  }

  static Error twice(const std::string& value, std::string message) {
    return {ErrorCode::bad_data, std::move(message), "", value, "the support once"};
  }

  std::string text_of_form() const {
    if (!told_.key.empty()) return told_.key;
    if (!told_.name.empty()) return told_.name;
    if (!told_.formula.empty()) return told_.formula;
    return fmt::format("{}", fmt::join(told_.slots, "-"));
  }

  std::string told_text() const {
    if (told_.amounts.empty()) return text_of_form();
    std::string text;
    for (const ToldAmount& one : told_.amounts) {
      if (one.amount == 0.0) continue;
      if (!text.empty()) text += " + ";
      text += fmt::format("{:.9g} {}{}{}", one.amount, one.unit, one.unit.empty() ? "" : " ",
                          one.symbol);
    }
    return text;
  }

  const ToldCatalyst& told_;
  const SupportTable& supports_;
  const CompositionRules& rules_;
  Said said_;
  bool beside_ = false;  // a support is told beside the composition
  std::string form_;
};

}  // namespace

Result<MadeCatalyst> make_catalyst(const ToldCatalyst& told, const SupportTable& supports,
                                   const CompositionRules& rules) {
  return Maker(told, supports, rules).make();
}

Result<Catalyst> parse_catalyst_name(std::string_view text, const SupportTable& supports,
                                     const CompositionRules& rules) {
  ToldCatalyst told;
  told.name = std::string(text);
  if (text.empty()) told.name.assign(1, ' ');
  Result<MadeCatalyst> made = make_catalyst(told, supports, rules);
  if (!made.ok()) {
    Error error = made.error();
    error.where.clear();
    return error;
  }
  return std::move(made->catalyst);
}

bool looks_like_key(std::string_view text) {
  if (text.starts_with("-/")) return true;
  // "BiVO4:Mo" is a formula with a dopant.
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos || colon > 2 || colon + 1 >= text.size()) return false;
  const char next = text[colon + 1];
  return (next >= '0' && next <= '9') || next == '.';
}

Composition mole_fractions(const Catalyst& catalyst, const CompositionRules& rules) {
  const bool by_weight =
      rules.basis == Basis::mass_fraction || rules.basis == Basis::wt_percent_of_catalyst;
  Composition moles;
  for (const auto& part : catalyst.active.parts()) {
    const double weight = by_weight ? atomic_weight(part.element).value_or(0.0) : 1.0;
    if (weight > 0.0) moles.add(part.element, part.amount / weight);
  }
  Composition shares;
  for (const auto& part : moles.parts()) shares.add(part.element, part.amount / moles.total());
  return shares;
}

bool nearly_same(std::string_view key, std::string_view other, double tolerance) {
  const auto rest = [](std::string_view of) {
    return of.substr(std::min(of.find_first_of("/|"), of.size()));
  };
  if (rest(key) != rest(other)) return false;
  const auto actives = [&](std::string_view of) {
    return parse_key(of.substr(0, of.size() - rest(of).size()), SupportTable());
  };
  const Result<Catalyst> one = actives(key);
  const Result<Catalyst> two = actives(other);
  if (!one.ok() || !two.ok()) return false;
  // What only one of them has is no deviation, unless rounding left it.
  constexpr double kRounding = 1e-3;
  const double rounding = kRounding * std::max(one->active.total(), two->active.total());
  return largest_difference(one->active, two->active) <= tolerance * (1.0 + 1e-9) &&
         has_elements_of(one->active, two->active, rounding) &&
         has_elements_of(two->active, one->active, rounding);
}

void OxygenMerges::add(const std::string& key, const std::string& dropped_oxygen) {
  Rows& rows = by_key_[key];
  rows.oxygen.insert(dropped_oxygen);
  ++rows.count;
}

std::string OxygenMerges::note(std::string_view what) const {
  std::size_t rows = 0, catalysts = 0;
  std::string example;
  for (const auto& [key, merged] : by_key_) {
    if (merged.oxygen.size() < 2) continue;
    if (example.empty()) example = key;
    rows += merged.count;
    ++catalysts;
  }
  if (rows == 0) return {};
  return fmt::format(
      "{} {} differ from others in nothing but oxygen, which is not counted: they are {} {} "
      "(such as {}) and its replicates. oxygen = \"counted\" under [composition] keeps them apart",
      rows, what, catalysts, catalysts == 1 ? "catalyst" : "catalysts", example);
}

RenewedKeys renew_keys(const std::vector<std::string>& keys, const SupportTable& supports,
                       const CompositionRules& rules) {
  RenewedKeys renewed;
  std::map<std::string, std::vector<std::string>> by_new;
  for (const std::string& key : keys) {
    if (key == "-") continue;
    ToldCatalyst told;
    told.key = key;
    const Result<MadeCatalyst> made = make_catalyst(told, supports, rules);
    if (!made.ok()) {
      renewed.unreadable[key] = made.error().to_string();
      continue;
    }
    std::string now = canonical_key(made->catalyst);
    if (now != key) renewed.changed[key] = now;
    by_new[std::move(now)].push_back(key);
  }
  for (auto& [now, old] : by_new) {
    if (old.size() > 1) renewed.merged[now] = std::move(old);
  }
  return renewed;
}

}  // namespace kasetsu::chemistry
