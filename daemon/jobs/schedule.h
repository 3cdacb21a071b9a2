// When a campaign is retrained: by the clock (nightly), by what came in, and on request.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "daemon/base/time_zone.h"
#include "daemon/campaign/file/campaign_file.h"
#include "daemon/campaign/learning/models.h"
#include "daemon/campaign/records/store_port.h"

namespace kasetsu::campaign {

// Whether the newest night has been seen to.
struct Night {
  Time handled;      // to be remembered: the newest moment at which a retraining was due
  bool due = false;  // it came since the last look
};

// Nights that were missed, however many, count as one: only the newest matters. `handled` empty:
// the first look, which only takes note. A clock that was ahead by more than an hour and was set
// back takes note anew, so that a wrong date in the future does not end the retraining; one that
// was ahead by less does not repeat a night.
Night look_at_night(const TimeZone& zone, int minute, std::optional<Time> handled, Time now);

// True when a target of the campaign has live measurements and news since its newest model: see
// has_news. The campaign's properties that are no targets ask for nothing.
bool has_news(const Reader& reader, const Campaign& campaign);

// Whether a campaign should be retrained now, by its own policy: by the clock and by hand are no
// matter of what came in.
bool wants_retraining(const Reader& reader, const Campaign& campaign, const CampaignConfig& config);

// Detail of a job that looks for news when it begins.
inline constexpr std::string_view kIfNew = R"({"if_new":true})";

// Asks for a retraining; nothing when `if_new` and there is no news (the job that has
// learnt the news, while it still plans what follows). A job that was asked for with
// if_new looks again when it begins, so that two requests do not train twice on the same data.
// Errors: those of schedule_job.
Result<std::optional<ScheduledJob>> request_retraining(Transaction& tx, std::string_view campaign,
                                                       bool if_new, const Context& context);

// Whether a job of kind "retrain" was asked for with if_new.
bool only_if_new(const Job& job);

// Looks at the clock for one ACTIVE campaign, and asks for the retraining that is due, if any.
// Keeps what it saw to in the settings; without a change nothing is written. Returns what was done:
// empty for nothing, else a line for the log.
Result<std::string> look_at_clock(Transaction& tx, const Campaign& campaign, const Retrain& retrain,
                                  const TimeZone& zone, const Context& context);
// True when look_at_clock would write.
bool clock_asks(const Reader& reader, const Campaign& campaign, const Retrain& retrain,
                const TimeZone& zone, Time now);

}  // namespace kasetsu::campaign
