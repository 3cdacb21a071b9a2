// Who has the database's one writer next. Tasks of a few rows are committed together, as many as
// wait; tables have a queue of their own, where claimants are served in turn. Between two tables
// the others come first, and a table of very many rows is undone and begun anew where others come
// while it is written: they do not wait for its end, and it is still taken whole or not at all. A
// table that has given way for long enough holds the others up for a moment, one table at a time.
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
#include "daemon/campaign/records/table_writer.h"
#include "daemon/store/sqlite_database.h"

namespace kasetsu::store {

using WriterClock = std::chrono::steady_clock;

struct WriterTask {
  std::function<Status(campaign::Transaction&)> work;
  std::function<void(Status)> done;
  bool repeatable = false;
  campaign::TableShare share = {1, 1, {}, {}, false};
  std::optional<WriterClock::time_point> first_tried = {};
};

// What the next commit holds: tables alone, or tasks of a few rows alone.
struct WriterTurn {
  std::vector<WriterTask> tasks;
  bool of_tables = false;
  WriterClock::time_point begin;
  // It is one table, which is to be undone where others wait then; none: it is not.
  std::optional<WriterClock::time_point> gives_way_from = {};
  // ... and which has waited its time, so that others may be held up until then.
  bool holds_up = false;
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
  // After the turn gave way: its table comes again, the others first. The reason where it does not:
  // nobody waits for it, it held the others up as long as it may, or the store ends.
  std::optional<Error> gave_way(WriterTurn& turn);
  // Whether the turn, a table between two of its rows, is to be undone now.
  bool is_to_give_way(const WriterTurn& turn) const;
  // The reason why a table that was taken is not begun; none: it is.
  std::optional<Error> refusal(const WriterTask& task) const;
  // Tables are refused from now on, the one that runs between two of its rows.
  void end_tables() { tables_end_ = true; }
  // What waits is still taken, tables without giving way.
  void stop();
  std::size_t waiting() const;

 private:
  bool may_take_table() const;
  bool is_long(const WriterTask& task) const;
  void settle_way(WriterTurn& turn, std::size_t size) const;

  const StoreOptions& options_;
  mutable std::mutex mutex_;
  std::condition_variable filled_;
  std::deque<WriterTask> few_;
  std::atomic<std::size_t> few_waiting_{0};
  TurnQueue<WriterTask> tables_;
  WriterClock::time_point tables_from_;             // not before
  std::optional<WriterClock::time_point> held_up_;  // when a table held others up last
  std::atomic<bool> tables_end_{false};
  bool table_turn_ = true;
  bool stopping_ = false;
};

}  // namespace kasetsu::store
