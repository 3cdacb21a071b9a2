// How long work in the core is steered from outside: cancel, time and progress are passed in, never
// global.
#pragma once

#include <functional>
#include <stop_token>
#include <string_view>

#include "core/base/result.h"

namespace kasetsu {

struct Control {
  std::stop_token stop;  // asked for at least every 50 ms of work
  // Wall seconds left before the work must return what it has; empty: no limit.
  std::function<double()> seconds_left;
  // fraction in [0, 1], and one line about the present stage. Called from one thread at a time.
  std::function<void(double fraction, std::string_view stage)> progress;

  bool cancelled() const { return stop.stop_requested(); }
  bool out_of_time() const { return seconds_left && seconds_left() <= 0.0; }
  bool should_stop() const { return cancelled() || out_of_time(); }
  void report(double fraction, std::string_view stage) const {
    if (progress) progress(fraction, stage);
  }
};

// What cancelled work returns.
inline Error cancelled_error() {
  return {ErrorCode::cancelled, "cancelled", "", "", ""};
}

}  // namespace kasetsu
