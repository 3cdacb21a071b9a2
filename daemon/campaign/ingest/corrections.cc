// What people do with results afterwards: rows out of quarantine, corrections, exclusions.
#include <fmt/format.h>

#include <cmath>

#include "core/base/text.h"
#include "daemon/base/ulid.h"
#include "daemon/campaign/file/decoded_campaigns.h"
#include "daemon/campaign/ingest/row_rules.h"
#include "daemon/campaign/records/events.h"

namespace kasetsu::campaign {
namespace {

Result<Measurement> find_measurement(const Reader& reader, std::string_view id) {
  if (auto found = reader.find_measurement(id)) return std::move(*found);
  return Error{ErrorCode::not_found, "there is no such measurement", {}, std::string(id), {}};
}

// What every correction needs: the measurement, still standing, its campaign, and a reason.
struct Correction {
  Measurement measurement;
  Campaign campaign;
  std::string person;
};

Result<Correction> begin_correction(const Reader& reader, std::string_view id,
                                    std::string_view reason, std::string_view person,
                                    const Context& context, bool retracted = false) {
  if (trim(reason).empty()) {
    return Error{ErrorCode::invalid_argument, "a reason is needed", "reason", {}, "one sentence"};
  }
  Result<Measurement> found = find_measurement(reader, id);
  if (!found) return found.error();
  if (!found->superseded_by.empty()) {
    return Error{ErrorCode::conflict,
                 fmt::format("measurement {} was superseded", id),
                 {},
                 {},
                 fmt::format("the newest one, {}", found->superseded_by)};
  }
  if (found->retracted != retracted) {
    return Error{ErrorCode::conflict,
                 retracted ? fmt::format("measurement {} was not retracted", id)
                           : fmt::format("measurement {} was retracted: {}", id, found->reason),
                 {},
                 {},
                 {}};
  }
  Correction correction;
  const auto ingest = reader.find_ingest(found->ingest);
  KASETSU_ASSERT(ingest.has_value());
  auto campaign = reader.campaign(ingest->campaign);
  KASETSU_ASSERT(campaign.has_value());
  correction.measurement = std::move(found).value();
  correction.campaign = std::move(*campaign);
  correction.person = person.empty() ? context.actor : std::string(person);
  return correction;
}

// A new revision of a measurement. Returns it as it is stored.
Result<Measurement> write_revision(Transaction& tx, const Correction& correction, double value,
                                   std::string_view reason, const Context& context) {
  const Measurement& old = correction.measurement;
  const auto catalyst = tx.find_catalyst(old.catalyst);
  KASETSU_ASSERT(catalyst.has_value());
  Measurement made;
  made.id = context.ids->next(context.now);
  made.property = old.property;
  made.value = value;
  made.flags = old.flags & ~static_cast<std::uint32_t>(kFlagOutOfRange);
  for (const Property& property : tx.properties(correction.campaign.key)) {
    if (property.name == old.property) made.flags |= range_flag(property, value);
  }
  made.supersedes = old.id;
  const auto run = tx.run_of_measurement(old.id);
  tx.insert_measurement(correction.campaign.key, run, catalyst->key, made, context.now);
  tx.mark_measurement(old.id, "supersede", reason, correction.person, context.now);
  append_event(tx, context, correction.campaign.name, "measurement", made.id, "supersedes",
               {{"superseded", old.id},
                {"before", old.value},
                {"after", value},
                {"reason", reason},
                {"person", correction.person}});
  settle_predictions(tx, correction.campaign.key, old.property, old.catalyst, old.conditions,
                     context.now);
  return find_measurement(tx, made.id);
}

}  // namespace

Result<RowVerdict> readmit(Transaction& tx, std::string_view id,
                           const std::optional<std::string>& corrected, std::string_view remark,
                           const chemistry::SupportTable& supports, const Context& context,
                           DecodedCampaigns* campaigns) {
  auto kept = tx.find_quarantined(id);
  if (!kept) {
    return Error{
        ErrorCode::not_found, "there is no such row in quarantine", {}, std::string(id), {}};
  }
  if (kept->state != QuarantineState::waiting) {
    return Error{ErrorCode::conflict,
                 fmt::format("row {} was {} already", id, to_string(kept->state)),
                 {},
                 {},
                 {}};
  }
  const auto ingest = tx.find_ingest(kept->ingest);
  KASETSU_ASSERT(ingest.has_value());
  const auto campaign = tx.campaign(ingest->campaign);
  KASETSU_ASSERT(campaign.has_value());

  DeliveryOptions options;
  options.source = ingest->source;
  options.run = ingest->run;
  DecodedCampaigns::Config config;
  if (campaigns != nullptr) {
    auto decoded = campaigns->of(tx, *campaign);
    if (!decoded) return decoded.error();
    config = std::move(*decoded);
  }
  Result<PreparedRow> row =
      prepare_row(corrected ? *corrected : kept->raw, supports,
                  config ? config->composition : chemistry::CompositionRules());
  if (!row) return row.error();
  row->row = kept->row;
  row->pointer = kept->pointer;
  RowRules rules(tx, context, *campaign, config.get());
  RowRules::Outcome outcome = rules.take(*row, *ingest, options);
  if (outcome.error) return *outcome.error;
  kept->state = QuarantineState::readmitted;
  kept->measurement =
      outcome.verdict.measurements.empty() ? std::string() : outcome.verdict.measurements.front();
  kept->actor = context.actor;
  kept->remark = std::string(remark);
  kept->resolved_at = context.now;
  tx.resolve_quarantined(*kept);
  outcome.verdict.quarantine = kept->id;
  append_event(tx, context, campaign->name, "quarantine", kept->id, "readmitted",
               {{"corrected", corrected.has_value()},
                {"measurement", kept->measurement},
                {"remark", remark}});
  return outcome.verdict;
}

Result<QuarantinedRow> discard(Transaction& tx, std::string_view id, std::string_view reason,
                               const Context& context) {
  auto kept = tx.find_quarantined(id);
  if (!kept) {
    return Error{
        ErrorCode::not_found, "there is no such row in quarantine", {}, std::string(id), {}};
  }
  if (trim(reason).empty()) {
    return Error{ErrorCode::invalid_argument, "a reason is needed", "reason", {}, "one sentence"};
  }
  if (kept->state == QuarantineState::discarded) return std::move(*kept);
  if (kept->state != QuarantineState::waiting) {
    return Error{ErrorCode::conflict, fmt::format("row {} was readmitted already", id), {}, {}, {}};
  }
  kept->state = QuarantineState::discarded;
  kept->actor = context.actor;
  kept->remark = std::string(reason);
  kept->resolved_at = context.now;
  tx.resolve_quarantined(*kept);
  const auto ingest = tx.find_ingest(kept->ingest);
  const auto campaign = ingest ? tx.campaign(ingest->campaign) : std::nullopt;
  append_event(tx, context, campaign ? campaign->name : std::string(), "quarantine", kept->id,
               "discarded", {{"reason", reason}});
  return std::move(*kept);
}

Result<Measurement> retract(Transaction& tx, std::string_view measurement, std::string_view reason,
                            std::string_view person, const Context& context) {
  const auto correction = begin_correction(tx, measurement, reason, person, context);
  if (!correction) return correction.error();
  tx.mark_measurement(measurement, "retract", reason, correction->person, context.now);
  append_event(tx, context, correction->campaign.name, "measurement", measurement, "retracted",
               {{"reason", reason}, {"person", correction->person}});
  settle_predictions(tx, correction->campaign.key, correction->measurement.property,
                     correction->measurement.catalyst, correction->measurement.conditions,
                     context.now);
  return find_measurement(tx, measurement);
}

Result<Measurement> supersede(Transaction& tx, std::string_view measurement, double value,
                              std::string_view reason, std::string_view person,
                              const Context& context) {
  if (!std::isfinite(value)) {
    return Error{
        ErrorCode::invalid_argument, "the value is not finite", "value", {}, "a finite number"};
  }
  const auto correction = begin_correction(tx, measurement, reason, person, context);
  if (!correction) return correction.error();
  return write_revision(tx, *correction, value, reason, context);
}

Result<Measurement> restore(Transaction& tx, std::string_view measurement, std::string_view reason,
                            std::string_view person, const Context& context) {
  const auto correction = begin_correction(tx, measurement, reason, person, context, true);
  if (!correction) return correction.error();
  return write_revision(tx, *correction, correction->measurement.value, reason, context);
}

Result<Measurement> exclude(Transaction& tx, std::string_view measurement, bool excluded,
                            std::string_view reason, std::string_view person,
                            const Context& context) {
  const auto correction = begin_correction(tx, measurement, reason, person, context);
  if (!correction) return correction.error();
  if (correction->measurement.excluded == excluded) return correction->measurement;
  tx.mark_measurement(measurement, excluded ? "exclude" : "include", reason, correction->person,
                      context.now);
  append_event(tx, context, correction->campaign.name, "measurement", measurement,
               excluded ? "excluded" : "included",
               {{"reason", reason}, {"person", correction->person}});
  settle_predictions(tx, correction->campaign.key, correction->measurement.property,
                     correction->measurement.catalyst, correction->measurement.conditions,
                     context.now);
  return find_measurement(tx, measurement);
}

}  // namespace kasetsu::campaign
