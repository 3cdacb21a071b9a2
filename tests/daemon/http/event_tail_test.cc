#include "daemon/http/event_tail.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace kasetsu::http {
namespace {

void add(EventTail& tail, std::int64_t first, std::int64_t last, const std::string& campaign,
         std::size_t text = 10) {
  std::vector<campaign::Event> events;
  std::vector<std::string> texts;
  for (std::int64_t seq = first; seq <= last; ++seq) {
    events.push_back({});
    events.back().seq = seq;
    events.back().campaign = campaign;
    texts.push_back(std::string(text, 'x'));
  }
  tail.add(std::move(events), std::move(texts), last);
}

std::vector<std::int64_t> numbers(const EventTail& tail, std::int64_t after, std::int64_t limit,
                                  const std::string& campaign = "") {
  std::vector<std::int64_t> found;
  for (const auto* told : tail.after(after, limit, campaign)) found.push_back(told->event.seq);
  return found;
}

using Numbers = std::vector<std::int64_t>;

TEST(EventTail, HoldsWhatCameAfterItBegan) {
  EventTail tail(10);
  EXPECT_TRUE(tail.holds_after(10));
  EXPECT_FALSE(tail.holds_after(9));
  EXPECT_EQ(numbers(tail, 10, 100), Numbers{});
  add(tail, 11, 13, "a");
  add(tail, 14, 15, "b");
  EXPECT_EQ(tail.last(), 15);
  EXPECT_EQ(numbers(tail, 10, 100), (Numbers{11, 12, 13, 14, 15}));
  EXPECT_EQ(numbers(tail, 12, 2), (Numbers{13, 14}));
  EXPECT_EQ(numbers(tail, 10, 100, "b"), (Numbers{14, 15}));
  EXPECT_EQ(numbers(tail, 15, 100), Numbers{});
  EXPECT_EQ(numbers(tail, 99, 100), Numbers{});
}

TEST(EventTail, ForgetsTheOldestWhereThereAreTooManyOrTooLong) {
  EventTail many(0);
  add(many, 1, 10'000, "a");
  EXPECT_FALSE(many.holds_after(0));
  EXPECT_TRUE(many.holds_after(10'000 - 4'096));
  EXPECT_FALSE(many.holds_after(10'000 - 4'097));
  EXPECT_EQ(numbers(many, 9'998, 10), (Numbers{9'999, 10'000}));
  EventTail large(0);
  add(large, 1, 20, "a", 1024 * 1024);
  EXPECT_TRUE(large.holds_after(17));
  EXPECT_FALSE(large.holds_after(16));
}

}  // namespace
}  // namespace kasetsu::http
