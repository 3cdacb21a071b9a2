// What the service keeps, as plain records. DESIGN's words: campaign, catalyst, proposal, batch,
// run, measurement, ingest, model, ledger, job, event. `id` is a ULID, `seq` the order of writing
// (rising, never used twice).
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "daemon/base/digest.h"
#include "daemon/base/time.h"

namespace kasetsu::campaign {

enum class CampaignState { draft, active, paused, completed, stopped };
enum class ProposalState {
  requested,   // waiting for a client; also again after a lease ran out
  active,      // leased to one client
  partial,     // some targets are in
  succeeded,   // all targets are in
  failed,      // did not work this time: may be offered again
  infeasible,  // never again, with the reason
  expired,     // overtaken before anyone took it
  cancelled    // by a person, with the reason
};
// Asked for and not done: one of them keeps the next batch from being planned.
inline constexpr std::array kOpenStates = {ProposalState::requested, ProposalState::active,
                                           ProposalState::partial};
inline bool is_open(ProposalState state) {
  return std::find(kOpenStates.begin(), kOpenStates.end(), state) != kOpenStates.end();
}
// Whether proposals of a strategy ("recheck", "bridge", "manual") are meant to repeat what was
// measured or is asked for.
bool may_repeat(std::string_view strategy);
enum class JobState { scheduled, running, completed, failed, cancelled, skipped };
enum class Verdict { accepted, flagged, duplicate, quarantined };
enum class QuarantineState { waiting, readmitted, discarded };
enum class SampleKind { catalyst, support, blank, reference };

// Names as the API and the database write them: states in capitals ("ACTIVE"), the rest in lower
// case.
std::string_view to_string(CampaignState state);
std::string_view to_string(ProposalState state);
std::string_view to_string(JobState state);
std::string_view to_string(Verdict verdict);
std::string_view to_string(QuarantineState state);
std::string_view to_string(SampleKind kind);
std::optional<CampaignState> parse_campaign_state(std::string_view text);
std::optional<ProposalState> parse_proposal_state(std::string_view text);
std::optional<JobState> parse_job_state(std::string_view text);
std::optional<QuarantineState> parse_quarantine_state(std::string_view text);
std::optional<SampleKind> parse_sample_kind(std::string_view text);

// Quality flags of a measurement, a bit set. They never delete anything.
enum Flag : std::uint32_t {
  kFlagOutOfRange = 1u << 0,      // outside the property's plausible range
  kFlagClosedProposal = 1u << 1,  // names a proposal that was cancelled or called infeasible
  kFlagClock = 1u << 2,           // says that it was measured in the future: a clock is wrong
  // The property carbon_balance (or C_balance) of the row is outside 90 to 110 %.
  kFlagCarbonBalance = 1u << 3,
  // The row's selectivities (S_... or ..._selectivity, in %) add up to more than 120 %. Above 100 %
  // is usual: it happens in most rows of real high-throughput runs.
  kFlagSelectivitySum = 1u << 4,
  // The row's conversion (X_..., conversion or ..._conversion, in %) is below 1 %: its
  // selectivities mean little.
  kFlagLowConversion = 1u << 5,
  // Farther than four robust standard deviations from the earlier replicates (five or more) of the
  // same catalyst under the same conditions.
  kFlagReplicateSpread = 1u << 6,
  kFlagReferenceDrift = 1u << 7,  // the same of a reference sample: the instrument drifts
  // The maximum over conditions stands far above the next best: often an outlier.
  kFlagIsolatedMaximum = 1u << 8,
  // The catalyst was proposed under other conditions: the proposal stays open.
  kFlagOtherConditions = 1u << 9,
  // A limit of detection ("<0.1"), not a measured number: kept, and excluded from learning until a
  // person includes it.
  kFlagCensored = 1u << 10,
  kFlagAboveLimit = 1u << 11,  // beside kFlagCensored: the limit is one from above (">95")
};
std::vector<std::string_view> flag_names(std::uint32_t flags);

// A measured quantity that a campaign knows. A result row may carry targets and other known
// properties; any other name is quarantined.
struct Property {
  std::string name;  // "C2_yield"
  std::string unit;  // "%"; empty: dimensionless or not told
  bool target = true;
  std::optional<double> low, high;  // plausible range; outside is flagged, not refused
  bool operator==(const Property&) const = default;
};

struct Campaign {
  std::int64_t key = 0;  // row number, for the store
  std::string id;
  std::string name;
  std::string owner;
  CampaignState state = CampaignState::active;
  std::string reason;         // of the present state
  std::int64_t version = 1;   // of the configuration, from 1
  std::int64_t revision = 1;  // rises with every change of state or configuration: the ETag
  Time created_at, updated_at;
};

struct CampaignVersion {
  std::int64_t version = 1;
  std::string text;  // verbatim
  std::string media_type;
  Digest sha256;
  std::string actor;
  Time created_at;
};

struct CatalystRow {
  std::int64_t key = 0;
  std::string canonical;    // chemistry::canonical_key
  std::string description;  // for people; without a unit, which is a campaign's
};

// A key as an earlier version wrote it, and what it is by the present rules
// (daemon/store/renewal.h).
struct RenewedKey {
  std::string was, now;                          // equal: others became this one
  std::int64_t measurements = 0, proposals = 0;  // that it had before
  Time renewed_at;
};

struct Ingest {
  std::int64_t seq = 0;
  std::string id;
  std::int64_t campaign = 0;
  std::string source;
  std::string run;              // the delivery's, for rows that name none
  std::string idempotency_key;  // of the header; empty: none
  std::string media_type;
  Digest sha256;  // of the bytes
  std::string actor;
  std::int64_t rows = 0, accepted = 0, flagged = 0, duplicate = 0, quarantined = 0;
  std::int64_t first_run = 0, last_run = 0;  // seqs of the runs that it made; 0, 0: none
  // Seqs of the measurements that came with it are first_measurement, ...; 0, 0: none, or the
  // delivery is older than these columns. Each measurement has its own identifier.
  std::int64_t first_measurement = 0, measurements = 0;
  Time received_at;
};

// A sample on an instrument's channel under conditions.
struct Run {
  std::int64_t seq = 0;
  std::int64_t ingest = 0;  // seq
  std::int64_t row = 0;     // of the delivery, from 0
  std::int64_t campaign = 0;
  std::int64_t catalyst = 0;
  SampleKind kind = SampleKind::catalyst;
  std::string source;  // instrument or robot
  std::string run;     // the source's name of the run; empty: none
  std::string channel;
  std::optional<std::int64_t> sequence;
  std::optional<std::int64_t> replicate;
  std::string sample;      // label; empty: none
  std::string conditions;  // JSON object of numbers, names sorted; "{}": none
  std::string proposal;    // id; empty: none
  std::optional<Time> measured_at;
  // Of everything that the row says, so that the same row again is told from another one with the
  // same name; of rows with a name (has_name).
  std::optional<Digest> content;
  // How the composition was told, where it became another; empty: it is as it was told.
  std::string told;
};

// Whether a row is known when it comes again: it belongs to a run with a name and says where in it.
inline bool has_name(std::string_view run, std::string_view channel,
                     const std::optional<std::int64_t>& sequence) {
  return !run.empty() && (!channel.empty() || sequence);
}

// One property of one run, joined with what a reader wants to know.
struct Measurement {
  std::int64_t seq = 0;
  std::int64_t row = 0;  // the Run that it came in, with the other values of the row
  std::int64_t campaign = 0;
  std::string id;
  std::string property;
  std::string unit;
  double value = 0.0;
  std::uint32_t flags = 0;
  std::string supersedes;     // id of the measurement that this one corrects; empty: none
  std::string superseded_by;  // id; empty: none
  bool retracted = false;
  bool excluded = false;  // from training, by a person; can be undone
  std::string reason;     // of the newest mark (retracted, excluded, included)
  std::string person;
  std::string catalyst;  // canonical key
  std::string told;      // Run::told
  SampleKind kind = SampleKind::catalyst;
  std::string source, run, channel, sample, conditions, proposal, ingest;
  std::optional<std::int64_t> sequence, replicate;
  std::optional<Time> measured_at;
  Time received_at;
  bool live() const { return !retracted && !excluded && superseded_by.empty(); }
};

struct QuarantinedRow {
  std::int64_t seq = 0;
  std::string id;
  std::string ingest;  // id
  std::int64_t row = 0;
  std::string pointer;  // "/rows/3" or "line 7"
  std::string raw;      // the row as JSON
  std::string reason;
  QuarantineState state = QuarantineState::waiting;
  std::string measurement;  // id of the first measurement, when readmitted
  std::string actor;        // who readmitted or discarded it
  std::string remark;
  Time received_at;
  std::optional<Time> resolved_at;
};

struct Batch {
  std::int64_t seq = 0;
  std::string id;
  std::int64_t campaign = 0;
  std::string model;  // id; empty: planned without one
  std::string actor;
  std::string summary;  // JSON of the planner: rules and what they removed, space size, seed, ...
  Time created_at;
};

struct Proposal {
  std::int64_t seq = 0;
  std::string id;
  std::int64_t campaign = 0;
  std::string batch;  // id
  std::int64_t rank = 0;
  std::string strategy;           // "explore", "exploit", ...
  std::string catalyst;           // canonical key
  std::string conditions = "{}";  // JSON object
  std::optional<double> mean, low, high, novelty;
  std::string reason;  // of the planner
  std::string card;    // JSON: what the planner wants to show; may be empty
  std::string model;   // id; empty: none
  ProposalState state = ProposalState::requested;
  std::string state_reason;
  std::string client;  // who holds or held it
  std::optional<Time> lease_expires;
  std::int64_t attempts = 0;  // times claimed
  std::int64_t failures = 0;  // times failed
  std::string amended_from;   // id
  std::int64_t revision = 1;  // rises with every change
  Time created_at, updated_at;
};

struct Model {
  std::int64_t seq = 0;
  std::string id;
  std::int64_t campaign = 0;
  std::int64_t version = 1;  // within campaign and property, from 1
  std::string property;
  std::string document;   // the model's own text (core/selection); large
  Digest snapshot;        // of the training set
  std::int64_t rows = 0;  // of the training set
  std::int64_t config_version = 1;
  std::uint64_t seed = 0;
  std::string code_version;
  double mae_cv = 0.0;  // of the best hypothesis
  std::optional<double> mae_nested;
  std::string status = "current";  // current, candidate, retired
  std::string status_reason;
  std::string summary;   // JSON for lists and pages
  double seconds = 0.0;  // of fitting, wall
  std::string job;       // id
  Time created_at;
};

// One prediction, written before its measurement, and its error after.
struct LedgerEntry {
  std::int64_t seq = 0;
  std::string model;             // id
  std::int64_t hypothesis = -1;  // index in the model; -1: the ensemble
  std::string catalyst;          // canonical key
  std::string proposal;          // id; empty: none
  std::string property;
  double predicted = 0.0;
  std::optional<double> low, high;
  Time predicted_at;
  std::string measurement;         // id; empty: not measured yet
  std::optional<double> observed;  // of that measurement
  std::optional<double> error;     // observed - predicted
  std::optional<Time> observed_at;
};

struct Job {
  std::int64_t seq = 0;
  std::string id;
  std::int64_t campaign = 0;
  std::string kind;  // "retrain", "plan"
  JobState state = JobState::scheduled;
  std::string detail;  // JSON of what is asked for
  double progress = 0.0;
  std::string stage;
  std::string result;  // JSON; empty until it is done
  std::string error;
  bool cancel_requested = false;
  std::int64_t attempts = 0;
  std::string actor;
  Time created_at;
  std::optional<Time> started_at, finished_at;
};

struct Event {
  std::int64_t seq = 0;
  Time at;
  std::string actor;
  std::string campaign;  // name; empty: none
  std::string object;    // "measurement", "proposal", "campaign", "model", "job", ...
  std::string id;        // of the object
  std::string verb;      // "created", "claimed", "expired", ...
  std::string detail;    // JSON object
};

// What the model learns from.
struct TrainingRow {
  std::int64_t seq = 0;     // of the measurement
  std::string measurement;  // id
  std::string catalyst;     // canonical key
  std::string conditions;   // JSON object
  SampleKind kind = SampleKind::catalyst;
  double value = 0.0;
  std::uint32_t flags = 0;
  std::string proposal;  // id; empty: none
  std::string batch;  // where the campaign estimates offsets of batches (tell_batches); else empty
};

struct TrainingSet {
  std::string property;
  std::string unit;
  std::vector<TrainingRow> rows;  // by seq
  // Of property, unit, and key, kind, conditions and bits of the value of every row in order; not
  // of identifiers or times, so that the same data have the same name on every machine.
  Digest snapshot;
};

// How a training set differs from the one that a model was made of.
struct TrainingChange {
  bool changed = false;  // its snapshot would be another one
  std::int64_t growth =
      0;                  // rows now less rows then; what lies above the number asked for may lack
  std::int64_t lost = 0;  // rows then that are not live now: retracted, corrected, excluded
};

// What a proposal is of: a catalyst with its conditions.
struct AskedCandidate {
  std::string catalyst;    // canonical key
  std::string conditions;  // as Proposal has them
  bool operator==(const AskedCandidate&) const = default;
};

// Catalysts of which the planner must know, by canonical key, each once, sorted.
struct KnownPoints {
  std::vector<std::string> measured;       // with a live measurement of any target
  std::vector<AskedCandidate> pending;     // proposed and open (REQUESTED, ACTIVE, PARTIAL)
  std::vector<AskedCandidate> failed;      // of a FAILED proposal
  std::vector<AskedCandidate> infeasible;  // never again
};

struct Page {
  std::int64_t after = 0;  // seq; 0: from the start
  std::int64_t limit = 100;
};

}  // namespace kasetsu::campaign
