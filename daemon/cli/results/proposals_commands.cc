// kasetsu proposals and kasetsu retrain: what to make next, and learning from what was made.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <memory>
#include <thread>

#include "daemon/cli/program/arguments.h"
#include "daemon/cli/program/client.h"
#include "daemon/cli/program/commands.h"
#include "daemon/cli/program/daemon_command.h"
#include "daemon/cli/program/wire_text.h"

namespace kasetsu::cli {
namespace {

struct Arguments {
  ConnectionArguments connection;
  std::string campaign;
  std::string state = "REQUESTED";
  std::string batch;
  std::vector<std::string> ids;
  std::string client;
  std::string reason;
  double lease_s = 0.0;
  int batch_size = 0;
};

struct RetrainArguments {
  ConnectionArguments connection;
  std::vector<std::string> campaigns;
  bool all = false;
  bool if_new = false;
  bool wait = false;
  double timeout_s = 4 * 3600.0;
};

void print_proposals(const Json& list, Session& session) {
  TextTable table({"rank", "strategy", "catalyst", "mean", "low", "high", "state", "id"});
  for (const Json& item : list) {
    table.add({field(item, "rank"), field(item, "strategy"), catalyst_text(item),
               field(item, "mean"), field(item, "low"), field(item, "high"), field(item, "state"),
               field(item, "id")});
  }
  session.print(table.text(Session::columns()));
}

Status list(const Arguments& arguments, Session& session) {
  auto client = Client::connect(arguments.connection, session.stop());
  if (!client) return client.error();
  std::string path = "/v1/campaigns/" + encode(arguments.campaign) + "/proposals?limit=500";
  if (arguments.state != "all") path += "&state=" + encode(arguments.state);
  if (!arguments.batch.empty()) path += "&batch=" + encode(arguments.batch);
  if (!arguments.client.empty()) path += "&client=" + encode(arguments.client);
  Json proposals = Json::array();
  auto status = client->each(path, "proposals", [&](const Json& item) {
    proposals.push_back(item);
    return Status();
  });
  if (!status) return status;
  if (session.json) {
    session.print_json({{"proposals", std::move(proposals)}});
  } else if (proposals.empty()) {
    session.say("no proposals in this state");
  } else {
    print_proposals(proposals, session);
  }
  return {};
}

Status take(const Arguments& arguments, Session& session) {
  auto client = Client::connect(arguments.connection, session.stop());
  if (!client) return client.error();
  Json body = Json::object();
  if (arguments.batch_size > 0) body["batch_size"] = arguments.batch_size;
  if (!arguments.client.empty()) body["client"] = arguments.client;
  if (arguments.lease_s > 0.0) body["lease_s"] = arguments.lease_s;
  auto answer =
      client->post("/v1/campaigns/" + encode(arguments.campaign) + ":recommend", body, new_key());
  if (!answer) return answer.error();
  const bool some = answer->contains("proposals") && !(*answer)["proposals"].empty();
  if (session.json) {
    session.print_json(*answer);
  } else if (some) {
    print_proposals((*answer)["proposals"], session);
  }
  if (some) return {};
  return Error{ErrorCode::busy, "nothing is on offer yet; the daemon plans a batch now", "", "",
               "another try when the job " +
                   (answer->contains("job") ? field((*answer)["job"], "id") : std::string("-")) +
                   " has ended"};
}

Status act(const Arguments& arguments, const std::string& verb, Session& session) {
  auto client = Client::connect(arguments.connection, session.stop());
  if (!client) return client.error();
  Json done = Json::array();
  for (const std::string& id : arguments.ids) {
    Json body = Json::object();
    if (!arguments.client.empty()) body["client"] = arguments.client;
    if (!arguments.reason.empty()) body["reason"] = arguments.reason;
    if (arguments.lease_s > 0.0) body["lease_s"] = arguments.lease_s;
    auto answer = client->post("/v1/proposals/" + encode(id) + ":" + verb, body);
    if (!answer) return answer.error();
    if (!session.json) {
      session.print(
          fmt::format("{}: {} ({})\n", id, field(*answer, "state"), catalyst_text(*answer)));
    }
    done.push_back(std::move(*answer));
  }
  if (session.json) session.print_json({{"proposals", std::move(done)}});
  return {};
}

// Waits for a job's end, with its progress shown. Errors: busy when the time is over.
Result<Json> wait_for(const Client& client, const std::string& job, const std::string& campaign,
                      const Control& control) {
  constexpr std::chrono::milliseconds kLongestPause(500);
  for (std::chrono::milliseconds pause(10);; pause = std::min(2 * pause, kLongestPause)) {
    auto state = client.get("/v1/jobs/" + encode(job));
    if (!state) return state;
    const std::string word = field(*state, "state");
    if (word != "SCHEDULED" && word != "RUNNING") return state;
    if (control.cancelled()) {
      return Error{ErrorCode::cancelled, "interrupted; the daemon goes on", "", "", ""};
    }
    if (control.out_of_time()) {
      return Error{ErrorCode::busy, fmt::format("{}: still {}", campaign, word), "", "",
                   "more patience (--timeout)"};
    }
    const double fraction = state->contains("progress") && (*state)["progress"].is_number()
                                ? (*state)["progress"].get<double>()
                                : 0.0;
    control.report(fraction,
                   fmt::format("{}: {}", campaign,
                               field(*state, "stage") == "-" ? word : field(*state, "stage")));
    std::this_thread::sleep_for(pause);
  }
}

Status retrain(const RetrainArguments& arguments, Session& session) {
  if (arguments.all == !arguments.campaigns.empty()) {
    return Error{ErrorCode::invalid_argument,
                 arguments.all ? "both --all and campaigns" : "no campaign is named", "", "",
                 "names of campaigns, or --all"};
  }
  const Control control = session.control(arguments.timeout_s);
  auto client = Client::connect(arguments.connection, session.stop());
  if (!client) return client.error();
  std::vector<std::string> names = arguments.campaigns;
  if (arguments.all) {
    auto status = client->each("/v1/campaigns", "campaigns", [&](const Json& item) {
      if (field(item, "state") == "ACTIVE") names.push_back(field(item, "name"));
      return Status();
    });
    if (!status) return status;
  }
  Json jobs = Json::array();
  Status outcome;
  const auto line = [&](const std::string& name, const std::string& text) {
    if (!session.json && !session.quiet) session.print(name + ": " + text + "\n");
  };
  struct Started {
    std::string campaign;
    std::string job;
  };
  std::vector<Started> started;
  for (const std::string& name : names) {
    auto answer = client->post("/v1/campaigns/" + encode(name) + ":retrain",
                               {{"if_new", arguments.if_new}}, new_key());
    if (!answer) {
      if (answer.error().code == ErrorCode::unavailable) return answer.error();
      outcome = answer.error().in(name);
      continue;
    }
    if (!answer->contains("job") || (*answer)["job"].is_null()) {
      line(name, "nothing new");
      jobs.push_back({{"campaign", name}, {"job", nullptr}, {"state", "SKIPPED"}});
      continue;
    }
    const std::string job = field((*answer)["job"], "id");
    if (!arguments.wait) {
      line(name, "retraining, job " + job);
      jobs.push_back(
          {{"campaign", name}, {"job", job}, {"state", field((*answer)["job"], "state")}});
    }
    started.push_back({name, job});
  }
  if (arguments.wait) {
    for (const Started& item : started) {
      auto job = wait_for(*client, item.job, item.campaign, control);
      if (!job) {
        outcome = job.error();
        if (job.error().code == ErrorCode::cancelled) break;
        continue;
      }
      const std::string state = field(*job, "state");
      std::string ending = state == "COMPLETED" ? "retrained" : state;
      if (const std::string why = field(*job, "error"); why != "-")
        ending = state == "SKIPPED" ? why : fmt::format("{}: {}", state, why);
      line(item.campaign, ending);
      jobs.push_back({{"campaign", item.campaign},
                      {"job", item.job},
                      {"state", state},
                      {"result", job->contains("result") ? (*job)["result"] : Json()}});
      if (state == "FAILED" || state == "CANCELLED") {
        outcome = Error{ErrorCode::internal,
                        "retraining ended as " + state +
                            (field(*job, "error") == "-" ? "" : ": " + field(*job, "error")),
                        item.campaign, "", ""};
      }
    }
  }
  if (session.json) session.print_json({{"jobs", std::move(jobs)}});
  return outcome;
}

}  // namespace

void add_proposals(CLI::App& app, Session& session) {
  CLI::App* group = app.add_subcommand("proposals", "what to make next: list, claim, give up");
  group->group("With the daemon");
  group->require_subcommand(1);
  group->footer(
      "  kasetsu proposals ocm\n"
      "  kasetsu proposals take ocm --client robot-1 --batch 8\n"
      "  kasetsu proposals fail 01JD... --client robot-1 --reason \"pump stopped\"");
  auto arguments = std::make_shared<Arguments>();
  const auto add = [&](const std::string& name, const std::string& summary,
                       const std::string& examples, auto run) {
    CLI::App* command =
        add_daemon_command(*group, session, arguments, name, summary, examples, run);
    command->add_option("--client", arguments->client, "who works on them");
    return command;
  };
  CLI::App* command =
      add("list", "proposals of a campaign", "  kasetsu proposals list ocm --state ACTIVE", list);
  command->add_option("CAMPAIGN", arguments->campaign, "name of the campaign")->required();
  command
      ->add_option("--state", arguments->state,
                   "REQUESTED, ACTIVE, PARTIAL, SUCCEEDED, FAILED, INFEASIBLE, EXPIRED, CANCELLED "
                   "or all")
      ->check(CLI::IsMember({"REQUESTED", "ACTIVE", "PARTIAL", "SUCCEEDED", "FAILED", "INFEASIBLE",
                             "EXPIRED", "CANCELLED", "all"}))
      ->capture_default_str();
  command->add_option("--batch", arguments->batch, "only of this batch");

  command = add("take", "lease what is on offer to a client; its own come back first",
                "  kasetsu proposals take ocm --client robot-1 --batch 8", take);
  command->add_option("CAMPAIGN", arguments->campaign, "name of the campaign")->required();
  command->add_option("--batch", arguments->batch_size, "how many")->check(CLI::Range(1, 1000));
  command->add_option("--lease", arguments->lease_s, "seconds until they are offered again")
      ->check(CLI::PositiveNumber);

  for (const auto& [verb, summary, leased] :
       {std::tuple{"claim", "lease proposals to a client", true},
        std::tuple{"heartbeat", "prolong the lease", true},
        std::tuple{"release", "give back without a try", false},
        std::tuple{"complete", "made and measured", false},
        std::tuple{"fail", "tried and failed; may be offered again", false},
        std::tuple{"infeasible", "cannot be made; never offered again", false},
        std::tuple{"cancel", "not wanted any more", false}}) {
    command =
        add(verb, summary, fmt::format("  kasetsu proposals {} 01JD... --client robot-1", verb),
            [verb = std::string(verb)](const Arguments& chosen, Session& with) {
              return act(chosen, verb, with);
            });
    command->add_option("ID", arguments->ids, "proposals")->required();
    if (leased) {
      command->add_option("--lease", arguments->lease_s, "seconds")->check(CLI::PositiveNumber);
    } else {
      CLI::Option* reason =
          command->add_option("--reason", arguments->reason, "why, for the record");
      if (std::string(verb) == "fail" || std::string(verb) == "infeasible") reason->required();
    }
  }
}

void add_retrain(CLI::App& app, Session& session) {
  auto arguments = std::make_shared<RetrainArguments>();
  CLI::App* command = add_command(app, session, "retrain", "learn again from what was measured",
                                  "  kasetsu retrain ocm --wait\n"
                                  "  kasetsu retrain --all --if-new --wait --quiet     (for cron)");
  command->group("With the daemon");
  command->add_option("CAMPAIGN", arguments->campaigns, "names of campaigns");
  command->add_flag("--all", arguments->all, "every active campaign");
  command->add_flag("--if-new", arguments->if_new, "only where something is new since the model");
  command->add_flag("--wait", arguments->wait, "until the models are there");
  command->add_option("--timeout", arguments->timeout_s, "seconds to wait; exit code 75 after that")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  arguments->connection.add_to(*command);
  command->callback([arguments, &session] {
    session.action = [=, &session] { return retrain(*arguments, session); };
  });
}

}  // namespace kasetsu::cli
