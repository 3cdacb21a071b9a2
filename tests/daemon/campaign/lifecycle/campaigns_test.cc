#include <gmock/gmock.h>

#include "tests/daemon/store/fixture.h"

namespace kasetsu::campaign {
namespace {

using ::testing::HasSubstr;

class Campaigns : public testing::StoreTest {
 protected:
  void SetUp() override { open(); }
  Result<Applied> try_apply(const CampaignDraft& draft, std::optional<std::int64_t> revision = {}) {
    return write<Applied>(
        [&](Transaction& tx) { return apply_campaign(tx, draft, context(), revision); });
  }
  Result<Campaign> steer(CampaignVerb verb, const std::string& reason = "") {
    return write<Campaign>(
        [&](Transaction& tx) { return steer_campaign(tx, "ocm", verb, reason, context()); });
  }
};

TEST_F(Campaigns, ApplyIsIdempotentAndVersioned) {
  const auto first = try_apply(draft("ocm", "one"));
  ASSERT_TRUE(first.ok());
  EXPECT_EQ(first->outcome, ApplyOutcome::created);
  EXPECT_EQ(first->campaign.state, CampaignState::active);
  const auto again = try_apply(draft("ocm", "one"));
  EXPECT_EQ(again->outcome, ApplyOutcome::unchanged);
  EXPECT_EQ(again->campaign.revision, first->campaign.revision);
  const auto changed = try_apply(draft("ocm", "two"));
  EXPECT_EQ(changed->outcome, ApplyOutcome::updated);
  EXPECT_EQ(changed->campaign.version, 2);
  EXPECT_EQ(changed->campaign.id, first->campaign.id);
  reopen();
  const auto versions = read<std::vector<CampaignVersion>>([](const Reader& reader) {
    return reader.campaign_versions(reader.find_campaign("ocm")->key);
  });
  ASSERT_EQ(versions.size(), 2u);
  EXPECT_EQ(versions[0].text, "one");  // verbatim, for ever
  EXPECT_EQ(versions[1].text, "two");
}

TEST_F(Campaigns, NamesAreFitForUrlsAndFiles) {
  for (const char* name : {"ocm", "ocm-2.b_c", "2026", "a"}) {
    EXPECT_TRUE(check_campaign_name(name).ok()) << name;
  }
  for (const std::string& name :
       {std::string(), std::string("OCM"), std::string("../x"), std::string("-x"),
        std::string("a b"), std::string("a/b"), std::string("a:b"), std::string(65, 'a'),
        std::string("メタン")}) {
    EXPECT_FALSE(check_campaign_name(name).ok()) << name;
    EXPECT_EQ(try_apply(draft(name)).error().code, ErrorCode::invalid_argument);
  }
}

TEST_F(Campaigns, NeedATargetAndNoPropertyTwice) {
  CampaignDraft none = draft();
  none.properties = {{"CO2_yield", "%", false, {}, {}}};
  EXPECT_FALSE(try_apply(none).ok());
  CampaignDraft twice = draft();
  twice.properties.push_back(twice.properties[0]);
  EXPECT_FALSE(try_apply(twice).ok());
}

TEST_F(Campaigns, AnOldRevisionDoesNotOverwriteANewerOne) {
  const auto first = try_apply(draft("ocm", "one"));
  ASSERT_TRUE(try_apply(draft("ocm", "two"), first->campaign.revision).ok());
  const auto late = try_apply(draft("ocm", "three"), first->campaign.revision);
  ASSERT_FALSE(late.ok());
  EXPECT_EQ(late.error().code, ErrorCode::conflict);
}

TEST_F(Campaigns, AUnitIsNotChangedUnderItsMeasurements) {
  apply(draft("ocm", "one"));
  CampaignDraft other = draft("ocm", "two");
  other.properties[0].unit = "mol/mol";
  ASSERT_TRUE(try_apply(other).ok());  // nothing measured yet
  other.text = "three";
  other.properties[0].unit = "%";
  ASSERT_TRUE(try_apply(other).ok());
  ASSERT_TRUE(post(body({row("\"Li\"", 5)})).ok());
  other.text = "four";
  other.properties[0].unit = "mol/mol";
  const auto refused = try_apply(other);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, ErrorCode::conflict);
}

// A version without the property was a way around.
TEST_F(Campaigns, AUnitIsNotChangedWhereThePropertyWasLeftOutMeanwhile) {
  const Property other{"CO2_yield", "%", false, {}, {}};
  apply(draft("ocm", "one"));
  const std::string row = R"({"catalyst":"Li/MgO","values":{"C2_yield":1,"CO2_yield":45}})";
  const auto receipt = post(body({row}));
  ASSERT_TRUE(receipt.ok());
  CampaignDraft changed = draft("ocm", "two");
  changed.properties = {{"C2_yield", "%", true, 0.0, 100.0}};
  apply(changed);
  changed.text = "three";
  changed.properties.push_back({"CO2_yield", "mol/mol", false, {}, {}});
  const auto refused = try_apply(changed);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, ErrorCode::conflict);
  EXPECT_THAT(refused.error().to_string(), HasSubstr("CO2_yield has measurements in \"%\""));
  // Retracted ones may be restored.
  for (const Measurement& one : measurements()) {
    ASSERT_TRUE(write<Measurement>([&](Transaction& tx) {
                  return retract(tx, one.id, "leak", "", context());
                }).ok());
  }
  EXPECT_FALSE(try_apply(changed).ok());
  changed.properties.back().unit = "%";
  EXPECT_TRUE(try_apply(changed).ok());
}

// A retracted measurement can be restored: its composition keeps its meaning.
TEST_F(Campaigns, ABasisIsNotChangedUnderRetractedMeasurements) {
  CampaignDraft changed = draft("ocm", "one");
  changed.composition = "wt_percent_of_catalyst";
  apply(changed);
  changed.text = "two";
  changed.composition = "mmol_per_g_support";
  EXPECT_TRUE(try_apply(changed).ok()) << "nothing was measured yet";
  ASSERT_TRUE(post(body({row("\"Li\"", 5)})).ok());
  changed.text = "three";
  changed.composition = "wt_percent_of_catalyst";
  EXPECT_THAT(try_apply(changed).error().message, HasSubstr("1 measurement is kept"));
  ASSERT_TRUE(write<Measurement>([&](Transaction& tx) {
                return retract(tx, measurements()[0].id, "leak", "", context());
              }).ok());
  const auto refused = try_apply(changed);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, ErrorCode::conflict);
  EXPECT_THAT(refused.error().message, HasSubstr("that do not count at present"));
}

TEST_F(Campaigns, MoveOnlyAlongLegalTransitions) {
  using enum CampaignVerb;
  apply();
  EXPECT_EQ(steer(start).value().state, CampaignState::active);  // already
  EXPECT_EQ(steer(pause, "holidays").value().state, CampaignState::paused);
  EXPECT_EQ(steer(pause).value().state, CampaignState::paused);
  EXPECT_EQ(steer(resume).value().state, CampaignState::active);
  const auto stopped = steer(stop, "budget");
  EXPECT_EQ(stopped->state, CampaignState::stopped);
  EXPECT_EQ(stopped->reason, "budget");
  for (const auto verb : {start, pause, resume, complete}) {
    const auto refused = steer(verb);
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().code, ErrorCode::conflict);
  }
  EXPECT_EQ(try_apply(draft("ocm", "later")).error().code, ErrorCode::conflict);
}

TEST_F(Campaigns, StoppingExpiresWhatNobodyTook) {
  apply();
  const auto batch = issue({"Li:1/MgO", "Na:1/MgO"});
  ASSERT_TRUE(write<Proposal>([&](Transaction& tx) {
                return claim(tx, batch.proposals[0].id, "robot", kDefaultLease, context());
              }).ok());
  ASSERT_TRUE(steer(CampaignVerb::stop, "enough").ok());
  EXPECT_EQ(proposal(batch.proposals[0].id).state, ProposalState::active);
  EXPECT_EQ(proposal(batch.proposals[1].id).state, ProposalState::expired);
}

// A lease that ran out afterwards, or was given back, made work that nobody could take.
TEST_F(Campaigns, WhatComesBackAfterTheEndExpires) {
  apply();
  const auto batch = issue({"Li:1/MgO", "Na:1/MgO"});
  for (const Proposal& one : batch.proposals) {
    ASSERT_TRUE(write<Proposal>([&](Transaction& tx) {
                  return claim(tx, one.id, "robot", kDefaultLease, context());
                }).ok());
  }
  ASSERT_TRUE(steer(CampaignVerb::stop, "enough").ok());
  ASSERT_TRUE(write<Proposal>([&](Transaction& tx) {
                return release(tx, batch.proposals[0].id, "robot", context());
              }).ok());
  now_ += kDefaultLease;
  EXPECT_EQ(*write<std::int64_t>([&](Transaction& tx) -> Result<std::int64_t> {
    return sweep_leases(tx, context());
  }),
            1);
  for (const Proposal& one : batch.proposals) {
    EXPECT_EQ(proposal(one.id).state, ProposalState::expired);
    EXPECT_EQ(proposal(one.id).state_reason, "the campaign was stopped");
  }
}

TEST_F(Campaigns, AnUnknownNameListsWhatThereIs) {
  apply(draft("ocm"));
  apply(draft("twc"));
  const auto missing = write<Campaign>([&](Transaction& tx) {
    return steer_campaign(tx, "omc", CampaignVerb::pause, "", context());
  });
  ASSERT_FALSE(missing.ok());
  EXPECT_EQ(missing.error().code, ErrorCode::not_found);
  EXPECT_THAT(missing.error().to_string(), HasSubstr("ocm, twc"));
}

TEST_F(Campaigns, EveryChangeIsAnEvent) {
  apply(draft("ocm", "one"));
  apply(draft("ocm", "one"));
  apply(draft("ocm", "two"));
  ASSERT_TRUE(steer(CampaignVerb::pause, "x").ok());
  const auto events =
      read<std::vector<Event>>([](const Reader& reader) { return reader.events(0, 100, "ocm"); });
  std::vector<std::string> verbs;
  for (const Event& event : events) verbs.push_back(event.verb);
  EXPECT_THAT(verbs, ::testing::ElementsAre("created", "updated", "paused"));
}

TEST_F(Campaigns, OneRequestHasOneEffect) {
  int runs = 0;
  const auto request = [&](const std::string& key, const std::string& body) {
    return write<Reply>([&](Transaction& tx) {
      return once(tx, "POST /x", key, sha256(body), context(), [&]() -> Result<Reply> {
        ++runs;
        return Reply{201, "made " + std::to_string(runs), false};
      });
    });
  };
  EXPECT_EQ(request("k", "a")->body, "made 1");
  const auto again = request("k", "a");
  EXPECT_EQ(again->body, "made 1");
  EXPECT_EQ(again->status, 201);
  EXPECT_TRUE(again->replayed);
  EXPECT_EQ(runs, 1);
  EXPECT_EQ(request("k", "b").error().code, ErrorCode::unprocessable);
  EXPECT_EQ(request("", "a")->body, "made 2");
}

TEST_F(Campaigns, AFailedRequestMayBeTriedAgainUnderItsKey) {
  int runs = 0;
  const auto request = [&] {
    return write<Reply>([&](Transaction& tx) {
      return once(tx, "POST /x", "k", sha256("a"), context(), [&]() -> Result<Reply> {
        if (++runs == 1) return Error{ErrorCode::conflict, "not yet", {}, {}, {}};
        return Reply{200, "made", false};
      });
    });
  };
  EXPECT_FALSE(request().ok());
  EXPECT_EQ(request()->body, "made");
}

}  // namespace
}  // namespace kasetsu::campaign
