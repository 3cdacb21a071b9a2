#include "daemon/campaign/ingest.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <unordered_map>

#include "core/text.h"
#include "daemon/campaign/campaigns.h"
#include "daemon/campaign/events.h"
#include "daemon/campaign/ulid.h"

namespace kasetsu::campaign {
namespace {

// A laboratory's clock may be off by this much before a time in the future is flagged.
constexpr Duration kClockTolerance = std::chrono::hours(1);

Error refuse(std::string message, std::string value = {}, std::string expected = {}) {
  return Error{ErrorCode::bad_data, std::move(message), {}, std::move(value), std::move(expected)};
}

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

// Of everything that a row says, whatever the form it came in.
Digest content_of(const PreparedRow& row, std::string_view source, std::string_view run) {
  std::string text;
  text.reserve(256);
  // Each part with its length before it, so that no two rows give the same text.
  const auto add = [&text](std::string_view part) {
    text += fmt::format_int(part.size()).c_str();
    text += ':';
    text += part;
  };
  const auto add_number = [&](const auto& number) {
    if (number) {
      const fmt::format_int digits(*number);
      add(std::string_view(digits.data(), digits.size()));
    } else {
      add("");
    }
  };
  add(row.catalyst);
  add(to_string(row.kind));
  add(row.proposal);
  add(row.sample);
  add(row.channel);
  add(source);
  add(run);
  add_number(row.sequence);
  add_number(row.replicate);
  add(row.conditions);
  add_number(row.measured_at ? std::optional<std::int64_t>(to_micros(*row.measured_at))
                             : std::optional<std::int64_t>());
  std::vector<const PreparedValue*> values;
  for (const PreparedValue& value : row.values) values.push_back(&value);
  std::sort(values.begin(), values.end(), [](const PreparedValue* a, const PreparedValue* b) {
    return a->property < b->property;
  });
  for (const PreparedValue* value : values) {
    add(value->property);
    add(format_number(value->value));
    add(value->unit);
  }
  return sha256(text);
}

// A result for a prediction that waited for it. The first live measurement after the prediction
// counts, so that late repeats do not weigh twice, and a retracted one makes room for the next.
void settle_predictions(Transaction& tx, std::int64_t campaign, const std::string& property,
                        const std::string& catalyst, Time now) {
  const auto open = tx.open_predictions(campaign, property, catalyst);
  if (open.empty()) return;
  MeasurementFilter filter;
  filter.property = property;
  filter.catalyst = catalyst;
  filter.live_only = true;
  Page page;
  page.limit = 10'000;
  const auto measured = tx.measurements(campaign, filter, page);
  for (const LedgerEntry& entry : open) {
    const auto first = std::find_if(measured.begin(), measured.end(), [&](const Measurement& m) {
      return m.received_at >= entry.predicted_at;
    });
    if (first == measured.end()) continue;
    const double error = first->value - entry.predicted;
    if (!std::isfinite(error)) continue;
    tx.insert_prediction_error(entry.seq, first->id, first->value, error, now);
  }
}

// By the names that laboratories use; a property under another name is not judged.
bool is_carbon_balance(std::string_view name) {
  return name == "carbon_balance" || name == "C_balance" || name == "C-balance";
}
bool is_selectivity(std::string_view name) {
  return name.starts_with("S_") || name.ends_with("_selectivity");
}
bool is_conversion(std::string_view name) {
  return name.starts_with("X_") || name == "conversion" || name.ends_with("_conversion");
}

double median_of(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  if (values.size() % 2 == 1) return *middle;
  return 0.5 * (*middle + *std::max_element(values.begin(), middle));
}

// Whether a value lies far from its replicates: four times 1.4826 MAD, the normal distribution's
// standard deviation, from their median. Fewer than five, or replicates that all agree exactly, say
// nothing.
bool is_far_from(const std::vector<double>& replicates, double value) {
  constexpr std::size_t kFewest = 5;
  if (replicates.size() < kFewest) return false;
  const double middle = median_of(replicates);
  std::vector<double> distances;
  for (const double replicate : replicates) distances.push_back(std::abs(replicate - middle));
  const double spread = 1.4826 * median_of(std::move(distances));
  return spread > 0.0 && std::abs(value - middle) > 4.0 * spread;
}

class Ingestion {
 public:
  Ingestion(Transaction& tx, const Context& context, const Campaign& campaign)
      : tx_(tx), context_(context), campaign_(campaign) {
    for (Property& property : tx.properties(campaign.key)) {
      if (property.target) targets_.push_back(property.name);
      names_.push_back(property.name);
      std::string name = property.name;
      properties_.emplace(std::move(name), std::move(property));
    }
  }

  // What became of a row. `error` set with code bad_data: it belongs in quarantine, for that
  // reason; with another code: the delivery is refused.
  struct Outcome {
    std::optional<Error> error;
    RowVerdict verdict;
    std::int64_t run = 0;  // seq of what was written; 0: nothing
  };

  Outcome take(const PreparedRow& given, const Ingest& ingest, const DeliveryOptions& options) {
    Outcome outcome;
    outcome.verdict.row = given.row;
    const PreparedRow& row = given;
    const std::string& source = row.source.empty() ? options.source : row.source;
    const std::string& run_name = row.run.empty() ? options.run : row.run;
    if (!row.problem.empty()) {
      outcome.error = refuse(row.problem);
      return outcome;
    }

    std::string_view catalyst_key = row.catalyst;
    std::string_view description = row.description;
    std::optional<Proposal> proposal;
    if (!row.proposal.empty()) {
      proposal = tx_.find_proposal(row.proposal);
      if (!proposal || proposal->campaign != campaign_.key) {
        outcome.error = refuse("the campaign has no such proposal", row.proposal,
                               "the id of a proposal of this campaign, or none");
        return outcome;
      }
      if (row.catalyst.empty()) {
        catalyst_key = proposal->catalyst;
        description = proposal->catalyst_description;
      } else if (row.catalyst != proposal->catalyst && row.kind == SampleKind::catalyst) {
        outcome.error = refuse(
            fmt::format("proposal {} asks for {}", proposal->id, proposal->catalyst), row.catalyst,
            "the same catalyst; amend the proposal when something else was made");
        return outcome;
      }
    }
    if (catalyst_key.empty()) {
      outcome.error = refuse("the row names no catalyst");
      return outcome;
    }

    std::uint32_t flags = 0;
    for (const PreparedValue& value : row.values) {
      const auto property = properties_.find(value.property);
      if (property == properties_.end()) {
        const auto nearest = nearest_names(value.property, names_, 1);
        outcome.error =
            refuse("the campaign measures no such property", value.property,
                   nearest.empty() ? join_or(names_) : fmt::format("{}?", nearest.front()));
        return outcome;
      }
      if (!value.unit.empty() && value.unit != property->second.unit) {
        outcome.error = refuse(fmt::format("{} is measured in another unit", value.property),
                               value.unit, fmt::format("\"{}\"", property->second.unit));
        return outcome;
      }
      if (!std::isfinite(value.value)) {
        outcome.error = refuse(fmt::format("{} is not a finite number", value.property));
        return outcome;
      }
    }
    if (row.values.empty()) {
      outcome.error = refuse("the row has no measured value");
      return outcome;
    }

    // A row with a name of its own is known when it comes again, in whatever delivery.
    const Digest content = content_of(row, source, run_name);
    std::optional<Run> before;
    const bool named = !run_name.empty() && (!row.channel.empty() || row.sequence);
    if (named) {
      before =
          tx_.find_run(campaign_.key, source, run_name, row.channel, row.sequence, row.replicate);
    }
    if (before && before->content == content) {
      outcome.verdict.verdict = Verdict::duplicate;
      for (const Measurement& m : tx_.measurements_of_run(before->seq)) {
        outcome.verdict.measurements.push_back(m.id);
      }
      return outcome;
    }
    if (before && !options.revise) {
      outcome.error =
          Error{ErrorCode::unprocessable,
                fmt::format(
                    "source \"{}\" delivered run \"{}\"{}{} with other content "
                    "before",
                    source, run_name,
                    row.channel.empty() ? std::string() : fmt::format(", channel {}", row.channel),
                    row.sequence ? fmt::format(", sequence {}", *row.sequence) : std::string()),
                row.pointer,
                {},
                "the same content, another name, or \"revise\": true for a correction"};
      return outcome;
    }

    const std::int64_t catalyst = tx_.keep_catalyst(catalyst_key, description, context_.now);
    if (!row.sample.empty()) {
      const auto known = tx_.sample_catalyst(campaign_.key, row.sample);
      if (known && *known != catalyst) {
        outcome.error =
            refuse(fmt::format("sample {} was another catalyst before", row.sample), row.catalyst,
                   "the catalyst that the label stands for, or another label");
        return outcome;
      }
      if (!known) {
        tx_.keep_sample(campaign_.key, row.sample, catalyst, row.kind, context_.now);
      }
    }

    const bool answers = row.kind == SampleKind::catalyst || row.kind == SampleKind::reference;
    if (!proposal && answers) proposal = tx_.open_proposal(campaign_.key, catalyst);
    if (proposal && (proposal->state == ProposalState::cancelled ||
                     proposal->state == ProposalState::infeasible)) {
      flags |= kFlagClosedProposal;
    }
    if (row.measured_at && *row.measured_at > context_.now + kClockTolerance) flags |= kFlagClock;
    flags |= balance_flags(row);

    Run run;
    run.ingest = ingest.seq;
    run.row = row.row;
    run.campaign = campaign_.key;
    run.catalyst = catalyst;
    run.kind = row.kind;
    run.source = source;
    run.run = run_name;
    run.channel = row.channel;
    run.sequence = row.sequence;
    run.replicate = row.replicate;
    run.sample = row.sample;
    run.conditions = row.conditions;
    if (proposal) run.proposal = proposal->id;
    run.measured_at = row.measured_at;
    run.content = content;
    outcome.run = tx_.insert_run(run);

    const bool predicted = answers && tx_.has_predictions(campaign_.key, catalyst);
    std::uint32_t all_flags = flags;
    for (const PreparedValue& value : row.values) {
      const Property& property = properties_.find(value.property)->second;
      Measurement measurement;
      measurement.id = context_.ids->next(context_.now);
      measurement.property = value.property;
      measurement.value = value.value;
      measurement.flags = flags | range_flag(property, value.value);
      if (answers && !before) {
        measurement.flags |= replicate_flag(row, value, std::string(catalyst_key));
      }
      all_flags |= measurement.flags;
      if (before) measurement.supersedes = newest_of(*before, value.property);
      tx_.insert_measurement(campaign_.key, outcome.run, catalyst, measurement, context_.now);
      if (!measurement.supersedes.empty()) {
        tx_.mark_measurement(measurement.supersedes, "supersede",
                             fmt::format("revised by delivery {}", ingest.id), context_.actor,
                             context_.now);
        append_event(tx_, context_, campaign_.name, "measurement", measurement.id, "supersedes",
                     {{"superseded", measurement.supersedes}, {"delivery", ingest.id}});
      }
      outcome.verdict.measurements.push_back(measurement.id);
      if (predicted) {
        settle_predictions(tx_, campaign_.key, value.property, std::string(catalyst_key),
                           context_.now);
      }
      ++new_measurements_;
    }
    outcome.verdict.verdict = all_flags == 0 ? Verdict::accepted : Verdict::flagged;
    for (const std::string_view name : flag_names(all_flags)) {
      if (!outcome.verdict.reason.empty()) outcome.verdict.reason += ", ";
      outcome.verdict.reason += name;
    }
    if (proposal) answer(*proposal, row);
    return outcome;
  }

  static std::uint32_t range_flag(const Property& property, double value) {
    return (property.low && value < *property.low) || (property.high && value > *property.high)
               ? static_cast<std::uint32_t>(kFlagOutOfRange)
               : 0U;
  }

  // What the numbers of one row say of one another.
  std::uint32_t balance_flags(const PreparedRow& row) const {
    std::uint32_t flags = 0;
    double selectivities = 0.0;
    for (const PreparedValue& value : row.values) {
      const bool percent = properties_.find(value.property)->second.unit == "%";
      if (is_carbon_balance(value.property)) {
        const double balance = percent ? value.value : 100.0 * value.value;
        if (balance < 90.0 || balance > 110.0) flags |= kFlagCarbonBalance;
      }
      if (percent && is_selectivity(value.property)) selectivities += value.value;
      if (percent && is_conversion(value.property) && value.value < 1.0) {
        flags |= kFlagLowConversion;
      }
    }
    if (selectivities > 120.0) flags |= kFlagSelectivitySum;
    return flags;
  }

  // Against the newest hundred live measurements of the same property, catalyst and conditions.
  std::uint32_t replicate_flag(const PreparedRow& row, const PreparedValue& value,
                               const std::string& catalyst) const {
    const std::vector<double> replicates =
        tx_.replicates(campaign_.key, value.property, catalyst, row.conditions, 100);
    if (!is_far_from(replicates, value.value)) return 0;
    return row.kind == SampleKind::reference ? static_cast<std::uint32_t>(kFlagReferenceDrift)
                                             : static_cast<std::uint32_t>(kFlagReplicateSpread);
  }

  RowVerdict quarantine(const PreparedRow& row, const Error& error, const Ingest& ingest) {
    QuarantinedRow kept;
    kept.id = context_.ids->next(context_.now);
    kept.row = row.row;
    kept.pointer = row.pointer;
    kept.raw = row.problem.empty() ? row_to_json(row) : row.raw;
    kept.reason = row.problem.empty() ? error.to_string() : row.problem;
    kept.received_at = context_.now;
    tx_.insert_quarantined(campaign_.key, ingest.seq, kept);
    RowVerdict verdict;
    verdict.row = row.row;
    verdict.verdict = Verdict::quarantined;
    verdict.quarantine = kept.id;
    verdict.reason = kept.reason;
    return verdict;
  }

  std::int64_t new_measurements() const { return new_measurements_; }
  std::vector<std::string> finished() && { return std::move(finished_); }
  const Property* property(const std::string& name) const {
    const auto found = properties_.find(name);
    return found == properties_.end() ? nullptr : &found->second;
  }

 private:
  // The end of the chain of corrections that began with a run's measurement of a property; empty:
  // none.
  std::string newest_of(const Run& run, const std::string& property) const {
    for (Measurement m : tx_.measurements_of_run(run.seq)) {
      if (m.property != property) continue;
      while (!m.superseded_by.empty()) {
        auto next = tx_.find_measurement(m.superseded_by);
        KASETSU_ASSERT(next.has_value());
        m = std::move(*next);
      }
      return m.id;
    }
    return {};
  }

  void answer(Proposal proposal, const PreparedRow& row) {
    switch (proposal.state) {
      case ProposalState::succeeded:
      case ProposalState::infeasible:
      case ProposalState::cancelled:
        return;  // the measurement counts, the proposal is done
      default:
        break;
    }
    std::vector<std::string> measured;
    for (const PreparedValue& value : row.values) measured.push_back(value.property);
    const auto complete = [&] {
      return std::all_of(targets_.begin(), targets_.end(), [&](const std::string& target) {
        return std::find(measured.begin(), measured.end(), target) != measured.end();
      });
    };
    bool done = complete();
    if (!done) {
      measured = tx_.measured_for_proposal(proposal.id);
      done = complete();
    }
    const ProposalState state = done ? ProposalState::succeeded : ProposalState::partial;
    if (proposal.state == state) return;
    proposal.state = state;
    proposal.state_reason.clear();
    if (done) proposal.lease_expires.reset();
    proposal.updated_at = context_.now;
    tx_.update_proposal(proposal);
    Json detail = {{"catalyst", proposal.catalyst}, {"state", to_string(state)}};
    if (!proposal.client.empty()) detail["client"] = proposal.client;
    append_event(tx_, context_, campaign_.name, "proposal", proposal.id,
                 done ? "succeeded" : "partial", detail);
    if (done) finished_.push_back(proposal.id);
  }

  Transaction& tx_;
  const Context& context_;
  const Campaign& campaign_;
  std::unordered_map<std::string, Property> properties_;
  std::vector<std::string> names_, targets_;
  std::int64_t new_measurements_ = 0;
  std::vector<std::string> finished_;
};

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
                                    const Context& context) {
  if (trim(reason).empty()) {
    return Error{ErrorCode::invalid_argument, "a reason is needed", "reason", {}, "one sentence"};
  }
  Result<Measurement> found = find_measurement(reader, id);
  if (!found) return found.error();
  if (found->retracted) {
    return Error{ErrorCode::conflict,
                 fmt::format("measurement {} was retracted: {}", id, found->reason),
                 {},
                 {},
                 {}};
  }
  if (!found->superseded_by.empty()) {
    return Error{ErrorCode::conflict,
                 fmt::format("measurement {} was superseded", id),
                 {},
                 {},
                 fmt::format("the newest one, {}", found->superseded_by)};
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
  ingest.id = context.ids->next(context.now);
  ingest.campaign = found->key;
  ingest.source = options.source;
  ingest.run = options.run;
  ingest.idempotency_key = options.idempotency_key;
  ingest.media_type = std::string(media_type(options.format));
  ingest.sha256 = delivery.sha256;
  ingest.actor = context.actor;
  ingest.received_at = context.now;
  tx.keep_content(delivery.sha256, delivery.bytes, context.now);
  ingest.seq = tx.insert_ingest(ingest);

  Ingestion ingestion(tx, context, *found);
  receipt.rows.reserve(delivery.rows.size());
  for (const PreparedRow& row : delivery.rows) {
    Ingestion::Outcome outcome = ingestion.take(row, ingest, options);
    if (outcome.error) {
      if (outcome.error->code != ErrorCode::bad_data) return *outcome.error;
      if (options.whole) {
        Error error = *outcome.error;
        return row.pointer.empty() || error.where.starts_with(row.pointer) ||
                       error.message.starts_with(row.pointer)
                   ? error
                   : error.in(row.pointer);
      }
      outcome.verdict = ingestion.quarantine(row, *outcome.error, ingest);
    }
    if (outcome.run != 0) {
      if (ingest.first_run == 0) ingest.first_run = outcome.run;
      ingest.last_run = outcome.run;
    }
    count(ingest, outcome.verdict.verdict);
    receipt.rows.push_back(std::move(outcome.verdict));
  }
  ingest.rows = static_cast<std::int64_t>(receipt.rows.size());
  tx.finish_ingest(ingest);
  append_event(tx, context, found->name, "ingest", ingest.id, "committed",
               {{"source", ingest.source},
                {"rows", ingest.rows},
                {"accepted", ingest.accepted},
                {"flagged", ingest.flagged},
                {"duplicate", ingest.duplicate},
                {"quarantined", ingest.quarantined}});
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

Result<RowVerdict> readmit(Transaction& tx, std::string_view id,
                           const std::optional<std::string>& corrected, std::string_view remark,
                           const chemistry::SupportTable& supports, const Context& context) {
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

  Result<PreparedRow> row = prepare_row(corrected ? *corrected : kept->raw, supports);
  if (!row) return row.error();
  row->row = kept->row;
  row->pointer = kept->pointer;
  DeliveryOptions options;
  options.source = ingest->source;
  options.run = ingest->run;
  Ingestion ingestion(tx, context, *campaign);
  Ingestion::Outcome outcome = ingestion.take(*row, *ingest, options);
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
                     correction->measurement.catalyst, context.now);
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
  const Measurement& old = correction->measurement;
  const auto catalyst = tx.find_catalyst(old.catalyst);
  KASETSU_ASSERT(catalyst.has_value());
  Measurement made;
  made.id = context.ids->next(context.now);
  made.property = old.property;
  made.value = value;
  made.flags = old.flags & ~static_cast<std::uint32_t>(kFlagOutOfRange);
  const Ingestion rules(tx, context, correction->campaign);
  if (const Property* property = rules.property(old.property)) {
    made.flags |= Ingestion::range_flag(*property, value);
  }
  made.supersedes = old.id;
  const auto run = tx.run_of_measurement(measurement);
  tx.insert_measurement(correction->campaign.key, run, catalyst->key, made, context.now);
  tx.mark_measurement(measurement, "supersede", reason, correction->person, context.now);
  append_event(tx, context, correction->campaign.name, "measurement", made.id, "supersedes",
               {{"superseded", old.id},
                {"before", old.value},
                {"after", value},
                {"reason", reason},
                {"person", correction->person}});
  settle_predictions(tx, correction->campaign.key, old.property, old.catalyst, context.now);
  return find_measurement(tx, made.id);
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
                     correction->measurement.catalyst, context.now);
  return find_measurement(tx, measurement);
}

}  // namespace kasetsu::campaign
