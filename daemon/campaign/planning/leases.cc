#include "daemon/campaign/planning/leases.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "core/chemistry/catalyst.h"
#include "daemon/base/ulid.h"
#include "daemon/campaign/lifecycle/campaigns.h"
#include "daemon/campaign/records/conditions.h"
#include "daemon/campaign/records/events.h"

namespace kasetsu::campaign {
namespace {

using enum ProposalState;

Result<Proposal> find(const Reader& reader, std::string_view id) {
  if (auto proposal = reader.find_proposal(id)) return std::move(*proposal);
  return Error{ErrorCode::not_found, "there is no such proposal", {}, std::string(id), {}};
}

std::string name_of(const Reader& reader, const Proposal& proposal) {
  const auto campaign = reader.campaign(proposal.campaign);
  return campaign ? campaign->name : std::string();
}

Status check_client(std::string_view client) {
  const bool fine = !client.empty() && client.size() <= 200 &&
                    std::all_of(client.begin(), client.end(), [](char c) {
                      return static_cast<unsigned char>(c) >= 0x20 && c != 0x7F;
                    });
  if (fine) return {};
  return Error{ErrorCode::invalid_argument, "a client needs a name", "client", std::string(client),
               "1 to 200 printable characters that stay the same after a restart"};
}

Status check_lease(Duration lease) {
  if (lease >= std::chrono::seconds(1) && lease <= kLongestLease) return {};
  return Error{ErrorCode::invalid_argument, "the lease is too short or too long", "lease_s",
               fmt::format("{}", static_cast<double>(lease.count()) * 1e-6),
               "1 to 7776000 seconds"};
}

Status check_reason(std::string_view reason) {
  if (!reason.empty()) return {};
  return Error{ErrorCode::invalid_argument, "a reason is needed", "reason", {}, "one sentence"};
}

Error held(const Proposal& proposal) {
  if (proposal.client.empty()) {
    return Error{ErrorCode::conflict,
                 fmt::format("proposal {} is leased to nobody", proposal.id),
                 "client",
                 {},
                 "the client that has claimed it"};
  }
  return Error{ErrorCode::conflict,
               fmt::format("proposal {} is leased to {} until {}", proposal.id, proposal.client,
                           proposal.lease_expires ? format_time(*proposal.lease_expires) : "?"),
               "client",
               {},
               {}};
}

Error cannot(const Proposal& proposal, std::string_view verb) {
  std::string message = fmt::format("proposal {} is {} and cannot be {}", proposal.id,
                                    to_string(proposal.state), verb);
  if (!proposal.state_reason.empty()) message += fmt::format(" ({})", proposal.state_reason);
  return Error{ErrorCode::conflict, std::move(message), {}, {}, {}};
}

// Nobody holds it any more. A proposal becomes PARTIAL by a file, too, which leases nothing.
bool lapsed(const Proposal& proposal, Time now) {
  if (proposal.state != active && proposal.state != partial) return false;
  return !proposal.lease_expires || *proposal.lease_expires <= now;
}

Proposal changed(Transaction& tx, Proposal proposal, std::string_view verb, const Context& context,
                 Json detail = Json::object()) {
  proposal.updated_at = context.now;
  tx.update_proposal(proposal);
  proposal.revision += 1;
  detail["catalyst"] = proposal.catalyst;
  detail["state"] = to_string(proposal.state);
  if (!proposal.client.empty()) detail["client"] = proposal.client;
  append_event(tx, context, name_of(tx, proposal), "proposal", proposal.id, verb, detail);
  return proposal;
}

Proposal lease_to(Transaction& tx, Proposal proposal, std::string_view client, Duration lease,
                  const Context& context) {
  // What was measured of a PARTIAL one stays measured, whoever makes the rest.
  if (proposal.state != partial) proposal.state = active;
  proposal.state_reason.clear();
  proposal.client = std::string(client);
  proposal.lease_expires = context.now + lease;
  proposal.attempts += 1;
  return changed(tx, std::move(proposal), "claimed", context,
                 {{"lease_expires", format_time(context.now + lease)}});
}

// Nobody works on it any more: it waits again, or never will where the campaign has ended.
void give_back(const Reader& reader, Proposal& proposal) {
  proposal.lease_expires.reset();
  const auto campaign = reader.campaign(proposal.campaign);
  KASETSU_ASSERT(campaign.has_value());
  const bool ended =
      campaign->state == CampaignState::completed || campaign->state == CampaignState::stopped;
  proposal.state = ended ? expired : requested;
  if (ended) proposal.state_reason = campaign_ended(campaign->state);
}

Proposal renew(Transaction& tx, Proposal proposal, Duration lease, const Context& context) {
  proposal.lease_expires = context.now + lease;
  proposal.updated_at = context.now;
  tx.update_proposal(proposal);
  proposal.revision += 1;
  return proposal;
}

using Keys = std::set<std::string, std::less<>>;

// Proposed although it was measured.
bool meant_to_be_repeated(const Proposal& proposal) {
  if (may_repeat(proposal.strategy)) return true;
  const Result<Json> card = parse_json(proposal.card.empty() ? "{}" : proposal.card);
  return card.ok() && card->is_object() && card->value("measured_before", false);
}

// Writes what a model says of the proposal into the ledger.
void keep_prediction(Transaction& tx, const Proposal& proposal, const TargetForecast& said) {
  if (said.model.empty() || !said.mean) return;
  LedgerEntry entry;
  entry.model = said.model;
  entry.catalyst = proposal.catalyst;
  entry.proposal = proposal.id;
  entry.property = said.property;
  entry.predicted = *said.mean;
  entry.low = said.low;
  entry.high = said.high;
  entry.predicted_at = proposal.created_at;
  tx.insert_prediction(proposal.campaign, entry);
  entry.low.reset();
  entry.high.reset();
  for (std::size_t i = 0; i < said.hypotheses.size(); ++i) {
    // A hypothesis may have nothing to say of a catalyst far outside of what it has seen.
    if (!(said.hypotheses[i] > -1e308 && said.hypotheses[i] < 1e308)) continue;
    entry.hypothesis = static_cast<std::int64_t>(i);
    entry.predicted = said.hypotheses[i];
    tx.insert_prediction(proposal.campaign, entry);
  }
}

// Proposals of a campaign that a further one might repeat.
class KnownAlready {
 public:
  KnownAlready(const Reader& reader, const Campaign& campaign)
      : reader_(reader), campaign_(campaign.key) {
    const KnownPoints known = reader.known_points(campaign_);
    measured_.insert(known.measured.begin(), known.measured.end());
    for (const AskedCandidate& one : known.pending) open_.insert(key(one));
    for (const AskedCandidate& one : known.infeasible) never_.insert(key(one));
    for (const Property& property : reader.properties(campaign_)) {
      if (property.target) targets_.push_back(property.name);
    }
  }

  void add(const AskedCandidate& one) { open_.insert(key(one)); }
  bool open(const AskedCandidate& one) const { return open_.contains(key(one)); }
  bool never(const AskedCandidate& one) const { return never_.contains(key(one)); }
  // Whether a target of the catalyst has a live measurement under these conditions.
  bool measured(const AskedCandidate& one) const {
    if (!measured_.contains(one.catalyst)) return false;
    if (one.conditions == "{}") return true;
    MeasurementFilter filter;
    filter.catalyst = one.catalyst;
    filter.live_only = true;
    for (const std::string& target : targets_) {
      filter.property = target;
      for (const Measurement& found : reader_.measurements(campaign_, filter, {0, 10'000})) {
        if (answers_conditions(one.conditions, found.conditions)) return true;
      }
    }
    return false;
  }

 private:
  static std::string key(const AskedCandidate& one) {
    return one.catalyst + "@" + conditions_text(read_conditions(one.conditions));
  }

  const Reader& reader_;
  std::int64_t campaign_;
  Keys measured_, open_, never_;
  std::vector<std::string> targets_;
};

// The plan's map of the plate, with the ranks that the proposals got. `ranks`: by planned rank from
// 1; 0 for a proposal that was left out, whose place stays empty.
std::string with_ranks(const std::string& summary, const std::vector<std::int64_t>& ranks) {
  Result<Json> parsed = parse_json(summary.empty() ? "{}" : summary);
  if (!parsed || !parsed->is_object() || !parsed->contains("plate"))
    return summary.empty() ? "{}" : summary;
  for (Json& place : (*parsed)["plate"]) {
    const auto planned = place.value("rank", std::size_t{0});
    if (planned == 0 || planned > ranks.size()) continue;
    place["rank"] = ranks[planned - 1];
    if (ranks[planned - 1] != 0) continue;
    place["sample"] = "empty";
    place.erase("rank");
  }
  return dump_json(*parsed);
}

void insert(Transaction& tx, const Proposal& proposal) {
  tx.keep_catalyst(proposal.catalyst, chemistry::describe_key(proposal.catalyst),
                   proposal.created_at);
  tx.insert_proposal(proposal);
}

Proposal proposal_of(const PlannedProposal& wanted, const Batch& batch, const Context& context) {
  Proposal proposal;
  proposal.id = context.ids->next(context.now);
  proposal.campaign = batch.campaign;
  proposal.batch = batch.id;
  proposal.strategy = wanted.strategy;
  proposal.catalyst = wanted.catalyst;
  proposal.conditions = wanted.conditions;
  proposal.mean = wanted.mean;
  proposal.low = wanted.low;
  proposal.high = wanted.high;
  proposal.novelty = wanted.novelty;
  proposal.reason = wanted.reason;
  proposal.card = wanted.card;
  proposal.model = batch.model;
  proposal.created_at = proposal.updated_at = context.now;
  return proposal;
}

Error not_active(const Campaign& campaign, std::string_view what) {
  return Error{ErrorCode::conflict,
               fmt::format("campaign {} is {}: {}", campaign.name, to_string(campaign.state), what),
               {},
               {},
               {}};
}

}  // namespace

Result<IssuedBatch> issue_batch(Transaction& tx, std::string_view campaign,
                                const PlannedBatch& planned, const Context& context) {
  const Result<Campaign> found = find_campaign(tx, campaign);
  if (!found) return found.error();
  if (found->state != CampaignState::active) return not_active(*found, "nothing is proposed");
  std::string property = planned.property;
  for (const Property& known : tx.properties(found->key)) {
    if (property.empty() && known.target) property = known.name;
  }
  IssuedBatch issued;
  KnownAlready known(tx, *found);
  std::vector<const PlannedProposal*> kept;
  std::vector<std::int64_t> ranks;
  for (const PlannedProposal& wanted : planned.proposals) {
    const AskedCandidate candidate{wanted.catalyst, wanted.conditions};
    const bool again = may_repeat(wanted.strategy);
    if (known.never(candidate) ||
        (!again &&
         (known.open(candidate) || (!planned.measured_too && known.measured(candidate))))) {
      issued.left_out.push_back(candidate);
      ranks.push_back(0);
      continue;
    }
    known.add(candidate);
    kept.push_back(&wanted);
    ranks.push_back(std::ssize(kept));
  }
  Batch& batch = issued.batch;
  batch.id = context.ids->next(context.now);
  batch.campaign = found->key;
  batch.model = planned.model;
  batch.actor = context.actor;
  batch.summary = with_ranks(planned.summary, ranks);
  batch.created_at = context.now;
  tx.insert_batch(batch);
  Json strategies = Json::object();
  for (const PlannedProposal* wanted : kept) {
    Proposal proposal = proposal_of(*wanted, batch, context);
    proposal.rank = std::ssize(issued.proposals) + 1;
    insert(tx, proposal);
    keep_prediction(
        tx, proposal,
        {planned.model, property, wanted->mean, wanted->low, wanted->high, wanted->hypotheses});
    for (const TargetForecast& other : wanted->others) keep_prediction(tx, proposal, other);
    strategies[wanted->strategy] = strategies.value(wanted->strategy, 0) + 1;
    issued.proposals.push_back(std::move(proposal));
  }
  append_event(tx, context, found->name, "batch", batch.id, "created",
               {{"proposals", issued.proposals.size()},
                {"strategies", strategies},
                {"left_out", issued.left_out.size()}});
  return issued;
}

namespace {

// The client's own leases first, so that a robot that starts anew gets them back.
void renew_own(Transaction& tx, const Campaign& campaign, std::string_view client,
               std::size_t wanted, Duration lease, const Context& context,
               std::vector<Proposal>& taken) {
  ProposalFilter own;
  own.state = active;
  own.client = std::string(client);
  for (Proposal& proposal : tx.proposals(campaign.key, own, {0, 10'000})) {
    if (taken.size() == wanted) return;
    taken.push_back(renew(tx, std::move(proposal), lease, context));
  }
}

void take_waiting(Transaction& tx, const Campaign& campaign, ProposalState state,
                  std::string_view client, std::size_t wanted, Duration lease,
                  const Context& context, std::vector<Proposal>& taken) {
  ProposalFilter filter;
  filter.state = state;
  std::vector<Proposal> waiting = tx.proposals(campaign.key, filter, {0, 10'000});
  if (waiting.empty()) return;
  const KnownAlready known(tx, campaign);
  for (Proposal& proposal : waiting) {
    if (taken.size() == wanted) return;
    if (state == failed && proposal.failures >= kMostFailures) continue;
    if (!meant_to_be_repeated(proposal) &&
        known.measured({proposal.catalyst, proposal.conditions})) {
      proposal.state = cancelled;
      proposal.state_reason = "measured elsewhere meanwhile";
      changed(tx, proposal, "cancelled", context, {{"reason", proposal.state_reason}});
      continue;
    }
    taken.push_back(lease_to(tx, std::move(proposal), client, lease, context));
  }
}

}  // namespace

Result<std::vector<Proposal>> take(Transaction& tx, std::string_view campaign,
                                   std::string_view client, std::int64_t count, Duration lease,
                                   const Context& context) {
  const Result<Campaign> found = find_campaign(tx, campaign);
  if (!found) return found.error();
  if (const Status fine = check_client(client); !fine) return fine.error();
  if (const Status fine = check_lease(lease); !fine) return fine.error();
  if (count < 1 || count > 10'000) {
    return Error{ErrorCode::invalid_argument, "the number of proposals is out of range",
                 "batch_size", std::to_string(count), "1 to 10000"};
  }
  std::vector<Proposal> taken;
  const auto wanted = static_cast<std::size_t>(count);
  renew_own(tx, *found, client, wanted, lease, context, taken);
  if (taken.size() == wanted) return taken;
  if (found->state != CampaignState::active) {
    if (!taken.empty()) return taken;
    return not_active(*found, "nothing is given out");
  }
  // Lapsed leases first: they have waited longest.
  for (Proposal& proposal : tx.lapsed_proposals(context.now)) {
    if (taken.size() == wanted) break;
    if (proposal.campaign != found->key || proposal.client == client) continue;
    taken.push_back(lease_to(tx, std::move(proposal), client, lease, context));
  }
  for (const ProposalState state : {requested, failed}) {
    if (taken.size() < wanted)
      take_waiting(tx, *found, state, client, wanted, lease, context, taken);
  }
  return taken;
}

Result<Proposal> claim(Transaction& tx, std::string_view id, std::string_view client,
                       Duration lease, const Context& context) {
  if (const Status fine = check_client(client); !fine) return fine.error();
  if (const Status fine = check_lease(lease); !fine) return fine.error();
  Result<Proposal> proposal = find(tx, id);
  if (!proposal) return proposal;
  switch (proposal->state) {
    case active:
    case partial:
      if (proposal->client == client) return renew(tx, *proposal, lease, context);
      if (lapsed(*proposal, context.now)) break;
      return held(*proposal);
    case failed:
      if (proposal->failures >= kMostFailures) {
        return Error{ErrorCode::conflict,
                     fmt::format("proposal {} failed {} times and is not offered again", id,
                                 proposal->failures),
                     {},
                     {},
                     {}};
      }
      break;
    case requested:
    case expired:
      break;
    case succeeded:
    case infeasible:
    case cancelled:
      return cannot(*proposal, "claimed");
  }
  const auto campaign = tx.campaign(proposal->campaign);
  KASETSU_ASSERT(campaign.has_value());
  if (campaign->state != CampaignState::active)
    return not_active(*campaign, "nothing is given out");
  return lease_to(tx, *proposal, client, lease, context);
}

Result<Proposal> heartbeat(Transaction& tx, std::string_view id, std::string_view client,
                           Duration lease, const Context& context) {
  if (const Status fine = check_client(client); !fine) return fine.error();
  if (const Status fine = check_lease(lease); !fine) return fine.error();
  Result<Proposal> proposal = find(tx, id);
  if (!proposal) return proposal;
  if (proposal->state != active && proposal->state != partial) {
    // A sweep may have taken a lapsed lease back; if nobody came since, its holder goes on.
    if (proposal->state == requested && proposal->client == client && proposal->attempts > 0) {
      return lease_to(tx, *proposal, client, lease, context);
    }
    return cannot(*proposal, "kept");
  }
  if (proposal->client != client) return held(*proposal);
  return renew(tx, *proposal, lease, context);
}

Result<Proposal> release(Transaction& tx, std::string_view id, std::string_view client,
                         const Context& context) {
  if (const Status fine = check_client(client); !fine) return fine.error();
  Result<Proposal> proposal = find(tx, id);
  if (!proposal) return proposal;
  if (proposal->state == requested && proposal->client.empty()) return proposal;
  if (proposal->state != active) return cannot(*proposal, "released");
  if (proposal->client != client) return held(*proposal);
  give_back(tx, *proposal);
  proposal->client.clear();
  return changed(tx, *proposal, "released", context, {{"by", client}});
}

Result<Proposal> complete(Transaction& tx, std::string_view id, std::string_view client,
                          const Context& context) {
  if (const Status fine = check_client(client); !fine) return fine.error();
  Result<Proposal> proposal = find(tx, id);
  if (!proposal) return proposal;
  if (proposal->state == succeeded) return proposal;
  if (proposal->state != active && proposal->state != partial) {
    return cannot(*proposal, "completed");
  }
  if (!proposal->client.empty() && proposal->client != client && !lapsed(*proposal, context.now)) {
    return held(*proposal);
  }
  if (tx.measured_for_proposal(id).empty()) {
    return Error{ErrorCode::conflict,
                 fmt::format("no result of proposal {} has come yet", id),
                 {},
                 {},
                 "measurements that name the proposal, or :fail with a reason"};
  }
  proposal->state = succeeded;
  proposal->lease_expires.reset();
  return changed(tx, *proposal, "succeeded", context);
}

Result<Proposal> fail(Transaction& tx, std::string_view id, std::string_view client,
                      std::string_view reason, const Context& context) {
  if (const Status fine = check_client(client); !fine) return fine.error();
  if (const Status fine = check_reason(reason); !fine) return fine.error();
  Result<Proposal> proposal = find(tx, id);
  if (!proposal) return proposal;
  if (proposal->state == failed && proposal->client == client) return proposal;
  if (proposal->state != active && proposal->state != partial) return cannot(*proposal, "failed");
  if (!proposal->client.empty() && proposal->client != client && !lapsed(*proposal, context.now)) {
    return held(*proposal);
  }
  proposal->state = failed;
  proposal->state_reason = std::string(reason);
  proposal->failures += 1;
  proposal->lease_expires.reset();
  return changed(tx, *proposal, "failed", context, {{"reason", reason}});
}

Result<Proposal> mark_infeasible(Transaction& tx, std::string_view id, std::string_view client,
                                 std::string_view reason, const Context& context) {
  if (const Status fine = check_reason(reason); !fine) return fine.error();
  Result<Proposal> proposal = find(tx, id);
  if (!proposal) return proposal;
  if (proposal->state == infeasible) return proposal;
  if (proposal->state == succeeded || proposal->state == cancelled) {
    return cannot(*proposal, "called infeasible");
  }
  if (proposal->state == active && proposal->client != client && !lapsed(*proposal, context.now)) {
    return held(*proposal);
  }
  proposal->state = infeasible;
  proposal->state_reason = std::string(reason);
  proposal->lease_expires.reset();
  return changed(tx, *proposal, "infeasible", context, {{"reason", reason}});
}

Result<Proposal> cancel(Transaction& tx, std::string_view id,
                        const std::optional<std::string>& client, std::string_view reason,
                        const Context& context) {
  if (const Status fine = check_reason(reason); !fine) return fine.error();
  Result<Proposal> proposal = find(tx, id);
  if (!proposal) return proposal;
  if (proposal->state == cancelled) return proposal;
  if (proposal->state == succeeded || proposal->state == infeasible) {
    return cannot(*proposal, "cancelled");
  }
  if (client && proposal->state == active && proposal->client != *client &&
      !lapsed(*proposal, context.now)) {
    return held(*proposal);
  }
  proposal->state = cancelled;
  proposal->state_reason = std::string(reason);
  proposal->lease_expires.reset();
  return changed(tx, *proposal, "cancelled", context, {{"reason", reason}});
}

Result<Proposal> amend(Transaction& tx, std::string_view id, std::string_view client,
                       std::string_view catalyst, std::string_view reason, const Context& context) {
  if (const Status fine = check_reason(reason); !fine) return fine.error();
  Result<Proposal> old = find(tx, id);
  if (!old) return old;
  if (old->state != requested && old->state != active) return cannot(*old, "amended");
  if (old->state == active && old->client != client && !lapsed(*old, context.now)) {
    return held(*old);
  }
  if (old->catalyst == catalyst) {
    return Error{ErrorCode::invalid_argument, "this is the catalyst that was asked for", "catalyst",
                 std::string(catalyst), "what was made instead"};
  }
  Proposal made = *old;
  made.id = context.ids->next(context.now);
  made.catalyst = std::string(catalyst);
  made.mean.reset();
  made.low.reset();
  made.high.reset();
  made.novelty.reset();
  made.card.clear();
  made.reason = fmt::format("made instead of {}: {}", old->catalyst, reason);
  made.amended_from = old->id;
  made.revision = 1;
  made.created_at = made.updated_at = context.now;
  old->state = cancelled;
  old->state_reason = fmt::format("amended: {}", reason);
  old->lease_expires.reset();
  changed(tx, *old, "amended", context, {{"reason", reason}, {"by", made.id}});
  insert(tx, made);
  append_event(tx, context, name_of(tx, made), "proposal", made.id, "created",
               {{"catalyst", made.catalyst}, {"amended_from", old->id}});
  return made;
}

bool anything_open(const Reader& reader, const Campaign& campaign) {
  for (const ProposalState state : kOpenStates) {
    ProposalFilter filter;
    filter.state = state;
    if (!reader.proposals(campaign.key, filter, {0, 1}).empty()) return true;
  }
  return false;
}

std::int64_t sweep_leases(Transaction& tx, const Context& context) {
  std::int64_t count = 0;
  for (Proposal& proposal : tx.lapsed_proposals(context.now)) {
    give_back(tx, proposal);
    const std::string client = proposal.client;
    changed(tx, std::move(proposal), "lease_expired", context, {{"from", client}});
    ++count;
  }
  return count;
}

Result<Proposal> propose_by_hand(Transaction& tx, std::string_view campaign,
                                 std::string_view catalyst, std::string_view reason,
                                 const Context& context) {
  PlannedBatch planned;
  PlannedProposal proposal;
  proposal.strategy = "manual";
  proposal.catalyst = std::string(catalyst);
  proposal.reason = std::string(reason);
  planned.proposals.push_back(std::move(proposal));
  Result<IssuedBatch> issued = issue_batch(tx, campaign, planned, context);
  if (!issued) return issued.error();
  if (issued->proposals.empty()) {
    return Error{ErrorCode::conflict,
                 "this catalyst was called infeasible",
                 "catalyst",
                 std::string(catalyst),
                 {}};
  }
  return issued->proposals.front();
}

}  // namespace kasetsu::campaign
