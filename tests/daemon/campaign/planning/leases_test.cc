// Promise 5: leases, and what is legal.
#include <gmock/gmock.h>

#include <map>
#include <set>
#include <thread>

#include "daemon/base/json.h"
#include "tests/daemon/store/fixture.h"

namespace kasetsu::campaign {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using enum ProposalState;

constexpr Duration kHour = std::chrono::hours(1);

class Proposals : public testing::StoreTest {
 protected:
  void SetUp() override {
    open();
    apply();
  }
  Result<Proposal> act(const std::function<Result<Proposal>(Transaction&)>& action) {
    return write<Proposal>(action);
  }
  Result<Proposal> try_claim(const std::string& id, const std::string& client,
                             Duration lease = kHour) {
    return act([&](Transaction& tx) { return claim(tx, id, client, lease, context(client)); });
  }
  Result<std::vector<Proposal>> try_take(const std::string& client, std::int64_t count) {
    return write<std::vector<Proposal>>(
        [&](Transaction& tx) { return take(tx, "ocm", client, count, kHour, context(client)); });
  }
  std::int64_t sweep() {
    return *write<std::int64_t>(
        [&](Transaction& tx) -> Result<std::int64_t> { return sweep_leases(tx, context()); });
  }
  std::vector<std::string> verbs(const std::string& id) {
    return read<std::vector<std::string>>([&](const Reader& reader) {
      std::vector<std::string> found;
      for (const Event& event : reader.events(0, 10'000, "ocm")) {
        if (event.id == id) found.push_back(event.verb);
      }
      return found;
    });
  }
};

TEST_F(Proposals, AreLeasedToOneClient) {
  const std::string id = issue({"Li:1/MgO"}).proposals[0].id;
  const auto mine = try_claim(id, "robot-1");
  ASSERT_TRUE(mine.ok()) << mine.error().to_string();
  EXPECT_EQ(mine->state, active);
  const auto theirs = try_claim(id, "robot-2");
  ASSERT_FALSE(theirs.ok());
  EXPECT_EQ(theirs.error().code, ErrorCode::conflict);
  EXPECT_THAT(theirs.error().message, HasSubstr("robot-1"));
  EXPECT_THAT(theirs.error().message, HasSubstr(format_time(now_ + kHour)));
}

TEST_F(Proposals, AClientGetsItsOwnLeaseBackAfterARestart) {
  issue({"Li:1/MgO", "Na:1/MgO", "K:1/MgO"});
  const auto first = try_take("robot", 2);
  ASSERT_THAT(*first, SizeIs(2));
  reopen();  // the daemon restarts, and so does the robot
  now_ += std::chrono::minutes(10);
  const auto again = try_take("robot", 2);
  ASSERT_THAT(*again, SizeIs(2));
  EXPECT_EQ((*again)[0].id, (*first)[0].id);
  EXPECT_EQ((*again)[1].id, (*first)[1].id);
  EXPECT_EQ((*again)[0].lease_expires, now_ + kHour);
  EXPECT_EQ((*again)[0].attempts, 1);
  const auto other = try_take("other", 2);
  ASSERT_THAT(*other, SizeIs(1));
  EXPECT_EQ((*other)[0].catalyst, "K:1/MgO");
}

TEST_F(Proposals, ExpiredLeasesAreOfferedAgain) {
  const std::string id = issue({"Li:1/MgO"}).proposals[0].id;
  ASSERT_TRUE(try_claim(id, "robot-1").ok());
  now_ += kHour - std::chrono::seconds(1);
  EXPECT_EQ(sweep(), 0);
  EXPECT_FALSE(try_claim(id, "robot-2").ok());
  now_ += std::chrono::seconds(1);
  EXPECT_EQ(sweep(), 1);
  EXPECT_EQ(proposal(id).state, requested);
  const auto second = try_claim(id, "robot-2");
  ASSERT_TRUE(second.ok());
  EXPECT_EQ(second->attempts, 2);
  EXPECT_THAT(verbs(id), ::testing::ElementsAre("claimed", "lease_expired", "claimed"));
}

TEST_F(Proposals, ALapsedLeaseNeedsNoSweepToBeTaken) {
  const std::string id = issue({"Li:1/MgO"}).proposals[0].id;
  ASSERT_TRUE(try_claim(id, "robot-1").ok());
  now_ += kHour;
  const auto taken = try_take("robot-2", 1);
  ASSERT_THAT(*taken, SizeIs(1));
  EXPECT_EQ((*taken)[0].client, "robot-2");
}

TEST_F(Proposals, AHeartbeatKeepsTheLease) {
  const std::string id = issue({"Li:1/MgO"}).proposals[0].id;
  ASSERT_TRUE(try_claim(id, "robot").ok());
  for (int i = 0; i < 5; ++i) {
    now_ += kHour / 2;
    ASSERT_TRUE(
        act([&](Transaction& tx) { return heartbeat(tx, id, "robot", kHour, context()); }).ok());
    EXPECT_EQ(sweep(), 0);
  }
  const auto wrong =
      act([&](Transaction& tx) { return heartbeat(tx, id, "thief", kHour, context()); });
  EXPECT_EQ(wrong.error().code, ErrorCode::conflict);
}

TEST_F(Proposals, AHeartbeatAfterASweepGoesOnIfNobodyCame) {
  const std::string id = issue({"Li:1/MgO"}).proposals[0].id;
  ASSERT_TRUE(try_claim(id, "robot").ok());
  now_ += 2 * kHour;
  sweep();
  const auto back =
      act([&](Transaction& tx) { return heartbeat(tx, id, "robot", kHour, context()); });
  ASSERT_TRUE(back.ok()) << back.error().to_string();
  EXPECT_EQ(back->state, active);
}

TEST_F(Proposals, ResultsFinishThem) {
  const auto batch = issue({"Li:1/MgO", "Na:1/MgO"});
  // One by its name, one by its composition.
  const auto receipt = post(
      body({row("\"Li\"", 5, "\"proposal\":\"" + batch.proposals[0].id + "\""), row("\"Na\"", 6)}));
  ASSERT_TRUE(receipt.ok());
  EXPECT_EQ(receipt->ingest.accepted, 2);
  EXPECT_THAT(receipt->finished_proposals, SizeIs(2));
  EXPECT_EQ(proposal(batch.proposals[0].id).state, succeeded);
  EXPECT_EQ(proposal(batch.proposals[1].id).state, succeeded);
  EXPECT_EQ(measurements()[1].proposal, batch.proposals[1].id);
}

TEST_F(Proposals, ARowThatNamesAProposalMayLeaveTheCatalystOut) {
  const auto batch = issue({"Li:1/MgO"});
  const auto receipt =
      post(body({"{\"proposal\":\"" + batch.proposals[0].id + "\",\"values\":{\"C2_yield\":4}}"}));
  ASSERT_TRUE(receipt.ok());
  EXPECT_EQ(receipt->rows[0].verdict, Verdict::accepted);
  EXPECT_EQ(measurements()[0].catalyst, "Li:1/MgO");
}

TEST_F(Proposals, ARowOfAnotherCatalystIsNotTakenForTheProposal) {
  const auto batch = issue({"Li:1/MgO"});
  const auto receipt =
      post(body({row("\"Na\"", 5, "\"proposal\":\"" + batch.proposals[0].id + "\"")}));
  EXPECT_EQ(receipt->rows[0].verdict, Verdict::quarantined);
  EXPECT_THAT(receipt->rows[0].reason, HasSubstr("Li:1/MgO"));
  EXPECT_EQ(proposal(batch.proposals[0].id).state, requested);
}

// The value of another sample is none of what was asked for.
TEST_F(Proposals, SamplesOfOtherKindsAnswerNoProposal) {
  const std::string id = issue({"Li:1/MgO"}).proposals[0].id;
  const std::string named = "\"proposal\":\"" + id + "\"";
  const std::string values = R"("values":{"C2_yield":0.1})";
  const auto receipt =
      post(body({"{\"kind\":\"blank\"," + named + "," + values + "}",
                 "{\"kind\":\"reference\",\"catalyst\":\"Mn/SiO2\"," + named + "," + values + "}",
                 "{\"kind\":\"support\",\"catalyst\":\"MgO\"," + named + "," + values + "}"}));
  ASSERT_TRUE(receipt.ok()) << receipt.error().to_string();
  for (const RowVerdict& one : receipt->rows) {
    EXPECT_EQ(one.verdict, Verdict::quarantined) << one.row;
    EXPECT_THAT(one.reason, HasSubstr("asks for Li:1/MgO"));
  }
  EXPECT_EQ(proposal(id).state, requested);
  // Of its catalyst, but not of a catalyst's sample: kept, and no answer.
  const auto support = post(body({"{\"kind\":\"support\"," + named + "," + values + "}"}));
  ASSERT_TRUE(support.ok()) << support.error().to_string();
  EXPECT_THAT(support->finished_proposals, IsEmpty());
  EXPECT_EQ(proposal(id).state, requested);
  ASSERT_TRUE(post(body({"{\"kind\":\"reference\"," + named + "," + values + "}"})).ok());
  EXPECT_EQ(proposal(id).state, succeeded);
}

TEST_F(Proposals, WithSomeTargetsMissingArePartial) {
  CampaignDraft two = draft("ocm", "two targets");
  two.properties.push_back({"cost", "", true, {}, {}});
  apply(two);
  const std::string id = issue({"Li:1/MgO"}).proposals[0].id;
  ASSERT_TRUE(post(body({row("\"Li\"", 5)})).ok());
  EXPECT_EQ(proposal(id).state, partial);
  ASSERT_TRUE(post(body({R"({"catalyst":"Li/MgO","values":{"cost":2}})"})).ok());
  EXPECT_EQ(proposal(id).state, succeeded);
}

// In one row it was complete, in two it was not.
TEST_F(Proposals, ALimitOfDetectionAnswersATargetInWhateverRow) {
  CampaignDraft two = draft("ocm", "two targets");
  two.properties.push_back({"cost", "", true, {}, {}});
  apply(two);
  const auto limit = [](int value) {
    return fmt::format(
        R"({{"catalyst":"Li/MgO","values":{{"C2_yield":{{"value":{},"censored":true}}}}}})", value);
  };
  const auto rest = [](int value) {
    return fmt::format(R"({{"catalyst":"Li/MgO","values":{{"cost":{}}}}})", value);
  };
  for (const int round : {1, 2}) {
    const std::string id = issue({"Li:1/MgO"}, "recheck").proposals[0].id;
    ASSERT_TRUE(post(body({round == 1 ? limit(round) : rest(round)})).ok());
    EXPECT_EQ(proposal(id).state, partial);
    ASSERT_TRUE(post(body({round == 1 ? rest(round) : limit(round)})).ok());
    EXPECT_EQ(proposal(id).state, succeeded) << round;
  }
  // One that was retracted is no answer.
  const std::string id = issue({"Li:1/MgO"}, "recheck").proposals[0].id;
  const auto taken = post(body({limit(3)}));
  ASSERT_TRUE(taken.ok());
  ASSERT_TRUE(write<Measurement>([&](Transaction& tx) {
                return retract(tx, taken->rows[0].measurements[0], "leak", "", context());
              }).ok());
  ASSERT_TRUE(post(body({rest(3)})).ok());
  EXPECT_EQ(proposal(id).state, partial);
}

// One that nobody leased, and one whose holder is gone.
TEST_F(Proposals, PartialOnesThatNobodyHoldsCanBeTakenUp) {
  CampaignDraft two = draft("ocm", "two targets");
  two.properties.push_back({"cost", "", true, {}, {}});
  apply(two);
  const auto batch = issue({"Li:1/MgO", "Na:1/MgO", "K:1/MgO"});
  const std::string by_file = batch.proposals[0].id;
  const std::string left = batch.proposals[1].id;
  const std::string lost = batch.proposals[2].id;
  for (const std::string& id : {left, lost}) ASSERT_TRUE(try_claim(id, "robot-1").ok());
  ASSERT_TRUE(post(body({row("\"Li\"", 5), row("\"Na\"", 5), row("\"K\"", 5)})).ok());
  const auto beat =
      act([&](Transaction& tx) { return heartbeat(tx, by_file, "robot-2", kHour, context()); });
  EXPECT_THAT(beat.error().message, HasSubstr("leased to nobody"));
  const auto taken = try_claim(by_file, "robot-2");
  ASSERT_TRUE(taken.ok()) << taken.error().to_string();
  EXPECT_EQ(taken->state, partial);
  EXPECT_EQ(taken->client, "robot-2");
  const auto held =
      act([&](Transaction& tx) { return fail(tx, left, "robot-2", "tube broke", context()); });
  EXPECT_THAT(held.error().message, HasSubstr("leased to robot-1"));
  EXPECT_FALSE(try_claim(lost, "robot-2").ok());
  now_ += kHour;
  EXPECT_TRUE(act([&](Transaction& tx) {
                return fail(tx, left, "robot-2", "tube broke", context());
              }).ok());
  ASSERT_TRUE(try_claim(lost, "robot-2").ok());
  EXPECT_EQ(proposal(lost).client, "robot-2");
  // What was measured of them still counts when the rest comes.
  for (const char* rest : {R"({"catalyst":"Li/MgO","values":{"cost":2}})",
                           R"({"catalyst":"K/MgO","values":{"cost":2}})"}) {
    ASSERT_TRUE(post(body({rest})).ok());
  }
  EXPECT_EQ(proposal(by_file).state, succeeded);
  EXPECT_EQ(proposal(lost).state, succeeded);
}

TEST_F(Proposals, LateResultsCountOnce) {
  const std::string id = issue({"Li:1/MgO"}).proposals[0].id;
  ASSERT_TRUE(try_claim(id, "slow").ok());
  now_ += 2 * kHour;
  sweep();
  ASSERT_TRUE(try_claim(id, "fast").ok());
  const std::string late = row("\"Li\"", 5, "\"proposal\":\"" + id + "\",\"channel\":1");
  const std::string name = R"("source":"slow","run":"r")";
  const auto first = post(body({late}, name));
  ASSERT_TRUE(first.ok());
  EXPECT_THAT(first->finished_proposals, SizeIs(1));
  EXPECT_EQ(proposal(id).state, succeeded);
  const auto again = post(body({late}, name));
  EXPECT_THAT(again->finished_proposals, IsEmpty());
  EXPECT_THAT(measurements(), SizeIs(1));
  // The other one measured it too: a real repeat, kept, and no second success.
  const auto repeat = post(body({row("\"Li\"", 7, "\"proposal\":\"" + id + "\"")}));
  EXPECT_EQ(repeat->rows[0].verdict, Verdict::accepted);
  EXPECT_THAT(repeat->finished_proposals, IsEmpty());
  EXPECT_THAT(measurements(), SizeIs(2));
  const auto all_verbs = verbs(id);
  EXPECT_EQ(std::count(all_verbs.begin(), all_verbs.end(), "succeeded"), 1);
}

TEST_F(Proposals, FailedOnesAreOfferedAgainAFewTimes) {
  const std::string id = issue({"Li:1/MgO"}).proposals[0].id;
  for (std::int64_t i = 0; i < kMostFailures; ++i) {
    const auto taken = try_take("robot", 1);
    ASSERT_THAT(*taken, SizeIs(1)) << i;
    EXPECT_EQ(
        act([&](Transaction& tx) { return fail(tx, id, "robot", "", context()); }).error().code,
        ErrorCode::invalid_argument);
    ASSERT_TRUE(
        act([&](Transaction& tx) { return fail(tx, id, "robot", "tube broke", context()); }).ok());
  }
  EXPECT_THAT(*try_take("robot", 1), IsEmpty());
  EXPECT_EQ(try_claim(id, "robot").error().code, ErrorCode::conflict);
}

TEST_F(Proposals, InfeasibleOnesAreNeverOfferedOrProposedAgain) {
  const std::string id = issue({"Li:1/MgO"}).proposals[0].id;
  ASSERT_TRUE(try_claim(id, "robot").ok());
  const auto out =
      act([&](Transaction& tx) { return mark_infeasible(tx, id, "robot", "melts", context()); });
  ASSERT_TRUE(out.ok());
  EXPECT_EQ(out->state_reason, "melts");
  EXPECT_FALSE(try_claim(id, "robot").ok());
  EXPECT_THAT(*try_take("robot", 1), IsEmpty());
  const auto again = issue({"Li:1/MgO", "Na:1/MgO"});
  EXPECT_THAT(again.left_out, ::testing::ElementsAre(AskedCandidate{"Li:1/MgO", "{}"}));
  EXPECT_THAT(again.proposals, SizeIs(1));
  const auto by_hand = act(
      [&](Transaction& tx) { return propose_by_hand(tx, "ocm", "Li:1/MgO", "please", context()); });
  EXPECT_EQ(by_hand.error().code, ErrorCode::conflict);
}

TEST_F(Proposals, OpenOnesAreNotProposedTwiceUnlessMeantSo) {
  issue({"Li:1/MgO"});
  EXPECT_THAT(issue({"Li:1/MgO"}).left_out, SizeIs(1));
  EXPECT_THAT(issue({"Na:1/MgO", "Na:1/MgO"}).proposals, SizeIs(1));
  EXPECT_THAT(issue({"Li:1/MgO", "Li:1/MgO"}, "recheck").proposals, SizeIs(2));
}

TEST_F(Proposals, TenClientsAtOnceNeverGetTheSameCatalyst) {
  std::vector<std::string> catalysts;
  for (int i = 1; i <= 40; ++i) catalysts.push_back("Li:" + std::to_string(i) + "/MgO");
  issue(catalysts);
  std::mutex mutex;
  std::multiset<std::string> given;
  std::vector<std::thread> threads;
  for (int t = 0; t < 10; ++t) {
    threads.emplace_back([&, t] {
      const auto taken = try_take("client-" + std::to_string(t), 4);
      ASSERT_TRUE(taken.ok());
      const std::lock_guard guard(mutex);
      for (const Proposal& p : *taken) given.insert(p.catalyst);
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_THAT(given, SizeIs(40));
  EXPECT_THAT(std::set<std::string>(given.begin(), given.end()), SizeIs(40));
}

TEST_F(Proposals, WhatWasMeasuredElsewhereMeanwhileIsNotGivenOut) {
  const auto batch = issue({"Li:1/MgO", "Na:1/MgO"});
  const auto repeat = issue({"Li:1/MgO"}, "recheck");
  ASSERT_TRUE(post(body({row("\"Li\"", 1)})).ok());  // by hand: no proposal is named
  const auto taken = try_take("robot", 3);
  ASSERT_TRUE(taken.ok()) << taken.error().to_string();
  std::vector<std::string> ids;
  for (const Proposal& proposal : *taken) ids.push_back(proposal.id);
  EXPECT_THAT(ids, ::testing::UnorderedElementsAre(batch.proposals[1].id, repeat.proposals[0].id));
  EXPECT_THAT(verbs(batch.proposals[0].id), ::testing::Contains("succeeded"));
  // A plan that was begun before the measurement came is too late for it.
  EXPECT_THAT(issue({"Li:1/MgO", "K:1/MgO"}).left_out,
              ::testing::ElementsAre(AskedCandidate{"Li:1/MgO", "{}"}));
}

// Proposals that differ only in conditions were dropped, all but the first, and the plate's map
// kept the ranks of the plan.
TEST_F(Proposals, ACatalystUnderOtherConditionsIsAnotherProposalAndThePlateSaysTheSame) {
  const auto issue_at = [&](const std::vector<std::string>& conditions) {
    PlannedBatch planned;
    Json plate = Json::array();
    for (std::size_t i = 0; i < conditions.size(); ++i) {
      PlannedProposal proposal;
      proposal.strategy = "explore";
      proposal.catalyst = "Li:1/MgO";
      proposal.conditions = conditions[i];
      proposal.card = fmt::format("{{\"channel\":{}}}", 10 - i);
      planned.proposals.push_back(proposal);
      plate.push_back({{"channel", 10 - i}, {"sample", "proposal"}, {"rank", i + 1}});
    }
    planned.summary = dump_json({{"plate", plate}});
    return *write<IssuedBatch>(
        [&](Transaction& tx) { return issue_batch(tx, "ocm", planned, context("planner")); });
  };
  const auto first = issue_at({R"({"T_C":700})", R"({"T_C":800})", R"({"T_C":900})"});
  EXPECT_THAT(first.proposals, SizeIs(3));
  // 800.0 is 800; 850 is new.
  const auto second = issue_at({R"({"T_C":800.0000000001})", R"({"T_C":850})", R"({"T_C":950})"});
  ASSERT_THAT(second.proposals, SizeIs(2));
  EXPECT_EQ(second.left_out.front().conditions, R"({"T_C":800.0000000001})");
  const Json summary = *parse_json(second.batch.summary);
  for (const Proposal& proposal : second.proposals) {
    const auto channel = parse_json(proposal.card)->at("channel").get<int>();
    for (const Json& place : summary.at("plate")) {
      if (place.at("channel").get<int>() != channel) continue;
      EXPECT_EQ(place.at("rank").get<std::int64_t>(), proposal.rank);
    }
  }
  EXPECT_EQ(summary.at("plate")[0].at("sample"), "empty");
}

TEST_F(Proposals, AChangedFileWithdrawsWhatItForbids) {
  const auto batch = issue({"Pb:1/MgO", "Li:1/MgO", "Pb:2/MgO"});
  ASSERT_TRUE(try_claim(batch.proposals[2].id, "robot").ok());
  CampaignDraft changed = draft("ocm", "format = 1 # no lead\n");
  changed.misfit = [](const Proposal& proposal) {
    return proposal.catalyst.starts_with("Pb") ? "rule \"no lead\": holds Pb" : "";
  };
  const Campaign before = read<Campaign>([](const Reader& r) { return *r.find_campaign("ocm"); });
  const auto named = read<std::vector<FallenProposal>>(
      [&](const Reader& reader) { return fallen_proposals(reader, before, changed); });
  EXPECT_THAT(named, SizeIs(2)) << "plan says what apply will do";
  apply(changed);
  for (const std::size_t gone : {0U, 2U}) {
    const Proposal found = proposal(batch.proposals[gone].id);
    EXPECT_EQ(found.state, cancelled);
    EXPECT_THAT(found.state_reason, HasSubstr("version 2"));
    EXPECT_THAT(found.state_reason, HasSubstr("no lead"));
  }
  EXPECT_EQ(proposal(batch.proposals[1].id).state, requested);
  EXPECT_THAT(*try_take("other", 3), SizeIs(1));
}

TEST_F(Proposals, ReleasedOnesGoBackToThePool) {
  const std::string id = issue({"Li:1/MgO"}).proposals[0].id;
  ASSERT_TRUE(try_claim(id, "robot").ok());
  EXPECT_FALSE(act([&](Transaction& tx) { return release(tx, id, "thief", context()); }).ok());
  ASSERT_TRUE(act([&](Transaction& tx) { return release(tx, id, "robot", context()); }).ok());
  EXPECT_TRUE(try_claim(id, "other").ok());
}

TEST_F(Proposals, CompleteNeedsAResult) {
  CampaignDraft two = draft("ocm", "two targets");
  two.properties.push_back({"cost", "", true, {}, {}});
  apply(two);
  const std::string id = issue({"Li:1/MgO"}).proposals[0].id;
  ASSERT_TRUE(try_claim(id, "robot").ok());
  const auto finish = [&] {
    return act([&](Transaction& tx) { return complete(tx, id, "robot", context()); });
  };
  EXPECT_EQ(finish().error().code, ErrorCode::conflict);
  ASSERT_TRUE(post(body({row("\"Li\"", 5)})).ok());
  EXPECT_EQ(finish()->state, succeeded);
  EXPECT_EQ(finish()->state, succeeded);
}

TEST_F(Proposals, AmendingCancelsTheOldAndLeasesTheNew) {
  const std::string id = issue({"Li:1/MgO"}).proposals[0].id;
  ASSERT_TRUE(try_claim(id, "robot").ok());
  const auto made = act([&](Transaction& tx) {
    return amend(tx, id, "robot", "Li:2/MgO", "weighed too much", context());
  });
  ASSERT_TRUE(made.ok()) << made.error().to_string();
  EXPECT_EQ(proposal(id).state, cancelled);
  EXPECT_EQ(made->state, active);
  EXPECT_EQ(made->client, "robot");
  EXPECT_EQ(made->amended_from, id);
  EXPECT_FALSE(made->mean.has_value());
  ASSERT_TRUE(
      post(body({R"({"catalyst":{"amounts":{"Li":2},"support":"MgO"},"values":{"C2_yield":3}})"}))
          .ok());
  EXPECT_EQ(proposal(made->id).state, succeeded);
}

TEST_F(Proposals, WhatIsLeasedToAnotherClientIsNotCancelled) {
  const std::string id = issue({"Li:1/MgO"}).proposals[0].id;
  ASSERT_TRUE(try_take("robot", 1).ok());
  const auto by = [&](const std::optional<std::string>& client) {
    return act([&](Transaction& tx) { return cancel(tx, id, client, "x", context()); });
  };
  const auto refused = by("another");
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, ErrorCode::conflict);
  EXPECT_THAT(refused.error().message, HasSubstr("leased to robot"));
  EXPECT_EQ(proposal(id).state, active);
  EXPECT_TRUE(by("robot").ok());
  EXPECT_EQ(proposal(id).state, cancelled);
  const std::string next = issue({"Na:1/MgO"}).proposals[0].id;
  ASSERT_TRUE(try_take("robot", 1).ok());
  ASSERT_TRUE(act([&](Transaction& tx) {
                return cancel(tx, next, {}, "the lead says so", context());
              }).ok());
  EXPECT_EQ(proposal(next).state, cancelled);
}

TEST_F(Proposals, AResultOfACancelledOneIsKeptAndFlagged) {
  const std::string id = issue({"Li:1/MgO"}).proposals[0].id;
  ASSERT_TRUE(act([&](Transaction& tx) { return cancel(tx, id, {}, "no stock", context()); }).ok());
  const auto receipt = post(body({row("\"Li\"", 5, "\"proposal\":\"" + id + "\"")}));
  EXPECT_EQ(receipt->rows[0].verdict, Verdict::flagged);
  EXPECT_THAT(receipt->rows[0].reason, HasSubstr("closed_proposal"));
  EXPECT_EQ(proposal(id).state, cancelled);
  EXPECT_THAT(measurements(true), SizeIs(1));
}

TEST_F(Proposals, PausedCampaignsGiveNothingOutButTakeResults) {
  const auto batch = issue({"Li:1/MgO", "Na:1/MgO"});
  ASSERT_TRUE(try_claim(batch.proposals[0].id, "robot").ok());
  ASSERT_TRUE(write<Campaign>([&](Transaction& tx) {
                return steer_campaign(tx, "ocm", CampaignVerb::pause, "", context());
              }).ok());
  EXPECT_EQ(try_claim(batch.proposals[1].id, "other").error().code, ErrorCode::conflict);
  EXPECT_THAT(*try_take("robot", 5), SizeIs(1));  // its own
  ASSERT_TRUE(post(body({row("\"Li\"", 5)})).ok());
  EXPECT_EQ(proposal(batch.proposals[0].id).state, succeeded);
}

// Every verb in every state: either it is one of the transitions of the header, or it is refused
// with a sentence and nothing changes.
TEST_F(Proposals, OnlyLegalTransitionsHappen) {
  using Verb = std::function<Result<Proposal>(Transaction&, const std::string&)>;
  const std::map<std::string, Verb> all_verbs = {
      {"claim", [&](Transaction& tx,
                    const std::string& id) { return claim(tx, id, "r", kHour, context()); }},
      {"heartbeat",
       [&](Transaction& tx, const std::string& id) {
         return heartbeat(tx, id, "r", kHour, context());
       }},
      {"release",
       [&](Transaction& tx, const std::string& id) { return release(tx, id, "r", context()); }},
      {"complete",
       [&](Transaction& tx, const std::string& id) { return complete(tx, id, "r", context()); }},
      {"fail",
       [&](Transaction& tx, const std::string& id) { return fail(tx, id, "r", "x", context()); }},
      {"infeasible",
       [&](Transaction& tx, const std::string& id) {
         return mark_infeasible(tx, id, "r", "x", context());
       }},
      {"cancel",
       [&](Transaction& tx, const std::string& id) { return cancel(tx, id, {}, "x", context()); }},
  };
  const std::map<ProposalState, std::set<ProposalState>> legal = {
      {requested, {requested, active, infeasible, cancelled, succeeded, partial, expired}},
      {active, {active, requested, partial, succeeded, failed, infeasible, cancelled}},
      {partial, {partial, succeeded, failed, infeasible, cancelled}},
      {failed, {failed, active, infeasible, cancelled, succeeded}},
      {expired, {expired, active, infeasible, cancelled, succeeded}},
      {succeeded, {succeeded}},
      {infeasible, {infeasible}},
      {cancelled, {cancelled}},
  };
  Random random(17);
  for (int history = 0; history < 60; ++history) {
    const std::string catalyst = "Li:" + std::to_string(history + 1) + "/MgO";
    const std::string id = issue({catalyst}).proposals[0].id;
    for (int step = 0; step < 12; ++step) {
      const Proposal before = proposal(id);
      auto verb = all_verbs.begin();
      std::advance(verb, static_cast<std::ptrdiff_t>(random.below(all_verbs.size())));
      const auto result = act([&](Transaction& tx) { return verb->second(tx, id); });
      const Proposal after = proposal(id);
      EXPECT_TRUE(legal.at(before.state).contains(after.state))
          << verb->first << ": " << to_string(before.state) << " -> " << to_string(after.state);
      if (!result.ok()) {
        EXPECT_EQ(result.error().code, ErrorCode::conflict) << result.error().to_string();
        EXPECT_EQ(after.revision, before.revision);
      } else {
        EXPECT_EQ(result->state, after.state);
        EXPECT_EQ(result->revision, after.revision) << verb->first;
      }
      if (random.below(4) == 0) now_ += kHour;
      if (random.below(4) == 0) sweep();
    }
  }
}

TEST_F(Proposals, NamesAndLeasesAreChecked) {
  const std::string id = issue({"Li:1/MgO"}).proposals[0].id;
  EXPECT_EQ(try_claim(id, "").error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(try_claim(id, std::string(300, 'x')).error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(try_claim(id, "robot", Duration(0)).error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(try_claim(id, "robot", kLongestLease * 2).error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(try_claim("01ARYZ6S41TSV4RRFFQ69G5FAV", "robot").error().code, ErrorCode::not_found);
  EXPECT_EQ(try_take("robot", 0).error().code, ErrorCode::invalid_argument);
}

}  // namespace
}  // namespace kasetsu::campaign
