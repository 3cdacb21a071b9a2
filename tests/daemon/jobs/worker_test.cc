// The worker on a real database: measurements in, model and next batch out.
#include "daemon/jobs/worker.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <cmath>
#include <filesystem>
#include <map>
#include <set>
#include <thread>

#include "core/base/executor.h"
#include "core/base/random.h"
#include "daemon/campaign/ingest/ingest.h"
#include "daemon/campaign/learning/hypothesis_record.h"
#include "daemon/campaign/learning/learn.h"
#include "daemon/campaign/learning/model_document.h"
#include "daemon/campaign/learning/models.h"
#include "daemon/campaign/lifecycle/campaigns.h"
#include "daemon/campaign/planning/leases.h"
#include "daemon/jobs/schedule.h"
#include "daemon/store/sqlite_database.h"
#include "tests/daemon/failing_database.h"
#include "tests/daemon/jobs/laboratory.h"
#include "tests/shared_data.h"

namespace kasetsu::jobs {
namespace {

std::string current_document(campaign::Database& database) {
  std::string document;
  EXPECT_TRUE(database
                  .read([&](const Reader& reader) -> Status {
                    const auto found = reader.find_campaign("test");
                    const auto model = reader.current_model(found->key, "Y");
                    if (model) document = model->document;
                    return {};
                  })
                  .ok());
  return document;
}

TEST(Worker, LearnsFromABatchAndPlansTheNext) {
  Laboratory lab(1);
  lab.start_worker();
  lab.post(0, 20);
  ASSERT_TRUE(lab.wait([](const Reader& reader) {
    const auto campaign = reader.find_campaign("test");
    return reader.current_model(campaign->key, "Y").has_value() && Laboratory::idle(reader);
  }));
  ASSERT_TRUE(
      lab.database()
          .read([](const Reader& reader) -> Status {
            const auto campaign = reader.find_campaign("test");
            const auto model = reader.current_model(campaign->key, "Y");
            EXPECT_EQ(model->rows, 20);
            const auto read = campaign::read_model(model->document);
            EXPECT_TRUE(read.ok());
            EXPECT_EQ(campaign::write_model(*read), model->document)
                << "a document reads back whole";
            EXPECT_EQ(read->provenance.snapshot, model->snapshot.hex());
            const auto proposals = reader.proposals(campaign->key, {}, {0, 100});
            EXPECT_EQ(proposals.size(), 6U);
            const auto known = reader.known_points(campaign->key);
            for (const auto& proposal : proposals) {
              EXPECT_TRUE(proposal.mean.has_value());
              EXPECT_LE(*proposal.low, *proposal.mean);
              EXPECT_GE(*proposal.high, *proposal.mean);
              EXPECT_EQ(std::count(known.measured.begin(), known.measured.end(), proposal.catalyst),
                        0)
                  << proposal.catalyst << " is measured already";
              // Every hypothesis wrote its prediction down before the measurement.
              EXPECT_EQ(reader.open_predictions(campaign->key, "Y", proposal.catalyst).size(),
                        1 + read->model.hypotheses.size());
            }
            return {};
          })
          .ok());
}

TEST(Worker, SeveralTargetsAreForetoldAndPlannedForTogether) {
  std::string text(kCampaign);
  text.replace(text.find("\n[[space]]"), 0,
               "\n[[targets]]\nname = \"Z\"\nunit = \"h\"\ngoal = \"target\"\nvalue = 12\n");
  Laboratory lab(2, 7, text);
  lab.start_worker();
  lab.post(0, 24);
  ASSERT_TRUE(lab.wait([](const Reader& reader) {
    const auto campaign = reader.find_campaign("test");
    return !reader.proposals(campaign->key, {}, {0, 10}).empty() && Laboratory::idle(reader);
  }));
  ASSERT_TRUE(lab.database()
                  .read([](const Reader& reader) -> Status {
                    const auto campaign = reader.find_campaign("test");
                    const auto model = reader.current_model(campaign->key, "Z");
                    EXPECT_TRUE(model && model->rows == 18);
                    if (!model) return {};
                    const auto read = campaign::read_model(model->document).value();
                    int exploited = 0;
                    for (const auto& proposal : reader.proposals(campaign->key, {}, {0, 100})) {
                      const Json card = parse_json(proposal.card).value();
                      EXPECT_EQ(card.at("targets").size(), 2U);
                      EXPECT_EQ(card["targets"][0]["target"], "Y");
                      EXPECT_EQ(card["targets"][0]["mean"], *proposal.mean);
                      EXPECT_EQ(card["targets"][1]["target"], "Z");
                      EXPECT_LT(card["targets"][1]["low"], card["targets"][1]["high"]);
                      // The second target's model, too, is held to what it said before.
                      const auto foretold =
                          reader.open_predictions(campaign->key, "Z", proposal.catalyst);
                      EXPECT_EQ(foretold.size(), 1 + read.model.hypotheses.size());
                      for (const auto& entry : foretold) EXPECT_EQ(entry.model, model->id);
                      if (proposal.strategy != "exploit") continue;
                      ++exploited;
                      EXPECT_NE(proposal.reason.find("front of 2 targets"), std::string::npos);
                    }
                    EXPECT_EQ(exploited, 3);
                    const auto batches = reader.batches(campaign->key, {0, 10});
                    const Json front = parse_json(batches.back().summary).value().at("front");
                    EXPECT_GE(front.size(), 1U);
                    // Nothing on the front beats another in both.
                    for (const Json& a : front) {
                      for (const Json& b : front) {
                        const double y =
                            b["values"]["Y"].get<double>() - a["values"]["Y"].get<double>();
                        const double z = std::abs(a["values"]["Z"].get<double>() - 12.0) -
                                         std::abs(b["values"]["Z"].get<double>() - 12.0);
                        EXPECT_FALSE(y > 0.0 && z > 0.0);
                      }
                    }
                    return {};
                  })
                  .ok());
}

// Bridges in every batch; the instrument measures the second batch three too high.
TEST(Worker, DriftBetweenBatchesIsTakenOffAndEveryHypothesisHasItsRecord) {
  std::string text(kCampaign);
  text.replace(text.find("work = 20000000"), 0, "batch_offsets = true\n");
  text.replace(text.find("exploit = 3\nexplore = 3"), 23, "explore = 2\nbridge = 4");
  text.replace(text.find("[planner]\nbatch = 6"), 19,
               "[planner]\nbatch = 6\nreferences = [\"Li:2/MgO\", \"Fe:1;K:1/SiO2\", "
               "\"Zn:2/SiO2\", \"Ca:1;Mg:1/MgO\"]");
  Laboratory lab(2, 7, text);
  lab.start_worker();
  const std::vector<std::string> references = {"Li:2/MgO", "Fe:1;K:1/SiO2", "Zn:2/SiO2",
                                               "Ca:1;Mg:1/MgO"};
  lab.answer(
      {"Li:2/MgO", "Fe:1;K:1/SiO2", "Zn:2/SiO2", "Ca:1;Mg:1/MgO", "Mn:2/MgO", "Ni:2/SiO2",
       "Co:1;Li:1/MgO", "K:1;Na:1/SiO2", "Fe:2/MgO", "Mg:2/SiO2", "Mn:1;Zn:1/MgO", "Ca:2/SiO2"},
      0.0, 1);
  const auto planned = [](std::size_t batches) {
    return [batches](const Reader& reader) {
      const auto campaign = reader.find_campaign("test");
      return reader.batches(campaign->key, {0, 10}).size() == batches && Laboratory::idle(reader);
    };
  };
  ASSERT_TRUE(lab.wait(planned(1)));
  lab.answer({}, 0.0, 2);
  ASSERT_TRUE(lab.wait(planned(2)));
  lab.answer({}, 3.0, 3);
  ASSERT_TRUE(lab.wait(planned(3)));
  ASSERT_TRUE(lab.database()
                  .read([](const Reader& reader) -> Status {
                    const auto campaign = reader.find_campaign("test");
                    const auto model = reader.current_model(campaign->key, "Y");
                    const Json offsets = parse_json(model->summary).value().at("batch_offsets");
                    std::map<std::string, double> found;
                    for (const Json& batch : offsets.at("batches"))
                      found[batch["batch"].get<std::string>()] = batch["offset"].get<double>();
                    EXPECT_EQ(found.size(), 3U);
                    EXPECT_NEAR(found["batch 2"] - found["batch 1"], 3.0, 0.3);
                    EXPECT_NEAR(found["batch 1"] - found["run round 1 of rig"], 0.0, 0.3);
                    const auto document = campaign::read_model(model->document).value();
                    EXPECT_EQ(campaign::offsets_json(document.model.offsets), offsets);
                    EXPECT_EQ(campaign::write_model(document), model->document);

                    const Json record = campaign::hypothesis_record(reader, *campaign, "").value();
                    EXPECT_EQ(record["property"], "Y");
                    EXPECT_EQ(record["batches"].size(), 2U);
                    EXPECT_FALSE(record["hypotheses"].empty());
                    std::set<std::vector<std::string>> now;
                    for (const auto& hypothesis : document.model.hypotheses) {
                      now.insert(
                          selection::hypothesis_key(hypothesis, document.model.features.primaries));
                    }
                    for (const Json& hypothesis : record["hypotheses"]) {
                      const auto texts = hypothesis["descriptors"].get<std::vector<std::string>>();
                      EXPECT_EQ(hypothesis["state"] == "alive", now.count(texts) != 0);
                      double sum = 0.0;
                      int n = 0;
                      for (const Json& error : hypothesis["errors"]) {
                        sum += error["mae"].get<double>() * error["n"].get<int>();
                        n += error["n"].get<int>();
                        EXPECT_LE(error["n"].get<int>(), 6);
                      }
                      EXPECT_EQ(hypothesis["n"], n);
                      EXPECT_NEAR(hypothesis["mae"].get<double>(), sum / n, 1e-9);
                      EXPECT_EQ(hypothesis["descriptors"].size(), 2U);
                    }
                    EXPECT_FALSE(campaign::hypothesis_record(reader, *campaign, "W").ok());
                    return {};
                  })
                  .ok());
}

TEST(Worker, SameDataGivesTheSameModelAndProposalsForAnyNumberOfThreads) {
  std::string documents[2];
  std::vector<std::string> picks[2];
  for (const unsigned threads : {1U, 2U}) {
    Laboratory lab(threads);
    lab.start_worker();
    lab.post(0, 24);
    ASSERT_TRUE(lab.wait([](const Reader& reader) {
      const auto campaign = reader.find_campaign("test");
      return !reader.proposals(campaign->key, {}, {0, 10}).empty() && Laboratory::idle(reader);
    }));
    documents[threads - 1] = current_document(lab.database());
    ASSERT_TRUE(lab.database()
                    .read([&](const Reader& reader) -> Status {
                      const auto campaign = reader.find_campaign("test");
                      for (const auto& proposal : reader.proposals(campaign->key, {}, {0, 100})) {
                        picks[threads - 1].push_back(fmt::format(
                            "{} {} {}", proposal.strategy, proposal.catalyst, *proposal.mean));
                      }
                      return {};
                    })
                    .ok());
  }
  EXPECT_FALSE(documents[0].empty());
  EXPECT_EQ(documents[0], documents[1]);
  EXPECT_EQ(picks[0], picks[1]);
}

// What is stored of a model is enough to make it again, byte for byte: after a restart, from the
// snapshot that it names, with another number of threads.
TEST(Worker, AStoredSnapshotIsRetrainedToTheSameBytesAfterARestart) {
  Laboratory lab(1);
  lab.start_worker();
  lab.post(0, 24);
  ASSERT_TRUE(lab.wait([](const Reader& reader) {
    return reader.current_model(reader.find_campaign("test")->key, "Y").has_value() &&
           Laboratory::idle(reader);
  }));
  lab.stop();
  lab.open();
  campaign::Model stored;
  campaign::TrainingSet snapshot;
  ASSERT_TRUE(lab.database()
                  .read([&](const Reader& reader) -> Status {
                    stored = *reader.current_model(reader.find_campaign("test")->key, "Y");
                    snapshot = *reader.training_set(stored.campaign, stored.snapshot);
                    return {};
                  })
                  .ok());
  ASSERT_EQ(snapshot.rows.size(), 24U);
  const auto document = campaign::read_model(stored.document).value();
  for (const unsigned threads : {1U, 3U}) {
    const auto again =
        campaign::learn(snapshot, document.model.settings, document.model.features.condition_names,
                        lab.science(), stored.code_version, Executor(threads), {});
    ASSERT_TRUE(again.ok()) << again.error().to_string();
    EXPECT_EQ(again->text, stored.document) << threads << " threads";
  }
}

TEST(Worker, ACampaignWithoutDataGetsAFirstBatch) {
  Laboratory lab(1);
  lab.start_worker();
  ASSERT_TRUE(campaign::write_and_wait(lab.database(), [&](Transaction& tx) -> Status {
                const auto job = campaign::schedule_job(tx, "test", "plan", R"({"batch_size":5})",
                                                        lab.context());
                return job ? Status() : Status(job.error());
              }).ok());
  ASSERT_TRUE(lab.wait([](const Reader& reader) {
    const auto campaign = reader.find_campaign("test");
    return reader.proposals(campaign->key, {}, {0, 10}).size() == 5 && Laboratory::idle(reader);
  })) << "five, although the campaign's own batches are six by numbers";
}

TEST(Worker, ABatchIsPlannedFromWhatTheLastOneTaught) {
  // A robot that asks at once when it has delivered: its question is there before any retraining.
  Laboratory lab(1);
  lab.post(0, 20);
  const auto ask = [&] {
    std::string id;
    EXPECT_TRUE(campaign::write_and_wait(lab.database(), [&](Transaction& tx) -> Status {
                  const auto job = campaign::schedule_job(tx, "test", "plan", R"({"batch_size":5})",
                                                          lab.context());
                  if (job) id = job->job.id;
                  return job ? Status() : Status(job.error());
                }).ok());
    return id;
  };
  const std::string first = ask();
  lab.start_worker();
  ASSERT_TRUE(lab.wait([&](const Reader& reader) {
    return reader.find_job(first)->state == campaign::JobState::completed &&
           Laboratory::idle(reader);
  }));
  const std::string second = ask();
  ASSERT_TRUE(lab.wait([&](const Reader& reader) {
    return reader.find_job(second)->state == campaign::JobState::skipped &&
           Laboratory::idle(reader);
  })) << "what is on offer is no reason for more";
  ASSERT_TRUE(lab.database()
                  .read([](const Reader& reader) -> Status {
                    const auto campaign = reader.find_campaign("test");
                    const auto models = reader.models(campaign->key, {0, 10});
                    EXPECT_EQ(models.size(), 1U) << "trained once";
                    const auto proposals = reader.proposals(campaign->key, {}, {0, 100});
                    EXPECT_EQ(proposals.size(), 5U);
                    for (const auto& proposal : proposals) {
                      EXPECT_EQ(proposal.model, models.front().id);
                      EXPECT_TRUE(proposal.mean.has_value());
                    }
                    return {};
                  })
                  .ok());
}

// No door takes such a proposal; a database of an earlier version may hold one. It ended every
// retraining and every plan.
TEST(Worker, AnElementThatTheTableLacksEndsNoRetraining) {
  Laboratory lab(1);
  std::string strange;
  ASSERT_TRUE(campaign::write_and_wait(lab.database(), [&](Transaction& tx) -> Status {
                const auto made =
                    campaign::propose_by_hand(tx, "test", "Am:1/SiO2", "", lab.context());
                if (made) strange = made->id;
                return made ? Status() : Status(made.error());
              }).ok());
  lab.post(0, 20);
  lab.start_worker();
  ASSERT_TRUE(lab.wait([](const Reader& reader) {
    return reader.current_model(reader.find_campaign("test")->key, "Y") && Laboratory::idle(reader);
  }));
  ASSERT_TRUE(campaign::write_and_wait(lab.database(), [&](Transaction& tx) -> Status {
                const auto gone = campaign::cancel(tx, strange, {}, "no stock", lab.context());
                if (!gone) return gone.error();
                const auto job = campaign::schedule_job(tx, "test", "plan", "{}", lab.context());
                return job ? Status() : Status(job.error());
              }).ok());
  ASSERT_TRUE(lab.wait([](const Reader& reader) {
    return reader.proposals(reader.find_campaign("test")->key, {}, {0, 100}).size() > 1 &&
           Laboratory::idle(reader);
  }));
  ASSERT_TRUE(lab.database()
                  .read([](const Reader& reader) -> Status {
                    const auto campaign = reader.find_campaign("test");
                    EXPECT_TRUE(reader.open_predictions(campaign->key, "Y", "Am:1/SiO2").empty());
                    for (const auto& job : reader.jobs(std::nullopt, std::nullopt, {0, 100}))
                      EXPECT_EQ(job.state, campaign::JobState::completed) << job.error;
                    return {};
                  })
                  .ok());
}

// Results that follow the temperature and, the other way, the pressure.
Result<campaign::PreparedDelivery> varied_results(const Laboratory& lab) {
  Json rows = Json::array();
  for (int i = 0; i < 48; ++i) {
    static const char* kElements[] = {"Li", "Na", "K", "Mg", "Ca", "Mn", "Fe", "Co", "Ni", "Zn"};
    const int temperature = 700 + 50 * (i % 3);
    const int pressure = i % 4 < 2 ? 1 : 5;
    const double value = 0.8 * (i % 10) + 0.1 * (temperature - 700) - 2.0 * pressure;
    rows.push_back({{"catalyst",
                     {{"slots", {kElements[i % 10], kElements[(i * 7 + i / 10) % 10]}},
                      {"support", i % 5 < 2 ? "SiO2" : "MgO"}}},
                    {"conditions", {{"T_C", temperature}, {"p_bar", pressure}}},
                    {"values", {{"Y", value}}}});
  }
  return campaign::prepare_delivery(Json{{"rows", rows}}.dump(), {}, lab.supports());
}

// The next version of the campaign and a batch by it; what was on offer is no longer.
void plan_anew(Laboratory& lab, const std::string& text) {
  lab.apply(text);
  std::size_t batches = 0;
  EXPECT_TRUE(campaign::write_and_wait(lab.database(), [&](Transaction& tx) -> Status {
                const std::int64_t key = tx.find_campaign("test")->key;
                batches = tx.all_batches(key).size();
                campaign::ProposalFilter waiting;
                waiting.state = campaign::ProposalState::requested;
                for (const auto& one : tx.proposals(key, waiting, {0, 100})) {
                  const auto gone = campaign::cancel(tx, one.id, {}, "anew", lab.context());
                  if (!gone) return gone.error();
                }
                const auto job = campaign::schedule_job(tx, "test", "plan", "{}", lab.context());
                return job ? Status() : Status(job.error());
              }).ok());
  EXPECT_TRUE(lab.wait([&](const Reader& reader) {
    return reader.all_batches(reader.find_campaign("test")->key).size() > batches &&
           Laboratory::idle(reader);
  }));
}

// The newest batch carries what the model says of it, by name.
void expect_foretold(Laboratory& lab) {
  ASSERT_TRUE(lab.database()
                  .read([&](const Reader& reader) -> Status {
                    const auto campaign = reader.find_campaign("test");
                    const auto model = reader.current_model(campaign->key, "Y");
                    const auto document = campaign::read_model(model->document).value();
                    campaign::ProposalFilter newest;
                    newest.batch = reader.all_batches(campaign->key).back().id;
                    const auto proposals = reader.proposals(campaign->key, newest, {0, 100});
                    EXPECT_EQ(proposals.size(), 6U);
                    for (const auto& proposal : proposals) {
                      const auto told = predict_proposals(document, {&proposal, 1}, lab.supports());
                      std::vector<campaign::LedgerEntry> kept;
                      for (const auto& entry :
                           reader.open_predictions(campaign->key, "Y", proposal.catalyst)) {
                        if (entry.proposal == proposal.id) kept.push_back(entry);
                      }
                      EXPECT_EQ(kept.size(), told->size());
                      for (std::size_t i = 0; i < kept.size() && i < told->size(); ++i)
                        EXPECT_NEAR(kept[i].predicted, (*told)[i].predicted, 1e-9);
                      EXPECT_NEAR(*proposal.mean, told->front().predicted, 1e-9)
                          << proposal.catalyst << proposal.conditions;
                    }
                    return {};
                  })
                  .ok());
}

// A model took the campaign's first condition for its own first one.
TEST(Worker, ConditionsReachAModelByTheirNames) {
  std::string text(kCampaign);
  text.replace(text.find("when = \"every_batch\""), 20, "when = \"by_hand\"");
  text.replace(text.find("batch = 6\n"), 0, "surrogate = \"hypotheses\"\n");
  const std::string first = "[conditions]\nT_C = [700, 750, 800]\np_bar = [1, 5]\n";
  Laboratory lab(2, 7, text + first);
  const auto prepared = varied_results(lab);
  ASSERT_TRUE(prepared.ok()) << prepared.error().to_string();
  ASSERT_TRUE(campaign::write_and_wait(lab.database(), [&](Transaction& tx) -> Status {
                const auto taken = campaign::ingest(tx, "test", *prepared, lab.context());
                if (!taken) return taken.error();
                EXPECT_EQ(taken->new_measurements, 48);
                const auto job = request_retraining(tx, "test", false, lab.context());
                return job ? Status() : Status(job.error());
              }).ok());
  lab.start_worker();
  ASSERT_TRUE(lab.wait([](const Reader& reader) {
    return reader.current_model(reader.find_campaign("test")->key, "Y") && Laboratory::idle(reader);
  }));
  plan_anew(lab, text + "[conditions]\np_bar = [1, 5]\nT_C = [700, 750, 800]\n");
  expect_foretold(lab);
  // What the model wants to know is told by nobody: it is left out, and that is said.
  plan_anew(lab, text + "[conditions]\nT_C = [700, 750, 800]\n");
  ASSERT_TRUE(lab.database()
                  .read([](const Reader& reader) -> Status {
                    const auto campaign = reader.find_campaign("test");
                    const auto batch = reader.batches(campaign->key, {0, 100}).back();
                    EXPECT_EQ(batch.model, "");
                    EXPECT_NE(batch.summary.find("learnt under p_bar"), std::string::npos);
                    campaign::ProposalFilter filter;
                    filter.batch = batch.id;
                    for (const auto& proposal : reader.proposals(campaign->key, filter, {0, 10}))
                      EXPECT_FALSE(proposal.mean.has_value());
                    return {};
                  })
                  .ok());
}

TEST(Worker, TooFewRowsAreSkippedWithTheReason) {
  Laboratory lab(1);
  lab.start_worker();
  lab.post(0, 3);
  ASSERT_TRUE(lab.wait([](const Reader& reader) {
    return !reader.jobs(std::nullopt, campaign::JobState::skipped, {0, 10}).empty();
  }));
  ASSERT_TRUE(
      lab.database()
          .read([](const Reader& reader) -> Status {
            const auto jobs = reader.jobs(std::nullopt, campaign::JobState::skipped, {0, 10});
            EXPECT_NE(jobs.front().error.find("too few measurements"), std::string::npos)
                << jobs.front().error;
            return {};
          })
          .ok());
}

TEST(Worker, ManyDeliveriesWhileItIsAwayMakeOneRetraining) {
  Laboratory lab(1);
  for (int i = 0; i < 10; ++i) lab.post(2 * i, 2);
  lab.start_worker();
  ASSERT_TRUE(lab.wait([](const Reader& reader) {
    const auto campaign = reader.find_campaign("test");
    return reader.current_model(campaign->key, "Y").has_value() && Laboratory::idle(reader);
  }));
  ASSERT_TRUE(
      lab.database()
          .read([](const Reader& reader) -> Status {
            EXPECT_EQ(reader.jobs(std::nullopt, std::nullopt, {0, 100}).size(), 1U);
            EXPECT_EQ(reader.models(reader.find_campaign("test")->key, {0, 100}).size(), 1U);
            return {};
          })
          .ok());
}

// Nothing else happens afterwards: what came is learnt from by the next look.
TEST(Worker, ALookThatFailedIsMadeAgain) {
  for (const bool reading : {true, false}) {
    Laboratory lab(1);
    lab.post(0, 20);
    testing::FailingDatabase database(lab.database());
    WorkerOptions options{1, "test", {}};
    options.look_every = std::chrono::hours(1);
    Worker worker(
        database, lab.science(), [&] { return lab.now(); }, lab.ids(), options);
    if (reading) {
      database.fail_reads(1);
    } else {
      // Putting back what a crash interrupted is the first write, scheduling the second.
      database.fail_writes(1, 1);
    }
    ASSERT_TRUE(worker.start().ok());
    EXPECT_TRUE(lab.wait([](const Reader& reader) {
      return reader.current_model(reader.find_campaign("test")->key, "Y").has_value() &&
             Laboratory::idle(reader);
    })) << reading;
    worker.stop();
  }
}

TEST(Worker, AJobThatACrashInterruptedBeginsAgain) {
  Laboratory lab(1);
  lab.post(0, 20);
  // What a killed process leaves behind: a job that says RUNNING.
  ASSERT_TRUE(campaign::write_and_wait(lab.database(), [&](Transaction& tx) -> Status {
                const auto job = campaign::schedule_job(tx, "test", "retrain", "{}", lab.context());
                if (!job) return job.error();
                const auto started = campaign::start_job(tx, job->job.id, lab.context());
                return started ? Status() : Status(started.error());
              }).ok());
  lab.close();
  lab.open();
  lab.start_worker();
  ASSERT_TRUE(lab.wait([](const Reader& reader) {
    const auto done = reader.jobs(std::nullopt, campaign::JobState::completed, {0, 10});
    return !done.empty() && done.front().attempts == 2 && Laboratory::idle(reader);
  }));
  EXPECT_FALSE(current_document(lab.database()).empty());
}

// Hours of search.
std::string endless(std::string_view text) {
  std::string changed(text);
  changed.replace(changed.find("20000000"), 8, "900000000000");
  return changed;
}

bool runs(const Reader& reader, std::string_view campaign) {
  const auto found = reader.find_campaign(campaign);
  return !reader.jobs(found->key, campaign::JobState::running, {0, 1}).empty();
}

TEST(Worker, ASmallCampaignDoesNotWaitForALargeOne) {
  Laboratory lab(1, 7, endless(kCampaign));
  std::string small(kCampaign);
  small.replace(small.find("\"test\""), 6, "\"small\"");
  lab.apply(small);
  lab.start_worker();
  lab.post(0, 40);
  ASSERT_TRUE(lab.wait([](const Reader& reader) { return runs(reader, "test"); }));
  // Results that come while the large one learns are learnt from, batch after batch.
  for (int batch = 1; batch <= 2; ++batch) {
    if (batch == 2) lab.post(40, 20);
    lab.post(100 * batch, 20, "small");
    ASSERT_TRUE(lab.wait([&](const Reader& reader) {
      const auto model = reader.current_model(reader.find_campaign("small")->key, "Y");
      return model && model->version == batch && !runs(reader, "small");
    }));
  }
  // The large one still runs, alone of its campaign though more results had come to it before.
  ASSERT_TRUE(lab.database()
                  .read([](const Reader& reader) -> Status {
                    EXPECT_TRUE(runs(reader, "test"));
                    const auto large = reader.find_campaign("test");
                    EXPECT_EQ(reader.jobs(large->key, std::nullopt, {0, 10}).size(), 1U);
                    return {};
                  })
                  .ok());
}

TEST(Worker, ACancelledJobEndsAndSaysSo) {
  Laboratory lab(1, 7, endless(kCampaign));
  lab.post(0, 40);
  lab.start_worker();
  ASSERT_TRUE(lab.wait([](const Reader& reader) {
    return !reader.jobs(std::nullopt, campaign::JobState::running, {0, 10}).empty();
  }));
  ASSERT_TRUE(campaign::write_and_wait(lab.database(), [&](Transaction& tx) -> Status {
                const auto running = tx.jobs(std::nullopt, campaign::JobState::running, {0, 1});
                if (running.empty()) return Error{ErrorCode::internal, "nothing runs", "", "", ""};
                const auto cancelled = campaign::cancel_job(tx, running.front().id, lab.context());
                return cancelled ? Status() : Status(cancelled.error());
              }).ok());
  ASSERT_TRUE(lab.wait([](const Reader& reader) {
    return !reader.jobs(std::nullopt, campaign::JobState::cancelled, {0, 10}).empty();
  }));
  EXPECT_TRUE(current_document(lab.database()).empty()) << "a cancelled retraining leaves no model";
}

std::string state_of(Laboratory& lab) {
  std::string found;
  EXPECT_TRUE(lab.database()
                  .read([&](const Reader& reader) -> Status {
                    const auto campaign = reader.find_campaign("test");
                    found =
                        std::string(campaign::to_string(campaign->state)) + ": " + campaign->reason;
                    return {};
                  })
                  .ok());
  return found;
}

TEST(Worker, CompletesACampaignWhoseBudgetIsUsed) {
  Laboratory lab(1, 7, std::string(kCampaign) + "[stop]\nmeasurements = 20\n");
  lab.start_worker();
  lab.post(0, 12);
  EXPECT_TRUE(lab.wait([](const Reader& reader) {
    return reader.current_model(reader.find_campaign("test")->key, "Y").has_value();
  }));
  EXPECT_EQ(state_of(lab), "ACTIVE: ");
  lab.post(12, 8);
  EXPECT_TRUE(lab.wait([](const Reader& reader) {
    return reader.find_campaign("test")->state == campaign::CampaignState::completed;
  }));
  EXPECT_EQ(state_of(lab), "COMPLETED: the budget is used: 20 measurements of Y");
}

TEST(Worker, CompletesACampaignWhoseHypothesesAgree) {
  for (const bool wide : {true, false}) {
    // Every spread is below 1e6 points of a percentage; none is below a billionth.
    Laboratory lab(1, 7,
                   std::string(kCampaign) +
                       "[stop]\nhypotheses_agree_within = " + (wide ? "1e6\n" : "1e-9\n"));
    lab.start_worker();
    lab.post(0, 20);
    EXPECT_TRUE(lab.wait([](const Reader& reader) {
      return reader.current_model(reader.find_campaign("test")->key, "Y").has_value() &&
             Laboratory::idle(reader);
    }));
    EXPECT_EQ(state_of(lab).substr(0, 9), wide ? "COMPLETED" : "ACTIVE: ");
  }
}

TEST(Worker, AnEnsembleOfOneIsNoAgreement) {
  std::string text(kCampaign);
  text.replace(text.find("hypotheses = 4"), 14, "hypotheses = 1");
  Laboratory lab(1, 7, text + "[stop]\nhypotheses_agree_within = 1e6\n");
  lab.start_worker();
  lab.post(0, 20);
  EXPECT_TRUE(lab.wait([](const Reader& reader) {
    return reader.current_model(reader.find_campaign("test")->key, "Y").has_value() &&
           Laboratory::idle(reader);
  }));
  EXPECT_EQ(state_of(lab).substr(0, 9), "ACTIVE: ");
}

TEST(Worker, APausedOrCompletedCampaignIsNotRetrained) {
  Laboratory lab(1);
  lab.post(0, 12);
  for (const auto verb : {campaign::CampaignVerb::pause, campaign::CampaignVerb::complete}) {
    const Status asked = campaign::write_and_wait(lab.database(), [&](Transaction& tx) -> Status {
      const auto steered = campaign::steer_campaign(tx, "test", verb, "", lab.context());
      if (!steered) return steered.error();
      const auto job = campaign::schedule_job(tx, "test", "retrain", "{}", lab.context());
      return job ? Status() : Status(job.error());
    });
    ASSERT_FALSE(asked.ok());
    EXPECT_EQ(asked.error().code, ErrorCode::conflict);
    EXPECT_NE(asked.error().message.find("nothing is learnt"), std::string::npos);
  }
}

}  // namespace
}  // namespace kasetsu::jobs
