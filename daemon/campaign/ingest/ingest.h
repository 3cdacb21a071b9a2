// How results come in: one path for every door (HTTP, folder, MQTT, subprocess, command line).
//
// In two steps. prepare_delivery decodes on the caller's thread and touches no database; ingest
// runs on the writer in one transaction and decides row by row. The bytes are kept under their
// SHA-256 as they came.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/chemistry/catalyst.h"
#include "core/chemistry/composition_rules.h"
#include "daemon/campaign/records/store_port.h"
#include "drivers/tables/profile.h"

namespace kasetsu::campaign {

struct CampaignConfig;
class DecodedCampaigns;

enum class DeliveryFormat { json, ndjson, csv };
// What becomes of rows that are stored already and have no name of their own.
enum class Repeats {
  ask,   // the delivery is refused, with their number and places
  skip,  // they are duplicates: the table grew
  keep   // they are replicates that gave the same numbers
};
// From "ask", "skip" or "keep".
std::optional<Repeats> parse_repeats(std::string_view text);
inline constexpr std::string_view kWorkbookType =
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
// From a Content-Type, parameters ignored: application/json, application/x-ndjson, text/csv, and
// kWorkbookType, which is a table like text/csv.
std::optional<DeliveryFormat> parse_delivery_format(std::string_view media_type);

struct DeliveryOptions {
  DeliveryFormat format = DeliveryFormat::json;
  std::string idempotency_key;  // of the header; at most 255 printable ASCII characters
  std::string source;           // for CSV and NDJSON; JSON may name it in the document
  std::string run;              // likewise
  // All rows or none: a row that would be quarantined refuses the delivery with that row's error.
  bool whole = false;
  // A row under a name (source, run, channel, sequence, replicate) that is known with other content
  // is a new revision that supersedes the old one, instead of an error.
  bool revise = false;
  // None: tables are asked about; of JSON, rows that were completed are, and the others are kept
  // and told.
  std::optional<Repeats> repeats;
  // A delivery that cannot be read at all becomes one quarantined row instead of an error: for
  // folders and brokers, whose senders wait for no answer.
  bool quarantine_unreadable = false;
  std::size_t max_rows = 1'000'000;
  // CSV: the campaign's properties (Reader::properties) say which columns are results, `conditions`
  // which are conditions. `id`: column of sample labels.
  std::vector<Property> properties;
  std::vector<std::string> conditions;
  std::optional<std::string> id;
  // Of a table: columns that are known and not wanted, the column of compositions, the sheet of a
  // workbook, and the character before decimals (0: found out).
  std::vector<std::string> ignore;
  std::optional<std::string> composition;
  std::string sheet;
  char decimal = '\0';
  std::string encoding, name_amounts;        // as in tables::ReadOptions
  std::string shape;                         // a name of tables::kShapeNames; empty: found out
  std::vector<std::string> fill_down, null;  // as in tables::ReadOptions
  std::string file_name = "body";            // in messages
  // Of the campaign; null: those of a table without one.
  std::shared_ptr<const chemistry::CompositionRules> rules;
  // A table as its laboratory writes it: read by this profile instead of as CSV of our own shape.
  // Columns of properties that the campaign does not measure are left out.
  std::shared_ptr<const tables::Profile> profile;
  // JSON of a driver: "campaign" and "key" may stand beside the rows; they are the driver's affair.
  bool envelope = false;
};

struct PreparedValue {
  std::string property;
  double value = 0.0;
  std::string unit;       // empty: as the campaign says
  bool censored = false;  // a limit of detection
  bool above = false;     // ... from above: ">95"
};

// One row, as far as it can be read without the database.
struct PreparedRow {
  std::int64_t row = 0;              // from 0
  std::string pointer;               // "/rows/3", "line 7"
  std::string problem;               // why it is quarantined; empty: fine so far
  std::string raw;                   // JSON; only with a problem
  std::string catalyst;              // canonical key; "-" for a blank
  std::string told, dropped_oxygen;  // chemistry::MadeCatalyst
  SampleKind kind = SampleKind::catalyst;
  std::string proposal, sample, channel;
  std::string source, run;  // empty: the delivery's
  std::optional<std::int64_t> sequence, replicate;
  std::string conditions = "{}";  // JSON object, names sorted
  std::vector<PreparedValue> values;
  std::vector<std::string> not_measured;  // of a table: properties whose cells hold nothing
  std::optional<Time> measured_at;
  std::uint32_t flags = 0;        // found while reading (kFlagIsolatedMaximum)
  std::optional<Digest> content;  // content_of, made beforehand for rows with a name
};

// The rules of the delivery's campaign.
const chemistry::CompositionRules& rules_of(const DeliveryOptions& options);

// Of everything that a row says, whatever the form it came in; source and run are the row's or the
// delivery's.
Digest content_of(const PreparedRow& row, std::string_view source, std::string_view run);

struct PreparedDelivery {
  DeliveryOptions options;
  std::string bytes;
  Digest sha256;
  std::vector<PreparedRow> rows;
  // Rows of a table with a name and without any value: what is stored of them was taken back.
  std::vector<PreparedRow> emptied;
  std::vector<std::string> notes;  // how it was read: columns not used, lines left out
};

// Decodes. Rows with a fault of their own carry it in `problem`; an error is for what cannot be
// read at all: bad_data (syntax, nesting deeper than 32, a key twice, an unknown member at the top,
// no rows, too many rows, a table whose header is wrong), with a JSON pointer or line in `where`;
// invalid_argument (options).
//
// JSON: {"source"?, "run"?, "revise"?, "whole"?, "repeats"?, "rows": [{"catalyst": {"slots": ["Li",
// "K", "none"], "support"?, "preparation"?} | {"amounts": {"Li": 0.371}, "support"?,
// "preparation"?} |
// {"formula": "..."} | {"key": "K:1;Li:1/MgO"} | "Mn-Na2WO4/SiO2", "proposal"?, "sample"?, "kind"?,
// "channel"?, "sequence"?, "replicate"?, "conditions"?: {name: number}, "values": {name: number |
// {"value", "unit"?, "censored"?, "above"?} | null}, "measured_at"?}]}. A censored value is a limit
// of detection. Amounts may tell their unit ("unit": "wt%"), and become the campaign's. NDJSON: one
// row object a line, which may also carry "source" and "run". A row that names a proposal, or a
// sample that was here before, may leave the catalyst out.
Result<PreparedDelivery> prepare_delivery(std::string bytes, DeliveryOptions options,
                                          const chemistry::SupportTable& supports);

// A row object as JSON, in the form that prepare_delivery reads.
Result<PreparedRow> prepare_row(std::string_view json, const chemistry::SupportTable& supports,
                                const chemistry::CompositionRules& rules = {});
std::string row_to_json(const PreparedRow& row);

struct RowVerdict {
  std::int64_t row = 0;
  Verdict verdict = Verdict::accepted;
  // One a value, in the order of the row's values; the first is the row's `measurement`. Empty when
  // quarantined, and for duplicates of rows of earlier deliveries whose measurements are not looked
  // up.
  std::vector<std::string> measurements;
  std::string quarantine;  // id of the quarantined row
  std::string reason;      // of quarantine, or the names of the flags
};

struct IngestReceipt {
  Ingest ingest;
  bool replayed = false;  // the same delivery was here before: nothing was done
  std::vector<RowVerdict> rows;
  std::vector<std::string> notes;  // for people: how it was read, what became of it
  // What the delivery changed, for those who retrain and listen.
  std::int64_t new_measurements = 0;
  std::vector<std::string> finished_proposals;
};

// Commits a delivery. One effect: the same idempotency key, or the same bytes without a key, gives
// the first receipt again with every accepted row as `duplicate`; a row whose name (source, run and
// at least one of channel, sequence) is known with the same content is a duplicate. Rows are
// quarantined for: what prepare found; an unknown property, a unit that is not the campaign's; no
// value; an unknown proposal, one of another campaign or of another catalyst; a sample that was
// another catalyst before. A result fills the open proposal that it names or whose catalyst it is,
// enters the errors of the predictions that waited for it, and appends events. Errors: not_found
// (campaign); unprocessable (same key, other body; a known row with other content unless `revise`);
// bad_data with the row's pointer when `whole` and a row is wrong. `config`: the campaign's decoded
// file, which says what a row must tell to be learnt from; null: nothing beyond the database.
Result<IngestReceipt> ingest(Transaction& tx, std::string_view campaign,
                             const PreparedDelivery& delivery, const Context& context,
                             const CampaignConfig* config = nullptr);

// The receipt of an earlier delivery.
Result<IngestReceipt> find_receipt(const Reader& reader, std::string_view ingest);

// Takes a quarantined row in, as it is (after a cause outside of it was mended, such as a missing
// target) or corrected: `corrected` is a row object as JSON. Errors: not_found; conflict (not
// waiting); bad_data with the reason when it still cannot be taken, in which case it stays where it
// is.
Result<RowVerdict> readmit(Transaction& tx, std::string_view quarantined,
                           const std::optional<std::string>& corrected, std::string_view remark,
                           const chemistry::SupportTable& supports, const Context& context,
                           DecodedCampaigns* campaigns = nullptr);
Result<QuarantinedRow> discard(Transaction& tx, std::string_view quarantined,
                               std::string_view reason, const Context& context);

// Corrections. Each needs a reason; the person is context.actor unless `person` is given. A
// retracted or superseded measurement stays readable and is never used again; excluding is undone
// by including. Errors: not_found; invalid_argument (no reason, value not finite); conflict
// (already retracted or superseded).
Result<Measurement> retract(Transaction& tx, std::string_view measurement, std::string_view reason,
                            std::string_view person, const Context& context);
// Brings a retracted measurement back as a new revision with the same value. Errors: conflict when
// it was not retracted, or was restored already.
Result<Measurement> restore(Transaction& tx, std::string_view measurement, std::string_view reason,
                            std::string_view person, const Context& context);
Result<Measurement> supersede(Transaction& tx, std::string_view measurement, double value,
                              std::string_view reason, std::string_view person,
                              const Context& context);
Result<Measurement> exclude(Transaction& tx, std::string_view measurement, bool excluded,
                            std::string_view reason, std::string_view person,
                            const Context& context);

}  // namespace kasetsu::campaign
