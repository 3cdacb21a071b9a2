#include "daemon/cli/program/session.h"

#include <fmt/format.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
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

// Characters, not bytes, of UTF-8 text: close enough to its width on a terminal.
std::size_t width_of(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;
  }));
}

std::string cut(std::string_view text, std::size_t width) {
  std::size_t at = 0;
  for (std::size_t seen = 0; at < text.size() && seen < width; ++seen) {
    do {
      ++at;
    } while (at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0U) == 0x80U);
  }
  return std::string(text.substr(0, at));
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
    const std::string tail = fmt::format(" {:3.0f} %  {}{}", 100.0 * fraction, stage, left);
    if (!terminal_) {
      fmt::print(stderr, "{}\n", trim(tail));
      return;
    }
    constexpr int kBar = 24;
    const int full = static_cast<int>(fraction * kBar);
    const std::string line = fmt::format("[{:#<{}}{:.<{}}]{}", "", full, "", kBar - full, tail);
    fmt::print(stderr, "\r{}\x1b[K",
               cut(line, static_cast<std::size_t>(std::max(20, Session::columns() - 1))));
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
  if (status) return kExitOk;
  const bool colours = colours_on(STDERR_FILENO);
  fmt::print(stderr, "{}kasetsu:{} {}\n", colours ? "\x1b[31m" : "", colours ? "\x1b[0m" : "",
             status.error().to_string());
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

void Session::print(std::string_view text) {
  end_progress();
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size()) output_failed_ = true;
}

void Session::print_json(const Json& document) {
  const int indent = ::isatty(STDOUT_FILENO) == 1 ? 2 : -1;
  print(document.dump(indent, ' ', false, Json::error_handler_t::replace) + "\n");
}

void Session::say(std::string_view text) {
  end_progress();
  if (!quiet) fmt::print(stderr, "{}\n", text);
}

void Session::warn(std::string_view text) {
  end_progress();
  const bool colours = colours_on(STDERR_FILENO);
  fmt::print(stderr, "{}warning:{} {}\n", colours ? "\x1b[33m" : "", colours ? "\x1b[0m" : "",
             text);
}

int Session::columns() {
  winsize size{};
  for (const int file : {STDOUT_FILENO, STDERR_FILENO}) {
    if (::ioctl(file, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  }
  return 80;
}

std::string format_seconds(double seconds) {
  if (!(seconds >= 0.0) || seconds > 1e9) return "?";
  if (seconds < 10.0) return fmt::format("{:.2g} s", seconds);
  const auto whole = static_cast<long long>(std::llround(seconds));
  if (whole < 60) return fmt::format("{} s", whole);
  if (whole < 3600) return fmt::format("{} min {} s", whole / 60, whole % 60);
  return fmt::format("{} h {} min", whole / 3600, whole % 3600 / 60);
}

std::string format_short(double value, int digits) {
  if (!std::isfinite(value)) return "-";
  return fmt::format("{:.{}g}", value, digits);
}

bool colours_on(int file) {
  const char* off = std::getenv("NO_COLOR");
  const char* terminal = std::getenv("TERM");
  return ::isatty(file) == 1 && (off == nullptr || *off == '\0') &&
         !(terminal != nullptr && std::string_view(terminal) == "dumb");
}

std::string TextTable::text(int width) const {
  std::vector<std::size_t> widths;
  std::vector<bool> numeric;
  for (std::size_t r = 0; r < rows_.size(); ++r) {
    widths.resize(std::max(widths.size(), rows_[r].size()), 0);
    numeric.resize(widths.size(), true);
    for (std::size_t c = 0; c < rows_[r].size(); ++c) {
      const std::string& cell = rows_[r][c];
      widths[c] = std::max(widths[c], width_of(cell));
      if (r > 0 && cell != "-" && !cell.empty() && !parse_number(cell)) numeric[c] = false;
    }
  }
  std::string out;
  for (const auto& row : rows_) {
    std::string line;
    for (std::size_t c = 0; c < row.size(); ++c) {
      if (c > 0) line += "  ";
      const std::string padding(widths[c] - width_of(row[c]), ' ');
      if (numeric[c]) line += padding;
      line += row[c];
      if (!numeric[c] && c + 1 < row.size()) line += padding;
    }
    const bool terminal = ::isatty(STDOUT_FILENO) == 1;
    if (terminal) line = cut(line, static_cast<std::size_t>(width));
    if (&row == &rows_.front() && colours_on(STDOUT_FILENO)) line = "\x1b[1m" + line + "\x1b[0m";
    out += line;
    out += '\n';
  }
  return out;
}

}  // namespace kasetsu::cli
