#include "daemon/campaign/file/campaign_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <set>

#include "core/base/text.h"
#include "core/chemistry/element.h"
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
    if (may_repeat(proposal.strategy)) return {};
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

// What the planner is told to ask for, and what the space and the rules say of it.
void warn_of_named(const CampaignConfig& config, const ProposalBounds& bounds,
                   std::vector<std::string>& warnings) {
  const auto& conditions = bounds.space.conditions();
  for (const auto& [key, named] : {std::pair{"planner.manual", &config.planner.manual},
                                   {"planner.references", &config.planner.references}}) {
    for (planning::Candidate candidate : *named) {
      const std::string name = chemistry::canonical_key(candidate.catalyst);
      const auto broken = bounds.rules.explain(candidate);
      if (!broken.empty()) {
        warnings.push_back(
            fmt::format("{} names {}, which is forbidden and will not be proposed: "
                        "{}",
                        key, name, broken.front()));
        continue;
      }
      if (named == &config.planner.references) continue;  // standards may lie outside
      for (std::size_t i = candidate.conditions.size(); i < conditions.size(); ++i)
        candidate.conditions.push_back(conditions[i].levels.front());
      if (!bounds.space.rank(candidate))
        warnings.push_back(
            fmt::format("{} names {}, which the candidate space does not hold", key, name));
    }
  }
  const bool bridges = std::any_of(
      config.planner.mix.begin(), config.planner.mix.end(), [](const planning::MixEntry& entry) {
        return entry.strategy == planning::Strategy::bridge && (entry.count > 0 || entry.share > 0);
      });
  if (bridges && conditions.empty() && config.planner.references.empty())
    warnings.emplace_back(
        "planner.mix has places for bridge, and planner.references names no catalyst: what was "
        "measured most often is repeated, and a first batch has none");
}

// Values that are looked for and lie outside of what is plausible.
void warn_of_targets(const CampaignConfig& config, std::vector<std::string>& warnings) {
  for (const Target& target : config.targets) {
    const auto warn = [&](const char* what, const std::optional<double>& value) {
      if (!value) return;
      const bool low = target.plausible_low && *value < *target.plausible_low;
      const bool high = target.plausible_high && *value > *target.plausible_high;
      if (!low && !high) return;
      warnings.push_back(
          fmt::format("{}: {} = {} lies outside of what is plausible ({} {})", target.name, what,
                      format_number(*value), low ? "from" : "to",
                      format_number(low ? *target.plausible_low : *target.plausible_high)));
    };
    const bool first = &target == &config.targets.front();
    if (target.aim.goal == planning::Goal::target) {
      warn("value", target.aim.value);
      continue;
    }
    warn("hit_threshold", target.hit_threshold);
    if (first) warn("stop.target_reached", config.stop.target_reached);
  }
}

// Elements and supports of the space of which the rules leave nothing, though none forbids them by
// name: rules that contradict one another. seen: how often each was looked at, and how often it was
// allowed; `enough`: looked at so often, one that may be had would have been allowed.
void warn_of_vanished(const std::map<std::string, std::pair<int, int>>& seen, double enough,
                      const CampaignConfig& config, std::vector<std::string>& warnings) {
  std::set<std::string> by_name;
  bool allow_list = false;
  for (const planning::Rule& rule : config.rules) {
    allow_list = allow_list || std::holds_alternative<planning::AllowElements>(rule.what);
    if (const auto* elements = std::get_if<planning::ForbidElements>(&rule.what)) {
      for (const int element : elements->elements)
        by_name.emplace(chemistry::element_symbol(element));
    }
    if (const auto* supports = std::get_if<planning::ForbidSupports>(&rule.what))
      by_name.insert(supports->supports.begin(), supports->supports.end());
  }
  if (allow_list) return;
  std::vector<std::string> vanished;
  for (const auto& [name, counts] : seen) {
    if (counts.second == 0 && counts.first >= enough && !by_name.contains(name))
      vanished.push_back(name);
  }
  if (vanished.empty()) return;
  warnings.push_back(
      fmt::format("the rules together leave no candidate with {}, which none of them forbids by "
                  "name",
                  fmt::join(vanished, ", ")));
}

// SplitMix64 (Steele, Lea and Flood 2014): the number in a fixed order without a pattern.
std::uint64_t scattered(std::uint64_t number) {
  std::uint64_t z = (number + 1) * 0x9e3779b97f4a7c15ULL;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
  return z ^ (z >> 31);
}

// Sentences about what can be counted quickly, behind what the decoder noted.
std::vector<std::string> warnings_of(const CampaignConfig& config, const ProposalBounds& bounds) {
  constexpr std::uint64_t kMostCounted = 20'000;
  std::vector<std::string> warnings = config.notes;
  warn_of_named(config, bounds, warnings);
  warn_of_targets(config, warnings);
  const std::uint64_t size = bounds.space.size();
  const std::uint64_t looked = std::min(size, kMostCounted);
  std::uint64_t allowed = 0;
  std::map<std::string, std::pair<int, int>> seen;  // how often, and how often allowed
  for (std::uint64_t i = 0; i < looked; ++i) {
    // Of a large space, a sample that no order of the space can mislead.
    const planning::Candidate candidate =
        bounds.space.unrank(size > looked ? scattered(i) % size : i);
    const bool allows = bounds.rules.allows(candidate);
    allowed += allows ? 1 : 0;
    const auto count = [&](const std::string& name) {
      auto& [all, kept] = seen[name];
      ++all;
      kept += allows ? 1 : 0;
    };
    for (const auto& part : candidate.catalyst.active.parts())
      count(std::string(chemistry::element_symbol(part.element)));
    if (!candidate.catalyst.support.empty()) count(candidate.catalyst.support);
  }
  constexpr double kExpected = 30.0;
  const double enough = size > looked ? kExpected * static_cast<double>(looked) /
                                            std::max(1.0, static_cast<double>(allowed))
                                      : 1.0;
  if (allowed > 0) warn_of_vanished(seen, enough, config, warnings);
  if (size > looked && allowed == 0)
    warnings.push_back(
        fmt::format("of {} candidates that were looked at, the rules allow none", looked));
  if (size > looked || allowed >= static_cast<std::uint64_t>(config.planner.batch)) return warnings;
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
