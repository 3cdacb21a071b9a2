// The one way in for results, whatever door they come through: HTTP, folder, broker, subprocess.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>

#include "core/chemistry/catalyst.h"
#include "daemon/base/json.h"
#include "daemon/campaign/file/decoded_campaigns.h"
#include "daemon/campaign/ingest/ingest.h"
#include "daemon/campaign/records/store_port.h"
#include "drivers/tables/profile.h"

namespace kasetsu::campaign {

// A profile by its name; not_found with the names that there are.
using FindProfile =
    std::function<Result<std::shared_ptr<const tables::Profile>>(const std::string& name)>;

struct IntakeRequest {
  std::string campaign;
  std::string bytes;
  DeliveryOptions options;
  std::string profile;   // name; empty: none
  std::string actor;     // "driver gc-folder"
  bool dry_run = false;  // answers what would become of the delivery, and leaves nothing behind
  // Asked to stop where the sender has gone: a table that is not written yet is given up.
  std::stop_token given_up;
  // A table is written to its end though others wait (TableShare). For senders that the operator
  // configured: a token's table is refused instead.
  bool to_its_end = false;
};

// A request that was decoded and is ready for the writer.
struct DecodedRequest {
  std::string campaign;
  std::string actor;
  bool dry_run = false;
  std::stop_token given_up;
  bool to_its_end = false;
  PreparedDelivery delivery;
};

// Everything given outlives it. May be asked by several threads.
class Intake {
 public:
  Intake(Database& database, DecodedCampaigns& campaigns, const chemistry::SupportTable& supports,
         Clock clock, UlidSource& ids, FindProfile find_profile);

  // The whole way, for threads that may wait: decodes, commits, answers when it is on the disk.
  // Errors as those of the two steps.
  Result<IngestReceipt> take(IntakeRequest request);

  // The first step. Of a table, a large delivery, and of a campaign that takes its first delivery,
  // it reads what the campaign says, for which it may wait. Errors: not_found (campaign, profile),
  // conflict (the daemon cannot decode the campaign), and those of prepare_delivery.
  Result<DecodedRequest> decode(IntakeRequest request) const;
  // The second step, without waiting. `done` is called once, on the writer's thread, after the
  // commit. `request` outlives that call. Errors: as ingest's, conflict as above, and busy (the
  // campaign was changed after the first step, or TableWriter gave the table up).
  using Done = std::function<void(Result<IngestReceipt>)>;
  void commit(const DecodedRequest& request, Done done);

  Database& database() { return database_; }

 private:
  using Rules = std::shared_ptr<const chemistry::CompositionRules>;
  // What campaigns said of their compositions when they took a delivery last; null: none was taken.
  Rules remembered(const std::string& campaign) const;
  Rules remember(const std::string& campaign, const DecodedCampaigns::Config& config) const;
  Result<IngestReceipt> ingest_by(const DecodedRequest& request,
                                  const DecodedCampaigns::Config& config, Transaction& tx);

  Database& database_;
  DecodedCampaigns& campaigns_;
  const chemistry::SupportTable& supports_;
  Clock clock_;
  UlidSource& ids_;
  FindProfile find_profile_;
  mutable std::mutex mutex_;
  // By campaign; DecodedCampaigns keeps them.
  mutable std::map<std::string, std::weak_ptr<const chemistry::CompositionRules>> rules_;
};

// {"ingest", "campaign"?, "rows", "accepted", "flagged", "duplicate", "quarantined", "replayed",
// "problems": [{"row", "reason"}]}: what a sender that cannot ask needs to know. At most 100
// problems. A replayed receipt counts what was taken in then as duplicate.
Json receipt_summary(const IngestReceipt& receipt);

}  // namespace kasetsu::campaign
