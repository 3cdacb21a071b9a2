// A database as an older version left it is the same database afterwards: every measurement under
// its identifier, every row known by its name, every replicate found.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <algorithm>

#include "daemon/base/digest.h"
#include "daemon/base/ulid.h"
#include "daemon/store/migrations.h"
#include "daemon/store/row_sums.h"
#include "daemon/store/sqlite.h"
#include "tests/daemon/store/fixture.h"

namespace kasetsu {
namespace {

using campaign::Measurement;
using campaign::Reader;
using campaign::Transaction;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class Migration : public testing::StoreTest {
 protected:
  static constexpr int kRows = 60;

  static std::string id(char kind, int number) { return fmt::format("0{}{:024}", kind, number); }

  // As a database of this version is left behind. What version 6 added it makes of what was there.
  void make_old(int version) {
    constexpr int kLastWithoutSums = 5;
    fill_old(std::min(version, kLastWithoutSums));
    if (version <= kLastWithoutSums) return;
    store::Connection old(options_.path, store::Access::write, {}, false);
    std::vector<store::Script> scripts = store::schema_scripts();
    scripts.resize(static_cast<std::size_t>(version));
    ASSERT_TRUE(store::migrate(old, options_.path, scripts, now_, {}).ok());
  }

  // Two values a row, three catalysts, two conditions; some rows corrected and excluded. Since
  // version 3 the measurements of the last row are numbered after their delivery.
  void fill_old(int version) {
    store::Connection old(options_.path, store::Access::write, {}, true);
    old.turn_on_wal();
    std::vector<store::Script> scripts = store::schema_scripts();
    scripts.resize(static_cast<std::size_t>(version));
    ASSERT_TRUE(store::migrate(old, options_.path, scripts, now_, {}).ok());
    const auto run = [&](const std::string& sql) { old.execute(sql.c_str()); };
    // A column of measurements in versions 3 and 4.
    const auto conditions_hash = [&](std::string_view conditions) {
      return version < 3 || version > 4 ? std::string()
                                        : fmt::format("{}, ", store::conditions_hash(conditions));
    };
    run(fmt::format(
        "INSERT INTO campaigns VALUES (1, '{}', 'ocm', 'lab', 'ACTIVE', '', 1, 1, 1, 1)",
        id('0', 1)));
    run("INSERT INTO properties VALUES (1, 1, 'C2_yield', '%', 1, 0, 100, 1, 1), "
        "(2, 1, 'CO2_yield', '%', 0, NULL, NULL, 2, 1)");
    run("INSERT INTO catalysts VALUES (1, 'Li:1/MgO', 'Li/MgO', 1), (2, 'Na:1/MgO', 'Na/MgO', 1), "
        "(3, 'K:1/MgO', 'K/MgO', 1)");
    for (int i = 1; i <= kRows; ++i) {
      const std::string content = sha256(std::to_string(i)).hex();
      run(fmt::format("INSERT INTO contents VALUES ({0}, x'{1}', CAST('{0}' AS BLOB), 1)", i,
                      content));
      run(
          fmt::format("INSERT INTO ingests (seq, id, campaign, content, source, run, "
                      "idempotency_key, media_type, actor, row_count, accepted, flagged, "
                      "duplicate, quarantined, first_run, last_run, received_at) "
                      "VALUES ({0}, '{1}', 1, {0}, 'rig', 'r1', '', "
                      "'application/json', 'x', {2}, 1, 0, 0, 0, {0}, {0}, {0})",
                      i, id('1', i), version >= 3 && i == kRows ? 0 : 1));
      run(fmt::format(
          "INSERT INTO runs VALUES ({0}, {0}, 0, 1, {1}, 'catalyst', 'rig', 'r1', '{2}', "
          "{3}, NULL, '', '{4}', '', NULL, x'{5}')",
          i, i % 3 + 1, i % 5 == 0 ? "" : "c", i % 5 == 0 ? "NULL" : std::to_string(i),
          i % 2 == 0 ? "{}" : R"({"T":1.0})", content));
      for (int p = 1; p <= 2; ++p) {
        const int seq = 2 * i + p - 2;
        const bool numbered = version >= 3 && i == kRows;
        run(fmt::format(
            "INSERT INTO measurements VALUES ({}, {}, 1, {}, {}, {}, {}, 0, NULL, {}{})", seq,
            numbered ? "NULL" : "'" + id('2', seq) + "'", i, i % 3 + 1, p, i * 0.5 + p,
            conditions_hash(i % 2 == 0 ? "{}" : R"({"T":1.0})"), i));
        if (version >= 5) {
          run(fmt::format("INSERT INTO replicates VALUES ({}, {}, {}, {}, x'')", i % 3 + 1, p,
                          store::conditions_hash(i % 2 == 0 ? "{}" : R"({"T":1.0})"), seq));
        }
        if (numbered && p == 1) {
          run(
              fmt::format("UPDATE ingests SET first_measurement = {}, measurement_count = 2, "
                          "row_count = 1 WHERE seq = {}",
                          seq, i));
        }
      }
    }
    run(fmt::format("INSERT INTO measurements VALUES ({}, '{}', 1, 1, 2, 1, 99.5, 0, 1, {}1000)",
                    2 * kRows + 1, id('2', 2 * kRows + 1), conditions_hash(R"({"T":1.0})")));
    run("INSERT INTO marks VALUES (1, 1, 'supersede', 'a slip', 'x', 1000), "
        "(2, 5, 'exclude', 'a leak', 'x', 1000)");
    if (version >= 5) {
      run(fmt::format(
          "INSERT INTO replicates VALUES (2, 1, {}, {}, x''); INSERT INTO campaign_spans "
          "VALUES (1, 1, {}, {})",
          store::conditions_hash(R"({"T":1.0})"), 2 * kRows + 1, 2 * kRows + 1, 2 * kRows + 1));
    }
    run(fmt::format("INSERT INTO snapshots VALUES (1, x'{}', 1, 1, 2, x'018101', 1{})",
                    sha256("a snapshot").hex(), version >= 5 ? ", 130" : ""));
    run(fmt::format(
        "INSERT INTO events VALUES (1, 1, 'x', 'ocm', 'ingest', '{}', 'committed', '{{}}')",
        id('1', 1)));
  }
};

// What a check says of a copy of the closed database after these statements, with or without the
// triggers that refuse them.
class Harm : public Migration {
 protected:
  std::vector<std::string> problems_after(const std::string& harm, bool triggers = true) {
    const std::string copy = folder_ / "harmed.db";
    std::filesystem::remove(copy);
    std::filesystem::copy_file(options_.path, copy);
    EXPECT_TRUE(store::check_file(copy)->ok);
    {
      store::Connection connection(copy, store::Access::write, {}, false);
      const auto all = [&](const char* what) {
        return connection.text(
            fmt::format("SELECT group_concat({}, ';') FROM sqlite_schema WHERE type = 'trigger'",
                        what)
                .c_str());
      };
      const std::string drop = all("'DROP TRIGGER ' || name");
      const std::string make = all("sql");
      connection.execute((triggers ? harm : drop + ";" + harm + ";" + make).c_str());
    }
    const auto report = store::check_file(copy);
    EXPECT_TRUE(report.ok()) << report.error().to_string();
    return report.ok() ? report->problems : std::vector<std::string>();
  }
};

TEST_F(Migration, AnOlderDatabaseKeepsEveryResult) {
  const int newest = store::schema_scripts().back().version;
  for (int version = 1; version < newest; ++version) {
    SCOPED_TRACE(version);
    options_.path = folder_ / fmt::format("from-{}.db", version);
    make_old(version);
    open();
    const auto all = measurements();
    ASSERT_EQ(all.size(), 2u * kRows + 1);
    for (const Measurement& m : all) {
      const auto seq = static_cast<int>(m.seq);
      const bool numbered = version >= 3 && (seq == 2 * kRows - 1 || seq == 2 * kRows);
      EXPECT_EQ(m.id, numbered ? Ulid::parse(id('1', kRows))
                                     ->plus(static_cast<std::uint64_t>(seq - 2 * kRows + 2))
                                     .text()
                               : id('2', seq));
      const auto found = read<std::optional<Measurement>>(
          [&](const Reader& reader) { return reader.find_measurement(m.id); });
      ASSERT_TRUE(found) << m.id;
      EXPECT_EQ(found->seq, m.seq);
      EXPECT_EQ(found->value, m.value);
      EXPECT_EQ(m.run, "r1");
    }
    EXPECT_EQ(all.front().superseded_by, id('2', 2 * kRows + 1));
    EXPECT_EQ(all.back().supersedes, id('2', 1));
    EXPECT_TRUE(all[4].excluded);
    EXPECT_EQ(measurements(true).size(), 2u * kRows - 1);
    // Rows 3, 9, ... have catalyst 1 under {"T":1.0}; the newest first.
    std::vector<double> expected;
    for (int i = kRows; i >= 1; --i) {
      if (i % 3 == 0 && i % 2 == 1 && 2 * i - 1 != 5) expected.push_back(i * 0.5 + 1);
    }
    EXPECT_EQ(read<std::vector<double>>([&](const Reader& reader) {
                return reader.replicates(1, "C2_yield", 1, R"({"T":1.0})", 100);
              }),
              expected);
    const auto found_again = write<std::optional<campaign::Run>>(
        [](Transaction& tx) { return tx.find_run(1, "rig", "r1", "c", 7, std::nullopt); });
    ASSERT_TRUE(found_again.ok() && found_again->has_value());
    EXPECT_EQ((*found_again)->sequence, 7);

    // What comes afterwards is numbered after its delivery, beside the old ones.
    const auto receipt = post(body({row("\"Li\"", 12.5, R"("channel":"c","sequence":1000)"),
                                    row("\"Na\"", 13.5, R"("channel":"c","sequence":1001)")},
                                   R"("source":"rig","run":"r1")"));
    ASSERT_TRUE(receipt.ok()) << receipt.error().to_string();
    const auto added = measurements();
    ASSERT_EQ(added.size(), all.size() + 2);
    for (std::size_t i = 0; i < 2; ++i) {
      EXPECT_EQ(added[all.size() + i].id, receipt->rows[i].measurements.front());
    }
    const auto revised = write<Measurement>([&](Transaction& tx) {
      return campaign::supersede(tx, id('2', 8), 1.25, "a test", "", context());
    });
    ASSERT_TRUE(revised.ok());
    EXPECT_EQ(revised->supersedes, id('2', 8));
    const auto report = database_->check();
    ASSERT_TRUE(report.ok());
    EXPECT_THAT(report->problems, IsEmpty());
    EXPECT_EQ(report->schema_version, newest);
    database_.reset();
    // Its members are 1 and 130.
    store::Connection connection(options_.path, store::Access::read, {}, false);
    EXPECT_EQ(connection.integer("SELECT last FROM snapshots"), 130);
    EXPECT_EQ(connection.integer("SELECT measurements FROM campaigns"), 2 * kRows + 4);
  }
}

// References of results are not probed at every row; a check finds those that lead nowhere.
TEST_F(Migration, ACheckFindsResultsThatBelongNowhere) {
  open();
  apply();
  ASSERT_TRUE(post(body({row("\"Li\"", 3.5, R"("channel":"c")"), row("\"Na\"", 4.5),
                         row("\"Li\"", 5.5, R"("channel":"d")")},
                        R"("source":"rig","run":"r1")"))
                  .ok());
  // A measurement more, of these columns, and what lists it.
  const auto added = [](const char* columns) {
    return fmt::format(
        "WITH made (" KASETSU_SUM_MEASUREMENTS
        ") AS (SELECT 50, {}, flags, NULL, received_at FROM measurements WHERE seq = 1) "
        "INSERT INTO measurements SELECT *, sum_of(" KASETSU_SUM_MEASUREMENTS ") FROM made;",
        columns);
  };
  const auto added_run = [](const char* columns) {
    return fmt::format(
        "WITH made (" KASETSU_SUM_RUNS
        ") AS (SELECT 50, {}, kind, source, run, channel, sequence, replicate, "
        "sample, conditions, proposal, measured_at, content, told FROM runs WHERE seq = "
        "1) INSERT INTO runs (" KASETSU_SUM_RUNS
        ", row_sum) "
        "SELECT *, sum_of(" KASETSU_SUM_RUNS ") FROM made",
        columns);
  };
  const auto among_replicates = [](const char* columns, int first) {
    return fmt::format("INSERT INTO replicates SELECT {}, {}, x'' FROM measurements WHERE seq = 1;",
                       columns, first);
  };
  const std::string counted = "UPDATE campaigns SET measurements = measurements + 1;";
  const char* const as_first =
      "'0250000000000000000000000X', campaign, run, catalyst, property, value";
  database_.reset();
  for (const std::string& harm : {
           added_run("77, 0, campaign, catalyst"),
           added_run("ingest, 0, campaign, 77"),
           added("'0250000000000000000000000X', campaign, 77, catalyst, property, value") +
               among_replicates("catalyst, property, 0", 50) + counted,
           added("'0250000000000000000000000X', campaign, run, catalyst, 77, value") +
               among_replicates("catalyst, 77, 0", 50) + counted,
           added(as_first) + counted,
           added(as_first) + among_replicates("catalyst, property, 77", 50) + counted,
           added(as_first) + among_replicates("77, property, 0", 50) + counted,
           added(as_first) + among_replicates("catalyst, property, 0", 50),
           among_replicates("catalyst, property, 0", 3),
           among_replicates("catalyst, property, 0", 51),
           counted,
           std::string("INSERT INTO not_live VALUES (1, 'retracted')"),
           std::string("INSERT INTO marks VALUES (1, 1, 'retract', 'x', 'x', 1, sum_of(1, "
                       "'retract', 'x', 'x', "
                       "1)); DELETE FROM not_live"),
           std::string("INSERT INTO contents SELECT 50, sha256, bytes, created_at FROM contents"),
           std::string("UPDATE late_indexes SET upto = 1 WHERE name = 'contents'"),
           std::string("UPDATE late_indexes SET upto = 1 WHERE name = 'runs'"),
       }) {
    SCOPED_TRACE(harm);
    const std::string copy = folder_ / "harmed.db";
    std::filesystem::remove(copy);
    std::filesystem::copy_file(options_.path, copy);
    {
      store::Connection connection(copy, store::Access::write, {}, false);
      connection.execute(harm.c_str());
    }
    const auto report = store::check_file(copy);
    ASSERT_TRUE(report.ok()) << report.error().to_string();
    EXPECT_FALSE(report->ok);
    EXPECT_EQ(report->problems.size(), 1u) << ::testing::PrintToString(report->problems);
  }
}

// What a disk may do to each table.
constexpr const char* kHarms[] = {
    "UPDATE measurements SET value = 3.25 WHERE seq = 1",
    "UPDATE measurements SET flags = 4 WHERE seq = 2",
    "UPDATE measurements SET received_at = received_at + 1 WHERE seq = 2",
    "UPDATE runs SET sample = 'S' WHERE seq = 1",
    "UPDATE runs SET measured_at = 1 WHERE seq = 2",
    "UPDATE runs SET row_sum = row_sum + 1 WHERE seq = 2",
    "UPDATE contents SET bytes = CAST(replace(CAST(bytes AS TEXT), '3.5', '4.5') AS BLOB)",
    "UPDATE models SET document = '{\"a\":[1,3]}'",
    "UPDATE models SET mae_cv = 1",
    "UPDATE proposals SET card = '{\"x\":1}'",
    "UPDATE proposals SET mean = 2",
    "UPDATE predictions SET predicted = 1",
    "UPDATE prediction_errors SET observed = 3",
    "UPDATE campaign_versions SET actor = 'y'",
    "UPDATE settings SET value = 'd' WHERE name = 'a'",
    "UPDATE campaigns SET state = 'PAUSED'",
    "UPDATE properties SET unit = 'ppm' WHERE key = 1",
    "UPDATE properties SET low = -1.0 WHERE key = 1",
    "UPDATE catalysts SET canonical = 'Rb:1/MgO' WHERE key = 1",
    "UPDATE catalysts SET description = 'Rb/MgO' WHERE key = 1",
    "UPDATE samples SET kind = 'support'",
    "UPDATE ingests SET source = 'ria'",
    "UPDATE marks SET reason = 'a leek'",
    "UPDATE quarantine SET raw = 'x'",
    "UPDATE batches SET summary = 'x'",
    "UPDATE snapshots SET members = x'01'",
    "UPDATE jobs SET result = 'x'",
    "UPDATE events SET detail = 'x' WHERE seq = 1",
    "UPDATE replies SET reply = 'x'",
    "UPDATE proposals SET state = 'CANCELLED'",
    "UPDATE proposals SET failures = 1",
    "UPDATE models SET status = 'candidate'",
};

// The sums of rows and digests of contents find what the structure of pages does not show.
TEST_F(Harm, ACheckFindsWhatADiskChanged) {
  open();
  apply();
  ASSERT_TRUE(post(body({row("\"Li\"", 3.5, R"("channel":"c")"), row("\"Na\"", 4.5)},
                        R"("source":"rig","run":"r1")"))
                  .ok());
  issue({"K:1/MgO"});
  const auto marked = write<Measurement>([&](Transaction& tx) {
    return campaign::exclude(tx, tx.measurements_of_run(2).front().id, true, "a leak", "",
                             context());
  });
  ASSERT_TRUE(marked.ok());
  const auto learnt = write<std::string>([&](Transaction& tx) -> Result<std::string> {
    campaign::Model model;
    model.id = ids_.next(now_);
    model.campaign = 1;
    model.property = "C2_yield";
    model.document = R"({"a":[1,2]})";
    model.summary = "{}";
    model.created_at = now_;
    tx.insert_model(model);
    campaign::LedgerEntry entry;
    entry.model = model.id;
    entry.catalyst = "Li:1/MgO";
    entry.property = "C2_yield";
    entry.predicted = -0.0;
    entry.predicted_at = now_;
    tx.insert_prediction(1, entry);
    tx.insert_prediction_error(1, tx.measurements_of_run(1).front().id, 3.5, 3.5, now_);
    model.status = "retired";
    tx.update_model(model);
    tx.keep_sample(1, "S-1", 1, campaign::SampleKind::catalyst, now_);
    campaign::TrainingSet set;
    set.property = "C2_yield";
    tx.keep_snapshot(1, set, now_);
    tx.keep_reply("POST /x", "key", {sha256("{}"), 200, "{}"}, now_);
    tx.set_setting("a", "b");
    tx.set_setting("a", "c");
    campaign::Job job;
    job.id = ids_.next(now_);
    job.campaign = 1;
    job.kind = "retrain";
    job.created_at = now_;
    tx.insert_job(job);
    job.progress = 0.5;
    tx.update_job(job);
    campaign::QuarantinedRow row;
    row.id = ids_.next(now_);
    row.reason = "unknown element";
    row.received_at = now_;
    tx.insert_quarantined(1, 1, row);
    row.state = campaign::QuarantineState::discarded;
    tx.resolve_quarantined(row);
    return model.id;
  });
  ASSERT_TRUE(learnt.ok()) << learnt.error().to_string();
  database_.reset();
  for (const char* const harm : kHarms) {
    SCOPED_TRACE(harm);
    const auto problems = problems_after(harm, false);
    EXPECT_EQ(problems.size(), 1u) << ::testing::PrintToString(problems);
  }
}

// The definitions of tables decide what their rows say, and the version which rules hold.
TEST_F(Harm, ACheckFindsChangedDefinitions) {
  open();
  apply();
  database_.reset();
  EXPECT_THAT(problems_after("CREATE INDEX of_a_person ON catalysts (description)"), IsEmpty());
  EXPECT_THAT(problems_after("DROP TRIGGER runs_kept"),
              ElementsAre("the trigger runs_kept is not there"));
  EXPECT_THAT(problems_after("DROP VIEW campaigns_view; CREATE VIEW campaigns_view AS SELECT 1"),
              ElementsAre("the view campaigns_view is not defined as the program defines it"));
  EXPECT_THAT(problems_after("PRAGMA user_version=6"),
              Contains(HasSubstr("says schema version 6 but lists")));
}

}  // namespace
}  // namespace kasetsu
