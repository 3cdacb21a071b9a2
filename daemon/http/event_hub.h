// Wakes requests that wait for events. Used on the network thread only, except signal().
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <list>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>

#include "daemon/base/asio.h"

namespace kasetsu::http {

class EventHub {
 public:
  EventHub(boost::asio::io_context& io, std::int64_t last) : io_(io), last_(last) {}

  // From any thread: events up to `last` are committed. Many signals make one wake-up.
  void signal(std::int64_t last) {
    newest_.store(last);
    if (posted_.exchange(true)) return;
    boost::asio::post(io_, [this] {
      posted_.store(false);
      reached(newest_.load());
    });
  }

  // The same on the network thread, at once.
  void reached(std::int64_t last) {
    last_ = std::max(last_, last);
    for (auto* timer : waiting_) timer->cancel();
  }

  // Returns at the first event after `after`, when the time is up, or when the hub closes.
  boost::asio::awaitable<void> wait(std::int64_t after, std::chrono::milliseconds longest) {
    if (closed_ || last_ > after) co_return;
    boost::asio::steady_timer timer(io_, longest);
    const auto place = waiting_.insert(waiting_.end(), &timer);
    boost::system::error_code ignored;
    co_await timer.async_wait(boost::asio::redirect_error(boost::asio::use_awaitable, ignored));
    waiting_.erase(place);
  }

  void close() {
    closed_ = true;
    for (auto* timer : waiting_) timer->cancel();
  }
  bool closed() const { return closed_; }
  std::int64_t last() const { return last_; }

 private:
  boost::asio::io_context& io_;
  std::int64_t last_;
  std::atomic<std::int64_t> newest_{0};
  std::atomic<bool> posted_{false};
  std::list<boost::asio::steady_timer*> waiting_;
  bool closed_ = false;
};

}  // namespace kasetsu::http
