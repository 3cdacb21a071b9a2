// Keys of earlier versions become those of the present rules: nothing is lost, nothing is merged
// without a word, and what stood under the old key goes on.
#include "daemon/store/renewal.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <algorithm>

#include "core/chemistry/told_catalyst.h"
#include "daemon/base/digest.h"
#include "daemon/store/migrations.h"
#include "daemon/store/sqlite.h"
#include "tests/daemon/store/fixture.h"

namespace kasetsu {
namespace {

using campaign::Measurement;
using campaign::Proposal;
using campaign::ProposalState;
using campaign::Reader;
using campaign::RenewedKey;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

class Renewal : public testing::StoreTest {
 protected:
  static std::string id(char kind, int number) { return fmt::format("0{}{:024}", kind, number); }

  // As a robot sent it when the key of its catalyst was `key`.
  static campaign::PreparedRow sent(const std::string& key, int sequence, double value) {
    campaign::PreparedRow row;
    row.catalyst = key;
    row.channel = "c";
    row.sequence = sequence;
    row.values = {{"C2_yield", value, ""}};
    return row;
  }

  void use_present_rules() {
    options_.renew_keys = [this](const store::WrittenKeys& written) {
      ++asked_;
      std::map<std::string, store::NewKey> keys;
      for (const auto& [was, now] :
           chemistry::renew_keys(written.keys, supports_, rules_).changed) {
        keys[was] = {now, "renewed " + now};
      }
      return std::optional(keys);
    };
    options_.log = [this](const std::string& line) { log_.push_back(line); };
  }

  void insert_result(store::Connection& old, int seq, int catalyst, const std::string& key,
                     double value) {
    const std::string content = sha256(std::to_string(seq)).hex();
    const auto run = [&](const std::string& sql) { old.execute(sql.c_str()); };
    run(fmt::format("INSERT INTO contents VALUES ({0}, x'{1}', CAST('{0}' AS BLOB), 1)", seq,
                    content));
    run(
        fmt::format("INSERT INTO ingests VALUES ({0}, '{1}', 1, {0}, 'rig', 'r1', '', "
                    "'application/json', 'x', 1, 1, 0, 0, 0, {0}, {0}, {0})",
                    seq, id('1', seq)));
    run(
        fmt::format("INSERT INTO runs VALUES ({0}, {0}, 0, 1, {1}, 'catalyst', 'rig', 'r1', 'c', "
                    "{0}, NULL, '', '{{}}', '', NULL, x'{2}')",
                    seq, catalyst, campaign::content_of(sent(key, seq, value), "rig", "r1").hex()));
    run(
        fmt::format("INSERT INTO measurements VALUES ({0}, '{1}', 1, {0}, {2}, 1, {3}, 0, NULL, "
                    "{0})",
                    seq, id('2', seq), catalyst, value));
  }

  // What the first schema held, brought to `version` as the versions in between did. Of catalyst 1
  // to 4 the first two are one by the present rules, the third is another, the fourth stays.
  void make_old(int version) {
    store::Connection old(options_.path, store::Access::write, {}, true);
    old.turn_on_wal();
    std::vector<store::Script> scripts = store::schema_scripts();
    scripts.resize(1);
    ASSERT_TRUE(store::migrate(old, options_.path, scripts, now_, {}).ok());
    const auto run = [&](const std::string& sql) { old.execute(sql.c_str()); };
    run(fmt::format(
        "INSERT INTO campaigns VALUES (1, '{}', 'ocm', 'lab', 'ACTIVE', '', 1, 1, 1, 1)",
        id('0', 1)));
    run(
        fmt::format("INSERT INTO campaign_versions VALUES (1, 1, 'format = 1', 'application/toml', "
                    "x'{}', 'x', 1)",
                    sha256("format = 1").hex()));
    run("INSERT INTO properties VALUES (1, 1, 'C2_yield', '%', 1, 0, 100, 1, 1)");
    int number = 0;
    for (const std::string& key : kKeys) {
      run(fmt::format("INSERT INTO catalysts VALUES ({}, '{}', '{}', 1)", ++number, key, key));
    }
    int seq = 0;
    // The replicates of catalysts 1 and 2 alternate.
    for (const int catalyst : {1, 2, 1, 3, 4, 2, 1}) {
      ++seq;
      insert_result(old, seq, catalyst, kKeys[static_cast<std::size_t>(catalyst) - 1], seq * 0.5);
    }
    run(fmt::format("INSERT INTO samples VALUES (1, 'S1', 1, 'catalyst', 1)"));
    run(fmt::format("INSERT INTO batches VALUES (1, '{}', 1, '', 'x', '{{}}', 1)", id('3', 1)));
    const auto proposal = [&](int at, int catalyst, const char* state, const char* client) {
      run(fmt::format(
          "INSERT INTO proposals VALUES ({0}, '{1}', 1, 1, {0}, 'explore', {2}, '{{}}', "
          "1, 0, 2, 0.5, '', '', '', '{3}', '', '{4}', {5}, 1, 0, '', 1, 1, 1)",
          at, id('4', at), catalyst, state, client, *client != '\0' ? "9000000000000000" : "NULL"));
    };
    proposal(1, 1, "ACTIVE", "robot");  // leased under the old key
    proposal(2, 2, "REQUESTED", "");    // the same catalyst under the other
    proposal(3, 3, "REQUESTED", "");    // alone
    proposal(4, 4, "REQUESTED", "");    // of a key that stays
    proposal(5, 1, "SUCCEEDED", "");    // finished
    run(fmt::format("INSERT INTO snapshots VALUES (1, x'{}', 1, 1, 2, x'0101', 1)",
                    sha256("a snapshot").hex()));
    run(
        fmt::format("INSERT INTO models VALUES (1, '{}', 1, 1, 1, '{{}}', x'{}', 2, 1, 7, 'v', "
                    "0.5, NULL, 'current', '', '{{}}', 1, '', 1)",
                    id('5', 1), sha256("a snapshot").hex()));
    run(fmt::format("INSERT INTO predictions VALUES (1, 1, 1, 1, 1, -1, '{}', 1, 0, 2, 1)",
                    id('4', 1)));
    run("INSERT INTO prediction_errors VALUES (1, 1, 7, 3.5, 2.5, 8)");
    scripts = store::schema_scripts();
    scripts.resize(static_cast<std::size_t>(version));
    ASSERT_TRUE(store::migrate(old, options_.path, scripts, now_, {}).ok());
  }

  std::vector<std::pair<std::string, double>> live() {
    std::vector<std::pair<std::string, double>> values;
    for (const Measurement& m : measurements(true)) values.emplace_back(m.catalyst, m.value);
    return values;
  }

  std::vector<RenewedKey> renewed() {
    return read<std::vector<RenewedKey>>(
        [](const Reader& reader) { return reader.renewed_keys(1); });
  }

  std::vector<double> values_of(const std::string& key) {
    return read<std::vector<double>>([&](const Reader& reader) {
      campaign::MeasurementFilter filter;
      filter.catalyst = key;
      std::vector<double> values;
      for (const Measurement& m : reader.measurements(1, filter, {0, 100}))
        values.push_back(m.value);
      return values;
    });
  }

  const std::vector<std::string> kKeys{"Ni:1/sio2", "Ni:1/SiO2", "Li:1/MgO|sol\u2010gel",
                                       "K:1/MgO"};
  chemistry::CompositionRules rules_;
  int asked_ = 0;
  std::vector<std::string> log_;
};

TEST_F(Renewal, KeysThatBecomeOneAreToldAndNothingIsLost) {
  const int newest = store::schema_scripts().back().version;
  for (int version = 1; version <= newest; ++version) {
    SCOPED_TRACE(version);
    log_.clear();
    options_.path = folder_ / fmt::format("from-{}.db", version);
    make_old(version);
    use_present_rules();
    open();

    using Live = std::vector<std::pair<std::string, double>>;
    EXPECT_EQ(live(), (Live{{"Ni:1/SiO2", 0.5},
                            {"Ni:1/SiO2", 1.0},
                            {"Ni:1/SiO2", 1.5},
                            {"Li:1/MgO|sol-gel", 2.0},
                            {"K:1/MgO", 2.5},
                            {"Ni:1/SiO2", 3.0},
                            {"Ni:1/SiO2", 3.5}}));
    std::vector<std::string> told;
    for (const Measurement& m : measurements()) told.push_back(m.told);
    EXPECT_THAT(told, ElementsAre(kKeys[0], "", kKeys[0], kKeys[2], "", "", kKeys[0]));

    // Both spellings find all of it.
    for (const char* const key : {"Ni:1/sio2", "Ni:1/SiO2"}) {
      EXPECT_THAT(values_of(key), ElementsAre(0.5, 1.0, 1.5, 3.0, 3.5)) << key;
      EXPECT_EQ(read<std::string>([&](const Reader& reader) { return reader.present_key(1, key); }),
                "Ni:1/SiO2");
    }
    EXPECT_EQ(read<std::vector<double>>([](const Reader& reader) {
                const auto key = reader.find_catalyst("Ni:1/SiO2")->key;
                return reader.replicates(1, "C2_yield", key, "{}", 100);
              }),
              (std::vector<double>{3.5, 3.0, 1.5, 1.0, 0.5}));

    const auto keys = renewed();
    ASSERT_EQ(keys.size(), 3U);
    const auto of = [&](const std::string& was) {
      const auto found = std::find_if(keys.begin(), keys.end(),
                                      [&](const RenewedKey& key) { return key.was == was; });
      return found == keys.end() ? RenewedKey() : *found;
    };
    EXPECT_EQ(of("Ni:1/sio2").now, "Ni:1/SiO2");
    EXPECT_EQ(of("Ni:1/sio2").measurements, 3);
    EXPECT_EQ(of("Ni:1/sio2").proposals, 2);
    EXPECT_EQ(of("Ni:1/SiO2").now, "Ni:1/SiO2");
    EXPECT_EQ(of("Ni:1/SiO2").measurements, 2);
    EXPECT_EQ(of(kKeys[2]).now, "Li:1/MgO|sol-gel");
    EXPECT_THAT(log_,
                Contains(HasSubstr("Ni:1/SiO2 (measurements: 2), Ni:1/sio2 (measurements: 3)")));
    const auto events = read<std::vector<campaign::Event>>(
        [](const Reader& reader) { return reader.events(0, 100, "ocm"); });
    EXPECT_EQ(std::count_if(events.begin(), events.end(),
                            [](const auto& event) { return event.verb == "keys_renewed"; }),
              1);
    const auto report = database_->check();
    ASSERT_TRUE(report.ok());
    EXPECT_THAT(report->problems, IsEmpty());

    // Once for all: the next start changes nothing.
    const int before = asked_;
    reopen();
    EXPECT_EQ(asked_, before);
    EXPECT_EQ(renewed().size(), 3U);
    database_.reset();
  }
}

TEST_F(Renewal, ProposalsLeasesPredictionsAndSamplesGoOn) {
  make_old(1);
  use_present_rules();
  open();
  const Proposal leased = proposal(id('4', 1));
  EXPECT_EQ(leased.catalyst, "Ni:1/SiO2");
  EXPECT_EQ(leased.state, ProposalState::active);
  EXPECT_EQ(leased.client, "robot");
  EXPECT_TRUE(leased.lease_expires.has_value());
  const Proposal twin = proposal(id('4', 2));
  EXPECT_EQ(twin.state, ProposalState::cancelled);
  EXPECT_THAT(twin.state_reason, HasSubstr(leased.id));
  EXPECT_EQ(proposal(id('4', 3)).catalyst, "Li:1/MgO|sol-gel");
  EXPECT_EQ(proposal(id('4', 3)).state, ProposalState::requested);
  EXPECT_EQ(proposal(id('4', 4)).catalyst, "K:1/MgO");
  EXPECT_EQ(proposal(id('4', 5)).state, ProposalState::succeeded);

  const auto ledger = read<std::vector<campaign::LedgerEntry>>([](const Reader& reader) {
    return reader.ledger(1, {}, {0, 100});
  });
  ASSERT_EQ(ledger.size(), 1U);
  EXPECT_EQ(ledger[0].catalyst, "Ni:1/SiO2");
  EXPECT_EQ(ledger[0].observed, 3.5);
  EXPECT_EQ(ledger[0].model, id('5', 1));
  EXPECT_TRUE(read<bool>([](const Reader& reader) {
    return reader.current_model(1, "C2_yield").has_value() &&
           reader.sample_catalyst(1, "S1") == reader.find_catalyst("Ni:1/SiO2")->key;
  }));

  // The robot sends its row again, and then the result that its lease was for.
  const auto again = post(body({R"({"catalyst":{"slots":["Ni"],"support":"sio2"},"channel":"c",)"
                                R"("sequence":1,"values":{"C2_yield":0.5}})"},
                               R"("source":"rig","run":"r1")"));
  ASSERT_TRUE(again.ok()) << again.error().to_string();
  EXPECT_EQ(again->ingest.duplicate, 1);
  const auto result = post(body({R"({"catalyst":{"key":"Ni:1/sio2"},"proposal":")" + leased.id +
                                 R"(","values":{"C2_yield":2}})"}));
  ASSERT_TRUE(result.ok()) << result.error().to_string();
  EXPECT_EQ(result->ingest.accepted, 1);
  EXPECT_EQ(proposal(leased.id).state, ProposalState::succeeded);
  EXPECT_THAT(database_->check()->problems, IsEmpty());
}

TEST_F(Renewal, ACampaignThatCannotBeReadIsRenewedLater) {
  make_old(3);
  options_.renew_keys = [](const store::WrittenKeys&) { return std::nullopt; };
  open();
  EXPECT_THAT(renewed(), IsEmpty());
  EXPECT_THAT(values_of("Ni:1/sio2"), ElementsAre(0.5, 1.5, 3.5));
  use_present_rules();
  reopen();
  EXPECT_EQ(renewed().size(), 3U);
  EXPECT_EQ(asked_, 1);
  EXPECT_EQ(values_of("Ni:1/sio2").size(), 5U);
}

// Oxygen that the campaign does not count, and amounts in percent of a space with a total.
TEST_F(Renewal, RulesOfTheCampaignDecide) {
  make_old(2);
  {
    store::Connection old(options_.path, store::Access::write, {}, false);
    old.execute(
        "DROP TRIGGER catalysts_kept; "
        "UPDATE catalysts SET canonical = 'Ag:50;Pd:50' WHERE key = 1; "
        "UPDATE catalysts SET canonical = 'Ag:0.5;O:1;Pd:0.5' WHERE key = 2; "
        "UPDATE catalysts SET canonical = 'Ag:0.5;Pd:0.5' WHERE key = 3; "
        "UPDATE catalysts SET canonical = 'Ag:7;Pd:1' WHERE key = 4; "
        "CREATE TRIGGER catalysts_kept BEFORE UPDATE ON catalysts "
        "BEGIN SELECT RAISE(ABORT, 'catalysts are never changed'); END;");
  }
  rules_.total = 1.0;
  use_present_rules();
  open();
  EXPECT_EQ(values_of("Ag:0.5;Pd:0.5").size(), 6U);
  EXPECT_THAT(values_of("Ag:50;Pd:50"), ElementsAre(0.5, 1.0, 1.5, 2.0, 3.0, 3.5));
  // What the rules cannot read stays as it is.
  EXPECT_THAT(values_of("Ag:7;Pd:1"), ElementsAre(2.5));
  std::vector<std::string> was;
  for (const RenewedKey& key : renewed()) was.push_back(key.was);
  EXPECT_THAT(was, UnorderedElementsAre("Ag:50;Pd:50", "Ag:0.5;O:1;Pd:0.5", "Ag:0.5;Pd:0.5"));
  EXPECT_THAT(database_->check()->problems, IsEmpty());
}

}  // namespace
}  // namespace kasetsu
