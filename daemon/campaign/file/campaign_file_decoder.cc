#include "daemon/campaign/file/campaign_file_decoder.h"

#include "core/chemistry/element.h"

namespace kasetsu::campaign {

const std::map<std::string, Keys, std::less<>>& keys_by_table() {
  static const std::map<std::string, Keys, std::less<>> keys = {
      {"",
       {"format", "name", "owner", "description", "draft", "targets", "properties", "composition",
        "space", "conditions", "rules", "materials", "model", "planner", "plate", "retrain", "stop",
        "webhooks"}},
      {"targets[]", {"name", "unit", "goal", "value", "tolerance", "hit_threshold", "plausible"}},
      {"properties[]", {"name", "unit", "plausible"}},
      {"composition", {"basis", "total", "oxygen", "tolerance"}},
      {"space[]",
       {"kind", "elements", "slots", "none", "repetition", "step_at_percent", "loadings",
        "loading_unit", "min_elements", "max_elements", "total", "catalysts", "supports",
        "preparations"}},
      {"rules[]",
       {"name", "allow_elements", "forbid_elements", "on_supports", "forbid_together", "if_any",
        "needs_any", "group", "number_of_elements", "amount_of", "share_of", "total_amount",
        "forbid_supports", "mean_charge", "oxygen_per_atom", "charges", "at_least", "at_most"}},
      {"materials",
       {"sample_mass_g", "amounts", "weighable_mg", "forbid_hazards", "sample_price", "batch_price",
        "batch_mass_g", "items"}},
      {"materials.items[]",
       {"element", "support", "price_per_g", "stock_g", "grams_per_mol", "weighable_mg",
        "hazards"}},
      {"model",
       {"elements", "method", "order", "products", "loading", "normalize", "size", "epsilon",
        "alpha", "hypotheses", "shared", "search", "one_per_family", "seed", "work", "time_limit_s",
        "batch_offsets"}},
      {"planner",
       {"batch", "mix", "schedule", "acquisition", "diversity",
        "allow_recommending_already_measured", "allow_recommending_already_recommended",
        "allow_recommending_pending_experiments", "allow_recommending_failed", "references",
        "manual", "most_evaluated", "surrogate", "objective"}},
      {"planner.mix", {"explore", "challenge", "recheck", "exploit", "bridge", "random", "manual"}},
      {"planner.schedule[]", {"from_batch", "mix"}},
      {"planner.schedule[].mix",
       {"explore", "challenge", "recheck", "exploit", "bridge", "random", "manual"}},
      {"plate", {"channels", "blanks", "references", "randomize", "shared_condition"}},
      {"retrain", {"when", "results", "at", "time_zone"}},
      {"stop",
       {"measurements", "target_reached", "batches_without_improvement",
        "hypotheses_agree_within"}},
      {"webhooks[]", {"url", "kind", "events", "secret_file", "compositions"}},
  };
  return keys;
}

bool CampaignDecoder::check(const ConfigNode& node, const std::string& path,
                            std::string_view table) {
  return check_table(node, path, keys_by_table().find(table)->second);
}

const ConfigNode* CampaignDecoder::table(const ConfigNode& root, std::string_view key) {
  const ConfigNode* node = root.find(key);
  return node != nullptr && check(*node, std::string(key), key) ? node : nullptr;
}

int CampaignDecoder::element(const ConfigNode* node, const std::string& path) {
  const std::string symbol = text(node, path);
  if (node == nullptr || failed()) return 0;
  if (const std::optional<int> element = chemistry::atomic_number(symbol)) return *element;
  std::vector<std::string> symbols;
  for (int z = 1; z <= chemistry::kLastAtomicNumber; ++z) {
    symbols.emplace_back(chemistry::element_symbol(z));
  }
  fail(*node, path, "unknown element", symbol,
       with_suggestion("a chemical symbol such as Li", symbol, symbols));
  return 0;
}

std::vector<int> CampaignDecoder::elements(const ConfigNode* node, const std::string& path) {
  std::vector<int> result;
  list(node, path, R"(["Li", "Na"])", [&](const ConfigNode& item, const std::string& at) {
    const int found = element(&item, at);
    if (!failed() && std::find(result.begin(), result.end(), found) != result.end()) {
      fail(item, at, "listed twice", item.text, "each element once");
    }
    result.push_back(found);
  });
  if (node != nullptr && !failed() && result.empty()) {
    fail(*node, path, "the list of elements is empty", "", R"(for example ["Li", "Na"])");
  }
  return result;
}

void CampaignDecoder::only(const ConfigNode& node, const std::string& path, std::string_view kind,
                           const std::vector<std::string>& allowed) {
  for (const auto& [key, value] : node.members) {
    if (std::find(allowed.begin(), allowed.end(), key) == allowed.end()) {
      fail(value, path, fmt::format("a key that {} does not have", kind), key,
           fmt::format("one of {}", fmt::join(allowed, ", ")));
    }
  }
}

planning::Candidate CampaignDecoder::candidate(const ConfigNode& item, const std::string& at) {
  return {catalyst(item, at).catalyst, {}};
}

}  // namespace kasetsu::campaign
