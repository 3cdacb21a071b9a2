// Snapshots, models, the ledger, jobs.
#include <gmock/gmock.h>

#include "daemon/campaign/learning/learn.h"
#include "tests/daemon/store/fixture.h"

namespace kasetsu::campaign {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

class Learning : public testing::StoreTest {
 protected:
  void SetUp() override {
    open();
    apply();
  }
  TrainingSet training() {
    return read<TrainingSet>(
        [](const Reader& reader) { return reader.training_set(1, "C2_yield"); });
  }
  Result<Model> keep(bool candidate = false, const std::string& document = "{}") {
    NewModel made;
    made.property = "C2_yield";
    made.document = document;
    made.training = training();
    made.seed = 0xFFFFFFFFFFFFFFFFull;
    made.code_version = "test";
    made.mae_cv = 1.25;
    made.candidate = candidate;
    return write<Model>([&](Transaction& tx) { return keep_model(tx, "ocm", made, context()); });
  }
  std::vector<LedgerEntry> ledger() {
    return read<std::vector<LedgerEntry>>([](const Reader& reader) {
      Page page;
      page.limit = 1000;
      return reader.ledger(1, "", page);
    });
  }
  IssuedBatch predict(const std::string& catalyst, double mean, std::vector<double> hypotheses,
                      const std::string& model) {
    PlannedBatch planned;
    planned.model = model;
    PlannedProposal proposal;
    proposal.strategy = "recheck";
    proposal.catalyst = catalyst;
    proposal.mean = mean;
    proposal.low = mean - 1;
    proposal.high = mean + 1;
    proposal.hypotheses = std::move(hypotheses);
    planned.proposals = {proposal};
    return *write<IssuedBatch>(
        [&](Transaction& tx) { return issue_batch(tx, "ocm", planned, context()); });
  }
};

// Learning takes memory by the row: of very many, replicates are learnt as their median.
TEST(RowsToLearn, ReplicatesOfALargeSetAreTheirMedian) {
  TrainingSet set;
  set.property = "C2_yield";
  const auto add = [&](const char* catalyst, const char* conditions, double value) {
    TrainingRow row;
    row.seq = std::ssize(set.rows) + 1;
    row.measurement = "m" + std::to_string(row.seq);
    row.catalyst = catalyst;
    row.conditions = conditions;
    row.value = value;
    set.rows.push_back(row);
  };
  add("Na:1/MgO", "{}", 3);
  add("Li:1/MgO", "{}", 10);
  add("Na:1/MgO", "{}", 100);
  add("Na:1/MgO", R"({"T":1.0})", 7);
  add("Na:1/MgO", "{}", 4);
  const auto whole = rows_to_learn(set, 5);
  ASSERT_TRUE(whole.ok());
  EXPECT_THAT(whole->rows, SizeIs(5));
  const auto medians = rows_to_learn(set, 4);
  ASSERT_TRUE(medians.ok());
  ASSERT_THAT(medians->rows, SizeIs(3));
  EXPECT_EQ(medians->rows[0].catalyst, "Na:1/MgO");
  EXPECT_EQ(medians->rows[0].value, 4);
  EXPECT_EQ(medians->rows[0].seq, 1);
  EXPECT_EQ(medians->rows[0].measurement, "");
  EXPECT_EQ(medians->rows[1].measurement, "m2");
  EXPECT_EQ(medians->rows[1].value, 10);
  EXPECT_EQ(medians->rows[2].value, 7);
  const auto none = rows_to_learn(set, 2);
  ASSERT_FALSE(none.ok());
  EXPECT_EQ(none.error().code, ErrorCode::bad_data);
  EXPECT_EQ(none.error().value, "3 of them");
}

// Kind 11: a condition that the campaign got later.
TEST(TrainingRows, WhatDoesNotTellAConditionIsLeftOutByNameAndCount) {
  TrainingSet set;
  set.property = "y";
  for (const char* conditions : {"{}", R"({"T":700})", R"({"T":800,"p":1})", R"({"p":1})"}) {
    TrainingRow row;
    row.catalyst = "Li:1";
    row.conditions = conditions;
    row.value = static_cast<double>(std::ssize(set.rows));
    set.rows.push_back(row);
  }
  set.rows.push_back(set.rows.front());
  set.rows.back().kind = SampleKind::blank;
  const chemistry::SupportTable supports;
  const auto rows = training_rows(set, {"T"}, supports);
  ASSERT_TRUE(rows.ok()) << rows.error().to_string();
  ASSERT_EQ(rows->y.size(), 2);
  EXPECT_EQ(rows->y[0], 1.0);
  EXPECT_EQ(rows->conditions.values(1, 0), 800.0);
  EXPECT_EQ(left_out_text(set, {"T"}), "2 of 5 results of y do not tell T, and are left out");
  EXPECT_EQ(left_out_text(set, {}), "");
}

// Another campaign with the same data has the same digest, and other measurements.
TEST_F(Learning, ASnapshotIsItsCampaignsOwn) {
  const std::string delivery = body({row("\"Li\"", 1), row("\"Na\"", 2)});
  const std::int64_t other = apply(draft("other")).key;
  ASSERT_TRUE(post(delivery, {}, "other").ok());
  ASSERT_TRUE(post(delivery).ok());
  const TrainingSet here = training();
  NewModel made;
  made.property = "C2_yield";
  made.document = "{}";
  made.code_version = "test";
  made.mae_cv = 1.0;
  made.training = read<TrainingSet>(
      [&](const Reader& reader) { return reader.training_set(other, "C2_yield"); });
  ASSERT_EQ(made.training.snapshot, here.snapshot);
  ASSERT_TRUE(
      write<Model>([&](Transaction& tx) { return keep_model(tx, "other", made, context()); }).ok());
  ASSERT_TRUE(keep().ok());
  for (const auto& [campaign, rows] :
       {std::pair{std::int64_t{1}, here.rows}, std::pair{other, made.training.rows}}) {
    const auto back = read<std::optional<TrainingSet>>(
        [&](const Reader& reader) { return reader.training_set(campaign, here.snapshot); });
    ASSERT_TRUE(back.has_value());
    ASSERT_EQ(back->rows.size(), rows.size());
    EXPECT_EQ(back->rows[0].measurement, rows[0].measurement);
  }
}

TEST_F(Learning, ASnapshotIsNamedByWhatItHolds) {
  ASSERT_TRUE(post(body({row("\"Li\"", 1), row("\"Na\"", 2)})).ok());
  const TrainingSet here = training();
  EXPECT_EQ(snapshot_digest(here), here.snapshot);
  // The same data in another database, at another time, have the same name.
  TrainingSet elsewhere = here;
  for (TrainingRow& r : elsewhere.rows) {
    r.measurement = "another";
    r.seq += 100;
  }
  EXPECT_EQ(snapshot_digest(elsewhere), here.snapshot);
  elsewhere.rows[0].value = std::nextafter(elsewhere.rows[0].value, 2.0);
  EXPECT_NE(snapshot_digest(elsewhere), here.snapshot);
  std::swap(elsewhere.rows[0], elsewhere.rows[1]);
  EXPECT_NE(snapshot_digest(elsewhere), here.snapshot);
}

TEST_F(Learning, AStoredSnapshotIsReadBackAsItWas) {
  std::vector<std::string> rows;
  for (int i = 0; i < 300; ++i) rows.push_back(row("\"Li\"", i));
  const auto receipt = post(body(rows));
  const TrainingSet then = training();
  ASSERT_TRUE(keep().ok());
  // Later data and corrections do not change what the model was made of.
  ASSERT_TRUE(post(body({row("\"K\"", 3)})).ok());
  ASSERT_TRUE(write<Measurement>([&](Transaction& tx) {
                return retract(tx, receipt->rows[7].measurements[0], "wrong", "", context());
              }).ok());
  EXPECT_THAT(training().rows, SizeIs(300));
  EXPECT_NE(training().snapshot, then.snapshot);
  reopen();
  const auto back = read<std::optional<TrainingSet>>(
      [&](const Reader& reader) { return reader.training_set(1, then.snapshot); });
  ASSERT_TRUE(back.has_value());
  EXPECT_EQ(back->snapshot, then.snapshot);
  ASSERT_EQ(back->rows.size(), then.rows.size());
  EXPECT_EQ(back->rows[7].measurement, then.rows[7].measurement);
}

TEST_F(Learning, ModelsAreVersionedAndOneIsCurrent) {
  ASSERT_TRUE(post(body({row("\"Li\"", 1)})).ok());
  const auto first = keep(false, "first");
  const auto second = keep(false, "second");
  const auto candidate = keep(true, "third");
  ASSERT_TRUE(candidate.ok());
  EXPECT_EQ(candidate->version, 3);
  const auto current = [&] {
    return read<std::optional<Model>>(
        [](const Reader& reader) { return reader.current_model(1, "C2_yield"); });
  };
  EXPECT_EQ(current()->document, "second");
  EXPECT_EQ(current()->seed, 0xFFFFFFFFFFFFFFFFull);
  const auto old = read<std::optional<Model>>(
      [&](const Reader& reader) { return reader.find_model(first->id); });
  EXPECT_EQ(old->status, "retired");
  EXPECT_EQ(old->document, "first");
  ASSERT_TRUE(write<Model>([&](Transaction& tx) {
                return promote_model(tx, candidate->id, "better ledger", context());
              }).ok());
  EXPECT_EQ(current()->document, "third");
  EXPECT_THAT(
      read<std::vector<Model>>([](const Reader& reader) { return reader.models(1, Page{}); }),
      SizeIs(3));
}

TEST_F(Learning, NewsAreNewDataOrANewConfiguration) {
  const auto news = [&] {
    return read<bool>([](const Reader& reader) {
      return has_news(reader, *reader.find_campaign("ocm"), "C2_yield");
    });
  };
  ASSERT_TRUE(post(body({row("\"Li\"", 1)})).ok());
  EXPECT_TRUE(news());
  ASSERT_TRUE(keep().ok());
  EXPECT_FALSE(news());
  ASSERT_TRUE(post(body({row("\"Xx\"", 1)})).ok());  // quarantined
  EXPECT_FALSE(news());
  ASSERT_TRUE(post(body({row("\"Na\"", 1)})).ok());
  EXPECT_TRUE(news());
  ASSERT_TRUE(keep().ok());
  apply(draft("ocm", "changed"));
  EXPECT_TRUE(news());
}

// What is found without reading the training set is what reading it says, whatever came, was
// corrected, retracted, excluded and included again. Values and catalysts are few, so that other
// measurements often say the same.
TEST_F(Learning, ChangesAreThoseOfTheWholeTrainingSet) {
  struct Kept {
    TrainingSet set;
    std::string id, status;
  };
  std::vector<Kept> kept;
  std::vector<std::string> known;  // identifiers of measurements
  int unchanged = 0;
  int same_size = 0;
  int renewed = 0;
  const auto one_of = [&](const auto& list) -> const auto& {
    return list[random_.below(static_cast<std::uint32_t>(std::size(list)))];
  };
  for (int step = 0; step < 250; ++step) {
    now_ += std::chrono::seconds(1);
    const auto what = random_.below(10);
    if (what < 2 || known.empty()) {
      static const std::string kCatalysts[] = {"\"Li\"", "\"Na\""};
      std::vector<std::string> rows;
      for (std::uint32_t i = 0; i <= random_.below(2); ++i) {
        const std::string catalyst = one_of(kCatalysts);
        const auto value = static_cast<double>(random_.below(2));
        switch (random_.below(6)) {
          case 0:
            rows.push_back(R"({"kind":"blank","values":{"C2_yield":1}})");
            break;
          case 1:
            rows.push_back(
                R"({"catalyst":{"slots":["K"],"support":"MgO"},"values":{"CO2_yield":2}})");
            break;
          default:
            rows.push_back(row(catalyst, value));
        }
      }
      const auto receipt = post(body(rows));
      ASSERT_TRUE(receipt.ok()) << receipt.error().to_string();
      for (const auto& verdict : receipt->rows)
        known.insert(known.end(), verdict.measurements.begin(), verdict.measurements.end());
    } else if (what < 9) {
      // Mostly one of the newest: what follows it says the same often enough.
      const std::string id =
          what == 8 ? one_of(known)
                    : *(known.rbegin() + random_.below(std::min<std::uint32_t>(
                                             3, static_cast<std::uint32_t>(known.size()))));
      // A measurement that is corrected or retracted already refuses: nothing happens then.
      const auto done = write<Measurement>([&](Transaction& tx) -> Result<Measurement> {
        if (what == 2) return retract(tx, id, "why", "", context());
        if (what < 6) {
          const auto value = static_cast<double>(random_.below(2));
          return supersede(tx, id, value, "why", "", context());
        }
        return exclude(tx, id, random_.below(2) == 0, "why", "", context());
      });
      if (done && what > 2 && what < 6) known.push_back(done->id);
    } else {
      const bool candidate = random_.below(3) == 0;
      const TrainingSet set = training();
      const auto model = keep(candidate);
      ASSERT_TRUE(model.ok());
      if (!candidate) {
        for (Kept& before : kept) {
          if (before.status == "current") before.status = "retired";
        }
      }
      kept.push_back({set, model->id, candidate ? "candidate" : "current"});
    }

    const TrainingSet now = training();
    const auto rows = std::ssize(now.rows);
    std::int64_t live = 0;
    for (const Measurement& measurement : measurements()) live += measurement.live() ? 1 : 0;
    const std::int64_t counted = write<std::int64_t>([](Transaction& tx) -> Result<std::int64_t> {
                                   return tx.count_measurements(1);
                                 }).value();
    EXPECT_EQ(counted, live);
    ASSERT_TRUE(database_->read([&](const Reader& reader) -> Status {
      EXPECT_EQ(reader.count_measurements(1), live);
      EXPECT_EQ(reader.any_measured(1), live > 0);
      for (const std::int64_t enough : {std::int64_t{1}, std::int64_t{5}, std::int64_t{1'000}})
        EXPECT_EQ(reader.count_training(1, "C2_yield", enough), std::min(rows, enough));
      EXPECT_EQ(reader.count_training(1, "nothing", 5), 0);
      for (const std::string status : {"", "current", "candidate"}) {
        const auto newest = reader.newest_model(1, "C2_yield", status);
        const auto expected = std::find_if(kept.rbegin(), kept.rend(), [&](const Kept& model) {
          return status.empty() || model.status == status;
        });
        EXPECT_EQ(newest.has_value(), expected != kept.rend());
        if (newest && expected != kept.rend()) {
          EXPECT_EQ(newest->id, expected->id);
        }
      }
      for (const Kept& model : kept) {
        const TrainingSet& then = model.set;
        const auto growth = rows - std::ssize(then.rows);
        for (const std::int64_t enough : {std::int64_t{1}, std::int64_t{4}, std::int64_t{1'000}}) {
          const TrainingChange change =
              reader.training_change(1, "C2_yield", then.snapshot, enough);
          EXPECT_EQ(change.changed, now.snapshot != then.snapshot) << "step " << step;
          EXPECT_EQ(std::min(change.growth, enough), std::min(growth, enough)) << "step " << step;
        }
        const auto back = reader.training_set(1, then.snapshot);
        const auto copied = reader.training_set(1, then.snapshot, now);
        EXPECT_TRUE(back && copied);
        if (!back || !copied) continue;
        EXPECT_EQ(snapshot_digest(*back), then.snapshot);
        EXPECT_EQ(snapshot_digest(*copied), then.snapshot);
        EXPECT_EQ(back->rows.size(), copied->rows.size());
        for (std::size_t i = 0; i < back->rows.size(); ++i)
          EXPECT_EQ(back->rows[i].measurement, copied->rows[i].measurement);
        (now.snapshot == then.snapshot ? unchanged : same_size) += growth == 0 ? 1 : 0;
        const auto member = [&](const TrainingRow& row) {
          return std::any_of(back->rows.begin(), back->rows.end(),
                             [&](const TrainingRow& other) { return other.seq == row.seq; });
        };
        if (now.snapshot == then.snapshot && !std::all_of(now.rows.begin(), now.rows.end(), member))
          ++renewed;
      }
      return {};
    }));
    if (HasFailure()) return;
  }
  // What makes it hard did happen: others as many, and others that say the same.
  EXPECT_GT(unchanged, 50);
  EXPECT_GT(same_size, 50);
  EXPECT_GT(renewed, 10);
}

// Counts are remembered for all readers; one that began before counts what it sees all the same.
TEST_F(Learning, AReaderCountsWhatItSees) {
  const auto count = [](const Reader& reader) { return reader.count_measurements(1); };
  ASSERT_TRUE(post(body({row("\"Li\"", 1), row("\"Na\"", 2)})).ok());
  ASSERT_TRUE(database_->read([&](const Reader& early) -> Status {
    EXPECT_EQ(count(early), 2);
    const auto receipt = post(body({row("\"K\"", 3)}));
    EXPECT_TRUE(receipt.ok());
    EXPECT_EQ(read<std::int64_t>(count), 3);
    EXPECT_EQ(count(early), 2);
    const auto gone = write<Measurement>([&](Transaction& tx) {
      return retract(tx, receipt->rows[0].measurements[0], "why", "", context());
    });
    EXPECT_TRUE(gone.ok());
    EXPECT_EQ(read<std::int64_t>(count), 2);
    EXPECT_EQ(count(early), 2);
    return {};
  }));
  // What is undone is not remembered.
  const auto undone = write<std::int64_t>([&](Transaction& tx) -> Result<std::int64_t> {
    const auto prepared = prepare_delivery(body({row("\"Li\"", 4)}), DeliveryOptions(), supports_);
    EXPECT_TRUE(ingest(tx, "ocm", *prepared, context()).ok());
    EXPECT_EQ(tx.count_measurements(1), 3);
    return Error{ErrorCode::conflict, "undone", "", "", ""};
  });
  EXPECT_FALSE(undone.ok());
  EXPECT_EQ(read<std::int64_t>(count), 2);
  ASSERT_TRUE(post(body({row("\"Na\"", 5)})).ok());
  EXPECT_EQ(read<std::int64_t>(count), 3);
}

TEST_F(Learning, ReadingEndsWhenItIsAskedTo) {
  std::vector<std::string> rows;
  for (int i = 0; i < 50; ++i) rows.push_back(row("\"Li\"", i));
  ASSERT_TRUE(post(body(rows)).ok());
  const Digest whole = training().snapshot;
  ASSERT_TRUE(keep().ok());
  std::stop_source stop;
  stop.request_stop();
  ASSERT_TRUE(database_->read([&](const Reader& reader) -> Status {
    EXPECT_LT(reader.training_set(1, "C2_yield", stop.get_token()).rows.size(), 50u);
    EXPECT_LT(reader.training_set(1, whole, {}, stop.get_token())->rows.size(), 50u);
    // The reader is as good as before.
    EXPECT_EQ(reader.training_set(1, "C2_yield").snapshot, whole);
    return {};
  }));
}

TEST_F(Learning, PredictionsAreWrittenBeforeAndGetTheirErrorAfter) {
  ASSERT_TRUE(post(body({row("\"Li\"", 1)})).ok());
  const auto model = keep();
  predict("Na:1/MgO", 5.0, {4.0, 6.5}, model->id);
  auto entries = ledger();
  ASSERT_THAT(entries, SizeIs(3));
  EXPECT_EQ(entries[0].hypothesis, -1);
  EXPECT_EQ(entries[0].low, 4.0);
  EXPECT_FALSE(entries[0].error.has_value());
  now_ += std::chrono::hours(1);
  const auto receipt = post(body({row("\"Na\"", 8)}));
  entries = ledger();
  EXPECT_EQ(entries[0].error, 3.0);
  EXPECT_EQ(entries[1].error, 4.0);
  EXPECT_EQ(entries[2].error, 1.5);
  EXPECT_EQ(entries[0].measurement, receipt->rows[0].measurements[0]);
  // A later repeat does not count again.
  now_ += std::chrono::hours(1);
  ASSERT_TRUE(post(body({row("\"Na\"", 20)})).ok());
  entries = ledger();
  ASSERT_THAT(entries, SizeIs(3));
  EXPECT_EQ(entries[0].observed, 8.0);
}

// The first result under any conditions settled the predictions of all proposals of its catalyst.
TEST_F(Learning, APredictionIsTestedUnderTheConditionsOfItsProposal) {
  const auto model = keep();
  PlannedBatch planned;
  planned.model = model->id;
  for (const int temperature : {700, 800, 900}) {
    PlannedProposal proposal;
    proposal.strategy = "recheck";
    proposal.catalyst = "Li:1/MgO";
    proposal.conditions = fmt::format("{{\"T_C\":{}}}", temperature);
    proposal.mean = temperature / 100.0;
    proposal.hypotheses = {temperature / 100.0 + 1};
    planned.proposals.push_back(proposal);
  }
  ASSERT_TRUE(write<IssuedBatch>([&](Transaction& tx) {
                return issue_batch(tx, "ocm", planned, context());
              }).ok());
  const auto at = [&](const char* temperature, double value) {
    return row("\"Li\"", value, fmt::format("\"conditions\":{{\"T_C\":{},\"p\":1}}", temperature));
  };
  const auto errors = [&] {
    std::vector<std::optional<double>> found;
    for (const LedgerEntry& entry : ledger()) found.push_back(entry.error);
    return found;
  };
  using Errors = std::vector<std::optional<double>>;
  const std::optional<double> none;
  ASSERT_TRUE(post(body({at("900", 12)})).ok());
  EXPECT_EQ(errors(), (Errors{none, none, none, none, 3.0, 2.0}));
  ASSERT_TRUE(post(body({at("750", 1)})).ok());
  EXPECT_EQ(errors(), (Errors{none, none, none, none, 3.0, 2.0}));
  ASSERT_TRUE(post(body({at("800.0", 10), at("700", 9), at("800", 77)})).ok());
  EXPECT_EQ(errors(), (Errors{2.0, 1.0, 2.0, 1.0, 3.0, 2.0}));
  // A retracted one makes room for the next under the same conditions.
  for (const Measurement& m : measurements()) {
    if (m.value != 10) continue;
    ASSERT_TRUE(write<Measurement>([&](Transaction& tx) {
                  return retract(tx, m.id, "leak", "", context());
                }).ok());
  }
  EXPECT_EQ(errors(), (Errors{2.0, 1.0, 69.0, 68.0, 3.0, 2.0}));
}

TEST_F(Learning, WhatWasKnownBeforeThePredictionIsNotItsTest) {
  ASSERT_TRUE(post(body({row("\"Na\"", 1)})).ok());
  const auto model = keep();
  now_ += std::chrono::hours(1);
  predict("Na:1/MgO", 5.0, {}, model->id);
  ASSERT_TRUE(post(body({row("\"Li\"", 2)})).ok());
  EXPECT_FALSE(ledger()[0].error.has_value());
  now_ += std::chrono::hours(1);
  ASSERT_TRUE(post(body({row("\"Na\"", 3)})).ok());
  EXPECT_EQ(ledger()[0].observed, 3.0);
}

TEST_F(Learning, ARetractedMeasurementIsNoTestOfAPrediction) {
  ASSERT_TRUE(post(body({row("\"Li\"", 1)})).ok());
  const auto model = keep();
  predict("Na:1/MgO", 5.0, {}, model->id);
  now_ += std::chrono::hours(1);
  const auto first = post(body({row("\"Na\"", 50)}));
  now_ += std::chrono::hours(1);
  ASSERT_TRUE(post(body({row("\"Na\"", 6)})).ok());
  EXPECT_EQ(ledger()[0].observed, 50.0);
  ASSERT_TRUE(write<Measurement>([&](Transaction& tx) {
                return retract(tx, first->rows[0].measurements[0], "leak", "", context());
              }).ok());
  EXPECT_EQ(ledger()[0].observed, 6.0);
  EXPECT_EQ(ledger()[0].error, 1.0);
}

TEST_F(Learning, KnownPointsAreMeasuredPendingFailedAndInfeasible) {
  const auto batch = issue({"Li:1/MgO", "Na:1/MgO", "K:1/MgO", "Cs:1/MgO"});
  ASSERT_TRUE(post(body({row("\"Li\"", 1)})).ok());
  const auto act = [&](std::size_t i, auto&& verb) {
    const std::string id = batch.proposals[i].id;
    ASSERT_TRUE(write<Proposal>([&](Transaction& tx) -> Result<Proposal> {
                  if (auto claimed = claim(tx, id, "r", kDefaultLease, context()); !claimed) {
                    return claimed;
                  }
                  return verb(tx, id);
                }).ok());
  };
  act(1, [&](Transaction& tx, const std::string& id) { return fail(tx, id, "r", "x", context()); });
  act(2, [&](Transaction& tx, const std::string& id) {
    return mark_infeasible(tx, id, "r", "x", context());
  });
  const auto known = read<KnownPoints>([](const Reader& reader) { return reader.known_points(1); });
  EXPECT_THAT(known.measured, ::testing::ElementsAre("Li:1/MgO"));
  EXPECT_THAT(known.failed, ::testing::ElementsAre(AskedCandidate{"Na:1/MgO", "{}"}));
  EXPECT_THAT(known.infeasible, ::testing::ElementsAre(AskedCandidate{"K:1/MgO", "{}"}));
  EXPECT_THAT(known.pending, ::testing::ElementsAre(AskedCandidate{"Cs:1/MgO", "{}"}));
}

class Jobs : public Learning {
 protected:
  ScheduledJob schedule(const std::string& kind = "retrain") {
    return *write<ScheduledJob>(
        [&](Transaction& tx) { return schedule_job(tx, "ocm", kind, "", context()); });
  }
  Result<Job> start(const std::string& id) {
    return write<Job>([&](Transaction& tx) { return start_job(tx, id, context()); });
  }
  Result<Job> finish(const std::string& id, JobState state) {
    return write<Job>([&](Transaction& tx) {
      return finish_job(tx, id, state, "{}", state == JobState::failed ? "why" : "", context());
    });
  }
  Job job(const std::string& id) {
    return *read<std::optional<Job>>([&](const Reader& reader) { return reader.find_job(id); });
  }
  std::vector<Job> recover() {
    return *write<std::vector<Job>>(
        [&](Transaction& tx) -> Result<std::vector<Job>> { return recover_jobs(tx, context()); });
  }
};

TEST_F(Jobs, TenBatchesWhileOneTrainsMakeOneRetraining) {
  const auto first = schedule();
  EXPECT_TRUE(first.created);
  ASSERT_TRUE(start(first.job.id).ok());
  const auto second = schedule();
  EXPECT_TRUE(second.created);
  for (int i = 0; i < 9; ++i) {
    const auto more = schedule();
    EXPECT_FALSE(more.created);
    EXPECT_EQ(more.job.id, second.job.id);
  }
  EXPECT_TRUE(schedule("plan").created);
}

TEST_F(Jobs, GoOnlyForward) {
  const std::string id = schedule().job.id;
  EXPECT_EQ(finish(id, JobState::completed).error().code, ErrorCode::conflict);
  ASSERT_TRUE(start(id).ok());
  EXPECT_EQ(start(id).error().code, ErrorCode::conflict);
  ASSERT_TRUE(campaign::write_and_wait(*database_, [&](Transaction& tx) {
                return report_progress(tx, id, 0.5, "searching");
              }).ok());
  EXPECT_EQ(job(id).progress, 0.5);
  ASSERT_TRUE(finish(id, JobState::failed).ok());
  EXPECT_EQ(job(id).error, "why");
  EXPECT_EQ(finish(id, JobState::completed).error().code, ErrorCode::conflict);
  EXPECT_EQ(start("nobody").error().code, ErrorCode::not_found);
}

TEST_F(Jobs, SurviveTheEndOfTheProcess) {
  const std::string id = schedule().job.id;
  for (int attempt = 1; attempt <= 3; ++attempt) {
    ASSERT_TRUE(start(id).ok());
    reopen();  // the daemon was killed while it ran
    const auto waiting = recover();
    if (attempt < 3) {
      ASSERT_THAT(waiting, SizeIs(1));
      EXPECT_EQ(waiting[0].id, id);
    } else {
      EXPECT_THAT(waiting, IsEmpty());
    }
  }
  EXPECT_EQ(job(id).state, JobState::failed);
}

TEST_F(Jobs, AreCancelledAtOnceOrByWhoRunsThem) {
  const auto cancel_it = [&](const std::string& id) {
    return write<Job>([&](Transaction& tx) { return cancel_job(tx, id, context()); });
  };
  const std::string waiting = schedule("plan").job.id;
  EXPECT_EQ(cancel_it(waiting)->state, JobState::cancelled);
  const std::string running = schedule().job.id;
  ASSERT_TRUE(start(running).ok());
  const auto asked = cancel_it(running);
  EXPECT_EQ(asked->state, JobState::running);
  EXPECT_TRUE(asked->cancel_requested);
  EXPECT_EQ(finish(running, JobState::cancelled)->state, JobState::cancelled);
  EXPECT_EQ(cancel_it(running)->state, JobState::cancelled);
}

}  // namespace
}  // namespace kasetsu::campaign
