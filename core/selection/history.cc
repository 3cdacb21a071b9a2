#include "core/selection/history.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace kasetsu::selection {
namespace {

// Rows are recognised by catalyst and value. Of those that are left, as many of a catalyst as the
// earlier model had beside them are taken for its own, corrected since: it was fitted to them.
std::vector<int> rows_not_seen(const Model& before, const TrainingSet& data) {
  std::multiset<std::pair<std::string, double>> seen;
  for (std::size_t i = 0; i < before.catalysts.size(); ++i)
    seen.emplace(before.catalysts[i], before.y[static_cast<Eigen::Index>(i)]);
  std::vector<std::pair<std::string, int>> others;
  for (std::size_t i = 0; i < data.catalysts.size(); ++i) {
    std::string key = chemistry::canonical_key(data.catalysts[i]);
    const auto found = seen.find({key, data.y[static_cast<Eigen::Index>(i)]});
    if (found == seen.end()) {
      others.emplace_back(std::move(key), static_cast<int>(i));
    } else {
      seen.erase(found);
    }
  }
  std::multiset<std::string> corrected;
  for (const auto& [key, value] : seen) corrected.insert(key);
  std::vector<int> rows;
  for (const auto& [key, row] : others) {
    const auto found = corrected.find(key);
    if (found == corrected.end()) {
      rows.push_back(row);
    } else {
      corrected.erase(found);
    }
  }
  return rows;
}

constexpr Eigen::Index kForwardKept = 200;  // measurements, and those of one model more

// Rows measured since, without the offsets of batches that the earlier model knew.
TrainingSet unseen(const Model& before, const TrainingSet& data) {
  TrainingSet known = data;
  if (!data.batches.empty()) known.y = without_offsets(data, before.offsets);
  return subset(known, rows_not_seen(before, known));
}

}  // namespace

Status hold_to_intervals(const Model& before, const TrainingSet& data, History& history) {
  history.forward = before.forward;
  const TrainingSet fresh = unseen(before, data);
  if (fresh.y.size() == 0) return {};
  const Result<Predictor> predictor = Predictor::make(before);
  if (!predictor) return predictor.error();
  const Result<Predictions> said = predictor->predict(fresh.catalysts, fresh.conditions);
  if (!said) return said.error();
  const Eigen::ArrayXd half = 0.5 * (said->high - said->low).array();
  // A model whose folds erred nowhere gives no width to compare with.
  if (!(half.minCoeff() > 0.0)) return {};
  const Eigen::ArrayXd errors = (fresh.y - said->mean).array().abs();
  const auto inside = static_cast<double>((errors <= half).count());
  history.forward.push_back({before.generation, (before.widening * errors / half).matrix(),
                             inside / static_cast<double>(errors.size())});
  Eigen::Index later = 0;
  for (const ForwardErrors& one : history.forward) later += one.ratios.size();
  while (later - history.forward.front().ratios.size() >= kForwardKept) {
    later -= history.forward.front().ratios.size();
    history.forward.erase(history.forward.begin());
  }
  return {};
}

Result<Succession> history_of(const Model& before, const TrainingSet& data) {
  Succession out;
  History& history = out.history;
  history.eliminated = before.eliminated;
  history.generation = before.generation + 1;
  history.rows = before.n_samples;
  std::vector<const Hypothesis*> hypotheses;
  std::map<std::vector<std::string>, LedgerRecord> records;
  for (const LedgerRecord& record : before.ledger) records[record.descriptors] = record;
  for (const std::vector<Hypothesis>* kept : {&before.hypotheses, &before.dormant}) {
    for (const Hypothesis& hypothesis : *kept) {
      hypotheses.push_back(&hypothesis);
      history.veterans.push_back(
          {hypothesis_key(hypothesis, before.features.primaries), hypothesis.born});
    }
  }
  if (const Status held = hold_to_intervals(before, data, history); !held) return held.error();
  // The earlier model learnt without the offsets of its batches.
  const TrainingSet fresh = unseen(before, data);
  out.judged = static_cast<int>(fresh.y.size());
  if (out.judged > 0) {
    const Result<Predictor> predictor = Predictor::make(before);
    if (!predictor) return predictor.error();
    const Result<Predictions> said =
        predictor->predict(fresh.catalysts, fresh.conditions, Asked::alive_and_dormant);
    if (!said) return said.error();
    for (Eigen::Index i = 0; i < fresh.y.size(); ++i) {
      const std::vector<double> by_hypothesis = said->for_ledger(i);
      for (std::size_t h = 0; h < hypotheses.size(); ++h) {
        LedgerRecord& record = records[history.veterans[h].descriptors];
        record.descriptors = history.veterans[h].descriptors;
        record.enter(fresh.y[i] - by_hypothesis[h], fresh.y[i] - said->median[i],
                     hypotheses[h]->promise, hypotheses[h]->born == before.generation);
      }
    }
    std::vector<LedgerRecord> judged;
    for (const Veteran& veteran : history.veterans) judged.push_back(records[veteran.descriptors]);
    const std::vector<bool> out_of_it = eliminated(judged);
    for (std::size_t h = 0; h < judged.size(); ++h) {
      if (!out_of_it[h]) continue;
      history.eliminated.push_back(history.veterans[h].descriptors);
      ++out.eliminated;
    }
  }
  for (auto& [key, record] : records) history.records.push_back(std::move(record));
  std::sort(history.eliminated.begin(), history.eliminated.end());
  history.eliminated.erase(std::unique(history.eliminated.begin(), history.eliminated.end()),
                           history.eliminated.end());
  std::erase_if(history.veterans, [&](const Veteran& veteran) {
    return std::binary_search(history.eliminated.begin(), history.eliminated.end(),
                              veteran.descriptors);
  });
  return out;
}

}  // namespace kasetsu::selection
