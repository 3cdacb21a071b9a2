// What was measured of a campaign, as the views count it: live measurements of catalysts in the
// order of arrival, and candidates (a catalyst under its conditions) with the mean of their
// replicates.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "core/chemistry/catalyst.h"
#include "daemon/campaign/file/campaign_file.h"
#include "daemon/campaign/records/store_port.h"

namespace kasetsu::campaign {

// Of `catalyst` measurements alone: supports, blanks and references say nothing of the search.
struct MeasuredSet {
  TrainingSet set;
  struct Candidate {
    std::string catalyst;    // canonical key
    std::string conditions;  // as TrainingRow has them
    double mean = 0.0;
    std::int64_t replicates = 0;
  };
  std::vector<Candidate> candidates;      // in the order of their first measurement
  std::vector<std::size_t> candidate_of;  // by row of `set`
};

MeasuredSet measured_set(const Reader& reader, const Campaign& campaign,
                         const std::string& property);

// In which batch a proposal was issued (from 1), and by which strategy.
struct Origin {
  std::int64_t batch = 0;
  std::string strategy;
};
std::map<std::string, Origin> origins(const Reader& reader, const Campaign& campaign,
                                      const std::vector<Batch>& batches);

// The target of this name; empty: the first. Errors: not_found.
Result<const Target*> find_target(const CampaignConfig& config, std::string_view name);

}  // namespace kasetsu::campaign
