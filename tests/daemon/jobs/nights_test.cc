// Nightly retraining under a clock that the test turns: what the daemon does by itself, and what
// cron asks for. The oracle knows local time from the C library, minute by minute, and nothing of
// daemon/jobs/schedule.cc.
#include <gtest/gtest.h>
#include <stdlib.h>
#include <time.h>

#include <map>
#include <optional>
#include <set>
#include <vector>

#include "daemon/jobs/schedule.h"
#include "tests/daemon/jobs/laboratory.h"

namespace kasetsu::jobs {
namespace {

constexpr std::int64_t kMinute = 60;
constexpr std::int64_t kHour = 3600;

Time at_second(std::int64_t seconds) {
  return from_micros(seconds * 1'000'000);
}

// Local time by the C library. TZ is set for as long as it lives.
class Place {
 public:
  explicit Place(const char* name) {
    ::setenv("TZ", name, 1);
    ::tzset();
  }
  ~Place() {
    ::unsetenv("TZ");
    ::tzset();
  }
  static tm local(std::int64_t seconds) {
    const time_t moment = seconds;
    tm found{};
    ::localtime_r(&moment, &found);
    return found;
  }
  // For every local date of the range the first minute at which the clock on the wall shows
  // `minute` or later.
  static std::vector<std::int64_t> nights(std::int64_t begin, std::int64_t end, int minute) {
    std::vector<std::int64_t> found;
    std::set<int> dates;
    dates.insert(local(begin).tm_year * 1000 + local(begin).tm_yday);  // half a day proves nothing
    for (std::int64_t now = begin; now < end; now += kMinute) {
      const tm clock = local(now);
      if (clock.tm_hour * 60 + clock.tm_min < minute) continue;
      if (dates.insert(clock.tm_year * 1000 + clock.tm_yday).second) found.push_back(now);
    }
    return found;
  }
};

std::string campaign_with(const std::string& at, const std::string& zone) {
  std::string text(kCampaign);
  const std::string from = "when = \"every_batch\"\n";
  text.replace(text.find(from), from.size(),
               "when = \"nightly\"\nat = \"" + at + "\"\ntime_zone = \"" + zone + "\"\n");
  return text;
}

// Does what the worker's thread does with a waiting job, without the arithmetic. Returns whether a
// model was made.
bool train(Laboratory& lab) {
  bool made = false;
  const Status done = campaign::write_and_wait(lab.database(), [&](Transaction& tx) -> Status {
    const auto waiting = tx.jobs(std::nullopt, campaign::JobState::scheduled, {0, 10});
    EXPECT_LE(waiting.size(), 1U) << "two retrainings at once";
    for (const campaign::Job& job : waiting) {
      EXPECT_TRUE(campaign::start_job(tx, job.id, lab.context()).ok());
      const auto found = tx.find_campaign("test");
      if (campaign::only_if_new(job) && !campaign::has_news(tx, *found)) {
        EXPECT_TRUE(campaign::finish_job(tx, job.id, campaign::JobState::skipped, "{}",
                                         "nothing new", lab.context())
                        .ok());
        continue;
      }
      campaign::NewModel model;
      model.property = "Y";
      model.document = "{}";
      model.training = tx.training_set(found->key, "Y");
      model.config_version = found->version;
      model.summary = "{}";
      EXPECT_TRUE(campaign::keep_model(tx, "test", model, lab.context()).ok());
      EXPECT_TRUE(
          campaign::finish_job(tx, job.id, campaign::JobState::completed, "{}", "", lab.context())
              .ok());
      made = true;
    }
    return {};
  });
  EXPECT_TRUE(done.ok()) << done.error().to_string();
  return made;
}

struct Scene {
  const char* zone;
  std::int64_t begin;  // seconds since 1970, UTC
  int nights;
  const char* at;
  int minute;
  int switches;  // changes of the offset in the range
};

// Two changes within sixty nights: Morocco leaves its time for the month of fasting.
const Scene kScenes[] = {
    {"Africa/Casablanca", 1'769'947'200, 60, "02:30", 150, 2},  // 1 Feb 2026 12:00
    {"Europe/Berlin", 1'774'353'600, 220, "02:30", 150, 2},     // 24 Mar 2026 12:00
    {"America/St_Johns", 1'772'625'600, 60, "02:00", 120, 1},   // 4 Mar 2026 12:00
    {"Australia/Lord_Howe", 1'774'958'400, 200, "01:45", 105, 2},
    {"UTC", 1'774'958'400, 60, "00:00", 0, 0},
};

TEST(Nights, TheDaemonRetrainsOnExactlyTheRightNights) {
  for (const Scene& scene : kScenes) {
    for (const std::uint64_t seed : {1U, 2U}) {
      SCOPED_TRACE(fmt::format("{} seed {}", scene.zone, seed));
      const Place place(scene.zone);
      const std::int64_t end = scene.begin + scene.nights * 24 * kHour;
      const auto due = Place::nights(scene.begin, end, scene.minute);
      ASSERT_GE(due.size(), static_cast<std::size_t>(scene.nights - 1));
      int switches = 0;
      for (std::int64_t now = scene.begin; now < end; now += kHour)
        switches += Place::local(now).tm_gmtoff != Place::local(now + kHour).tm_gmtoff;
      ASSERT_EQ(switches, scene.switches);

      Random random(seed);
      const std::string text = campaign_with(scene.at, scene.zone);
      Laboratory lab(1, 7, text);
      lab.set_now(at_second(scene.begin));
      Worker* worker = &lab.make_worker();
      std::vector<std::int64_t> expected;
      std::vector<std::int64_t> got;
      std::size_t seen_to = 0;  // index of the first night that was not seen to
      bool news = false;
      int posted = 0;
      std::int64_t down_until = 0;
      bool up = true;
      for (std::int64_t now = scene.begin; now < end; now += 20 * kMinute + 7) {
        lab.set_now(at_second(now));
        const std::uint64_t chance = random.below(1000);
        if (chance < 12) {
          lab.post(posted, 2);
          posted += 2;
          news = true;
        } else if (chance < 16) {
          down_until = now + static_cast<std::int64_t>(random.below(80)) * kHour;  // up to 3 nights
        }
        if (now < down_until) {
          up = false;
          continue;
        }
        if (!up) worker = &lab.make_worker();  // nothing is remembered but the database
        up = true;
        const auto scheduled = worker->look_at_clock();
        ASSERT_TRUE(scheduled.ok()) << scheduled.error().to_string();
        if (train(lab)) got.push_back(now);
        // The oracle: a night has come since the last look, and something is new.
        bool came = false;
        while (seen_to < due.size() && due[seen_to] <= now) {
          came = true;
          ++seen_to;
        }
        if (came && news) {
          expected.push_back(now);
          news = false;
        }
      }
      EXPECT_EQ(got, expected);
      EXPECT_GT(expected.size(), static_cast<std::size_t>(scene.nights / 6));
      EXPECT_LT(expected.size(), due.size());
    }
  }
}

TEST(Nights, AClockThatIsSetNeitherRepeatsNorEndsThem) {
  const Place place("Europe/Berlin");
  const std::int64_t begin = 1'790'251'200;  // 24 Sep 2026 12:00 UTC; October's change lies ahead
  const auto due = Place::nights(begin, begin + 60 * 24 * kHour, 150);
  const std::string text = campaign_with("02:30", "Europe/Berlin");
  Laboratory lab(1, 7, text);
  Worker& worker = lab.make_worker();
  int posted = 0;
  const auto look = [&](std::int64_t now) {
    lab.set_now(at_second(now));
    EXPECT_TRUE(worker.look_at_clock().ok());
    return train(lab);
  };
  const auto post = [&] {
    lab.post(posted, 2);
    posted += 2;
  };
  look(begin);
  for (std::size_t night = 0; night < 58; ++night) {
    const std::int64_t moment = due[night];
    SCOPED_TRACE(night);
    switch (night % 4) {
      case 0:  // set back by half an hour just after the night: not again
        post();
        EXPECT_FALSE(look(moment - kMinute));
        EXPECT_TRUE(look(moment + kMinute));
        post();
        EXPECT_FALSE(look(moment - 29 * kMinute));
        EXPECT_FALSE(look(moment + 2 * kMinute));
        break;
      case 1:  // what came meanwhile is learnt in the next night
        EXPECT_FALSE(look(moment - kMinute));
        EXPECT_TRUE(look(moment + kMinute));
        break;
      case 2:  // ten years ahead and back: that counts as a night, the next one comes as usual
        post();
        EXPECT_TRUE(look(moment + 87'600 * kHour));
        EXPECT_FALSE(look(moment + 10 * kMinute));
        break;
      case 3:
        post();
        EXPECT_FALSE(look(moment - kMinute));
        EXPECT_TRUE(look(moment));
        EXPECT_FALSE(look(moment + kMinute));
        break;
    }
  }
}

// kasetsu retrain --all --if-new, as cron starts it: at local 02:30, not at all in the night in
// which that time is jumped over, twice where it comes twice (as some crons do), not when the
// machine was off; a second one while the first runs.
TEST(Nights, CronTrainsOnceForWhatIsNew) {
  const Place place("Africa/Casablanca");
  const std::int64_t begin = 1'769'947'200;
  const std::string text = campaign_with("23:59", "UTC");
  Laboratory lab(1, 7, text);
  lab.make_worker();
  Random random(3);
  bool news = false;
  int posted = 0;
  std::vector<std::int64_t> got, expected;
  int started = 0;
  int twice = 0;
  int date_before = -1;
  const auto ask = [&] {
    const auto job = campaign::write_and_wait<std::optional<campaign::ScheduledJob>>(
        lab.database(), [&](Transaction& tx) {
          return campaign::request_retraining(tx, "test", true, lab.context());
        });
    ASSERT_TRUE(job.ok()) << job.error().to_string();
  };
  for (std::int64_t now = begin; now < begin + 60 * 24 * kHour; now += kMinute) {
    if (now % (5 * kHour) == 0 && random.below(3) == 0) {
      lab.set_now(at_second(now));
      lab.post(posted, 2);
      posted += 2;
      news = true;
    }
    const tm clock = Place::local(now);
    if (clock.tm_hour != 2 || clock.tm_min != 30) continue;
    twice += date_before == clock.tm_yday;
    date_before = clock.tm_yday;
    if (random.below(5) == 0) continue;  // off
    ++started;
    lab.set_now(at_second(now));
    ask();
    if (random.below(4) == 0) ask();  // a second cron line
    if (train(lab)) got.push_back(now);
    if (news) expected.push_back(now);
    news = false;
  }
  EXPECT_EQ(got, expected);
  EXPECT_EQ(twice, 1);
  EXPECT_GT(started, 40);
  EXPECT_GT(expected.size(), 20U);
  EXPECT_LT(static_cast<int>(expected.size()), started);
}

TEST(Nights, AnotherRequestWhileOneRunsIsSkippedAtItsTurn) {
  Laboratory lab(1, 7, campaign_with("02:00", "UTC"));
  lab.make_worker();
  lab.post(0, 4);
  const auto ask = [&] {
    EXPECT_TRUE(campaign::write_and_wait(lab.database(), [&](Transaction& tx) -> Status {
                  const auto job = campaign::request_retraining(tx, "test", true, lab.context());
                  return job ? Status() : Status(job.error());
                }).ok());
  };
  ask();
  // The first one runs when the second is asked for.
  std::string running;
  EXPECT_TRUE(campaign::write_and_wait(lab.database(), [&](Transaction& tx) -> Status {
                running = tx.jobs(std::nullopt, campaign::JobState::scheduled, {0, 1}).front().id;
                return campaign::start_job(tx, running, lab.context()).ok()
                           ? Status()
                           : Status(Error{ErrorCode::internal, "", "", "", ""});
              }).ok());
  ask();
  EXPECT_TRUE(campaign::write_and_wait(lab.database(), [&](Transaction& tx) -> Status {
                const auto found = tx.find_campaign("test");
                campaign::NewModel model;
                model.property = "Y";
                model.document = model.summary = "{}";
                model.training = tx.training_set(found->key, "Y");
                EXPECT_TRUE(campaign::keep_model(tx, "test", model, lab.context()).ok());
                EXPECT_TRUE(campaign::finish_job(tx, running, campaign::JobState::completed, "{}",
                                                 "", lab.context())
                                .ok());
                return {};
              }).ok());
  EXPECT_FALSE(train(lab));  // there is one, and it finds nothing new
  EXPECT_TRUE(
      lab.database()
          .read([](const Reader& reader) -> Status {
            EXPECT_EQ(reader.jobs(std::nullopt, campaign::JobState::skipped, {0, 9}).size(), 1U);
            return {};
          })
          .ok());
}

}  // namespace
}  // namespace kasetsu::jobs
