// kasetsu results: measured values into the daemon, out of it, and corrected.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "core/base/csv.h"
#include "core/base/text.h"
#include "daemon/base/data_files.h"
#include "daemon/campaign/ingest/ingest.h"
#include "daemon/cli/program/arguments.h"
#include "daemon/cli/program/client.h"
#include "daemon/cli/program/commands.h"
#include "daemon/cli/program/daemon_command.h"
#include "daemon/cli/program/wire_text.h"
#include "daemon/cli/results/nomad_export.h"
#include "daemon/cli/results/profile_dry_run.h"
#include "daemon/cli/results/report_data.h"

namespace kasetsu::cli {
namespace {

struct Arguments {
  ConnectionArguments connection;
  std::string campaign;
  std::string file;
  std::string format = "auto";
  std::string source;
  std::string run;
  std::string id_column;
  std::string profile;
  bool dry_run = false;
  bool whole = false;
  bool revise = false;
  std::string out;
  std::string export_format = "csv";
  std::string property;
  bool all = false;
  std::vector<std::string> ids;
  std::string reason;
  std::string person;
  std::string state = "waiting";
  std::string row;
  std::string repeats, composition, sheet, decimal;
  std::vector<std::string> ignore;
};

std::string media_type(const Arguments& arguments) {
  std::string format = arguments.format;
  if (format == "auto") {
    format = arguments.file.ends_with(".json")                                           ? "json"
             : arguments.file.ends_with(".ndjson") || arguments.file.ends_with(".jsonl") ? "ndjson"
             : arguments.file.ends_with(".xlsx")                                         ? "xlsx"
                                                                                         : "csv";
  }
  return format == "xlsx"     ? std::string(campaign::kWorkbookType)
         : format == "json"   ? "application/json"
         : format == "ndjson" ? "application/x-ndjson"
                              : "text/csv";
}

std::string base_name(const std::string& path) {
  return path.substr(path.rfind('/') + 1);
}

void print_rows(const Json& answer, Session& session) {
  TextTable table({"row", "verdict", "reason"});
  for (const Json& row : answer["rows"]) {
    table.add({field(row, "row"), field(row, "verdict"), field(row, "reason")});
  }
  session.print(table.text(Session::columns()));
}

std::string query(const std::vector<std::pair<std::string, std::string>>& parameters) {
  std::string text;
  for (const auto& [name, value] : parameters) {
    if (value.empty()) continue;
    text += (text.empty() ? "?" : "&") + name + "=" + encode(value);
  }
  return text;
}

Status import(const Arguments& arguments, Session& session) {
  if (arguments.file.empty())
    return dry_run_offline(arguments.campaign, arguments.profile, session);
  const bool own_file = is_profile_file(arguments.profile);
  if (own_file) {
    return Error{ErrorCode::invalid_argument, "the daemon reads profiles by their names",
                 "--profile", arguments.profile,
                 "a built-in profile or one in its folder ([profiles] folder); a file only with "
                 "--dry-run and no campaign"};
  }
  auto client = Client::connect(arguments.connection, session.stop());
  if (!client) return client.error();
  auto text = read_file(arguments.file);
  if (!text) return text.error();
  HttpRequest request;
  request.method = "POST";
  request.content_type = media_type(arguments);
  request.path = "/v1/campaigns/" + encode(arguments.campaign) + "/measurements" +
                 query({{"source", arguments.source},
                        {"run", arguments.run},
                        {"id", arguments.id_column},
                        {"repeats", arguments.repeats},
                        {"ignore", fmt::format("{}", fmt::join(arguments.ignore, ","))},
                        {"composition", arguments.composition},
                        {"sheet", arguments.sheet},
                        {"decimal", arguments.decimal},
                        {"profile", arguments.profile},
                        {"file_name", arguments.profile.empty() ? "" : base_name(arguments.file)},
                        {"dry_run", arguments.dry_run ? "true" : ""},
                        {"whole", arguments.whole ? "true" : ""},
                        {"revise", arguments.revise ? "true" : ""}});
  request.body = std::move(*text);
  auto answer = client->request(request);
  if (!answer) return answer.error().in(arguments.file);

  std::size_t quarantined = 0;
  std::string first;
  if (arguments.dry_run && !session.json) print_rows(*answer, session);
  if (answer->contains("rows") && (*answer)["rows"].is_array()) {
    for (const Json& row : (*answer)["rows"]) {
      if (field(row, "verdict") != "quarantined") continue;
      // The daemon knows no file names; it calls what it was sent the body.
      std::string reason = field(row, "reason");
      const std::string name =
          (arguments.profile.empty() ? "body" : base_name(arguments.file)) + ":";
      if (reason.starts_with(name)) reason = arguments.file + reason.substr(name.size() - 1);
      if (quarantined++ == 0) first = reason;
      if (!session.json && !arguments.dry_run) session.say("quarantined: " + reason);
    }
  }
  if (!session.json && answer->contains("notes")) {
    for (const Json& note : (*answer)["notes"]) session.say(note.get<std::string>());
  }
  if (session.json) {
    session.print_json(*answer);
  } else {
    session.print(fmt::format("{}: {} accepted, {} flagged, {} duplicate, {} quarantined ({})\n",
                              arguments.file, field(*answer, "accepted"), field(*answer, "flagged"),
                              field(*answer, "duplicate"), quarantined,
                              arguments.dry_run ? "a dry run: nothing was changed"
                                                : "ingest " + field(*answer, "ingest")));
  }
  if (arguments.dry_run && quarantined > 0) {
    return Error{ErrorCode::bad_data,
                 fmt::format("{} rows would be put in quarantine, the first because: {}",
                             quarantined, first),
                 "", "", "corrected rows"};
  }
  if (quarantined == 0) return {};
  return Error{
      ErrorCode::bad_data,
      fmt::format("{} rows are in quarantine, the first because: {}", quarantined, first), "", "",
      fmt::format("corrected rows; see kasetsu results quarantine {}", arguments.campaign)};
}

// Two files beside each other, named as NOMAD wants them.
Status write_nomad(const Arguments& arguments, const Json& measurements, Session& session) {
  if (arguments.out.empty()) {
    return Error{ErrorCode::invalid_argument, "two tables need a folder", "--out", "",
                 "an existing folder"};
  }
  const auto tables = nomad_tables(measurements);
  if (!tables) return tables.error();
  Json written = Json::array();
  for (const auto& [ending, text] :
       {std::pair{"_CatalystSampleCollection.csv", &tables->samples},
        std::pair{"_CatalyticReactionCollection.csv", &tables->reactions}}) {
    const std::string path = arguments.out + "/" + arguments.campaign + ending;
    if (auto status = write_file(path, *text); !status) return status;
    written.push_back(path);
  }
  if (session.json) {
    session.print_json({{"files", std::move(written)}});
  } else {
    for (const Json& path : written) session.print(path.get<std::string>() + "\n");
  }
  return {};
}

Status export_all(const Arguments& arguments, Session& session) {
  auto client = Client::connect(arguments.connection, session.stop());
  if (!client) return client.error();
  std::vector<Json> list;
  const std::string path = "/v1/campaigns/" + encode(arguments.campaign) + "/measurements" +
                           query({{"property", arguments.property},
                                  {"live", arguments.all ? "" : "true"},
                                  {"limit", "1000"}});
  auto status = client->each(path, "measurements", [&](const Json& item) {
    list.push_back(item);
    return Status();
  });
  if (!status) return status;
  if (arguments.export_format == "nomad") return write_nomad(arguments, list, session);
  const std::string csv = measurements_csv(list);
  if (!arguments.out.empty()) {
    if (auto written = write_file(arguments.out, csv); !written) return written;
    session.say(fmt::format("{} measurements in {}", list.size(), arguments.out));
  } else if (!session.json) {
    session.print(csv);
  }
  if (session.json) session.print_json({{"measurements", list}});
  return {};
}

// verb: retract, exclude or include. past: the same, done.
Status mark(const Arguments& arguments, const std::string& verb, const std::string& past,
            Session& session) {
  auto client = Client::connect(arguments.connection, session.stop());
  if (!client) return client.error();
  Json done = Json::array();
  for (const std::string& id : arguments.ids) {
    Json body = {{"reason", arguments.reason}};
    if (!arguments.person.empty()) body["person"] = arguments.person;
    auto answer = client->post("/v1/measurements/" + encode(id) + ":" + verb, body);
    if (!answer) return answer.error();
    if (!session.json) {
      session.print(fmt::format("{}: {} ({} = {} of {})\n", id, past, field(*answer, "property"),
                                field(*answer, "value"), catalyst_text(*answer)));
    }
    done.push_back(std::move(*answer));
  }
  if (session.json) session.print_json({{"measurements", std::move(done)}});
  return {};
}

Status quarantine_list(const Arguments& arguments, Session& session) {
  auto client = Client::connect(arguments.connection, session.stop());
  if (!client) return client.error();
  Json list = Json::array();
  const std::string path = "/v1/campaigns/" + encode(arguments.campaign) + "/quarantine" +
                           query({{"state", arguments.state == "all" ? "" : arguments.state}});
  auto status = client->each(path, "quarantine", [&](const Json& item) {
    list.push_back(item);
    return Status();
  });
  if (!status) return status;
  if (session.json) {
    session.print_json({{"quarantine", std::move(list)}});
    return {};
  }
  if (list.empty()) {
    session.say("nothing is in quarantine");
    return {};
  }
  TextTable table({"id", "row", "state", "received", "reason"});
  for (const Json& item : list) {
    table.add({field(item, "id"), field(item, "row"), field(item, "state"),
               field(item, "received_at"), field(item, "reason")});
  }
  session.print(table.text(Session::columns()));
  return {};
}

Status readmit(const Arguments& arguments, Session& session) {
  Json body = Json::object();
  if (!arguments.row.empty()) {
    auto text = read_file(arguments.row);
    if (!text) return text.error();
    body["row"] = Json::parse(*text, nullptr, false);
    if (!body["row"].is_object()) {
      return Error{ErrorCode::bad_data, "not a JSON object", arguments.row, "",
                   "one row as results are posted: {\"catalyst\": ..., \"values\": ...}"};
    }
  }
  if (!arguments.reason.empty()) body["remark"] = arguments.reason;
  auto client = Client::connect(arguments.connection, session.stop());
  if (!client) return client.error();
  auto answer = client->post("/v1/quarantine/" + encode(arguments.ids[0]) + ":readmit", body);
  if (!answer) return answer.error();
  if (session.json) {
    session.print_json(*answer);
  } else {
    session.print(fmt::format("{}: {} as measurement {}\n", arguments.ids[0],
                              field(*answer, "verdict"), field(*answer, "measurement")));
  }
  return {};
}

Status discard(const Arguments& arguments, Session& session) {
  auto client = Client::connect(arguments.connection, session.stop());
  if (!client) return client.error();
  auto answer = client->post("/v1/quarantine/" + encode(arguments.ids[0]) + ":discard",
                             {{"reason", arguments.reason}});
  if (!answer) return answer.error();
  if (session.json) {
    session.print_json(*answer);
  } else {
    session.print(fmt::format("{}: discarded\n", arguments.ids[0]));
  }
  return {};
}

}  // namespace

void add_results(CLI::App& app, Session& session) {
  CLI::App* group = app.add_subcommand("results", "measured values: import, export, corrections");
  group->group("With the daemon");
  group->require_subcommand(1);
  group->footer(
      "  kasetsu results import ocm batch7.csv --source rig-1 --run batch7\n"
      "  kasetsu results export ocm --out measured.csv\n"
      "  kasetsu results quarantine ocm");
  auto arguments = std::make_shared<Arguments>();
  const auto add = [&](const std::string& name, const std::string& summary,
                       const std::string& examples, auto run) {
    return add_daemon_command(*group, session, arguments, name, summary, examples, run);
  };
  CLI::App* command =
      add("import", "post a file of results; the same file twice has one effect",
          "  kasetsu results import ocm batch7.csv --source rig-1 --run batch7\n"
          "  kasetsu results import --profile ocm_hte --dry-run gc.csv\n"
          "Exit code 65 when rows are put in quarantine; the others are committed then.",
          import);
  command->add_option("CAMPAIGN", arguments->campaign, "name of the campaign")->required();
  command->add_option("FILE", arguments->file,
                      "CSV, workbook (.xlsx), JSON or NDJSON, by its name");
  command->add_option("--profile", arguments->profile,
                      "how the laboratory's table is read: a name, or a .toml file");
  command->add_flag("--dry-run", arguments->dry_run,
                    "say row by row what would happen, and change nothing; without a\n"
                    "campaign: what the profile makes of the file, without a daemon");
  command->callback([arguments, &session] {
    if (arguments->file.empty() && !(arguments->dry_run && !arguments->profile.empty())) {
      throw CLI::RequiredError("CAMPAIGN and FILE (only FILE: with --profile and --dry-run)");
    }
    session.action = [=, &session] { return import(*arguments, session); };
  });
  command->add_option("--format", arguments->format, "auto, csv, xlsx, json or ndjson")
      ->check(CLI::IsMember({"auto", "csv", "xlsx", "json", "ndjson"}))
      ->capture_default_str();
  command->add_option("--source", arguments->source, "instrument or person the results are from");
  command->add_option("--run", arguments->run, "name of the run");
  command->add_option("--id", arguments->id_column, "column of sample labels");
  command
      ->add_option("--repeats", arguments->repeats,
                   "rows without a name that are stored already: ask, skip (the table grew) or\n"
                   "keep (they were measured again)")
      ->check(CLI::IsMember({"ask", "skip", "keep"}));
  command->add_option("--ignore", arguments->ignore, "columns that are not wanted");
  command->add_option("--composition", arguments->composition, "column of formulas or names");
  command->add_option("--sheet", arguments->sheet, "sheet of a workbook");
  command
      ->add_option("--decimal", arguments->decimal,
                   "point or comma, where the table leaves it open")
      ->check(CLI::IsMember({"point", "comma"}));
  command->add_flag("--whole", arguments->whole, "all rows or none");
  command->add_flag("--revise", arguments->revise,
                    "known rows with other content are corrections, not errors");

  command = add("export", "measurements as CSV or JSON",
                "  kasetsu results export ocm --out measured.csv\n"
                "  kasetsu results export ocm --property C2_yield --json",
                export_all);
  command->add_option("CAMPAIGN", arguments->campaign, "name of the campaign")->required();
  command->add_option("--property", arguments->property, "only this one");
  command->add_flag("--all", arguments->all, "also retracted, excluded and superseded ones");
  command->add_option("--out", arguments->out, "CSV file to write; with nomad: a folder");
  command->add_option("--format", arguments->export_format, "csv, or nomad (its two tables)")
      ->check(CLI::IsMember({"csv", "nomad"}))
      ->capture_default_str();

  for (const auto& [verb, past, summary, reason] :
       {std::tuple{"retract", "retracted",
                   "mark measurements as wrong; they stay readable and are never used",
                   "leaking fitting"},
        std::tuple{"restore", "restored", "bring retracted measurements back as new revisions",
                   "the fitting was tight"},
        std::tuple{"exclude", "excluded", "leave measurements out of models until included again",
                   "to be measured again"},
        std::tuple{"include", "included", "use excluded measurements again",
                   "confirmed by a replicate"}}) {
    command = add(
        verb, summary, fmt::format("  kasetsu results {} 01JD... --reason \"{}\"", verb, reason),
        [verb = std::string(verb), past = std::string(past)](
            const Arguments& chosen, Session& with) { return mark(chosen, verb, past, with); });
    command->add_option("ID", arguments->ids, "measurements")->required();
    command->add_option("--reason", arguments->reason, "why, for the record")->required();
    command->add_option("--person", arguments->person, "who says so");
  }

  command = add("quarantine", "rows that could not be taken, with their reasons",
                "  kasetsu results quarantine ocm", quarantine_list);
  command->add_option("CAMPAIGN", arguments->campaign, "name of the campaign")->required();
  command->add_option("--state", arguments->state, "waiting, readmitted, discarded or all")
      ->check(CLI::IsMember({"waiting", "readmitted", "discarded", "all"}))
      ->capture_default_str();
  command = add("readmit", "take a row out of quarantine, as it is or corrected",
                "  kasetsu results readmit 01JD... --row corrected.json", readmit);
  command->add_option("ID", arguments->ids, "row in quarantine")->required()->expected(1);
  command->add_option("--row", arguments->row, "file with the corrected row (JSON)");
  command->add_option("--reason", arguments->reason, "remark, for the record");
  command = add("discard", "leave a row out for good",
                "  kasetsu results discard 01JD... --reason \"test run\"", discard);
  command->add_option("ID", arguments->ids, "row in quarantine")->required()->expected(1);
  command->add_option("--reason", arguments->reason, "why, for the record")->required();
}

}  // namespace kasetsu::cli
