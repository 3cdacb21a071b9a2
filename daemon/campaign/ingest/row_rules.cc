#include "daemon/campaign/ingest/row_rules.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <map>
#include <utility>

#include "core/base/text.h"
#include "core/chemistry/names.h"
#include "core/chemistry/told_catalyst.h"
#include "daemon/base/ulid.h"
#include "daemon/campaign/file/campaign_file.h"
#include "daemon/campaign/records/conditions.h"
#include "daemon/campaign/records/events.h"
#include "drivers/tables/header_text.h"
#include "drivers/tables/units.h"

namespace kasetsu::campaign {
namespace {

// A laboratory's clock may be off by this much before a time in the future is flagged.
constexpr Duration kClockTolerance = std::chrono::hours(1);
// Above this the squares that learning takes are no numbers any more.
constexpr double kLargestValue = 1e150;

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

// A value of such a sample says something of its catalyst: it answers proposals and predictions.
bool is_of_catalyst(SampleKind kind) {
  return kind == SampleKind::catalyst || kind == SampleKind::reference;
}

// The predictions that were made of one proposal and wait for a result.
struct AskedOnce {
  std::string proposal, conditions;
  std::vector<const LedgerEntry*> waiting;
  std::map<std::string, bool, std::less<>> answered;  // by the conditions of a result

  bool answered_by(const std::string& told) {
    const auto [known, is_new] = answered.try_emplace(told, false);
    if (is_new) known->second = answers_conditions(conditions, told);
    return known->second;
  }
};

}  // namespace

void settle_predictions(Transaction& tx, std::int64_t campaign, const std::string& property,
                        const std::string& catalyst, const std::string& conditions, Time now) {
  const std::vector<LedgerEntry> open = tx.open_predictions(campaign, property, catalyst);
  std::vector<AskedOnce> asked;
  std::size_t waiting = 0;
  MeasurementFilter filter;
  for (const LedgerEntry& entry : open) {
    // Those of one proposal follow one another.
    if (asked.empty() || asked.back().proposal != entry.proposal) {
      const auto proposal = tx.find_proposal(entry.proposal);
      asked.push_back({entry.proposal, proposal ? proposal->conditions : "{}", {}, {}});
    }
    if (!asked.back().answered_by(conditions)) continue;
    asked.back().waiting.push_back(&entry);
    filter.received_from = std::min(filter.received_from.value_or(now), entry.predicted_at);
    ++waiting;
  }
  // Results under other conditions were looked through when they came.
  if (waiting == 0) return;
  filter.property = property;
  filter.catalyst = catalyst;
  filter.live_only = true;
  Page page{0, 10'000};
  while (true) {
    const auto measured = tx.measurements(campaign, filter, page);
    for (const Measurement& m : measured) {
      page.after = m.seq;
      if (!is_of_catalyst(m.kind)) continue;
      for (AskedOnce& one : asked) {
        if (one.waiting.empty() || !one.answered_by(m.conditions)) continue;
        waiting -= std::erase_if(one.waiting, [&](const LedgerEntry* entry) {
          const double error = m.value - entry->predicted;
          if (m.received_at < entry->predicted_at || !std::isfinite(error)) return false;
          tx.insert_prediction_error(entry->seq, m.id, m.value, error, now);
          return true;
        });
      }
      if (waiting == 0) return;
    }
    if (std::ssize(measured) < page.limit) return;
  }
}

std::uint32_t range_flag(const Property& property, double value) {
  return (property.low && value < *property.low) || (property.high && value > *property.high)
             ? static_cast<std::uint32_t>(kFlagOutOfRange)
             : 0U;
}

std::string flags_text(std::uint32_t flags) {
  std::string text;
  for (const std::string_view name : flag_names(flags)) {
    if (!text.empty()) text += ", ";
    text += name;
  }
  return text;
}

RowRules::RowRules(Transaction& tx, const Context& context, const Campaign& campaign,
                   const CampaignConfig* config)
    : tx_(tx), context_(context), campaign_(campaign), properties_(tx.properties(campaign.key)) {
  if (config == nullptr) return;
  conditions_ = config->conditions();
  tolerance_ = config->composition.tolerance;
  unit_ = config->composition.unit();
}

RowRules::Outcome RowRules::take(const PreparedRow& row, const Ingest& ingest,
                                 const DeliveryOptions& options, const Begin& begin) {
  Outcome outcome;
  outcome.verdict.row = row.row;
  if (!row.problem.empty()) {
    outcome.error = refuse(row.problem);
    return outcome;
  }
  Subject subject;
  subject.row = &row;
  subject.source = row.source.empty() ? &options.source : &row.source;
  subject.run = row.run.empty() ? &options.run : &row.run;
  subject.conditions = row.conditions;
  subject.flags = row.flags;
  subject.supersedes.resize(row.values.size());
  subject.stored.resize(row.values.size());
  Status fine = find_proposal(subject);
  if (fine) fine = find_catalyst(subject);
  if (fine) fine = check_values(row);
  if (fine) fine = check_conditions(subject);
  if (!fine) {
    outcome.error = fine.error();
    return outcome;
  }
  const auto known = find_before(subject, options.revise, outcome.verdict);
  if (!known) outcome.error = known.error();
  if (!known || *known) return outcome;

  const auto [kept, fresh] = known_.try_emplace(subject.catalyst, 0);
  if (fresh) {
    kept->second = tx_.keep_catalyst(subject.catalyst, chemistry::describe_key(subject.catalyst),
                                     context_.now);
  }
  subject.catalyst_key = kept->second;
  if (fresh && !row.dropped_oxygen.empty()) compare_oxygen(subject);
  if (const Status label = keep_sample(subject, ingest, options); !label) {
    outcome.error = label.error();
    return outcome;
  }
  const auto stored = find_stored(subject, options, outcome.verdict, ingest);
  if (!stored) outcome.error = stored.error();
  if (!stored || *stored) return outcome;
  match_proposal(subject);
  write(subject, ingest, begin, outcome);
  return outcome;
}

Status RowRules::find_proposal(Subject& subject) const {
  const PreparedRow& row = *subject.row;
  subject.catalyst = row.catalyst;
  subject.told = row.told;
  if (row.proposal.empty()) return {};
  auto proposal = tx_.find_proposal(row.proposal);
  if (!proposal || proposal->campaign != campaign_.key) {
    return refuse("the campaign has no such proposal", row.proposal,
                  "the id of a proposal of this campaign, or none");
  }
  if (row.catalyst.empty()) {
    subject.catalyst = proposal->catalyst;
  } else if (row.catalyst != proposal->catalyst && tolerance_ &&
             chemistry::nearly_same(row.catalyst, proposal->catalyst, *tolerance_)) {
    // What was made is what was asked for; the measured composition stands beside it.
    subject.catalyst = proposal->catalyst;
    if (subject.told.empty()) subject.told = chemistry::describe_key(row.catalyst, unit_);
  } else if (row.catalyst != proposal->catalyst) {
    return refuse(fmt::format("proposal {} asks for {}", proposal->id, proposal->catalyst),
                  row.catalyst,
                  "the same catalyst; amend the proposal when something else was made");
  }
  // Conditions that the row does not tell are those that were proposed.
  if (proposal->conditions != "{}" && !proposal->conditions.empty()) {
    auto told = read_conditions(row.conditions);
    told.merge(read_conditions(proposal->conditions));
    subject.conditions = conditions_text(told);
  }
  if (answers_conditions(proposal->conditions, subject.conditions)) {
    subject.proposal = std::move(proposal);
  } else {
    subject.flags |= kFlagOtherConditions;
  }
  return {};
}

Status RowRules::find_catalyst(Subject& subject) {
  const PreparedRow& row = *subject.row;
  if (subject.catalyst.empty() && !row.sample.empty()) {
    const auto known = tx_.sample_catalyst(campaign_.key, row.sample);
    if (!known) {
      return refuse("the campaign has no such sample", row.sample,
                    "a label that was told together with its catalyst before, or the catalyst "
                    "beside it");
    }
    subject.catalyst = tx_.catalyst(*known)->canonical;
  }
  if (subject.catalyst.empty()) return refuse("the row names no catalyst");
  // Rows of one delivery repeat few compositions.
  if (known_.contains(subject.catalyst)) return {};
  return check_amounts(subject.catalyst);
}

Status RowRules::check_values(const PreparedRow& row) const {
  for (const PreparedValue& value : row.values) {
    const Property* const measured = property(value.property);
    if (!measured) {
      std::vector<std::string> names;
      for (const Property& one : properties_) names.push_back(one.name);
      const auto nearest = nearest_names(value.property, names, 1);
      return refuse("the campaign measures no such property", value.property,
                    nearest.empty() ? join_or(names) : fmt::format("{}?", nearest.front()));
    }
    if (!value.unit.empty() && value.unit != measured->unit) {
      return refuse(fmt::format("{} is measured in another unit", value.property), value.unit,
                    fmt::format("\"{}\"", measured->unit));
    }
    if (!std::isfinite(value.value)) {
      return refuse(fmt::format("{} is not a finite number", value.property));
    }
    if (std::abs(value.value) > kLargestValue) {
      return refuse(fmt::format("{} is too large to learn from", value.property),
                    format_number(value.value), "a number below 1e150");
    }
  }
  if (row.values.empty()) return refuse("the row has no measured value");
  return {};
}

namespace {

// Whether a condition of this name ("temperature_C", "T (K)") is a temperature that cannot be.
bool is_below_absolute_zero(const std::string& name, double value) {
  std::string unit = tables::split_unit(name).unit;
  if (unit.empty() && name.rfind('_') != std::string::npos) unit = name.substr(name.rfind('_') + 1);
  if (unit.empty()) return false;
  const auto kelvin = tables::convert_units(unit, "K");
  return kelvin.ok() && (*kelvin)(value) < 0.0;
}

}  // namespace

Status RowRules::check_conditions(const Subject& subject) const {
  for (const auto& [name, value] : read_conditions(subject.conditions)) {
    if (is_below_absolute_zero(name, value)) {
      return refuse(fmt::format("{} is below absolute zero", name), format_number(value),
                    "the temperature that was meant");
    }
    if (std::abs(value) > kLargestValue) {
      return refuse(fmt::format("{} is too large to learn from", name), format_number(value),
                    "a number below 1e150");
    }
  }
  if (conditions_.empty() || subject.row->kind == SampleKind::blank) return {};
  const auto told = read_conditions(subject.conditions);
  std::vector<std::string> others;
  for (const auto& [name, value] : told) {
    if (std::find(conditions_.begin(), conditions_.end(), name) == conditions_.end()) {
      others.push_back(name);
    }
  }
  for (const std::string& wanted : conditions_) {
    for (const std::string& other : others) {
      if (chemistry::letters_of(other) != chemistry::letters_of(wanted)) continue;
      return refuse("the row tells a condition under another name than the campaign's", other,
                    fmt::format("{}, once", wanted));
    }
    if (told.contains(wanted)) continue;
    const auto near = nearest_names(wanted, others, 1);
    return refuse(
        fmt::format("the row does not tell the condition {}, which the campaign varies", wanted),
        near.empty() ? std::string() : near.front(),
        near.empty() ? fmt::format("a number for {}", wanted)
                     : fmt::format("did you mean {}? The number must be in that unit", wanted));
  }
  return {};
}

Result<bool> RowRules::find_before(Subject& subject, bool revise, RowVerdict& verdict) {
  const PreparedRow& row = *subject.row;
  if (!has_name(*subject.run, row.channel, row.sequence)) return find_in_table(subject, verdict);
  subject.content = row.content ? *row.content : content_of(row, *subject.source, *subject.run);
  if (may_be_known(subject)) {
    subject.before = tx_.find_run(campaign_.key, *subject.source, *subject.run, row.channel,
                                  row.sequence, row.replicate);
  }
  if (!subject.before) return false;
  if (subject.before->content == subject.content || came_under_old_key(subject)) {
    verdict.verdict = Verdict::duplicate;
    for (const Measurement& m : tx_.measurements_of_run(subject.before->seq)) {
      verdict.measurements.push_back(m.id);
    }
    return true;
  }
  if (!revise) {
    return Error{
        ErrorCode::unprocessable,
        fmt::format("source \"{}\" delivered run \"{}\"{}{} with other content before",
                    *subject.source, *subject.run,
                    row.channel.empty() ? std::string() : fmt::format(", channel {}", row.channel),
                    row.sequence ? fmt::format(", sequence {}", *row.sequence) : std::string()),
        row.pointer,
        {},
        "the same content, another name, or \"revise\": true for a correction"};
  }
  for (std::size_t i = 0; i < row.values.size(); ++i) {
    subject.supersedes[i] = newest_of(*subject.before, row.values[i].property);
  }
  return false;
}

// Whether the row is the one that an earlier version took under another key of the same catalyst.
bool RowRules::came_under_old_key(const Subject& subject) const {
  const std::vector<RenewedKey> keys = tx_.renewed_keys(campaign_.key);
  return std::any_of(keys.begin(), keys.end(), [&](const RenewedKey& key) {
    if (key.now != subject.row->catalyst) return false;
    PreparedRow as_then = *subject.row;
    as_then.catalyst = key.was;
    return content_of(as_then, *subject.source, *subject.run) == subject.before->content;
  });
}

void RowRules::match_proposal(Subject& subject) const {
  const PreparedRow& row = *subject.row;
  if (!subject.proposal && row.proposal.empty() && is_of_catalyst(row.kind)) {
    std::vector<Proposal> open = tx_.answerable_proposals(campaign_.key, subject.catalyst_key);
    const auto answered = std::find_if(open.begin(), open.end(), [&](const Proposal& one) {
      return answers_conditions(one.conditions, subject.conditions);
    });
    if (answered != open.end()) {
      subject.proposal = std::move(*answered);
    } else if (!open.empty()) {
      subject.flags |= kFlagOtherConditions;
    }
  }
  if (subject.proposal && (subject.proposal->state == ProposalState::cancelled ||
                           subject.proposal->state == ProposalState::infeasible)) {
    subject.flags |= kFlagClosedProposal;
  }
  if (row.measured_at && *row.measured_at > context_.now + kClockTolerance) {
    subject.flags |= kFlagClock;
  }
  subject.flags |= balance_flags(row);
}

void RowRules::write(const Subject& subject, const Ingest& ingest, const Begin& begin,
                     Outcome& outcome) {
  const PreparedRow& row = *subject.row;
  const bool answers = is_of_catalyst(row.kind);
  std::uint32_t all_flags = subject.flags;
  std::vector<std::uint32_t> flags_of_values;
  std::int64_t measurements = 0;
  for (std::size_t i = 0; i < row.values.size(); ++i) {
    const PreparedValue& value = row.values[i];
    std::uint32_t flags = subject.flags | range_flag(*property(value.property), value.value);
    if (value.censored) flags |= kFlagCensored;
    if (value.above) flags |= kFlagAboveLimit;
    if (answers && !subject.before && subject.supersedes[i].empty()) {
      flags |= replicate_flag(subject, value);
    }
    flags_of_values.push_back(flags);
    if (subject.stored[i]) continue;
    all_flags |= flags;
    ++measurements;
  }
  outcome.verdict.verdict = all_flags == 0 ? Verdict::accepted : Verdict::flagged;
  outcome.verdict.reason = flags_text(all_flags);
  if (begin) begin(outcome.verdict.verdict, tx_.next_run(), measurements);

  Run run;
  run.ingest = ingest.seq;
  run.row = row.row;
  run.campaign = campaign_.key;
  run.catalyst = subject.catalyst_key;
  run.kind = row.kind;
  run.source = *subject.source;
  run.run = *subject.run;
  run.channel = row.channel;
  run.sequence = row.sequence;
  run.replicate = row.replicate;
  run.sample = row.sample;
  run.conditions = subject.conditions;
  run.proposal = subject.proposal ? subject.proposal->id : std::string();
  run.measured_at = row.measured_at;
  run.content = subject.content;
  run.told = subject.told;
  outcome.run = tx_.insert_run(run);

  const bool predicted = answers && tx_.has_predictions(campaign_.key, subject.catalyst_key);
  Measurement measurement;
  for (std::size_t i = 0; i < row.values.size(); ++i) {
    const PreparedValue& value = row.values[i];
    if (subject.stored[i]) continue;
    std::string id = next_id();
    measurement.id = id;
    measurement.property = value.property;
    measurement.value = value.value;
    measurement.flags = flags_of_values[i];
    measurement.supersedes = subject.supersedes[i];
    tx_.insert_measurement(campaign_.key, outcome.run, subject.catalyst_key, measurement,
                           context_.now);
    if (!measurement.supersedes.empty()) {
      tx_.mark_measurement(measurement.supersedes, "supersede",
                           fmt::format("revised by delivery {}", ingest.id), context_.actor,
                           context_.now);
      append_event(tx_, context_, campaign_.name, "measurement", id, "supersedes",
                   {{"superseded", measurement.supersedes}, {"delivery", ingest.id}});
    }
    if ((measurement.flags & kFlagCensored) != 0) {
      tx_.mark_measurement(id, "exclude", "a limit of detection", context_.actor, context_.now);
    }
    outcome.verdict.measurements.push_back(std::move(id));
    if (predicted && (measurement.flags & kFlagCensored) == 0) {
      settle_predictions(tx_, campaign_.key, value.property, subject.catalyst, subject.conditions,
                         context_.now);
    }
    ++new_measurements_;
  }
  if (subject.proposal && answers) answer(*subject.proposal, row);
}

std::string RowRules::next_id() {
  if (!numbered_after_) return context_.ids->next(context_.now);
  return numbered_after_->plus(static_cast<std::uint64_t>(new_measurements_) + 1).text();
}

Status RowRules::check_amounts(std::string_view key) {
  const std::string_view actives = key.substr(0, key.find('/'));
  double total = 0.0;
  for (std::size_t at = 0; at < actives.size();) {
    const std::size_t end = std::min(actives.find(';', at), actives.size());
    const std::string_view part = actives.substr(at, end - at);
    const auto colon = part.find(':');
    if (colon == std::string_view::npos) return {};
    total += parse_number(part.substr(colon + 1)).value_or(0.0);
    at = end + 1;
  }
  if (total <= 0.0) return {};
  if (!amounts_read_) amounts_ = total_amounts(tx_, campaign_);
  amounts_read_ = true;
  constexpr double kSlip = 100.0;
  if (!amounts_ || (total <= amounts_->largest * kSlip && total * kSlip >= amounts_->least)) {
    return {};
  }
  return refuse(fmt::format("the amounts add up to {}, those of the campaign's catalysts to {} to "
                            "{}: another unit, such as mol for mmol?",
                            format_number(total), format_number(amounts_->least),
                            format_number(amounts_->largest)),
                std::string(key), "amounts in the unit of the campaign's space");
}

std::uint32_t RowRules::balance_flags(const PreparedRow& row) const {
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

std::uint32_t RowRules::replicate_flag(const Subject& subject, const PreparedValue& value) {
  if (!tx_.replicate_window(campaign_.key, value.property, subject.catalyst_key, subject.conditions)
           .is_far(value.value)) {
    return 0;
  }
  return subject.row->kind == SampleKind::reference
             ? static_cast<std::uint32_t>(kFlagReferenceDrift)
             : static_cast<std::uint32_t>(kFlagReplicateSpread);
}

std::string reason_of(const PreparedRow& row, const Error& error) {
  return row.problem.empty() ? error.to_string() : row.problem;
}

RowVerdict RowRules::quarantine(const PreparedRow& row, const Error& error, const Ingest& ingest) {
  QuarantinedRow kept;
  kept.id = context_.ids->next(context_.now);
  kept.row = row.row;
  kept.pointer = row.pointer;
  kept.raw = row.problem.empty() ? row_to_json(row) : row.raw;
  kept.reason = reason_of(row, error);
  kept.received_at = context_.now;
  tx_.insert_quarantined(campaign_.key, ingest.seq, kept);
  RowVerdict verdict;
  verdict.row = row.row;
  verdict.verdict = Verdict::quarantined;
  verdict.quarantine = kept.id;
  verdict.reason = kept.reason;
  return verdict;
}

const Property* RowRules::property(const std::string& name) const {
  const auto found = std::find_if(properties_.begin(), properties_.end(),
                                  [&](const Property& one) { return one.name == name; });
  return found == properties_.end() ? nullptr : &*found;
}

bool RowRules::may_be_known(const Subject& subject) {
  if (!many_) return true;
  const std::string of_run = *subject.source + '\0' + *subject.run;
  if (of_run != run_asked_) {
    run_asked_ = of_run;
    run_known_ = tx_.may_have_run(campaign_.key, *subject.source, *subject.run);
    names_of_run_.clear();
  }
  if (run_known_) return true;
  std::string name = subject.row->channel;
  for (const auto& number : {subject.row->sequence, subject.row->replicate}) {
    name.push_back('\0');
    if (number) name += fmt::format_int(*number).c_str();
  }
  return !names_of_run_.insert(std::move(name)).second;
}

std::string RowRules::newest_of(const Run& run, const std::string& property) const {
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

void RowRules::answer(Proposal proposal, const PreparedRow& row) {
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
    const auto before = tx_.measured_for_proposal(proposal.id);
    measured.insert(measured.end(), before.begin(), before.end());
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
