#include "drivers/exec/exec.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <functional>
#include <optional>

#include "core/base/text.h"
#include "drivers/exec/child.h"
#include "drivers/supervisor/message.h"

namespace kasetsu::drivers {
namespace {

using Steady = std::chrono::steady_clock;
constexpr double kPatience = 3.0;                 // between SIGTERM and SIGKILL
constexpr std::size_t kLongestAnswers = 1 << 20;  // unread by the program; then they are dropped
constexpr std::size_t kLongestComplaint = 4'096;  // a line of its standard error, in the log

class Exec final : public Driver {
 public:
  Exec(const Settings& settings, const Host& host, Counters& counters)
      : settings_(settings), host_(host), counters_(counters) {}

  Status run(std::stop_token stop) override {
    for (;;) {
      const Status lived = live(stop, [&](const std::string& line) { take(line, stop); }, 0.0, {});
      if (!lived) return lived;
      if (stop.stop_requested() || settings_.exec.every_s <= 0.0) return {};
      if (!pause(stop, settings_.exec.every_s)) return {};
    }
  }

  // Runs the program for ten seconds or a hundred lines, with KASETSU_DRY_RUN=1 in its environment,
  // and answers none of them.
  Result<Json> dry_run() override {
    constexpr double kLongest = 10.0;
    constexpr std::size_t kMost = 100;
    Json would = Json::array();
    std::stop_source enough;
    const Status lived = live(enough.get_token(),
                              [&](const std::string& line) {
                                Json item = {{"name", fmt::format("line {}", would.size() + 1)}};
                                auto message = read_message(settings_, line);
                                if (!message) {
                                  item["refuse"] = message.error().to_string();
                                } else {
                                  message->request.dry_run = true;
                                  const auto receipt =
                                      host_.intake.take(std::move(message->request));
                                  if (receipt) {
                                    item["verdicts"] = campaign::receipt_summary(*receipt);
                                  } else {
                                    item["refuse"] = receipt.error().to_string();
                                  }
                                }
                                would.push_back(std::move(item));
                                if (would.size() >= kMost) enough.request_stop();
                              },
                              kLongest, {"KASETSU_DRY_RUN=1"});
    Json answer = {{"would_take", std::move(would)}};
    answer["notes"] = Json::array();
    if (!lived) answer["notes"].push_back(lived.error().to_string());
    return answer;
  }

 private:
  // One life of the program. longest_s: ended after this; 0: never.
  Status live(const std::stop_token& stop, const std::function<void(const std::string&)>& use,
              double longest_s, const std::vector<std::string>& environment) {
    if (const Status made = make_folder(host_.state_folder); !made) return made;
    const std::string& folder =
        settings_.exec.folder.empty() ? host_.state_folder : settings_.exec.folder;
    auto started = Child::start(settings_.exec, folder, environment);
    if (!started) return started.error();
    Child& child = *started;
    const Handle wake(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
    const std::stop_callback on_stop(stop, [&wake] {
      const std::uint64_t one = 1;
      [[maybe_unused]] const auto written = ::write(wake.get(), &one, sizeof one);
    });
    host_.log->info("driver program started name={}", settings_.name);
    out_.clear();
    complaints_.clear();
    answers_.clear();
    last_complaint_.clear();
    const auto begun = Steady::now();
    auto heard = begun;
    std::optional<Steady::time_point> left;  // it has ended, and another one holds its pipes
    bool output_open = true, errors_open = true;
    while (output_open || errors_open) {
      if (stop.stop_requested()) {
        child.end(kPatience);
        return {};
      }
      const auto now = Steady::now();
      const std::chrono::duration<double> silent = now - heard, alive = now - begun;
      if (settings_.exec.silence_s > 0.0 && silent.count() > settings_.exec.silence_s) {
        child.end(kPatience);
        return Error{ErrorCode::unavailable, "the program printed nothing", "",
                     fmt::format("{:.0f} s", silent.count()), "a line (key silence_s)"};
      }
      if (longest_s > 0.0 && alive.count() > longest_s) {
        child.end(kPatience);
        return {};
      }
      std::array<pollfd, 4> ready = {pollfd{wake.get(), POLLIN, 0},
                                     pollfd{output_open ? child.output() : -1, POLLIN, 0},
                                     pollfd{errors_open ? child.errors() : -1, POLLIN, 0},
                                     pollfd{answers_.empty() ? -1 : child.input(), POLLOUT, 0}};
      if (::poll(ready.data(), ready.size(), 200) < 0 && errno != EINTR) {
        return system_error("waiting for the program failed", "");
      }
      if (ready[3].revents != 0) write_answers(child);
      if (ready[2].revents != 0) errors_open = read_errors(child);
      if (ready[1].revents == 0) {
        if (!child.ended()) continue;
        if (!left) left = now;
        if (now - *left < std::chrono::duration<double>(kPatience)) continue;
        child.end_what_is_left();
        break;
      }
      left.reset();
      const auto more = read_output(child);
      if (!more) {
        child.end(kPatience);
        return more.error();
      }
      output_open = *more;
      for (std::size_t end; (end = out_.find('\n')) != std::string::npos;) {
        const std::string line(trim(std::string_view(out_).substr(0, end)));
        out_.erase(0, end + 1);
        if (stop.stop_requested()) break;
        if (!line.empty()) use(line);
        write_answers(child);
        heard = Steady::now();
      }
    }
    return finish(child, stop);
  }

  // Both pipes are closed, or it has ended: it ends now, or is made to.
  Status finish(Child& child, const std::stop_token& stop) {
    const auto deadline = Steady::now() + std::chrono::seconds(5);
    while (!child.ended() && Steady::now() < deadline && pause(stop, 0.01)) {
    }
    child.end(kPatience);
    const std::string how = child.ended().value_or("");
    if (!trim(out_).empty()) {
      counters_.dropped += 1;
      host_.log->error("driver line cut off name={} bytes={}", settings_.name, out_.size());
    }
    if (how.empty()) return {};
    return Error{ErrorCode::unavailable, "the program ended with " + how, "", last_complaint_,
                 "exit code 0"};
  }

  Result<bool> read_output(Child& child) {
    std::array<char, 64 * 1024> buffer;
    const auto got = ::read(child.output(), buffer.data(), buffer.size());
    if (got < 0) return errno == EAGAIN || errno == EINTR;
    if (got == 0) return false;
    out_.append(buffer.data(), static_cast<std::size_t>(got));
    const double most = settings_.exec.line_MiB * 1024.0 * 1024.0;
    if (static_cast<double>(out_.size()) > most && out_.find('\n') == std::string::npos) {
      return Error{ErrorCode::bad_data, "the program printed a line longer than it may be", "", "",
                   fmt::format("at most {} MiB (key line_MiB)", settings_.exec.line_MiB)};
    }
    return true;
  }

  bool read_errors(Child& child) {
    std::array<char, 4'096> buffer;
    const auto got = ::read(child.errors(), buffer.data(), buffer.size());
    if (got < 0) return errno == EAGAIN || errno == EINTR;
    complaints_.append(buffer.data(), static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    const auto log = [&](std::string_view line) {
      line = trim(line);
      if (line.empty()) return;
      last_complaint_ = line.substr(0, kLongestComplaint);
      host_.log->info("driver program says name={} text=\"{}\"", settings_.name, last_complaint_);
    };
    for (std::size_t end; (end = complaints_.find('\n')) != std::string::npos;) {
      log(std::string_view(complaints_).substr(0, end));
      complaints_.erase(0, end + 1);
    }
    if (got == 0 || complaints_.size() > kLongestComplaint) {
      log(complaints_);
      complaints_.clear();
    }
    return got != 0;
  }

  void take(const std::string& line, const std::stop_token& stop) {
    const auto message = read_message(settings_, line);
    if (!message) {
      counters_.dropped += 1;
      host_.log->error("driver line refused name={} error=\"{}\"", settings_.name,
                       message.error().to_string());
      answer(answer_of(key_of(line), message.error()));
      return;
    }
    const auto receipt = deliver_patiently(host_, counters_, settings_, message->request, stop);
    if (receipt) {
      answer(answer_of(message->key, *receipt));
      return;
    }
    if (receipt.error().code == ErrorCode::cancelled) return;  // it comes again
    counters_.dropped += 1;
    host_.log->error("driver delivery refused name={} key={} error=\"{}\"", settings_.name,
                     message->key, receipt.error().to_string());
    answer(answer_of(message->key, receipt.error()));
  }

  void answer(const Json& json) {
    const std::string line = dump_json(json) + "\n";
    if (answers_.size() + line.size() > kLongestAnswers) return;
    answers_ += line;
  }

  void write_answers(Child& child) {
    while (!answers_.empty()) {
      const auto written = ::write(child.input(), answers_.data(), answers_.size());
      if (written < 0 && errno == EINTR) continue;
      if (written < 0 && errno == EAGAIN) return;
      if (written <= 0) {
        answers_.clear();  // it does not listen
        return;
      }
      answers_.erase(0, static_cast<std::size_t>(written));
    }
  }

  const Settings settings_;
  const Host host_;
  Counters& counters_;
  std::string out_, complaints_, answers_, last_complaint_;
};

}  // namespace

std::unique_ptr<Driver> make_exec_driver(const Settings& settings, const Host& host,
                                         Counters& counters) {
  return std::make_unique<Exec>(settings, host, counters);
}

}  // namespace kasetsu::drivers
