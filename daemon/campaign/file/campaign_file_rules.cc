// The rules of a campaign file.
#include <cmath>
#include <limits>
#include <set>

#include "core/chemistry/element.h"
#include "daemon/campaign/file/campaign_file_decoder.h"

namespace kasetsu::campaign {
namespace {

using planning::AmountUnit;

constexpr auto kAmountUnitNames =
    name_table<AmountUnit>({{AmountUnit::mmol_per_gram, "mmol_per_g"},
                            {AmountUnit::mole_fraction, "mole_fraction"},
                            {AmountUnit::mass_fraction, "mass_fraction"}});

}  // namespace

void CampaignDecoder::limits(const ConfigNode& node, const std::string& path, double& low,
                             double& high) {
  if (node.find("at_least") == nullptr && node.find("at_most") == nullptr) {
    fail(node, path, "a limit without at_least or at_most", "", "for example at_most = 1");
  }
  low = number(node.find("at_least"), join_key(path, "at_least"), 0.0, 1e300, 0.0);
  high = number(node.find("at_most"), join_key(path, "at_most"), 0.0, 1e300,
                std::numeric_limits<double>::infinity());
}

planning::GroupLimit CampaignDecoder::group_limit(const ConfigNode& node, const std::string& path) {
  planning::GroupLimit limit;
  if (node.find("at_least") == nullptr && node.find("at_most") == nullptr) {
    fail(node, path, "a limit without at_least or at_most", "", "for example at_most = 1");
  }
  limit.at_least =
      static_cast<int>(whole(node.find("at_least"), join_key(path, "at_least"), 0, 118, 0));
  limit.at_most = static_cast<int>(whole(node.find("at_most"), join_key(path, "at_most"), 0, 118,
                                         std::numeric_limits<int>::max()));
  return limit;
}

planning::AmountLimit CampaignDecoder::amount_limit(const ConfigNode& node, const std::string& path,
                                                    std::string_view kind) {
  planning::AmountLimit limit;
  limit.elements = elements(node.find(kind), join_key(path, kind));
  limit.share = kind == "share_of";
  limits(node, path, limit.at_least, limit.at_most);
  if (!failed() && limit.share &&
      (limit.at_least > 1.0 || (limit.at_most > 1.0 && std::isfinite(limit.at_most)))) {
    fail(node, path, "a share above 1",
         fmt::format("{:g}", limit.at_least > 1.0 ? limit.at_least : limit.at_most),
         "a share from 0 to 1: 0.4 for 40 at.%");
  }
  return limit;
}

planning::ChargeLimit CampaignDecoder::charge_limit(const ConfigNode& node,
                                                    const std::string& path) {
  planning::ChargeLimit limit;
  limits(node, path, limit.at_least, limit.at_most);
  const ConfigNode* charges = node.find("charges");
  if (charges == nullptr || failed()) return limit;
  const std::string at = join_key(path, "charges");
  if (charges->kind != ConfigNode::Kind::table) {
    fail(*charges, at, "expected a table of charges", shown(*charges),
         "for example { Ce = 3, Mn = 4 }");
    return limit;
  }
  for (const auto& [symbol, value] : charges->members) {
    const auto element = chemistry::atomic_number(symbol);
    if (!element) {
      fail(value, join_key(at, symbol), "unknown element", symbol, "a symbol such as Ce");
      return limit;
    }
    limit.charges[*element] = number(&value, join_key(at, symbol), -8.0, 8.0, 0.0);
  }
  return limit;
}

RuleKind CampaignDecoder::rule_kind(const ConfigNode& node, const std::string& path,
                                    const std::string& kind) {
  const auto at = [&](std::string_view key) { return join_key(path, key); };
  const ConfigNode* value = node.find(kind);
  const auto may_have = [&](std::vector<std::string> keys) {
    keys.insert(keys.begin(), {"name", kind});
    only(node, path, "this rule", keys);
  };
  const auto is_true = [&] {
    if (flag(value, at(kind), true)) return;
    fail(*value, at(kind), "a rule that says nothing", "false",
         "true, with at_least or at_most beside it");
  };
  if (kind == "allow_elements") {
    may_have({});
    return planning::AllowElements{elements(value, at(kind))};
  }
  if (kind == "forbid_elements") {
    may_have({"on_supports"});
    std::vector<int> set = elements(value, at(kind));
    if (const ConfigNode* on = node.find("on_supports")) {
      return planning::ForbidOnSupport{std::move(set), support_names(on, at("on_supports"))};
    }
    return planning::ForbidElements{std::move(set)};
  }
  if (kind == "forbid_together") {
    may_have({});
    return planning::ForbidTogether{elements(value, at(kind))};
  }
  if (kind == "if_any") {
    may_have({"needs_any"});
    std::vector<int> set = elements(value, at(kind));
    return planning::RequireTogether{
        std::move(set), elements(required(node, path, "needs_any", R"(["Na"])"), at("needs_any"))};
  }
  if (kind == "group" || kind == "number_of_elements") {
    may_have({"at_least", "at_most"});
    std::vector<int> set;
    if (kind == "group") {
      set = elements(value, at(kind));
    } else {
      is_true();
    }
    planning::GroupLimit limit = group_limit(node, path);
    limit.elements = std::move(set);
    return limit;
  }
  if (kind == "amount_of" || kind == "share_of") {
    may_have({"at_least", "at_most"});
    return amount_limit(node, path, kind);
  }
  if (kind == "total_amount") {
    may_have({"at_least", "at_most"});
    is_true();
    planning::TotalLimit limit;
    limits(node, path, limit.at_least, limit.at_most);
    return limit;
  }
  if (kind == "mean_charge" || kind == "oxygen_per_atom") {
    may_have({"charges", "at_least", "at_most"});
    is_true();
    planning::ChargeLimit limit = charge_limit(node, path);
    limit.oxygen = kind == "oxygen_per_atom";
    return limit;
  }
  may_have({});
  return planning::ForbidSupports{support_names(value, at(kind))};
}

void CampaignDecoder::decode_rules(const ConfigNode& root, CampaignConfig& config) {
  static const std::vector<std::string> kinds = {
      "allow_elements", "forbid_elements", "forbid_together",    "if_any",
      "group",          "amount_of",       "number_of_elements", "share_of",
      "total_amount",   "forbid_supports", "mean_charge",        "oxygen_per_atom"};
  std::set<std::string> names;
  tables(root, "rules", [&](const ConfigNode& node, const std::string& path) {
    planning::Rule rule;
    rule.name = text(node.find("name"), join_key(path, "name"), path);
    if (!failed() && !names.insert(rule.name).second) {
      fail(node, path, "two rules have the same name", rule.name, "a name of its own");
    }
    std::vector<std::string> given;
    for (const std::string& kind : kinds) {
      if (node.find(kind) != nullptr) given.push_back(kind);
    }
    if (given.size() != 1) {
      fail(node, path,
           given.empty() ? "a rule that says nothing" : "a rule that says several things",
           fmt::format("{}", fmt::join(given, ", ")),
           fmt::format("exactly one of {}", fmt::join(kinds, ", ")));
    }
    if (failed()) return;
    rule.what = rule_kind(node, path, given.front());
    config.rules.push_back(std::move(rule));
  });
  check_elements_left(root, config);
}

// Rules that together forbid every element would leave bare supports, which nobody means.
void CampaignDecoder::check_elements_left(const ConfigNode& root, const CampaignConfig& config) {
  const ConfigNode* rules = root.find("rules");
  if (rules == nullptr || failed()) return;
  std::set<int> left;
  for (const planning::SpacePart& part : config.space.parts) {
    std::visit(
        [&](const auto& actives) {
          if constexpr (requires { actives.elements; }) {
            left.insert(actives.elements.begin(), actives.elements.end());
          } else {
            for (const auto& catalyst : actives.catalysts) {
              for (const auto& part_of : catalyst.active.parts()) left.insert(part_of.element);
            }
          }
        },
        part.actives);
  }
  if (left.empty()) return;
  std::vector<std::string> names;
  for (std::size_t i = 0; i < config.rules.size(); ++i) {
    const planning::Rule& rule = config.rules[i];
    if (const auto* allow = std::get_if<planning::AllowElements>(&rule.what)) {
      std::erase_if(left, [&](int z) {
        return std::find(allow->elements.begin(), allow->elements.end(), z) ==
               allow->elements.end();
      });
    } else if (const auto* forbid = std::get_if<planning::ForbidElements>(&rule.what)) {
      for (const int z : forbid->elements) left.erase(z);
    } else {
      continue;
    }
    names.push_back(fmt::format("\"{}\"", rule.name));
    if (!left.empty()) continue;
    fail(rules->items.at(i), fmt::format("rules[{}]", i), "the rules contradict one another",
         fmt::format("{}", fmt::join(names, ", ")), "rules that leave at least one element");
    return;
  }
}

void CampaignDecoder::decode_amounts(const ConfigNode& node,
                                     const chemistry::CompositionRules& rules,
                                     planning::Materials& materials) {
  using chemistry::Basis;
  const bool told = rules.basis && !rules.plain_names_are_amounts;
  const ConfigNode* amounts =
      told ? node.find("amounts") : required(node, "materials", "amounts", "\"mmol_per_g\"");
  if (told) {
    const bool by_weight =
        rules.basis == Basis::mass_fraction || rules.basis == Basis::wt_percent_of_catalyst;
    materials.unit = rules.basis == Basis::mmol_per_g_support ? AmountUnit::mmol_per_gram
                     : by_weight                              ? AmountUnit::mass_fraction
                                                              : AmountUnit::mole_fraction;
    if (rules.basis == Basis::wt_percent_of_catalyst) materials.scale = 0.01;
  }
  const AmountUnit unit = choice(amounts, "materials.amounts", kAmountUnitNames, materials.unit);
  if (told && !failed() && unit != materials.unit) {
    fail(*amounts, "materials.amounts", "other amounts than those of the campaign's basis",
         shown(*amounts),
         fmt::format("\"{}\", or no amounts here", kAmountUnitNames.to_name(materials.unit)));
  }
  materials.unit = unit;
}

void CampaignDecoder::decode_materials(const ConfigNode& root, CampaignConfig& config) {
  const ConfigNode* node = table(root, "materials");
  if (node == nullptr) return;
  planning::Materials materials;
  const auto at = [](std::string_view key) { return join_key("materials", key); };
  const auto amount = [&](const ConfigNode& of, const std::string& path, std::string_view key,
                          double scale) -> std::optional<double> {
    const ConfigNode* given = of.find(key);
    if (given == nullptr) return std::nullopt;
    return number(given, join_key(path, key), 0.0, 1e300, 0.0) * scale;
  };
  materials.sample_gram = number(required(*node, "materials", "sample_mass_g", "0.1"),
                                 at("sample_mass_g"), 1e-9, 1e6, materials.sample_gram);
  decode_amounts(*node, config.composition, materials);
  materials.weighable_gram = amount(*node, "materials", "weighable_mg", 1e-3).value_or(0.0);
  materials.sample_price = amount(*node, "materials", "sample_price", 1.0);
  materials.batch_price = amount(*node, "materials", "batch_price", 1.0);
  materials.batch_gram = amount(*node, "materials", "batch_mass_g", 1.0);
  if (const ConfigNode* hazards = node->find("forbid_hazards")) {
    materials.forbidden_hazards = texts(hazards, at("forbid_hazards"), R"(["toxic"])");
  }
  list(node->find("items"), at("items"), "[[materials.items]] with element and price_per_g",
       [&](const ConfigNode& item, const std::string& path) {
         if (!check(item, path, "materials.items[]")) return;
         const ConfigNode* element = item.find("element");
         const ConfigNode* support = item.find("support");
         if ((element == nullptr) == (support == nullptr)) {
           fail(item, path, "an item is one element or one support", "",
                "element = \"Pt\" or support = \"CeO2\"");
           return;
         }
         planning::Material material;
         material.price_per_gram = amount(item, path, "price_per_g", 1.0).value_or(0.0);
         material.stock_gram = amount(item, path, "stock_g", 1.0);
         material.gram_per_mole = amount(item, path, "grams_per_mol", 1.0);
         material.weighable_gram = amount(item, path, "weighable_mg", 1e-3);
         if (const ConfigNode* hazards = item.find("hazards")) {
           material.hazards = texts(hazards, join_key(path, "hazards"), R"(["toxic"])");
         }
         if (element != nullptr) {
           const int number_of = this->element(element, join_key(path, "element"));
           if (!failed() && !materials.elements.emplace(number_of, material).second) {
             fail(item, path, "the element has an item already", element->text,
                  "one item an element");
           }
         } else if (!materials.supports
                         .emplace(support_name(text(support, join_key(path, "support"))), material)
                         .second &&
                    !failed()) {
           fail(item, path, "the support has an item already", shown(*support),
                "one item a support");
         }
       });
  if (failed()) return;
  for (planning::Rule& rule : planning::material_rules(materials)) {
    config.rules.push_back(std::move(rule));
  }
  config.materials = std::move(materials);
}

}  // namespace kasetsu::campaign
