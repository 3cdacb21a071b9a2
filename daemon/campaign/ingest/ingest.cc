#include "daemon/campaign/ingest/ingest.h"

#include <fmt/format.h>

#include "daemon/base/json.h"
#include "daemon/base/ulid.h"
#include "daemon/campaign/ingest/row_rules.h"
#include "daemon/campaign/lifecycle/campaigns.h"

namespace kasetsu::campaign {
namespace {

std::string_view media_type(DeliveryFormat format) {
  switch (format) {
    case DeliveryFormat::json:
      return "application/json";
    case DeliveryFormat::ndjson:
      return "application/x-ndjson";
    case DeliveryFormat::csv:
      return "text/csv";
  }
  return "";
}

// The first receipt once more, with what was taken in called a duplicate.
IngestReceipt replay(const Reader& reader, const Ingest& ingest) {
  IngestReceipt receipt = *find_receipt(reader, ingest.id);
  receipt.replayed = true;
  for (RowVerdict& row : receipt.rows) {
    if (row.verdict == Verdict::accepted || row.verdict == Verdict::flagged) {
      row.verdict = Verdict::duplicate;
      row.reason.clear();
    }
  }
  return receipt;
}

void count(Ingest& ingest, Verdict verdict) {
  switch (verdict) {
    case Verdict::accepted:
      ++ingest.accepted;
      return;
    case Verdict::flagged:
      ++ingest.flagged;
      return;
    case Verdict::duplicate:
      ++ingest.duplicate;
      return;
    case Verdict::quarantined:
      ++ingest.quarantined;
      return;
  }
}

// The one event that comes by the thousand: its detail is put together by hand.
Event committed(const Ingest& ingest, const std::string& campaign, const Context& context) {
  Event event;
  event.at = context.now;
  event.actor = context.actor;
  event.campaign = campaign;
  event.object = "ingest";
  event.id = ingest.id;
  event.verb = "committed";
  event.detail = fmt::format(
      R"({{"accepted":{},"duplicate":{},"flagged":{},"quarantined":{},"rows":{},"source":{}}})",
      ingest.accepted, ingest.duplicate, ingest.flagged, ingest.quarantined, ingest.rows,
      dump_json(Json(ingest.source)));
  return event;
}

}  // namespace

Result<IngestReceipt> ingest(Transaction& tx, std::string_view campaign,
                             const PreparedDelivery& delivery, const Context& context) {
  const Result<Campaign> found = find_campaign(tx, campaign);
  if (!found) return found.error();
  const DeliveryOptions& options = delivery.options;
  if (!options.idempotency_key.empty()) {
    if (const auto before = tx.ingest_by_key(found->key, options.idempotency_key)) {
      if (before->sha256 == delivery.sha256) return replay(tx, *before);
      return Error{ErrorCode::unprocessable,
                   "this idempotency key was used with another body before", "Idempotency-Key",
                   options.idempotency_key, "the same body, or a new key"};
    }
  } else if (const auto before = tx.ingest_by_content(found->key, delivery.sha256)) {
    return replay(tx, *before);
  }

  IngestReceipt receipt;
  Ingest& ingest = receipt.ingest;
  // Its measurements are numbered after it.
  std::uint64_t most_measurements = 0;
  for (const PreparedRow& row : delivery.rows) most_measurements += row.values.size();
  const Ulid number = context.ids->block(context.now, 1 + most_measurements);
  ingest.id = number.text();
  ingest.campaign = found->key;
  ingest.source = options.source;
  ingest.run = options.run;
  ingest.idempotency_key = options.idempotency_key;
  ingest.media_type = std::string(media_type(options.format));
  ingest.sha256 = delivery.sha256;
  ingest.actor = context.actor;
  ingest.received_at = context.now;
  tx.keep_content(delivery.sha256, delivery.bytes, context.now);

  Ingestion ingestion(tx, context, *found);
  ingestion.number_after(number);
  const bool one_row = delivery.rows.size() == 1;
  // The delivery of one row is written whole, when its verdict is known. One of many rows goes
  // before them, without counts, and gets these after.
  const Ingestion::Begin begin = [&](Verdict verdict, std::int64_t run) {
    ingest.rows = 1;
    count(ingest, verdict);
    ingest.first_run = ingest.last_run = run;
    if (run != 0) {
      ingest.first_measurement = tx.next_measurement();
      ingest.measurements = std::ssize(delivery.rows.front().values);
    }
    ingest.seq = tx.insert_ingest(ingest);
  };
  if (!one_row) {
    // Rows may ask for measurements of rows before them: where their numbers begin is told first.
    ingest.first_measurement = tx.next_measurement();
    ingest.seq = tx.insert_ingest(ingest);
    ingestion.expect_many();
  }
  receipt.rows.reserve(delivery.rows.size());
  for (const PreparedRow& row : delivery.rows) {
    Ingestion::Outcome outcome =
        ingestion.take(row, ingest, options, one_row ? begin : Ingestion::Begin());
    if (outcome.error) {
      if (outcome.error->code != ErrorCode::bad_data) return *outcome.error;
      if (options.whole) {
        Error error = *outcome.error;
        return row.pointer.empty() || error.where.starts_with(row.pointer) ||
                       error.message.starts_with(row.pointer)
                   ? error
                   : error.in(row.pointer);
      }
      if (one_row) begin(Verdict::quarantined, 0);
      outcome.verdict = ingestion.quarantine(row, *outcome.error, ingest);
    }
    if (one_row) {
      if (ingest.seq == 0) begin(outcome.verdict.verdict, 0);
    } else {
      if (outcome.run != 0) {
        if (ingest.first_run == 0) ingest.first_run = outcome.run;
        ingest.last_run = outcome.run;
      }
      count(ingest, outcome.verdict.verdict);
    }
    receipt.rows.push_back(std::move(outcome.verdict));
  }
  if (!one_row) {
    ingest.rows = static_cast<std::int64_t>(receipt.rows.size());
    ingest.measurements = ingestion.new_measurements();
    tx.finish_ingest(ingest);
  }
  tx.append_event(committed(ingest, found->name, context));
  receipt.new_measurements = ingestion.new_measurements();
  receipt.finished_proposals = std::move(ingestion).finished();
  return receipt;
}

Result<IngestReceipt> find_receipt(const Reader& reader, std::string_view id) {
  const auto ingest = reader.find_ingest(id);
  if (!ingest)
    return Error{ErrorCode::not_found, "there is no such delivery", {}, std::string(id), {}};
  IngestReceipt receipt;
  receipt.ingest = *ingest;
  // Rows that left no trace of their own were duplicates of rows of earlier deliveries.
  receipt.rows.resize(static_cast<std::size_t>(ingest->rows));
  for (std::size_t i = 0; i < receipt.rows.size(); ++i) {
    receipt.rows[i].row = static_cast<std::int64_t>(i);
    receipt.rows[i].verdict = Verdict::duplicate;
  }
  for (const Run& run : reader.runs_between(ingest->first_run, ingest->last_run)) {
    if (run.ingest != ingest->seq || run.row >= ingest->rows) continue;
    RowVerdict& verdict = receipt.rows[static_cast<std::size_t>(run.row)];
    std::uint32_t flags = 0;
    for (const Measurement& m : reader.measurements_of_run(run.seq)) {
      // Corrections by hand belong to the run, not to the delivery.
      if (m.received_at != ingest->received_at) continue;
      verdict.measurements.push_back(m.id);
      flags |= m.flags;
    }
    verdict.verdict = flags == 0 ? Verdict::accepted : Verdict::flagged;
    for (const std::string_view name : flag_names(flags)) {
      if (!verdict.reason.empty()) verdict.reason += ", ";
      verdict.reason += name;
    }
  }
  for (const QuarantinedRow& row : reader.quarantined_of_ingest(ingest->seq)) {
    if (row.row >= ingest->rows) continue;
    RowVerdict& verdict = receipt.rows[static_cast<std::size_t>(row.row)];
    verdict.quarantine = row.id;
    if (row.state == QuarantineState::readmitted) {
      verdict.verdict = Verdict::accepted;
      verdict.measurements.push_back(row.measurement);
    } else {
      verdict.verdict = Verdict::quarantined;
      verdict.reason = row.reason;
    }
  }
  return receipt;
}

}  // namespace kasetsu::campaign
