// kasetsu proposals: what to make next.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <set>
#include <string>
#include <tuple>
#include <utility>

#include "daemon/cli/program/answers.h"
#include "daemon/cli/program/commands.h"
#include "daemon/cli/program/daemon_command.h"

namespace kasetsu::cli {
namespace {

struct Arguments {
  std::string campaign;
  std::string state = "REQUESTED";
  std::string batch;
  std::vector<std::string> ids;
  std::string client;
  std::string reason;
  std::string composition;
  double lease_s = 0.0;
  int batch_size = 0;
};

constexpr Columns kColumns = {
    {"rank", "rank"}, {"strategy", "strategy"}, {"catalyst", "catalyst"}, {"mean", "mean"},
    {"low", "low"},   {"high", "high"},         {"state", "state"},       {"id", "id"}};

// Proposals with their conditions in words, and with what was corrected since they were planned.
TextTable proposals_table(const Json& proposals) {
  Json shown = proposals;
  for (Json& item : shown) {
    const Json& conditions = member(item, "conditions");
    std::string text = catalyst_text(item);
    if (conditions.is_object()) {
      for (const auto& [name, value] : conditions.items())
        text += fmt::format(", {} {}", name, field(conditions, name));
    }
    const double corrected = number_of(item, "corrected");
    if (corrected > 0.0) {
      text += fmt::format(" (planned on {:.0f} {} corrected since)", corrected,
                          corrected == 1.0 ? "result that was" : "results that were");
    }
    item["catalyst"] = {{"description", text}};
  }
  return table_of(shown, kColumns);
}

// What the newest of these proposals' batches says of the model that planned it; null where no
// model did, and where the token may not read it.
Json verdict_on(const Json& proposals, const Arguments& arguments, const Client& client) {
  Json verdict;
  std::set<std::string> planned_in;
  for (const Json& proposal : proposals) planned_in.insert(field(proposal, "batch"));
  const auto batches = client.list(
      address_of(arguments.campaign) + "/batches" + query({{"limit", "500"}}), "batches");
  if (!batches) return verdict;
  for (const Json& batch : *batches) {
    if (planned_in.contains(field(batch, "id")))
      verdict = member(member(batch, "summary"), "verdict");
  }
  return verdict;
}

// The proposals, after the verdict on the model behind them. document: what --json prints of them.
Status show_proposals(Json document, const Arguments& arguments, const Client& client,
                      Session& session) {
  const Json& proposals = list_of(document, "proposals");
  Json verdict = verdict_on(proposals, arguments, client);
  if (!session.json && verdict.is_object()) session.print(field(verdict, "sentence") + "\n\n");
  const TextTable table = proposals_table(proposals);
  document["verdict"] = std::move(verdict);
  return session.show(document, table);
}

Status list(const Arguments& arguments, const Client& client, Session& session) {
  auto proposals =
      client.list(address_of(arguments.campaign) + "/proposals" +
                      query({{"limit", "500"},
                             {"state", arguments.state == "all" ? "" : arguments.state},
                             {"batch", arguments.batch},
                             {"client", arguments.client}}),
                  "proposals");
  if (!proposals) return proposals.error();
  if (proposals->empty() && !session.json) {
    session.say(arguments.state == "REQUESTED"
                    ? "nothing is proposed yet, or all of it was taken; a batch is planned after a "
                      "retraining, which may take minutes. --state all lists every proposal."
                    : "no proposals in this state");
    return {};
  }
  return show_proposals({{"proposals", *proposals}}, arguments, client, session);
}

Status take(const Arguments& arguments, const Client& client, Session& session) {
  Json body = Json::object();
  if (arguments.batch_size > 0) body["batch_size"] = arguments.batch_size;
  if (!arguments.client.empty()) body["client"] = arguments.client;
  if (arguments.lease_s > 0.0) body["lease_s"] = arguments.lease_s;
  auto answer = client.post(address_of(arguments.campaign) + ":recommend", body, new_key());
  if (!answer) return answer.error();
  const Json& proposals = list_of(*answer, "proposals");
  if (!proposals.empty()) return show_proposals(*answer, arguments, client, session);
  if (session.json) session.print_json(*answer);
  return Error{
      ErrorCode::busy, "no proposal can be taken yet; the daemon plans a batch now", "", "",
      fmt::format("another try when the job {} has ended", field(member(*answer, "job"), "id"))};
}

// POST /v1/proposals/ID:VERB for every id.
Status act(const Arguments& arguments, const std::string& verb, const Json& body,
           const Client& client, Session& session) {
  Json done = Json::array();
  for (const std::string& id : arguments.ids) {
    auto answer = client.post("/v1/proposals/" + encode(id) + ":" + verb, body);
    if (!answer) return answer.error();
    if (!session.json) {
      session.print(
          fmt::format("{}: {} ({})\n", id, field(*answer, "state"), catalyst_text(*answer)));
    }
    done.push_back(std::move(*answer));
  }
  return session.show({{"proposals", std::move(done)}}, "");
}

Json body_of(const Arguments& arguments) {
  Json body = Json::object();
  if (!arguments.client.empty()) body["client"] = arguments.client;
  if (!arguments.reason.empty()) body["reason"] = arguments.reason;
  if (arguments.lease_s > 0.0) body["lease_s"] = arguments.lease_s;
  return body;
}

Status amend(const Arguments& arguments, const Client& client, Session& session) {
  Json body = body_of(arguments);
  const bool key = arguments.composition.find(':') != std::string::npos;
  body["catalyst"] = key ? Json{{"key", arguments.composition}} : Json(arguments.composition);
  return act(arguments, "amend", body, client, session);
}

}  // namespace

void add_proposals(CLI::App& app, Session& session) {
  CLI::App* group =
      add_group(app, "proposals", "what to make next: list, claim, give up", "With the daemon",
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
  add_campaign_name(*command, arguments->campaign);
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
  add_campaign_name(*command, arguments->campaign);
  command->add_option("--batch", arguments->batch_size, "how many")->check(CLI::Range(1, 1000));
  command->add_option("--lease", arguments->lease_s, "seconds until they are offered again")
      ->check(CLI::PositiveNumber);

  for (const auto& [word, summary, leased] :
       {std::tuple{"claim", "lease proposals to a client", true},
        std::tuple{"heartbeat", "prolong the lease", true},
        std::tuple{"release", "give back without a try", false},
        std::tuple{"complete", "made and measured", false},
        std::tuple{"fail", "tried and failed; may be offered again", false},
        std::tuple{"infeasible", "cannot be made; never offered again", false},
        std::tuple{"cancel", "not wanted any more", false}}) {
    const auto run = [verb = std::string(word)](const Arguments& chosen, const Client& client,
                                                Session& with) {
      return act(chosen, verb, body_of(chosen), client, with);
    };
    command = add(word, summary,
                  fmt::format("  kasetsu proposals {} 01JD... --client robot-1", word), run);
    command->add_option("ID", arguments->ids, "proposals")->required();
    if (leased) {
      command->add_option("--lease", arguments->lease_s, "seconds")->check(CLI::PositiveNumber);
    } else {
      const std::string_view verb(word);
      command->add_option("--reason", arguments->reason, "why, for the record")
          ->required(verb == "fail" || verb == "infeasible");
    }
  }
  command =
      add("amend", "what was made instead of what was proposed; the new one takes its place",
          "  kasetsu proposals amend 01JD... \"Ag:0.205;Pd:0.795\" --reason \"measured by XRF\"\n"
          "  kasetsu proposals amend 01JD... \"2Mn-4Na/SiO2\" --reason \"no W in stock\"",
          amend);
  command
      ->add_option_function<std::string>(
          "ID", [arguments](const std::string& id) { arguments->ids = {id}; }, "the proposal")
      ->required();
  command->add_option("CATALYST", arguments->composition, "name or key of what was made")
      ->required();
  command->add_option("--reason", arguments->reason, "why, for the record")->required();
}

}  // namespace kasetsu::cli
