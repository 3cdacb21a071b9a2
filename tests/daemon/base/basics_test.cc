// Times, identifiers, digests, strict JSON.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "core/base/random.h"
#include "daemon/base/digest.h"
#include "daemon/base/json.h"
#include "daemon/base/secret_addresses.h"
#include "daemon/base/time.h"
#include "daemon/base/ulid.h"
#include "daemon/campaign/records/types.h"

namespace kasetsu::campaign {
namespace {

using ::testing::HasSubstr;

TEST(Times, AreWrittenAndReadBack) {
  EXPECT_EQ(format_time(from_micros(0)), "1970-01-01T00:00:00.000000Z");
  EXPECT_EQ(format_time(from_micros(1'000'000'000'123'456)), "2001-09-09T01:46:40.123456Z");
  Random random(3);
  for (int i = 0; i < 10'000; ++i) {
    const Time time = from_micros(static_cast<std::int64_t>(random.below(7'000'000'000'000'000)));
    const auto back = parse_time(format_time(time));
    ASSERT_TRUE(back.ok()) << format_time(time);
    ASSERT_EQ(*back, time);
  }
}

TEST(Times, WithAnOffsetAreTheSameInstant) {
  const auto utc = parse_time("2026-03-01T00:30:00Z");
  ASSERT_TRUE(utc.ok());
  EXPECT_EQ(*parse_time("2026-03-01T09:30:00+09:00"), *utc);
  EXPECT_EQ(*parse_time("2026-02-28T19:30:00-05:00"), *utc);
  EXPECT_EQ(*parse_time("2026-03-01t00:30:00.000000000z"), *utc);
  // Years are those of UTC, in which it is kept.
  EXPECT_FALSE(parse_time("2200-12-31T23:00:00-05:00").ok());
  EXPECT_FALSE(parse_time("1970-01-01T01:00:00+09:00").ok());
}

TEST(Times, ThatSayTooLittleAreRefused) {
  for (const char* text :
       {"", "2026-03-01", "2026-03-01T09:30:00", "2026-03-01T09:30Z", "2026-02-30T09:30:00Z",
        "2026-13-01T09:30:00Z", "2026-03-01T24:30:00Z", "2026-03-01T09:60:00Z",
        "2026-03-01T09:30:00.Z", "2026-03-01T09:30:00Zx", "2026-03-01T09:30:00+0900",
        "1969-03-01T09:30:00Z", "2999-03-01T09:30:00Z", "26-03-01T09:30:00Z"}) {
    EXPECT_FALSE(parse_time(text).ok()) << text;
  }
}

TEST(Ulids, RiseAlsoWhenTheClockDoesNot) {
  Random random(1);
  UlidSource ids([&] { return random.next(); });
  std::string last;
  std::int64_t now = 1'700'000'000'000'000;
  for (int i = 0; i < 20'000; ++i) {
    // Forward, standing still, and an hour back.
    now += i % 3 == 0 ? 500 : i % 1000 == 999 ? -3'600'000'000 : 0;
    const std::string id = ids.next(from_micros(now));
    ASSERT_TRUE(is_ulid(id)) << id;
    ASSERT_LT(last, id);
    last = id;
  }
}

TEST(Ulids, CarryTheirTime) {
  UlidSource ids([] { return 0ull; });
  // The example of the specification: 1469918176385 ms is 01ARYZ6S41.
  EXPECT_EQ(ids.next(from_micros(1'469'918'176'385'000)).substr(0, 10), "01ARYZ6S41");
  EXPECT_FALSE(is_ulid("01ARYZ6S41TSV4RRFFQ69G5FAU"));  // U is not in the alphabet
  EXPECT_FALSE(is_ulid("81ARYZ6S41TSV4RRFFQ69G5FAV"));  // more than 128 bits
  EXPECT_TRUE(is_ulid("01ARYZ6S41TSV4RRFFQ69G5FAV"));
}

TEST(Ulids, AreNumbersThatCanBeCountedUp) {
  Random random(5);
  for (int i = 0; i < 10'000; ++i) {
    // Every other one shortly before a carry.
    const Ulid from{random.next() >> 1, i % 2 == 0 ? random.next() : ~random.below(1'000)};
    const std::uint64_t steps = random.below(2'000);
    const Ulid to = from.plus(steps);
    ASSERT_EQ(Ulid::parse(to.text()), to);
    if (steps > 0) {
      ASSERT_LT(from.text(), to.text());
    }
    const std::uint64_t first = random.below(steps + 1);
    ASSERT_EQ(from.plus(first).plus(steps - first), to);
  }
}

// JSON may write a slash in three ways, and TOML in one more.
TEST(SecretAddresses, AreHiddenHoweverTheyAreSpelt) {
  const std::pair<const char*, const char*> texts[] = {
      {R"({"url":"https://hooks.example/services/SECRET"})",
       R"({"url":"https://hooks.example/..."})"},
      {R"({"url":"https:\/\/hooks.example\/services\/SECRET"})",
       R"({"url":"https:\/\/hooks.example/..."})"},
      {R"({"url":"https:\u002f\u002Fhooks.example\u002fSECRET","kind":"slack"})",
       R"({"url":"https:\u002f\u002Fhooks.example/...","kind":"slack"})"},
      {R"(url = "https\u003a//user:SECRET\u0040hooks.example" # why)",
       R"(url = "https\u003a//hooks.example/..." # why)"},
      {R"(url = "https:\U0000002F/hooks.example/SECRET")",
       R"(url = "https:\U0000002F/hooks.example/...")"},
      {R"(url = 'https://SECRET:SECRET@hooks.example:8443?SECRET')",
       R"(url = 'https://hooks.example:8443/...')"},
      {"https://hooks.example and https://other.example/SECRET\n",
       "https://hooks.example and https://other.example/...\n"},
      {R"({"a":"C:\\temp","b":"x:/y","c":"1:\u002"})",
       R"({"a":"C:\\temp","b":"x:/y","c":"1:\u002"})"}};
  for (const auto& [text, shown] : texts) EXPECT_EQ(without_secrets(text), shown);
}

TEST(Ulids, OfABlockAreGivenToNobodyElse) {
  Random random(6);
  UlidSource ids([&] { return random.next(); });
  std::set<std::string> seen;
  for (int i = 0; i < 2'000; ++i) {
    const Time now = from_micros(1'700'000'000'000'000 + i / 7 * 1'000);
    const std::uint64_t count = 1 + random.below(20);
    const Ulid first = ids.block(now, count);
    for (std::uint64_t k = 0; k < count; ++k) {
      ASSERT_TRUE(seen.insert(first.plus(k).text()).second);
    }
    ASSERT_TRUE(seen.insert(ids.next(now)).second);
  }
}

TEST(Sha256, MatchesTheStandardsVectors) {
  EXPECT_EQ(sha256("").hex(), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256("abc").hex(),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  Sha256 pieces;
  pieces.add("a");
  pieces.add("bc");
  EXPECT_EQ(pieces.finish(), sha256("abc"));
}

TEST(StrictJson, RefusesWhatTheLibraryLetsThrough) {
  EXPECT_TRUE(parse_json(R"({"a": [1, 2.5, {"b": null}]})").ok());
  const auto deep = [](int levels) {
    return std::string(static_cast<std::size_t>(levels), '[') +
           std::string(static_cast<std::size_t>(levels), ']');
  };
  EXPECT_TRUE(parse_json(deep(kDeepestJson)).ok());
  EXPECT_FALSE(parse_json(deep(kDeepestJson + 1)).ok());
  EXPECT_FALSE(parse_json(deep(1'000'000)).ok());
  EXPECT_FALSE(parse_json(std::string(1'000'000, '[')).ok());
  EXPECT_THAT(parse_json(R"({"a": 1, "a": 2})").error().message, HasSubstr("twice"));
  EXPECT_TRUE(parse_json(R"([{"a": 1}, {"a": 2}])").ok());
  EXPECT_FALSE(parse_json("1e999").ok());
  EXPECT_FALSE(parse_json("NaN").ok());
  EXPECT_FALSE(parse_json("{\"a\": \"\xff\"}").ok());
  EXPECT_FALSE(parse_json("{} {}").ok());
  EXPECT_FALSE(parse_json("").ok());
}

TEST(StrictJson, FieldsAreOfTheKindThatIsAskedFor) {
  const Json object = *parse_json(
      R"({"int": 3, "real": 3.9, "yes": true, "text": "x", "huge": 9223372036854775808, "no": null})");
  EXPECT_EQ(*read_field<std::int64_t>(object, "int"), 3);
  EXPECT_EQ(*read_field<double>(object, "int"), 3.0);
  EXPECT_FALSE(read_field<std::int64_t>(object, "real").ok());
  EXPECT_FALSE(read_field<std::int64_t>(object, "yes").ok());
  EXPECT_FALSE(read_field<std::int64_t>(object, "huge").ok());
  EXPECT_FALSE(read_field<double>(object, "yes").ok());
  EXPECT_FALSE(read_field<double>(object, "text").ok());
  EXPECT_FALSE(read_field<std::string>(object, "int").ok());
  EXPECT_FALSE(read_optional<double>(object, "no")->has_value());
  EXPECT_FALSE(read_optional<double>(object, "absent")->has_value());
  const auto wrong = read_field<double>(object, "text", "/rows/3");
  EXPECT_EQ(wrong.error().where, "/rows/3/text");
  EXPECT_EQ(json_pointer("/a", "b/c~d"), "/a/b~1c~0d");
}

TEST(StrictJson, UnknownMembersGetAHint) {
  const Json object = *parse_json(R"({"chanel": 3})");
  const Status status = refuse_unknown(object, {"channel", "values"}, "/rows/0");
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().where, "/rows/0/chanel");
  EXPECT_THAT(status.error().expected, HasSubstr("channel"));
}

TEST(States, HaveNamesThatReadBack) {
  for (const auto state :
       {ProposalState::requested, ProposalState::active, ProposalState::partial,
        ProposalState::succeeded, ProposalState::failed, ProposalState::infeasible,
        ProposalState::expired, ProposalState::cancelled}) {
    EXPECT_EQ(parse_proposal_state(to_string(state)), state);
  }
  EXPECT_FALSE(parse_proposal_state("requested").has_value());
}

}  // namespace
}  // namespace kasetsu::campaign
