// Results that a transaction has taken and not yet written. One statement writes several rows, and
// which of them are of one catalyst, or of one campaign, is written once for all of them
// (schema/0005_spans.sql).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "daemon/campaign/records/types.h"
#include "daemon/store/sqlite.h"

namespace kasetsu::store {

// A row of `measurements`, and what `replicates` needs beside it.
struct NewMeasurement {
  std::int64_t seq = 0;
  std::string id;  // empty: numbered after its delivery
  std::int64_t campaign = 0, run = 0, catalyst = 0, property = 0;
  double value = 0.0;
  std::uint32_t flags = 0;
  std::optional<std::int64_t> supersedes;
  std::int64_t conditions_hash = 0;
  Time received_at;
};

// Belongs to the writer, whose connection calls write() before any statement that may ask for
// results (Connection::prepare), so that nobody can tell that they waited.
class WaitingResults {
 public:
  explicit WaitingResults(Connection& connection) : connection_(connection) {}

  // seq: that it is to have; ascending, as those of measurements. Writes some when many wait:
  // throws StorageError.
  void add(const campaign::Run& run, std::int64_t seq);
  void add(const NewMeasurement& measurement);

  // Throws StorageError: a part may be written, the task must be rolled back.
  void write();
  // After a rollback.
  void forget();

 private:
  struct Replicate {
    std::int64_t catalyst, property, conditions_hash, measurement;
    auto place() const { return std::tie(catalyst, property, conditions_hash, measurement); }
  };
  // Measurements of one campaign without a gap.
  struct Span {
    std::int64_t campaign, first, last;
  };

  void write_runs();
  void write_measurements();
  void write_replicates();
  void write_spans();

  Connection& connection_;
  // The first ones are waiting; those behind are kept for the memory of their texts.
  std::vector<campaign::Run> runs_;
  std::vector<NewMeasurement> measurements_;
  std::size_t run_count_ = 0, measurement_count_ = 0;
  std::vector<Replicate> replicates_;
  std::vector<Span> spans_;
};

}  // namespace kasetsu::store
