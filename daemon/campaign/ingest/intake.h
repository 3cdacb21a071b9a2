// The one way in for results, whatever door they come through: HTTP, folder, broker, subprocess.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "core/chemistry/catalyst.h"
#include "daemon/base/json.h"
#include "daemon/campaign/ingest/ingest.h"
#include "daemon/campaign/records/store_port.h"
#include "drivers/tables/profile.h"

namespace kasetsu::campaign {

// A profile by its name; not_found with the names that there are.
using FindProfile =
    std::function<Result<std::shared_ptr<const tables::Profile>>(const std::string& name)>;

// Fills in what only the campaign knows: its properties and, for tables, its conditions. Reads the
// database only for tables. Errors: not_found (campaign).
Status complete_options(const Database& database, std::string_view campaign,
                        const chemistry::SupportTable& supports, DeliveryOptions& options);

// ingest without a trace: what it would answer, undone at once. As a task for the writer; the
// receipt is in `receipt` afterwards, and the task's own status is `cancelled` then.
std::function<Status(Transaction&)> rehearsal(const std::string& campaign,
                                              const PreparedDelivery& delivery,
                                              const Context& context,
                                              std::shared_ptr<IngestReceipt> receipt);

struct IntakeRequest {
  std::string campaign;
  std::string bytes;
  DeliveryOptions options;
  std::string profile;  // name; empty: none
  std::string actor;    // "driver gc-folder"
  bool dry_run = false;
};

// For threads that may wait. Everything given outlives it; take may be called from several threads.
class Intake {
 public:
  Intake(Database& database, const chemistry::SupportTable& supports, Clock clock, UlidSource& ids,
         FindProfile find_profile);
  // Decodes, commits, answers when it is on the disk. Errors as prepare_delivery's and ingest's.
  Result<IngestReceipt> take(IntakeRequest request);
  Database& database() { return database_; }

 private:
  Database& database_;
  const chemistry::SupportTable& supports_;
  Clock clock_;
  UlidSource& ids_;
  FindProfile find_profile_;
};

// {"ingest", "campaign"?, "rows", "accepted", "flagged", "duplicate", "quarantined", "replayed",
// "problems": [{"row", "reason"}]}: what a sender that cannot ask needs to know. At most 100
// problems. A replayed receipt counts what was taken in then as duplicate.
Json receipt_summary(const IngestReceipt& receipt);

}  // namespace kasetsu::campaign
