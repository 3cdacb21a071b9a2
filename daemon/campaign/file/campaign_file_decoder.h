// Reads the tree of a campaign file into a CampaignConfig. Each group of keys has a file:
// campaign_file_space.cc (targets, space, conditions), campaign_file_composition.cc (composition,
// lists of catalysts), campaign_file_rules.cc (rules, materials),
// campaign_file_planner.cc (model, planner, plate), campaign_file_service.cc (retrain, stop,
// webhooks).
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/names.h"
#include "core/base/text.h"
#include "core/chemistry/told_catalyst.h"
#include "daemon/base/config_reader.h"
#include "daemon/campaign/file/campaign_file.h"

namespace kasetsu::campaign {

using Keys = std::vector<std::string>;
using RuleKind = decltype(planning::Rule::what);
// Keys by table, in the order of the documentation. "[]" marks tables in arrays.
const std::map<std::string, Keys, std::less<>>& keys_by_table();

// Reads the tree. The first error stops everything that comes after it.
class CampaignDecoder : public ConfigReader {
 public:
  CampaignDecoder(std::string_view file, const chemistry::SupportTable& supports)
      : ConfigReader(file), supports_(supports) {}

  CampaignConfig campaign(const ConfigNode& root);

 private:
  // A table that keys_by_table() knows.
  bool check(const ConfigNode& node, const std::string& path, std::string_view table);
  const ConfigNode* table(const ConfigNode& root, std::string_view key);
  // Tables in a list, each with its path.
  template <typename Visit>
  void tables(const ConfigNode& root, std::string_view key, Visit visit) {
    const ConfigNode* node = root.find(key);
    if (node == nullptr || failed()) return;
    if (node->kind != ConfigNode::Kind::array) {
      fail(*node, std::string(key), "expected tables in a list", shown(*node),
           fmt::format("[[{}]] (with two brackets) above its keys", key));
      return;
    }
    for (std::size_t i = 0; i < node->items.size() && !failed(); ++i) {
      const std::string path = fmt::format("{}[{}]", key, i);
      if (check(node->items[i], path, fmt::format("{}[]", key))) visit(node->items[i], path);
    }
  }

  int element(const ConfigNode* node, const std::string& path);
  std::vector<int> elements(const ConfigNode* node, const std::string& path);
  // Keys that belong to another kind of part or rule.
  void only(const ConfigNode& node, const std::string& path, std::string_view kind,
            const std::vector<std::string>& allowed);

  // A catalyst as the file names it, by the campaign's rules.
  chemistry::MadeCatalyst catalyst(const ConfigNode& item, const std::string& at);
  planning::Candidate candidate(const ConfigNode& item, const std::string& at);
  std::string property_name(const ConfigNode& node, const std::string& path,
                            std::string_view example, std::set<std::string>& names);
  void decode_goal(const ConfigNode& node, const std::string& path, Target& target);
  std::vector<planning::Support> supports(const ConfigNode* node, const std::string& path);
  // Names of supports in their one spelling.
  std::vector<std::string> support_names(const ConfigNode* node, const std::string& path);
  std::string support_name(const std::string& told) const;
  std::vector<std::string> preparations(const ConfigNode& node, const std::string& path);
  planning::CatalystList catalyst_list(const ConfigNode& node, const std::string& path);
  planning::Slots slots(const ConfigNode& node, const std::string& path);
  planning::Simplex simplex(const ConfigNode& node, const std::string& path,
                            const chemistry::CompositionRules& rules);
  planning::LoadingGrid loading_grid(const ConfigNode& node, const std::string& path,
                                     chemistry::CompositionRules& rules);
  int count(const ConfigNode& node, const std::string& path, std::string_view key,
            std::string_view example);
  void limits(const ConfigNode& node, const std::string& path, double& low, double& high);
  planning::GroupLimit group_limit(const ConfigNode& node, const std::string& path);
  planning::AmountLimit amount_limit(const ConfigNode& node, const std::string& path,
                                     std::string_view kind);
  planning::ChargeLimit charge_limit(const ConfigNode& node, const std::string& path);
  void check_elements_left(const ConfigNode& root, const CampaignConfig& config);
  RuleKind rule_kind(const ConfigNode& node, const std::string& path, const std::string& kind);

  void decode_targets(const ConfigNode& root, CampaignConfig& config);
  void decode_plausible(const ConfigNode& node, const std::string& path, std::optional<double>& low,
                        std::optional<double>& high);
  void decode_composition(const ConfigNode& root, CampaignConfig& config);
  double simplex_total(const ConfigNode& node, const std::string& path,
                       const chemistry::CompositionRules& rules);
  void check_loading_unit(const ConfigNode& node, const std::string& path,
                          chemistry::CompositionRules& rules);
  void decode_space(const ConfigNode& root, CampaignConfig& config);
  // What the space tells of the composition: total, slots, supports and points.
  void finish_composition(const ConfigNode& root, CampaignConfig& config);
  void check_whole(const ConfigNode& space, const CampaignConfig& config);
  void find_supports(CampaignConfig& config);
  void count_listed_oxygen(const ConfigNode& root, CampaignConfig& config);
  void read_lists_again(const ConfigNode& root, CampaignConfig& config);
  void decode_conditions(const ConfigNode& root, CampaignConfig& config);
  void decode_rules(const ConfigNode& root, CampaignConfig& config);
  void decode_materials(const ConfigNode& root, CampaignConfig& config);
  // What the amounts mean to materials, told there or by the campaign's basis.
  void decode_amounts(const ConfigNode& node, const chemistry::CompositionRules& rules,
                      planning::Materials& materials);
  void decode_model(const ConfigNode& root, CampaignConfig& config);
  void decode_planner(const ConfigNode& root, CampaignConfig& config);
  void decode_plate(const ConfigNode& root, CampaignConfig& config);
  void decode_retrain(const ConfigNode& root, CampaignConfig& config);
  void decode_stop(const ConfigNode& root, CampaignConfig& config);
  void decode_webhooks(const ConfigNode& root, CampaignConfig& config);
  void decode_schedule(const ConfigNode& planner, PlannerSettings& settings);
  void decode_catalysts(const ConfigNode& planner, CampaignConfig& config);
  void decode_acquisition(const ConfigNode& planner, CampaignConfig& config);
  planning::MixEntry mix_entry(const ConfigNode& value, const std::string& key,
                               const std::string& at);
  planning::Mix mix(const ConfigNode& node, const std::string& path, std::string_view table_name,
                    int batch);

  const chemistry::SupportTable& supports_;
  chemistry::CompositionRules rules_;  // as far as they are known
  // Of each grid of loadings, the basis that its unit tells.
  std::vector<std::optional<chemistry::Basis>> loading_units_;
  std::string list_note_;  // of the list that was read last
};

}  // namespace kasetsu::campaign
