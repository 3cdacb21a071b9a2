// Proposals: issued in batches by the planner, leased to clients, finished by results. Every change
// is an event; only the transitions named here are legal, others are `conflict` with a sentence.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/campaign/records/store_port.h"

namespace kasetsu::campaign {

// A FAILED proposal is offered again until it failed this often.
inline constexpr std::int64_t kMostFailures = 3;
inline constexpr Duration kDefaultLease =
    std::chrono::hours(24);  // a batch takes a day in most labs
inline constexpr Duration kLongestLease = std::chrono::hours(24 * 90);

// What the model of another target says of a proposal, for the ledger.
struct TargetForecast {
  std::string model;  // id
  std::string property;
  std::optional<double> mean, low, high;
  std::vector<double> hypotheses;  // as PlannedProposal has them
};

struct PlannedProposal {
  std::string strategy;
  std::string catalyst;  // canonical key
  std::string conditions = "{}";
  std::optional<double> mean, low, high, novelty;
  std::string reason;
  std::string card;  // JSON
  // Predictions of the model's hypotheses for the ledger, by hypothesis; may be empty.
  std::vector<double> hypotheses;
  std::vector<TargetForecast> others;
};

struct PlannedBatch {
  std::string model;     // id; empty: none
  std::string property;  // predicted; empty: the campaign's first target
  std::string summary;   // JSON
  std::vector<PlannedProposal> proposals;
  bool measured_too = false;  // the campaign lets measured compositions be proposed
  // A catalyst with its conditions that has an open proposal already, was measured since the plan
  // was begun, or was called infeasible, is left out unless its strategy is "recheck", "bridge" or
  // "manual".
};

struct IssuedBatch {
  Batch batch;
  std::vector<Proposal> proposals;       // by rank
  std::vector<AskedCandidate> left_out;  // that were known by then
};

// Writes a batch, its proposals, and the predictions into the ledger, before anything is measured.
// Errors: not_found; conflict (the campaign is not ACTIVE).
Result<IssuedBatch> issue_batch(Transaction& tx, std::string_view campaign,
                                const PlannedBatch& planned, const Context& context);

// What `client` should work on: first its own ACTIVE proposals (so that a restarted robot gets its
// lease back), then REQUESTED, then FAILED ones that may be tried again, leased to it until now +
// lease, `count` in all; fewer when there are not enough. Errors: not_found; invalid_argument;
// conflict (the campaign is not ACTIVE; own leases are still given back then).
Result<std::vector<Proposal>> take(Transaction& tx, std::string_view campaign,
                                   std::string_view client, std::int64_t count, Duration lease,
                                   const Context& context);

// REQUESTED, FAILED (fewer than kMostFailures), EXPIRED, or ACTIVE with a lapsed lease -> ACTIVE;
// PARTIAL without a lease or with a lapsed one stays PARTIAL, leased to the client. The holder who
// claims again gets its lease renewed. Errors: not_found; invalid_argument (client empty or longer
// than 200 characters, lease out of 1 s ... 90 d); conflict (another client holds it, with its name
// and time).
Result<Proposal> claim(Transaction& tx, std::string_view proposal, std::string_view client,
                       Duration lease, const Context& context);
// ACTIVE or PARTIAL of this client; the lease runs anew. Also when it lapsed and nobody took it
// since.
Result<Proposal> heartbeat(Transaction& tx, std::string_view proposal, std::string_view client,
                           Duration lease, const Context& context);
// ACTIVE of this client -> REQUESTED; EXPIRED once the campaign has ended.
Result<Proposal> release(Transaction& tx, std::string_view proposal, std::string_view client,
                         const Context& context);
// ACTIVE or PARTIAL with at least one measurement -> SUCCEEDED (a target that will never come);
// SUCCEEDED stays. Without a measurement: conflict.
Result<Proposal> complete(Transaction& tx, std::string_view proposal, std::string_view client,
                          const Context& context);
// ACTIVE or PARTIAL -> FAILED; a reason is required.
Result<Proposal> fail(Transaction& tx, std::string_view proposal, std::string_view client,
                      std::string_view reason, const Context& context);
// Any state but SUCCEEDED, CANCELLED -> INFEASIBLE; a reason is required.
Result<Proposal> mark_infeasible(Transaction& tx, std::string_view proposal,
                                 std::string_view client, std::string_view reason,
                                 const Context& context);
// Any state but SUCCEEDED, INFEASIBLE -> CANCELLED; a reason is required. What is leased to another
// client is a conflict; without a client (who runs the campaign) it is cancelled all the same.
Result<Proposal> cancel(Transaction& tx, std::string_view proposal,
                        const std::optional<std::string>& client, std::string_view reason,
                        const Context& context);
// What was made is not quite what was asked for: the proposal is CANCELLED and a new one for
// `catalyst` (canonical key) takes its place in the batch, with the same client and lease;
// amended_from names the old. The new one carries no prediction.
Result<Proposal> amend(Transaction& tx, std::string_view proposal, std::string_view client,
                       std::string_view catalyst, std::string_view reason, const Context& context);

// Whether a proposal is offered, leased or measured in part.
bool anything_open(const Reader& reader, const Campaign& campaign);

// Leases that ran out: ACTIVE -> REQUESTED, with an event; EXPIRED once the campaign has ended, as
// whoever ended it expired what waited then. Returns how many. The daemon calls it
// every few seconds; claim and take do not depend on it.
std::int64_t sweep_leases(Transaction& tx, const Context& context);

// A proposal by hand, in a batch of its own: strategy "manual".
Result<Proposal> propose_by_hand(Transaction& tx, std::string_view campaign,
                                 std::string_view catalyst, std::string_view reason,
                                 const Context& context);

}  // namespace kasetsu::campaign
