#include "daemon/jobs/schedule.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "core/base/text.h"
#include "daemon/base/json.h"
#include "daemon/campaign/planning/leases.h"

namespace kasetsu::campaign {
namespace {

std::string setting_name(const Campaign& campaign) {
  return fmt::format("night/{}", campaign.id);
}

// The schedule is part of what is remembered: another hour or place begins anew.
std::string schedule_text(const Retrain& retrain) {
  return fmt::format("{} {}", retrain.at_minute, retrain.time_zone);
}

std::optional<Time> handled_night(const Reader& reader, const Campaign& campaign,
                                  const Retrain& retrain) {
  const std::string kept = reader.setting(setting_name(campaign));
  const std::string schedule = fmt::format(" {}", schedule_text(retrain));
  if (!kept.ends_with(schedule)) return std::nullopt;
  const auto time = parse_time(kept.substr(0, kept.size() - schedule.size()));
  return time ? std::optional<Time>(*time) : std::nullopt;
}

}  // namespace

Night look_at_night(const TimeZone& zone, int minute, std::optional<Time> handled, Time now) {
  const Time newest = zone.newest(std::chrono::floor<std::chrono::seconds>(now), minute);
  if (!handled || *handled > now + std::chrono::hours(1)) return {newest, false};
  if (newest > *handled) return {newest, true};
  return {*handled, false};
}

bool has_news(const Reader& reader, const Campaign& campaign) {
  for (const Property& property : reader.properties(campaign.key)) {
    if (property.target && has_news(reader, campaign, property.name) &&
        reader.count_training(campaign.key, property.name, 1) > 0) {
      return true;
    }
  }
  return false;
}

bool wants_retraining(const Reader& reader, const Campaign& campaign,
                      const CampaignConfig& config) {
  // Known without a look at the results, which may be a million.
  if (config.retrain.when == RetrainWhen::nightly || config.retrain.when == RetrainWhen::by_hand) {
    return false;
  }
  const std::string& target = config.targets.front().name;
  if (!reader.any_measured(campaign.key) || !has_news(reader, campaign, target)) return false;
  const auto learnt_less_by = [&](std::int64_t rows) {
    const auto model = reader.newest_model(campaign.key, target, "current");
    const std::int64_t more =
        model ? reader.training_change(campaign.key, target, model->snapshot, rows).growth
              : reader.count_training(campaign.key, target, rows);
    return more >= rows;
  };
  if (config.retrain.when == RetrainWhen::every_results) {
    return learnt_less_by(config.retrain.results);
  }
  // A batch has arrived when nothing that was asked for is still being made, or when as many
  // results as a batch holds came in another way.
  return !anything_open(reader, campaign) || learnt_less_by(std::max(1, config.planner.batch));
}

Result<std::optional<ScheduledJob>> request_retraining(Transaction& tx, std::string_view campaign,
                                                       bool if_new, const Context& context) {
  if (if_new) {
    const auto found = tx.find_campaign(campaign);
    if (found && !has_news(tx, *found)) {
      // The one that has learnt it may still be at work on what follows.
      for (Job& job : tx.jobs(found->key, JobState::running, {0, 10})) {
        if (job.kind == "retrain") {
          return std::optional<ScheduledJob>(ScheduledJob{std::move(job), false});
        }
      }
      return std::optional<ScheduledJob>();
    }
  }
  Result<ScheduledJob> job = schedule_job(tx, campaign, "retrain", if_new ? kIfNew : "{}", context);
  if (!job) return job.error();
  return std::optional<ScheduledJob>(std::move(*job));
}

bool only_if_new(const Job& job) {
  const auto detail = parse_json(job.detail);
  return detail && detail->is_object() && detail->value("if_new", false);
}

bool clock_asks(const Reader& reader, const Campaign& campaign, const Retrain& retrain,
                const TimeZone& zone, Time now) {
  if (retrain.when != RetrainWhen::nightly) return false;
  const auto handled = handled_night(reader, campaign, retrain);
  const Night night = look_at_night(zone, retrain.at_minute, handled, now);
  return !handled || night.due || night.handled != *handled;
}

Result<std::string> look_at_clock(Transaction& tx, const Campaign& campaign, const Retrain& retrain,
                                  const TimeZone& zone, const Context& context) {
  if (!clock_asks(tx, campaign, retrain, zone, context.now)) return std::string();
  const Night night =
      look_at_night(zone, retrain.at_minute, handled_night(tx, campaign, retrain), context.now);
  tx.set_setting(setting_name(campaign),
                 fmt::format("{} {}", format_time(night.handled), schedule_text(retrain)));
  if (!night.due) return std::string();
  if (!tx.any_measured(campaign.key)) return fmt::format("{}: nothing measured yet", campaign.name);
  const auto job = request_retraining(tx, campaign.name, /*if_new=*/true, context);
  if (!job) return job.error();
  if (!*job) return fmt::format("{}: nothing new", campaign.name);
  return fmt::format("{}: retraining, job {}", campaign.name, (**job).job.id);
}

}  // namespace kasetsu::campaign
