// Which measurements are of one catalyst, property and conditions: collected while a task runs and
// written for all of them at once, one row for each group (schema/0005_spans.sql).
#pragma once

#include <cstdint>
#include <tuple>
#include <vector>

#include "daemon/store/sqlite.h"

namespace kasetsu::store {

// Belongs to the writer, who writes before anything reads the table, and before COMMIT.
class WaitingReplicates {
 public:
  explicit WaitingReplicates(Connection& connection) : connection_(connection) {}

  // measurement: its seq; they come in ascending order. Writes some when many wait: throws
  // StorageError.
  void add(std::int64_t catalyst, std::int64_t property, std::int64_t conditions_hash,
           std::int64_t measurement);
  // Throws StorageError: a part may be written, the task must be rolled back.
  void write();
  void forget() { rows_.clear(); }  // after a rollback

 private:
  struct Row {
    std::int64_t catalyst, property, conditions_hash, measurement;
    auto group() const { return std::tie(catalyst, property, conditions_hash); }
    auto place() const { return std::tie(catalyst, property, conditions_hash, measurement); }
  };
  Connection& connection_;
  std::vector<Row> rows_;
};

}  // namespace kasetsu::store
