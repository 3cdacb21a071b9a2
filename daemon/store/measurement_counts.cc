#include "daemon/store/measurement_counts.h"

#include "daemon/store/rows.h"

namespace kasetsu::store {

std::int64_t MeasurementCounts::live(Connection& connection, std::int64_t campaign) {
  Statement& dead =
      connection.prepare("SELECT count(*) FROM (" KASETSU_SQL_NOT_LIVE
                         ") x CROSS JOIN measurements m ON m.seq = x.seq WHERE m.campaign = ?1");
  dead.bind(campaign).step();
  const std::int64_t not_live = dead.integer(0);
  dead.reset();
  return all(connection, campaign) - not_live;
}

std::int64_t MeasurementCounts::all(Connection& connection, std::int64_t campaign) {
  Known known;
  {
    const std::lock_guard guard(mutex_);
    known = known_[campaign];
  }
  Statement& newest =
      connection.prepare("SELECT coalesce(max(seq), 0) FROM measurements WHERE campaign = ?1");
  newest.bind(campaign).step();
  const std::int64_t last = newest.integer(0);
  newest.reset();
  // A transaction that began before another reader counted sees less.
  if (last < known.upto) known = {};
  Statement& added =
      connection.prepare("SELECT count(*) FROM measurements WHERE campaign = ?1 AND seq > ?2");
  added.bind(campaign, known.upto).step();
  known = {last, known.count + added.integer(0)};
  added.reset();
  const std::lock_guard guard(mutex_);
  if (Known& kept = known_[campaign]; kept.upto < known.upto) kept = known;
  return known.count;
}

}  // namespace kasetsu::store
