#include "daemon/campaign/views/coverage.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <span>

#include "core/chemistry/element_table.h"
#include "core/planning/space/rules.h"
#include "core/planning/surrogates/principal_axes.h"
#include "daemon/campaign/lifecycle/campaigns.h"
#include "daemon/campaign/planning/recommend.h"

namespace kasetsu::campaign {
namespace {

constexpr std::size_t kMostPoints = 5'000;
constexpr std::uint64_t kSample = 10'000;  // candidates whose density is shown
constexpr Eigen::Index kCells = 40;        // of the density along each axis
constexpr std::size_t kWords = 3;

struct Shown {
  planning::Candidate candidate;
  Json json;
};

Json described_point(const char* state, const std::string& catalyst, const std::string& conditions,
                     std::string_view unit) {
  return {{"state", state},
          {"description", chemistry::describe_key(catalyst, unit)},
          {"conditions", Json::parse(conditions.empty() ? "{}" : conditions, nullptr, false)},
          {"value", nullptr}};
}

// What cannot be read by this daemon's tables is left out.
void add_measured(const MeasuredSet& measured, const std::vector<std::string>& names,
                  const chemistry::SupportTable& supports, std::string_view unit,
                  std::vector<Shown>& shown) {
  const std::size_t stride = measured.candidates.size() / kMostPoints + 1;
  for (std::size_t i = 0; i < measured.candidates.size(); i += stride) {
    const MeasuredSet::Candidate& one = measured.candidates[i];
    auto candidate = candidate_of(one.catalyst, one.conditions, names, supports);
    if (!candidate) continue;
    Json json = described_point("measured", one.catalyst, one.conditions, unit);
    json["value"] = one.mean;
    shown.push_back({std::move(*candidate), std::move(json)});
  }
}

void add_asked(const Reader& reader, const Campaign& campaign,
               const std::vector<std::string>& names, const chemistry::SupportTable& supports,
               std::string_view unit, std::vector<Shown>& shown) {
  const std::pair<ProposalState, const char*> states[] = {{ProposalState::active, "pending"},
                                                          {ProposalState::partial, "pending"},
                                                          {ProposalState::requested, "proposed"}};
  for (const auto& [state, words] : states) {
    ProposalFilter filter;
    filter.state = state;
    for (const Proposal& one : all_proposals(reader, campaign.key, filter)) {
      auto candidate = candidate_of(one.catalyst, one.conditions, names, supports);
      if (!candidate) continue;
      shown.push_back(
          {std::move(*candidate), described_point(words, one.catalyst, one.conditions, unit)});
    }
  }
}

Json axes_json(const planning::PrincipalAxes& axes) {
  Json list = Json::array();
  for (Eigen::Index k = 0; k < std::min<Eigen::Index>(2, axes.dimensions()); ++k) {
    const Eigen::VectorXd loadings = axes.loadings().col(k).cwiseAbs();
    std::vector<std::size_t> order(axes.primaries().size());
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
      return loadings[static_cast<Eigen::Index>(a)] > loadings[static_cast<Eigen::Index>(b)];
    });
    order.resize(std::min(order.size(), kWords));
    Json words = Json::array();
    for (const std::size_t i : order) words.push_back(descriptors::describe(axes.primaries()[i]));
    list.push_back({{"share", axes.shares()[k]}, {"descriptors", std::move(words)}});
  }
  return list;
}

// The first two coordinates of each candidate; a missing second one is 0.
Result<Eigen::MatrixX2d> plane_of(const planning::PrincipalAxes& axes,
                                  const std::vector<planning::Candidate>& candidates) {
  Eigen::MatrixX2d plane = Eigen::MatrixX2d::Zero(static_cast<Eigen::Index>(candidates.size()), 2);
  const Eigen::Index known = std::min<Eigen::Index>(2, axes.dimensions());
  // In blocks: a candidate has hundreds of descriptors on the way to its two coordinates.
  constexpr std::size_t kBlock = 1'024;
  for (std::size_t from = 0; from < candidates.size(); from += kBlock) {
    const std::size_t count = std::min(kBlock, candidates.size() - from);
    const auto coordinates = axes.coordinates(std::span(candidates).subspan(from, count));
    if (!coordinates) return coordinates.error();
    plane.block(static_cast<Eigen::Index>(from), 0, coordinates->rows(), known) =
        coordinates->leftCols(known);
  }
  return plane;
}

Json density_json(const Eigen::MatrixX2d& sample, const Eigen::MatrixX2d& points) {
  Eigen::RowVector2d low = sample.colwise().minCoeff();
  Eigen::RowVector2d high = sample.colwise().maxCoeff();
  for (Eigen::Index i = 0; i < points.rows(); ++i) {
    if (!points.row(i).allFinite()) continue;
    low = low.cwiseMin(points.row(i));
    high = high.cwiseMax(points.row(i));
  }
  const Eigen::RowVector2d step = ((high - low) / static_cast<double>(kCells)).cwiseMax(1e-12);
  std::vector<std::vector<int>> counts(kCells, std::vector<int>(kCells, 0));
  const auto cell = [&](Eigen::Index i, Eigen::Index axis) {
    const auto place = static_cast<Eigen::Index>((sample(i, axis) - low[axis]) / step[axis]);
    return static_cast<std::size_t>(std::clamp<Eigen::Index>(place, 0, kCells - 1));
  };
  for (Eigen::Index i = 0; i < sample.rows(); ++i) ++counts[cell(i, 1)][cell(i, 0)];
  return {{"x0", low[0]}, {"x1", high[0]}, {"y0", low[1]}, {"y1", high[1]}, {"counts", counts}};
}

}  // namespace

Result<Json> coverage(const Reader& reader, const Campaign& campaign, const CampaignConfig& config,
                      const Target& target, const chemistry::ElementTable& elements,
                      const chemistry::SupportTable& supports) {
  const auto space = planning::CandidateSpace::make(config.space);
  if (!space) return space.error();
  const std::uint64_t seed = config.plan_options(1).seed;
  const auto axes = planning::PrincipalAxes::learn(elements, *space, config.model.features, seed);
  if (!axes) return axes.error();
  const MeasuredSet measured = measured_set(reader, campaign, target.name);
  std::vector<Shown> shown;
  add_measured(measured, config.conditions(), supports, config.composition.unit(), shown);
  add_asked(reader, campaign, config.conditions(), supports, config.composition.unit(), shown);
  std::vector<planning::Candidate> candidates;
  for (const Shown& one : shown) candidates.push_back(one.candidate);
  const auto places = plane_of(*axes, candidates);
  if (!places) return places.error();
  const std::uint64_t sampled = std::min(kSample, space->size());
  candidates.clear();
  for (std::uint64_t j = 0; j < sampled; ++j) {
    candidates.push_back(space->unrank(planning::spread_index(j, sampled, space->size(), seed)));
  }
  const auto sample = plane_of(*axes, candidates);
  if (!sample) return sample.error();
  Json points = Json::array();
  for (std::size_t i = 0; i < shown.size(); ++i) {
    const auto row = static_cast<Eigen::Index>(i);
    if (!places->row(row).allFinite()) continue;
    shown[i].json["x"] = (*places)(row, 0);
    shown[i].json["y"] = (*places)(row, 1);
    points.push_back(std::move(shown[i].json));
  }
  return Json{{"property", target.name},
              {"unit", target.unit.empty() ? Json(nullptr) : Json(target.unit)},
              {"axes", axes_json(*axes)},
              {"candidates", space->size()},
              {"density", density_json(*sample, *places)},
              {"sampled", sampled},
              {"measured", measured.candidates.size()},
              {"points", std::move(points)}};
}

}  // namespace kasetsu::campaign
