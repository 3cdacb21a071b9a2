#include "daemon/campaign/learning/judgement.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "core/base/random.h"
#include "daemon/campaign/learning/model_document.h"
#include "tests/core/selection/laboratory.h"

namespace kasetsu::campaign {
namespace {

using kasetsu::testing::general_elements;
using kasetsu::testing::laboratory;

selection::ModelSettings quick() {
  selection::ModelSettings settings;
  settings.search.work = 30'000'000;
  settings.search.hypotheses = 8;
  settings.search.size = 3;
  settings.trees = 10;
  return settings;
}

selection::Model trained(const selection::TrainingSet& data,
                         const selection::History& history = {}) {
  return selection::train(general_elements(), data, quick(), Executor(2), {}, history).value();
}

// Every hypothesis predicts `count` measurements; the one named errs by `bad`, others within what
// they promised.
std::vector<LedgerEntry> entries_of(const selection::Model& model, int count, std::int64_t worst,
                                    double bad) {
  std::vector<LedgerEntry> entries;
  Random random(5);
  for (int i = 0; i < count; ++i) {
    for (std::int64_t h = -1; h < static_cast<std::int64_t>(model.hypotheses.size()); ++h) {
      LedgerEntry entry;
      entry.hypothesis = h;
      entry.measurement = fmt::format("measurement {}", i);
      entry.catalyst = fmt::format("catalyst {}", i);
      const auto index = static_cast<std::size_t>(std::max<std::int64_t>(h, 0));
      const Eigen::VectorXd& promise = model.hypotheses[index].promise;
      const double usual = promise[static_cast<Eigen::Index>(
          random.below(static_cast<std::uint64_t>(promise.size())))];
      entry.error = h == worst ? bad : usual;
      entries.push_back(entry);
    }
  }
  return entries;
}

TEST(Judgement, EliminatesTheHypothesisThatBreaksItsPromiseAndItDoesNotReturn) {
  const selection::TrainingSet data = laboratory(40, 0.3, 1);
  const selection::Model model = trained(data);
  EXPECT_TRUE(judge(model, {}).eliminated.empty());
  const auto entries = entries_of(model, 20, 2, 100.0 * model.hypotheses[2].promise.maxCoeff());
  const Judgement judgement = judge(model, entries);
  ASSERT_EQ(judgement.eliminated.size(), 1U);
  const EliminatedHypothesis& hypothesis = judgement.eliminated[0];
  EXPECT_EQ(hypothesis.hypothesis, 2);
  EXPECT_EQ(hypothesis.count, 20);
  EXPECT_EQ(hypothesis.measurements.size(), 20U);
  EXPECT_GT(hypothesis.found, hypothesis.promised);
  EXPECT_EQ(judgement.history.records.size(), model.hypotheses.size());
  const selection::Model next = trained(data, judgement.history);
  for (const auto& later : next.hypotheses) {
    EXPECT_NE(selection::hypothesis_key(later, next.features.primaries), hypothesis.descriptors);
  }
  // What was known goes on: the next model's ledger adds to it, and entries count once.
  EXPECT_EQ(next.ledger, judgement.history.records);
  EXPECT_EQ(judge(next, {}).history.eliminated, judgement.history.eliminated);
  auto twice = entries;
  twice.insert(twice.end(), entries.begin(), entries.end());
  EXPECT_EQ(judge(model, twice).history.records, judgement.history.records);
}

TEST(Judgement, ADocumentKeepsAllAndRetrainingGivesTheSameBytes) {
  const selection::TrainingSet data = laboratory(40, 0.3, 2);
  const selection::Model first = trained(data);
  const Judgement judgement =
      judge(first, entries_of(first, 20, 1, 100.0 * first.hypotheses[1].promise.maxCoeff()));
  ModelDocument document;
  document.provenance = {"Y", "%", "", "test"};
  document.model = trained(data, judgement.history);
  const std::string text = write_model(document);
  const ModelDocument read = read_model(text).value();
  EXPECT_EQ(write_model(read), text);
  // Again from the same history, on another number of threads.
  ModelDocument again = document;
  again.model = selection::train(general_elements(), data, read.model.settings, Executor(3), {},
                                 judgement.history)
                    .value();
  EXPECT_EQ(write_model(again), text);
  const auto catalysts = laboratory(30, 0.3, 3).catalysts;
  const auto a = selection::Predictor::make(document.model).value().predict(catalysts, {}).value();
  const auto b = selection::Predictor::make(read.model).value().predict(catalysts, {}).value();
  EXPECT_EQ(a.mean, b.mean);
  EXPECT_EQ(a.low, b.low);
  EXPECT_EQ(a.outside, b.outside);
}

// Those of 2^63 and more could be written and not be read.
TEST(Judgement, ADocumentKeepsEverySeed) {
  ModelDocument document;
  document.provenance = {"Y", "%", "", "test"};
  document.model = trained(laboratory(30, 0.3, 2));
  std::string text;
  for (const std::uint64_t seed : {0ULL, 7ULL, 1ULL << 63, ~0ULL}) {
    document.model.settings.search.seed = seed;
    text = write_model(document);
    const auto read = read_model(text);
    ASSERT_TRUE(read.ok()) << read.error().to_string();
    EXPECT_EQ(read->model.settings.search.seed, seed);
  }
  const std::string written = "18446744073709551615";
  ASSERT_NE(text.find(written), std::string::npos);
  for (const char* wrong : {"-1", "1.5", "18446744073709551616"}) {
    std::string other = text;
    other.replace(other.find(written), written.size(), wrong);
    EXPECT_FALSE(read_model(other).ok()) << wrong;
  }
}

selection::History history_after(const selection::Model& model) {
  return judge(model, entries_of(model, 10, -1, 0.0)).history;
}

TEST(Judgement, ADocumentKeepsThePopulation) {
  const selection::TrainingSet data = laboratory(50, 0.3, 9);
  std::vector<int> early(30);
  std::iota(early.begin(), early.end(), 0);
  const selection::Model first = trained(selection::subset(data, early));
  ModelDocument document;
  document.provenance = {"Y", "%", "", "test"};
  document.model = first;
  const std::string text_of_first = write_model(document);
  EXPECT_FALSE(parse_json(text_of_first).value().contains("population"))
      << "the document of a first model stays as it was before there were populations";
  EXPECT_EQ(read_model(text_of_first).value().model.generation, 0);

  document.model = trained(data, history_after(first));
  const selection::Model& second = document.model;
  const std::string text = write_model(document);
  const selection::Model read = read_model(text).value().model;
  EXPECT_EQ(read.generation, 1);
  EXPECT_EQ(read.ledger, second.ledger) << "with what first predictions promised";
  EXPECT_GT(read.ledger.front().first_promised, 0.0);
  ASSERT_FALSE(second.dormant.empty());
  ASSERT_EQ(read.dormant.size(), second.dormant.size());
  for (std::size_t h = 0; h < read.dormant.size(); ++h) {
    EXPECT_EQ(read.dormant[h].descriptors, second.dormant[h].descriptors);
    EXPECT_EQ(read.dormant[h].born, second.dormant[h].born);
  }
  for (std::size_t h = 0; h < read.hypotheses.size(); ++h)
    EXPECT_EQ(read.hypotheses[h].born, second.hypotheses[h].born);
  EXPECT_EQ(history_after(read).veterans, history_after(second).veterans);

  // Without the member, as older programs wrote it: nothing is inherited.
  Json old = parse_json(text).value();
  old.erase("population");
  const selection::Model of_old = read_model(old.dump()).value().model;
  EXPECT_EQ(of_old.generation, 0);
  EXPECT_TRUE(of_old.dormant.empty());
  EXPECT_EQ(of_old.ledger.front().first_promised, 0.0);
  old = parse_json(text).value();
  old["population"]["born"].push_back(3);
  EXPECT_EQ(read_model(old.dump()).error().where, "/population/born");
}

TEST(Judgement, ADocumentKeepsBetsAndHowIntervalsHeld) {
  const selection::TrainingSet data = laboratory(40, 0.3, 1);
  selection::Model first = trained(data);
  const Judgement judgement = judge(first, entries_of(first, 20, 2, 1.0));
  ModelDocument document;
  document.model = trained(data, judgement.history);
  document.model.forward = {{0, Eigen::VectorXd::LinSpaced(20, 0.1, 2.3), 0.65}};
  document.model.widening = 1.7;
  const std::string text = write_model(document);
  const selection::Model read = read_model(text).value().model;
  EXPECT_EQ(read.ledger, document.model.ledger);
  EXPECT_FALSE(read.ledger.front().log_bets.empty());
  ASSERT_EQ(read.forward.size(), 1U);
  EXPECT_EQ(read.forward[0].ratios, document.model.forward[0].ratios);
  EXPECT_EQ(read.forward[0].held, 0.65);
  EXPECT_EQ(read.widening, 1.7);
  EXPECT_EQ(intervals_json(read)["recent"][0]["n"], 20);

  // As an older program wrote it: no bets, and intervals as the folds say.
  Json old = parse_json(text).value();
  for (Json& record : old["ledger"]) record.erase("log_bets");
  for (const char* member : {"forward", "widening"}) old["population"].erase(member);
  const selection::Model of_old = read_model(old.dump()).value().model;
  EXPECT_TRUE(of_old.ledger.front().log_bets.empty());
  EXPECT_TRUE(of_old.forward.empty());
  EXPECT_EQ(of_old.widening, 1.0);
  EXPECT_TRUE(intervals_json(of_old).is_null());
  old = parse_json(text).value();
  old["ledger"][0]["log_bets"].push_back(0.0);
  EXPECT_EQ(read_model(old.dump()).error().where, "/ledger");
  old = parse_json(text).value();
  old["population"]["forward"][0]["held"] = 1.5;
  EXPECT_EQ(read_model(old.dump()).error().where, "/population/forward");
}

TEST(Judgement, DormantHypothesesAreJudgedAndHaveNoPartInTheEnsemble) {
  const selection::TrainingSet data = laboratory(40, 0.3, 1);
  selection::Model model = trained(data);
  model.dormant.push_back(model.hypotheses.back());
  model.dormant.back().weight = 0.0;
  model.hypotheses.pop_back();
  const auto last = static_cast<std::int64_t>(model.hypotheses.size());  // the dormant one
  std::vector<LedgerEntry> entries = entries_of(model, 20, -1, 0.0);
  for (int i = 0; i < 20; ++i) {
    LedgerEntry entry;
    entry.hypothesis = last;
    entry.measurement = fmt::format("measurement {}", i);
    entry.error = 100.0 * model.dormant.back().promise.maxCoeff();
    entries.push_back(entry);
  }
  const Judgement judgement = judge(model, entries);
  ASSERT_EQ(judgement.eliminated.size(), 1U);
  EXPECT_EQ(judgement.eliminated[0].hypothesis, last);
  EXPECT_EQ(judgement.eliminated[0].count, 20);
  EXPECT_EQ(judgement.history.veterans.size(), model.hypotheses.size() + 1);
  EXPECT_EQ(judgement.history.generation, 1);
}

TrainingSet rows_of(const selection::TrainingSet& data) {
  TrainingSet rows;
  for (std::size_t i = 0; i < data.catalysts.size(); ++i) {
    TrainingRow row;
    row.measurement = fmt::format("measurement {}", i);
    row.catalyst = chemistry::canonical_key(data.catalysts[i]);
    row.value = data.y[static_cast<Eigen::Index>(i)];
    rows.rows.push_back(row);
  }
  return rows;
}

TEST(Judgement, AModelThatPredictsTheNewestWorseStaysACandidate) {
  const selection::TrainingSet data = laboratory(40, 0.3, 4);
  const selection::Model model = trained(data);
  const TrainingSet rows = rows_of(data);
  EXPECT_TRUE(may_replace(model, rows, {}).promote);
  std::vector<LedgerEntry> entries = entries_of(model, 20, -1, 0.0);
  for (LedgerEntry& entry : entries) entry.error = 0.0;  // the old model knew them exactly
  const Promotion refused = may_replace(model, rows, entries);
  EXPECT_FALSE(refused.promote);
  EXPECT_FALSE(refused.reason.empty());
  for (LedgerEntry& entry : entries) entry.error = 1000.0;
  EXPECT_TRUE(may_replace(model, rows, entries).promote);
}

TEST(Judgement, WhatChangedNamesSamplesDescriptorsAndPredictions) {
  const selection::TrainingSet data = laboratory(40, 0.3, 6);
  std::vector<int> first;
  for (int i = 0; i < 30; ++i) first.push_back(i);
  const selection::TrainingSet before = selection::subset(data, first);
  const selection::Model old = trained(before);
  const selection::Model now = trained(data);
  const Json changes =
      model_changes(old, rows_of(before), now, rows_of(data), data.catalysts, {}).value();
  EXPECT_EQ(changes.at("rows_added"), 10);
  EXPECT_EQ(changes.at("rows_removed"), 0);
  EXPECT_LE(changes.at("samples_added").size(), 10U);
  EXPECT_EQ(changes.at("best_in").size(), changes.at("best_out").size());
  const auto& moved = changes.at("moved_most");
  ASSERT_FALSE(moved.empty());
  double last = 1e300;
  for (const Json& entry : moved) {
    const double by = std::abs(entry.at("now").get<double>() - entry.at("before").get<double>());
    EXPECT_LE(by, last);
    last = by;
  }
  const Json same =
      model_changes(now, rows_of(data), now, rows_of(data), data.catalysts, {}).value();
  EXPECT_EQ(same.at("rows_added"), 0);
  EXPECT_EQ(same.at("hypotheses_kept"), now.hypotheses.size());
  EXPECT_TRUE(same.at("best_in").empty());
}

}  // namespace
}  // namespace kasetsu::campaign
