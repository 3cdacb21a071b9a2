// Reads the tree of a campaign file into a CampaignConfig. One decoder, a file a group of keys:
// config_space.cc (targets, space, conditions), config_rules.cc (rules,
// materials), config_planner.cc (model, planner,
// plate), config_service.cc (retrain, stop, webhooks).
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/text.h"
#include "daemon/base/config_tree.h"
#include "daemon/campaign/file/campaign_file.h"

namespace kasetsu::campaign {

using Keys = std::vector<std::string>;
// Keys by table, in the order of the documentation. "[]" marks tables in arrays.
const std::map<std::string, Keys, std::less<>>& keys_by_table();

// "a, b, c".
std::string joined(const std::vector<std::string>& names);

// Reads the tree. The first error stops everything that comes after it.
class Decoder {
 public:
  Decoder(std::string_view file, const chemistry::SupportTable& supports)
      : file_(file), supports_(supports) {}

  bool failed() const { return error_.has_value(); }
  const std::optional<Error>& error() const { return error_; }

  void fail(const Node& node, std::string_view path, std::string message, std::string value,
            std::string expected);
  void fail_in(const Node& node, std::string_view path, const Error& inner);

  CampaignConfig campaign(const Node& root);

 private:
  std::string where(int line, std::string_view path) const;

  static std::string join(std::string_view path, std::string_view key);

  // False where the node is no table or holds a key that `table` does not know.
  bool check_table(const Node& node, const std::string& path, std::string_view table);

  const Node* required(const Node& table, const std::string& path, std::string_view key,
                       std::string_view example);

  std::string text(const Node* node, const std::string& path, std::string fallback = "");

  bool flag(const Node* node, const std::string& path, bool fallback);

  std::int64_t whole(const Node* node, const std::string& path, std::int64_t low, std::int64_t high,
                     std::int64_t fallback);

  double number(const Node* node, const std::string& path, double low, double high,
                double fallback);

  // A list, each item with its path.
  template <typename Visit>
  void list(const Node* node, const std::string& path, std::string_view example, Visit visit) {
    if (node == nullptr || failed()) return;
    if (node->kind != Node::Kind::array) {
      fail(*node, path, "expected a list", shown(*node), fmt::format("for example {}", example));
      return;
    }
    for (std::size_t i = 0; i < node->items.size() && !failed(); ++i) {
      visit(node->items[i], fmt::format("{}[{}]", path, i));
    }
  }

  std::vector<std::string> texts(const Node* node, const std::string& path,
                                 std::string_view example);

  std::vector<double> numbers(const Node* node, const std::string& path, std::string_view example);

  std::vector<int> elements(const Node* node, const std::string& path);

  template <typename Value>
  Value choice(const Node* node, const std::string& path,
               const std::vector<std::pair<std::string, Value>>& options, Value fallback) {
    const std::string value = text(node, path);
    if (node == nullptr || failed()) return fallback;
    std::vector<std::string> names;
    for (const auto& [name, option] : options) {
      if (name == value) return option;
      names.push_back(name);
    }
    const std::vector<std::string> near = nearest_names(value, names, 1);
    fail(*node, path, "unknown choice", value,
         near.empty() ? join_or(names)
                      : fmt::format("{}; did you mean {}?", join_or(names), near.front()));
    return fallback;
  }

  template <typename Visit>
  void tables(const Node& root, std::string_view key, Visit visit) {
    const Node* node = root.find(key);
    if (node == nullptr || failed()) return;
    if (node->kind != Node::Kind::array) {
      fail(*node, std::string(key), "expected tables in a list", shown(*node),
           fmt::format("[[{}]] (with two brackets) above its keys", key));
      return;
    }
    for (std::size_t i = 0; i < node->items.size() && !failed(); ++i) {
      const std::string path = fmt::format("{}[{}]", key, i);
      if (check_table(node->items[i], path, fmt::format("{}[]", key))) visit(node->items[i], path);
    }
  }

  const Node* table(const Node& root, std::string_view key);

  // Keys that belong to another kind of part or rule.
  void only(const Node& node, const std::string& path, std::string_view kind,
            const std::vector<std::string>& allowed);

  planning::Candidate candidate(const Node& item, const std::string& at);

  void decode_targets(const Node& root, CampaignConfig& config);
  void decode_plausible(const Node& node, const std::string& path, std::optional<double>& low,
                        std::optional<double>& high);
  void decode_space(const Node& root, CampaignConfig& config);
  void decode_conditions(const Node& root, CampaignConfig& config);
  void decode_rules(const Node& root, CampaignConfig& config);
  void decode_materials(const Node& root, CampaignConfig& config);
  void decode_model(const Node& root, CampaignConfig& config);
  void decode_planner(const Node& root, CampaignConfig& config);
  void decode_plate(const Node& root, CampaignConfig& config);
  void decode_retrain(const Node& root, CampaignConfig& config);
  void decode_stop(const Node& root, CampaignConfig& config);
  void decode_webhooks(const Node& root, CampaignConfig& config);
  planning::Mix mix(const Node& node, const std::string& path, std::string_view table_name,
                    int batch);

  std::string file_;
  const chemistry::SupportTable& supports_;
  std::optional<Error> error_;
};

}  // namespace kasetsu::campaign
