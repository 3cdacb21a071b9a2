// Targets, candidate space and conditions of a campaign file.
#include <cmath>
#include <set>

#include "daemon/campaign/file/campaign_file_decoder.h"

namespace kasetsu::campaign {

void Decoder::decode_plausible(const Node& node, const std::string& path,
                               std::optional<double>& low, std::optional<double>& high) {
  const Node* range = node.find("plausible");
  if (range == nullptr) return;
  const std::vector<double> ends = numbers(range, join(path, "plausible"), "[0, 100]");
  if (failed()) return;
  if (ends.size() != 2 || !(ends[0] < ends[1])) {
    fail(*range, join(path, "plausible"), "expected two numbers, the smaller one first",
         shown(*range), "for example [0, 100]");
    return;
  }
  low = ends[0];
  high = ends[1];
}

void Decoder::decode_targets(const Node& root, CampaignConfig& config) {
  required(root, "", "targets", "[[targets]] with name, unit and goal below");
  std::set<std::string> names;
  tables(root, "targets", [&](const Node& node, const std::string& path) {
    Target target;
    const Node* name = required(node, path, "name", "\"C2_yield\"");
    target.name = text(name, join(path, "name"));
    if (name != nullptr && !failed() &&
        (target.name.empty() || target.name.size() > 128 || !names.insert(target.name).second)) {
      fail(*name, join(path, "name"), "not a name of its own", target.name,
           "a name that no other target has, at most 128 bytes");
    }
    const Node* unit = required(node, path, "unit", "\"%\" (or \"\" where there is none)");
    target.unit = text(unit, join(path, "unit"));
    const Node* goal = required(node, path, "goal", "\"maximize\", \"minimize\" or \"target\"");
    target.aim.goal = choice<planning::Goal>(goal, join(path, "goal"),
                                             {{"maximize", planning::Goal::maximize},
                                              {"minimize", planning::Goal::minimize},
                                              {"target", planning::Goal::target}},
                                             planning::Goal::maximize);
    const bool near = target.aim.goal == planning::Goal::target;
    for (const auto& [key, belongs] :
         {std::pair{"value", near}, {"tolerance", near}, {"hit_threshold", !near}}) {
      const Node* found = node.find(key);
      if (found == nullptr || belongs || failed()) continue;
      fail(*found, join(path, key),
           near ? "a target that should be near a value has no threshold"
                : "only a target that should be near a value has this key",
           shown(*found), near ? "tolerance = 5" : "goal = \"target\", or hit_threshold");
    }
    if (near && !failed()) {
      const Node* wanted = required(node, path, "value", "350 (with goal = \"target\")");
      target.aim.value = number(wanted, join(path, "value"), -1e301, 1e301, 0.0);
      if (const Node* tolerance = node.find("tolerance"))
        target.hit_threshold = number(tolerance, join(path, "tolerance"), 0.0, 1e301, 0.0);
    }
    if (const Node* hit = node.find("hit_threshold"); hit != nullptr && !near) {
      target.hit_threshold = number(hit, join(path, "hit_threshold"), -1e301, 1e301, 0.0);
    }
    decode_plausible(node, path, target.plausible_low, target.plausible_high);
    config.targets.push_back(std::move(target));
  });
  tables(root, "properties", [&](const Node& node, const std::string& path) {
    OtherProperty property;
    const Node* name = required(node, path, "name", "\"CH4_conversion\"");
    property.name = text(name, join(path, "name"));
    if (name != nullptr && !failed() &&
        (property.name.empty() || property.name.size() > 128 ||
         !names.insert(property.name).second)) {
      fail(*name, join(path, "name"), "not a name of its own", property.name,
           "a name that no target and no other property has, at most 128 bytes");
    }
    property.unit = text(required(node, path, "unit", "\"%\" (or \"\" where there is none)"),
                         join(path, "unit"));
    decode_plausible(node, path, property.plausible_low, property.plausible_high);
    config.properties.push_back(std::move(property));
  });
  if (!failed() && config.targets.empty()) {
    fail(root, "targets", "the campaign has no target", "", "at least one [[targets]]");
  }
}

void Decoder::decode_space(const Node& root, CampaignConfig& config) {
  required(root, "", "space", "[[space]] with kind, elements and supports below");
  tables(root, "space", [&](const Node& node, const std::string& path) {
    enum class Kind { slots, simplex, grid, list };
    planning::SpacePart part;
    const Kind kind =
        choice<Kind>(required(node, path, "kind", "\"slots\", \"simplex\", \"grid\" or \"list\""),
                     join(path, "kind"),
                     {{"slots", Kind::slots},
                      {"simplex", Kind::simplex},
                      {"grid", Kind::grid},
                      {"list", Kind::list}},
                     Kind::slots);
    if (failed()) return;
    if (kind == Kind::list) {
      only(node, path, "a list", {"kind", "catalysts"});
      planning::CatalystList catalysts;
      const Node* given =
          required(node, path, "catalysts", R"(["Mn-Na2WO4/SiO2", "Li:1;Mg:2/MgO"])");
      list(given, join(path, "catalysts"), R"(["Mn-Na2WO4/SiO2"])",
           [&](const Node& item, const std::string& at) {
             catalysts.catalysts.push_back(candidate(item, at).catalyst);
           });
      part.actives = std::move(catalysts);
      config.space.parts.push_back(std::move(part));
      return;
    }
    const std::vector<int> symbols =
        elements(required(node, path, "elements", R"(["Li", "Na", "Mn"])"), join(path, "elements"));
    const auto count = [&](std::string_view key, std::string_view example) {
      return static_cast<int>(whole(required(node, path, key, example), join(path, key), 0, 20, 1));
    };
    if (kind == Kind::slots) {
      only(node, path, "a space of slots",
           {"kind", "elements", "slots", "none", "repetition", "supports", "preparations"});
      planning::Slots slots;
      slots.elements = symbols;
      slots.slots = static_cast<int>(
          whole(required(node, path, "slots", "3"), join(path, "slots"), 1, 20, 3));
      slots.none = flag(required(node, path, "none", "true (a slot may stay empty)"),
                        join(path, "none"), true);
      slots.repetition =
          flag(required(node, path, "repetition", "true (an element may take several slots)"),
               join(path, "repetition"), true);
      part.actives = std::move(slots);
    } else if (kind == Kind::simplex) {
      only(node, path, "a simplex",
           {"kind", "elements", "step_at_percent", "min_elements", "max_elements", "total",
            "supports", "preparations"});
      planning::Simplex simplex;
      simplex.elements = symbols;
      const Node* step = required(node, path, "step_at_percent", "10");
      const double percent = number(step, join(path, "step_at_percent"), 0.1, 100.0, 10.0);
      simplex.steps = static_cast<int>(std::lround(100.0 / percent));
      if (step != nullptr && !failed() && std::abs(simplex.steps * percent - 100.0) > 1e-6) {
        fail(*step, join(path, "step_at_percent"), "100 % is not a whole number of steps",
             shown(*step), "a divisor of 100, such as 20, 10, 5 or 2.5");
      }
      simplex.min_elements = node.find("min_elements") ? count("min_elements", "1") : 1;
      simplex.max_elements = count("max_elements", "4");
      simplex.total = number(node.find("total"), join(path, "total"), 1e-9, 1e9, 1.0);
      part.actives = std::move(simplex);
    } else {
      only(node, path, "a grid of loadings",
           {"kind", "elements", "loadings", "loading_unit", "min_elements", "max_elements",
            "supports", "preparations"});
      planning::LoadingGrid grid;
      grid.elements = symbols;
      grid.min_elements = count("min_elements", "1");
      grid.max_elements = count("max_elements", "3");
      grid.loadings = numbers(required(node, path, "loadings", "[0.1, 0.2]"),
                              join(path, "loadings"), "[0.1, 0.2]");
      // Written down for people and for reports; amounts are compared as numbers.
      text(required(node, path, "loading_unit", "\"mmol/g\""), join(path, "loading_unit"));
      part.actives = std::move(grid);
    }
    const std::string supports_path = join(path, "supports");
    list(node.find("supports"), supports_path, R"(["MgO", "SiO2"])",
         [&](const Node& item, const std::string& at) {
           planning::Support support;
           support.name = text(&item, at);
           if (failed() || support.name.empty()) {
             if (!failed()) fail(item, at, "a support without a name", "", "for example \"MgO\"");
             return;
           }
           const Result<chemistry::Support> read = supports_.read(support.name);
           if (!read) {
             fail_in(item, at, read.error());
             return;
           }
           if (std::any_of(part.supports.begin(), part.supports.end(),
                           [&](const auto& other) { return other.name == read->name; })) {
             fail(item, at, "listed twice", support.name, "one of each");
             return;
           }
           support = {read->name, read->formula};
           part.supports.push_back(std::move(support));
         });
    part.preparations =
        texts(node.find("preparations"), join(path, "preparations"), R"(["impregnation"])");
    config.space.parts.push_back(std::move(part));
  });
}

void Decoder::decode_conditions(const Node& root, CampaignConfig& config) {
  const Node* node = root.find("conditions");
  if (node == nullptr || failed()) return;
  if (node->kind != Node::Kind::table) {
    fail(*node, "conditions", "expected a table", shown(*node),
         "[conditions] with lines such as temperature_C = [750, 800]");
    return;
  }
  for (const auto& [name, levels] : node->members) {
    const std::string path = join("conditions", name);
    planning::ConditionLevels condition;
    condition.name = name;
    if (name.empty() || name.size() > 64 || name.find_first_of("|@;=/") != std::string::npos) {
      fail(levels, "conditions", "not a name for a condition", name,
           "letters, digits and _, with the unit at the end: temperature_C");
      return;
    }
    condition.levels = numbers(&levels, path, "[750, 800]");
    if (!failed() && condition.levels.empty()) {
      fail(levels, path, "a condition without levels", "", "for example [750, 800]");
    }
    config.space.conditions.push_back(std::move(condition));
  }
}

}  // namespace kasetsu::campaign
