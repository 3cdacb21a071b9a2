// What every command shares: where output goes, how it is cancelled, how errors become exit codes.
#pragma once

#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <stop_token>
#include <string>
#include <string_view>

#include "core/base/control.h"
#include "core/base/executor.h"
#include "core/base/result.h"

namespace kasetsu::cli {

// Members are printed in the order in which they are set.
using Json = nlohmann::ordered_json;

// Exit codes; part of the contract with scripts. The numbers above 64 are those of sysexits.h.
inline constexpr int kExitOk = 0;
inline constexpr int kExitFailure = 1;
inline constexpr int kExitUsage = 2;
inline constexpr int kExitBadData = 65;
inline constexpr int kExitUnavailable = 69;
inline constexpr int kExitBusy = 75;
inline constexpr int kExitInterrupted = 130;

int exit_code(ErrorCode code);

// A request to stop on SIGINT, SIGTERM and SIGHUP, seen by the work as a stop token. The second
// signal ends the process at once. Signals are blocked in the threads made after this.
class StopOnSignal {
 public:
  StopOnSignal();
  ~StopOnSignal();
  StopOnSignal(const StopOnSignal&) = delete;
  StopOnSignal& operator=(const StopOnSignal&) = delete;
  std::stop_token token() const;

 private:
  struct Watch;
  std::unique_ptr<Watch> watch_;
};

class Session {
 public:
  // Set by options.
  bool json = false;
  bool quiet = false;
  unsigned threads = 0;

  // The command that was chosen.
  std::function<Status()> action;

  // Runs the action; prints its error and returns the exit code.
  int run();

  Executor executor() const { return Executor(threads); }
  // Cancelled by signals; shows progress on a terminal. The first call begins to watch for signals,
  // so it comes before threads are made. time_limit: seconds from now, 0 for none.
  Control control(double time_limit = 0.0);
  std::stop_token stop();

  // Data, to the standard output.
  void print(std::string_view text);
  // The one document of --json: shortest decimal text that reads back to the same double; numbers
  // that are not finite become null.
  void print_json(const Json& document);
  // To the standard error, whole lines; nothing with --quiet (warnings stay).
  void say(std::string_view text);
  void warn(std::string_view text);
  void end_progress();

  // Width of the terminal for tables; 80 when there is none.
  static int columns();

 private:
  std::unique_ptr<StopOnSignal> signals_;
  bool progress_shown_ = false;
  bool output_failed_ = false;
};

// Whether text to this file descriptor may be coloured: only on a terminal, not with NO_COLOR or
// TERM=dumb.
bool colours_on(int file);

// "1.23 s", "2 min 5 s", "3 h 20 min".
std::string format_seconds(double seconds);
// A number for people: `digits` significant digits, without an exponent where that is shorter.
std::string format_short(double value, int digits = 5);

// A table of text: columns padded to the same width, numbers to the right. Long last columns are
// cut to the terminal's width.
class TextTable {
 public:
  explicit TextTable(std::vector<std::string> header) : rows_{std::move(header)} {}
  void add(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }
  std::string text(int width) const;

 private:
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace kasetsu::cli
