// Promise 1 in short: a process that holds the database is killed while several threads write. What
// it said was acknowledged is there, once. (tests/crash does the same to the whole daemon, longer.)
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <map>
#include <set>
#include <thread>

#include "tests/daemon/store/fixture.h"

namespace kasetsu {
namespace {

using campaign::DeliveryOptions;

class Kill : public testing::StoreTest {
 protected:
  // In the child: delivers numbers from `first` on in four threads and writes each one to the pipe
  // after its acknowledgement, until it is killed.
  [[noreturn]] void work(int pipe, int first) {
    // Each process draws its own identifiers.
    random_ = Random(static_cast<std::uint64_t>(first) + 1000);
    now_ += std::chrono::seconds(first);
    auto opened = store::SqliteDatabase::open(options_);
    if (!opened.ok()) ::_exit(3);
    database_ = std::move(opened).value();
    const int ready = 0;
    if (::write(pipe, &ready, sizeof ready) != sizeof ready) ::_exit(4);
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&, t] {
        for (int number = first + t;; number += 4) {
          DeliveryOptions options;
          options.idempotency_key = "delivery " + std::to_string(number);
          const std::string text = body({row("\"Li\"", number, R"("channel":"1")"),
                                         row("\"Na\"", number, R"("channel":"2")")},
                                        fmt::format(R"("source":"rig","run":"{}")", number));
          if (!post(text, options).ok()) ::_exit(5);
          if (::write(pipe, &number, sizeof number) != sizeof number) ::_exit(6);
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    ::_exit(7);
  }
};

TEST_F(Kill, NothingAcknowledgedIsLostOrDoubled) {
  open();
  apply();
  database_.reset();
  Random random(99);
  std::set<int> acknowledged;
  int next = 1;
  int killed_at_start = 0;
  constexpr int kKills = 25;
  for (int kill = 0; kill < kKills; ++kill) {
    int pipe[2];
    ASSERT_EQ(::pipe(pipe), 0);
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      ::close(pipe[0]);
      work(pipe[1], next);
    }
    ::close(pipe[1]);
    // Every fifth dies while it opens the file and recovers.
    const bool early = kill % 5 == 4;
    if (early) {
      std::this_thread::sleep_for(std::chrono::microseconds(random.below(8000)));
    } else {
      int number = 0;
      ASSERT_EQ(::read(pipe[0], &number, sizeof number), static_cast<ssize_t>(sizeof number));
      std::this_thread::sleep_for(std::chrono::microseconds(random.below(60'000)));
    }
    ::kill(child, SIGKILL);
    int number = 0;
    bool any = false;
    while (::read(pipe[0], &number, sizeof number) == static_cast<ssize_t>(sizeof number)) {
      if (number != 0) {
        acknowledged.insert(number);
        any = true;
      }
    }
    ::close(pipe[0]);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status)) << "the child ended by itself, with " << WEXITSTATUS(status);
    if (!any) ++killed_at_start;
    next += 100'000;

    open();
    std::map<int, int> stored;
    for (const auto& m : measurements()) ++stored[static_cast<int>(m.value)];
    for (const int one : acknowledged) ASSERT_TRUE(stored.contains(one)) << "lost " << one;
    for (const auto& [one, count] : stored) ASSERT_EQ(count, 2) << "delivery " << one;
    if (kill == kKills - 1) {
      const auto report = database_->check();
      EXPECT_TRUE(report.ok() && report->ok);
    }
    database_.reset();
  }
  std::printf("%d kills, %zu deliveries acknowledged, 0 lost\n", kKills, acknowledged.size());
  EXPECT_GT(acknowledged.size(), 25u);
  EXPECT_GT(killed_at_start, 0);
}

}  // namespace
}  // namespace kasetsu
