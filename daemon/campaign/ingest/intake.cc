#include "daemon/campaign/ingest/intake.h"

#include <utility>

#include "daemon/campaign/file/campaign_file.h"
#include "daemon/campaign/lifecycle/campaigns.h"

namespace kasetsu::campaign {

Status complete_options(const Database& database, std::string_view campaign,
                        const chemistry::SupportTable& supports, DeliveryOptions& options) {
  if (options.format != DeliveryFormat::csv) return {};
  std::string text, media_type;
  const Status read = database.read([&](const Reader& reader) -> Status {
    const auto found = find_campaign(reader, campaign);
    if (!found) return found.error();
    options.properties = reader.properties(found->key);
    if (const auto version = reader.campaign_version(found->key, found->version)) {
      text = version->text;
      media_type = version->media_type;
    }
    return {};
  });
  if (!read) return read;
  const auto decoded = parse_campaign(text, "campaign", media_type, supports);
  if (decoded) options.conditions = decoded->conditions();
  return {};
}

std::function<Status(Transaction&)> rehearsal(const std::string& campaign,
                                              const PreparedDelivery& delivery,
                                              const Context& context,
                                              std::shared_ptr<IngestReceipt> receipt) {
  return [campaign, &delivery, context, receipt = std::move(receipt)](Transaction& tx) -> Status {
    auto made = ingest(tx, campaign, delivery, context);
    if (!made) return made.error();
    *receipt = std::move(*made);
    // An error takes back what the task did.
    return Error{ErrorCode::cancelled, "a dry run", "", "", ""};
  };
}

Intake::Intake(Database& database, const chemistry::SupportTable& supports, Clock clock,
               UlidSource& ids, FindProfile find_profile)
    : database_(database),
      supports_(supports),
      clock_(std::move(clock)),
      ids_(ids),
      find_profile_(std::move(find_profile)) {
}

Result<IngestReceipt> Intake::take(IntakeRequest request) {
  DeliveryOptions options = std::move(request.options);
  if (!request.profile.empty()) {
    auto profile = find_profile_(request.profile);
    if (!profile) return profile.error();
    options.profile = std::move(*profile);
    options.format = DeliveryFormat::csv;
  }
  if (const Status known = complete_options(database_, request.campaign, supports_, options);
      !known) {
    return known.error();
  }
  const auto prepared = prepare_delivery(std::move(request.bytes), std::move(options), supports_);
  if (!prepared) return prepared.error();
  const auto context = [&] {
    Context made;
    made.now = clock_();
    made.ids = &ids_;
    made.actor = request.actor;
    return made;
  };
  if (request.dry_run) {
    auto receipt = std::make_shared<IngestReceipt>();
    const Status done =
        write_and_wait(database_, rehearsal(request.campaign, *prepared, context(), receipt));
    if (!done && done.error().code != ErrorCode::cancelled) return done.error();
    return std::move(*receipt);
  }
  return write_and_wait<IngestReceipt>(database_, [&](Transaction& tx) {
    return ingest(tx, request.campaign, *prepared, context());
  });
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
