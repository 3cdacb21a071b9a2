#include "daemon/campaign/ingest/ingest.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <optional>
#include <utility>

#include "core/base/text.h"
#include "daemon/base/ulid.h"
#include "daemon/campaign/ingest/json_rows.h"
#include "daemon/campaign/ingest/labels.h"
#include "daemon/campaign/ingest/row_rules.h"
#include "daemon/campaign/lifecycle/campaigns.h"
#include "daemon/campaign/records/conditions.h"
#include "daemon/campaign/records/events.h"

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

// One delivery on its way into the database.
class Writing {
 public:
  Writing(Transaction& tx, const Context& context, const Campaign& campaign,
          const CampaignConfig* config, const PreparedDelivery& delivery)
      : tx_(tx),
        context_(context),
        campaign_(campaign),
        delivery_(delivery),
        options_(delivery.options),
        rules_(tx, context, campaign, config) {}

  // The delivery that this one repeats: the same key of the same actor, or the same bytes of the
  // same source and run.
  Result<std::optional<Ingest>> before() {
    const std::string& key = options_.idempotency_key;
    if (!key.empty()) {
      auto known = tx_.ingest_by_key(campaign_.key, context_.actor, key);
      if (known && known->sha256 != delivery_.sha256) {
        return Error{ErrorCode::unprocessable,
                     "this idempotency key was used with another body before", "Idempotency-Key",
                     key, "the same body, or a new key"};
      }
      if (known || !options_.profile) return known;
    }
    for (Ingest& known : tx_.ingests_by_content(campaign_.key, delivery_.sha256)) {
      if (known.source != options_.source || known.run != options_.run) continue;
      // A profile that was mended reads the same bytes anew, and so does a campaign that finds
      // other rows in them since it was changed; what is stored of them is known.
      const bool other_rows =
          options_.format == DeliveryFormat::csv && known.rows != std::ssize(delivery_.rows);
      if (options_.profile || other_rows) {
        repeats_ = Repeats::skip;
        read_before_ = known.seq;
        return std::optional<Ingest>();
      }
      // What could not be read at all is read anew.
      const bool taken = known.accepted + known.flagged + known.duplicate > 0;
      if (!taken && known.rows != std::ssize(delivery_.rows)) continue;
      return std::optional<Ingest>(std::move(known));
    }
    return std::optional<Ingest>();
  }

  // The receipt of `before`, with what was taken in then called a duplicate. Rows that wait in
  // quarantine are judged anew: the campaign may have been mended.
  Result<IngestReceipt> again(const Ingest& before) {
    IngestReceipt receipt = *find_receipt(tx_, before.id);
    receipt.replayed = true;
    // What other deliveries brought of these rows is stored, too.
    one_options_ = options_;
    one_options_.repeats = Repeats::skip;
    if (options_.format == DeliveryFormat::csv) rules_.expect_rows(delivery_.rows, one_options_);
    std::vector<QuarantinedRow> waiting;
    if (receipt.rows.size() == delivery_.rows.size()) {
      waiting = tx_.quarantined_of_ingest(before.seq);
    }
    for (RowVerdict& row : receipt.rows) {
      of_run_.clear();  // rows before may have changed what is stored
      if (row.verdict == Verdict::accepted || row.verdict == Verdict::flagged) {
        row.verdict = Verdict::duplicate;
        row.reason = why_not_live(row.measurements);
        if (receipt.rows.size() != delivery_.rows.size()) continue;
        const PreparedRow& told = delivery_.rows[static_cast<std::size_t>(row.row)];
        const std::vector<Measurement> later = taken_later(before, told, row);
        if (std::any_of(later.begin(), later.end(), stands)) {
          row.reason.clear();  // what was retracted was read again with more
        }
        if (auto more = take_more(told, before, row, later)) {
          if (more->error) return *more->error;
          row = std::move(more->verdict);
          receipt.replayed = false;
        }
        continue;
      }
      // The newest, where the row was read otherwise in between.
      const auto kept = std::find_if(waiting.rbegin(), waiting.rend(),
                                     [&](const auto& one) { return one.row == row.row; });
      if (kept == waiting.rend()) continue;
      if (kept->state == QuarantineState::discarded) {
        row.verdict = Verdict::duplicate;
        row.reason = fmt::format("the row was discarded ({})", kept->remark);
        continue;
      }
      if (kept->state != QuarantineState::waiting) continue;
      const PreparedRow& told = delivery_.rows[static_cast<std::size_t>(row.row)];
      auto outcome = rules_.take(told, before, one_options_);
      if (outcome.error) {
        const bool waits = outcome.error->code == ErrorCode::bad_data;
        if (waits && reason_of(told, *outcome.error) != kept->reason) {
          row = wait_anew(kept->id, told, *outcome.error, before);
          receipt.replayed = false;
        }
        continue;
      }
      kept->state = QuarantineState::readmitted;
      kept->measurement = outcome.verdict.measurements.empty()
                              ? std::string()
                              : outcome.verdict.measurements.front();
      kept->actor = context_.actor;
      kept->remark = "delivered again";
      kept->resolved_at = context_.now;
      tx_.resolve_quarantined(*kept);
      append_event(
          tx_, context_, campaign_.name, "quarantine", kept->id, "readmitted",
          {{"corrected", false}, {"measurement", kept->measurement}, {"remark", kept->remark}});
      row = std::move(outcome.verdict);
      receipt.replayed = false;
    }
    // Cells that are empty in these bytes and were filled by a later delivery. A robot that sends
    // again has a key.
    if (options_.idempotency_key.empty()) {
      if (const Status back = take_back(before); !back) return back.error();
    }
    if (const auto question = rules_.question()) return *question;
    if (rules_.took_back()) receipt.replayed = false;
    receipt.notes = notes();
    // The answer counts what is stored now.
    Ingest& ingest = receipt.ingest;
    ingest.accepted = ingest.flagged = ingest.duplicate = ingest.quarantined = 0;
    for (const RowVerdict& row : receipt.rows) count(ingest, row.verdict);
    receipt.new_measurements = rules_.new_measurements();
    receipt.finished_proposals = std::move(rules_).finished();
    return receipt;
  }

  Result<IngestReceipt> run() {
    begin_ingest();
    receipt_.rows.reserve(delivery_.rows.size());
    for (const PreparedRow& row : delivery_.rows) {
      if (const Status taken = take(row); !taken) return taken.error();
    }
    if (const Status back = take_back(receipt_.ingest); !back) return back.error();
    if (const auto question = rules_.question()) return *question;
    if (delivery_.rows.empty() && !rules_.took_back()) return no_value(options_);
    Ingest& ingest = receipt_.ingest;
    if (!one_row_) {
      ingest.rows = static_cast<std::int64_t>(receipt_.rows.size());
      ingest.measurements = rules_.new_measurements();
      tx_.finish_ingest(ingest);
    }
    tx_.append_event(committed(ingest, campaign_.name, context_));
    settle_quarantine();
    receipt_.new_measurements = rules_.new_measurements();
    receipt_.notes = notes();
    receipt_.finished_proposals = std::move(rules_).finished();
    return std::move(receipt_);
  }

 private:
  // Rows that wait since these bytes were read otherwise are read now.
  void settle_quarantine() {
    if (read_before_ == 0) return;
    for (const QuarantinedRow& row : tx_.quarantined_of_ingest(read_before_)) {
      if (row.state == QuarantineState::waiting) read_anew(row.id, receipt_.ingest);
    }
  }

  void read_anew(const std::string& id, const Ingest& by) {
    const auto discarded =
        discard(tx_, id, fmt::format("read anew by delivery {}", by.id), context_);
    KASETSU_ASSERT(discarded.ok());
  }

  // A row that waits, is read otherwise now, and is wrong for another reason.
  RowVerdict wait_anew(const std::string& id, const PreparedRow& row, const Error& error,
                       const Ingest& ingest) {
    read_anew(id, ingest);
    return rules_.quarantine(row, error, ingest);
  }

  // What is stored of cells that hold nothing in this table.
  Status take_back(const Ingest& ingest) {
    for (const auto* rows : {&delivery_.rows, &delivery_.emptied}) {
      for (const PreparedRow& row : *rows) {
        if (row.not_measured.empty()) continue;
        if (Status back = rules_.take_back(row, ingest, options_); !back) return back;
      }
    }
    return {};
  }

  std::vector<std::string> notes() const {
    std::vector<std::string> all = delivery_.notes;
    for (std::string& note : rules_.notes()) all.push_back(std::move(note));
    return all;
  }

  void begin_ingest() {
    Ingest& ingest = receipt_.ingest;
    // Its measurements are numbered after it.
    std::uint64_t most_measurements = 0;
    for (const PreparedRow& row : delivery_.rows) most_measurements += row.values.size();
    const Ulid number = context_.ids->block(context_.now, 1 + most_measurements);
    ingest.id = number.text();
    ingest.campaign = campaign_.key;
    ingest.source = options_.source;
    ingest.run = options_.run;
    ingest.idempotency_key = options_.idempotency_key;
    ingest.media_type = std::string(media_type(options_.format));
    ingest.sha256 = delivery_.sha256;
    ingest.actor = context_.actor;
    ingest.received_at = context_.now;
    tx_.keep_content(delivery_.sha256, delivery_.bytes, context_.now);
    rules_.number_after(number);
    one_options_ = options_;
    if (repeats_) one_options_.repeats = repeats_;
    rules_.expect_rows(delivery_.rows, options_);
    one_row_ = delivery_.rows.size() == 1;
    if (one_row_) return;
    // Rows may ask for measurements of rows before them: where their numbers begin is told first.
    ingest.first_measurement = tx_.next_measurement();
    ingest.seq = tx_.insert_ingest(ingest);
    rules_.expect_many();
  }

  // What of a row was taken when its table was sent again; only for tables, and only where the
  // campaign reads more of the row than came with the delivery, or where that was retracted.
  std::vector<Measurement> taken_later(const Ingest& before, const PreparedRow& row,
                                       const RowVerdict& stored) const {
    std::vector<Measurement> found;
    const bool whole = stored.measurements.size() >= row.values.size() && stored.reason.empty();
    if (options_.format != DeliveryFormat::csv || whole || stored.measurements.empty())
      return found;
    const auto first = stored_measurement(stored.measurements.front());
    if (!first) return found;
    for (const auto& [id, seq] : rows_of_delivery(before, first->catalyst)[row.row]) {
      const bool known = std::find(stored.measurements.begin(), stored.measurements.end(), id) !=
                         stored.measurements.end();
      if (known || seq <= first->seq) continue;
      if (auto later = stored_measurement(id)) found.push_back(std::move(*later));
    }
    return found;
  }

  // What is stored of a delivery and a catalyst, by row of the delivery: read once, whatever the
  // number of its rows.
  using OfRows = std::map<std::int64_t, std::vector<std::pair<std::string, std::int64_t>>>;
  OfRows& rows_of_delivery(const Ingest& before, const std::string& catalyst) const {
    const auto [known, is_new] = rows_of_delivery_.try_emplace(catalyst);
    if (!is_new) return known->second;
    MeasurementFilter filter;
    filter.catalyst = catalyst;
    Page page{0, 10'000};
    for (;;) {
      const auto measured = tx_.measurements(campaign_.key, filter, page);
      for (const Measurement& m : measured) {
        page.after = m.seq;
        if (m.ingest != before.id) continue;
        const auto runs = tx_.runs_between(m.row, m.row);
        if (!runs.empty()) known->second[runs.front().row].emplace_back(m.id, m.seq);
      }
      if (std::ssize(measured) < page.limit) return known->second;
    }
  }

  // With one of a run, the others of the run are read.
  std::optional<Measurement> stored_measurement(const std::string& id) const {
    const auto is_it = [&](const Measurement& m) { return m.id == id; };
    auto known = std::find_if(of_run_.begin(), of_run_.end(), is_it);
    if (known == of_run_.end()) {
      const auto found = tx_.find_measurement(id);
      if (!found) return {};
      of_run_ = tx_.measurements_of_run(found->row);
      known = std::find_if(of_run_.begin(), of_run_.end(), is_it);
      KASETSU_ASSERT(known != of_run_.end());
    }
    return *known;
  }

  // Whether a later delivery corrected or took back a named row of these bytes, which come again:
  // that is taken back, or an old file was taken by mistake. A robot that sends again has a key.
  bool is_taken_back(const PreparedRow& row, const Ingest& before, const RowVerdict& stored) const {
    if (row.sample.empty() || !options_.idempotency_key.empty()) return false;
    return std::any_of(
        stored.measurements.begin(), stored.measurements.end(), [&](const std::string& id) {
          auto newest = tx_.find_measurement(id);
          while (newest && !newest->superseded_by.empty()) {
            newest = tx_.find_measurement(newest->superseded_by);
          }
          if (!newest) return false;
          return was_taken_back(*newest) ||
                 (newest->id != id && newest->ingest != before.id && stands(*newest));
        });
  }

  // A row of a table that is stored, and that other options or the changed campaign read otherwise:
  // another property is a value of the row that is new; another catalyst, condition or value makes
  // it another measurement. None: it is stored as it is read now.
  std::optional<RowRules::Outcome> take_more(const PreparedRow& row, const Ingest& before,
                                             const RowVerdict& stored,
                                             const std::vector<Measurement>& later) {
    if (options_.format != DeliveryFormat::csv || !row.problem.empty()) return {};
    PreparedRow more = row;
    for (const Measurement& m : later) {
      std::erase_if(more.values,
                    [&](const PreparedValue& value) { return value.property == m.property; });
    }
    std::vector<Measurement> live;
    std::copy_if(later.begin(), later.end(), std::back_inserter(live), stands);
    for (const std::string& id : stored.measurements) {
      const auto found = stored_measurement(id);
      if (!found) return {};
      std::erase_if(more.values,
                    [&](const PreparedValue& value) { return value.property == found->property; });
      if (!found->retracted && found->superseded_by.empty()) live.push_back(*found);
    }
    if (is_taken_back(row, before, stored)) return rules_.take(row, before, one_options_);
    const std::optional<std::string> other = other_reading(row, live);
    if (!other) {
      give_name(row, live);
      if (more.values.empty() || live.empty()) return {};
      return rules_.take(more, before, one_options_);
    }
    RowRules::Outcome outcome;
    if (!options_.revise) {
      outcome.error = Error{ErrorCode::unprocessable,
                            fmt::format("the row is stored with {}", *other),
                            row.pointer,
                            {},
                            "\"revise\" (--revise), which corrects it"};
      return outcome;
    }
    for (const Measurement& m : live) {
      const auto done = retract(tx_, m.id, fmt::format("read again: {}", *other), "", context_);
      if (!done) {
        outcome.error = done.error();
        return outcome;
      }
    }
    return rules_.take(row, before, one_options_);
  }

  // A row that came without a name, in a table that now tells where its names stand.
  void give_name(const PreparedRow& row, const std::vector<Measurement>& live) {
    if (row.sample.empty() || live.empty() || !live.front().sample.empty()) return;
    const auto catalyst = tx_.find_catalyst(live.front().catalyst);
    KASETSU_ASSERT(catalyst.has_value());
    const auto of_label = tx_.sample_catalyst(campaign_.key, row.sample);
    if (of_label && *of_label != catalyst->key) return;
    if (!of_label) {
      tx_.keep_sample(campaign_.key, row.sample, catalyst->key, row.kind, context_.now);
    }
    tx_.name_run(live.front().row, row.sample, context_.now);
  }

  // What the row says otherwise than what is stored of it: "C2_yield = 1234, and is now read with
  // 1.234".
  std::optional<std::string> other_reading(const PreparedRow& row,
                                           const std::vector<Measurement>& live) const {
    if (live.empty()) return {};
    const Measurement& stored = live.front();
    if (row.proposal.empty()) {
      const std::string catalyst = tx_.present_key(campaign_.key, stored.catalyst);
      if (!row.catalyst.empty() && row.catalyst != catalyst) {
        return fmt::format("the catalyst {}, and is now read with {}", catalyst, row.catalyst);
      }
      if (!answers_conditions(stored.conditions, row.conditions) ||
          !answers_conditions(row.conditions, stored.conditions)) {
        return fmt::format("the conditions {}, and is now read with {}", stored.conditions,
                           row.conditions);
      }
    }
    for (const Measurement& m : live) {
      const bool censored = (m.flags & kFlagCensored) != 0;
      const bool above = (m.flags & kFlagAboveLimit) != 0;
      for (const PreparedValue& value : row.values) {
        if (value.property != m.property) continue;
        const bool same_limit = value.censored == censored && value.above == above;
        if (value.value == m.value && same_limit) continue;
        return fmt::format("{} = {}, and is now read with {}", m.property, value_text(m),
                           value_text(value));
      }
    }
    return {};
  }

  // The delivery of one row is written whole, when its verdict is known. One of many rows goes
  // before them, without counts, and gets these after.
  void write_ingest(Verdict verdict, std::int64_t run, std::int64_t measurements) {
    Ingest& ingest = receipt_.ingest;
    ingest.rows = 1;
    count(ingest, verdict);
    ingest.first_run = ingest.last_run = run;
    if (run != 0) {
      ingest.first_measurement = tx_.next_measurement();
      ingest.measurements = measurements;
    }
    ingest.seq = tx_.insert_ingest(ingest);
  }

  Status take(const PreparedRow& row) {
    Ingest& ingest = receipt_.ingest;
    RowRules::Begin begin;
    if (one_row_) {
      begin = [this](Verdict verdict, std::int64_t run, std::int64_t measurements) {
        write_ingest(verdict, run, measurements);
      };
    }
    RowRules::Outcome outcome = rules_.take(row, ingest, one_options_, begin);
    if (outcome.error) {
      if (outcome.error->code != ErrorCode::bad_data) return *outcome.error;
      if (options_.whole) {
        Error error = *outcome.error;
        return row.pointer.empty() || error.where.starts_with(row.pointer) ||
                       error.message.starts_with(row.pointer)
                   ? error
                   : error.in(row.pointer);
      }
      if (one_row_) write_ingest(Verdict::quarantined, 0, 0);
      outcome.verdict = rules_.quarantine(row, *outcome.error, ingest);
    }
    if (one_row_) {
      if (ingest.seq == 0) write_ingest(outcome.verdict.verdict, 0, 0);
    } else {
      if (outcome.run != 0) {
        if (ingest.first_run == 0) ingest.first_run = outcome.run;
        ingest.last_run = outcome.run;
      }
      count(ingest, outcome.verdict.verdict);
    }
    receipt_.rows.push_back(std::move(outcome.verdict));
    return {};
  }

  // Of measurements that were retracted or excluded since.
  std::string why_not_live(const std::vector<std::string>& measurements) const {
    for (const std::string& id : measurements) {
      const auto found = stored_measurement(id);
      if (!found) continue;
      if (std::string text = not_live_text(*found); !text.empty()) return text;
    }
    return {};
  }

  Transaction& tx_;
  const Context& context_;
  const Campaign& campaign_;
  const PreparedDelivery& delivery_;
  const DeliveryOptions& options_;
  DeliveryOptions one_options_;
  std::optional<Repeats> repeats_;
  std::int64_t read_before_ = 0;  // seq of the ingest that read these bytes otherwise; 0: none
  RowRules rules_;
  IngestReceipt receipt_;
  bool one_row_ = false;
  mutable std::map<std::string, OfRows> rows_of_delivery_;  // by catalyst
  mutable std::vector<Measurement> of_run_;                 // of the row that is looked at
};

}  // namespace

Result<IngestReceipt> ingest(Transaction& tx, std::string_view campaign,
                             const PreparedDelivery& delivery, const Context& context,
                             const CampaignConfig* config) {
  const Result<Campaign> found = find_campaign(tx, campaign);
  if (!found) return found.error();
  // A row alone is a robot's, which writes its labels always alike.
  std::optional<PreparedDelivery> renamed;
  if (delivery.rows.size() + delivery.emptied.size() > 1 || delivery.options.id) {
    renamed = with_stored_labels(tx, found->key, delivery);
  }
  Writing writing(tx, context, *found, config, renamed ? *renamed : delivery);
  const auto before = writing.before();
  if (!before) return before.error();
  return *before ? writing.again(**before) : writing.run();
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
    verdict.reason = flags_text(flags);
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
