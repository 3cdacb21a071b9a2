#include "daemon/store/writer_queue.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace kasetsu::store {
namespace {

// How many times as long as a table held the others up they have the writer.
constexpr int kShareOfOthers = 10;
constexpr std::chrono::seconds kLongestPause{10};
// The same after a table that gave way: beginning anew costs at most a quarter of the time.
constexpr int kShareAfterGivingWay = 3;
// A task of a few rows has at most this many values a row.
constexpr std::size_t kFewValues = 100;

// What writing a table takes, in rows of one value.
std::size_t size_of(const WriterTask& task) {
  return std::max(task.share.rows, task.share.values);
}

}  // namespace

bool WriterQueue::add(WriterTask& task) {
  const std::lock_guard guard(mutex_);
  if (stopping_ || few_.size() + tables_.size() >= options_.queue) return false;
  if (is_long(task)) {
    const std::string claimant = task.share.claimant;
    tables_.add(claimant, std::move(task));
  } else {
    few_.push_back(std::move(task));
    few_waiting_ = few_.size();
  }
  filled_.notify_one();
  return true;
}

bool WriterQueue::is_long(const WriterTask& task) const {
  return task.share.rows > options_.few_rows || task.share.values > kFewValues * options_.few_rows;
}

bool WriterQueue::may_take_table() const {
  return !tables_.empty() && (stopping_ || WriterClock::now() >= tables_from_);
}

WriterTurn WriterQueue::take() {
  std::unique_lock guard(mutex_);
  while (few_.empty() && !may_take_table()) {
    if (stopping_) return {};
    if (tables_.empty()) {
      filled_.wait(guard);
    } else {
      filled_.wait_until(guard, tables_from_);
    }
  }
  WriterTurn turn;
  turn.begin = WriterClock::now();
  turn.of_tables = may_take_table() && (table_turn_ || few_.empty());
  table_turn_ = !turn.of_tables;
  if (!turn.of_tables) {
    const auto end =
        few_.begin() + static_cast<std::ptrdiff_t>(std::min(few_.size(), options_.group));
    turn.tasks.assign(std::make_move_iterator(few_.begin()), std::make_move_iterator(end));
    few_.erase(few_.begin(), end);
    few_waiting_ = few_.size();
    return turn;
  }
  std::size_t size = 0;
  do {
    turn.tasks.push_back(tables_.take());
    size += size_of(turn.tasks.back());
  } while (!tables_.empty() && turn.tasks.size() < options_.group &&
           size + size_of(tables_.front()) <= options_.group_rows);
  settle_way(turn, size);
  return turn;
}

// When the turn's table gives way, if it does.
void WriterQueue::settle_way(WriterTurn& turn, std::size_t size) const {
  WriterTask& first = turn.tasks.front();
  if (!first.first_tried) first.first_tried = turn.begin;
  if (stopping_ || size <= options_.group_rows) return;
  const bool has_waited = turn.begin - *first.first_tried >= options_.table_patience;
  // Tables that have all waited their time would hold the others up for as long as they are many.
  const bool is_turn = !held_up_ || turn.begin - *held_up_ >= options_.table_patience;
  turn.holds_up = has_waited && is_turn;
  if (turn.holds_up && first.share.to_its_end) return;
  turn.gives_way_from = turn.begin;
  if (turn.holds_up) *turn.gives_way_from += options_.longest_hold;
}

bool WriterQueue::is_to_give_way(const WriterTurn& turn) const {
  if (!turn.of_tables) return false;
  if (tables_end_.load(std::memory_order_relaxed)) return true;
  if (turn.tasks.size() == 1 && turn.tasks.front().share.given_up.stop_requested()) return true;
  return turn.gives_way_from && few_waiting_.load(std::memory_order_relaxed) > 0 &&
         WriterClock::now() >= *turn.gives_way_from;
}

std::optional<Error> WriterQueue::refusal(const WriterTask& task) const {
  if (!is_long(task)) return {};
  if (tables_end_) {
    return Error{ErrorCode::busy, "the daemon ends", {}, {}, "the same table a little later"};
  }
  if (task.share.given_up.stop_requested()) {
    return Error{ErrorCode::busy, "nobody waited for the table any more", {}, {}, {}};
  }
  return {};
}

void WriterQueue::finished(const WriterTurn& turn) {
  if (!turn.of_tables) return;
  const WriterClock::time_point end = WriterClock::now();
  const std::lock_guard guard(mutex_);
  if (turn.holds_up) held_up_ = end;
  if (end - turn.begin <= options_.long_commit || few_.empty()) return;
  tables_from_ =
      end + std::min<WriterClock::duration>(kShareOfOthers * (end - turn.begin), kLongestPause);
}

std::optional<Error> WriterQueue::gave_way(WriterTurn& turn) {
  const WriterClock::time_point end = WriterClock::now();
  const std::lock_guard guard(mutex_);
  if (turn.holds_up) held_up_ = end;
  WriterTask& table = turn.tasks.front();
  if (auto refused = refusal(table)) return refused;
  tables_from_ = end + std::min<WriterClock::duration>(kShareAfterGivingWay * (end - turn.begin),
                                                       kLongestPause);
  if (turn.holds_up) {
    return Error{ErrorCode::busy,
                 "other results kept coming while this table was written, and it takes too long to "
                 "let them wait",
                 {},
                 {},
                 "tables of fewer rows, or a time at which less comes"};
  }
  const std::string claimant = table.share.claimant;
  tables_.put_back(claimant, std::move(table));
  return {};
}

void WriterQueue::stop() {
  {
    const std::lock_guard guard(mutex_);
    stopping_ = true;
  }
  filled_.notify_all();
}

std::size_t WriterQueue::waiting() const {
  const std::lock_guard guard(mutex_);
  return few_.size() + tables_.size();
}

}  // namespace kasetsu::store
