// Who gets a worker when many ask.
#include "daemon/http/offload.h"

#include <gtest/gtest.h>

#include <condition_variable>
#include <mutex>
#include <string>
#include <vector>

namespace kasetsu::http {
namespace {

std::shared_ptr<Claim> claim_of(const std::string& who) {
  auto claim = std::make_shared<Claim>();
  claim->who = who;
  return claim;
}

// One worker, which waits until it is let go.
class Workers : public ::testing::Test {
 protected:
  void ask(const std::shared_ptr<Claim>& claim, const std::string& name) {
    asio::co_spawn(io_, call(claim, name), asio::detached);
    io_.restart();
    io_.poll();
  }
  // The first to be asked: holds the worker until let_go().
  void hold() {
    ask(claim_of("holder"), "hold");
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return begun_; });
  }
  void let_go() {
    {
      const std::lock_guard lock(mutex_);
      free_ = true;
    }
    changed_.notify_all();
    pool_.stop();
    io_.restart();
    io_.poll();
  }
  std::vector<std::string> ran_;
  std::vector<std::string> refused_;

 private:
  asio::awaitable<void> call(std::shared_ptr<Claim> claim, std::string name) {
    std::function<Result<int>()> work = [&]() -> Result<int> {
      std::unique_lock lock(mutex_);
      begun_ = true;
      changed_.notify_all();
      changed_.wait(lock, [&] { return free_; });
      if (name != "hold") ran_.push_back(name);
      return 1;
    };
    const Result<int> done = co_await pool_.run<int>(claim, std::move(work));
    if (!done) refused_.push_back(name + ": " + done.error().message);
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  bool begun_ = false;
  bool free_ = false;
  asio::io_context io_;
  WorkerPool pool_{1, 6, 3};
};

TEST_F(Workers, OneClaimantLeavesPlacesAndTurnsToTheOthers) {
  hold();
  const auto flood = claim_of("flood");
  for (const char* name : {"f1", "f2", "f3", "f4"}) ask(flood, name);
  EXPECT_EQ(refused_,
            (std::vector<std::string>{"f4: too many requests of this token or address wait"}));
  ask(claim_of("other"), "o1");
  ask(claim_of("third"), "t1");
  ask(claim_of("fourth"), "x1");
  ASSERT_EQ(refused_.size(), 2u);
  EXPECT_EQ(refused_[1], "x1: too many requests wait for the database");
  let_go();
  EXPECT_EQ(ran_, (std::vector<std::string>{"o1", "t1", "f1", "f2", "f3"}));
}

TEST_F(Workers, WorkOfAClientThatHasGoneIsNotDone) {
  hold();
  const auto gone = claim_of("gone");
  ask(gone, "g1");
  ask(claim_of("other"), "o1");
  gone->end.request_stop();
  let_go();
  EXPECT_EQ(ran_, (std::vector<std::string>{"o1"}));
  EXPECT_EQ(refused_, (std::vector<std::string>{"g1: the client had gone when its turn came"}));
}

}  // namespace
}  // namespace kasetsu::http
