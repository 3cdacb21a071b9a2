// What every command shares: where output goes, how it is cancelled, how errors become exit codes.
#pragma once

#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/control.h"
#include "core/base/executor.h"
#include "core/base/result.h"
#include "daemon/cli/program/display.h"

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

// --url and --token-file; empty: see find_connection.
struct ConnectionArguments {
  std::string url;
  std::string token_file;
};

class Session {
 public:
  // Set by options.
  bool json = false;
  bool quiet = false;
  unsigned threads = 0;
  ConnectionArguments connection;

  // The command that was chosen.
  std::function<Status()> action;

  // Runs the action; prints its error and returns the exit code.
  int run();

  Executor executor() const { return Executor(threads); }
  // Cancelled by signals; shows progress on a terminal. The first call begins to watch for signals,
  // so it comes before threads are made. time_limit: seconds from now, 0 for none.
  Control control(double time_limit = 0.0);
  std::stop_token stop();

  // Text for people, to the standard output: made printable.
  void print(std::string_view text);
  void print(const TextTable& table);
  // Data for programs (CSV, scripts), byte for byte; made printable on a terminal only.
  void print_data(std::string_view bytes);
  // The one document of --json: shortest decimal text that reads back to the same double; numbers
  // that are not finite become null.
  void print_json(const Json& document);
  // The document with --json, else the text.
  Status show(const Json& document, std::string_view text);
  Status show(const Json& document, const TextTable& table);
  // To the standard error, whole lines; nothing with --quiet (warnings stay).
  void say(std::string_view text);
  void warn(std::string_view text);
  // The same when the command is through, unless it failed: how its tables were read.
  void say_at_the_end(std::string text) { at_the_end_.push_back(std::move(text)); }
  void end_progress();

 private:
  void write(std::string_view bytes);

  std::unique_ptr<StopOnSignal> signals_;
  std::vector<std::string> at_the_end_;
  bool progress_shown_ = false;
  bool output_failed_ = false;
};

}  // namespace kasetsu::cli
