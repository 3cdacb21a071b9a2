// kasetsu retrain: learning from what was measured.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <memory>
#include <thread>

#include "daemon/cli/program/answers.h"
#include "daemon/cli/program/commands.h"
#include "daemon/cli/program/daemon_command.h"

namespace kasetsu::cli {
namespace {

struct Arguments {
  std::vector<std::string> campaigns;
  bool all = false;
  bool if_new = false;
  bool wait = false;
  double timeout_s = 4 * 3600.0;
};

struct Started {
  std::string campaign;
  std::string job;
};

// Waits for a job's end, with its progress shown. Errors: busy when the time is over.
Result<Json> wait_for(const Client& client, const Started& item, const Control& control) {
  constexpr std::chrono::milliseconds kLongestPause(500);
  for (std::chrono::milliseconds pause(10);; pause = std::min(2 * pause, kLongestPause)) {
    auto state = client.get("/v1/jobs/" + encode(item.job));
    if (!state) return state;
    const std::string word = field(*state, "state");
    if (word != "SCHEDULED" && word != "RUNNING") return state;
    if (control.cancelled()) {
      return Error{ErrorCode::cancelled, "interrupted; the daemon goes on", "", "", ""};
    }
    if (control.out_of_time()) {
      return Error{ErrorCode::busy, fmt::format("{}: still {}", item.campaign, word), "", "",
                   "more patience (--timeout)"};
    }
    const std::string stage = field(*state, "stage");
    const double fraction = number_of(*state, "progress");
    control.report(fraction >= 0.0 ? fraction : 0.0,
                   fmt::format("{}: {}", item.campaign, stage == "-" ? word : stage));
    std::this_thread::sleep_for(pause);
  }
}

// What became of the jobs of one call.
struct Outcome {
  Json jobs = Json::array();
  Status status;

  void add(Session& session, const std::string& campaign, const std::string& text, Json job) {
    if (!session.json && !session.quiet) session.print(campaign + ": " + text + "\n");
    job["campaign"] = campaign;
    jobs.push_back(std::move(job));
  }
};

void finish(const Started& item, const Json& job, Session& session, Outcome& outcome) {
  const std::string state = field(job, "state");
  const std::string why = field(job, "error");
  const bool nothing_new = state == "SKIPPED" && why.starts_with("nothing new");
  std::string left_out;
  for (const Json& text : list_of(member(job, "result"), "left_out")) {
    left_out += "; " + text.get<std::string>();
  }
  const std::string text = state == "COMPLETED"               ? "retrained" + left_out
                           : state == "SKIPPED" && why != "-" ? why
                           : why == "-"                       ? state
                                                              : fmt::format("{}: {}", state, why);
  outcome.add(session, item.campaign, text,
              {{"job", item.job}, {"state", state}, {"result", member(job, "result")}});
  if (state == "COMPLETED" || nothing_new) return;
  outcome.status =
      Error{state == "SKIPPED" ? ErrorCode::conflict : ErrorCode::internal,
            fmt::format("no new model: the job ended as {}{}", state, why == "-" ? "" : ": " + why),
            item.campaign, "", ""};
}

Result<std::vector<std::string>> names_of(const Arguments& arguments, const Client& client) {
  if (!arguments.all) return arguments.campaigns;
  std::vector<std::string> names;
  auto status = client.each("/v1/campaigns", "campaigns", [&](const Json& item) {
    if (field(item, "state") == "ACTIVE") names.push_back(field(item, "name"));
    return Status();
  });
  if (!status) return status.error();
  return names;
}

Status retrain(const Arguments& arguments, const Client& client, Session& session) {
  if (arguments.all == !arguments.campaigns.empty()) {
    return Error{ErrorCode::invalid_argument,
                 arguments.all ? "both --all and campaigns" : "no campaign is named", "", "",
                 "names of campaigns, or --all"};
  }
  const Control control = session.control(arguments.timeout_s);
  const auto names = names_of(arguments, client);
  if (!names) return names.error();
  Outcome outcome;
  std::vector<Started> started;
  for (const std::string& name : *names) {
    auto answer =
        client.post(address_of(name) + ":retrain", {{"if_new", arguments.if_new}}, new_key());
    if (!answer) {
      if (answer.error().code == ErrorCode::unavailable) return answer.error();
      outcome.status = answer.error().in(name);
      continue;
    }
    const Json& job = member(*answer, "job");
    if (job.is_null()) {
      outcome.add(session, name, "nothing new", {{"job", nullptr}, {"state", "SKIPPED"}});
    } else if (arguments.wait) {
      started.push_back({name, field(job, "id")});
    } else {
      outcome.add(session, name, "retraining, job " + field(job, "id"),
                  {{"job", field(job, "id")}, {"state", field(job, "state")}});
    }
  }
  for (const Started& item : started) {
    auto job = wait_for(client, item, control);
    if (job) {
      finish(item, *job, session, outcome);
      continue;
    }
    outcome.status = job.error();
    if (job.error().code == ErrorCode::cancelled) break;
  }
  static_cast<void>(session.show({{"jobs", std::move(outcome.jobs)}}, ""));
  return outcome.status;
}

}  // namespace

void add_retrain(CLI::App& app, Session& session) {
  auto arguments = std::make_shared<Arguments>();
  CLI::App* command =
      add_daemon_command(app, session, arguments, "retrain", "learn again from what was measured",
                         "  kasetsu retrain ocm --wait\n"
                         "  kasetsu retrain --all --if-new --wait --quiet     (for cron)",
                         retrain);
  command->group("With the daemon");
  command->add_option("CAMPAIGN", arguments->campaigns, "names of campaigns");
  command->add_flag("--all", arguments->all, "every active campaign");
  command->add_flag("--if-new", arguments->if_new, "only where something is new since the model");
  command->add_flag("--wait", arguments->wait, "until the models are there");
  command->add_option("--timeout", arguments->timeout_s, "seconds to wait; exit code 75 after that")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
}

}  // namespace kasetsu::cli
