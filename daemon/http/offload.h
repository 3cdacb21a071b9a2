// Slow work off the network thread: reads on a small pool, writes through the database's one
// writer. The coroutine goes on on its own executor; no thread waits for a commit.
#pragma once

#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <boost/asio/thread_pool.hpp>

#include "core/base/result.h"
#include "daemon/base/asio.h"
#include "daemon/base/turn_queue.h"
#include "daemon/campaign/records/store_port.h"
#include "daemon/http/message.h"

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

// Ends of what was done on other threads, for the network thread. Those that come together, such as
// all tasks of one commit, are run by one wake-up.
class Completions {
 public:
  explicit Completions(asio::io_context& io) : io_(io) {}

  // From any thread.
  void add(std::function<void()> end) {
    {
      const std::lock_guard lock(mutex_);
      ready_.push_back(std::move(end));
      if (ready_.size() > 1) return;
    }
    asio::post(io_, [this] {
      std::vector<std::function<void()>> ends;
      {
        const std::lock_guard lock(mutex_);
        ends.swap(ready_);
      }
      for (const auto& one : ends) one();
    });
  }

 private:
  asio::io_context& io_;
  std::mutex mutex_;
  std::vector<std::function<void()>> ready_;
};

// A few threads whose time claimants share: each has its own queue, and the queues are served in
// turn. Work whose client is gone before it begins is dropped.
class WorkerPool {
 public:
  // most: calls that may wait or run at once, and each_most: those of one claimant; more are
  // refused with busy.
  WorkerPool(std::size_t threads, std::size_t most, std::size_t each_most)
      : pool_(threads), most_(most), each_most_(each_most) {}
  ~WorkerPool() { stop(); }
  // Finishes what was begun.
  void stop() { pool_.join(); }

  // Runs `work` on the pool. What it throws is thrown here. claim: null where nobody's. Errors:
  // busy, also where the client has gone before the work began.
  template <typename T>
  asio::awaitable<Result<T>> run(const std::shared_ptr<Claim>& claim,
                                 std::function<Result<T>()> work) {
    struct Outcome {
      std::optional<Result<T>> result;
      std::exception_ptr thrown;
    };
    if (const Status room = enter(claim); !room) co_return room.error();
    auto start = [this, &claim,
                  work = std::move(work)](std::function<void(std::shared_ptr<Outcome>)> done) {
      queue(claim, [work, done](bool wanted, const std::function<void()>& leave) {
        auto outcome = std::make_shared<Outcome>();
        try {
          if (wanted) {
            outcome->result.emplace(work());
          } else {
            outcome->result.emplace(
                Error{ErrorCode::busy, "the client had gone when its turn came", "", "", ""});
          }
        } catch (...) {
          outcome->thrown = std::current_exception();
        }
        leave();
        done(std::move(outcome));
      });
    };
    const std::shared_ptr<Outcome> outcome =
        co_await await_callback<std::shared_ptr<Outcome>>(std::move(start));
    if (outcome->thrown) std::rethrow_exception(outcome->thrown);
    co_return std::move(*outcome->result);
  }

  std::size_t waiting() const {
    const std::lock_guard lock(mutex_);
    return places_;
  }

 private:
  using Job = std::function<void(bool wanted, const std::function<void()>& leave)>;
  struct Queued {
    std::shared_ptr<Claim> claim;
    Job job;
  };
  static std::string who(const std::shared_ptr<Claim>& claim) { return claim ? claim->who : ""; }

  Status enter(const std::shared_ptr<Claim>& claim) {
    const std::lock_guard lock(mutex_);
    std::size_t& own = places_of_[who(claim)];
    if (own >= each_most_) {
      return Error{ErrorCode::busy, "too many requests of this token or address wait", "", "",
                   "a retry in a second"};
    }
    if (places_ >= most_) {
      return Error{ErrorCode::busy, "too many requests wait for the database", "", "",
                   "a retry in a second"};
    }
    ++own;
    ++places_;
    return {};
  }

  void leave(const std::string& claimant) {
    const std::lock_guard lock(mutex_);
    --places_;
    const auto own = places_of_.find(claimant);
    if (--own->second == 0) places_of_.erase(own);
  }

  void queue(const std::shared_ptr<Claim>& claim, Job job) {
    {
      const std::lock_guard lock(mutex_);
      queues_.add(who(claim), {claim, std::move(job)});
    }
    asio::post(pool_, [this] {
      const Queued next = take();
      const bool wanted = !next.claim || !next.claim->gone();
      next.job(wanted, [&] { leave(who(next.claim)); });
    });
  }

  Queued take() {
    const std::lock_guard lock(mutex_);
    return queues_.take();
  }

  asio::thread_pool pool_;
  std::size_t most_;
  std::size_t each_most_;
  mutable std::mutex mutex_;
  std::size_t places_ = 0;
  std::map<std::string, std::size_t> places_of_;
  TurnQueue<Queued> queues_;
};

// Awaits what start(done) hands to `done` on another thread, once. On the network thread; the frame
// of the caller outlives the call of `done`.
template <typename T, typename Start>
asio::awaitable<T> await_completion(Completions& completions, Start start) {
  std::optional<T> value;
  auto initiate = [&](auto handler) {
    auto shared = std::make_shared<decltype(handler)>(std::move(handler));
    start([&value, &completions, shared](T made) {
      value.emplace(std::move(made));
      completions.add([shared] { (*shared)(); });
    });
  };
  co_await asio::async_initiate<decltype(asio::use_awaitable), void()>(initiate,
                                                                       asio::use_awaitable);
  co_return std::move(*value);
}

// Runs `task` in a write transaction; the value is there once it is on the disk.
template <typename T>
asio::awaitable<Result<T>> commit(campaign::Database& database, Completions& completions,
                                  std::function<Result<T>(campaign::Transaction&)> task,
                                  campaign::Repeat repeat = campaign::Repeat::never) {
  std::optional<T> value;
  auto start = [&](std::function<void(Status)> done) {
    database.write(
        [&value, &task](campaign::Transaction& tx) -> Status {
          Result<T> result = task(tx);
          if (!result) return result.error();
          value.emplace(std::move(result).value());
          return {};
        },
        std::move(done), repeat);
  };
  const Status status = co_await await_completion<Status>(completions, start);
  if (!status) co_return status.error();
  KASETSU_ASSERT(value.has_value());
  co_return std::move(*value);
}

}  // namespace kasetsu::http
