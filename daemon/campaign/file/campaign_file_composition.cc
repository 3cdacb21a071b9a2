// What the amounts of a campaign's catalysts are: [composition], and what the space tells of them.
#include <algorithm>
#include <set>

#include "core/chemistry/names.h"
#include "core/chemistry/told_catalyst.h"
#include "daemon/campaign/file/campaign_file_decoder.h"

namespace kasetsu::campaign {
namespace {

using chemistry::Basis;

enum class Oxygen { dropped, counted };
constexpr auto kOxygenNames =
    name_table<Oxygen>({{Oxygen::dropped, "dropped"}, {Oxygen::counted, "counted"}});

constexpr int kOxygen = 8;

// The basis that a grid's unit tells; none: it tells none, or amounts would have to be scaled.
std::optional<Basis> basis_of_unit(const std::string& unit) {
  const auto told = chemistry::told_unit(unit);
  if (!told || told->weighed || told->scale != 1.0) return std::nullopt;
  return told->basis;
}

}  // namespace

void CampaignDecoder::decode_composition(const ConfigNode& root, CampaignConfig& config) {
  const ConfigNode* node = table(root, "composition");
  if (node == nullptr || failed()) return;
  chemistry::CompositionRules& rules = config.composition;
  const auto at = [](std::string_view key) { return join_key("composition", key); };
  if (const ConfigNode* basis = node->find("basis")) {
    rules.basis = choice(basis, at("basis"), chemistry::kBasisNames, Basis::atomic_ratio);
    rules.plain_names_are_amounts = false;
  }
  rules.total = number(node->find("total"), at("total"), 1e-9, 1e9, 0.0);
  rules.count_oxygen =
      choice(node->find("oxygen"), at("oxygen"), kOxygenNames, Oxygen::dropped) == Oxygen::counted;
  if (const ConfigNode* tolerance = node->find("tolerance")) {
    rules.tolerance = number(tolerance, at("tolerance"), 0.0, 1e9, 0.0);
  }
  if (failed()) return;
  if (const Status fine = rules.validate(); !fine) fail_in(*node, "composition", fine.error());
}

double CampaignDecoder::simplex_total(const ConfigNode& node, const std::string& path,
                                      const chemistry::CompositionRules& rules) {
  const bool percent = rules.basis == Basis::wt_percent_of_catalyst;
  const double usual = rules.total > 0.0 ? rules.total : percent ? 100.0 : 1.0;
  const ConfigNode* told = node.find("total");
  const double total = number(told, join_key(path, "total"), 1e-9, 1e9, usual);
  if (told != nullptr && !failed() && rules.total > 0.0 && total != rules.total) {
    fail(*told, join_key(path, "total"), "another total than that of [composition]", shown(*told),
         fmt::format("{:g}, or no total here", rules.total));
  }
  return total;
}

void CampaignDecoder::check_loading_unit(const ConfigNode& node, const std::string& path,
                                         chemistry::CompositionRules& rules) {
  const std::string at = join_key(path, "loading_unit");
  const bool told = rules.basis && !rules.plain_names_are_amounts;
  const ConfigNode* given =
      told ? node.find("loading_unit")
           : required(node, path, "loading_unit", R"("mmol/g", or basis under [composition])");
  const std::string unit = text(given, at);
  if (failed() || given == nullptr) return;
  const std::optional<Basis> basis = basis_of_unit(unit);
  if (told && basis && basis != rules.basis) {
    fail(*given, at, "another unit than the basis of [composition]", unit,
         std::string(chemistry::basis_unit(*rules.basis)));
  }
  loading_units_.push_back(basis);
}

std::vector<std::string> CampaignDecoder::support_names(const ConfigNode* node,
                                                        const std::string& path) {
  std::vector<std::string> names = texts(node, path, R"(["TiO2"])");
  for (std::string& name : names) name = support_name(name);
  return names;
}

std::string CampaignDecoder::support_name(const std::string& told) const {
  const auto read = supports_.read(told);
  // A support that cannot be read is none of the space: RuleSet says so, with the rule's name.
  return read.ok() ? read->name : told;
}

std::vector<std::string> CampaignDecoder::preparations(const ConfigNode& node,
                                                       const std::string& path) {
  std::vector<std::string> found;
  const std::string key = join_key(path, "preparations");
  list(node.find("preparations"), key, R"(["impregnation"])",
       [&](const ConfigNode& item, const std::string& at) {
         std::string name = chemistry::fold_name(text(&item, at));
         if (!failed() && std::find(found.begin(), found.end(), name) != found.end()) {
           fail(item, at, "listed twice", item.text, "one of each, whatever its spelling");
         }
         found.push_back(std::move(name));
       });
  return found;
}

planning::CatalystList CampaignDecoder::catalyst_list(const ConfigNode& node,
                                                      const std::string& path) {
  only(node, path, "a list", {"kind", "catalysts"});
  planning::CatalystList found;
  chemistry::OxygenMerges merges;
  list(required(node, path, "catalysts", R"(["Mn-Na2WO4/SiO2", "Li:1;Mg:2/MgO"])"),
       join_key(path, "catalysts"), R"(["Mn-Na2WO4/SiO2"])",
       [&](const ConfigNode& item, const std::string& at) {
         auto made = catalyst(item, at);
         merges.add(chemistry::canonical_key(made.catalyst), made.dropped_oxygen);
         found.catalysts.push_back(std::move(made.catalyst));
       });
  list_note_ = merges.note("catalysts of the list");
  return found;
}

// A name such as "TiO2" is a bare support where the space has that support: the lists are read
// once more when all supports are known.
void CampaignDecoder::read_lists_again(const ConfigNode& root, CampaignConfig& config) {
  const ConfigNode* parts = root.find("space");
  for (std::size_t i = 0; i < config.space.parts.size() && !failed(); ++i) {
    planning::SpacePart& part = config.space.parts[i];
    if (!std::holds_alternative<planning::CatalystList>(part.actives)) continue;
    part.actives = catalyst_list(parts->items.at(i), fmt::format("space[{}]", i));
    if (!list_note_.empty()) config.notes.push_back(list_note_);
  }
}

// What the space proposes must have the sum that results of it must have.
void CampaignDecoder::check_whole(const ConfigNode& space, const CampaignConfig& config) {
  for (std::size_t i = 0; i < config.space.parts.size() && !failed(); ++i) {
    const planning::SpacePart& part = config.space.parts[i];
    const double whole = rules_.whole(!part.supports.empty());
    const auto* simplex = std::get_if<planning::Simplex>(&part.actives);
    const bool grid = std::holds_alternative<planning::LoadingGrid>(part.actives);
    if (whole == 0.0 || (simplex == nullptr && !grid)) continue;
    if (simplex != nullptr && simplex->total == whole) continue;
    fail(
        space.items.at(i), fmt::format("space[{}]", i),
        fmt::format("in this basis the amounts of {} add up to {:g}, and those of the space do not",
                    part.supports.empty() ? "catalysts without a support" : "catalysts", whole),
        simplex != nullptr ? fmt::format("total = {:g}", simplex->total) : "kind = \"grid\"",
        fmt::format("kind = \"simplex\" with total = {:g}, or supports", whole));
  }
}

void CampaignDecoder::find_supports(CampaignConfig& config) {
  std::set<std::string> names, preparations;
  std::set<int> elements;
  for (const planning::SpacePart& part : config.space.parts) {
    for (const planning::Support& support : part.supports) names.insert(support.name);
    preparations.insert(part.preparations.begin(), part.preparations.end());
    std::visit(
        [&](const auto& actives) {
          if constexpr (requires { actives.elements; }) {
            elements.insert(actives.elements.begin(), actives.elements.end());
            if (part.supports.empty()) names.insert("");
          } else {
            for (const auto& catalyst : actives.catalysts) {
              names.insert(catalyst.support);
              preparations.insert(catalyst.preparation);
              for (const auto& one : catalyst.active.parts()) elements.insert(one.element);
            }
          }
        },
        part.actives);
  }
  const bool unsupported = names.erase("") > 0;
  preparations.erase("");
  config.composition.supports.assign(names.begin(), names.end());
  // A support of the space as the others: what has none is not foreign there.
  if (unsupported && !names.empty()) config.composition.supports.emplace_back("none");
  config.composition.preparations.assign(preparations.begin(), preparations.end());
  config.composition.elements.assign(elements.begin(), elements.end());
  rules_ = config.composition;
}

// A space that varies oxygen counts it.
void CampaignDecoder::count_listed_oxygen(const ConfigNode& root, CampaignConfig& config) {
  if (config.composition.count_oxygen) return;
  for (std::size_t i = 0; i < config.space.parts.size(); ++i) {
    const bool listed = std::visit(
        [](const auto& actives) {
          if constexpr (requires { actives.elements; }) {
            return std::find(actives.elements.begin(), actives.elements.end(), kOxygen) !=
                   actives.elements.end();
          } else {
            return false;
          }
        },
        config.space.parts[i].actives);
    if (!listed) continue;
    const ConfigNode* composition = root.find("composition");
    if (composition != nullptr && composition->find("oxygen") != nullptr) {
      fail(*composition->find("oxygen"), "composition.oxygen",
           fmt::format("oxygen is an element of space[{}], and is not to be counted", i), "dropped",
           "oxygen = \"counted\", or no O among the elements");
      return;
    }
    config.composition.count_oxygen = true;
  }
}

void CampaignDecoder::finish_composition(const ConfigNode& root, CampaignConfig& config) {
  if (failed()) return;
  chemistry::CompositionRules& rules = config.composition;
  const std::vector<planning::SpacePart>& parts = config.space.parts;
  const auto all_are = [&](auto is) {
    return !parts.empty() && std::all_of(parts.begin(), parts.end(),
                                         [&](const auto& part) { return is(part.actives); });
  };
  find_supports(config);
  count_listed_oxygen(root, config);
  if (failed()) return;
  if (!rules.basis && loading_units_.size() == parts.size() && !parts.empty()) {
    const std::optional<Basis> unit = loading_units_.front();
    const bool same = std::all_of(loading_units_.begin(), loading_units_.end(),
                                  [&](const auto& other) { return other == unit; });
    const bool loading = unit && *unit != Basis::atomic_ratio && *unit != Basis::mole_fraction;
    if (same && loading) rules.basis = unit;
  }
  if (rules.total == 0.0 && all_are([&](const auto& actives) {
        const auto* simplex = std::get_if<planning::Simplex>(&actives);
        const auto* first = std::get_if<planning::Simplex>(&parts.front().actives);
        return simplex != nullptr && first != nullptr && simplex->total == first->total;
      })) {
    rules.total = std::get<planning::Simplex>(parts.front().actives).total;
  }
  if (all_are(
          [](const auto& actives) { return std::holds_alternative<planning::Slots>(actives); })) {
    for (const auto& part : parts) {
      rules.slots = std::max(rules.slots, std::get<planning::Slots>(part.actives).slots);
    }
  }
  if (const Status fine = rules.validate(); !fine) {
    const ConfigNode* node = root.find("composition");
    const ConfigNode& space = *root.find("space");
    fail_in(node != nullptr ? *node : space, node != nullptr ? "composition" : "space",
            fine.error());
    return;
  }
  rules_ = rules;
  check_whole(*root.find("space"), config);
  if (failed()) return;
  read_lists_again(root, config);
  if (failed()) return;
  find_supports(config);
  for (const planning::SpacePart& part : parts) {
    chemistry::AmountGrid grid;
    if (const auto* simplex = std::get_if<planning::Simplex>(&part.actives)) {
      grid.step = simplex->total / simplex->steps;
    } else if (const auto* loadings = std::get_if<planning::LoadingGrid>(&part.actives)) {
      grid.levels = loadings->loadings;
      std::sort(grid.levels.begin(), grid.levels.end());
    } else if (const auto* listed = std::get_if<planning::CatalystList>(&part.actives)) {
      for (const auto& catalyst : listed->catalysts) grid.points.push_back(catalyst.active);
    } else {
      continue;
    }
    rules.grids.push_back(std::move(grid));
  }
  rules_ = rules;
}

chemistry::MadeCatalyst CampaignDecoder::catalyst(const ConfigNode& item, const std::string& at) {
  chemistry::ToldCatalyst told;
  const std::string name = text(&item, at);
  if (failed()) return {};
  (chemistry::looks_like_key(name) ? told.key : told.name) = name.empty() ? " " : name;
  auto made = chemistry::make_catalyst(told, supports_, rules_);
  if (!made) {
    Error error = made.error();
    error.where.clear();
    fail_in(item, at, error);
    return {};
  }
  return std::move(*made);
}

}  // namespace kasetsu::campaign
