// Targets, candidate space and conditions of a campaign file.
#include <cmath>
#include <set>

#include "daemon/campaign/file/campaign_file_decoder.h"

namespace kasetsu::campaign {
namespace {

using planning::Goal;

enum class SpaceKind { slots, simplex, grid, list };
constexpr auto kSpaceKindNames = name_table<SpaceKind>({{SpaceKind::slots, "slots"},
                                                        {SpaceKind::simplex, "simplex"},
                                                        {SpaceKind::grid, "grid"},
                                                        {SpaceKind::list, "list"}});

}  // namespace

void CampaignDecoder::decode_plausible(const ConfigNode& node, const std::string& path,
                                       std::optional<double>& low, std::optional<double>& high) {
  const ConfigNode* range = node.find("plausible");
  if (range == nullptr) return;
  const std::vector<double> ends = numbers(range, join_key(path, "plausible"), "[0, 100]");
  if (failed()) return;
  if (ends.size() != 2 || !(ends[0] < ends[1])) {
    fail(*range, join_key(path, "plausible"), "expected two numbers, the smaller one first",
         shown(*range), "for example [0, 100]");
    return;
  }
  low = ends[0];
  high = ends[1];
}

std::string CampaignDecoder::property_name(const ConfigNode& node, const std::string& path,
                                           std::string_view example, std::set<std::string>& names) {
  const ConfigNode* given = required(node, path, "name", example);
  std::string name = text(given, join_key(path, "name"));
  if (!failed() && (name.empty() || name.size() > 128 || !names.insert(name).second)) {
    fail(*given, join_key(path, "name"), "not a name of its own", name,
         "a name that no other target or property has, at most 128 bytes");
  }
  return name;
}

void CampaignDecoder::decode_goal(const ConfigNode& node, const std::string& path, Target& target) {
  target.aim.goal = choice(required(node, path, "goal", "\"maximize\", \"minimize\" or \"target\""),
                           join_key(path, "goal"), planning::kGoalNames, Goal::maximize);
  const bool near = target.aim.goal == planning::Goal::target;
  for (const auto& [key, belongs] :
       {std::pair{"value", near}, {"tolerance", near}, {"hit_threshold", !near}}) {
    const ConfigNode* found = node.find(key);
    if (found == nullptr || belongs || failed()) continue;
    fail(*found, join_key(path, key),
         near ? "a target that should be near a value has no threshold"
              : "only a target that should be near a value has this key",
         shown(*found), near ? "tolerance = 5" : "goal = \"target\", or hit_threshold");
  }
  if (near && !failed()) {
    const ConfigNode* wanted = required(node, path, "value", "350 (with goal = \"target\")");
    target.aim.value = number(wanted, join_key(path, "value"), -1e301, 1e301, 0.0);
    if (const ConfigNode* tolerance = node.find("tolerance"))
      target.hit_threshold = number(tolerance, join_key(path, "tolerance"), 0.0, 1e301, 0.0);
  }
  if (const ConfigNode* hit = node.find("hit_threshold"); hit != nullptr && !near) {
    target.hit_threshold = number(hit, join_key(path, "hit_threshold"), -1e301, 1e301, 0.0);
  }
}

void CampaignDecoder::decode_targets(const ConfigNode& root, CampaignConfig& config) {
  constexpr std::string_view kUnit = "\"%\" (or \"\" where there is none)";
  required(root, "", "targets", "[[targets]] with name, unit and goal below");
  std::set<std::string> names;
  tables(root, "targets", [&](const ConfigNode& node, const std::string& path) {
    Target target;
    target.name = property_name(node, path, "\"C2_yield\"", names);
    target.unit = text(required(node, path, "unit", kUnit), join_key(path, "unit"));
    decode_goal(node, path, target);
    decode_plausible(node, path, target.plausible_low, target.plausible_high);
    config.targets.push_back(std::move(target));
  });
  tables(root, "properties", [&](const ConfigNode& node, const std::string& path) {
    OtherProperty property;
    property.name = property_name(node, path, "\"CH4_conversion\"", names);
    property.unit = text(required(node, path, "unit", kUnit), join_key(path, "unit"));
    decode_plausible(node, path, property.plausible_low, property.plausible_high);
    config.properties.push_back(std::move(property));
  });
  if (!failed() && config.targets.empty()) {
    fail(root, "targets", "the campaign has no target", "", "at least one [[targets]]");
  }
}

std::vector<planning::Support> CampaignDecoder::supports(const ConfigNode* node,
                                                         const std::string& path) {
  std::vector<planning::Support> found;
  list(node, path, R"(["MgO", "SiO2"])", [&](const ConfigNode& item, const std::string& at) {
    planning::Support support;
    support.name = text(&item, at);
    if (failed()) return;
    if (support.name.empty()) {
      fail(item, at, "a support without a name", "", "for example \"MgO\"");
      return;
    }
    const Result<chemistry::Support> read = supports_.read(support.name);
    if (!read) {
      fail_in(item, at, read.error());
      return;
    }
    if (std::any_of(found.begin(), found.end(),
                    [&](const auto& other) { return other.name == read->name; })) {
      fail(item, at, "listed twice", support.name, "one of each");
      return;
    }
    support = {read->name, read->formula};
    found.push_back(std::move(support));
  });
  return found;
}

planning::Slots CampaignDecoder::slots(const ConfigNode& node, const std::string& path) {
  only(node, path, "a space of slots",
       {"kind", "elements", "slots", "none", "repetition", "supports", "preparations"});
  planning::Slots slots;
  slots.slots = static_cast<int>(
      whole(required(node, path, "slots", "3"), join_key(path, "slots"), 1, 20, 3));
  slots.none = flag(required(node, path, "none", "true (a slot may stay empty)"),
                    join_key(path, "none"), true);
  slots.repetition =
      flag(required(node, path, "repetition", "true (an element may take several slots)"),
           join_key(path, "repetition"), true);
  return slots;
}

int CampaignDecoder::count(const ConfigNode& node, const std::string& path, std::string_view key,
                           std::string_view example) {
  return static_cast<int>(
      whole(required(node, path, key, example), join_key(path, key), 0, kMostElements, 1));
}

planning::Simplex CampaignDecoder::simplex(const ConfigNode& node, const std::string& path,
                                           const chemistry::CompositionRules& rules) {
  only(node, path, "a simplex",
       {"kind", "elements", "step_at_percent", "min_elements", "max_elements", "total", "supports",
        "preparations"});
  planning::Simplex simplex;
  const ConfigNode* step = required(node, path, "step_at_percent", "10");
  const double percent = number(step, join_key(path, "step_at_percent"), 0.1, 100.0, 10.0);
  simplex.steps = static_cast<int>(std::lround(100.0 / percent));
  if (step != nullptr && !failed() && std::abs(simplex.steps * percent - 100.0) > 1e-6) {
    fail(*step, join_key(path, "step_at_percent"), "100 % is not a whole number of steps",
         shown(*step), "a divisor of 100, such as 20, 10, 5 or 2.5");
  }
  simplex.min_elements = node.find("min_elements") ? count(node, path, "min_elements", "1") : 1;
  simplex.max_elements = count(node, path, "max_elements", "4");
  simplex.total = simplex_total(node, path, rules);
  return simplex;
}

planning::LoadingGrid CampaignDecoder::loading_grid(const ConfigNode& node, const std::string& path,
                                                    chemistry::CompositionRules& rules) {
  only(node, path, "a grid of loadings",
       {"kind", "elements", "loadings", "loading_unit", "min_elements", "max_elements", "supports",
        "preparations"});
  planning::LoadingGrid grid;
  grid.min_elements = count(node, path, "min_elements", "1");
  grid.max_elements = count(node, path, "max_elements", "3");
  grid.loadings = numbers(required(node, path, "loadings", "[0.1, 0.2]"),
                          join_key(path, "loadings"), "[0.1, 0.2]");
  check_loading_unit(node, path, rules);
  return grid;
}

void CampaignDecoder::decode_space(const ConfigNode& root, CampaignConfig& config) {
  required(root, "", "space", "[[space]] with kind, elements and supports below");
  tables(root, "space", [&](const ConfigNode& node, const std::string& path) {
    planning::SpacePart part;
    const SpaceKind kind =
        choice(required(node, path, "kind", "\"slots\", \"simplex\", \"grid\" or \"list\""),
               join_key(path, "kind"), kSpaceKindNames, SpaceKind::slots);
    if (failed()) return;
    if (kind == SpaceKind::list) {
      part.actives = catalyst_list(node, path);
      config.space.parts.push_back(std::move(part));
      return;
    }
    std::vector<int> symbols = elements(required(node, path, "elements", R"(["Li", "Na", "Mn"])"),
                                        join_key(path, "elements"));
    const auto take = [&](auto actives) {
      actives.elements = std::move(symbols);
      part.actives = std::move(actives);
    };
    if (kind == SpaceKind::slots) {
      take(slots(node, path));
    } else if (kind == SpaceKind::simplex) {
      take(simplex(node, path, config.composition));
    } else {
      take(loading_grid(node, path, config.composition));
    }
    part.supports = supports(node.find("supports"), join_key(path, "supports"));
    part.preparations = preparations(node, path);
    config.space.parts.push_back(std::move(part));
  });
  finish_composition(root, config);
}

void CampaignDecoder::decode_conditions(const ConfigNode& root, CampaignConfig& config) {
  const ConfigNode* node = root.find("conditions");
  if (node == nullptr || failed()) return;
  if (node->kind != ConfigNode::Kind::table) {
    fail(*node, "conditions", "expected a table", shown(*node),
         "[conditions] with lines such as temperature_C = [750, 800]");
    return;
  }
  for (const auto& [name, levels] : node->members) {
    const std::string path = join_key("conditions", name);
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
