#include "daemon/campaign/views/foretold.h"

#include <cmath>
#include <set>

namespace kasetsu::campaign {

Json judged(const Json& points, double coverage) {
  double error = 0.0;
  std::size_t inside = 0;
  std::size_t with_interval = 0;
  for (const Json& point : points) {
    const double measured = point["measured"].get<double>();
    error += std::abs(measured - point["predicted"].get<double>());
    if (!point["low"].is_number() || !point["high"].is_number()) continue;
    ++with_interval;
    if (point["low"].get<double>() <= measured && measured <= point["high"].get<double>()) ++inside;
  }
  Json json = {{"mae", nullptr}, {"inside", nullptr}, {"coverage", coverage}};
  if (!points.empty()) json["mae"] = error / static_cast<double>(points.size());
  if (with_interval > 0) {
    json["inside"] = static_cast<double>(inside) / static_cast<double>(with_interval);
  }
  return json;
}

Json foretold(const Reader& reader, const Campaign& campaign, const CampaignConfig& config,
              const Target& target, std::string_view unit) {
  constexpr std::size_t kMostPoints = 5'000;
  std::vector<LedgerEntry> settled;
  std::set<std::string> seen;
  Page page{0, 10'000};
  for (;;) {
    const auto entries = reader.ledger(campaign.key, {}, page);
    for (const LedgerEntry& entry : entries) {
      page.after = entry.seq;
      if (entry.hypothesis >= 0 || !entry.observed || entry.property != target.name) continue;
      if (seen.insert(entry.measurement).second) settled.push_back(entry);
    }
    if (static_cast<std::int64_t>(entries.size()) < page.limit) break;
  }
  Json points = Json::array();
  for (std::size_t i = settled.size() > kMostPoints ? settled.size() - kMostPoints : 0;
       i < settled.size(); ++i) {
    const LedgerEntry& entry = settled[i];
    points.push_back({{"description", chemistry::describe_key(entry.catalyst, unit)},
                      {"measured", *entry.observed},
                      {"predicted", entry.predicted},
                      {"low", entry.low ? Json(*entry.low) : Json(nullptr)},
                      {"high", entry.high ? Json(*entry.high) : Json(nullptr)},
                      {"predicted_at", format_time(entry.predicted_at)}});
  }
  Json json = judged(points, config.model.coverage);
  json["property"] = target.name;
  json["points"] = std::move(points);
  return json;
}

}  // namespace kasetsu::campaign
