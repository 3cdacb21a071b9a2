// Promises 2, 3 and 4: one effect, corrections as revisions, quarantine.
#include <gmock/gmock.h>

#include <algorithm>
#include <set>
#include <thread>

#include "daemon/campaign/file/campaign_file.h"
#include "tests/daemon/store/fixture.h"

namespace kasetsu::campaign {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class Ingests : public testing::StoreTest {
 protected:
  void SetUp() override {
    open();
    apply();
  }
  static DeliveryOptions keyed(const std::string& key) {
    DeliveryOptions options;
    options.idempotency_key = key;
    return options;
  }
  Counts counts() {
    return read<Counts>([](const Reader& reader) { return reader.counts(); });
  }
  std::vector<QuarantinedRow> waiting() {
    return read<std::vector<QuarantinedRow>>([](const Reader& reader) {
      return reader.quarantined(1, QuarantineState::waiting, Page{});
    });
  }
  Result<RowVerdict> try_readmit(const std::string& id, std::optional<std::string> corrected) {
    return write<RowVerdict>([&](Transaction& tx) {
      return readmit(tx, id, corrected, "fixed", supports_, context("person"));
    });
  }
};

TEST_F(Ingests, ARowBecomesAMeasurementThatCanBeRead) {
  const auto receipt = post(body({row("\"Li\",\"K\"", 8.25, R"("sample":"S1","channel":2)")},
                                 R"("source":"rig","run":"r1")"));
  ASSERT_TRUE(receipt.ok()) << receipt.error().to_string();
  ASSERT_THAT(receipt->rows, SizeIs(1));
  EXPECT_EQ(receipt->rows[0].verdict, Verdict::accepted);
  reopen();
  const auto all = measurements();
  ASSERT_THAT(all, SizeIs(1));
  EXPECT_EQ(all[0].id, receipt->rows[0].measurements.at(0));
  EXPECT_EQ(all[0].value, 8.25);
  EXPECT_EQ(all[0].catalyst, "K:1;Li:1/MgO");
  EXPECT_EQ(all[0].property, "C2_yield");
  EXPECT_EQ(all[0].unit, "%");
  EXPECT_EQ(all[0].source, "rig");
  EXPECT_EQ(all[0].channel, "2");
  EXPECT_EQ(all[0].sample, "S1");
  EXPECT_EQ(all[0].ingest, receipt->ingest.id);
  EXPECT_TRUE(all[0].live());
}

TEST_F(Ingests, TheBytesAreKeptAsTheyCame) {
  const std::string text = " " + body({row("\"Li\"", 1)}) + "\r\n\t";
  const auto receipt = post(text);
  ASSERT_TRUE(receipt.ok());
  const auto kept = read<std::optional<std::string>>(
      [&](const Reader& reader) { return reader.content(receipt->ingest.seq); });
  EXPECT_EQ(kept, text);
}

TEST_F(Ingests, TheSameDeliveryTwiceHasOneEffect) {
  const std::string text = body({row("\"Li\"", 1), row("\"Na\"", 2), row("\"Xx\"", 3)});
  for (const auto& options : {DeliveryOptions{}, keyed("k1")}) {
    const auto first = post(text, options);
    ASSERT_TRUE(first.ok());
    const Counts before = counts();
    for (int i = 0; i < 3; ++i) {
      const auto again = post(text, options);
      ASSERT_TRUE(again.ok());
      EXPECT_TRUE(again->replayed);
      EXPECT_EQ(again->ingest.id, first->ingest.id);
      ASSERT_THAT(again->rows, SizeIs(3));
      EXPECT_EQ(again->rows[0].verdict, Verdict::duplicate);
      EXPECT_EQ(again->rows[0].measurements, first->rows[0].measurements);
      EXPECT_EQ(again->rows[2].verdict, Verdict::quarantined);
      EXPECT_EQ(again->rows[2].quarantine, first->rows[2].quarantine);
    }
    const Counts after = counts();
    EXPECT_EQ(after.measurements, before.measurements);
    EXPECT_EQ(after.ingests, before.ingests);
    EXPECT_EQ(after.quarantined, before.quarantined);
    EXPECT_EQ(after.events, before.events);
  }
}

TEST_F(Ingests, TheSameKeyWithAnotherBodyIsRefused) {
  ASSERT_TRUE(post(body({row("\"Li\"", 1)}), keyed("k")).ok());
  const auto other = post(body({row("\"Li\"", 2)}), keyed("k"));
  ASSERT_FALSE(other.ok());
  EXPECT_EQ(other.error().code, ErrorCode::unprocessable);
  EXPECT_THAT(measurements(), SizeIs(1));
}

TEST_F(Ingests, KeysOfTwoTokensDoNotMeet) {
  const auto first = post(body({row("\"Li\"", 1)}), keyed("k"), "ocm", "robot a");
  ASSERT_TRUE(first.ok());
  const std::string mine = body({row("\"Li\"", 2)});
  const auto other = post(mine, keyed("k"), "ocm", "robot b");
  ASSERT_TRUE(other.ok()) << other.error().to_string();
  EXPECT_FALSE(other->replayed);
  EXPECT_NE(other->ingest.id, first->ingest.id);
  EXPECT_THAT(measurements(), SizeIs(2));
  const auto again = post(mine, keyed("k"), "ocm", "robot b");
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again->ingest.id, other->ingest.id);
  EXPECT_EQ(post(mine, keyed("k"), "ocm", "robot a").error().code, ErrorCode::unprocessable);
}

TEST_F(Ingests, KeysOfTwoCampaignsDoNotMeet) {
  apply(draft("twc"));
  ASSERT_TRUE(post(body({row("\"Li\"", 1)}), keyed("k")).ok());
  const auto other = post(body({row("\"Li\"", 2)}), keyed("k"), "twc");
  ASSERT_TRUE(other.ok());
  EXPECT_FALSE(other->replayed);
}

TEST_F(Ingests, ManyThreadsPostingOneDeliveryMakeOneEffect) {
  const std::string text = body({row("\"Li\"", 1), row("\"Na\"", 2)});
  std::vector<std::thread> threads;
  threads.reserve(8);
  std::atomic<int> fresh{0}, failures{0};
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 10; ++i) {
        const auto receipt = post(text, keyed("same"));
        if (!receipt.ok())
          ++failures;
        else if (!receipt->replayed)
          ++fresh;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(failures, 0);
  EXPECT_EQ(fresh, 1);
  EXPECT_THAT(measurements(), SizeIs(2));
}

TEST_F(Ingests, ARowIsKnownByItsNameInAnyDelivery) {
  const std::string name = R"("source":"rig","run":"r1")";
  const auto first = post(body({row("\"Li\"", 1, R"("channel":1)")}, name));
  ASSERT_TRUE(first.ok());
  // The robot sends the run again with one more channel.
  const auto second =
      post(body({row("\"Li\"", 1, R"("channel":1)"), row("\"Na\"", 2, R"("channel":2)")}, name));
  ASSERT_TRUE(second.ok());
  EXPECT_EQ(second->rows[0].verdict, Verdict::duplicate);
  EXPECT_EQ(second->rows[0].measurements, first->rows[0].measurements);
  EXPECT_EQ(second->rows[1].verdict, Verdict::accepted);
  EXPECT_THAT(measurements(), SizeIs(2));
}

TEST_F(Ingests, AKnownRowWithOtherContentIsRefusedAsAWhole) {
  const std::string name = R"("source":"rig","run":"r1")";
  ASSERT_TRUE(post(body({row("\"Li\"", 1, R"("channel":1)")}, name)).ok());
  const auto changed =
      post(body({row("\"Na\"", 2, R"("channel":2)"), row("\"Li\"", 9, R"("channel":1)")}, name));
  ASSERT_FALSE(changed.ok());
  EXPECT_EQ(changed.error().code, ErrorCode::unprocessable);
  EXPECT_EQ(changed.error().where, "/rows/1");
  EXPECT_THAT(measurements(), SizeIs(1));  // nothing half-written
}

TEST_F(Ingests, ARevisionSupersedesAndKeepsTheOldValue) {
  const std::string name = R"("source":"rig","run":"r1")";
  const auto first = post(body({row("\"Li\"", 1, R"("channel":1)")}, name));
  const std::string old = first->rows[0].measurements[0];
  const auto revised = post(body({row("\"Li\"", 9, R"("channel":1)")}, name + R"(,"revise":true)"));
  ASSERT_TRUE(revised.ok()) << revised.error().to_string();
  EXPECT_EQ(revised->rows[0].verdict, Verdict::accepted);
  const auto again = post(body({row("\"Li\"", 7, R"("channel":1)")}, name + R"(,"revise":true)"));
  ASSERT_TRUE(again.ok()) << again.error().to_string();
  const auto all = measurements();
  ASSERT_THAT(all, SizeIs(3));
  EXPECT_EQ(all[0].id, old);
  EXPECT_EQ(all[0].value, 1.0);
  EXPECT_EQ(all[0].superseded_by, all[1].id);
  EXPECT_EQ(all[1].superseded_by, all[2].id);
  EXPECT_EQ(all[2].supersedes, all[1].id);
  const auto live = measurements(true);
  ASSERT_THAT(live, SizeIs(1));
  EXPECT_EQ(live[0].value, 7.0);
}

TEST_F(Ingests, ARowRevisesOneBeforeItInTheSameDelivery) {
  const auto receipt = post(body(
      {row("\"Li\"", 1, R"("channel":1)"), row("\"Xx\"", 2), row("\"Li\"", 9, R"("channel":1)")},
      R"("source":"rig","run":"r1","revise":true)"));
  ASSERT_TRUE(receipt.ok()) << receipt.error().to_string();
  EXPECT_EQ(receipt->ingest.accepted, 2);
  const auto all = measurements();
  ASSERT_THAT(all, SizeIs(2));
  EXPECT_EQ(all[0].id, receipt->rows[0].measurements.at(0));
  EXPECT_EQ(all[1].id, receipt->rows[2].measurements.at(0));
  EXPECT_EQ(all[0].superseded_by, all[1].id);
  EXPECT_EQ(all[1].supersedes, all[0].id);
  // The row in quarantine has no measurement, and its number is nobody's.
  const auto after = Ulid::parse(all[1].id);
  ASSERT_TRUE(after.has_value());
  ASSERT_TRUE(post(body({row("\"Na\"", 4)})).ok());
  const std::string nobodys = after->plus(1).text();
  EXPECT_FALSE(read<bool>(
      [&](const Reader& reader) { return reader.find_measurement(nobodys).has_value(); }));
}

TEST_F(Ingests, TheSameCompositionMeasuredTwiceIsKeptTwice) {
  ASSERT_TRUE(post(body({row("\"Li\"", 4), row("\"Li\"", 20)})).ok());
  ASSERT_TRUE(post(body({row("\"Li\"", 4)}), keyed("another day")).ok());
  const auto set =
      read<TrainingSet>([](const Reader& reader) { return reader.training_set(1, "C2_yield"); });
  ASSERT_THAT(set.rows, SizeIs(3));
  EXPECT_EQ(set.rows[0].value, 4.0);
  EXPECT_EQ(set.rows[1].value, 20.0);
}

TEST_F(Ingests, BadRowsGoToQuarantineAndTheRestIsTaken) {
  const auto receipt = post(body({
      row("\"Li\"", 1),
      row("\"Xx\"", 1),
      R"({"catalyst":{"slots":["Li"],"support":"Unobtainium"},"values":{"C2_yield":1}})",
      R"({"catalyst":{"slots":["Li"],"support":"MgO"},"values":{"C2_yeild":1}})",
      R"({"catalyst":{"slots":["Li"],"support":"MgO"},"values":{"C2_yield":{"value":1,"unit":"mmol"}}})",
      R"({"catalyst":{"slots":["Li"],"support":"MgO"},"values":{"C2_yield":"abc"}})",
      R"({"catalyst":{"slots":["Li"],"support":"MgO"},"values":{"C2_yield":1},"proposal":"nope"})",
  }));
  ASSERT_TRUE(receipt.ok());
  EXPECT_EQ(receipt->ingest.accepted, 1);
  EXPECT_EQ(receipt->ingest.quarantined, 6);
  EXPECT_THAT(receipt->rows[1].reason, HasSubstr("Xx"));
  EXPECT_THAT(receipt->rows[2].reason, HasSubstr("Unobtainium"));
  EXPECT_THAT(receipt->rows[3].reason, HasSubstr("C2_yield?"));
  EXPECT_THAT(receipt->rows[4].reason, HasSubstr("mmol"));
  EXPECT_THAT(receipt->rows[5].reason, HasSubstr("abc"));
  EXPECT_THAT(receipt->rows[6].reason, HasSubstr("no such proposal"));
  EXPECT_THAT(waiting(), SizeIs(6));
  EXPECT_THAT(measurements(), SizeIs(1));
}

TEST_F(Ingests, WholeDeliveriesAreTakenWholeOrNotAtAll) {
  DeliveryOptions options;
  options.whole = true;
  const auto refused = post(body({row("\"Li\"", 1), row("\"Xx\"", 1)}), options);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, ErrorCode::bad_data);
  EXPECT_THAT(refused.error().to_string(), HasSubstr("/rows/1"));
  EXPECT_EQ(counts().measurements, 0);
  EXPECT_EQ(counts().ingests, 0);
}

TEST_F(Ingests, AQuarantinedRowIsFixedAndReadmitted) {
  const auto receipt =
      post(body({row("\"Xx\"", 5.5, R"("channel":4)")}, R"("source":"rig","run":"r9")"));
  const std::string id = receipt->rows[0].quarantine;
  const auto still = try_readmit(id, {});
  ASSERT_FALSE(still.ok());
  EXPECT_EQ(still.error().code, ErrorCode::bad_data);
  EXPECT_THAT(waiting(), SizeIs(1));
  const auto taken = try_readmit(id, row("\"Cs\"", 5.5, R"("channel":4)"));
  ASSERT_TRUE(taken.ok()) << taken.error().to_string();
  EXPECT_EQ(taken->verdict, Verdict::accepted);
  EXPECT_THAT(waiting(), IsEmpty());
  const auto all = measurements();
  ASSERT_THAT(all, SizeIs(1));
  EXPECT_EQ(all[0].catalyst, "Cs:1/MgO");
  EXPECT_EQ(all[0].run, "r9");  // of its delivery
  EXPECT_EQ(all[0].ingest, receipt->ingest.id);
  EXPECT_EQ(try_readmit(id, {}).error().code, ErrorCode::conflict);
  // Who sends the delivery again learns that its row is in.
  const auto again =
      post(body({row("\"Xx\"", 5.5, R"("channel":4)")}, R"("source":"rig","run":"r9")"));
  EXPECT_EQ(again->rows[0].verdict, Verdict::duplicate);
  EXPECT_EQ(again->rows[0].measurements.at(0), all[0].id);
}

TEST_F(Ingests, TemperaturesBelowAbsoluteZeroWait) {
  const auto receipt = post(body({
      row("\"Li\"", 1, R"j("channel":1,"conditions":{"temperature_C":-300})j"),
      row("\"Li\"", 1, R"j("channel":2,"conditions":{"T (K)":-1})j"),
      row("\"Li\"", 1, R"j("channel":3,"conditions":{"T (K)":1,"dew point (\u00b0C)":-80})j"),
      row("\"Li\"", 1, R"j("channel":4,"conditions":{"shift_bar":-5})j"),
  }));
  ASSERT_TRUE(receipt.ok());
  EXPECT_EQ(receipt->ingest.accepted, 2);
  EXPECT_THAT(receipt->rows[0].reason, HasSubstr("temperature_C is below absolute zero"));
  EXPECT_THAT(receipt->rows[1].reason, HasSubstr("T (K) is below absolute zero"));
}

TEST_F(Ingests, ARowIsReadmittedAsItIsOnceTheCampaignKnowsItsProperty) {
  const auto receipt = post(body({R"({"catalyst":"Li/MgO","values":{"C2H4":3}})"}));
  EXPECT_EQ(receipt->rows[0].verdict, Verdict::quarantined);
  CampaignDraft wider = draft("ocm", "wider");
  wider.properties.push_back({"C2H4", "%", false, {}, {}});
  apply(wider);
  const auto taken = try_readmit(receipt->rows[0].quarantine, {});
  ASSERT_TRUE(taken.ok()) << taken.error().to_string();
  EXPECT_THAT(measurements(), SizeIs(1));
}

TEST_F(Ingests, ADiscardedRowStaysReadable) {
  const auto receipt = post(body({row("\"Xx\"", 1)}));
  const std::string id = receipt->rows[0].quarantine;
  const auto without_reason =
      write<QuarantinedRow>([&](Transaction& tx) { return discard(tx, id, " ", context()); });
  EXPECT_EQ(without_reason.error().code, ErrorCode::invalid_argument);
  ASSERT_TRUE(write<QuarantinedRow>([&](Transaction& tx) {
                return discard(tx, id, "a test", context());
              }).ok());
  EXPECT_THAT(waiting(), IsEmpty());
  const auto kept = read<std::optional<QuarantinedRow>>(
      [&](const Reader& reader) { return reader.find_quarantined(id); });
  EXPECT_EQ(kept->state, QuarantineState::discarded);
  EXPECT_THAT(kept->raw, HasSubstr("Xx"));
}

TEST_F(Ingests, ALabelStandsForOneCatalyst) {
  ASSERT_TRUE(post(body({row("\"Li\"", 1, R"("sample":"S1")")})).ok());
  const auto receipt =
      post(body({row("\"Na\"", 1, R"("sample":"S1")"), row("\"Li\"", 2, R"("sample":"S1")")}));
  EXPECT_EQ(receipt->rows[0].verdict, Verdict::quarantined);
  EXPECT_EQ(receipt->rows[1].verdict, Verdict::accepted);
}

TEST_F(Ingests, ImplausibleValuesAreFlaggedAndKept) {
  const auto receipt =
      post(body({row("\"Li\"", 130), row("\"Na\"", 3, R"("measured_at":"2100-01-01T00:00:00Z")")}));
  EXPECT_EQ(receipt->rows[0].verdict, Verdict::flagged);
  EXPECT_THAT(receipt->rows[0].reason, HasSubstr("out_of_range"));
  EXPECT_THAT(receipt->rows[1].reason, HasSubstr("clock"));
  EXPECT_THAT(measurements(true), SizeIs(2));
}

TEST_F(Ingests, NumbersThatDoNotFitOneAnotherAreFlagged) {
  CampaignDraft wide = draft("ocm", "wide");
  for (const char* name : {"carbon_balance", "S_C2", "S_CO2", "CH4_conversion"}) {
    wide.properties.push_back({name, "%", false, {}, {}});
  }
  apply(wide);
  const auto flags_of = [&](const std::string& values) {
    const auto receipt =
        post(body({R"({"catalyst":"Li/MgO","values":{"C2_yield":5,)" + values + "}}"}));
    return receipt.ok() ? receipt->rows[0].reason : receipt.error().to_string();
  };
  EXPECT_EQ(flags_of(R"("carbon_balance":98,"S_C2":60,"S_CO2":45,"CH4_conversion":20)"), "");
  EXPECT_EQ(flags_of(R"("carbon_balance":70)"), "carbon_balance");
  EXPECT_EQ(flags_of(R"("S_C2":80,"S_CO2":45)"), "selectivity_sum");
  EXPECT_EQ(flags_of(R"("CH4_conversion":0.2)"), "low_conversion");
}

TEST_F(Ingests, AValueFarFromItsReplicatesIsFlaggedAndAReferenceSaysThatTheRigDrifts) {
  const auto at = [&](double value, const std::string& more = {}) {
    static int number = 0;
    const auto receipt = post(body({row("\"Li\"", value, more)}), keyed(std::to_string(++number)));
    return receipt->rows[0].reason;
  };
  for (const double value : {10.0, 10.5, 9.5, 10.2, 9.8, 10.1}) EXPECT_EQ(at(value), "");
  EXPECT_EQ(at(10.9), "");
  EXPECT_EQ(at(16.0), "replicate_spread");
  EXPECT_EQ(at(16.0, R"("conditions":{"T":1000})"), "");  // nothing to compare with
  EXPECT_EQ(at(4.0, R"("kind":"reference")"), "reference_drift");
  EXPECT_THAT(measurements(true), SizeIs(10));  // flags delete nothing
}

TEST_F(Ingests, RetractedMeasurementsStayReadableAndAreNotLearntFrom) {
  const auto receipt = post(body({row("\"Li\"", 1), row("\"Na\"", 2)}));
  const std::string id = receipt->rows[0].measurements[0];
  const auto retract_it = [&](const std::string& reason) {
    return write<Measurement>(
        [&](Transaction& tx) { return retract(tx, id, reason, "Aiko", context()); });
  };
  EXPECT_EQ(retract_it("").error().code, ErrorCode::invalid_argument);
  const auto retracted = retract_it("leaking tube");
  ASSERT_TRUE(retracted.ok());
  EXPECT_TRUE(retracted->retracted);
  EXPECT_EQ(retracted->person, "Aiko");
  EXPECT_EQ(retracted->reason, "leaking tube");
  EXPECT_EQ(retracted->value, 1.0);
  EXPECT_EQ(retract_it("again").error().code, ErrorCode::conflict);
  EXPECT_THAT(measurements(), SizeIs(2));
  EXPECT_THAT(measurements(true), SizeIs(1));
  const auto known = read<KnownPoints>([](const Reader& reader) { return reader.known_points(1); });
  EXPECT_THAT(known.measured, ::testing::ElementsAre("Na:1/MgO"));
}

TEST_F(Ingests, SupersedingByHandKeepsBothValues) {
  const auto receipt = post(body({row("\"Li\"", 1)}));
  const std::string id = receipt->rows[0].measurements[0];
  const auto corrected = write<Measurement>(
      [&](Transaction& tx) { return supersede(tx, id, 1.5, "unit slip", "", context("Aiko")); });
  ASSERT_TRUE(corrected.ok()) << corrected.error().to_string();
  EXPECT_EQ(corrected->supersedes, id);
  const auto all = measurements();
  ASSERT_THAT(all, SizeIs(2));
  EXPECT_EQ(all[0].value, 1.0);
  EXPECT_EQ(all[0].superseded_by, corrected->id);
  EXPECT_EQ(all[0].person, "Aiko");
  EXPECT_EQ(all[1].value, 1.5);
  const auto twice = write<Measurement>(
      [&](Transaction& tx) { return supersede(tx, id, 2, "again", "", context()); });
  EXPECT_EQ(twice.error().code, ErrorCode::conflict);
  EXPECT_FALSE(write<Measurement>([&](Transaction& tx) {
                 return supersede(tx, corrected->id, std::numeric_limits<double>::infinity(), "x",
                                  "", context());
               }).ok());
}

TEST_F(Ingests, ExcludingIsUndoneByIncluding) {
  const auto receipt = post(body({row("\"Li\"", 1)}));
  const std::string id = receipt->rows[0].measurements[0];
  const auto set = [&](bool excluded) {
    return write<Measurement>(
        [&](Transaction& tx) { return exclude(tx, id, excluded, "looks odd", "", context()); });
  };
  ASSERT_TRUE(set(true).ok());
  EXPECT_THAT(measurements(true), IsEmpty());
  ASSERT_TRUE(set(false).ok());
  EXPECT_THAT(measurements(true), SizeIs(1));
  ASSERT_TRUE(set(true).ok());
  EXPECT_THAT(measurements(true), IsEmpty());
}

TEST_F(Ingests, ABlankIsKeptAndNotLearntFrom) {
  ASSERT_TRUE(post(body({R"({"kind":"blank","values":{"C2_yield":0.2}})", row("\"Li\"", 3)})).ok());
  EXPECT_THAT(measurements(), SizeIs(2));
  const auto set =
      read<TrainingSet>([](const Reader& reader) { return reader.training_set(1, "C2_yield"); });
  EXPECT_THAT(set.rows, SizeIs(1));
  const auto known = read<KnownPoints>([](const Reader& reader) { return reader.known_points(1); });
  EXPECT_THAT(known.measured, SizeIs(1));
}

TEST_F(Ingests, AReceiptIsTheSameAfterwards) {
  const auto first = post(body({row("\"Li\"", 1), row("\"Xx\"", 2), row("\"Na\"", 300)}));
  reopen();
  const auto later = read<IngestReceipt>(
      [&](const Reader& reader) { return *find_receipt(reader, first->ingest.id); });
  ASSERT_EQ(later.rows.size(), first->rows.size());
  for (std::size_t i = 0; i < later.rows.size(); ++i) {
    EXPECT_EQ(later.rows[i].verdict, first->rows[i].verdict) << i;
    EXPECT_EQ(later.rows[i].measurements, first->rows[i].measurements) << i;
    EXPECT_EQ(later.rows[i].reason, first->rows[i].reason) << i;
  }
}

TEST_F(Ingests, PagesShowEveryMeasurementOnce) {
  std::vector<std::string> rows;
  rows.reserve(57);
  for (int i = 0; i < 57; ++i) rows.push_back(row("\"Li\"", i));
  ASSERT_TRUE(post(body(rows)).ok());
  std::set<std::string> seen;
  Page page;
  page.limit = 10;
  for (int pages = 0; pages < 10; ++pages) {
    const auto some = read<std::vector<Measurement>>(
        [&](const Reader& reader) { return reader.measurements(1, MeasurementFilter{}, page); });
    if (some.empty()) break;
    for (const Measurement& m : some) EXPECT_TRUE(seen.insert(m.id).second);
    page.after = some.back().seq;
  }
  EXPECT_THAT(seen, SizeIs(57));
}

// The order in which deliveries come does not decide what is known in the end.
TEST_F(Ingests, RandomHistoriesAgreeWithAPlainModel) {
  Random random(5);
  const std::vector<std::string> elements = {"Li", "Na", "K", "Cs"};
  std::map<std::string, std::pair<std::string, double>> by_name;  // run name -> catalyst, value
  std::multiset<std::pair<std::string, double>> anonymous;
  int key = 0;
  for (int step = 0; step < 600; ++step) {
    const std::string& element = elements[random.below(elements.size())];
    const double value = static_cast<double>(random.below(50));
    if (random.below(2) == 0) {
      // A named row: known with this content, known with another, or new.
      const std::string name = std::to_string(random.below(60));
      const bool revise = random.below(3) == 0;
      const std::string text =
          body({row("\"" + element + "\"", value, R"("channel":")" + name + "\"")},
               std::string(R"("source":"rig","run":"r")") + (revise ? R"(,"revise":true)" : ""));
      const auto receipt = post(text, keyed("named " + std::to_string(key++)));
      const auto found = by_name.find(name);
      const std::pair<std::string, double> content{element + ":1/MgO", value};
      if (found == by_name.end()) {
        ASSERT_TRUE(receipt.ok());
        ASSERT_EQ(receipt->rows[0].verdict, Verdict::accepted);
        by_name[name] = content;
      } else if (found->second == content) {
        ASSERT_TRUE(receipt.ok());
        ASSERT_EQ(receipt->rows[0].verdict, Verdict::duplicate);
      } else if (revise) {
        ASSERT_TRUE(receipt.ok()) << receipt.error().to_string();
        ASSERT_EQ(receipt->rows[0].verdict, Verdict::accepted);
        found->second = content;
      } else {
        ASSERT_FALSE(receipt.ok());
        ASSERT_EQ(receipt.error().code, ErrorCode::unprocessable);
      }
    } else {
      const std::string text = body({row("\"" + element + "\"", value)});
      const std::string one_key = "anonymous " + std::to_string(key++);
      for (std::uint64_t times = 1 + random.below(3); times > 0; --times) {
        ASSERT_TRUE(post(text, keyed(one_key)).ok());
      }
      anonymous.insert({element + ":1/MgO", value});
    }
    if (random.below(100) == 0) reopen();
  }
  std::multiset<std::pair<std::string, double>> expected = anonymous;
  for (const auto& [name, content] : by_name) expected.insert(content);
  std::multiset<std::pair<std::string, double>> live;
  for (const Measurement& m : measurements(true)) live.insert({m.catalyst, m.value});
  EXPECT_EQ(live, expected);
  const auto report = database_->check();
  EXPECT_TRUE(report.ok() && report->ok);
}

// docs/what-a-row-means.md.
class Tables : public Ingests {
 protected:
  DeliveryOptions csv(const std::string& id = {}) const {
    DeliveryOptions options;
    options.format = DeliveryFormat::csv;
    options.properties = draft().properties;
    if (!id.empty()) options.id = id;
    return options;
  }
  std::vector<double> live() {
    std::vector<double> values;
    for (const Measurement& m : measurements(true)) values.push_back(m.value);
    std::sort(values.begin(), values.end());
    return values;
  }
  static constexpr std::string_view kHead = "name,M1,M2,Support,C2_yield\n";
  static std::string table(const std::vector<std::string>& rows) {
    std::string text(kHead);
    for (const std::string& one : rows) text += one + "\n";
    return text;
  }
};

TEST_F(Tables, ATableThatGrewAndWasCorrectedIsImportedAgainByTheNamesOfItsRows) {
  const std::string a = "a,Li,K,MgO,1", b = "b,Na,K,MgO,2", c = "c,Li,Na,MgO,0";
  ASSERT_TRUE(post(table({a, b}), csv("name")).ok());
  const auto grown = post(table({c, b, a}), csv("name"));
  ASSERT_TRUE(grown.ok()) << grown.error().to_string();
  EXPECT_EQ(grown->ingest.accepted, 1);
  EXPECT_EQ(grown->ingest.duplicate, 2);
  EXPECT_EQ(live(), (std::vector<double>{0, 1, 2}));
  // A corrected cell is asked about, and is a revision when that is said.
  const std::string corrected = table({"a,Li,K,MgO,1.5", b, c});
  const auto asked = post(corrected, csv("name"));
  ASSERT_FALSE(asked.ok());
  EXPECT_THAT(asked.error().to_string(), HasSubstr("1 of 3 rows are stored with other content"));
  DeliveryOptions revise = csv("name");
  revise.revise = true;
  ASSERT_TRUE(post(corrected, revise).ok());
  EXPECT_EQ(live(), (std::vector<double>{0, 1.5, 2}));
  EXPECT_THAT(measurements(), SizeIs(4));
}

TEST_F(Tables, RowsWithoutNamesThatAreStoredAreAskedAbout) {
  const auto bare = [](const std::string& rows) { return "M1,M2,Support,C2_yield\n" + rows; };
  ASSERT_TRUE(post(bare("Li,K,MgO,0\nNa,K,MgO,2\n"), csv()).ok());
  const auto asked = post(bare("Li,K,MgO,0\nNa,K,MgO,2\nLi,Na,MgO,3\n"), csv());
  ASSERT_FALSE(asked.ok());
  EXPECT_THAT(asked.error().to_string(), HasSubstr("2 of 3 rows are stored already"));
  EXPECT_EQ(live(), (std::vector<double>{0, 2}));
  DeliveryOptions skip = csv();
  skip.repeats = Repeats::skip;
  // The third zero is a true replicate: only as many as are stored are duplicates.
  ASSERT_TRUE(post(bare("Li,K,MgO,0\nLi,K,MgO,0\nNa,K,MgO,2\nLi,Na,MgO,3\n"), skip).ok());
  EXPECT_EQ(live(), (std::vector<double>{0, 0, 2, 3}));
  DeliveryOptions keep = csv();
  keep.repeats = Repeats::keep;
  ASSERT_TRUE(post(bare("Na,K,MgO,2\n"), keep).ok());
  EXPECT_EQ(live(), (std::vector<double>{0, 0, 2, 2, 3}));
}

TEST_F(Tables, TheSameBytesUnderAnotherRunAreReplicates) {
  const std::string text = table({"a,Li,K,MgO,0"});
  for (const char* run : {"monday", "tuesday", "tuesday"}) {
    DeliveryOptions options = csv();
    options.run = run;
    ASSERT_TRUE(post(text, options).ok());
  }
  EXPECT_EQ(live(), (std::vector<double>{0, 0}));
}

TEST_F(Tables, WhatWasRetractedIsToldAndCanBeRestored) {
  const std::string text = table({"a,Li,K,MgO,4"});
  const auto first = post(text, csv());
  ASSERT_TRUE(first.ok()) << first.error().to_string();
  const std::string id = first->rows[0].measurements.at(0);
  ASSERT_TRUE(write<Measurement>([&](Transaction& tx) {
                return retract(tx, id, "leak", "ann", context());
              }).ok());
  const auto again = post(text, csv());
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again->ingest.accepted, 0) << "the answer counts what is stored now";
  EXPECT_THAT(again->rows[0].reason, HasSubstr("restore"));
  EXPECT_THAT(live(), IsEmpty());
  ASSERT_TRUE(write<Measurement>([&](Transaction& tx) {
                return restore(tx, id, "no leak", "ann", context());
              }).ok());
  EXPECT_EQ(live(), (std::vector<double>{4}));
}

TEST_F(Tables, RowsInQuarantineAreJudgedAnewWhenTheyComeAgain) {
  DeliveryOptions options = csv();
  options.properties.push_back({"selectivity", "%", false, {}, {}});
  const std::string text = "M1,M2,Support,selectivity\nLi,K,MgO,5\nNa,K,MgO,6\n";
  const auto first = post(text, options);
  ASSERT_TRUE(first.ok()) << first.error().to_string();
  EXPECT_EQ(first->ingest.quarantined, 2);
  auto mended = draft();
  mended.text += "# selectivity\n";
  mended.properties = options.properties;
  apply(mended);
  const auto again = post(text, options);
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again->ingest.accepted, 2);
  EXPECT_EQ(live(), (std::vector<double>{5, 6}));
  EXPECT_THAT(waiting(), IsEmpty());
  EXPECT_EQ(post(text, options)->ingest.duplicate, 2);
  EXPECT_EQ(live(), (std::vector<double>{5, 6}));
}

TEST_F(Tables, RowsInQuarantineTellWhyTheyWaitNow) {
  const std::string text = "Catalyst,Material,C2_yield\nLiXx,NaQq,5\nLi,Li,6\n";
  DeliveryOptions options = csv();
  options.composition = "Catalyst";
  ASSERT_TRUE(post(text, options).ok());
  ASSERT_THAT(waiting(), SizeIs(1));
  EXPECT_THAT(waiting()[0].reason, HasSubstr("Xx"));
  options.composition = "Material";
  for (int i = 0; i < 2; ++i) {
    const auto again = post(text, options);
    ASSERT_TRUE(again.ok()) << again.error().to_string();
    const auto kept = waiting();
    ASSERT_THAT(kept, SizeIs(1));
    EXPECT_EQ(again->rows[0].quarantine, kept[0].id);
    EXPECT_EQ(again->rows[0].reason, kept[0].reason);
    EXPECT_THAT(kept[0].reason, HasSubstr("Qq"));
    EXPECT_EQ(again->replayed, i > 0);
  }
}

TEST_F(Tables, ALimitOfDetectionIsKeptAndNotLearntFrom) {
  const auto receipt = post(table({"a,Li,K,MgO,<0.1"}), csv());
  ASSERT_TRUE(receipt.ok()) << receipt.error().to_string();
  EXPECT_THAT(receipt->rows[0].reason, HasSubstr("censored"));
  const auto all = measurements();
  ASSERT_THAT(all, SizeIs(1));
  EXPECT_TRUE(all[0].excluded);
  EXPECT_THAT(live(), IsEmpty());
}

TEST_F(Ingests, AValueThatCannotBeLearntFromIsQuarantined) {
  const auto receipt =
      post(R"({"rows":[{"catalyst":{"slots":["Li"]},"values":{"C2_yield":1e300}}]})");
  ASSERT_TRUE(receipt.ok());
  EXPECT_THAT(receipt->rows[0].reason, HasSubstr("too large"));
}

TEST_F(Ingests, AProposalIsAnsweredByCatalystAndConditions) {
  PlannedBatch planned;
  for (const char* conditions : {R"({"T":700.0})", R"({"T":800.0})"}) {
    PlannedProposal one;
    one.strategy = "explore";
    one.catalyst = "Li:1/MgO";
    one.conditions = conditions;
    planned.proposals.push_back(one);
  }
  const auto issued = write<IssuedBatch>(
      [&](Transaction& tx) { return issue_batch(tx, "ocm", planned, context("planner")); });
  ASSERT_TRUE(issued.ok()) << issued.error().to_string();
  const auto told = [&](const std::string& more) {
    return post(body({row("\"Li\"", 3, more)}))->rows[0];
  };
  EXPECT_THAT(told(R"("conditions":{"T":555})").reason, HasSubstr("other_conditions"));
  const std::string first = issued->proposals[0].id;
  EXPECT_THAT(told(R"("conditions":{"T":556},"proposal":")" + first + "\"").reason,
              HasSubstr("other_conditions"));
  EXPECT_EQ(proposal(first).state, ProposalState::requested);
  EXPECT_EQ(told(R"("conditions":{"T":800.0000000000001})").verdict, Verdict::accepted);
  EXPECT_EQ(proposal(first).state, ProposalState::requested);
  EXPECT_EQ(proposal(issued->proposals[1].id).state, ProposalState::succeeded);
  EXPECT_EQ(measurements()[2].conditions, R"({"T":800.0})");
}

// Kind 5: what was measured stands beside what was asked for.
TEST_F(Ingests, AMeasuredCompositionAnswersTheProposalThatItIsNearTo) {
  const auto config = parse_campaign(
      "format = 1\nname = \"ocm\"\n[[targets]]\nname = \"C2_yield\"\nunit = \"%\"\n"
      "goal = \"maximize\"\n[composition]\ntolerance = 0.01\n[[space]]\nkind = \"simplex\"\n"
      "step_at_percent = 10\nmax_elements = 2\nelements = [\"Ag\", \"Pd\"]\n[planner]\nbatch = 1\n",
      "ocm.toml", "application/toml", supports_);
  ASSERT_TRUE(config.ok()) << config.error().to_string();
  const auto issued = issue({"Ag:0.2;Pd:0.8", "Ag:0.333;Pd:0.667"});
  const auto take = [&](const std::string& rows) {
    DeliveryOptions options;
    options.rules = std::make_shared<const chemistry::CompositionRules>(config->composition);
    const auto prepared = prepare_delivery("{\"rows\":[" + rows + "]}", options, supports_);
    return write<IngestReceipt>(
        [&](Transaction& tx) { return ingest(tx, "ocm", *prepared, context("robot"), &*config); });
  };
  const std::string values = R"("values":{"C2_yield":5}})";
  const auto receipt = take(R"({"catalyst":{"amounts":{"Ag":20.5,"Pd":79.5}},)" + values);
  ASSERT_TRUE(receipt.ok()) << receipt.error().to_string();
  EXPECT_THAT(receipt->finished_proposals, SizeIs(1));
  EXPECT_EQ(measurements()[0].catalyst, "Ag:0.2;Pd:0.8");
  const std::string& off_the_grid = issued.proposals[1].id;
  EXPECT_THAT(take(R"({"proposal":")" + off_the_grid +
                   R"(","catalyst":{"amounts":{"Ag":0.338,"Pd":0.662}},)" + values)
                  ->finished_proposals,
              SizeIs(1));
  EXPECT_EQ(measurements()[1].catalyst, "Ag:0.333;Pd:0.667");
  const auto far = take(R"({"proposal":")" + off_the_grid +
                        R"(","catalyst":{"amounts":{"Ag":0.36,"Pd":0.64}},)" + values);
  EXPECT_EQ(far->rows[0].verdict, Verdict::quarantined);
  EXPECT_EQ(measurements()[0].told, "20.5 Ag + 79.5 Pd");
  EXPECT_THAT(measurements()[1].told, HasSubstr("0.662 Pd + 0.338 Ag"));
}

}  // namespace
}  // namespace kasetsu::campaign
