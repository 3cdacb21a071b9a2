// The newest events, read once for everybody who waits for them. Used on the network thread only.
#pragma once

#include <cstdint>
#include <deque>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "daemon/campaign/records/types.h"

namespace kasetsu::http {

class EventTail {
 public:
  // last: number of the newest event that is there; the tail holds what comes after it.
  explicit EventTail(std::int64_t last) : before_(last), last_(last) {}

  // All events after last(), up to `last`, with the texts that streams send.
  void add(std::vector<campaign::Event> events, std::vector<std::string> texts, std::int64_t last) {
    for (std::size_t i = 0; i < events.size(); ++i) {
      bytes_ += cost(texts[i]);
      told_.push_back({std::move(events[i]), std::move(texts[i])});
    }
    last_ = last;
    while (told_.size() > kMostEvents || bytes_ > kMostBytes) {
      before_ = told_.front().event.seq;
      bytes_ -= cost(told_.front().text);
      told_.pop_front();
    }
  }

  std::int64_t last() const { return last_; }
  // Whether it has every event after `after`.
  bool holds_after(std::int64_t after) const { return after >= before_; }

  struct Told {
    campaign::Event event;
    std::string text;
  };
  // At most `limit` events after `after`; campaign empty: of all. Valid until the next add().
  std::vector<const Told*> after(std::int64_t after, std::int64_t limit,
                                 const std::string& campaign) const {
    std::vector<const Told*> found;
    auto from = told_.end();
    while (from != told_.begin() && std::prev(from)->event.seq > after) --from;
    for (; from != told_.end() && static_cast<std::int64_t>(found.size()) < limit; ++from) {
      if (campaign.empty() || from->event.campaign == campaign) found.push_back(&*from);
    }
    return found;
  }

 private:
  static constexpr std::size_t kMostEvents = 4'096;
  static constexpr std::size_t kMostBytes = 8 * 1024 * 1024;
  // The event holds about what its text holds.
  static std::size_t cost(const std::string& text) { return 2 * text.size() + 256; }

  std::int64_t before_;
  std::int64_t last_;
  std::size_t bytes_ = 0;
  std::deque<Told> told_;
};

}  // namespace kasetsu::http
