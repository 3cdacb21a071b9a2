#include "daemon/campaign/views/by_element.h"

#include <set>
#include <type_traits>
#include <variant>

#include "core/chemistry/element.h"

namespace kasetsu::campaign {
namespace {

struct ElementSum {
  double total = 0.0;
  std::int64_t candidates = 0, measurements = 0;
  std::set<std::string> catalysts;
  double best = 0.0;
  void add(const MeasuredSet::Candidate& candidate, const Target& target) {
    if (candidates == 0 || target.aim.better(candidate.mean, best)) best = candidate.mean;
    total += candidate.mean;
    ++candidates;
    measurements += candidate.replicates;
    catalysts.insert(candidate.catalyst);
  }
  double mean() const { return total / static_cast<double>(candidates); }
};

void add_elements(const planning::SpacePart& part, std::map<int, ElementSum>& elements) {
  std::visit(
      [&](const auto& actives) {
        if constexpr (std::is_same_v<std::decay_t<decltype(actives)>, planning::CatalystList>) {
          for (const auto& catalyst : actives.catalysts) {
            for (const auto& one : catalyst.active.parts()) elements[one.element];
          }
        } else {
          for (const int element : actives.elements) elements[element];
        }
      },
      part.actives);
}

Json element_json(int element, const ElementSum& of, const ElementSum& all) {
  Json json = {{"symbol", chemistry::element_symbol(element)},
               {"catalysts", of.catalysts.size()},
               {"measurements", of.measurements},
               {"best", nullptr},
               {"mean", nullptr},
               {"effect", nullptr}};
  if (of.candidates == 0) return json;
  json["best"] = of.best;
  json["mean"] = of.mean();
  const std::int64_t rest = all.candidates - of.candidates;
  if (rest > 0) json["effect"] = of.mean() - (all.total - of.total) / static_cast<double>(rest);
  return json;
}

}  // namespace

Json by_element(const Reader& reader, const Campaign& campaign, const CampaignConfig& config,
                const Target& target, const chemistry::SupportTable& supports) {
  std::map<int, ElementSum> elements;
  for (const planning::SpacePart& part : config.space.parts) add_elements(part, elements);
  std::map<std::string, ElementSum> by_support;
  ElementSum all;
  const MeasuredSet measured = measured_set(reader, campaign, target.name);
  for (const MeasuredSet::Candidate& candidate : measured.candidates) {
    const auto catalyst = chemistry::parse_key(candidate.catalyst, supports);
    if (!catalyst) continue;
    all.add(candidate, target);
    for (const auto& part : catalyst->active.parts()) {
      elements[part.element].add(candidate, target);
    }
    if (!catalyst->support.empty()) by_support[catalyst->support].add(candidate, target);
  }
  Json list = Json::array();
  for (const auto& [element, sum] : elements) list.push_back(element_json(element, sum, all));
  Json supports_list = Json::array();
  for (const auto& [name, sum] : by_support) {
    supports_list.push_back(
        {{"name", name},
         {"catalysts", sum.catalysts.size()},
         {"best", sum.best},
         {"mean", sum.mean()},
         {"share", static_cast<double>(sum.candidates) / static_cast<double>(all.candidates)}});
  }
  return {{"property", target.name},
          {"unit", target.unit.empty() ? Json(nullptr) : Json(target.unit)},
          {"elements", std::move(list)},
          {"supports", std::move(supports_list)}};
}

}  // namespace kasetsu::campaign
