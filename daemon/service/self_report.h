// What the daemon tells of itself in /version and /metrics, beside what its HTTP server counts.
#pragma once

#include <string>
#include <string_view>

#include "daemon/base/json.h"
#include "daemon/jobs/worker.h"
#include "daemon/store/sqlite_database.h"

namespace kasetsu {

inline constexpr std::string_view kVersion = KASETSU_VERSION;

Json version_json();
// Prometheus text.
std::string store_metrics(const store::SqliteDatabase& database);
std::string job_metrics(const jobs::Worker& worker);

}  // namespace kasetsu
