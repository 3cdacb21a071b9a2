#include "daemon/store/waiting_results.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>
#include <string_view>
#include <utility>

#include "daemon/store/rising_numbers.h"

namespace kasetsu::store {
namespace {

using campaign::Run;

// As many as stay in a processor's memory between being taken and being written.
constexpr std::size_t kMostRows = 512;
constexpr std::size_t kMostReplicates = 65'536;
constexpr std::size_t kRowsAtOnce = 32;

// "INSERT INTO table (a, b) VALUES (?, ?), (?, ?)".
class Insert {
 public:
  explicit Insert(std::string_view into) : one_(fmt::format("{} VALUES ", into)), many_(one_) {
    std::string row = "(?";
    for (auto more = std::count(into.begin(), into.end(), ','); more > 0; --more) row += ",?";
    row += ')';
    one_ += row;
    for (std::size_t i = 0; i < kRowsAtOnce; ++i) many_ += (i == 0 ? "" : ",") + row;
  }
  const char* one() const { return one_.c_str(); }
  const char* many() const { return many_.c_str(); }

 private:
  std::string one_, many_;
};

// bind(statement, place of the row in the statement, row)
template <typename Row, typename Bind>
void insert_all(Connection& connection, const Insert& sql, std::span<const Row> rows,
                const Bind& bind) {
  while (!rows.empty()) {
    const std::size_t count = rows.size() < kRowsAtOnce ? 1 : kRowsAtOnce;
    Statement& insert = connection.prepare_beside(count == 1 ? sql.one() : sql.many());
    for (std::size_t i = 0; i < count; ++i) bind(insert, static_cast<int>(i), rows[i]);
    insert.run();
    rows = rows.subspan(count);
  }
}

// Takes over the memory of a row that was written before.
template <typename Row>
Row& push(std::vector<Row>& rows, std::size_t& count, const Row& row) {
  if (count == rows.size()) {
    rows.push_back(row);
  } else {
    rows[count] = row;
  }
  return rows[count++];
}

}  // namespace

void WaitingResults::add(const Run& run, std::int64_t seq) {
  if (run_count_ == kMostRows) write_runs();
  push(runs_, run_count_, run).seq = seq;
}

void WaitingResults::add(const NewMeasurement& m) {
  if (measurement_count_ == kMostRows) write_measurements();
  if (replicates_.size() == kMostReplicates) write_replicates();
  push(measurements_, measurement_count_, m);
  replicates_.push_back({m.catalyst, m.property, m.conditions_hash, m.seq});
  if (spans_.empty() || spans_.back().campaign != m.campaign || spans_.back().last + 1 != m.seq) {
    spans_.push_back({m.campaign, m.seq, m.seq});
  } else {
    spans_.back().last = m.seq;
  }
}

void WaitingResults::write() {
  write_runs();
  write_measurements();
  write_replicates();
  write_spans();
}

void WaitingResults::write_runs() {
  static const Insert sql(
      "INSERT INTO runs (seq, ingest, delivery_row, campaign, catalyst, kind, source, run, "
      "channel, sequence, replicate, sample, conditions, proposal, measured_at, content)");
  // Whatever becomes of them, they are not written twice.
  const std::span<const Run> rows(runs_.data(), std::exchange(run_count_, 0));
  insert_all(connection_, sql, rows, [](Statement& insert, int at, const Run& r) {
    insert.bind_row(at, r.seq, r.ingest, r.row, r.campaign, r.catalyst, to_string(r.kind), r.source,
                    r.run, r.channel, r.sequence, r.replicate, r.sample, r.conditions, r.proposal,
                    r.measured_at, r.content);
  });
}

void WaitingResults::write_measurements() {
  static const Insert sql(
      "INSERT INTO measurements (seq, id, campaign, run, catalyst, property, value, flags, "
      "supersedes, received_at)");
  write_runs();  // a run is there before its measurements
  const std::span<const NewMeasurement> rows(measurements_.data(),
                                             std::exchange(measurement_count_, 0));
  insert_all(connection_, sql, rows, [](Statement& insert, int at, const NewMeasurement& m) {
    insert.bind_row(at, m.seq, m.id.empty() ? std::optional<std::string_view>() : m.id, m.campaign,
                    m.run, m.catalyst, m.property, m.value, m.flags, m.supersedes, m.received_at);
  });
}

void WaitingResults::write_replicates() {
  if (replicates_.empty()) return;
  // In the order of the table, so that a page takes all that it gets at once.
  std::sort(replicates_.begin(), replicates_.end(),
            [](const Replicate& a, const Replicate& b) { return a.place() < b.place(); });
  const auto others = [](const Replicate& a, const Replicate& b) {
    return a.catalyst != b.catalyst || a.property != b.property ||
           a.conditions_hash != b.conditions_hash;
  };
  Statement& insert = connection_.prepare_beside(
      "INSERT INTO replicates (catalyst, property, conditions_hash, first, more) "
      "VALUES (?1, ?2, ?3, ?4, ?5)");
  std::string more;
  for (auto first = replicates_.begin(); first != replicates_.end();) {
    const auto end = std::find_if(first, replicates_.end(),
                                  [&](const Replicate& one) { return others(*first, one); });
    more.clear();
    for (auto one = first + 1; one != end; ++one) {
      append_rising(more, (one - 1)->measurement, one->measurement);
    }
    insert
        .bind(first->catalyst, first->property, first->conditions_hash, first->measurement,
              Blob{more})
        .run();
    first = end;
  }
  replicates_.clear();
}

void WaitingResults::write_spans() {
  for (const Span& span : spans_) {
    connection_
        .prepare_beside(
            "INSERT INTO campaign_spans (campaign, first, last, total) "
            "VALUES (?1, ?2, ?3, ?3 - ?2 + 1 + coalesce((SELECT total FROM campaign_spans "
            "WHERE campaign = ?1 ORDER BY first DESC LIMIT 1), 0))")
        .bind(span.campaign, span.first, span.last)
        .run();
  }
  spans_.clear();
}

void WaitingResults::forget() {
  run_count_ = measurement_count_ = 0;
  replicates_.clear();
  spans_.clear();
}

}  // namespace kasetsu::store
