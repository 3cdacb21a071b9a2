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

}  // namespace

bool WriterQueue::add(WriterTask& task) {
  const std::lock_guard guard(mutex_);
  if (stopping_ || few_.size() + tables_.size() >= options_.queue) return false;
  if (task.rows > options_.few_rows) {
    const std::string claimant = task.claimant;
    tables_.add(claimant, std::move(task));
  } else {
    few_.push_back(std::move(task));
    few_waiting_ = few_.size();
  }
  filled_.notify_one();
  return true;
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
  std::size_t rows = 0;
  do {
    turn.tasks.push_back(tables_.take());
    rows += turn.tasks.back().rows;
  } while (!tables_.empty() && turn.tasks.size() < options_.group &&
           rows + tables_.front().rows <= options_.group_rows);
  WriterTask& first = turn.tasks.front();
  if (!first.first_tried) first.first_tried = turn.begin;
  turn.gives_way = !stopping_ && rows > options_.group_rows &&
                   turn.begin - *first.first_tried < options_.table_patience;
  return turn;
}

void WriterQueue::finished(const WriterTurn& turn) {
  if (!turn.of_tables) return;
  const WriterClock::time_point end = WriterClock::now();
  const std::lock_guard guard(mutex_);
  if (end - turn.begin <= options_.long_commit || few_.empty()) return;
  tables_from_ =
      end + std::min<WriterClock::duration>(kShareOfOthers * (end - turn.begin), kLongestPause);
}

void WriterQueue::gave_way(WriterTurn turn) {
  const WriterClock::time_point end = WriterClock::now();
  const std::lock_guard guard(mutex_);
  tables_from_ = end + std::min<WriterClock::duration>(kShareAfterGivingWay * (end - turn.begin),
                                                       kLongestPause);
  WriterTask& table = turn.tasks.front();
  const std::string claimant = table.claimant;
  tables_.put_back(claimant, std::move(table));
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
