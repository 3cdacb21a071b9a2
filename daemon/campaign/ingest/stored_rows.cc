#include "daemon/campaign/ingest/stored_rows.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/base/text.h"

namespace kasetsu::campaign {
namespace {

// Rows of one sample that are told apart by their conditions count by themselves.
std::string label_of(const PreparedRow& row) {
  return row.sample + '\0' + row.conditions;
}

std::string places(const std::vector<std::string>& all) {
  constexpr std::size_t kMost = 5;
  std::string text;
  for (std::size_t i = 0; i < std::min(all.size(), kMost); ++i) {
    text += fmt::format("{}{}", i == 0 ? "" : ", ", all[i]);
  }
  return all.size() > kMost ? text + ", ..." : text;
}

}  // namespace

StoredRows::StoredRows(Transaction& tx, std::int64_t campaign, const std::vector<PreparedRow>& rows,
                       const DeliveryOptions& options)
    : tx_(tx), campaign_(campaign), options_(options), rows_(rows.size()) {
  std::map<std::string, const PreparedRow*> named;
  for (const PreparedRow& row : rows) {
    if (row.sample.empty()) continue;
    ++labels_[label_of(row)];
    // An --id names one row; a replicate or a sequence tells its rows apart.
    if (!options.id || !row.problem.empty()) continue;
    const auto [first, fresh] =
        named.try_emplace(fmt::format("{}\n{}\n{}\n{}\n{}", label_of(row), row.run, row.channel,
                                      row.replicate.value_or(0), row.sequence.value_or(0)),
                          &row);
    if (fresh) continue;
    if (named_twice_.empty()) {
      first_twice_ = row.sample;
      named_twice_.push_back(first->second->pointer);
    }
    named_twice_.push_back(row.pointer);
  }
}

std::string StoredRows::value_key(std::string_view property, std::string_view conditions,
                                  double value) {
  return fmt::format("{}\n{}\n{}", property, conditions, value + 0.0);  // -0 is 0
}

StoredRows::OfCatalyst& StoredRows::stored_of(std::string_view catalyst, std::string_view ingest) {
  if (const auto known = stored_.find(catalyst); known != stored_.end()) return known->second;
  OfCatalyst& stored = stored_[std::string(catalyst)];
  MeasurementFilter filter;
  filter.catalyst = std::string(catalyst);
  Page page;
  page.limit = 10'000;
  for (;;) {
    auto measured = tx_.measurements(campaign_, filter, page);
    for (Measurement& one : measured) {
      page.after = one.seq;
      if (one.ingest == ingest) continue;
      stored.rows[one.row].push_back(stored.all.size());
      stored.with_value[value_key(one.property, one.conditions, one.value)].push_back(one.row);
      if (!one.sample.empty()) stored.of_sample[one.sample].push_back(stored.all.size());
      stored.all.push_back({std::move(one)});
    }
    if (std::ssize(measured) < page.limit) return stored;
  }
}

bool StoredRows::is_alike(const Stored& one, const RowIdentity& identity, std::string_view property,
                          bool any_conditions) {
  const Measurement& m = one.measurement;
  const PreparedRow& row = identity.row;
  return !one.matched && m.property == property && m.source == identity.source &&
         m.run == identity.run && m.sample == row.sample && m.kind == row.kind &&
         m.replicate == row.replicate && (any_conditions || m.conditions == identity.conditions);
}

void StoredRows::mark_stored(Stored& one, Found& found) {
  one.matched = true;
  found.state = Found::State::stored;
  found.measurement = one.measurement.id;
  if (one.measurement.retracted) found.reason = one.measurement.reason;
}

void StoredRows::find_whole(OfCatalyst& stored, const RowIdentity& identity,
                            std::vector<Found>& found) {
  const std::vector<PreparedValue>& values = identity.row.values;
  const auto candidates = stored.with_value.find(
      value_key(values.front().property, identity.conditions, values.front().value));
  if (candidates == stored.with_value.end()) return;
  std::vector<Stored*> best;
  std::size_t best_size = 0;
  for (const std::int64_t row : candidates->second) {
    const std::vector<std::size_t>& of_row = stored.rows[row];
    std::vector<Stored*> here;
    for (const PreparedValue& value : values) {
      const auto same = std::find_if(of_row.begin(), of_row.end(), [&](std::size_t at) {
        const Stored& one = stored.all[at];
        return one.measurement.value == value.value &&
               is_alike(one, identity, value.property, false);
      });
      if (same != of_row.end()) here.push_back(&stored.all[*same]);
    }
    // Of several rows, the one that holds least beside these values.
    if (here.size() != values.size() || (!best.empty() && of_row.size() >= best_size)) continue;
    best = std::move(here);
    best_size = of_row.size();
    if (best_size == values.size()) break;
  }
  for (std::size_t i = 0; i < best.size(); ++i) mark_stored(*best[i], found[i]);
}

void StoredRows::find_labelled(OfCatalyst& stored, const RowIdentity& identity,
                               std::vector<Found>& found) {
  const PreparedRow& row = identity.row;
  const std::vector<std::size_t>& of_sample = stored.of_sample[row.sample];
  // An --id names its row alone; another label may have a row under each condition.
  const bool own_name = options_.id.has_value();
  const bool one_row = own_name || labels_[label_of(row)] == 1;
  for (std::size_t i = 0; i < row.values.size(); ++i) {
    const PreparedValue& value = row.values[i];
    Stored* same = nullptr;
    std::vector<Stored*> others;
    for (const std::size_t at : of_sample) {
      Stored& one = stored.all[at];
      if (!one.measurement.superseded_by.empty()) continue;
      if (one.measurement.value == value.value && is_alike(one, identity, value.property, false)) {
        same = &one;
        break;
      }
      if (is_alike(one, identity, value.property, own_name)) others.push_back(&one);
    }
    if (same != nullptr) {
      mark_stored(*same, found[i]);
    } else if (one_row && others.size() == 1) {
      others[0]->matched = true;
      found[i].state = Found::State::changed;
      found[i].measurement = others[0]->measurement.id;
      found[i].value = others[0]->measurement.value;
    }
  }
}

std::vector<StoredRows::Found> StoredRows::find(const PreparedRow& row, std::string_view catalyst,
                                                std::int64_t catalyst_key,
                                                std::string_view conditions,
                                                std::string_view ingest) {
  std::vector<Found> found(row.values.size());
  // Most rows are new: without a label only an equal value can make them known.
  const bool labelled = !row.sample.empty();
  if (!labelled && std::none_of(row.values.begin(), row.values.end(), [&](const auto& value) {
        const ReplicateWindow& window =
            tx_.replicate_window(campaign_, value.property, catalyst_key, conditions);
        return window.contains(value.value) || window.full();
      })) {
    return found;
  }
  const RowIdentity identity{row, row.source.empty() ? options_.source : row.source,
                             row.run.empty() ? options_.run : row.run, conditions};
  OfCatalyst& stored = stored_of(catalyst, ingest);
  if (labelled) {
    find_labelled(stored, identity, found);
  } else {
    find_whole(stored, identity, found);
  }
  return found;
}

std::vector<Measurement> StoredRows::find_emptied(const PreparedRow& row, std::string_view catalyst,
                                                  std::string_view conditions,
                                                  std::string_view ingest) {
  std::vector<Measurement> found;
  const RowIdentity identity{row, row.source.empty() ? options_.source : row.source,
                             row.run.empty() ? options_.run : row.run, conditions};
  OfCatalyst& stored = stored_of(catalyst, ingest);
  const auto of_sample = stored.of_sample.find(row.sample);
  if (of_sample == stored.of_sample.end()) return found;
  for (const std::string& property : row.not_measured) {
    for (const std::size_t at : of_sample->second) {
      Stored& one = stored.all[at];
      if (!one.measurement.superseded_by.empty() || one.measurement.retracted) continue;
      if (!is_alike(one, identity, property, options_.id.has_value())) continue;
      one.matched = true;
      found.push_back(one.measurement);
    }
  }
  return found;
}

void StoredRows::ask_emptied(const PreparedRow& row, const Measurement& stored) {
  changed_.push_back(row.pointer);
  if (!first_change_.empty()) return;
  first_change_ = fmt::format("sample {}: {} is {}, the table now says nothing", row.sample,
                              stored.property, format_number(stored.value));
}

void StoredRows::ask_repeated(const PreparedRow& row) {
  repeated_.push_back(row.pointer);
}

void StoredRows::ask_changed(const PreparedRow& row, const std::string& property, double before,
                             double now) {
  changed_.push_back(row.pointer);
  if (!first_change_.empty()) return;
  first_change_ = fmt::format("sample {}: {} is {}, the table now says {}", row.sample, property,
                              format_number(before), format_number(now));
}

std::optional<Error> StoredRows::question() const {
  if (!named_twice_.empty()) {
    return Error{
        ErrorCode::unprocessable,
        fmt::format("the name {} stands in several rows ({})", first_twice_, places(named_twice_)),
        options_.file_name,
        {},
        "a name of its own for each row, a column \"replicate\", or other conditions"};
  }
  if (!changed_.empty()) {
    return Error{ErrorCode::unprocessable,
                 fmt::format("{} of {} rows are stored with other content ({}): {}",
                             changed_.size(), rows_, places(changed_), first_change_),
                 options_.file_name,
                 {},
                 "\"revise\" (--revise) when these are corrections, or names of their own for new "
                 "samples"};
  }
  if (!repeated_.empty()) {
    return Error{ErrorCode::unprocessable,
                 fmt::format("{} of {} rows are stored already ({})", repeated_.size(), rows_,
                             places(repeated_)),
                 options_.file_name,
                 {},
                 "a column that names the rows (--id), --repeats skip when the table has grown, "
                 "--repeats keep or a --run of its own when they were measured again"};
  }
  return {};
}

}  // namespace kasetsu::campaign
