// Who has the database's one writer next. Tasks of a few rows are committed together, as many as
// wait; tables have a queue of their own, where claimants are served in turn. Between two tables
// the others come first, and a table of very many rows is undone and begun anew where others come
// while it is written: they do not wait for its end, and it is still taken whole or not at all.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "daemon/base/turn_queue.h"
#include "daemon/campaign/records/store_port.h"
#include "daemon/store/sqlite_database.h"

namespace kasetsu::store {

using WriterClock = std::chrono::steady_clock;

struct WriterTask {
  std::function<Status(campaign::Transaction&)> work;
  std::function<void(Status)> done;
  bool repeatable = false;
  std::size_t rows = 1;
  std::string claimant = {};
  std::optional<WriterClock::time_point> first_tried = {};
};

// What the next commit holds: tables alone, or tasks of a few rows alone.
struct WriterTurn {
  std::vector<WriterTask> tasks;
  bool of_tables = false;
  // It is one table, which is to be undone as soon as others wait.
  bool gives_way = false;
  WriterClock::time_point begin;
};

// For several threads, of which one takes.
class WriterQueue {
 public:
  // `options` outlives it.
  explicit WriterQueue(const StoreOptions& options) : options_(options) {}

  // False: too many wait, or stop() was called; `task` is as it was.
  bool add(WriterTask& task);
  // Waits until there is something to do. No tasks: nothing is left and nothing will come.
  WriterTurn take();
  // After the turn's commit: the others have their share where a table held them up.
  void finished(const WriterTurn& turn);
  // After the turn gave way: its table comes again, the others first.
  void gave_way(WriterTurn turn);
  // Whether tasks of a few rows wait.
  bool others_wait() const { return few_waiting_.load(std::memory_order_relaxed) > 0; }
  // What waits is still taken, tables without giving way.
  void stop();
  std::size_t waiting() const;

 private:
  bool may_take_table() const;

  const StoreOptions& options_;
  mutable std::mutex mutex_;
  std::condition_variable filled_;
  std::deque<WriterTask> few_;
  std::atomic<std::size_t> few_waiting_{0};
  TurnQueue<WriterTask> tables_;
  WriterClock::time_point tables_from_;  // not before
  bool table_turn_ = true;
  bool stopping_ = false;
};

}  // namespace kasetsu::store
