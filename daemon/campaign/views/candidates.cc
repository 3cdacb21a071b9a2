#include "daemon/campaign/views/candidates.h"

#include <utility>

namespace kasetsu::campaign {

MeasuredSet measured_set(const Reader& reader, const Campaign& campaign,
                         const std::string& property) {
  MeasuredSet measured;
  measured.set = reader.training_set(campaign.key, property);
  std::erase_if(measured.set.rows,
                [](const TrainingRow& row) { return row.kind != SampleKind::catalyst; });
  std::map<std::pair<std::string_view, std::string_view>, std::size_t> places;
  for (const TrainingRow& row : measured.set.rows) {
    const auto [place, is_new] =
        places.try_emplace({row.catalyst, row.conditions}, measured.candidates.size());
    if (is_new) measured.candidates.push_back({row.catalyst, row.conditions, 0.0, 0});
    MeasuredSet::Candidate& candidate = measured.candidates[place->second];
    ++candidate.replicates;
    candidate.mean += (row.value - candidate.mean) / static_cast<double>(candidate.replicates);
    measured.candidate_of.push_back(place->second);
  }
  return measured;
}

std::map<std::string, Origin> origins(const Reader& reader, const Campaign& campaign,
                                      const std::vector<Batch>& batches) {
  std::map<std::string, std::int64_t> numbers;
  for (std::size_t i = 0; i < batches.size(); ++i) {
    numbers[batches[i].id] = static_cast<std::int64_t>(i) + 1;
  }
  std::map<std::string, Origin> found;
  Page page{0, 10'000};
  for (;;) {
    const auto proposals = reader.proposals(campaign.key, {}, page);
    for (const Proposal& proposal : proposals) {
      page.after = proposal.seq;
      const auto number = numbers.find(proposal.batch);
      found[proposal.id] = {number == numbers.end() ? 0 : number->second, proposal.strategy};
    }
    if (static_cast<std::int64_t>(proposals.size()) < page.limit) return found;
  }
}

Result<const Target*> find_target(const CampaignConfig& config, std::string_view name) {
  for (const Target& target : config.targets) {
    if (name.empty() || target.name == name) return &target;
  }
  return Error{ErrorCode::not_found, "the campaign has no such target", "property",
               std::string(name), "the name of a target"};
}

}  // namespace kasetsu::campaign
