// Work of several claimants, of whom each has its own queue; the queues are served in turn.
#pragma once

#include <cstddef>
#include <deque>
#include <map>
#include <string>
#include <utility>

namespace kasetsu {

// Not for several threads at once.
template <typename T>
class TurnQueue {
 public:
  bool empty() const { return queues_.empty(); }
  std::size_t size() const { return size_; }

  void add(const std::string& claimant, T work) {
    queues_[claimant].push_back(std::move(work));
    ++size_;
  }

  // What was taken and not done comes first of its claimant's, when the turn is theirs again.
  void put_back(const std::string& claimant, T work) {
    queues_[claimant].push_front(std::move(work));
    ++size_;
  }

  // The oldest work of the claimant whose turn it is; there must be some.
  const T& front() const { return turn()->second.front(); }
  T take() {
    const auto next = queues_.find(turn()->first);
    served_ = next->first;
    T work = std::move(next->second.front());
    next->second.pop_front();
    if (next->second.empty()) queues_.erase(next);
    --size_;
    return work;
  }

 private:
  using Queues = std::map<std::string, std::deque<T>>;

  typename Queues::const_iterator turn() const {
    const auto next = queues_.upper_bound(served_);
    return next == queues_.end() ? queues_.begin() : next;
  }

  Queues queues_;
  std::string served_;
  std::size_t size_ = 0;
};

}  // namespace kasetsu
