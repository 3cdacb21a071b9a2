#include "daemon/campaign/ingest/stored_rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/base/text.h"
#include "core/chemistry/composition.h"
#include "daemon/campaign/records/conditions.h"

namespace kasetsu::campaign {
namespace {

// Rows of one sample that are told apart by their conditions, run or replicate count by themselves.
std::string label_of(const PreparedRow& row, const std::string& conditions) {
  std::string label = row.sample + '\0' + conditions + '\0' + row.run;
  if (row.replicate) label += fmt::format("\n{}", *row.replicate);
  return label;
}

std::string label_of(const PreparedRow& row) {
  return label_of(row, row.conditions);
}

std::string places(const std::vector<std::string>& all) {
  constexpr std::size_t kMost = 5;
  std::string text;
  for (std::size_t i = 0; i < std::min(all.size(), kMost); ++i) {
    text += fmt::format("{}{}", i == 0 ? "" : ", ", all[i]);
  }
  return all.size() > kMost ? text + ", ..." : text;
}

bool is_censored(const Measurement& m) {
  return (m.flags & kFlagCensored) != 0;
}

bool is_above(const Measurement& m) {
  return (m.flags & kFlagAboveLimit) != 0;
}

std::string text_of(double value, bool censored, bool above) {
  return (above ? ">" : censored ? "<" : "") + format_number(value);
}

constexpr std::string_view kEmptied = "emptied by delivery ";
constexpr std::string_view kMoved = " is another catalyst by delivery ";

// What a row with a name says otherwise than before: a condition, or the value.
std::string change_text(const Measurement& before, const PreparedValue& now,
                        std::string_view conditions) {
  const auto were = read_conditions(before.conditions);
  const auto are = read_conditions(std::string(conditions));
  for (const auto& [name, value] : are) {
    const auto was = were.find(name);
    if (was == were.end()) {
      return fmt::format("{} was not told, the table now says {}", name, format_number(value));
    }
    if (was->second != value) {
      return fmt::format("{} is {}, the table now says {}", name, format_number(was->second),
                         format_number(value));
    }
  }
  for (const auto& [name, value] : were) {
    if (are.contains(name)) continue;
    return fmt::format("{} is {}, the table now says nothing", name, format_number(value));
  }
  if (was_taken_back(before)) {
    return fmt::format("{} was taken back, the table now says {}", before.property,
                       value_text(now));
  }
  return fmt::format("{} is {}, the table now says {}", before.property, value_text(before),
                     value_text(now));
}

// Atoms of oxygen by the others in a formula; none: it is no formula, or has no oxygen.
std::optional<double> oxygen_of(const std::string& formula) {
  constexpr int kOxygen = 8;
  const auto composition = chemistry::parse_formula(formula);
  if (!composition) return {};
  double oxygen = 0.0;
  for (const auto& part : composition->parts()) {
    if (part.element == kOxygen) oxygen = part.amount;
  }
  const double others = composition->total() - oxygen;
  if (oxygen <= 0.0 || others <= 0.0) return {};
  return oxygen / others;
}

// Whether the row's formula has another share of oxygen, which its key does not count.
bool tells_other_oxygen(const Measurement& before, const PreparedRow& now) {
  if (now.dropped_oxygen.empty() || before.told.empty() || before.told == now.told) return false;
  const auto was = oxygen_of(before.told), is = oxygen_of(now.told);
  return was && is && std::abs(*was - *is) > 1e-6;
}

// Of several that a row may be, the one that counts.
int standing(const Measurement& m) {
  return was_taken_back(m) ? 0 : m.retracted ? 1 : m.excluded && !is_censored(m) ? 2 : 3;
}

}  // namespace

std::string value_text(const Measurement& m) {
  return text_of(m.value, is_censored(m), is_above(m));
}

std::string value_text(const PreparedValue& value) {
  return text_of(value.value, value.censored, value.above);
}

bool stands(const Measurement& m) {
  return !m.retracted && m.superseded_by.empty() && (!m.excluded || is_censored(m));
}

bool was_taken_back(const Measurement& m) {
  return m.retracted && m.superseded_by.empty() &&
         (m.reason.starts_with(kEmptied) || m.reason.find(kMoved) != std::string::npos);
}

std::string emptied_reason(const std::string& delivery) {
  return std::string(kEmptied) + delivery;
}

std::string moved_reason(const std::string& sample, const std::string& delivery) {
  return fmt::format("sample {}{}{}", sample, kMoved, delivery);
}

std::string not_live_text(const Measurement& m) {
  if (!m.superseded_by.empty()) return {};
  if (m.retracted) {
    return fmt::format(
        "measurement {} was retracted ({}); kasetsu results restore {} --reason ... brings it back",
        m.id, m.reason, m.id);
  }
  if (!m.excluded || is_censored(m)) return {};
  return fmt::format(
      "measurement {} is excluded ({}); kasetsu results include {} --reason ... brings it back",
      m.id, m.reason, m.id);
}

StoredRows::StoredRows(Transaction& tx, std::int64_t campaign, const std::vector<PreparedRow>& rows,
                       const DeliveryOptions& options, std::int64_t first_new)
    : tx_(tx), campaign_(campaign), options_(options), first_new_(first_new), rows_(rows.size()) {
  anything_stored_ = !tx.measurements(campaign, {}, {0, 1}).empty();
  std::map<std::string, const PreparedRow*> named;
  for (const PreparedRow& row : rows) {
    own_runs_ = own_runs_ || !row.run.empty();
    if (row.sample.empty()) continue;
    ++labels_[label_of(row)];
    of_label_[row.sample] = row.catalyst;
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

StoredRows::OfCatalyst& StoredRows::stored_of(std::string_view catalyst) {
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
      if (one.seq >= first_new_) return stored;
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
  const bool own = m.ingest == identity.ingest && identity.sample.empty();
  return !own && !one.matched && m.property == property && m.source == identity.source &&
         m.run == identity.run && m.sample == identity.sample && m.kind == row.kind &&
         m.replicate == row.replicate && (any_conditions || m.conditions == identity.conditions);
}

bool StoredRows::is_same_value(const Stored& one, const PreparedValue& value) {
  return one.measurement.value == value.value && is_censored(one.measurement) == value.censored &&
         is_above(one.measurement) == value.above;
}

void StoredRows::mark_stored(Stored& one, Found& found) {
  one.matched = true;
  found.state = Found::State::stored;
  found.measurement = one.measurement.id;
  found.not_live = not_live_text(one.measurement);
}

void StoredRows::find_whole(OfCatalyst& stored, const RowIdentity& identity,
                            std::vector<Found>& found) {
  const std::vector<PreparedValue>& values = identity.row.values;
  std::set<std::int64_t> candidates;
  for (const PreparedValue& value : values) {
    const auto with =
        stored.with_value.find(value_key(value.property, identity.conditions, value.value));
    if (with != stored.with_value.end())
      candidates.insert(with->second.begin(), with->second.end());
  }
  std::vector<Stored*> best;
  std::size_t best_same = 0, best_size = 0;
  for (const std::int64_t row : candidates) {
    const std::vector<std::size_t>& of_row = stored.rows[row];
    std::vector<Stored*> here(values.size(), nullptr);
    std::size_t same = 0;
    bool differs = false;
    for (std::size_t i = 0; i < values.size(); ++i) {
      for (const std::size_t at : of_row) {
        Stored& one = stored.all[at];
        if (!is_alike(one, identity, values[i].property, false)) continue;
        if (!is_same_value(one, values[i])) {
          differs = differs || one.measurement.superseded_by.empty();
          continue;
        }
        here[i] = &one;
        ++same;
        break;
      }
      differs = differs && here[i] == nullptr;
      if (differs) break;
    }
    // Of several rows, the one that has most of the values and holds least beside them.
    if (differs || same == 0 || same < best_same) continue;
    if (same == best_same && of_row.size() >= best_size) continue;
    best = std::move(here);
    best_same = same;
    best_size = of_row.size();
    if (best_same == values.size() && best_size == values.size()) break;
  }
  for (std::size_t i = 0; i < best.size(); ++i) {
    if (best[i] != nullptr) mark_stored(*best[i], found[i]);
  }
}

void StoredRows::find_unnamed(OfCatalyst& stored, const RowIdentity& identity,
                              std::vector<Found>& found) {
  RowIdentity unnamed = identity;
  unnamed.sample = "";
  find_whole(stored, unnamed, found);
  for (Found& one : found) {
    if (one.state != Found::State::stored) continue;
    const auto at = std::find_if(stored.all.begin(), stored.all.end(), [&](const Stored& known) {
      return known.measurement.id == one.measurement;
    });
    one.unnamed = at->measurement.row;
    at->measurement.sample = identity.row.sample;
  }
}

void StoredRows::find_named(OfCatalyst& stored, const RowIdentity& identity,
                            std::vector<Found>& found) {
  // Only names under which one of the values is stored can be the row's.
  std::set<std::string> names;
  for (const PreparedValue& value : identity.row.values) {
    const auto with =
        stored.with_value.find(value_key(value.property, identity.conditions, value.value));
    if (with == stored.with_value.end()) continue;
    for (const std::int64_t row : with->second) {
      const std::string& name = stored.all[stored.rows[row].front()].measurement.sample;
      if (!name.empty()) names.insert(name);
    }
  }
  for (const std::string& name : names) {
    RowIdentity named = identity;
    named.sample = name;
    find_whole(stored, named, found);
    if (std::any_of(found.begin(), found.end(),
                    [](const Found& one) { return one.state == Found::State::stored; })) {
      return;
    }
  }
}

void StoredRows::find_moved(const OfCatalyst& stored, const RowIdentity& identity,
                            std::string_view catalyst) {
  const PreparedRow& row = identity.row;
  for (const Stored& one : stored.all) {
    const Measurement& m = one.measurement;
    if (m.sample.empty() || m.sample == row.sample || !m.live()) continue;
    const auto now = of_label_.find(m.sample);
    if (now == of_label_.end() || now->second.empty() || now->second == catalyst) continue;
    RowIdentity other = identity;
    other.sample = m.sample;
    const bool same =
        std::all_of(row.values.begin(), row.values.end(), [&](const PreparedValue& value) {
          return std::any_of(stored.all.begin(), stored.all.end(), [&](const Stored& known) {
            return known.measurement.row == m.row && is_same_value(known, value) &&
                   is_alike(known, other, value.property, false);
          });
        });
    if (!same) continue;
    ask_moved(row, m.sample);
    return;
  }
}

// Of measurements of which some count, only those.
void StoredRows::keep_standing(std::vector<Stored*>& all) {
  const auto counts = [](const Stored* one) { return !one->measurement.retracted; };
  if (std::none_of(all.begin(), all.end(), counts)) {
    if (all.size() > 1) all.erase(all.begin(), all.end() - 1);  // the newest
  } else {
    std::erase_if(all, [&](const Stored* one) { return !counts(one); });
  }
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
    std::vector<Stored*> others, elsewhere;  // under these conditions, under others
    for (const std::size_t at : of_sample) {
      Stored& one = stored.all[at];
      if (!one.measurement.superseded_by.empty()) continue;
      if (is_alike(one, identity, value.property, false)) {
        const bool other_oxygen = one_row && tells_other_oxygen(one.measurement, row);
        if (!is_same_value(one, value) || was_taken_back(one.measurement) || other_oxygen) {
          others.push_back(&one);
        } else if (same == nullptr || standing(one.measurement) > standing(same->measurement)) {
          same = &one;
        }
      } else if (own_name && is_alike(one, identity, value.property, true) &&
                 !labels_.contains(label_of(row, one.measurement.conditions))) {
        elsewhere.push_back(&one);  // no row of the table is under those conditions any more
      }
    }
    if (others.empty()) others = std::move(elsewhere);
    keep_standing(others);
    if (same != nullptr) {
      mark_stored(*same, found[i]);
    } else if (one_row && others.size() == 1) {
      others[0]->matched = true;
      found[i].state = Found::State::changed;
      found[i].measurement = others[0]->measurement.id;
      const Measurement& before = others[0]->measurement;
      found[i].change = tells_other_oxygen(before, row)
                            ? fmt::format("{} was measured on {}, the table now says {}",
                                          before.property, before.told, row.told)
                            : change_text(before, value, identity.conditions);
    }
  }
}

std::vector<StoredRows::Found> StoredRows::find(const PreparedRow& row, std::string_view catalyst,
                                                std::string_view conditions,
                                                std::string_view ingest) {
  std::vector<Found> found(row.values.size());
  if (!anything_stored_) return found;
  const RowIdentity identity = identity_of(row, conditions, ingest);
  OfCatalyst& stored = stored_of(catalyst);
  if (row.sample.empty()) {
    find_whole(stored, identity, found);
    const bool fresh = std::all_of(found.begin(), found.end(), [](const Found& one) {
      return one.state == Found::State::fresh;
    });
    if (fresh) find_named(stored, identity, found);
    return found;
  }
  find_labelled(stored, identity, found);
  const auto fresh = [](const Found& one) { return one.state == Found::State::fresh; };
  if (!std::all_of(found.begin(), found.end(), fresh)) return found;
  find_unnamed(stored, identity, found);
  if (options_.id && !options_.revise && std::all_of(found.begin(), found.end(), fresh)) {
    find_moved(stored, identity, catalyst);
  }
  return found;
}

std::vector<StoredRows::Found> StoredRows::find_measured(const PreparedRow& row,
                                                         std::string_view catalyst,
                                                         std::string_view conditions,
                                                         std::string_view ingest) {
  std::vector<Found> found(row.values.size());
  if (!anything_stored_) return found;
  OfCatalyst& stored = stored_of(catalyst);
  find_whole(stored, identity_of(row, conditions, ingest), found);
  const auto is_fresh = [](const Found& one) { return one.state == Found::State::fresh; };
  if (std::none_of(found.begin(), found.end(), is_fresh)) return found;
  // A row that was completed has all that is stored of it.
  for (const Stored& one : stored.all) {
    const bool of_row = one.matched && std::any_of(found.begin(), found.end(), [&](const Found& f) {
                          return f.measurement == one.measurement.id;
                        });
    if (!of_row) continue;
    const std::vector<std::size_t>& whole = stored.rows[one.measurement.row];
    const bool completed = std::all_of(whole.begin(), whole.end(), [&](std::size_t at) {
      return stored.all[at].matched || !stored.all[at].measurement.superseded_by.empty();
    });
    if (!completed) found.assign(row.values.size(), Found());
    break;
  }
  return found;
}

StoredRows::RowIdentity StoredRows::identity_of(const PreparedRow& row, std::string_view conditions,
                                                std::string_view ingest) const {
  return {row,
          row.source.empty() ? options_.source : row.source,
          row.run.empty() ? options_.run : row.run,
          conditions,
          row.sample,
          ingest};
}

std::vector<Measurement> StoredRows::find_emptied(const PreparedRow& row, std::string_view catalyst,
                                                  std::string_view conditions,
                                                  std::string_view ingest) {
  std::vector<Measurement> found;
  const RowIdentity identity = identity_of(row, conditions, ingest);
  OfCatalyst& stored = stored_of(catalyst);
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
  ask_changed(row, fmt::format("{} is {}, the table now says nothing", stored.property,
                               value_text(stored)));
}

void StoredRows::ask_repeated(const PreparedRow& row) {
  repeated_.push_back(row.pointer);
}

void StoredRows::ask_completed(const PreparedRow& row) {
  completed_.push_back(row.pointer);
}

void StoredRows::tell_repeated(const PreparedRow& row) {
  told_.push_back(row.pointer);
}

void StoredRows::ask_changed(const PreparedRow& row, const std::string& change) {
  if (changed_.empty() || changed_.back() != row.pointer) changed_.push_back(row.pointer);
  constexpr std::size_t kMost = 5;
  if (changes_.size() < kMost) changes_.push_back(fmt::format("sample {}: {}", row.sample, change));
}

void StoredRows::ask_moved(const PreparedRow& row, const std::string& name) {
  moved_.push_back(row.pointer);
  if (!first_moved_.empty()) return;
  first_moved_ =
      fmt::format("{} is called {} now, and is stored as {}", row.pointer, row.sample, name);
}

std::optional<Error> StoredRows::question() const {
  const bool table = options_.format == DeliveryFormat::csv;
  if (!named_twice_.empty()) {
    return Error{
        ErrorCode::unprocessable,
        fmt::format("the name {} stands in several rows ({})", first_twice_, places(named_twice_)),
        options_.file_name,
        {},
        "a name of its own for each row, a column \"replicate\", or other conditions"};
  }
  if (!moved_.empty()) {
    return Error{
        ErrorCode::unprocessable,
        fmt::format("{} of {} rows are stored under the names of other rows ({}): {}",
                    moved_.size(), rows_, places(moved_), first_moved_),
        options_.file_name,
        {},
        "a column whose names stay with their rows, or \"revise\" (--revise) when the rows "
        "were numbered anew"};
  }
  if (!changed_.empty()) {
    return Error{
        ErrorCode::unprocessable,
        fmt::format("{} of {} rows are stored with other content ({}): {}", changed_.size(),
                    std::max(rows_, changed_.size()), places(changed_), fmt::join(changes_, "; ")),
        options_.file_name,
        {},
        "\"revise\" (--revise) when these are corrections, or names of their own for new "
        "samples"};
  }
  if (!repeated_.empty()) {
    return Error{ErrorCode::unprocessable,
                 fmt::format("{} of {} rows are stored already ({})", repeated_.size(), rows_,
                             places(repeated_)),
                 table ? options_.file_name : std::string(),
                 {},
                 fmt::format("{}--repeats skip when the {} has grown, --repeats keep{} when they "
                             "were measured again",
                             table ? "a column that names the rows (--id), " : "",
                             table ? "table" : "file", own_runs_ ? "" : " or a --run of its own")};
  }
  if (!completed_.empty()) {
    return Error{ErrorCode::unprocessable,
                 fmt::format("{} of {} rows have values that are stored already, and others beside "
                             "them ({})",
                             completed_.size(), rows_, places(completed_)),
                 {},
                 {},
                 "\"repeats\": \"skip\" (--repeats skip) when the rows were completed, "
                 "\"repeats\": \"keep\" when they were measured again; rows with a run and a "
                 "channel or sequence are known by these"};
  }
  return {};
}

void StoredRows::tell_skipped(const PreparedRow& row) {
  skipped_.push_back(row.pointer);
}

std::string StoredRows::note() const {
  if (!skipped_.empty()) {
    return fmt::format(
        "{} of {} rows are stored already, by catalyst, conditions and values ({}), and were left "
        "out; columns that are not used were not compared: --repeats keep takes what was measured "
        "again under a condition that the campaign does not have",
        skipped_.size(), rows_, places(skipped_));
  }
  if (told_.empty()) return {};
  return fmt::format(
      "{} of {} rows are stored already, by catalyst, conditions and values ({}), and were kept as "
      "measured again; \"repeats\": \"skip\" leaves such rows out",
      told_.size(), rows_, places(told_));
}

}  // namespace kasetsu::campaign
