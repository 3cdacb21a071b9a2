// Decoding deliveries, without a database.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/random.h"
#include "daemon/campaign/ingest/ingest.h"

namespace kasetsu::campaign {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

class Delivery : public ::testing::Test {
 protected:
  Delivery() {
    supports_ = chemistry::SupportTable::from_csv(
                    "support_name,formula,source\nMgO,MgO,formula\nZSM-5,SiO2,zeolite\n", "s.csv")
                    .value();
    csv_.format = DeliveryFormat::csv;
    csv_.properties = {{"yield", "%", true, {}, {}}, {"conversion", "%", false, {}, {}}};
    csv_.conditions = {"T"};
    csv_.file_name = "run.csv";
    ndjson_.format = DeliveryFormat::ndjson;
  }
  Result<PreparedDelivery> prepare(const std::string& text, const DeliveryOptions& options = {}) {
    return prepare_delivery(text, options, supports_);
  }
  PreparedRow one(const std::string& row) {
    const auto prepared = prepare("{\"rows\":[" + row + "]}");
    EXPECT_TRUE(prepared.ok()) << prepared.error().to_string();
    return prepared.ok() ? prepared->rows.at(0) : PreparedRow{};
  }
  std::string problem(const std::string& row) { return one(row).problem; }

  chemistry::SupportTable supports_;
  DeliveryOptions csv_, ndjson_;
};

TEST_F(Delivery, FormsOfACatalystMeetInOneKey) {
  const std::string values = R"("values":{"y":1}})";
  const auto slots = one(R"({"catalyst":{"slots":["Li","K","none"],"support":"MgO"},)" + values);
  EXPECT_THAT(slots.problem, IsEmpty());
  EXPECT_EQ(slots.catalyst,
            one(R"({"catalyst":{"slots":["K",null,"Li",""],"support":"MgO"},)" + values).catalyst);
  EXPECT_EQ(
      slots.catalyst,
      one(R"({"catalyst":{"amounts":{"Li":1,"K":1,"Na":0},"support":"MgO"},)" + values).catalyst);
  EXPECT_EQ(slots.catalyst, one(R"({"catalyst":"Li-K/MgO",)" + values).catalyst);
  EXPECT_EQ(slots.catalyst,
            one(R"({"catalyst":{"formula":"LiK","support":"MgO"},)" + values).catalyst);
  EXPECT_EQ(slots.catalyst,
            one(R"({"catalyst":{"key":")" + slots.catalyst + R"("},)" + values).catalyst);
  EXPECT_NE(slots.catalyst,
            one(R"({"catalyst":{"slots":["Li","Li","K"],"support":"MgO"},)" + values).catalyst);
}

TEST_F(Delivery, EverythingThatARowMaySayIsRead) {
  const PreparedRow row = one(
      R"({"catalyst":{"amounts":{"Li":0.371},"support":"ZSM-5","preparation":"sol-gel"},
          "proposal":"P","sample":"S7","kind":"reference","channel":3,"sequence":12,"replicate":2,
          "conditions":{"T":973,"CH4/O2":2.5},"values":{"y":{"value":8.2,"unit":"%"},"x":1,"z":null},
          "measured_at":"2026-03-01T09:30:00+09:00","source":"rig","run":"r1"})");
  EXPECT_THAT(row.problem, IsEmpty());
  EXPECT_EQ(row.channel, "3");
  EXPECT_EQ(row.sequence, 12);
  EXPECT_EQ(row.replicate, 2);
  EXPECT_EQ(row.kind, SampleKind::reference);
  EXPECT_EQ(row.conditions, R"({"CH4/O2":2.5,"T":973.0})");
  ASSERT_EQ(row.values.size(), 2u);  // z was not measured
  EXPECT_EQ(row.values[1].property, "y");
  EXPECT_EQ(row.values[1].unit, "%");
  EXPECT_EQ(format_time(*row.measured_at), "2026-03-01T00:30:00.000000Z");
}

TEST_F(Delivery, WrongRowsNameThePlaceTheValueAndWhatWasExpected) {
  const std::string fine = R"("catalyst":{"slots":["Li"]},)";
  const struct {
    std::string row;
    std::string says;
  } cases[] = {
      {R"({"catalyst":{"slots":["Xx"]},"values":{"y":1}})",
       "/rows/0/catalyst/slots/0: unknown element \"Xx\""},
      {R"({"catalyst":{"slots":["li"]},"values":{"y":1}})", "unknown element \"li\""},
      {R"({"catalyst":{"slots":["Li"],"support":"Unobtainium"},"values":{"y":1}})",
       "/rows/0/catalyst/support"},
      {R"({"catalyst":{"amounts":{"Li":-1}},"values":{"y":1}})", "negative"},
      {R"({"catalyst":{"amounts":{"Li":"1"}},"values":{"y":1}})", "not a number"},
      {R"({"catalyst":{"slots":["none","none"]},"values":{"y":1}})", "no element and no support"},
      {R"({"catalyst":{"slots":["Li"],"amounts":{"Li":1}},"values":{"y":1}})", "twice"},
      {R"({"catalyst":{"slotz":["Li"]},"values":{"y":1}})", "slots"},
      {R"({"catalyst":17,"values":{"y":1}})", "not a catalyst"},
      {R"({"values":{"y":1}})", "/rows/0/catalyst"},
      {"{" + fine + R"("values":{"y":"abc"}})", "/rows/0/values/y: not a number \"abc\""},
      {"{" + fine + R"("values":{"y":true}})", "not a number"},
      {"{" + fine + R"("values":{}})", "no value"},
      {"{" + fine + R"("values":{"y":null}})", "no value"},
      {"{" + fine + R"("value":{"y":1}})", "\"values\"?"},
      {"{" + fine + R"("values":[1]})", "not an object"},
      {"{" + fine + R"("values":{"y":1},"sequence":1.5})", "not an integer"},
      {"{" + fine + R"("values":{"y":1},"kind":"catalyzer"})", "kind"},
      {"{" + fine + R"("values":{"y":1},"measured_at":"yesterday"})", "not a time"},
      {"{" + fine + R"("values":{"y":1},"conditions":{"T":"hot"}})", "/rows/0/conditions/T"},
      {R"("just a text")", "not an object"},
  };
  for (const auto& c : cases) EXPECT_THAT(problem(c.row), HasSubstr(c.says)) << c.row;
}

TEST_F(Delivery, ABlankHoldsNoCatalyst) {
  EXPECT_EQ(one(R"({"kind":"blank","values":{"y":0.1}})").catalyst, "-");
  EXPECT_THAT(problem(R"({"kind":"blank","catalyst":{"slots":["Li"]},"values":{"y":0.1}})"),
              HasSubstr("blank"));
}

TEST_F(Delivery, WhatCannotBeReadAtAllIsRefused) {
  for (const char* text : {"", "{", "[]", "{}", R"({"rows":[]})", R"({"rows":{}})",
                           R"({"rows":[{}],"rows":[{}]})", R"({"rowz":[{}]})", "null"}) {
    const auto prepared = prepare(text);
    ASSERT_FALSE(prepared.ok()) << text;
    EXPECT_EQ(prepared.error().code, ErrorCode::bad_data) << text;
  }
}

TEST_F(Delivery, WhatCannotBeReadIsKeptWhenNobodyWaitsForTheAnswer) {
  DeliveryOptions options;
  options.quarantine_unreadable = true;
  const auto prepared = prepare("{broken", options);
  ASSERT_TRUE(prepared.ok());
  ASSERT_EQ(prepared->rows.size(), 1u);
  EXPECT_THAT(prepared->rows[0].problem, HasSubstr("not JSON"));
  EXPECT_EQ(prepared->bytes, "{broken");
}

TEST_F(Delivery, ARowReadsBackFromItsOwnText) {
  const PreparedRow row = one(
      R"({"catalyst":{"amounts":{"Li":0.371,"W":1e-3},"support":"ZSM-5"},"proposal":"P","sample":"S",
          "channel":"c","sequence":1,"conditions":{"T":1.1},"values":{"y":{"value":0.1,"unit":"%"},
          "yy":{"value":95,"censored":true,"above":true},
          "z":{"value":5,"censored":true}},"measured_at":"2026-03-01T09:30:00.5Z"})");
  const auto back = prepare_row(row_to_json(row), supports_);
  ASSERT_TRUE(back.ok()) << back.error().to_string();
  EXPECT_EQ(row_to_json(*back), row_to_json(row));
  EXPECT_EQ(back->catalyst, row.catalyst);
  ASSERT_EQ(back->values.size(), 3U);
  EXPECT_FALSE(back->values[0].censored);
  EXPECT_TRUE(back->values[1].censored) << "a limit that waits in quarantine stays a limit";
  EXPECT_TRUE(back->values[1].above) << "and keeps its direction";
  EXPECT_TRUE(back->values[2].censored);
  EXPECT_FALSE(back->values[2].above);
}

TEST_F(Delivery, OnlyALimitIsOneFromAbove) {
  const PreparedRow row = one(R"({"catalyst":"Li/MgO","values":{"y":{"value":95,"above":true}}})");
  EXPECT_THAT(row.problem, HasSubstr("only a limit is one from above"));
}

TEST_F(Delivery, LinesOfNdjsonStandAlone) {
  const auto prepared = prepare(
      "{\"catalyst\":\"Li/"
      "MgO\",\"values\":{\"y\":1},\"source\":\"rig\",\"run\":\"r\",\"channel\":1}\n"
      "\n"
      "{not json}\r\n"
      "{\"catalyst\":\"Xx/MgO\",\"values\":{\"y\":1}}",
      ndjson_);
  ASSERT_TRUE(prepared.ok());
  ASSERT_EQ(prepared->rows.size(), 3u);
  EXPECT_THAT(prepared->rows[0].problem, IsEmpty());
  EXPECT_EQ(prepared->rows[0].source, "rig");
  EXPECT_THAT(prepared->rows[1].problem, HasSubstr("line 3"));
  EXPECT_THAT(prepared->rows[2].problem, HasSubstr("line 4"));
}

TEST_F(Delivery, TablesAreReadWithWhatTheyTellOfTheirRows) {
  const auto prepared = prepare(
      "M1,M2,Support,T,channel,sample,yield\n"
      "Li,K,MgO,973,1,S1,8.5\n"
      "Na,none,MgO,1023,2,S2,9.5\n",
      csv_);
  ASSERT_TRUE(prepared.ok()) << prepared.error().to_string();
  ASSERT_EQ(prepared->rows.size(), 2u);
  EXPECT_THAT(prepared->rows[0].problem, IsEmpty());
  EXPECT_EQ(prepared->rows[0].channel, "1");
  EXPECT_EQ(prepared->rows[1].sample, "S2");
  EXPECT_EQ(prepared->rows[1].conditions, R"({"T":1023.0})");
  ASSERT_EQ(prepared->rows[1].values.size(), 1u);
  EXPECT_EQ(prepared->rows[1].values[0].value, 9.5);
}

TEST_F(Delivery, AWrongRowOfATableDoesNotTakeTheOthersWithIt) {
  const std::string table =
      "M1,M2,Support,T,yield\n"
      "Li,K,MgO,973,8.5\n"
      "Xx,K,MgO,973,8.5\n"
      "Li,K,MgO,973,abc\n"
      "Li,K,MgO,973\n"
      "Li,K,MgO,973,\n"
      "Na,K,MgO,973,7\n";
  const auto prepared = prepare(table, csv_);
  ASSERT_TRUE(prepared.ok()) << prepared.error().to_string();
  ASSERT_EQ(prepared->rows.size(), 5u);
  EXPECT_THAT(prepared->rows[0].problem, IsEmpty());
  EXPECT_THAT(prepared->rows[1].problem, HasSubstr("run.csv:3: column \"M1\""));
  EXPECT_THAT(prepared->rows[1].problem, HasSubstr("Xx"));
  EXPECT_THAT(prepared->rows[2].problem, HasSubstr("run.csv:4: column \"yield\""));
  EXPECT_THAT(prepared->rows[3].problem, HasSubstr("run.csv:5"));
  EXPECT_THAT(prepared->notes, ::testing::ElementsAre(HasSubstr("1 row holds no measured value")));
  EXPECT_THAT(prepared->rows[4].problem, IsEmpty());
  EXPECT_EQ(prepared->rows[4].values[0].value, 7.0);
  // Kept so that it can be read again, and still wrong for the same reason.
  const auto again = prepare_row(prepared->rows[1].raw, supports_);
  ASSERT_FALSE(again.ok());
  EXPECT_THAT(again.error().to_string(), HasSubstr("Xx"));
}

TEST_F(Delivery, ATableWithoutAKnownPropertyIsRefused) {
  const auto prepared = prepare("M1,M2,Support,yeild\nLi,K,MgO,1\n", csv_);
  ASSERT_FALSE(prepared.ok());
  EXPECT_THAT(prepared.error().to_string(), HasSubstr("yield"));
}

TEST_F(Delivery, MediaTypesAreRecognised) {
  EXPECT_EQ(parse_delivery_format("application/json; charset=utf-8"), DeliveryFormat::json);
  EXPECT_EQ(parse_delivery_format("Text/CSV"), DeliveryFormat::csv);
  EXPECT_EQ(parse_delivery_format("application/x-ndjson"), DeliveryFormat::ndjson);
  EXPECT_FALSE(parse_delivery_format("text/plain").has_value());
}

TEST_F(Delivery, MutilatedBytesAreRefusedOrKeptAndNeverCrash) {
  const std::string good =
      R"({"source":"rig","run":"r","rows":[{"catalyst":{"slots":["Li","K"],"support":"MgO"},)"
      R"("channel":1,"values":{"yield":8.2},"measured_at":"2026-03-01T09:30:00Z"}]})";
  const std::string table = "M1,M2,Support,T,yield\nLi,K,MgO,973,8.5\n\"Na\",K,MgO,973,7\n";
  Random random(11);
  for (int i = 0; i < 20'000; ++i) {
    for (const auto& [text, options] :
         {std::pair{good, DeliveryOptions{}}, {good, ndjson_}, {table, csv_}}) {
      std::string broken = text;
      for (std::uint64_t k = 1 + random.below(4); k > 0; --k) {
        const auto at = static_cast<std::size_t>(random.below(broken.size()));
        switch (random.below(3)) {
          case 0:
            broken[at] = static_cast<char>(random.below(256));
            break;
          case 1:
            broken.erase(at, 1 + static_cast<std::size_t>(random.below(5)));
            break;
          default:
            broken.insert(at, broken.substr(at, static_cast<std::size_t>(random.below(20))));
        }
        if (broken.empty()) broken.push_back('x');
      }
      const auto prepared = prepare(broken, options);
      if (!prepared) continue;
      for (const PreparedRow& row : prepared->rows) {
        // A row is either whole or says why not.
        ASSERT_TRUE(!row.problem.empty() || !row.values.empty());
        ASSERT_TRUE(!row.problem.empty() || !row.catalyst.empty() || !row.proposal.empty());
      }
    }
  }
}

// Compositions are looked up by the text of their cells: what a row means must not depend on the
// rows around it. The oracle is a table of that row alone.
TEST_F(Delivery, ARowOfATableMeansTheSameWhateverStandsAroundIt) {
  Random random(41);
  const auto pick = [&](const std::vector<std::string>& from) {
    return from[static_cast<std::size_t>(random.below(from.size()))];
  };
  std::size_t good = 0, wrong = 0, named = 0;
  csv_.run = "r1";  // so that rows with a channel or a sequence have names
  for (int round = 0; round < 40; ++round) {
    const bool slots = round % 2 == 0;
    const std::string header = slots ? "M1,M2,Support,T,yield,conversion,sample,channel,sequence\n"
                                     : "Li,Na,Support,T,yield,conversion,sample,channel,sequence\n";
    const std::vector<std::string> cells =
        slots ? std::vector<std::string>{"Li", "K", " Li", "none", "", "Mn", "Mn", "Xx"}
              : std::vector<std::string>{"0", "1", "0.5", " 1", "2.50", "1e-1", "-1"};
    std::vector<std::string> rows;
    for (int r = 0; r < 30; ++r) {
      std::string row = pick(cells) + "," + pick(cells) + "," +
                        pick({"MgO", "MgO", "MgO", "ZSM-5", "none", "Mars"}) + "," +
                        pick({"700", "700", "750.5", "", "7x"}) + "," +
                        pick({"1.5", "1.5", " 2 ", "", "abc", "1e400", "-0", "nan"}) + "," +
                        pick({"10", "", "", "+3"}) + "," + pick({"", "s1", "\"a,b\"", "\xC3\xA9"}) +
                        "," + pick({"", "3"}) + "," + pick({"", "7", "7.5"});
      if (random.below(20) == 0) row += ",more";
      rows.push_back(row + "\n");
    }
    std::string table = header;
    for (const std::string& row : rows) table += row;
    const auto whole = prepare(table, csv_);
    ASSERT_TRUE(whole.ok()) << whole.error().to_string();
    std::size_t next = 0;
    for (std::size_t r = 0; r < rows.size(); ++r) {
      SCOPED_TRACE(rows[r]);
      const auto alone = prepare(header + rows[r], csv_);
      const std::string place = "line " + std::to_string(r + 2);
      if (!alone.ok()) {
        ASSERT_THAT(alone.error().to_string(),
                    testing::AnyOf(HasSubstr("holds a value"), HasSubstr("a quote inside a cell")));
        ASSERT_TRUE(next == whole->rows.size() || whole->rows[next].pointer != place);
        continue;
      }
      // A row with a label and nothing measured: what is stored of it decides.
      if (alone->rows.empty()) {
        ASSERT_EQ(alone->emptied.size(), 1u);
        ASSERT_TRUE(next == whole->rows.size() || whole->rows[next].pointer != place);
        continue;
      }
      const PreparedRow& expected = alone->rows.at(0);
      ASSERT_LT(next, whole->rows.size());
      const PreparedRow& got = whole->rows[next++];
      ASSERT_EQ(got.pointer, place);
      std::string problem = expected.problem;
      for (std::size_t at; (at = problem.find("run.csv:2")) != std::string::npos;) {
        problem.replace(at, 9, "run.csv:@");
      }
      for (std::size_t at; (at = problem.find('@')) != std::string::npos;) {
        problem.replace(at, 1, std::to_string(r + 2));
      }
      ASSERT_EQ(got.problem, problem);
      ASSERT_EQ(got.raw, expected.raw);
      if (!problem.empty()) {
        ++wrong;
        continue;
      }
      ++good;
      ASSERT_EQ(row_to_json(got), row_to_json(expected));
      ASSERT_EQ(got.content, expected.content);
      ASSERT_EQ(got.content.has_value(), has_name(csv_.run, got.channel, got.sequence));
      if (got.content) {
        ++named;
        ASSERT_EQ(*got.content, content_of(got, "", csv_.run));
      }
    }
  }
  EXPECT_GT(good, 100u);
  EXPECT_GT(wrong, 100u);
  EXPECT_GT(named, 50u);
}

TEST_F(Delivery, ReadingEndsWhereTooManyRowsAreWrong) {
  std::string lines, rows;
  for (int i = 0; i < 50'000; ++i) {
    lines += "x\n";
    rows += i == 0 ? "{}" : ",{}";
  }
  for (const auto& [text, options] : {std::pair<std::string, DeliveryOptions>{lines, ndjson_},
                                      {"{\"rows\":[" + rows + "]}", DeliveryOptions{}}}) {
    const auto refused = prepare(text, options);
    ASSERT_FALSE(refused.ok());
    EXPECT_THAT(refused.error().to_string(),
                HasSubstr("10001 of the first 10001 rows cannot be read, and nothing was taken"));
    EXPECT_THAT(refused.error().to_string(), HasSubstr("at most 10000 rows that cannot be read"));
  }
  const auto taken = prepare(lines.substr(0, 20'000), ndjson_);
  ASSERT_TRUE(taken.ok());
  EXPECT_EQ(taken->rows.size(), 10'000u);
}

TEST_F(Delivery, WhatAWrongRowSaysOfItselfIsBounded) {
  std::string name;
  for (int i = 0; i < 100'000; ++i) name += "ü";
  const PreparedRow wrong = one("{\"catalyst\":\"" + name + "\",\"values\":{\"yield\":1}}");
  EXPECT_LE(wrong.problem.size(), 2'010u);
  EXPECT_FALSE(wrong.problem.empty());
}

TEST_F(Delivery, MoreRowsThanADeliveryMayHaveAreRefusedWithWhatToDo) {
  DeliveryOptions options = ndjson_;
  options.max_rows = 2;
  const auto refused = prepare("{}\n{}\n{}\n", options);
  ASSERT_FALSE(refused.ok());
  EXPECT_THAT(refused.error().to_string(), HasSubstr("split it into several"));
}

}  // namespace
}  // namespace kasetsu::campaign
