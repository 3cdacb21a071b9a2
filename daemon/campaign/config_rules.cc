// The rules of a campaign file.
#include <cmath>
#include <limits>
#include <set>

#include "daemon/campaign/config_decoder.h"

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
        "total_amount",   "forbid_supports"};
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
    } else {
      only(node, path, "this rule", {"name", "forbid_supports"});
      rule.what = planning::ForbidSupports{texts(node.find(kind), at(kind), R"(["TiO2"])")};
    }
    config.rules.push_back(std::move(rule));
  });
}

}  // namespace kasetsu::campaign
