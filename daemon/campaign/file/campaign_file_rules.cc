// The rules of a campaign file.
#include <cmath>
#include <limits>
#include <set>

#include "core/chemistry/element.h"
#include "daemon/campaign/file/campaign_file_decoder.h"

namespace kasetsu::campaign {

void Decoder::decode_rules(const Node& root, CampaignConfig& config) {
  std::size_t number_of_rule = 0;
  std::set<std::string> names;
  tables(root, "rules", [&](const Node& node, const std::string& path) {
    planning::Rule rule;
    rule.name =
        text(node.find("name"), join(path, "name"), fmt::format("rules[{}]", number_of_rule));
    ++number_of_rule;
    if (!failed() && !names.insert(rule.name).second) {
      fail(node, path, "two rules have the same name", rule.name, "a name of its own");
    }
    static const std::vector<std::string> kinds = {
        "allow_elements", "forbid_elements", "forbid_together",    "if_any",
        "group",          "amount_of",       "number_of_elements", "share_of",
        "total_amount",   "forbid_supports", "mean_charge",        "oxygen_per_atom"};
    std::vector<std::string> given;
    for (const std::string& kind : kinds) {
      if (node.find(kind) != nullptr) given.push_back(kind);
    }
    if (given.size() != 1 && !failed()) {
      fail(node, path,
           given.empty() ? "a rule that says nothing" : "a rule that says several things",
           joined(given), "exactly one of " + joined(kinds));
      return;
    }
    if (failed()) return;
    const std::string& kind = given.front();
    const auto at = [&](std::string_view key) { return join(path, key); };
    const auto limits = [&](double scale, double& low, double& high) {
      if (node.find("at_least") == nullptr && node.find("at_most") == nullptr) {
        fail(node, path, "a limit without at_least or at_most", "", "for example at_most = 1");
      }
      low = number(node.find("at_least"), at("at_least"), 0.0, 1e300, 0.0) * scale;
      high = number(node.find("at_most"), at("at_most"), 0.0, 1e300,
                    std::numeric_limits<double>::infinity()) *
             scale;
    };
    const auto count_limits = [&](int& low, int& high) {
      if (node.find("at_least") == nullptr && node.find("at_most") == nullptr) {
        fail(node, path, "a limit without at_least or at_most", "", "for example at_most = 1");
      }
      low = static_cast<int>(whole(node.find("at_least"), at("at_least"), 0, 118, 0));
      high = static_cast<int>(
          whole(node.find("at_most"), at("at_most"), 0, 118, std::numeric_limits<int>::max()));
    };
    if (kind == "allow_elements") {
      only(node, path, "this rule", {"name", "allow_elements"});
      rule.what = planning::AllowElements{elements(node.find(kind), at(kind))};
    } else if (kind == "forbid_elements") {
      only(node, path, "this rule", {"name", "forbid_elements", "on_supports"});
      const std::vector<int> set = elements(node.find(kind), at(kind));
      if (const Node* on = node.find("on_supports")) {
        rule.what = planning::ForbidOnSupport{set, texts(on, at("on_supports"), R"(["TiO2"])")};
      } else {
        rule.what = planning::ForbidElements{set};
      }
    } else if (kind == "forbid_together") {
      only(node, path, "this rule", {"name", "forbid_together"});
      rule.what = planning::ForbidTogether{elements(node.find(kind), at(kind))};
    } else if (kind == "if_any") {
      only(node, path, "this rule", {"name", "if_any", "needs_any"});
      rule.what = planning::RequireTogether{
          elements(node.find(kind), at(kind)),
          elements(required(node, path, "needs_any", R"(["Na"])"), at("needs_any"))};
    } else if (kind == "group") {
      only(node, path, "this rule", {"name", "group", "at_least", "at_most"});
      planning::GroupLimit limit;
      limit.elements = elements(node.find(kind), at(kind));
      count_limits(limit.at_least, limit.at_most);
      rule.what = limit;
    } else if (kind == "number_of_elements") {
      only(node, path, "this rule", {"name", "number_of_elements", "at_least", "at_most"});
      planning::GroupLimit limit;
      if (!flag(node.find(kind), at(kind), true)) {
        fail(*node.find(kind), at(kind), "a rule that says nothing", "false",
             "true, with at_least or at_most beside it");
      }
      count_limits(limit.at_least, limit.at_most);
      rule.what = limit;
    } else if (kind == "amount_of" || kind == "share_of") {
      only(node, path, "this rule", {"name", kind, "at_least", "at_most"});
      planning::AmountLimit limit;
      limit.elements = elements(node.find(kind), at(kind));
      limit.share = kind == "share_of";
      limits(1.0, limit.at_least, limit.at_most);
      if (!failed() && limit.share &&
          (limit.at_least > 1.0 || (limit.at_most > 1.0 && std::isfinite(limit.at_most)))) {
        fail(node, path, "a share above 1",
             fmt::format("{:g}", limit.at_least > 1.0 ? limit.at_least : limit.at_most),
             "a share from 0 to 1: 0.4 for 40 at.%");
      }
      rule.what = limit;
    } else if (kind == "total_amount") {
      only(node, path, "this rule", {"name", "total_amount", "at_least", "at_most"});
      planning::TotalLimit limit;
      if (!flag(node.find(kind), at(kind), true)) {
        fail(*node.find(kind), at(kind), "a rule that says nothing", "false",
             "true, with at_least or at_most beside it");
      }
      limits(1.0, limit.at_least, limit.at_most);
      rule.what = limit;
    } else if (kind == "mean_charge" || kind == "oxygen_per_atom") {
      only(node, path, "this rule", {"name", kind, "charges", "at_least", "at_most"});
      planning::ChargeLimit limit;
      limit.oxygen = kind == "oxygen_per_atom";
      if (!flag(node.find(kind), at(kind), true)) {
        fail(*node.find(kind), at(kind), "a rule that says nothing", "false",
             "true, with at_least or at_most beside it");
      }
      limits(1.0, limit.at_least, limit.at_most);
      if (const Node* charges = node.find("charges")) {
        if (charges->kind != Node::Kind::table) {
          fail(*charges, at("charges"), "expected a table of charges", shown(*charges),
               "for example { Ce = 3, Mn = 4 }");
          return;
        }
        for (const auto& [symbol, value] : charges->members) {
          const auto element = chemistry::atomic_number(symbol);
          if (!element) {
            fail(value, join(at("charges"), symbol), "unknown element", symbol,
                 "a symbol such as Ce");
            return;
          }
          limit.charges[*element] = number(&value, join(at("charges"), symbol), -8.0, 8.0, 0.0);
        }
      }
      rule.what = limit;
    } else {
      only(node, path, "this rule", {"name", "forbid_supports"});
      rule.what = planning::ForbidSupports{texts(node.find(kind), at(kind), R"(["TiO2"])")};
    }
    config.rules.push_back(std::move(rule));
  });
}

void Decoder::decode_materials(const Node& root, CampaignConfig& config) {
  const Node* node = table(root, "materials");
  if (node == nullptr) return;
  planning::Materials materials;
  const auto at = [](std::string_view key) { return join("materials", key); };
  const auto amount = [&](const Node& of, const std::string& path, std::string_view key,
                          double scale) -> std::optional<double> {
    const Node* given = of.find(key);
    if (given == nullptr) return std::nullopt;
    return number(given, join(path, key), 0.0, 1e300, 0.0) * scale;
  };
  materials.sample_gram = number(required(*node, "materials", "sample_mass_g", "0.1"),
                                 at("sample_mass_g"), 1e-9, 1e6, materials.sample_gram);
  materials.unit = choice<planning::AmountUnit>(
      required(*node, "materials", "amounts", "\"mmol_per_g\""), at("amounts"),
      {{"mmol_per_g", planning::AmountUnit::mmol_per_gram},
       {"mole_fraction", planning::AmountUnit::mole_fraction},
       {"mass_fraction", planning::AmountUnit::mass_fraction}},
      materials.unit);
  materials.weighable_gram = amount(*node, "materials", "weighable_mg", 1e-3).value_or(0.0);
  materials.sample_price = amount(*node, "materials", "sample_price", 1.0);
  materials.batch_price = amount(*node, "materials", "batch_price", 1.0);
  materials.batch_gram = amount(*node, "materials", "batch_mass_g", 1.0);
  if (const Node* hazards = node->find("forbid_hazards")) {
    materials.forbidden_hazards = texts(hazards, at("forbid_hazards"), R"(["toxic"])");
  }
  list(node->find("items"), at("items"), "[[materials.items]] with element and price_per_g",
       [&](const Node& item, const std::string& path) {
         if (!check_table(item, path, "materials.items[]")) return;
         const Node* element = item.find("element");
         const Node* support = item.find("support");
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
         if (const Node* hazards = item.find("hazards")) {
           material.hazards = texts(hazards, join(path, "hazards"), R"(["toxic"])");
         }
         if (element != nullptr) {
           const std::string symbol = text(element, join(path, "element"));
           const auto number_of = chemistry::atomic_number(symbol);
           if (!number_of && !failed()) {
             fail(*element, join(path, "element"), "unknown element", symbol,
                  "a symbol such as Pt");
           }
           if (failed()) return;
           if (!materials.elements.emplace(*number_of, material).second) {
             fail(item, path, "the element has an item already", symbol, "one item an element");
           }
         } else if (!materials.supports.emplace(text(support, join(path, "support")), material)
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
