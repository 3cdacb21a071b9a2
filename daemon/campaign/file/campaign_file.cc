#include "daemon/campaign/file/campaign_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <optional>

#include "core/base/text.h"
#include "daemon/base/config_tree.h"
#include "daemon/campaign/file/campaign_file_decoder.h"
#include "daemon/campaign/records/conditions.h"

namespace kasetsu::campaign {

CampaignConfig CampaignDecoder::campaign(const ConfigNode& root) {
  CampaignConfig config;
  if (!check(root, "", "")) return config;
  const ConfigNode* format = required(root, "", "format", "1");
  if (format == nullptr) return config;
  if (format->kind != ConfigNode::Kind::integer || format->integer != 1) {
    fail(*format, "format", "a format that this version does not read", shown(*format),
         "format = 1");
    return config;
  }
  const ConfigNode* name = required(root, "", "name", "\"ocm\"");
  config.name = text(name, "name");
  if (name != nullptr && !failed()) {
    if (const Status fine = check_campaign_name(config.name); !fine) {
      fail(*name, "name", fine.error().message, config.name,
           fine.error().expected + ": it is part of addresses and file names");
    }
  }
  config.owner = text(root.find("owner"), "owner");
  config.description = text(root.find("description"), "description");
  config.draft = flag(root.find("draft"), "draft", false);
  decode_targets(root, config);
  decode_composition(root, config);
  rules_ = config.composition;
  decode_space(root, config);
  decode_conditions(root, config);
  decode_rules(root, config);
  decode_materials(root, config);
  decode_model(root, config);
  if (!failed()) decode_planner(root, config);
  if (!failed()) decode_plate(root, config);
  if (!failed()) decode_retrain(root, config);
  if (!failed()) decode_stop(root, config);
  if (!failed()) decode_webhooks(root, config);
  if (failed()) return config;

  const Result<planning::CandidateSpace> space = planning::CandidateSpace::make(config.space);
  if (!space) {
    const ConfigNode& at = *root.find("space");
    fail_in(at.items.empty() ? at : at.items.front(), "space", space.error());
    return config;
  }
  if (!config.rules.empty()) {
    const Result<planning::RuleSet> rules = planning::RuleSet::make(config.rules, *space);
    if (!rules) {
      const ConfigNode* const listed = root.find("rules");
      const ConfigNode& at = listed != nullptr ? *listed : *root.find("materials");
      // Point at the rule that is named, if one is; those of materials come last.
      std::optional<std::size_t> which;
      if (!at.items.empty()) which = 0;
      for (std::size_t i = 0; i < at.items.size(); ++i) {
        if (rules.error().where.find('"' + config.rules[i].name + '"') != std::string::npos)
          which = i;
      }
      if (which) {
        fail_in(at.items.at(*which), fmt::format("rules[{}]", *which), rules.error());
      } else {
        fail_in(at, "materials", rules.error());
      }
    }
  }
  return config;
}

std::vector<std::string> CampaignConfig::conditions() const {
  std::vector<std::string> names;
  for (const planning::ConditionLevels& condition : space.conditions)
    names.push_back(condition.name);
  return names;
}

planning::PlanOptions CampaignConfig::plan_options(int batch) const {
  planning::PlanOptions options;
  options.batch = planner.batch;
  options.mix = planner.mix.empty() ? planning::default_mix() : planner.mix;
  for (const ScheduledMix& scheduled : planner.schedule) {
    if (scheduled.from_batch <= batch) options.mix = scheduled.mix;
  }
  options.aim = targets.front().aim;
  options.threshold = targets.front().hit_threshold;
  options.acquisition = planner.acquisition;
  options.diversity = planner.diversity;
  options.allow_measured = planner.allow_measured;
  options.allow_proposed = planner.allow_proposed;
  options.allow_pending = planner.allow_pending;
  options.allow_failed = planner.allow_failed;
  options.references = planner.references;
  options.manual = planner.manual;
  options.most_evaluated = planner.most_evaluated;
  options.seed = model.search.seed;
  return options;
}

Result<CampaignConfig> parse_campaign(std::string_view text, std::string_view file_name,
                                      std::string_view media_type,
                                      const chemistry::SupportTable& supports) {
  if (text.size() > kLargestCampaignFile) {
    return refuse_file(file_name, 0, "the campaign file is too large",
                       fmt::format("{} bytes", text.size()),
                       fmt::format("at most {} bytes", kLargestCampaignFile));
  }
  if (trim(text).empty()) {
    return refuse_file(file_name, 0, "the campaign file is empty", "",
                       "format = 1, name, [[targets]], [[space]] and [planner]; see "
                       "config/campaigns/ocm.toml");
  }
  const Result<ConfigNode> root = read_tree(text, file_name, media_type);
  if (!root) return root.error();
  CampaignDecoder decoder(file_name, supports);
  CampaignConfig config = decoder.campaign(*root);
  if (const Status read = decoder.status(); !read) return read.error();
  config.text = std::string(text);
  config.media_type = std::string(media_type);
  return config;
}

namespace {

// Between which the amounts of a part's catalysts add up; zeros when it holds none with actives.
std::pair<double, double> totals_of(const planning::SpacePart& part) {
  if (const auto* slots = std::get_if<planning::Slots>(&part.actives)) {
    return {slots->amount, slots->amount * slots->slots};
  }
  if (const auto* simplex = std::get_if<planning::Simplex>(&part.actives)) {
    return {simplex->total, simplex->total};
  }
  if (const auto* grid = std::get_if<planning::LoadingGrid>(&part.actives)) {
    const auto [low, high] = std::minmax_element(grid->loadings.begin(), grid->loadings.end());
    return {*low * std::max(1, grid->min_elements), *high * grid->max_elements};
  }
  double least = 0.0, largest = 0.0;
  for (const auto& catalyst : std::get<planning::CatalystList>(part.actives).catalysts) {
    const double total = catalyst.active.total();
    if (total <= 0.0) continue;
    least = least > 0.0 ? std::min(least, total) : total;
    largest = std::max(largest, total);
  }
  return {least, largest};
}

// Where proposals may lie by a campaign file.
struct ProposalBounds {
  planning::CandidateSpace space;
  planning::RuleSet rules;

  static std::shared_ptr<const ProposalBounds> make(const CampaignConfig& config) {
    auto space = planning::CandidateSpace::make(config.space);
    if (!space) return nullptr;
    auto rules = planning::RuleSet::make(config.rules, *space);
    if (!rules) return nullptr;
    return std::make_shared<const ProposalBounds>(
        ProposalBounds{std::move(*space), std::move(*rules)});
  }

  std::string misfit(const Proposal& proposal, const chemistry::SupportTable& supports) const {
    Result<chemistry::Catalyst> catalyst = chemistry::parse_key(proposal.catalyst, supports);
    if (!catalyst) return "its catalyst does not read any more";
    planning::Candidate candidate{std::move(*catalyst), {}};
    for (const std::string& broken : rules.explain(candidate)) return broken;
    // These may lie outside the space.
    if (proposal.strategy == "recheck" || proposal.strategy == "bridge" ||
        proposal.strategy == "manual") {
      return {};
    }
    const std::map<std::string, double> told = read_conditions(proposal.conditions);
    for (const planning::ConditionLevels& condition : space.conditions()) {
      const auto found = told.find(condition.name);
      if (found == told.end())
        return fmt::format("it tells no {}, which the file varies", condition.name);
      candidate.conditions.push_back(found->second);
    }
    if (told.size() > candidate.conditions.size())
      return "it tells a condition that the file does not vary";
    return space.rank(candidate) ? "" : "the candidate space does not hold it";
  }
};

// Sentences about what can be counted quickly, behind what the decoder noted.
std::vector<std::string> warnings_of(const CampaignConfig& config, const ProposalBounds& bounds) {
  constexpr std::uint64_t kMostCounted = 20'000;
  std::vector<std::string> warnings = config.notes;
  if (bounds.space.size() > kMostCounted) return warnings;
  std::uint64_t allowed = 0;
  for (std::uint64_t i = 0; i < bounds.space.size(); ++i)
    allowed += bounds.rules.allows(bounds.space.unrank(i)) ? 1 : 0;
  if (allowed >= static_cast<std::uint64_t>(config.planner.batch)) return warnings;
  warnings.push_back(
      fmt::format("the space and the rules allow {} {}, and a batch is to have {}: batches will "
                  "be smaller",
                  allowed, allowed == 1 ? "candidate" : "candidates", config.planner.batch));
  return warnings;
}

}  // namespace

std::vector<std::string> campaign_warnings(const CampaignConfig& config) {
  const auto bounds = ProposalBounds::make(config);
  return bounds ? warnings_of(config, *bounds) : config.notes;
}

CampaignDraft draft_of(const CampaignConfig& config, const chemistry::SupportTable& supports) {
  CampaignDraft draft;
  if (const auto bounds = ProposalBounds::make(config)) {
    draft.misfit = [bounds, &supports](const Proposal& proposal) {
      return bounds->misfit(proposal, supports);
    };
    draft.warnings = warnings_of(config, *bounds);
  }
  draft.name = config.name;
  draft.owner = config.owner;
  draft.text = config.text;
  draft.media_type = config.media_type;
  draft.draft = config.draft;
  const chemistry::CompositionRules& rules = config.composition;
  draft.composition = fmt::format(
      "{}, oxygen {}", rules.basis ? chemistry::kBasisNames.to_name(*rules.basis) : "plain numbers",
      rules.count_oxygen ? "counted" : "dropped");
  for (const Target& target : config.targets) {
    draft.properties.push_back(
        {target.name, target.unit, true, target.plausible_low, target.plausible_high});
  }
  for (const OtherProperty& property : config.properties) {
    draft.properties.push_back(
        {property.name, property.unit, false, property.plausible_low, property.plausible_high});
  }
  for (const planning::SpacePart& part : config.space.parts) {
    const auto [least, largest] = totals_of(part);
    if (largest <= 0.0) continue;
    draft.least_total = draft.least_total > 0.0 ? std::min(draft.least_total, least) : least;
    draft.largest_total = std::max(draft.largest_total, largest);
  }
  return draft;
}

std::vector<std::string> campaign_keys() {
  std::vector<std::string> paths;
  for (const auto& [table, keys] : keys_by_table()) {
    for (const std::string& key : keys) paths.push_back(table.empty() ? key : table + "." + key);
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

}  // namespace kasetsu::campaign
