#include "daemon/cli/program/session.h"

#include <fmt/format.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <thread>

#include "core/base/text.h"

namespace kasetsu::cli {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// A bar that is redrawn in place on a terminal, and a line every half minute elsewhere.
class Progress {
 public:
  Progress() : start_(Clock::now()), terminal_(::isatty(STDERR_FILENO) == 1) {}

  void show(double fraction, std::string_view stage) {
    const double elapsed = seconds_since(start_);
    if (elapsed - shown_ < (terminal_ ? 0.1 : 30.0)) return;
    shown_ = elapsed;
    fraction = std::clamp(fraction, 0.0, 1.0);
    std::string left;
    if (fraction > 0.02 && elapsed > 2.0) {
      left = ", " + format_seconds(elapsed * (1.0 - fraction) / fraction) + " left";
    }
    // How fast, as soon as that can be said.
    if (!left.empty()) {
      const double rate = 100.0 * fraction / elapsed;
      left = rate >= 1.0 ? fmt::format(", {:.3g} %/s{}", rate, left)
                         : fmt::format(", {:.3g} %/min{}", 60.0 * rate, left);
    }
    const std::string tail =
        fmt::format(" {:3.0f} %  {}{}", 100.0 * fraction, printable(stage, false), left);
    if (!terminal_) {
      fmt::print(stderr, "{}\n", trim(tail));
      return;
    }
    constexpr int kBar = 24;
    const int full = static_cast<int>(fraction * kBar);
    const std::string line = fmt::format("[{:#<{}}{:.<{}}]{}", "", full, "", kBar - full, tail);
    fmt::print(stderr, "\r{}\x1b[K",
               cut_to(line, static_cast<std::size_t>(std::max(20, terminal_columns() - 1))));
    std::fflush(stderr);
  }

 private:
  Clock::time_point start_;
  bool terminal_;
  double shown_ = 0.0;
};

}  // namespace

int exit_code(ErrorCode code) {
  switch (code) {
    case ErrorCode::invalid_argument:
      return kExitUsage;
    case ErrorCode::bad_data:
      return kExitBadData;
    case ErrorCode::busy:
      return kExitBusy;
    case ErrorCode::unavailable:
      return kExitUnavailable;
    case ErrorCode::cancelled:
      return kExitInterrupted;
    case ErrorCode::not_found:
    case ErrorCode::conflict:
    case ErrorCode::unprocessable:
    case ErrorCode::storage_full:
    case ErrorCode::storage_failed:
    case ErrorCode::internal:
      return kExitFailure;
  }
  return kExitFailure;
}

struct StopOnSignal::Watch {
  std::stop_source source;
  sigset_t before{};
  int signals = -1;
  int finish = -1;
  std::thread thread;
};

StopOnSignal::StopOnSignal() : watch_(std::make_unique<Watch>()) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGHUP);
  pthread_sigmask(SIG_BLOCK, &set, &watch_->before);
  watch_->signals = ::signalfd(-1, &set, SFD_CLOEXEC);
  watch_->finish = ::eventfd(0, EFD_CLOEXEC);
  watch_->thread = std::thread([watch = watch_.get()] {
    bool again = false;
    for (;;) {
      pollfd files[2] = {{watch->signals, POLLIN, 0}, {watch->finish, POLLIN, 0}};
      if (::poll(files, 2, -1) < 0) continue;
      if (files[1].revents != 0) return;
      signalfd_siginfo info{};
      if (::read(watch->signals, &info, sizeof info) != sizeof info) continue;
      if (again) ::_exit(128 + static_cast<int>(info.ssi_signo));
      again = true;
      watch->source.request_stop();
    }
  });
}

StopOnSignal::~StopOnSignal() {
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(watch_->finish, &one, sizeof one);
  watch_->thread.join();
  ::close(watch_->signals);
  ::close(watch_->finish);
  pthread_sigmask(SIG_SETMASK, &watch_->before, nullptr);
}

std::stop_token StopOnSignal::token() const {
  return watch_->source.get_token();
}

int Session::run() {
  Status status = action ? action() : Status();
  end_progress();
  if (std::fflush(stdout) != 0) output_failed_ = true;
  if (status && output_failed_) {
    status = Error{ErrorCode::storage_failed, "the standard output cannot be written", "", "", ""};
  }
  if (status) {
    for (const std::string& text : at_the_end_) say(text);
    return kExitOk;
  }
  const bool colours = colours_on(STDERR_FILENO);
  fmt::print(stderr, "{}kasetsu:{} {}\n", colours ? "\x1b[31m" : "", colours ? "\x1b[0m" : "",
             printable(status.error().to_string()));
  return exit_code(status.error().code);
}

std::stop_token Session::stop() {
  if (!signals_) signals_ = std::make_unique<StopOnSignal>();
  return signals_->token();
}

Control Session::control(double time_limit) {
  Control control;
  control.stop = stop();
  if (time_limit > 0.0) {
    control.seconds_left = [start = Clock::now(), time_limit] {
      return time_limit - seconds_since(start);
    };
  }
  if (!quiet) {
    control.progress = [this, bar = std::make_shared<Progress>()](double fraction,
                                                                  std::string_view stage) {
      progress_shown_ = ::isatty(STDERR_FILENO) == 1;
      bar->show(fraction, stage);
    };
  }
  return control;
}

void Session::end_progress() {
  if (progress_shown_) fmt::print(stderr, "\r\x1b[K");
  progress_shown_ = false;
}

void Session::write(std::string_view bytes) {
  end_progress();
  if (std::fwrite(bytes.data(), 1, bytes.size(), stdout) != bytes.size()) output_failed_ = true;
}

void Session::print(std::string_view text) {
  write(printable(text));
}

void Session::print(const TextTable& table) {
  bool bold = colours_on(STDOUT_FILENO);
  for (const std::string& line : table.lines()) {
    write(bold ? "\x1b[1m" + line + "\x1b[0m\n" : line + "\n");
    bold = false;
  }
}

void Session::print_data(std::string_view bytes) {
  write(::isatty(STDOUT_FILENO) == 1 ? printable(bytes) : bytes);
}

void Session::print_json(const Json& document) {
  const int indent = ::isatty(STDOUT_FILENO) == 1 ? 2 : -1;
  // Hidden characters stand only in strings, where \u001b means the same.
  print(document.dump(indent, ' ', false, Json::error_handler_t::replace) + "\n");
}

Status Session::show(const Json& document, std::string_view text) {
  if (json) {
    print_json(document);
  } else {
    print(text);
  }
  return {};
}

Status Session::show(const Json& document, const TextTable& table) {
  if (json) {
    print_json(document);
  } else {
    print(table);
  }
  return {};
}

void Session::say(std::string_view text) {
  end_progress();
  if (!quiet) fmt::print(stderr, "{}\n", printable(text));
}

void Session::warn(std::string_view text) {
  end_progress();
  const bool colours = colours_on(STDERR_FILENO);
  fmt::print(stderr, "{}warning:{} {}\n", colours ? "\x1b[33m" : "", colours ? "\x1b[0m" : "",
             printable(text));
}

}  // namespace kasetsu::cli
