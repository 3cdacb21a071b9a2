#include "daemon/campaign/ingest/row_rules.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>

#include "core/base/text.h"
#include "daemon/base/ulid.h"
#include "daemon/campaign/records/events.h"

namespace kasetsu::campaign {
namespace {

// A laboratory's clock may be off by this much before a time in the future is flagged.
constexpr Duration kClockTolerance = std::chrono::hours(1);

Error refuse(std::string message, std::string value = {}, std::string expected = {}) {
  return Error{ErrorCode::bad_data, std::move(message), {}, std::move(value), std::move(expected)};
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

}  // namespace

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

Ingestion::Outcome Ingestion::take(const PreparedRow& given, const Ingest& ingest,
                                   const DeliveryOptions& options, const Begin& begin) {
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
  CatalystRow of_sample;
  if (catalyst_key.empty() && !row.sample.empty()) {
    const auto known = tx_.sample_catalyst(campaign_.key, row.sample);
    if (!known) {
      outcome.error = refuse("the campaign has no such sample", row.sample,
                             "a label that was told together with its catalyst before, or the "
                             "catalyst beside it");
      return outcome;
    }
    of_sample = *tx_.catalyst(*known);
    catalyst_key = of_sample.canonical;
    description = of_sample.description;
  }
  if (catalyst_key.empty()) {
    outcome.error = refuse("the row names no catalyst");
    return outcome;
  }
  // Rows of one delivery repeat few compositions.
  const auto remembered = known_.find(catalyst_key);
  Known* known = remembered == known_.end() ? nullptr : &remembered->second;
  if (auto slip = known ? std::nullopt : unit_slip(catalyst_key)) {
    outcome.error = std::move(slip);
    return outcome;
  }

  std::uint32_t flags = row.flags;
  for (const PreparedValue& value : row.values) {
    const Property* const measured = property(value.property);
    if (!measured) {
      std::vector<std::string> names;
      for (const Property& one : properties_) names.push_back(one.name);
      const auto nearest = nearest_names(value.property, names, 1);
      outcome.error =
          refuse("the campaign measures no such property", value.property,
                 nearest.empty() ? join_or(names) : fmt::format("{}?", nearest.front()));
      return outcome;
    }
    if (!value.unit.empty() && value.unit != measured->unit) {
      outcome.error = refuse(fmt::format("{} is measured in another unit", value.property),
                             value.unit, fmt::format("\"{}\"", measured->unit));
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
  std::optional<Digest> content;
  std::optional<Run> before;
  if (has_name(run_name, row.channel, row.sequence)) {
    content = row.content ? *row.content : content_of(row, source, run_name);
    if (may_be_known(source, run_name, row)) {
      before =
          tx_.find_run(campaign_.key, source, run_name, row.channel, row.sequence, row.replicate);
    }
  }
  if (before && before->content == content) {
    outcome.verdict.verdict = Verdict::duplicate;
    for (const Measurement& m : tx_.measurements_of_run(before->seq)) {
      outcome.verdict.measurements.push_back(m.id);
    }
    return outcome;
  }
  if (before && !options.revise) {
    outcome.error = Error{
        ErrorCode::unprocessable,
        fmt::format("source \"{}\" delivered run \"{}\"{}{} with other content "
                    "before",
                    source, run_name,
                    row.channel.empty() ? std::string() : fmt::format(", channel {}", row.channel),
                    row.sequence ? fmt::format(", sequence {}", *row.sequence) : std::string()),
        row.pointer,
        {},
        "the same content, another name, or \"revise\": true for a correction"};
    return outcome;
  }

  const std::int64_t catalyst =
      known ? known->catalyst : tx_.keep_catalyst(catalyst_key, description, context_.now);
  if (!known && many_) known = &known_.emplace(catalyst_key, Known{catalyst}).first->second;
  if (!row.sample.empty()) {
    const auto of_label = tx_.sample_catalyst(campaign_.key, row.sample);
    if (of_label && *of_label != catalyst) {
      outcome.error =
          refuse(fmt::format("sample {} was another catalyst before", row.sample), row.catalyst,
                 "the catalyst that the label stands for, or another label");
      return outcome;
    }
    if (!of_label) {
      tx_.keep_sample(campaign_.key, row.sample, catalyst, row.kind, context_.now);
    }
  }

  const bool answers = row.kind == SampleKind::catalyst || row.kind == SampleKind::reference;
  if (!proposal && answers && !(known && known->unproposed)) {
    proposal = tx_.open_proposal(campaign_.key, catalyst);
    if (known) known->unproposed = !proposal;
  }
  if (proposal && (proposal->state == ProposalState::cancelled ||
                   proposal->state == ProposalState::infeasible)) {
    flags |= kFlagClosedProposal;
  }
  if (row.measured_at && *row.measured_at > context_.now + kClockTolerance) flags |= kFlagClock;
  flags |= balance_flags(row);

  Run& run = run_;
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
  run.proposal = proposal ? proposal->id : std::string();
  run.measured_at = row.measured_at;
  run.content = content;

  std::uint32_t all_flags = flags;
  std::vector<std::uint32_t>& flags_of_values = flags_of_values_;
  flags_of_values.clear();
  for (const PreparedValue& value : row.values) {
    std::uint32_t of_value = flags | range_flag(*property(value.property), value.value);
    if (answers && !before) of_value |= replicate_flag(row, value, catalyst);
    flags_of_values.push_back(of_value);
    all_flags |= of_value;
  }
  outcome.verdict.verdict = all_flags == 0 ? Verdict::accepted : Verdict::flagged;
  if (begin) {
    begin(outcome.verdict.verdict, tx_.next_run());
    run.ingest = ingest.seq;
  }
  outcome.run = tx_.insert_run(run);

  const bool predicted =
      answers && !(known && known->unpredicted) && tx_.has_predictions(campaign_.key, catalyst);
  if (known && answers) known->unpredicted = !predicted;
  Measurement& measurement = measurement_;
  for (const PreparedValue& value : row.values) {
    std::string id = next_id();
    measurement.id = id;
    measurement.property = value.property;
    measurement.value = value.value;
    measurement.flags = flags_of_values[static_cast<std::size_t>(&value - row.values.data())];
    measurement.supersedes = before ? newest_of(*before, value.property) : std::string();
    tx_.insert_measurement(campaign_.key, outcome.run, catalyst, measurement, context_.now);
    if (!measurement.supersedes.empty()) {
      tx_.mark_measurement(measurement.supersedes, "supersede",
                           fmt::format("revised by delivery {}", ingest.id), context_.actor,
                           context_.now);
      append_event(tx_, context_, campaign_.name, "measurement", id, "supersedes",
                   {{"superseded", measurement.supersedes}, {"delivery", ingest.id}});
    }
    outcome.verdict.measurements.push_back(std::move(id));
    if (predicted) {
      settle_predictions(tx_, campaign_.key, value.property, std::string(catalyst_key),
                         context_.now);
    }
    ++new_measurements_;
  }
  for (const std::string_view name : flag_names(all_flags)) {
    if (!outcome.verdict.reason.empty()) outcome.verdict.reason += ", ";
    outcome.verdict.reason += name;
  }
  if (proposal) answer(*proposal, row);
  return outcome;
}

std::string Ingestion::next_id() {
  if (!numbered_after_) return context_.ids->next(context_.now);
  return numbered_after_->plus(static_cast<std::uint64_t>(new_measurements_) + 1).text();
}

std::optional<Error> Ingestion::unit_slip(std::string_view key) {
  const std::string_view actives = key.substr(0, key.find('/'));
  double total = 0.0;
  for (std::size_t at = 0; at < actives.size();) {
    const std::size_t end = std::min(actives.find(';', at), actives.size());
    const std::string_view part = actives.substr(at, end - at);
    const auto colon = part.find(':');
    if (colon == std::string_view::npos) return std::nullopt;
    total += parse_number(part.substr(colon + 1)).value_or(0.0);
    at = end + 1;
  }
  if (total <= 0.0) return std::nullopt;
  if (!amounts_read_) amounts_ = total_amounts(tx_, campaign_);
  amounts_read_ = true;
  constexpr double kSlip = 100.0;
  if (!amounts_ || (total <= amounts_->largest * kSlip && total * kSlip >= amounts_->least)) {
    return std::nullopt;
  }
  return refuse(fmt::format("the amounts add up to {}, those of the campaign's catalysts to {} to "
                            "{}: another unit, such as mol for mmol?",
                            format_number(total), format_number(amounts_->least),
                            format_number(amounts_->largest)),
                std::string(key), "amounts in the unit of the campaign's space");
}

std::uint32_t Ingestion::range_flag(const Property& property, double value) {
  return (property.low && value < *property.low) || (property.high && value > *property.high)
             ? static_cast<std::uint32_t>(kFlagOutOfRange)
             : 0U;
}

std::uint32_t Ingestion::balance_flags(const PreparedRow& row) const {
  std::uint32_t flags = 0;
  double selectivities = 0.0;
  for (const PreparedValue& value : row.values) {
    const bool percent = property(value.property)->unit == "%";
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

std::uint32_t Ingestion::replicate_flag(const PreparedRow& row, const PreparedValue& value,
                                        std::int64_t catalyst) {
  if (!tx_.replicate_window(campaign_.key, value.property, catalyst, row.conditions)
           .is_far(value.value)) {
    return 0;
  }
  return row.kind == SampleKind::reference ? static_cast<std::uint32_t>(kFlagReferenceDrift)
                                           : static_cast<std::uint32_t>(kFlagReplicateSpread);
}

RowVerdict Ingestion::quarantine(const PreparedRow& row, const Error& error, const Ingest& ingest) {
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

const Property* Ingestion::property(const std::string& name) const {
  const auto found = std::find_if(properties_.begin(), properties_.end(),
                                  [&](const Property& one) { return one.name == name; });
  return found == properties_.end() ? nullptr : &*found;
}

bool Ingestion::may_be_known(const std::string& source, const std::string& run,
                             const PreparedRow& row) {
  if (!many_) return true;
  std::string of_run = source;
  of_run.push_back('\0');
  of_run += run;
  if (of_run != run_asked_) {
    run_asked_ = of_run;
    run_known_ = tx_.may_have_run(campaign_.key, source, run);
    names_of_run_.clear();
  }
  if (run_known_) return true;
  std::string name = row.channel;
  for (const auto& number : {row.sequence, row.replicate}) {
    name.push_back('\0');
    if (number) name += fmt::format_int(*number).c_str();
  }
  return !names_of_run_.insert(std::move(name)).second;
}

std::string Ingestion::newest_of(const Run& run, const std::string& property) const {
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

void Ingestion::answer(Proposal proposal, const PreparedRow& row) {
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
    return std::all_of(properties_.begin(), properties_.end(), [&](const Property& one) {
      return !one.target || std::find(measured.begin(), measured.end(), one.name) != measured.end();
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

}  // namespace kasetsu::campaign
