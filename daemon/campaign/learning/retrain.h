// Retraining, the whole use case: from a campaign's live measurements to kept models, with what the
// ledger says of the models before them.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "core/base/control.h"
#include "core/base/executor.h"
#include "core/base/result.h"
#include "daemon/base/json.h"
#include "daemon/campaign/file/campaign_file.h"
#include "daemon/campaign/learning/learn.h"
#include "daemon/campaign/records/store_port.h"

namespace kasetsu::campaign {

// The element tables that campaigns name, each read once. Safe to call from several threads.
class ScienceTables {
 public:
  using ReadElements = std::function<Result<chemistry::ElementTable>(const std::string& name)>;
  // `general` outlives this; without `read` there is no other table.
  ScienceTables(const Science& general, ReadElements read)
      : general_(general), read_(std::move(read)) {}
  Result<const Science*> of(const CampaignConfig& config);

 private:
  const Science& general_;
  ReadElements read_;
  std::mutex mutex_;
  std::map<std::string, Science> others_;  // guarded by mutex_; what is in it stays where it is
};

// What long work on one campaign needs. Everything that is referred to outlives the call.
struct Workbench {
  Database& database;
  const Campaign& campaign;
  const CampaignConfig& config;
  const Science& science;
  const Executor& executor;
  const Control& control;
  std::function<Context()> context;
  std::string code_version;  // goes into every model
};

struct Retrained {
  Json models = Json::array();        // [{"id", "version", "mae_cv"}], by target
  std::string why_none;               // where there is none
  std::vector<std::string> left_out;  // left_out_text, by target that leaves results out
  double seconds = 0.0;               // wall time of the search
};

// What results of the campaign's targets could not be learnt from when these are its conditions,
// and what to do; one sentence a target.
std::vector<std::string> results_left_out(const Reader& reader, const Campaign& campaign,
                                          const std::vector<std::string>& conditions);

// Learns each target and keeps its model; too little to learn from is no error. Predictions of the
// open proposals by the new model go into its ledger. Errors: cancelled; those of the database, and
// of learn() where they are not about the data.
Result<Retrained> retrain(const Workbench& bench, const std::string& job);

}  // namespace kasetsu::campaign
