#include "daemon/campaign/views/front.h"

#include <utility>

#include "core/planning/surrogates/pareto.h"

namespace kasetsu::campaign {

Json front(const Reader& reader, const Campaign& campaign, const Target& x, const Target& y,
           std::string_view unit) {
  constexpr std::size_t kMostPoints = 5'000;
  const MeasuredSet of_x = measured_set(reader, campaign, x.name);
  const MeasuredSet of_y = measured_set(reader, campaign, y.name);
  std::map<std::pair<std::string_view, std::string_view>, double> second;
  for (const auto& candidate : of_y.candidates) {
    second[{candidate.catalyst, candidate.conditions}] = candidate.mean;
  }
  std::vector<std::pair<const MeasuredSet::Candidate*, double>> both;
  for (const auto& candidate : of_x.candidates) {
    const auto found = second.find({candidate.catalyst, candidate.conditions});
    if (found != second.end()) both.emplace_back(&candidate, found->second);
  }
  Eigen::MatrixXd utilities(static_cast<Eigen::Index>(both.size()), 2);
  for (std::size_t i = 0; i < both.size(); ++i) {
    utilities(static_cast<Eigen::Index>(i), 0) = x.aim.utility(both[i].first->mean);
    utilities(static_cast<Eigen::Index>(i), 1) = y.aim.utility(both[i].second);
  }
  std::vector<bool> on_front(both.size(), false);
  for (const std::size_t i : planning::pareto_front(utilities)) on_front[i] = true;
  const std::size_t stride = both.size() / kMostPoints + 1;
  Json points = Json::array();
  for (std::size_t i = 0; i < both.size(); ++i) {
    if (!on_front[i] && i % stride != 0) continue;
    const auto& [candidate, value] = both[i];
    points.push_back({{"x", candidate->mean},
                      {"y", value},
                      {"description", chemistry::describe_key(candidate->catalyst, unit)},
                      {"conditions", Json::parse(candidate->conditions, nullptr, false)},
                      {"front", static_cast<bool>(on_front[i])}});
  }
  return {{"points", std::move(points)}, {"total", both.size()}};
}

}  // namespace kasetsu::campaign
