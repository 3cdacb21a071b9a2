// The rules of RowRules for rows and samples that came before: duplicates, corrections, what was
// taken back.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "core/base/text.h"
#include "daemon/campaign/ingest/json_rows.h"
#include "daemon/campaign/ingest/row_rules.h"
#include "daemon/campaign/records/events.h"

namespace kasetsu::campaign {
namespace {

// The first few of a list, for people.
std::string first_of(const std::vector<std::string>& all) {
  constexpr std::size_t kMost = 8;
  const auto shown = static_cast<std::ptrdiff_t>(std::min(all.size(), kMost));
  return fmt::format("{}{}", fmt::join(all.begin(), all.begin() + shown, ", "),
                     all.size() > kMost ? ", ..." : "");
}

}  // namespace

void RowRules::expect_rows(const std::vector<PreparedRow>& rows, const DeliveryOptions& options) {
  rows_ = &rows;
  first_new_ = tx_.next_measurement();
  table_ = options.format == DeliveryFormat::csv;
  if (table_) stored_.emplace(tx_, campaign_.key, rows, options, first_new_);
}

std::vector<std::string> RowRules::notes() const {
  std::vector<std::string> notes;
  if (stored_) {
    if (std::string note = stored_->note(); !note.empty()) notes.push_back(std::move(note));
  }
  if (!taken_back_.empty()) {
    notes.push_back(fmt::format("{} {} taken back: {}", taken_back_.size(),
                                taken_back_.size() == 1 ? "value was" : "values were",
                                first_of(taken_back_)));
  }
  if (!oxygen_.empty()) {
    notes.push_back(fmt::format(
        "{} {} stored with other oxygen, which is not counted, and is taken for the same: {}. "
        "oxygen = \"counted\" under [composition] keeps them apart",
        oxygen_.size(), oxygen_.size() == 1 ? "catalyst is" : "catalysts are", first_of(oxygen_)));
  }
  return notes;
}

void RowRules::compare_oxygen(const Subject& subject) {
  const std::string& now = subject.row->told;
  if (now.empty()) return;
  MeasurementFilter filter;
  filter.catalyst = subject.catalyst;
  for (const Measurement& m : tx_.measurements(campaign_.key, filter, {0, 1000})) {
    if (m.told.empty() || m.told == now || m.told.find('O') == std::string::npos) continue;
    oxygen_.push_back(fmt::format("{} (before: {})", now, m.told));
    return;
  }
}

Result<bool> RowRules::find_in_table(const Subject& subject, RowVerdict& verdict) {
  const PreparedRow& row = *subject.row;
  if (!table_ || !row.sequence) return false;
  const std::string name =
      fmt::format("{}\n{}\n{}\n{}\n{}\n{}", *subject.source, row.channel, *row.sequence,
                  row.replicate.value_or(0), row.sample, subject.catalyst);
  const Digest content = content_of(row, *subject.source, *subject.run);
  const auto [before, fresh] = rows_of_table_.try_emplace(name, content);
  if (fresh) return false;
  if (before->second != content) {
    return bad_delivery(
        "",
        fmt::format("the table has sequence {} of this sample with other content before",
                    *row.sequence),
        {}, "one row for each, a \"replicate\" column, or \"revise\" with a run");
  }
  verdict.verdict = Verdict::duplicate;
  return true;
}

Status RowRules::keep_sample(const Subject& subject, const Ingest& ingest,
                             const DeliveryOptions& options) {
  const PreparedRow& row = *subject.row;
  if (row.sample.empty()) return {};
  const auto of_label = tx_.sample_catalyst(campaign_.key, row.sample);
  if (!of_label) {
    tx_.keep_sample(campaign_.key, row.sample, subject.catalyst_key, row.kind, context_.now);
  } else if (*of_label != subject.catalyst_key) {
    return move_sample(subject, *of_label, ingest, options);
  }
  return {};
}

const RowRules::OfSamples& RowRules::came_before(const std::string& catalyst,
                                                 const std::string& delivery) {
  const auto [known, is_new] = came_before_.try_emplace(catalyst);
  if (!is_new) return known->second;
  MeasurementFilter filter;
  filter.catalyst = catalyst;
  Page page{0, 10'000};
  for (;;) {
    const auto measured = tx_.measurements(campaign_.key, filter, page);
    for (const Measurement& m : measured) {
      page.after = m.seq;
      if (!m.sample.empty() && m.ingest != delivery) known->second[m.sample].push_back(m.id);
    }
    if (std::ssize(measured) < page.limit) return known->second;
  }
}

Status RowRules::move_sample(const Subject& subject, std::int64_t before, const Ingest& ingest,
                             const DeliveryOptions& options) {
  const PreparedRow& row = *subject.row;
  const std::string of_label = tx_.catalyst(before)->canonical;
  if (!options.revise && table_ && came_before(of_label, ingest.id).contains(row.sample)) {
    stored_->ask_changed(
        row, fmt::format("the catalyst is {}, the table now says {}", of_label, subject.catalyst));
    return {};
  }
  if (!options.revise) {
    return bad_delivery("", fmt::format("sample {} was another catalyst before", row.sample),
                        row.catalyst,
                        fmt::format("{}, which the label stands for, another label, or \"revise\" "
                                    "(--revise) when the composition was a slip",
                                    of_label));
  }
  const OfSamples& stored = came_before(of_label, ingest.id);
  if (const auto of_sample = stored.find(row.sample); of_sample != stored.end()) {
    for (const std::string& id : of_sample->second) {
      const auto measured = tx_.find_measurement(id);
      if (!measured || !measured->live()) continue;
      const auto done = retract(tx_, id, moved_reason(row.sample, ingest.id), "", context_);
      if (!done) return done.error();
    }
  }
  tx_.keep_sample(campaign_.key, row.sample, subject.catalyst_key, row.kind, context_.now);
  append_event(tx_, context_, campaign_.name, "sample", row.sample, "moved",
               {{"from", of_label}, {"to", subject.catalyst}, {"delivery", ingest.id}});
  return {};
}

Result<bool> RowRules::find_stored(Subject& subject, const DeliveryOptions& options,
                                   RowVerdict& verdict, const Ingest& ingest) {
  const PreparedRow& row = *subject.row;
  if (rows_ == nullptr || options.repeats == Repeats::keep ||
      has_name(*subject.run, row.channel, row.sequence)) {
    return false;
  }
  if (!table_) return find_measured(subject, options, verdict, ingest);
  using State = StoredRows::Found::State;
  const auto found = stored_->find(row, subject.catalyst, subject.conditions, ingest.id);
  std::size_t stored = 0;
  for (std::size_t i = 0; i < found.size(); ++i) {
    subject.stored[i] = found[i].state == State::stored;
    stored += subject.stored[i] ? 1 : 0;
    if (found[i].state != State::changed) continue;
    subject.supersedes[i] = found[i].measurement;
    if (!options.revise) stored_->ask_changed(row, found[i].change);
  }
  std::int64_t named = 0;
  for (const auto& one : found) {
    if (one.unnamed == 0 || one.unnamed == named) continue;
    named = one.unnamed;
    tx_.name_run(named, row.sample, context_.now);
  }
  if (stored > 0 && row.sample.empty() && options.repeats.value_or(Repeats::ask) == Repeats::ask) {
    stored_->ask_repeated(row);
  }
  if (stored != found.size()) return false;
  if (row.sample.empty() && options.repeats == Repeats::skip) stored_->tell_skipped(row);
  verdict.verdict = Verdict::duplicate;
  for (const auto& one : found) {
    verdict.measurements.push_back(one.measurement);
    if (!one.not_live.empty()) verdict.reason = one.not_live;
  }
  return true;
}

bool RowRules::may_be_repeated(const Subject& subject) {
  return std::any_of(subject.row->values.begin(), subject.row->values.end(),
                     [&](const PreparedValue& value) {
                       return tx_
                           .replicate_window(campaign_.key, value.property, subject.catalyst_key,
                                             subject.conditions)
                           .contains(value.value);
                     });
}

bool RowRules::find_measured(Subject& subject, const DeliveryOptions& options, RowVerdict& verdict,
                             const Ingest& ingest) {
  const PreparedRow& row = *subject.row;
  if (!options.repeats && !may_be_repeated(subject)) return false;
  if (!stored_) stored_.emplace(tx_, campaign_.key, *rows_, options, first_new_);
  const auto found = stored_->find_measured(row, subject.catalyst, subject.conditions, ingest.id);
  const auto is_stored = [](const StoredRows::Found& one) {
    return one.state == StoredRows::Found::State::stored;
  };
  const auto stored = std::count_if(found.begin(), found.end(), is_stored);
  if (stored == 0) return false;
  const bool whole = stored == std::ssize(found);
  if (whole && !options.repeats) {
    stored_->tell_repeated(row);
    return false;
  }
  if (options.repeats != Repeats::skip && whole) stored_->ask_repeated(row);
  if (options.repeats != Repeats::skip && !whole) stored_->ask_completed(row);
  std::transform(found.begin(), found.end(), subject.stored.begin(), is_stored);
  if (!whole) return false;
  verdict.verdict = Verdict::duplicate;
  for (const auto& one : found) {
    verdict.measurements.push_back(one.measurement);
    if (!one.not_live.empty()) verdict.reason = one.not_live;
  }
  return true;
}

Status RowRules::take_back(const PreparedRow& row, const Ingest& ingest,
                           const DeliveryOptions& options) {
  if (!table_ || row.sample.empty() || row.catalyst.empty() || !row.problem.empty()) return {};
  for (const Measurement& m : stored_->find_emptied(row, row.catalyst, row.conditions, ingest.id)) {
    if (!options.revise) {
      stored_->ask_emptied(row, m);
      continue;
    }
    const auto done = retract(tx_, m.id, emptied_reason(ingest.id), "", context_);
    if (!done) return done.error();
    taken_back_.push_back(fmt::format("{} {} = {}", row.sample, m.property, value_text(m)));
  }
  return {};
}

}  // namespace kasetsu::campaign
