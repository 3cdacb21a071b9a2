// Model, planner and plate of a campaign file.
#include <cmath>

#include "core/selection/search/subset.h"
#include "daemon/campaign/file/campaign_file_decoder.h"

namespace kasetsu::campaign {
namespace {

using descriptors::kLoadingNames;
using descriptors::kMethodNames;
using descriptors::kNormalizationNames;
// The search at random is for comparisons: a campaign has no use for it.
constexpr auto kCampaignSearchNames = name_table<selection::SearchMethod>(
    {{selection::SearchMethod::exchange, selection::to_string(selection::SearchMethod::exchange)},
     {selection::SearchMethod::genetic, selection::to_string(selection::SearchMethod::genetic)}});

// "auto", or a number of descriptors; 0 is what "auto" was called before.
ReadValue size_of_hypotheses(selection::ModelSettings& model) {
  return [&model](ConfigReader& reader, const ConfigNode& value, const std::string& path) {
    int size = 0;
    if (value.kind != ConfigNode::Kind::text || value.text != "auto")
      config_value::whole(size, 0, selection::kLargestSize)(reader, value, path);
    model.size_by_nested_error = size == 0;
    if (size > 0) model.search.size = size;
  };
}

}  // namespace

void CampaignDecoder::decode_model(const ConfigNode& root, CampaignConfig& config) {
  selection::ModelSettings& model = config.model;
  model.size_by_nested_error = true;
  const ConfigNode* node = root.find("model");
  if (node == nullptr || failed()) return;
  selection::SearchOptions& search = model.search;
  read_table(*node, "model",
             {{"elements", config_value::text(config.elements)},
              {"method", config_value::choice(model.features.method, kMethodNames)},
              {"order", config_value::whole(model.order, 0, 3)},
              {"products", config_value::whole(model.products, 0, 100'000)},
              {"loading", config_value::choice(model.features.loading, kLoadingNames)},
              {"normalize", config_value::choice(model.features.normalize, kNormalizationNames)},
              {"size", size_of_hypotheses(model)},
              {"epsilon", config_value::number(search.regression.epsilon, 1.0, 3.0)},
              {"alpha", config_value::number(search.regression.alpha, 0.0, 1e6)},
              {"hypotheses", config_value::whole(search.hypotheses, 1, 1000)},
              {"shared", config_value::whole(search.shared, 0, 8)},
              {"search", config_value::choice(search.method, kCampaignSearchNames)},
              {"one_per_family", config_value::flag(search.one_per_family)},
              {"seed", config_value::whole(search.seed, 0, INT64_MAX)},
              {"work", config_value::whole(search.work, 0, INT64_MAX)},
              {"time_limit_s", config_value::number(search.time_limit, 0.0, 1e7)},
              {"batch_offsets", config_value::flag(config.batch_offsets)}});
  if (!failed() && search.regression.epsilon == 1.0 && search.regression.alpha > 0.0) {
    fail(*node, "model.alpha", "epsilon 1 (least absolute deviations) goes without alpha",
         fmt::format("{:g}", search.regression.alpha), "alpha = 0, or epsilon above 1");
  }
  // What no training would take must not be applied.
  if (const Status valid = model.validate(); !failed() && !valid)
    fail_in(*node, "model", valid.error());
}

planning::MixEntry CampaignDecoder::mix_entry(const ConfigNode& value, const std::string& key,
                                              const std::string& at) {
  planning::MixEntry entry;
  entry.strategy = planning::kStrategyNames.from_name(key).value();
  constexpr std::string_view kExpected = "a number of catalysts (8) or a share (\"40 %\" or 0.4)";
  if (value.kind == ConfigNode::Kind::integer) {
    entry.count = static_cast<int>(whole(&value, at, 0, 10'000, 0));
  } else if (value.kind == ConfigNode::Kind::real) {
    entry.share = number(&value, at, 0.0, 1.0, 0.0);
  } else if (value.kind == ConfigNode::Kind::text) {
    std::string_view text_of = trim(value.text);
    const bool percent = !text_of.empty() && text_of.back() == '%';
    if (percent) text_of.remove_suffix(1);
    const std::optional<double> share = parse_number(trim(text_of));
    if (!percent || !share || *share < 0.0 || *share > 100.0) {
      fail(value, at, "neither a number nor a share", value.text, std::string(kExpected));
      return entry;
    }
    entry.share = *share / 100.0;
  } else {
    fail(value, at, "neither a number nor a share", shown(value), std::string(kExpected));
  }
  return entry;
}

planning::Mix CampaignDecoder::mix(const ConfigNode& node, const std::string& path,
                                   std::string_view table_name, int batch) {
  planning::Mix result;
  if (!check(node, path, table_name)) return result;
  for (const auto& [key, value] : node.members) {
    const planning::MixEntry entry = mix_entry(value, key, join_key(path, key));
    if (failed()) return result;
    if (entry.count > 0 || entry.share > 0.0) result.push_back(entry);
  }
  // Neither JSON nor TOML promises an order of keys; proposals are listed in this one.
  std::sort(result.begin(), result.end(),
            [](const auto& a, const auto& b) { return a.strategy < b.strategy; });
  double shares = 0.0;
  int counts = 0;
  for (const planning::MixEntry& entry : result) {
    shares += entry.share;
    counts += entry.share > 0.0 ? 0 : entry.count;
  }
  if (result.empty()) {
    fail(node, path, "the mix is empty", "", "for example explore = 12 and exploit = 8");
  } else if (shares == 0.0 && counts != batch) {
    fail(
        node, path, "the numbers of the mix do not add up to the batch", std::to_string(counts),
        fmt::format("numbers that add up to {}, or a share (\"50 %\") that takes the rest", batch));
  } else if (counts > batch) {
    fail(node, path, "the numbers of the mix are larger than the batch", std::to_string(counts),
         fmt::format("at most {}", batch));
  } else if (shares > 1.0 + 1e-9) {
    fail(node, path, "the shares of the mix add up to more than 100 %",
         fmt::format("{:g} %", 100.0 * shares), "shares of what the numbers leave, at most 100 %");
  }
  return result;
}

void CampaignDecoder::decode_schedule(const ConfigNode& planner, PlannerSettings& settings) {
  int last = 0;
  list(planner.find("schedule"), "planner.schedule", "[[planner.schedule]] with from_batch and mix",
       [&](const ConfigNode& item, const std::string& path) {
         if (!check(item, path, "planner.schedule[]")) return;
         ScheduledMix scheduled;
         const ConfigNode* from = required(item, path, "from_batch", "5");
         scheduled.from_batch =
             static_cast<int>(whole(from, join_key(path, "from_batch"), 1, 1'000'000, 1));
         const ConfigNode* given = required(item, path, "mix", "{ explore = 4, exploit = 16 }");
         if (failed()) return;
         scheduled.mix =
             mix(*given, join_key(path, "mix"), "planner.schedule[].mix", settings.batch);
         if (scheduled.from_batch <= last) {
           fail(*from, join_key(path, "from_batch"), "not later than the entry before",
                std::to_string(scheduled.from_batch), fmt::format("a batch after {}", last));
         }
         last = scheduled.from_batch;
         settings.schedule.push_back(std::move(scheduled));
       });
}

void CampaignDecoder::decode_catalysts(const ConfigNode& planner, CampaignConfig& config) {
  list(planner.find("references"), "planner.references", R"(["Mn-Na2WO4/SiO2"])",
       [&](const ConfigNode& item, const std::string& path) {
         if (!config.space.conditions.empty()) {
           fail(item, path, "references are not supported in a space with conditions", shown(item),
                "no references: the planner repeats measured candidates instead");
           return;
         }
         config.planner.references.push_back(candidate(item, path));
       });
  list(planner.find("manual"), "planner.manual", R"(["Mn:2/SiO2"])",
       [&](const ConfigNode& item, const std::string& path) {
         config.planner.manual.push_back(candidate(item, path));
       });
}

// What is planned for, and by what.
void CampaignDecoder::decode_acquisition(const ConfigNode& planner, CampaignConfig& config) {
  PlannerSettings& settings = config.planner;
  const ConfigNode* acquisition = planner.find("acquisition");
  const std::string at_acquisition = "planner.acquisition";
  settings.acquisition =
      choice(acquisition, at_acquisition, planning::kAcquisitionNames, settings.acquisition);
  if (!failed() && settings.acquisition == planning::Acquisition::probability &&
      !config.targets.front().hit_threshold) {
    fail(*acquisition, at_acquisition, "there is no threshold to reach", "probability",
         "hit_threshold in the first of [[targets]]");
  }
  settings.surrogate = word(planner.find("surrogate"), "planner.surrogate",
                            {"automatic", "hypotheses", "gaussian_process"}, settings.surrogate);
  constexpr std::size_t kMostTargets = 4;
  const bool several = config.targets.size() > 1 && config.targets.size() <= kMostTargets;
  const ConfigNode* objective = planner.find("objective");
  settings.pareto = word(objective, "planner.objective", {"pareto", "first"},
                         several ? "pareto" : "first") == "pareto";
  if (objective != nullptr && settings.pareto && !several) {
    fail(*objective, "planner.objective", "a front needs two to four targets",
         std::to_string(config.targets.size()), "objective = \"first\", or another [[targets]]");
  }
  if (!failed() && settings.pareto && acquisition != nullptr &&
      settings.acquisition != planning::Acquisition::automatic) {
    fail(*acquisition, at_acquisition, "the front of several targets has its own acquisition",
         std::string(planning::to_string(settings.acquisition)),
         "objective = \"first\", or no acquisition");
  }
}

void CampaignDecoder::decode_planner(const ConfigNode& root, CampaignConfig& config) {
  const ConfigNode* node = required(root, "", "planner", "[planner] with batch = 20 below");
  if (node == nullptr || !check(*node, "planner", "planner")) return;
  PlannerSettings& planner = config.planner;
  const auto at = [&](std::string_view key) { return join_key("planner", key); };
  planner.batch = static_cast<int>(
      whole(required(*node, "planner", "batch", "20"), at("batch"), 1, 10'000, 20));
  if (failed()) return;
  if (const ConfigNode* given = node->find("mix"))
    planner.mix = mix(*given, at("mix"), "planner.mix", planner.batch);
  decode_schedule(*node, planner);
  decode_acquisition(*node, config);
  planner.diversity = number(node->find("diversity"), at("diversity"), 0.0, 1.0, planner.diversity);
  for (const auto& [key, allowed] : {std::pair{"already_measured", &planner.allow_measured},
                                     {"already_recommended", &planner.allow_proposed},
                                     {"pending_experiments", &planner.allow_pending},
                                     {"failed", &planner.allow_failed}}) {
    const std::string name = fmt::format("allow_recommending_{}", key);
    *allowed = flag(node->find(name), at(name), *allowed);
  }
  decode_catalysts(*node, config);
  planner.most_evaluated = static_cast<std::uint64_t>(
      whole(node->find("most_evaluated"), at("most_evaluated"), 1000, INT64_MAX,
            static_cast<std::int64_t>(planner.most_evaluated)));
}

void CampaignDecoder::decode_plate(const ConfigNode& root, CampaignConfig& config) {
  const ConfigNode* node = table(root, "plate");
  if (node == nullptr) return;
  Plate& plate = config.plate;
  const auto at = [](std::string_view key) { return join_key("plate", key); };
  plate.channels = static_cast<int>(
      whole(required(*node, "plate", "channels", "24"), at("channels"), 1, 100'000, 1));
  plate.blanks = static_cast<int>(whole(node->find("blanks"), at("blanks"), 0, 10'000, 0));
  plate.references =
      static_cast<int>(whole(node->find("references"), at("references"), 0, 10'000, 0));
  plate.randomize = flag(node->find("randomize"), at("randomize"), true);
  plate.shared_condition = text(node->find("shared_condition"), at("shared_condition"));
  if (!failed() && plate.blanks + plate.references >= plate.channels) {
    fail(*node, "plate", "blanks and references leave no channel for catalysts",
         std::to_string(plate.blanks + plate.references),
         fmt::format("fewer than {} channels", plate.channels));
  }
  if (!failed() && !plate.shared_condition.empty()) {
    const auto& names = config.space.conditions;
    if (std::none_of(names.begin(), names.end(),
                     [&](const auto& c) { return c.name == plate.shared_condition; })) {
      fail(*node->find("shared_condition"), at("shared_condition"),
           "a condition that [conditions] does not have", plate.shared_condition,
           names.empty() ? "no shared_condition: the campaign varies none"
                         : known_names(plate.shared_condition, config.conditions()));
    }
  }
}

}  // namespace kasetsu::campaign
