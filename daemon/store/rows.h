// What the rooms of queries share: how rows are read, and the pieces of SQL that several need.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "daemon/campaign/records/store_port.h"
#include "daemon/store/sqlite.h"

// Replicates x and their measurements m.
#define KASETSU_SQL_REPLICATES                          \
  "replicates x CROSS JOIN members(x.first, x.more) s " \
  "CROSS JOIN measurements m ON m.seq = s.measurement "
// Of a measurement m: neither superseded nor retracted nor excluded. Triggers of the schema and
// SqliteTransaction::insert_measurement keep the table: nothing else says what is live.
#define KASETSU_SQL_LIVE "NOT EXISTS (SELECT 1 FROM not_live l WHERE l.measurement = m.seq) "
// States of proposals that are asked for and not done (campaign::kOpenStates).
#define KASETSU_SQL_OPEN "('REQUESTED', 'ACTIVE', 'PARTIAL') "

namespace kasetsu::store {

using campaign::Batch;
using campaign::Campaign;
using campaign::CampaignVersion;
using campaign::CatalystRow;
using campaign::Counts;
using campaign::Event;
using campaign::Ingest;
using campaign::Job;
using campaign::JobState;
using campaign::KeptReply;
using campaign::KnownPoints;
using campaign::LedgerEntry;
using campaign::Measurement;
using campaign::MeasurementFilter;
using campaign::Model;
using campaign::Page;
using campaign::Property;
using campaign::Proposal;
using campaign::ProposalFilter;
using campaign::ProposalState;
using campaign::QuarantinedRow;
using campaign::QuarantineState;
using campaign::RenewedKey;
using campaign::Run;
using campaign::SampleKind;
using campaign::TrainingChange;
using campaign::TrainingRow;
using campaign::TrainingSet;

// A column's value, by the type of the field that takes it.
inline void read_column(const Statement& s, int column, std::int64_t& value) {
  value = s.integer(column);
}
inline void read_column(const Statement& s, int column, std::uint32_t& value) {
  value = static_cast<std::uint32_t>(s.integer(column));
}
inline void read_column(const Statement& s, int column, bool& value) {
  value = s.integer(column) != 0;
}
inline void read_column(const Statement& s, int column, double& value) {
  value = s.real(column);
}
inline void read_column(const Statement& s, int column, std::string& value) {
  value = s.view(column);
}
inline void read_column(const Statement& s, int column, Time& value) {
  value = s.time(column);
}
inline void read_column(const Statement& s, int column, Digest& value) {
  value = s.digest(column);
}
template <typename T>
void read_column(const Statement& s, int column, std::optional<T>& value) {
  value.reset();
  if (!s.null(column)) read_column(s, column, value.emplace());
}
template <typename State>
void read_state(std::optional<State> parsed, State& value) {
  require(parsed.has_value(), "a state has a name that the schema does not know");
  value = *parsed;
}
inline void read_column(const Statement& s, int column, campaign::CampaignState& value) {
  read_state(campaign::parse_campaign_state(s.view(column)), value);
}
inline void read_column(const Statement& s, int column, ProposalState& value) {
  read_state(campaign::parse_proposal_state(s.view(column)), value);
}
inline void read_column(const Statement& s, int column, JobState& value) {
  read_state(campaign::parse_job_state(s.view(column)), value);
}
inline void read_column(const Statement& s, int column, QuarantineState& value) {
  read_state(campaign::parse_quarantine_state(s.view(column)), value);
}
inline void read_column(const Statement& s, int column, SampleKind& value) {
  read_state(campaign::parse_sample_kind(s.view(column)), value);
}

// The columns of a row from `first` on, in their order.
template <typename... Fields>
void read_row(const Statement& s, int first, Fields&... fields) {
  (read_column(s, first++, fields), ...);
}

template <typename Row>
std::optional<Row> one(Statement& statement, Row (*read)(const Statement&)) {
  if (!statement.step()) return {};
  Row row = read(statement);
  statement.reset();
  return row;
}

template <typename Row>
std::vector<Row> all(Statement& statement, Row (*read)(const Statement&)) {
  std::vector<Row> rows;
  while (statement.step()) rows.push_back(read(statement));
  return rows;
}

// The first column of the first row; 0 when there is none.
inline std::int64_t first_integer(Statement& statement) {
  std::int64_t value = 0;
  if (statement.step()) {
    value = statement.integer(0);
    statement.reset();
  }
  return value;
}

inline std::string first_text(Statement& statement) {
  std::string value;
  if (statement.step()) {
    value = statement.text(0);
    statement.reset();
  }
  return value;
}

inline bool any(Statement& statement) {
  const bool found = statement.step();
  statement.reset();
  return found;
}

inline std::vector<std::string> all_texts(Statement& statement) {
  std::vector<std::string> rows;
  while (statement.step()) rows.push_back(statement.text(0));
  return rows;
}

}  // namespace kasetsu::store
