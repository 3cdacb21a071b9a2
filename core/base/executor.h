// Parallel work for the science, with results that do not depend on the number of threads: the
// caller splits the work into items whose number does not depend on the threads, and combines them
// in item order.
#pragma once

#include <cstddef>
#include <functional>

namespace kasetsu {

class Executor {
 public:
  // threads: 0 means all processors that this process may use.
  explicit Executor(unsigned threads = 1);

  unsigned threads() const { return threads_; }

  // Calls work(0) ... work(items - 1), each once, in any order, on at most threads() threads (the
  // caller's among them), and returns when all are done. If one throws, the rest is not begun and
  // the exception of the lowest item that threw is thrown here. Threads live for one call: items
  // are meant to be coarse (milliseconds).
  void parallel_for(std::size_t items, const std::function<void(std::size_t)>& work) const;

 private:
  unsigned threads_;
};

}  // namespace kasetsu
