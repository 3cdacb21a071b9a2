#include "daemon/campaign/learning/judgement.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "core/chemistry/catalyst.h"
#include "core/descriptors/descriptor.h"
#include "daemon/campaign/learning/learn.h"

namespace kasetsu::campaign {
namespace {

using selection::Hypothesis;
using selection::LedgerRecord;

constexpr std::size_t kFewestPairs = 5;
constexpr double kStandardErrors = 2.0;
constexpr std::size_t kListed = 10;

// Predictions that one measurement settled.
struct Settled {
  std::map<std::int64_t, double> errors;  // by hypothesis
};

using Point = std::pair<std::string, double>;  // catalyst and value

std::multiset<Point> points_of(const TrainingSet& set) {
  std::multiset<Point> points;
  for (const TrainingRow& row : set.rows) points.emplace(row.catalyst, row.value);
  return points;
}

std::vector<Point> without(const std::multiset<Point>& from, const std::multiset<Point>& removed) {
  std::vector<Point> rest;
  std::set_difference(from.begin(), from.end(), removed.begin(), removed.end(),
                      std::back_inserter(rest));
  return rest;
}

std::vector<std::string> key_of(const selection::Model& model,
                                const selection::Hypothesis& hypothesis) {
  return selection::hypothesis_key(hypothesis, model.features.primaries);
}

// Alive and dormant ones: as the ledger numbers them.
std::vector<const selection::Hypothesis*> judged_hypotheses(const selection::Model& model) {
  std::vector<const selection::Hypothesis*> all;
  for (const selection::Hypothesis& hypothesis : model.hypotheses) all.push_back(&hypothesis);
  for (const selection::Hypothesis& hypothesis : model.dormant) all.push_back(&hypothesis);
  return all;
}

std::map<std::string, double> shares_of(const selection::Model& model) {
  std::map<std::string, double> shares;
  for (const selection::Hypothesis& hypothesis : model.hypotheses) {
    for (const std::string& text : key_of(model, hypothesis)) shares[text] += hypothesis.weight;
  }
  return shares;
}

std::optional<double> honest_error(const selection::Model& model) {
  if (model.honest_prediction.size() == 0) return std::nullopt;
  return (model.y - model.honest_prediction).cwiseAbs().mean();
}

}  // namespace

Json EliminatedHypothesis::json() const {
  return {{"descriptors", descriptors},
          {"measurements", measurements},
          {"count", count},
          {"mae_promised", promised},
          {"mae_ledger", found},
          {"log_evidence_against_promise", log_against_promise},
          {"log_evidence_worse", log_worse}};
}

Judgement judge(const selection::Model& model, std::span<const LedgerEntry> entries) {
  Judgement out;
  out.history.records = model.ledger;
  out.history.eliminated = model.eliminated;
  out.history.generation = model.generation + 1;
  out.history.rows = model.n_samples;
  const std::vector<const selection::Hypothesis*> hypotheses = judged_hypotheses(model);
  for (const selection::Hypothesis* hypothesis : hypotheses)
    out.history.veterans.push_back({key_of(model, *hypothesis), hypothesis->born});
  // In the order of the measurements' first entries.
  std::vector<std::pair<std::string, Settled>> settled;
  std::map<std::string, std::size_t> place;
  const auto count = static_cast<std::int64_t>(hypotheses.size());
  for (const LedgerEntry& entry : entries) {
    if (!entry.error || entry.hypothesis < 0 || entry.hypothesis >= count) continue;
    const auto [found, added] = place.emplace(entry.measurement, settled.size());
    if (added) settled.emplace_back(entry.measurement, Settled{});
    settled[found->second].second.errors.emplace(entry.hypothesis, *entry.error);
  }
  if (settled.empty()) return out;

  std::vector<LedgerRecord> records;
  for (const selection::Hypothesis* hypothesis : hypotheses) {
    std::vector<std::string> key = key_of(model, *hypothesis);
    const LedgerRecord* known = out.history.find(key);
    records.push_back(known != nullptr ? *known : LedgerRecord{});
    records.back().descriptors = std::move(key);
  }
  std::vector<std::string> measurements;
  std::vector<int> order;
  for (const auto& [measurement, of] : settled) {
    measurements.push_back(measurement);
    std::vector<double> errors;
    std::vector<double> weights;
    for (const auto& [h, error] : of.errors) {
      const double weight = hypotheses[static_cast<std::size_t>(h)]->weight;
      if (weight <= 0.0) continue;  // dormant ones have no part in the ensemble
      errors.push_back(error);
      weights.push_back(weight);
    }
    if (errors.empty()) continue;
    // The error of a weighted median is the weighted median of the errors.
    const double ensemble = selection::weighted_median(errors, weights, order);
    for (const auto& [h, error] : of.errors) {
      const auto index = static_cast<std::size_t>(h);
      records[index].enter(error, ensemble, hypotheses[index]->promise,
                           hypotheses[index]->born == model.generation);
    }
  }
  const std::vector<bool> eliminated = selection::eliminated(records);
  for (std::size_t h = 0; h < records.size(); ++h) {
    const LedgerRecord& record = records[h];
    if (record.count == 0) continue;
    const auto known = std::find_if(
        out.history.records.begin(), out.history.records.end(),
        [&](const LedgerRecord& other) { return other.descriptors == record.descriptors; });
    if (known != out.history.records.end()) {
      *known = record;
    } else {
      out.history.records.push_back(record);
    }
    if (!eliminated[h]) continue;
    out.eliminated.push_back({static_cast<std::int64_t>(h), record.descriptors, record.count,
                              hypotheses[h]->mae_cv, record.mean_error(),
                              selection::log_evidence_against_promise(record),
                              selection::log_evidence_worse(record), measurements});
    out.history.eliminated.push_back(record.descriptors);
  }
  // One order whatever came when: the model's document is a function of what is known.
  std::sort(
      out.history.records.begin(), out.history.records.end(),
      [](const LedgerRecord& a, const LedgerRecord& b) { return a.descriptors < b.descriptors; });
  std::sort(out.history.eliminated.begin(), out.history.eliminated.end());
  out.history.eliminated.erase(
      std::unique(out.history.eliminated.begin(), out.history.eliminated.end()),
      out.history.eliminated.end());
  return out;
}

Promotion may_replace(const selection::Model& made, const TrainingSet& rows,
                      std::span<const LedgerEntry> entries_of_old) {
  if (made.honest_prediction.size() == 0) return {true, "no calibration folds to judge by"};
  std::map<std::string, double> old_errors;  // by measurement
  for (const LedgerEntry& entry : entries_of_old) {
    if (entry.hypothesis == -1 && entry.error) old_errors.emplace(entry.measurement, *entry.error);
  }
  std::vector<double> differences;
  double made_sum = 0.0;
  double old_sum = 0.0;
  Eigen::Index row = 0;
  for (const TrainingRow& learnt : rows.rows) {
    if (!can_be_learnt(learnt, made.features.condition_names)) continue;  // as training_rows does
    const Eigen::Index at = row++;
    const auto old = old_errors.find(learnt.measurement);
    if (old == old_errors.end() || at >= made.honest_prediction.size()) continue;
    // Both are held to what was measured: the model before knew of no batch's offset either.
    const double error = std::abs(learnt.value - made.honest_prediction[at]);
    made_sum += error;
    old_sum += std::abs(old->second);
    differences.push_back(error - std::abs(old->second));
  }
  if (differences.size() < kFewestPairs) {
    return {true,
            fmt::format("{} measurements were predicted by the model before: too few to judge",
                        differences.size())};
  }
  const auto count = static_cast<double>(differences.size());
  const double mean = (made_sum - old_sum) / count;
  double square = 0.0;
  for (const double difference : differences) square += (difference - mean) * (difference - mean);
  const double error = std::sqrt(square / (count - 1.0) / count);
  const bool worse = mean > kStandardErrors * error && mean > 0.0;
  return {
      !worse,
      fmt::format("on {} measurements that the model before predicted, its mean error is {:.4g} "
                  "and the new one's {:.4g}, without having seen them{}",
                  differences.size(), old_sum / count, made_sum / count,
                  worse ? ": clearly worse" : "")};
}

Result<Json> model_changes(const selection::Model& before, const TrainingSet& rows_before,
                           const selection::Model& now, const TrainingSet& rows_now,
                           std::span<const chemistry::Catalyst> catalysts,
                           const descriptors::Conditions& conditions) {
  const std::multiset<Point> points_before = points_of(rows_before);
  const std::multiset<Point> points_now = points_of(rows_now);
  const std::vector<Point> added = without(points_now, points_before);
  std::set<std::string> samples;
  for (const Point& point : added) samples.insert(point.first);

  std::set<std::vector<std::string>> sets;
  for (const Hypothesis& hypothesis : before.hypotheses) sets.insert(key_of(before, hypothesis));
  const auto kept = std::count_if(
      now.hypotheses.begin(), now.hypotheses.end(),
      [&](const Hypothesis& hypothesis) { return sets.contains(key_of(now, hypothesis)); });
  const std::vector<std::string> best_before = key_of(before, before.hypotheses[0]);
  const std::vector<std::string> best_now = key_of(now, now.hypotheses[0]);
  std::vector<std::string> in, out;
  std::set_difference(best_now.begin(), best_now.end(), best_before.begin(), best_before.end(),
                      std::back_inserter(in));
  std::set_difference(best_before.begin(), best_before.end(), best_now.begin(), best_now.end(),
                      std::back_inserter(out));

  std::map<std::string, std::pair<double, double>> shares;
  for (const auto& [text, share] : shares_of(before)) shares[text].first = share;
  for (const auto& [text, share] : shares_of(now)) shares[text].second = share;
  std::vector<std::pair<std::string, std::pair<double, double>>> changed(shares.begin(),
                                                                         shares.end());
  const auto change = [](const auto& entry) {
    return std::abs(entry.second.second - entry.second.first);
  };
  std::stable_sort(changed.begin(), changed.end(),
                   [&](const auto& a, const auto& b) { return change(a) > change(b); });
  Json share_list = Json::array();
  for (std::size_t i = 0; i < std::min(kListed, changed.size()); ++i) {
    share_list.push_back({{"descriptor", changed[i].first},
                          {"before", changed[i].second.first},
                          {"now", changed[i].second.second}});
  }

  const auto predictor_before = selection::Predictor::make(before);
  if (!predictor_before) return predictor_before.error();
  const auto predictor_now = selection::Predictor::make(now);
  if (!predictor_now) return predictor_now.error();
  Json moved = Json::array();
  if (!catalysts.empty()) {
    const auto said = predictor_before->predict(catalysts, conditions);
    if (!said) return said.error();
    const auto says = predictor_now->predict(catalysts, conditions);
    if (!says) return says.error();
    std::map<std::string, std::pair<double, double>> by_key;
    for (std::size_t i = 0; i < catalysts.size(); ++i) {
      const auto row = static_cast<Eigen::Index>(i);
      by_key.emplace(chemistry::canonical_key(catalysts[i]),
                     std::pair{said->mean[row], says->mean[row]});
    }
    std::vector<std::pair<std::string, std::pair<double, double>>> moves(by_key.begin(),
                                                                         by_key.end());
    std::stable_sort(moves.begin(), moves.end(),
                     [&](const auto& a, const auto& b) { return change(a) > change(b); });
    for (std::size_t i = 0; i < std::min(kListed, moves.size()); ++i) {
      moved.push_back({{"catalyst", moves[i].first},
                       {"before", moves[i].second.first},
                       {"now", moves[i].second.second}});
    }
  }
  Json errors = Json::object();
  if (const auto error = honest_error(before)) errors["before"] = *error;
  if (const auto error = honest_error(now)) errors["now"] = *error;
  return Json{{"rows_added", added.size()},
              {"samples_added", samples},
              {"rows_removed", without(points_before, points_now).size()},
              {"hypotheses_kept", kept},
              {"best_in", in},
              {"best_out", out},
              {"shares", share_list},
              {"moved_most", moved},
              {"honest_error", errors}};
}

}  // namespace kasetsu::campaign
