// What the rooms of queries share: how rows are read, and the pieces of SQL that several need.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "daemon/campaign/records/store_port.h"
#include "daemon/store/sqlite.h"

// The measurements m of campaign ?1 in the order of x.first and m.seq: all of them, or those after
// ?2, from the span on that may hold it.
#define KASETSU_SQL_SPANS \
  "campaign_spans x CROSS JOIN measurements m ON m.seq BETWEEN x.first AND x.last "
#define KASETSU_SQL_OF_CAMPAIGN "x.campaign = ?1 "
#define KASETSU_SQL_SPANS_AFTER \
  "campaign_spans x CROSS JOIN measurements m ON m.seq BETWEEN max(x.first, ?2 + 1) AND x.last "
#define KASETSU_SQL_OF_CAMPAIGN_AFTER                                                   \
  "x.campaign = ?1 AND x.first >= coalesce((SELECT max(y.first) FROM campaign_spans y " \
  "WHERE y.campaign = ?1 AND y.first <= ?2), 0) "
// Replicates x and their measurements m.
#define KASETSU_SQL_REPLICATES                          \
  "replicates x CROSS JOIN members(x.first, x.more) s " \
  "CROSS JOIN measurements m ON m.seq = s.measurement "
// Of one measurement m: neither superseded nor retracted nor excluded. By probes, for a few rows.
#define KASETSU_SQL_LIVE                                                                       \
  "NOT EXISTS (SELECT 1 FROM measurements n WHERE n.supersedes = m.seq) "                      \
  "AND NOT EXISTS (SELECT 1 FROM marks k WHERE k.measurement = m.seq AND k.kind = 'retract') " \
  "AND coalesce((SELECT k.kind FROM marks k WHERE k.measurement = m.seq AND k.kind IN "        \
  "('exclude', 'include') "                                                                    \
  "ORDER BY k.seq DESC LIMIT 1), 'include') = 'include' "
// The others, all of them: what is not live is rare.
#define KASETSU_SQL_NOT_LIVE                                                       \
  "SELECT n.supersedes AS seq FROM measurements n WHERE n.supersedes IS NOT NULL " \
  "UNION SELECT k.measurement FROM marks k WHERE k.kind = 'retract' "              \
  "OR (k.kind = 'exclude' AND NOT EXISTS (SELECT 1 FROM marks l WHERE "            \
  "l.measurement = k.measurement AND l.kind = 'include' AND l.seq > k.seq)) "
// Whether a measurement m is live, for many of them.
#define KASETSU_SQL_LIVE_IN_BULK "m.seq NOT IN (" KASETSU_SQL_NOT_LIVE ") "

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
using campaign::QuarantinedRow;
using campaign::QuarantineState;
using campaign::Run;
using campaign::SampleKind;
using campaign::TrainingChange;
using campaign::TrainingRow;
using campaign::TrainingSet;

// A word that a CHECK of the schema lets through.
template <typename State>
State known(std::optional<State> state) {
  KASETSU_ASSERT(state.has_value());
  return *state;
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

inline std::vector<std::string> all_texts(Statement& statement) {
  std::vector<std::string> rows;
  while (statement.step()) rows.push_back(statement.text(0));
  return rows;
}

}  // namespace kasetsu::store
