#include "core/base/executor.h"

#include <sched.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

namespace kasetsu {
namespace {

unsigned usable_processors() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof(set), &set) == 0) {
    const int count = CPU_COUNT(&set);
    if (count > 0) return static_cast<unsigned>(count);
  }
  return std::max(1U, std::thread::hardware_concurrency());
}

}  // namespace

Executor::Executor(unsigned threads) : threads_(threads == 0 ? usable_processors() : threads) {
}

void Executor::parallel_for(std::size_t items, const std::function<void(std::size_t)>& work) const {
  const std::size_t workers = std::min<std::size_t>(threads_, items);
  if (workers <= 1) {
    for (std::size_t item = 0; item < items; ++item) work(item);
    return;
  }
  std::atomic<std::size_t> next{0};
  std::atomic<bool> failed{false};
  std::mutex mutex;
  std::exception_ptr first;
  std::size_t first_item = items;
  const auto run = [&] {
    while (!failed.load(std::memory_order_relaxed)) {
      const std::size_t item = next.fetch_add(1, std::memory_order_relaxed);
      if (item >= items) return;
      try {
        work(item);
      } catch (...) {
        const std::lock_guard lock(mutex);
        failed = true;
        if (item < first_item) {
          first_item = item;
          first = std::current_exception();
        }
      }
    }
  };
  {
    std::vector<std::jthread> helpers;
    helpers.reserve(workers - 1);
    for (std::size_t i = 1; i < workers; ++i) helpers.emplace_back(run);
    run();
  }
  if (first) std::rethrow_exception(first);
}

}  // namespace kasetsu
