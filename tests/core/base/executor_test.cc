#include "core/base/executor.h"

#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>
#include <vector>

namespace kasetsu {
namespace {

TEST(Executor, CallsEachItemOnce) {
  for (const unsigned threads : {1U, 2U, 7U}) {
    std::vector<std::atomic<int>> calls(1000);
    Executor(threads).parallel_for(calls.size(), [&](std::size_t i) { ++calls[i]; });
    for (const auto& count : calls) ASSERT_EQ(count.load(), 1);
  }
}

TEST(Executor, ZeroThreadsMeansAllProcessors) {
  EXPECT_GE(Executor(0).threads(), 1U);
}

TEST(Executor, PassesAnExceptionOn) {
  for (const unsigned threads : {1U, 3U}) {
    EXPECT_THROW(Executor(threads).parallel_for(100,
                                                [](std::size_t i) {
                                                  if (i == 5) throw std::runtime_error("five");
                                                }),
                 std::runtime_error);
  }
}

}  // namespace
}  // namespace kasetsu
