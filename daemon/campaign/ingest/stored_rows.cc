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
  for (const PreparedRow& row : rows) {
    if (!row.sample.empty()) ++labels_[label_of(row)];
  }
}

std::vector<StoredRows::Stored>& StoredRows::stored_of(std::string_view catalyst,
                                                       std::string_view ingest) {
  if (const auto known = stored_.find(catalyst); known != stored_.end()) return known->second;
  std::vector<Stored>& stored = stored_[std::string(catalyst)];
  MeasurementFilter filter;
  filter.catalyst = std::string(catalyst);
  Page page;
  page.limit = 10'000;
  for (;;) {
    auto measured = tx_.measurements(campaign_, filter, page);
    for (Measurement& one : measured) {
      page.after = one.seq;
      if (one.ingest != ingest) stored.push_back({std::move(one)});
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

void StoredRows::find_whole(std::vector<Stored>& stored, const RowIdentity& identity,
                            std::vector<Found>& found) {
  const std::vector<PreparedValue>& values = identity.row.values;
  std::vector<Stored*> best;
  std::size_t best_size = 0;
  for (std::size_t begin = 0, end = 0; begin < stored.size(); begin = end) {
    const std::int64_t row = stored[begin].measurement.row;
    while (end < stored.size() && stored[end].measurement.row == row) ++end;
    std::vector<Stored*> here;
    for (const PreparedValue& value : values) {
      for (std::size_t at = begin; at < end; ++at) {
        Stored& one = stored[at];
        if (one.measurement.value != value.value ||
            !is_alike(one, identity, value.property, false)) {
          continue;
        }
        here.push_back(&one);
        break;
      }
    }
    // Of several rows, the one that holds least beside these values.
    const std::size_t size = end - begin;
    if (here.size() != values.size() || (!best.empty() && size >= best_size)) continue;
    best = std::move(here);
    best_size = size;
  }
  for (std::size_t i = 0; i < best.size(); ++i) {
    best[i]->matched = true;
    found[i].state = Found::State::stored;
    found[i].measurement = best[i]->measurement.id;
    if (best[i]->measurement.retracted) found[i].reason = best[i]->measurement.reason;
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
  std::vector<Stored>& stored = stored_of(catalyst, ingest);
  if (!labelled) {
    find_whole(stored, identity, found);
    return found;
  }
  for (std::size_t i = 0; i < row.values.size(); ++i) {
    const PreparedValue& value = row.values[i];
    const auto same = std::find_if(stored.begin(), stored.end(), [&](const Stored& one) {
      return is_alike(one, identity, value.property, false) &&
             one.measurement.value == value.value && one.measurement.superseded_by.empty();
    });
    if (same != stored.end()) {
      same->matched = true;
      found[i].state = Found::State::stored;
      found[i].measurement = same->measurement.id;
      if (same->measurement.retracted) found[i].reason = same->measurement.reason;
      continue;
    }
    // An --id names its row alone; another label may have a row under each condition.
    const bool own_name = options_.id.has_value();
    if (!own_name && labels_[label_of(row)] != 1) continue;
    std::vector<Stored*> others;
    for (Stored& one : stored) {
      if (is_alike(one, identity, value.property, own_name) &&
          one.measurement.superseded_by.empty()) {
        others.push_back(&one);
      }
    }
    if (others.size() != 1) continue;
    others[0]->matched = true;
    found[i].state = Found::State::changed;
    found[i].measurement = others[0]->measurement.id;
    found[i].value = others[0]->measurement.value;
  }
  return found;
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
