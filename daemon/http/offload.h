// Slow work off the network thread: reads on a small pool, writes through the database's one
// writer. The coroutine goes on on its own executor; no thread waits for a commit.
#pragma once

#include <atomic>
#include <exception>
#include <functional>
#include <memory>
#include <utility>

#include <boost/asio/thread_pool.hpp>

#include "core/result.h"
#include "daemon/asio.h"
#include "daemon/campaign/database.h"

namespace kasetsu::http {

namespace asio = boost::asio;

// Awaits a callback that is called exactly once, from any thread.
// start: void(std::function<void(T)> done).
template <typename T, typename Start>
asio::awaitable<T> await_callback(Start start) {
  return asio::async_initiate<decltype(asio::use_awaitable), void(T)>(
      [](auto handler, Start begin) {
        auto shared = std::make_shared<decltype(handler)>(std::move(handler));
        begin([shared](T value) {
          const auto executor = asio::get_associated_executor(*shared);
          asio::post(executor,
                     [shared, value = std::move(value)]() mutable { (*shared)(std::move(value)); });
        });
      },
      asio::use_awaitable, std::move(start));
}

class WorkerPool {
 public:
  // most: calls that may wait or run at once; more are refused with busy.
  WorkerPool(std::size_t threads, std::size_t most) : pool_(threads), most_(most) {}
  ~WorkerPool() { stop(); }
  // Finishes what was begun.
  void stop() { pool_.join(); }

  // Runs `work` on the pool. What it throws is thrown here.
  template <typename T>
  asio::awaitable<Result<T>> run(std::function<Result<T>()> work) {
    struct Outcome {
      std::optional<Result<T>> result;
      std::exception_ptr thrown;
    };
    if (waiting_.fetch_add(1) >= most_) {
      waiting_.fetch_sub(1);
      co_return Error{ErrorCode::busy, "too many requests wait for the database", "", "",
                      "a retry in a second"};
    }
    auto start = [this,
                  work = std::move(work)](std::function<void(std::shared_ptr<Outcome>)> done) {
      asio::post(pool_, [this, work, done] {
        auto outcome = std::make_shared<Outcome>();
        try {
          outcome->result.emplace(work());
        } catch (...) {
          outcome->thrown = std::current_exception();
        }
        waiting_.fetch_sub(1);
        done(std::move(outcome));
      });
    };
    const std::shared_ptr<Outcome> outcome =
        co_await await_callback<std::shared_ptr<Outcome>>(std::move(start));
    if (outcome->thrown) std::rethrow_exception(outcome->thrown);
    co_return std::move(*outcome->result);
  }

  std::size_t waiting() const { return waiting_.load(); }

 private:
  asio::thread_pool pool_;
  std::size_t most_;
  std::atomic<std::size_t> waiting_{0};
};

// Runs `task` in a write transaction; the value is there once it is on the disk.
template <typename T>
asio::awaitable<Result<T>> commit(campaign::Database& database,
                                  std::function<Result<T>(campaign::Transaction&)> task) {
  auto value = std::make_shared<std::optional<T>>();
  auto start = [&database, value, task = std::move(task)](std::function<void(Status)> done) {
    database.write(
        [value, task](campaign::Transaction& tx) -> Status {
          Result<T> result = task(tx);
          if (!result) return result.error();
          value->emplace(std::move(result).value());
          return {};
        },
        std::move(done));
  };
  const Status status = co_await await_callback<Status>(std::move(start));
  if (!status) co_return status.error();
  KASETSU_ASSERT(value->has_value());
  co_return std::move(**value);
}

}  // namespace kasetsu::http
