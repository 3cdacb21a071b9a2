#include "daemon/campaign/views/weighing.h"

#include "core/chemistry/element.h"
#include "core/planning/space/materials.h"

namespace kasetsu::campaign {

Json weighing(const Reader& reader, const Campaign& campaign, const CampaignConfig& config,
              const std::string& batch, const chemistry::SupportTable& supports) {
  Json list = Json::array();
  if (!config.materials) return {{"proposals", std::move(list)}};
  ProposalFilter filter;
  filter.batch = batch;
  for (const Proposal& proposal : reader.proposals(campaign.key, filter, {0, 10'000})) {
    const auto catalyst = chemistry::parse_key(proposal.catalyst, supports);
    if (!catalyst) continue;
    Json weigh = Json::array();
    double price = 0.0;
    for (const planning::Weighing& one : planning::weighings(*config.materials, *catalyst)) {
      weigh.push_back(
          {{"name", one.element > 0 ? std::string(chemistry::element_symbol(one.element))
                                    : catalyst->support},
           {"gram", one.gram}});
      price += one.price;
    }
    list.push_back({{"id", proposal.id}, {"weigh", std::move(weigh)}, {"price", price}});
  }
  return {{"proposals", std::move(list)}};
}

}  // namespace kasetsu::campaign
