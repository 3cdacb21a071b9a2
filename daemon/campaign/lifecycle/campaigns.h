// Applying campaign files and steering campaigns. No function here reads a file or decodes one: the
// decoder (daemon/campaign/file/campaign_file.h) makes the draft.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/campaign/records/store_port.h"

namespace kasetsu::campaign {

// What applying a campaign file needs to know of it.
struct CampaignDraft {
  std::string name;
  std::string owner;
  std::string text;                  // verbatim
  std::string media_type;            // "application/toml", "application/json"
  std::vector<Property> properties;  // targets first
  bool draft = false;                // begin as DRAFT instead of ACTIVE
  // Between which the amounts of a catalyst of the space add up; 0: not told. Results far outside
  // are a slip of the unit.
  double least_total = 0.0, largest_total = 0.0;
  // What the amounts of its compositions are, for people: "wt_percent_of_catalyst, oxygen dropped".
  std::string composition;
  // Why a proposal does not fit the file: one sentence; empty where it does. Null: everything fits.
  std::function<std::string(const Proposal&)> misfit;
  // What is legal and yet hardly meant, one sentence each.
  std::vector<std::string> warnings;
};

// In the order of writing, however many there are.
std::vector<Proposal> all_proposals(const Reader& reader, std::int64_t campaign,
                                    const ProposalFilter& filter);

// A proposal that nobody should make by a new file, and why.
struct FallenProposal {
  Proposal proposal;
  std::string reason;
};
// Of those that are REQUESTED, ACTIVE or FAILED, so that they are or may be given out.
std::vector<FallenProposal> fallen_proposals(const Reader& reader, const Campaign& campaign,
                                             const CampaignDraft& draft);

// A campaign's name is a part of URLs and file names: 1 to 64 of a-z 0-9 . _ -, beginning with a
// letter or digit.
Status check_campaign_name(std::string_view name);

// Those two of the campaign's present version; nothing when they are not told.
struct TotalAmounts {
  double least = 0.0, largest = 0.0;
};
std::optional<TotalAmounts> total_amounts(const Reader& reader, const Campaign& campaign);

enum class ApplyOutcome { created, unchanged, updated };
struct Applied {
  Campaign campaign;
  ApplyOutcome outcome = ApplyOutcome::unchanged;
  std::vector<FallenProposal> withdrawn;  // CANCELLED by the new version
};

// Whether a campaign that is there may get this version of its file; the present one always may.
// Errors: conflict (STOPPED or COMPLETED; another unit for a property that has measurements, also
// where an earlier version left the property out; another basis of compositions than the one of
// what was measured, retracted measurements included: they may be restored).
Status may_update(const Reader& reader, const Campaign& campaign, const CampaignDraft& draft);

// Creates the campaign, or gives it a new version when the text differs from its newest one; the
// same text changes nothing. A new version cancels the proposals that do not fit it.
// expected_revision: the caller's ETag (If-Match). Errors:
// invalid_argument (name, no target, a property twice); conflict (STOPPED or COMPLETED; another
// revision; the unit of a property that has measurements changed).
Result<Applied> apply_campaign(Transaction& tx, const CampaignDraft& draft, const Context& context,
                               std::optional<std::int64_t> expected_revision = {});

// Errors: not_found, with the names that exist when there are few.
Result<Campaign> find_campaign(const Reader& reader, std::string_view name);

// start: DRAFT -> ACTIVE; pause: ACTIVE -> PAUSED; resume: PAUSED -> ACTIVE; complete: ACTIVE or
// PAUSED -> COMPLETED; stop: any but COMPLETED -> STOPPED. A verb that asks for the present state
// changes nothing. Stopping and completing expire what is REQUESTED. Errors: not_found, conflict.
enum class CampaignVerb { start, pause, resume, complete, stop };
Result<Campaign> steer_campaign(Transaction& tx, std::string_view name, CampaignVerb verb,
                                std::string_view reason, const Context& context,
                                std::optional<std::int64_t> expected_revision = {});

// Why proposals of a campaign that ended, COMPLETED or STOPPED, are EXPIRED.
std::string campaign_ended(CampaignState state);

// One request, one effect, for POSTs that are not deliveries: runs `action` unless its key was used
// before in this scope, and keeps its reply in the same transaction. key empty: always runs.
// Errors: unprocessable for the same key with another body; what the action returns.
struct Reply {
  std::int64_t status = 200;
  std::string body;
  bool replayed = false;
};
Result<Reply> once(Transaction& tx, std::string_view scope, std::string_view key,
                   const Digest& body, const Context& context,
                   const std::function<Result<Reply>()>& action);

}  // namespace kasetsu::campaign
