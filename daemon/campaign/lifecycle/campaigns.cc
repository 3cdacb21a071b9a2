#include "daemon/campaign/lifecycle/campaigns.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>

#include "core/base/text.h"
#include "daemon/base/ulid.h"
#include "daemon/campaign/records/events.h"

namespace kasetsu::campaign {
namespace {

void keep_total_amounts(Transaction& tx, const Campaign& campaign, const CampaignDraft& draft) {
  tx.set_setting("amounts/" + campaign.id,
                 draft.least_total > 0.0 ? fmt::format("{} {}", format_number(draft.least_total),
                                                       format_number(draft.largest_total))
                                         : std::string());
  tx.set_setting("composition/" + campaign.id, draft.composition);
}

// Keys that were written in one basis are not read in another.
Status check_composition(const Reader& reader, const Campaign& campaign,
                         const CampaignDraft& draft) {
  const std::string before = reader.setting("composition/" + campaign.id);
  if (before.empty() || before == draft.composition) return {};
  // One that was retracted may be restored.
  if (reader.measurements(campaign.key, {}, {0, 1}).empty()) return {};
  const std::int64_t live = reader.count_measurements(campaign.key);
  const std::string kept = live == 0   ? "measurements that do not count at present are"
                           : live == 1 ? "1 measurement is"
                                       : fmt::format("{} measurements are", live);
  return Error{ErrorCode::conflict,
               fmt::format("{} kept with compositions told as {}", kept, before), "composition",
               draft.composition, "the same basis and oxygen, or a campaign under another name"};
}

Status check_properties(const std::vector<Property>& properties) {
  bool target = false;
  for (std::size_t i = 0; i < properties.size(); ++i) {
    const Property& property = properties[i];
    if (property.name.empty()) {
      return Error{ErrorCode::invalid_argument, "a property without a name", {}, {}, {}};
    }
    for (std::size_t j = 0; j < i; ++j) {
      if (properties[j].name == property.name) {
        return Error{
            ErrorCode::invalid_argument, "the property is there twice", {}, property.name, {}};
      }
    }
    for (const auto& bound : {property.low, property.high}) {
      if (bound && !std::isfinite(*bound)) {
        return Error{ErrorCode::invalid_argument,
                     "the plausible range must be finite",
                     property.name,
                     {},
                     {}};
      }
    }
    if (property.low && property.high && *property.low > *property.high) {
      return Error{ErrorCode::invalid_argument,
                   "the plausible range ends before it begins",
                   property.name,
                   {},
                   {}};
    }
    target = target || property.target;
  }
  if (!target) {
    return Error{ErrorCode::invalid_argument, "the campaign has no target", {}, {}, {}};
  }
  return {};
}

Status check_revision(const Campaign& campaign, std::optional<std::int64_t> expected) {
  if (!expected || *expected == campaign.revision) return {};
  return Error{ErrorCode::conflict,
               fmt::format("campaign {} was changed meanwhile: it is at revision {}", campaign.name,
                           campaign.revision),
               "If-Match", std::to_string(*expected), "the present revision"};
}

void expire_waiting(Transaction& tx, const Campaign& campaign, std::string_view why,
                    const Context& context) {
  Page page;
  page.limit = 1000;
  ProposalFilter filter;
  filter.state = ProposalState::requested;
  for (;;) {
    const auto proposals = tx.proposals(campaign.key, filter, page);
    for (Proposal proposal : proposals) {
      page.after = proposal.seq;
      proposal.state = ProposalState::expired;
      proposal.state_reason = std::string(why);
      proposal.updated_at = context.now;
      tx.update_proposal(proposal);
      append_event(tx, context, campaign.name, "proposal", proposal.id, "expired",
                   {{"reason", why}});
    }
    if (static_cast<std::int64_t>(proposals.size()) < page.limit) return;
  }
}

}  // namespace

Status check_campaign_name(std::string_view name) {
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  const bool fine = !name.empty() && name.size() <= 64 && letter(name.front()) &&
                    std::all_of(name.begin(), name.end(), [&](char c) {
                      return letter(c) || c == '.' || c == '_' || c == '-';
                    });
  if (fine) return {};
  return Error{ErrorCode::invalid_argument, "this is not a name of a campaign", "name",
               std::string(name),
               "1 to 64 of a-z, 0-9, \".\", \"_\", \"-\", beginning with a letter or digit"};
}

std::optional<TotalAmounts> total_amounts(const Reader& reader, const Campaign& campaign) {
  const std::string text = reader.setting("amounts/" + campaign.id);
  const auto space = text.find(' ');
  if (space == std::string::npos) return std::nullopt;
  const auto least = parse_number(std::string_view(text).substr(0, space));
  const auto largest = parse_number(std::string_view(text).substr(space));
  if (!least || !largest) return std::nullopt;
  return TotalAmounts{*least, *largest};
}

std::vector<Proposal> all_proposals(const Reader& reader, std::int64_t campaign,
                                    const ProposalFilter& filter) {
  std::vector<Proposal> all;
  Page page{0, 10'000};
  while (true) {
    auto some = reader.proposals(campaign, filter, page);
    const bool full = std::ssize(some) == page.limit;
    if (!some.empty()) page.after = some.back().seq;
    all.insert(all.end(), std::make_move_iterator(some.begin()),
               std::make_move_iterator(some.end()));
    if (!full) return all;
  }
}

std::vector<FallenProposal> fallen_proposals(const Reader& reader, const Campaign& campaign,
                                             const CampaignDraft& draft) {
  std::vector<FallenProposal> fallen;
  if (!draft.misfit) return fallen;
  for (const ProposalState state :
       {ProposalState::requested, ProposalState::active, ProposalState::failed}) {
    ProposalFilter filter;
    filter.state = state;
    for (Proposal& proposal : all_proposals(reader, campaign.key, filter)) {
      std::string reason = draft.misfit(proposal);
      if (!reason.empty()) fallen.push_back({std::move(proposal), std::move(reason)});
    }
  }
  return fallen;
}

namespace {

Applied create_campaign(Transaction& tx, const CampaignDraft& draft, const CampaignVersion& version,
                        const Context& context) {
  Applied applied;
  applied.outcome = ApplyOutcome::created;
  Campaign& campaign = applied.campaign;
  campaign.id = context.ids->next(context.now);
  campaign.name = draft.name;
  campaign.owner = draft.owner;
  campaign.state = draft.draft ? CampaignState::draft : CampaignState::active;
  campaign.created_at = campaign.updated_at = context.now;
  campaign.key = tx.insert_campaign(campaign);
  tx.insert_campaign_version(campaign.key, version);
  tx.set_properties(campaign.key, draft.properties);
  keep_total_amounts(tx, campaign, draft);
  append_event(tx, context, campaign.name, "campaign", campaign.id, "created",
               {{"version", 1}, {"state", to_string(campaign.state)}});
  return applied;
}

// A number keeps its meaning: what was measured in one unit is not read in another.
Status check_units(const Reader& reader, const Campaign& campaign, const CampaignDraft& draft) {
  for (const Property& now : draft.properties) {
    const auto before = reader.measured_unit(campaign.key, now.name);
    if (!before || *before == now.unit) continue;
    return Error{ErrorCode::conflict,
                 fmt::format("{} has measurements in \"{}\" already", now.name, *before), "unit",
                 now.unit, "the same unit, or a property under another name"};
  }
  return {};
}

// Cancels what does not fit the new version, whoever holds it.
std::vector<FallenProposal> withdraw(Transaction& tx, const Campaign& campaign,
                                     const CampaignDraft& draft, const Context& context) {
  std::vector<FallenProposal> fallen = fallen_proposals(tx, campaign, draft);
  for (auto& [proposal, reason] : fallen) {
    proposal.state = ProposalState::cancelled;
    proposal.state_reason =
        fmt::format("withdrawn by version {} of the campaign file: {}", campaign.version, reason);
    proposal.lease_expires.reset();
    proposal.updated_at = context.now;
    tx.update_proposal(proposal);
    Json detail = {{"reason", proposal.state_reason}, {"catalyst", proposal.catalyst}};
    if (!proposal.client.empty()) detail["client"] = proposal.client;
    append_event(tx, context, campaign.name, "proposal", proposal.id, "cancelled", detail);
  }
  return fallen;
}

}  // namespace

Status may_update(const Reader& reader, const Campaign& campaign, const CampaignDraft& draft) {
  const auto newest = reader.campaign_version(campaign.key, campaign.version);
  if (newest && newest->text == draft.text && newest->media_type == draft.media_type) return {};
  if (campaign.state == CampaignState::stopped || campaign.state == CampaignState::completed) {
    return Error{ErrorCode::conflict,
                 fmt::format("campaign {} is {}: its file cannot be changed any more",
                             campaign.name, to_string(campaign.state)),
                 {},
                 {},
                 "a new campaign under another name"};
  }
  if (Status kept = check_units(reader, campaign, draft); !kept) return kept;
  return check_composition(reader, campaign, draft);
}

Result<Applied> apply_campaign(Transaction& tx, const CampaignDraft& draft, const Context& context,
                               std::optional<std::int64_t> expected_revision) {
  if (const Status named = check_campaign_name(draft.name); !named) return named.error();
  if (const Status fine = check_properties(draft.properties); !fine) return fine.error();

  CampaignVersion version;
  version.text = draft.text;
  version.media_type = draft.media_type;
  version.sha256 = sha256(draft.text);
  version.actor = context.actor;
  version.created_at = context.now;
  const auto present = tx.find_campaign(draft.name);
  if (!present && expected_revision) {
    return Error{ErrorCode::conflict, "there is no such campaign yet", "If-Match", draft.name, {}};
  }
  if (!present) return create_campaign(tx, draft, version, context);

  Applied applied;
  applied.campaign = *present;
  Campaign& campaign = applied.campaign;
  if (const Status same = check_revision(campaign, expected_revision); !same) return same.error();
  const auto newest = tx.campaign_version(campaign.key, campaign.version);
  KASETSU_ASSERT(newest.has_value());
  if (newest->sha256 == version.sha256 && newest->media_type == version.media_type) {
    applied.outcome = ApplyOutcome::unchanged;
    return applied;
  }
  if (const Status may = may_update(tx, campaign, draft); !may) return may.error();
  campaign.version += 1;
  campaign.revision += 1;
  campaign.owner = draft.owner;
  campaign.updated_at = context.now;
  version.version = campaign.version;
  tx.update_campaign(campaign);
  tx.insert_campaign_version(campaign.key, version);
  tx.set_properties(campaign.key, draft.properties);
  keep_total_amounts(tx, campaign, draft);
  append_event(tx, context, campaign.name, "campaign", campaign.id, "updated",
               {{"version", campaign.version}});
  applied.withdrawn = withdraw(tx, campaign, draft, context);
  applied.outcome = ApplyOutcome::updated;
  return applied;
}

std::string campaign_ended(CampaignState state) {
  return fmt::format("the campaign was {}",
                     state == CampaignState::stopped ? "stopped" : "completed");
}

Result<Campaign> find_campaign(const Reader& reader, std::string_view name) {
  if (auto campaign = reader.find_campaign(name)) return std::move(*campaign);
  constexpr std::size_t kFew = 10;
  std::string expected;
  const auto present = reader.campaigns();
  if (present.empty()) {
    expected = "a campaign that was applied; there is none yet";
  } else if (present.size() <= kFew) {
    for (const Campaign& campaign : present) {
      expected += expected.empty() ? "one of " : ", ";
      expected += campaign.name;
    }
  }
  return Error{ErrorCode::not_found, "there is no such campaign", {}, std::string(name), expected};
}

Result<Campaign> steer_campaign(Transaction& tx, std::string_view name, CampaignVerb verb,
                                std::string_view reason, const Context& context,
                                std::optional<std::int64_t> expected_revision) {
  Result<Campaign> found = find_campaign(tx, name);
  if (!found) return found;
  Campaign campaign = *found;
  if (const Status same = check_revision(campaign, expected_revision); !same) return same.error();

  using enum CampaignState;
  CampaignState to = active;
  std::string_view word;
  bool legal = false;
  const CampaignState from = campaign.state;
  switch (verb) {
    case CampaignVerb::start:
      to = active;
      word = "started";
      legal = from == draft;
      break;
    case CampaignVerb::pause:
      to = paused;
      word = "paused";
      legal = from == active;
      break;
    case CampaignVerb::resume:
      to = active;
      word = "resumed";
      legal = from == paused;
      break;
    case CampaignVerb::complete:
      to = completed;
      word = "completed";
      legal = from == active || from == paused;
      break;
    case CampaignVerb::stop:
      to = stopped;
      word = "stopped";
      legal = from != completed;
      break;
  }
  if (from == to) return campaign;
  if (!legal) {
    return Error{ErrorCode::conflict,
                 fmt::format("campaign {} is {} and cannot be {}", name, to_string(from), word),
                 {},
                 {},
                 {}};
  }
  campaign.state = to;
  campaign.reason = std::string(reason);
  campaign.revision += 1;
  campaign.updated_at = context.now;
  tx.update_campaign(campaign);
  Json detail = {{"state", to_string(to)}};
  if (!reason.empty()) detail["reason"] = reason;
  append_event(tx, context, campaign.name, "campaign", campaign.id, word, detail);
  if (to == stopped || to == completed) {
    expire_waiting(tx, campaign, campaign_ended(to), context);
  }
  return campaign;
}

Result<Reply> once(Transaction& tx, std::string_view scope, std::string_view key,
                   const Digest& body, const Context& context,
                   const std::function<Result<Reply>()>& action) {
  if (key.empty()) return action();
  if (key.size() > 255) {
    return Error{ErrorCode::invalid_argument, "the idempotency key is too long", "Idempotency-Key",
                 std::string(key), "at most 255 characters"};
  }
  if (const auto kept = tx.kept_reply(scope, key)) {
    if (kept->body != body) {
      return Error{ErrorCode::unprocessable,
                   "this idempotency key was used with another body before", "Idempotency-Key",
                   std::string(key), "the same body, or a new key"};
    }
    return Reply{kept->status, kept->reply, true};
  }
  Result<Reply> reply = action();
  if (!reply) return reply;
  tx.keep_reply(scope, key, KeptReply{body, reply->status, reply->body}, context.now);
  return reply;
}

}  // namespace kasetsu::campaign
