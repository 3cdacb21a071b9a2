#include "daemon/service/self_report.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <Eigen/Core>
#include <boost/version.hpp>
#include <utility>

#include "daemon/http/metrics.h"

namespace kasetsu {

Json version_json() {
  return {{"name", "kasetsud"},
          {"version", kVersion},
          {"compiler", __VERSION__},
          {"boost", fmt::format("{}.{}.{}", BOOST_VERSION / 100'000, BOOST_VERSION / 100 % 1'000,
                                BOOST_VERSION % 100)},
          {"sqlite", sqlite3_libversion()},
          {"eigen",
           fmt::format("{}.{}.{}", EIGEN_WORLD_VERSION, EIGEN_MAJOR_VERSION, EIGEN_MINOR_VERSION)}};
}

std::string store_metrics(const store::SqliteDatabase& database) {
  const auto s = database.statistics();
  using http::metric_text;
  return metric_text("kasetsu_store_waiting", "gauge", "Write tasks that wait.",
                     static_cast<double>(s.waiting)) +
         metric_text("kasetsu_store_commits_total", "counter", "Commits, each with its fsync.",
                     static_cast<double>(s.commits)) +
         metric_text("kasetsu_store_tasks_total", "counter", "Write tasks done.",
                     static_cast<double>(s.tasks)) +
         metric_text("kasetsu_store_failed_tasks_total", "counter",
                     "Write tasks that returned an error.", static_cast<double>(s.failed_tasks)) +
         metric_text("kasetsu_store_gave_way_total", "counter",
                     "Turns of long tables that were undone, and begun anew, for single results.",
                     static_cast<double>(s.gave_way)) +
         metric_text("kasetsu_store_commit_seconds_total", "counter", "Time in commits.",
                     s.commit_seconds) +
         metric_text("kasetsu_store_database_bytes", "gauge", "Size of the database file.",
                     static_cast<double>(s.database_bytes)) +
         metric_text("kasetsu_store_wal_bytes", "gauge", "Size of the write-ahead log.",
                     static_cast<double>(s.wal_bytes)) +
         metric_text("kasetsu_events_total", "counter", "Events committed since the beginning.",
                     static_cast<double>(database.last_event()));
}

std::string job_metrics(const jobs::Worker& worker) {
  const auto c = worker.counts();
  std::string text =
      "# HELP kasetsu_jobs_total Jobs that ended.\n# TYPE kasetsu_jobs_total counter\n";
  for (const auto& [state, count] :
       {std::pair{"completed", c.completed}, std::pair{"failed", c.failed},
        std::pair{"cancelled", c.cancelled}, std::pair{"skipped", c.skipped}}) {
    text += fmt::format("kasetsu_jobs_total{{state=\"{}\"}} {}\n", state, count);
  }
  return text + http::metric_text("kasetsu_job_running", "gauge", "Jobs that run.", c.running) +
         http::metric_text("kasetsu_fit_seconds_total", "counter", "Wall time of all retrainings.",
                           c.fit_seconds);
}

}  // namespace kasetsu
