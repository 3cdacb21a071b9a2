#include "daemon/campaign/ingest/intake.h"

#include <future>
#include <utility>

#include "daemon/campaign/records/table_writer.h"
#include "drivers/tables/workbook.h"

namespace kasetsu::campaign {
namespace {

// Decoding this much takes about a millisecond, which the writer may take where a campaign was
// changed a moment ago.
constexpr std::size_t kSmallDelivery = 64 * 1024;

}  // namespace

Intake::Intake(Database& database, DecodedCampaigns& campaigns,
               const chemistry::SupportTable& supports, Clock clock, UlidSource& ids,
               FindProfile find_profile)
    : database_(database),
      campaigns_(campaigns),
      supports_(supports),
      clock_(std::move(clock)),
      ids_(ids),
      find_profile_(std::move(find_profile)) {
}

Result<DecodedRequest> Intake::decode(IntakeRequest request) const {
  DeliveryOptions& options = request.options;
  if (!request.profile.empty()) {
    auto profile = find_profile_(request.profile);
    if (!profile) return profile.error();
    options.profile = std::move(*profile);
    options.format = DeliveryFormat::csv;
  }
  if (options.format != DeliveryFormat::csv && request.bytes.size() <= kSmallDelivery) {
    options.rules = remembered(request.campaign);
  }
  if (!options.rules) {
    const Status known = database_.read([&](const Reader& reader) -> Status {
      const auto found = find_campaign(reader, request.campaign);
      if (!found) return found.error();
      const auto config = campaigns_.of(reader, *found);
      if (!config) return config.error();
      options.rules = remember(request.campaign, *config);
      options.properties = reader.properties(found->key);
      options.conditions = (*config)->conditions();
      return {};
    });
    if (!known) return known.error();
  }
  auto delivery = prepare_delivery(std::move(request.bytes), std::move(options), supports_);
  if (!delivery) return delivery.error();
  return DecodedRequest{
      std::move(request.campaign), std::move(request.actor), request.dry_run, request.given_up,
      request.to_its_end,          std::move(*delivery)};
}

Intake::Rules Intake::remembered(const std::string& campaign) const {
  const std::lock_guard lock(mutex_);
  const auto found = rules_.find(campaign);
  return found == rules_.end() ? nullptr : found->second.lock();
}

Intake::Rules Intake::remember(const std::string& campaign,
                               const DecodedCampaigns::Config& config) const {
  Rules rules(config, &config->composition);
  const std::lock_guard lock(mutex_);
  rules_[campaign] = rules;
  return rules;
}

Result<IngestReceipt> Intake::ingest_by(const DecodedRequest& request,
                                        const DecodedCampaigns::Config& config, Transaction& tx) {
  const Context context{clock_(), &ids_, request.actor};
  const PreparedDelivery& delivery = request.delivery;
  if (delivery.options.rules.get() == &config->composition) {
    return ingest(tx, request.campaign, delivery, context, config.get());
  }
  // The campaign was changed since: what it says of compositions now holds.
  DeliveryOptions options = delivery.options;
  options.rules = remember(request.campaign, config);
  if (delivery.bytes.size() > kSmallDelivery || tables::is_workbook(delivery.bytes)) {
    return Error{ErrorCode::busy,
                 "the campaign was changed while the delivery was read",
                 {},
                 {},
                 "the same delivery again"};
  }
  if (options.format == DeliveryFormat::csv) {
    const auto found = find_campaign(tx, request.campaign);
    if (!found) return found.error();
    options.properties = tx.properties(found->key);
    options.conditions = config->conditions();
  }
  const auto anew = prepare_delivery(delivery.bytes, std::move(options), supports_);
  if (!anew) return anew.error();
  return ingest(tx, request.campaign, *anew, context, config.get());
}

void Intake::commit(const DecodedRequest& request, Done done) {
  const auto receipt = std::make_shared<IngestReceipt>();
  const auto undone = std::make_shared<bool>(false);
  auto task = [this, &request, receipt, undone](Transaction& tx) -> Status {
    const auto campaign = find_campaign(tx, request.campaign);
    if (!campaign) return campaign.error();
    const auto config = campaigns_.of(tx, *campaign);
    if (!config) return config.error();
    auto made = ingest_by(request, *config, tx);
    if (!made) return made.error();
    *receipt = std::move(*made);
    *undone = request.dry_run;
    // The store undoes a task that returns an error, and only such a task.
    if (request.dry_run) return Error{ErrorCode::cancelled, "a dry run", "", "", ""};
    return {};
  };
  auto committed = [receipt, undone, done = std::move(done)](const Status& status) {
    if (status.ok() || (*undone && status.error().code == ErrorCode::cancelled)) {
      done(std::move(*receipt));
    } else {
      done(status.error());
    }
  };
  // A dry run ends with an error, after which a task that may be repeated would run once more.
  const Repeat repeat = request.dry_run ? Repeat::never : Repeat::allowed;
  if (auto* tables = dynamic_cast<TableWriter*>(&database_)) {
    TableShare share{request.delivery.rows.size(), 0, request.actor, request.given_up,
                     request.to_its_end};
    for (const PreparedRow& row : request.delivery.rows) share.values += row.values.size();
    tables->write_table(std::move(task), std::move(committed), repeat, std::move(share));
  } else {
    database_.write(std::move(task), std::move(committed), repeat);
  }
}

Result<IngestReceipt> Intake::take(IntakeRequest request) {
  const auto decoded = decode(std::move(request));
  if (!decoded) return decoded.error();
  std::promise<Result<IngestReceipt>> promise;
  commit(*decoded, [&](Result<IngestReceipt> receipt) { promise.set_value(std::move(receipt)); });
  return promise.get_future().get();
}

Json receipt_summary(const IngestReceipt& receipt) {
  constexpr std::size_t kMostProblems = 100;
  std::int64_t counts[4] = {};
  Json problems = Json::array();
  for (const RowVerdict& row : receipt.rows) {
    ++counts[static_cast<std::size_t>(row.verdict)];
    if (row.verdict != Verdict::quarantined || problems.size() >= kMostProblems) continue;
    Json problem = {{"row", row.row}, {"reason", row.reason}};
    problems.push_back(std::move(problem));
  }
  Json summary = {
      {"ingest", receipt.ingest.id}, {"rows", receipt.rows.size()}, {"replayed", receipt.replayed}};
  for (const Verdict verdict :
       {Verdict::accepted, Verdict::flagged, Verdict::duplicate, Verdict::quarantined}) {
    summary[std::string(to_string(verdict))] = counts[static_cast<std::size_t>(verdict)];
  }
  summary["problems"] = std::move(problems);
  return summary;
}

}  // namespace kasetsu::campaign
