// Model, planner and plate of a campaign file.
#include <cmath>

#include "daemon/campaign/file/campaign_file_decoder.h"

namespace kasetsu::campaign {

void Decoder::decode_model(const Node& root, CampaignConfig& config) {
  const Node* node = table(root, "model");
  if (node == nullptr) return;
  selection::ModelSettings& model = config.model;
  const auto find = [&](std::string_view key) { return node->find(key); };
  const auto at = [&](std::string_view key) { return join("model", key); };
  config.elements = text(find("elements"), at("elements"), config.elements);
  model.features.method = choice<descriptors::Method>(
      find("method"), at("method"),
      {{"extended", descriptors::Method::extended}, {"afe", descriptors::Method::afe}},
      model.features.method);
  model.features.loading =
      choice<descriptors::Loading>(find("loading"), at("loading"),
                                   {{"auto", descriptors::Loading::automatic},
                                    {"variable", descriptors::Loading::variable},
                                    {"constant", descriptors::Loading::constant}},
                                   model.features.loading);
  model.features.normalize =
      choice<descriptors::Normalization>(find("normalize"), at("normalize"),
                                         {{"afe65", descriptors::Normalization::afe65},
                                          {"dataset", descriptors::Normalization::dataset},
                                          {"all", descriptors::Normalization::all}},
                                         model.features.normalize);
  model.order = static_cast<int>(whole(find("order"), at("order"), 0, 3, model.order));
  model.products =
      static_cast<int>(whole(find("products"), at("products"), 0, 100'000, model.products));
  selection::SearchOptions& search = model.search;
  search.method = choice<selection::Method>(
      find("search"), at("search"),
      {{"exchange", selection::Method::exchange}, {"genetic", selection::Method::genetic}},
      search.method);
  const auto size = static_cast<int>(whole(find("size"), at("size"), 0, 32, search.size));
  model.size_by_nested_error = size == 0;  // then at most the usual size
  if (size != 0) search.size = size;
  search.regression.epsilon =
      number(find("epsilon"), at("epsilon"), 1.0, 3.0, search.regression.epsilon);
  search.regression.alpha = number(find("alpha"), at("alpha"), 0.0, 1e6, search.regression.alpha);
  search.hypotheses =
      static_cast<int>(whole(find("hypotheses"), at("hypotheses"), 1, 1000, search.hypotheses));
  search.shared = static_cast<int>(whole(find("shared"), at("shared"), 0, 31, search.shared));
  search.one_per_family = flag(find("one_per_family"), at("one_per_family"), search.one_per_family);
  search.seed = static_cast<std::uint64_t>(
      whole(find("seed"), at("seed"), 0, INT64_MAX, static_cast<std::int64_t>(search.seed)));
  search.work = static_cast<std::uint64_t>(
      whole(find("work"), at("work"), 0, INT64_MAX, static_cast<std::int64_t>(search.work)));
  search.time_limit = number(find("time_limit_s"), at("time_limit_s"), 0.0, 1e7, search.time_limit);
  config.batch_offsets = flag(find("batch_offsets"), at("batch_offsets"), false);
  if (!failed() && search.regression.epsilon == 1.0 && search.regression.alpha > 0.0) {
    fail(*node, at("alpha"), "epsilon 1 (least absolute deviations) goes without alpha",
         fmt::format("{:g}", search.regression.alpha), "alpha = 0, or epsilon above 1");
  }
}

planning::Mix Decoder::mix(const Node& node, const std::string& path, std::string_view table_name,
                           int batch) {
  planning::Mix result;
  if (!check_table(node, path, table_name)) return result;
  for (const auto& [key, value] : node.members) {
    planning::MixEntry entry;
    entry.strategy = planning::kStrategyNames.from_name(key).value();
    const std::string at = join(path, key);
    constexpr std::string_view kExpected = "a number of catalysts (8) or a share (\"40 %\" or 0.4)";
    if (value.kind == Node::Kind::integer) {
      entry.count = static_cast<int>(whole(&value, at, 0, 10'000, 0));
    } else if (value.kind == Node::Kind::real) {
      entry.share = number(&value, at, 0.0, 1.0, 0.0);
    } else if (value.kind == Node::Kind::text) {
      std::string_view text_of = trim(value.text);
      const bool percent = !text_of.empty() && text_of.back() == '%';
      if (percent) text_of.remove_suffix(1);
      const std::optional<double> share = parse_number(trim(text_of));
      if (!percent || !share || *share < 0.0 || *share > 100.0) {
        fail(value, at, "neither a number nor a share", value.text, std::string(kExpected));
        return result;
      }
      entry.share = *share / 100.0;
    } else {
      fail(value, at, "neither a number nor a share", shown(value), std::string(kExpected));
    }
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
  if (!failed() && result.empty()) {
    fail(node, path, "the mix is empty", "", "for example explore = 12 and exploit = 8");
  } else if (!failed() && shares == 0.0 && counts != batch) {
    fail(
        node, path, "the numbers of the mix do not add up to the batch", std::to_string(counts),
        fmt::format("numbers that add up to {}, or a share (\"50 %\") that takes the rest", batch));
  } else if (!failed() && counts > batch) {
    fail(node, path, "the numbers of the mix are larger than the batch", std::to_string(counts),
         fmt::format("at most {}", batch));
  } else if (!failed() && shares > 1.0 + 1e-9) {
    fail(node, path, "the shares of the mix add up to more than 100 %",
         fmt::format("{:g} %", 100.0 * shares), "shares of what the numbers leave, at most 100 %");
  }
  return result;
}

void Decoder::decode_planner(const Node& root, CampaignConfig& config) {
  const Node* node = root.find("planner");
  if (node == nullptr) {
    required(root, "", "planner", "[planner] with batch = 20 below");
    return;
  }
  if (!check_table(*node, "planner", "planner")) return;
  PlannerSettings& planner = config.planner;
  const auto find = [&](std::string_view key) { return node->find(key); };
  const auto at = [&](std::string_view key) { return join("planner", key); };
  planner.batch = static_cast<int>(
      whole(required(*node, "planner", "batch", "20"), at("batch"), 1, 10'000, 20));
  if (failed()) return;
  planner.mix = planning::default_mix();
  if (const Node* given = find("mix"))
    planner.mix = mix(*given, at("mix"), "planner.mix", planner.batch);
  int last = 0;
  list(find("schedule"), at("schedule"), "[[planner.schedule]] with from_batch and mix",
       [&](const Node& item, const std::string& path) {
         if (!check_table(item, path, "planner.schedule[]")) return;
         ScheduledMix scheduled;
         const Node* from = required(item, path, "from_batch", "5");
         scheduled.from_batch =
             static_cast<int>(whole(from, join(path, "from_batch"), 1, 1'000'000, 1));
         const Node* given = required(item, path, "mix", "{ explore = 4, exploit = 16 }");
         if (failed()) return;
         scheduled.mix = mix(*given, join(path, "mix"), "planner.schedule[].mix", planner.batch);
         if (!failed() && scheduled.from_batch <= last) {
           fail(*from, join(path, "from_batch"), "not later than the entry before",
                std::to_string(scheduled.from_batch), fmt::format("a batch after {}", last));
         }
         last = scheduled.from_batch;
         planner.schedule.push_back(std::move(scheduled));
       });
  planner.acquisition = choice<planning::Acquisition>(
      find("acquisition"), at("acquisition"),
      {{"automatic", planning::Acquisition::automatic},
       {"expected_improvement", planning::Acquisition::expected_improvement},
       {"probability", planning::Acquisition::probability},
       {"conservative", planning::Acquisition::conservative},
       {"mean", planning::Acquisition::mean}},
      planner.acquisition);
  if (!failed() && planner.acquisition == planning::Acquisition::probability &&
      !config.targets.front().hit_threshold) {
    fail(*find("acquisition"), at("acquisition"), "there is no threshold to reach", "probability",
         "hit_threshold in the first of [[targets]]");
  }
  planner.diversity = number(find("diversity"), at("diversity"), 0.0, 1.0, planner.diversity);
  const auto allow = [&](std::string_view key, bool fallback) {
    return flag(find(key), at(key), fallback);
  };
  planner.allow_measured = allow("allow_recommending_already_measured", planner.allow_measured);
  planner.allow_proposed = allow("allow_recommending_already_recommended", planner.allow_proposed);
  planner.allow_pending = allow("allow_recommending_pending_experiments", planner.allow_pending);
  planner.allow_failed = allow("allow_recommending_failed", planner.allow_failed);
  list(find("references"), at("references"), R"(["Mn-Na2WO4/SiO2"])",
       [&](const Node& item, const std::string& path) {
         if (!config.space.conditions.empty()) {
           fail(item, path, "references are not supported in a space with conditions", shown(item),
                "no references: the planner repeats measured candidates instead");
           return;
         }
         planner.references.push_back(candidate(item, path));
       });
  list(find("manual"), at("manual"), R"(["Mn:2/SiO2"])",
       [&](const Node& item, const std::string& path) {
         planner.manual.push_back(candidate(item, path));
       });
  planner.most_evaluated = static_cast<std::uint64_t>(
      whole(find("most_evaluated"), at("most_evaluated"), 1000, INT64_MAX,
            static_cast<std::int64_t>(planner.most_evaluated)));
  planner.surrogate = choice<std::string>(find("surrogate"), at("surrogate"),
                                          {{"automatic", "automatic"},
                                           {"hypotheses", "hypotheses"},
                                           {"gaussian_process", "gaussian_process"}},
                                          planner.surrogate);
  constexpr std::size_t kMostTargets = 4;
  const bool several = config.targets.size() > 1 && config.targets.size() <= kMostTargets;
  planner.pareto = choice<bool>(find("objective"), at("objective"),
                                {{"pareto", true}, {"first", false}}, several);
  if (!failed() && find("objective") != nullptr && planner.pareto && !several) {
    fail(*find("objective"), at("objective"), "a front needs two to four targets",
         std::to_string(config.targets.size()), "objective = \"first\", or another [[targets]]");
  }
  if (!failed() && planner.pareto && find("acquisition") != nullptr &&
      planner.acquisition != planning::Acquisition::automatic) {
    fail(*find("acquisition"), at("acquisition"),
         "the front of several targets has its own acquisition",
         std::string(planning::to_string(planner.acquisition)),
         "objective = \"first\", or no acquisition");
  }
}

void Decoder::decode_plate(const Node& root, CampaignConfig& config) {
  const Node* node = table(root, "plate");
  if (node == nullptr) return;
  Plate& plate = config.plate;
  const auto at = [](std::string_view key) { return join("plate", key); };
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
                         : "one of " + joined(config.conditions()));
    }
  }
}

}  // namespace kasetsu::campaign
