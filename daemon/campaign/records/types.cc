#include "daemon/campaign/records/types.h"

#include <array>

namespace kasetsu::campaign {
namespace {

template <typename State>
struct Name {
  State state;
  std::string_view text;
};

constexpr std::array<Name<CampaignState>, 5> kCampaignStates{
    {{CampaignState::draft, "DRAFT"},
     {CampaignState::active, "ACTIVE"},
     {CampaignState::paused, "PAUSED"},
     {CampaignState::completed, "COMPLETED"},
     {CampaignState::stopped, "STOPPED"}}};
constexpr std::array<Name<ProposalState>, 8> kProposalStates{
    {{ProposalState::requested, "REQUESTED"},
     {ProposalState::active, "ACTIVE"},
     {ProposalState::partial, "PARTIAL"},
     {ProposalState::succeeded, "SUCCEEDED"},
     {ProposalState::failed, "FAILED"},
     {ProposalState::infeasible, "INFEASIBLE"},
     {ProposalState::expired, "EXPIRED"},
     {ProposalState::cancelled, "CANCELLED"}}};
constexpr std::array<Name<JobState>, 6> kJobStates{{{JobState::scheduled, "SCHEDULED"},
                                                    {JobState::running, "RUNNING"},
                                                    {JobState::completed, "COMPLETED"},
                                                    {JobState::failed, "FAILED"},
                                                    {JobState::cancelled, "CANCELLED"},
                                                    {JobState::skipped, "SKIPPED"}}};
constexpr std::array<Name<Verdict>, 4> kVerdicts{{{Verdict::accepted, "accepted"},
                                                  {Verdict::flagged, "flagged"},
                                                  {Verdict::duplicate, "duplicate"},
                                                  {Verdict::quarantined, "quarantined"}}};
constexpr std::array<Name<QuarantineState>, 3> kQuarantineStates{
    {{QuarantineState::waiting, "waiting"},
     {QuarantineState::readmitted, "readmitted"},
     {QuarantineState::discarded, "discarded"}}};
constexpr std::array<Name<SampleKind>, 4> kSampleKinds{{{SampleKind::catalyst, "catalyst"},
                                                        {SampleKind::support, "support"},
                                                        {SampleKind::blank, "blank"},
                                                        {SampleKind::reference, "reference"}}};

template <typename Names, typename State>
std::string_view name_of(const Names& names, State state) {
  for (const auto& name : names) {
    if (name.state == state) return name.text;
  }
  return "";
}

template <typename State, std::size_t N>
std::optional<State> state_of(const std::array<Name<State>, N>& names, std::string_view text) {
  for (const auto& name : names) {
    if (name.text == text) return name.state;
  }
  return {};
}

}  // namespace

std::string_view to_string(CampaignState state) {
  return name_of(kCampaignStates, state);
}
std::string_view to_string(ProposalState state) {
  return name_of(kProposalStates, state);
}
std::string_view to_string(JobState state) {
  return name_of(kJobStates, state);
}
std::string_view to_string(Verdict verdict) {
  return name_of(kVerdicts, verdict);
}
std::string_view to_string(QuarantineState state) {
  return name_of(kQuarantineStates, state);
}
std::string_view to_string(SampleKind kind) {
  return name_of(kSampleKinds, kind);
}

std::optional<CampaignState> parse_campaign_state(std::string_view text) {
  return state_of(kCampaignStates, text);
}
std::optional<ProposalState> parse_proposal_state(std::string_view text) {
  return state_of(kProposalStates, text);
}
std::optional<JobState> parse_job_state(std::string_view text) {
  return state_of(kJobStates, text);
}
std::optional<QuarantineState> parse_quarantine_state(std::string_view text) {
  return state_of(kQuarantineStates, text);
}
std::optional<SampleKind> parse_sample_kind(std::string_view text) {
  return state_of(kSampleKinds, text);
}

std::vector<std::string_view> flag_names(std::uint32_t flags) {
  constexpr std::array<std::string_view, 12> kNames = {
      "out_of_range",   "closed_proposal",  "clock",           "carbon_balance", "selectivity_sum",
      "low_conversion", "replicate_spread", "reference_drift", "isolated_max",   "other_conditions",
      "censored",       "above_limit"};
  std::vector<std::string_view> names;
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    if ((flags >> i & 1u) != 0) names.push_back(kNames[i]);
  }
  return names;
}

bool may_repeat(std::string_view strategy) {
  return strategy == "recheck" || strategy == "bridge" || strategy == "manual";
}

}  // namespace kasetsu::campaign
