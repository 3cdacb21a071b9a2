#include "daemon/campaign/views/progress.h"

#include <algorithm>
#include <limits>

#include "core/planning/expected_best.h"

namespace kasetsu::campaign {
namespace {

constexpr std::size_t kBins = 500;
constexpr std::size_t kTop = 10;

Json points_of(const MeasuredSet& measured, const std::map<std::string, Origin>& from,
               std::string_view unit) {
  Json points = Json::array();
  std::map<std::string, std::string> names;
  for (std::size_t i = 0; i < measured.set.rows.size(); ++i) {
    const TrainingRow& row = measured.set.rows[i];
    std::string& name = names[row.catalyst];
    if (name.empty()) name = chemistry::describe_key(row.catalyst, unit);
    const auto origin = from.find(row.proposal);
    const bool proposed = origin != from.end();
    points.push_back({{"n", i + 1},
                      {"value", row.value},
                      {"description", name},
                      {"conditions", Json::parse(row.conditions, nullptr, false)},
                      {"batch", proposed && origin->second.batch > 0 ? Json(origin->second.batch)
                                                                     : Json(nullptr)},
                      {"strategy", proposed ? origin->second.strategy : "given"},
                      {"replicates", measured.candidates[measured.candidate_of[i]].replicates},
                      {"measurement", row.measurement}});
  }
  return points;
}

Json bins_of(const std::vector<TrainingRow>& rows) {
  Json bins = Json::array();
  for (std::size_t b = 0; b < kBins; ++b) {
    const std::size_t from = b * rows.size() / kBins;
    const std::size_t to = (b + 1) * rows.size() / kBins;
    if (from == to) continue;
    double low = std::numeric_limits<double>::infinity();
    double high = -low;
    double sum = 0.0;
    for (std::size_t i = from; i < to; ++i) {
      low = std::min(low, rows[i].value);
      high = std::max(high, rows[i].value);
      sum += rows[i].value;
    }
    bins.push_back({{"from", from + 1},
                    {"to", to},
                    {"mean", sum / static_cast<double>(to - from)},
                    {"low", low},
                    {"high", high}});
  }
  return bins;
}

// First and last measurement of each batch.
Json bands_of(const std::vector<TrainingRow>& rows, const std::vector<Batch>& batches,
              const std::map<std::string, Origin>& from) {
  std::vector<std::pair<std::size_t, std::size_t>> ends(batches.size(), {0, 0});
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto origin = from.find(rows[i].proposal);
    if (origin == from.end() || origin->second.batch == 0) continue;
    auto& [first, last] = ends[static_cast<std::size_t>(origin->second.batch - 1)];
    if (first == 0) first = i + 1;
    last = i + 1;
  }
  Json bands = Json::array();
  for (std::size_t b = 0; b < batches.size(); ++b) {
    if (ends[b].first == 0) continue;
    bands.push_back({{"number", b + 1},
                     {"id", batches[b].id},
                     {"first", ends[b].first},
                     {"last", ends[b].second}});
  }
  return bands;
}

Json steps_of(const std::vector<TrainingRow>& rows, const Target& target, std::string_view unit) {
  Json steps = Json::array();
  double best = 0.0;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (i > 0 && !target.aim.better(rows[i].value, best)) continue;
    best = rows[i].value;
    steps.push_back({{"n", i + 1},
                     {"value", best},
                     {"description", chemistry::describe_key(rows[i].catalyst, unit)}});
  }
  return steps;
}

// The expected best of the same measurements in random order, at some places of the order.
Json random_order(const std::vector<TrainingRow>& rows, const Target& target) {
  constexpr std::size_t kPlaces = 200;
  std::vector<std::size_t> draws;
  std::vector<double> values;
  for (std::size_t k = 0; k < kPlaces && !rows.empty(); ++k) {
    const std::size_t n = 1 + k * (rows.size() - 1) / (kPlaces - 1);
    if (draws.empty() || draws.back() != n) draws.push_back(n);
  }
  for (const TrainingRow& row : rows) values.push_back(row.value);
  const auto best = planning::expected_best(std::move(values), target.aim, draws);
  Json places = Json::array();
  for (std::size_t i = 0; i < best.size(); ++i) {
    places.push_back({{"n", draws[i]}, {"value", best[i]}});
  }
  return places;
}

Json top_of(const MeasuredSet& measured, const Target& target, std::string_view unit) {
  std::vector<const MeasuredSet::Candidate*> ranked;
  for (const auto& candidate : measured.candidates) ranked.push_back(&candidate);
  const std::size_t count = std::min(kTop, ranked.size());
  std::partial_sort(ranked.begin(), ranked.begin() + static_cast<std::ptrdiff_t>(count),
                    ranked.end(), [&](const auto* a, const auto* b) {
                      return target.aim.better(a->mean, b->mean) ||
                             (!target.aim.better(b->mean, a->mean) && a->catalyst < b->catalyst);
                    });
  Json top = Json::array();
  for (std::size_t i = 0; i < count; ++i) {
    top.push_back({{"value", ranked[i]->mean},
                   {"description", chemistry::describe_key(ranked[i]->catalyst, unit)},
                   {"conditions", Json::parse(ranked[i]->conditions, nullptr, false)},
                   {"replicates", ranked[i]->replicates}});
  }
  return top;
}

}  // namespace

Json progress(const Reader& reader, const Campaign& campaign, const Target& target,
              std::size_t most_points, std::string_view unit) {
  const MeasuredSet measured = measured_set(reader, campaign, target.name);
  const auto& rows = measured.set.rows;
  const std::vector<Batch> batches = reader.all_batches(campaign.key);
  const auto from = origins(reader, campaign, batches);
  const bool few = rows.size() <= most_points;
  return {{"property", target.name},
          {"unit", target.unit.empty() ? Json(nullptr) : Json(target.unit)},
          {"goal", planning::to_string(target.aim.goal)},
          {"hit_threshold", target.hit_threshold && target.aim.goal != planning::Goal::target
                                ? Json(*target.hit_threshold)
                                : Json(nullptr)},
          {"total", rows.size()},
          {"batches", bands_of(rows, batches, from)},
          {"points", few ? points_of(measured, from, unit) : Json::array()},
          {"bins", few ? Json::array() : bins_of(rows)},
          {"best", steps_of(rows, target, unit)},
          {"random", random_order(rows, target)},
          {"top", top_of(measured, target, unit)}};
}

}  // namespace kasetsu::campaign
