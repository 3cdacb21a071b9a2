// kasetsu results: measured values into the daemon, out of it, and corrected.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <tuple>

#include "core/base/csv.h"
#include "core/base/text.h"
#include "daemon/base/data_files.h"
#include "daemon/campaign/ingest/ingest.h"
#include "daemon/cli/program/answers.h"
#include "daemon/cli/program/commands.h"
#include "daemon/cli/program/daemon_command.h"
#include "daemon/cli/results/nomad_export.h"
#include "daemon/cli/results/profile_dry_run.h"
#include "daemon/cli/results/report_data.h"
#include "drivers/tables/option_names.h"
#include "drivers/tables/shape_names.h"

namespace kasetsu::cli {
namespace {

struct Arguments {
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
  std::string repeats, composition, sheet, decimal, encoding, name_amounts, shape;
  std::vector<std::string> ignore, fill_down, null;
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

// How many rows were sent; nothing where only the daemon can tell (a table).
std::optional<std::size_t> rows_sent(std::string_view media, std::string_view text) {
  if (media == "application/json") {
    const Json rows = list_of(read_json(text), "rows");
    return rows.empty() ? std::nullopt : std::optional(rows.size());
  }
  if (media != "application/x-ndjson") return std::nullopt;
  std::size_t rows = 0;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    rows += trim(text.substr(0, end)).empty() ? 0 : 1;
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return rows;
}

// What is answered counts as stored only when it names the ingest and has a verdict on every row:
// a proxy's page or somebody else's 200 is no receipt.
Status check_receipt(const Json& answer, std::optional<std::size_t> sent, bool dry_run) {
  const Json& rows = member(answer, "rows");
  const std::string ingest = field(answer, "ingest");
  const bool named = dry_run || (!ingest.empty() && ingest != "-");
  if (rows.is_array() && named && (!sent || rows.size() == *sent)) return {};
  return Error{
      ErrorCode::unavailable,
      "the answer is not the daemon's receipt: it does not name the ingest and a verdict on "
      "every row; whether anything was stored is not known",
      "", "", "the daemon's own address in --url; sending the file again is harmless"};
}

// Names of columns as the daemon takes them: a CSV line.
std::string names_text(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ",") + csv_cell(name);
  return text;
}

// A person who imports a file of rows is asked about those that are stored, as of a table.
std::string repeats_of(const Arguments& arguments) {
  if (!arguments.repeats.empty()) return arguments.repeats;
  const std::string media = media_type(arguments);
  return media == "application/json" || media == "application/x-ndjson" ? "ask" : "";
}

// profile: the text of a profile's file; empty: a profile by name, or none.
HttpRequest import_request(const Arguments& arguments, std::string text,
                           const std::string& profile) {
  HttpRequest request;
  request.method = "POST";
  request.content_type = media_type(arguments);
  request.path = address_of(arguments.campaign) + "/measurements" +
                 query({{"source", arguments.source},
                        {"run", arguments.run},
                        {"id", arguments.id_column},
                        {"repeats", repeats_of(arguments)},
                        {"ignore", names_text(arguments.ignore)},
                        {"fill_down", names_text(arguments.fill_down)},
                        {"null", names_text(arguments.null)},
                        {"encoding", arguments.encoding},
                        {"name_amounts", arguments.name_amounts},
                        {"shape", arguments.shape},
                        {"composition", arguments.composition},
                        {"sheet", arguments.sheet},
                        {"decimal", arguments.decimal},
                        {"profile", profile.empty() ? arguments.profile : ""},
                        {"profile_bytes", profile.empty() ? "" : std::to_string(profile.size())},
                        {"file_name", arguments.profile.empty() ? "" : base_name(arguments.file)},
                        {"dry_run", arguments.dry_run ? "true" : ""},
                        {"whole", arguments.whole ? "true" : ""},
                        {"revise", arguments.revise ? "true" : ""}});
  request.body = profile.empty() ? std::move(text) : profile + text;
  return request;
}

// The reasons of quarantined rows, with the file's own name: the daemon knows no file names and
// calls what it was sent the body.
std::vector<std::string> reasons_of(const Arguments& arguments, const Json& answer) {
  const std::string name = (arguments.profile.empty() ? "body" : base_name(arguments.file)) + ":";
  std::vector<std::string> reasons;
  for (const Json& row : list_of(answer, "rows")) {
    if (field(row, "verdict") != "quarantined") continue;
    std::string reason = field(row, "reason");
    if (reason.starts_with(name)) reason = arguments.file + reason.substr(name.size() - 1);
    reasons.push_back(std::move(reason));
  }
  return reasons;
}

Status import(const Arguments& arguments, Session& session) {
  if (arguments.file.empty())
    return dry_run_offline(arguments.campaign, arguments.profile, session);
  std::string profile;
  if (is_profile_file(arguments.profile)) {
    auto file = read_file(arguments.profile);
    if (!file) return file.error();
    profile = std::move(*file);
  }
  auto client = Client::connect(session.connection, session.stop());
  if (!client) return client.error();
  auto text = read_file(arguments.file);
  if (!text) return text.error();
  const auto sent = rows_sent(media_type(arguments), *text);
  auto answer = client->request(import_request(arguments, std::move(*text), profile));
  if (!answer) return answer.error().in(arguments.file);
  if (Status fine = check_receipt(*answer, sent, arguments.dry_run); !fine)
    return fine.error().in(arguments.file);

  const std::vector<std::string> reasons = reasons_of(arguments, *answer);
  if (arguments.dry_run && !session.json) {
    session.print(table_of(list_of(*answer, "rows"),
                           {{"row", "row"}, {"verdict", "verdict"}, {"reason", "reason"}}));
  } else if (!session.json) {
    for (const std::string& reason : reasons) session.say("quarantined: " + reason);
  }
  say_notes(*answer, session);
  // Of rows that are stored: what was retracted since, and how it comes back.
  for (const Json& row : list_of(*answer, "rows")) {
    const bool told = field(row, "verdict") == "duplicate" && member(row, "reason").is_string();
    if (told && !session.json && !arguments.dry_run)
      session.say("duplicate: " + field(row, "reason"));
  }
  static_cast<void>(session.show(
      *answer, fmt::format("{}: {} accepted, {} flagged, {} duplicate, {} quarantined ({})\n",
                           arguments.file, field(*answer, "accepted"), field(*answer, "flagged"),
                           field(*answer, "duplicate"), reasons.size(),
                           arguments.dry_run ? "a dry run: nothing was changed"
                                             : "ingest " + field(*answer, "ingest"))));
  if (reasons.empty()) return {};
  const std::string rows = counted(reasons.size(), "row");
  if (arguments.dry_run) {
    return Error{
        ErrorCode::bad_data,
        fmt::format("{} would be put in quarantine, the first because: {}", rows, reasons.front()),
        "", "", "corrected rows"};
  }
  return Error{
      ErrorCode::bad_data,
      fmt::format("{} in quarantine, the first because: {}",
                  reasons.size() == 1 ? rows + " is" : rows + " are", reasons.front()),
      "", "", fmt::format("corrected rows; see kasetsu results quarantine {}", arguments.campaign)};
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
  std::string text;
  for (const Json& path : written) text += path.get<std::string>() + "\n";
  return session.show({{"files", std::move(written)}}, text);
}

Status export_all(const Arguments& arguments, const Client& client, Session& session) {
  const bool nomad = arguments.export_format == "nomad";
  // Documents are many times as large as their lines of a table: they are kept where they are
  // shown.
  Json list = Json::array();
  std::string csv = measurements_csv_header();
  std::size_t count = 0;
  const Status read = client.each(address_of(arguments.campaign) + "/measurements" +
                                      query({{"property", arguments.property},
                                             {"live", arguments.all ? "" : "true"},
                                             {"limit", "1000"}}),
                                  "measurements", [&](const Json& item) {
                                    ++count;
                                    if (!nomad) append_csv(csv, item);
                                    if (nomad || session.json) list.push_back(item);
                                    return Status();
                                  });
  if (!read) return read.error();
  if (nomad) return write_nomad(arguments, list, session);
  if (!arguments.out.empty()) {
    if (auto written = write_file(arguments.out, csv); !written) return written;
    session.say(fmt::format("{} in {}", counted(count, "measurement"), arguments.out));
  } else if (!session.json) {
    session.print_data(csv);
  }
  return session.show({{"measurements", list}}, "");
}

// verb: retract, restore, exclude or include. past: the same, done.
Status mark(const Arguments& arguments, const std::string& verb, const std::string& past,
            const Client& client, Session& session) {
  Json done = Json::array();
  for (const std::string& id : arguments.ids) {
    Json body = {{"reason", arguments.reason}};
    if (!arguments.person.empty()) body["person"] = arguments.person;
    auto answer = client.post("/v1/measurements/" + encode(id) + ":" + verb, body);
    if (!answer) return answer.error();
    if (!session.json) {
      session.print(fmt::format("{}: {} ({} = {} of {})\n", id, past, field(*answer, "property"),
                                field(*answer, "value"), catalyst_text(*answer)));
    }
    done.push_back(std::move(*answer));
  }
  if (!session.json) {
    session.say(
        "open proposals that were planned on it are marked in \"kasetsu proposals\", and "
        "judged anew by the next retraining");
  }
  return session.show({{"measurements", std::move(done)}}, "");
}

std::string quarantine_path(const std::string& campaign, const std::string& state) {
  return address_of(campaign) + "/quarantine" + query({{"state", state == "all" ? "" : state}});
}

Status quarantine_list(const Arguments& arguments, const Client& client, Session& session) {
  auto list = client.list(quarantine_path(arguments.campaign, arguments.state), "quarantine");
  if (!list) return list.error();
  return show_list("quarantine", *list,
                   {{"id", "id"},
                    {"row", "row"},
                    {"state", "state"},
                    {"received", "received_at"},
                    {"reason", "reason"}},
                   "nothing is in quarantine", session);
}

// Every row that waits, judged anew: after the campaign or a table of supports was mended.
Status readmit_all(const std::string& campaign, const Json& body, const Client& client,
                   Session& session) {
  auto waiting = client.list(quarantine_path(campaign, "waiting"), "quarantine");
  if (!waiting) return waiting.error();
  Json rows = Json::array();
  std::size_t left = 0;
  for (const Json& item : *waiting) {
    const std::string id = field(item, "id");
    auto answer = client.post("/v1/quarantine/" + encode(id) + ":readmit", body);
    if (!answer && answer.error().code != ErrorCode::bad_data &&
        answer.error().code != ErrorCode::conflict) {
      return answer.error();
    }
    left += answer ? 0 : 1;
    rows.push_back(answer ? *answer : Json{{"verdict", "quarantined"}});
    rows.back()["id"] = id;
    if (!answer) rows.back()["reason"] = answer.error().to_string();
  }
  static_cast<void>(show_list("rows", rows,
                              {{"id", "id"}, {"verdict", "verdict"}, {"reason", "reason"}},
                              "nothing waits in quarantine", session));
  if (left == 0) return {};
  return Error{ErrorCode::bad_data,
               fmt::format("{} of {} still cannot be taken", left, counted(rows.size(), "row")), "",
               "", "corrected rows: kasetsu results readmit ID --row FILE"};
}

Status readmit(const Arguments& arguments, const Client& client, Session& session) {
  Json body = Json::object();
  if (!arguments.row.empty()) {
    auto text = read_file(arguments.row);
    if (!text) return text.error();
    body["row"] = read_json(*text);
    if (!body["row"].is_object()) {
      return Error{ErrorCode::bad_data, "not a JSON object", arguments.row, "",
                   "one row as results are posted: {\"catalyst\": ..., \"values\": ...}"};
    }
  }
  if (!arguments.reason.empty()) body["remark"] = arguments.reason;
  const std::string& what = arguments.ids.at(0);
  if (arguments.all) return readmit_all(what, body, client, session);
  auto answer = client.post("/v1/quarantine/" + encode(what) + ":readmit", body);
  if (!answer) return answer.error();
  return session.show(*answer,
                      fmt::format("{}: {} as measurement {}\n", what, field(*answer, "verdict"),
                                  field(*answer, "measurement")));
}

Status discard(const Arguments& arguments, const Client& client, Session& session) {
  const std::string& id = arguments.ids.at(0);
  auto answer =
      client.post("/v1/quarantine/" + encode(id) + ":discard", {{"reason", arguments.reason}});
  if (!answer) return answer.error();
  return session.show(*answer, id + ": discarded\n");
}

void add_import(CLI::App& group, Session& session, const std::shared_ptr<Arguments>& arguments) {
  CLI::App* command = add_command(
      group, session, "import", "post a file of results; the same file twice has one effect",
      "  kasetsu results import ocm batch7.csv --source rig-1 --run batch7\n"
      "  kasetsu results import --profile ocm_hte --dry-run gc.csv\n"
      "Exit code 65 when rows are put in quarantine; the others are committed then.");
  add_campaign_name(*command, arguments->campaign);
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
  command->add_option("--fill-down", arguments->fill_down,
                      "columns whose blank cells repeat the one above, as in merged cells");
  command->add_option("--null", arguments->null, "more words that say \"not measured\"");
  command
      ->add_option("--encoding", arguments->encoding,
                   "utf-8, utf-16, cp1252 (western Windows) or cp932 (Japanese Windows)")
      ->check(CLI::IsMember(tables::encoding_names()));
  command
      ->add_option(
          "--name-amounts", arguments->name_amounts,
          "what numbers before the elements of a name are (15Ni5Ce/MgO), and amounts without a "
          "unit: wt% or mol%; none: a line above the header is about something else")
      ->check(CLI::IsMember(tables::name_amounts_names()));
  command
      ->add_option("--shape", arguments->shape,
                   "auto, loadings (a column an element), slots (M1,M2,...,Support) or formula")
      ->check(CLI::IsMember(tables::kShapeNames.names()));
  command->add_option("--composition", arguments->composition, "column of formulas or names");
  command->add_option("--sheet", arguments->sheet, "sheet of a workbook");
  command
      ->add_option("--decimal", arguments->decimal,
                   "point or comma, where the table leaves it open")
      ->check(CLI::IsMember(tables::decimal_names()));
  command->add_flag("--whole", arguments->whole, "all rows or none");
  command->add_flag("--revise", arguments->revise,
                    "known rows with other content are corrections, not errors");
  add_connection(*command, session);
}

}  // namespace

void add_results(CLI::App& app, Session& session) {
  CLI::App* group =
      add_group(app, "results", "measured values: import, export, corrections", "With the daemon",
                "  kasetsu results import ocm batch7.csv --source rig-1 --run batch7\n"
                "  kasetsu results export ocm --out measured.csv\n"
                "  kasetsu results quarantine ocm");
  auto arguments = std::make_shared<Arguments>();
  add_import(*group, session, arguments);
  const auto add = [&](const std::string& name, const std::string& summary,
                       const std::string& examples, auto run) {
    return add_daemon_command(*group, session, arguments, name, summary, examples, run);
  };
  CLI::App* command = add("export", "measurements as CSV or JSON",
                          "  kasetsu results export ocm --out measured.csv\n"
                          "  kasetsu results export ocm --property C2_yield --json",
                          export_all);
  add_campaign_name(*command, arguments->campaign);
  command->add_option("--property", arguments->property, "only this one");
  command->add_flag("--all", arguments->all, "also retracted, excluded and superseded ones");
  command->add_option("--out", arguments->out, "CSV file to write; with nomad: a folder");
  command->add_option("--format", arguments->export_format, "csv, or nomad (its two tables)")
      ->check(CLI::IsMember({"csv", "nomad"}))
      ->capture_default_str();

  for (const auto& [word, done, summary, reason] :
       {std::tuple{"retract", "retracted",
                   "mark measurements as wrong; they stay readable and are never used",
                   "leaking fitting"},
        std::tuple{"restore", "restored", "bring retracted measurements back as new revisions",
                   "the fitting was tight"},
        std::tuple{"exclude", "excluded", "leave measurements out of models until included again",
                   "to be measured again"},
        std::tuple{"include", "included", "use excluded measurements again",
                   "confirmed by a replicate"}}) {
    const auto run = [verb = std::string(word), past = std::string(done)](
                         const Arguments& chosen, const Client& client, Session& with) {
      return mark(chosen, verb, past, client, with);
    };
    command = add(word, summary,
                  fmt::format("  kasetsu results {} 01JD... --reason \"{}\"", word, reason), run);
    command->add_option("ID", arguments->ids, "measurements")->required();
    command->add_option("--reason", arguments->reason, "why, for the record")->required();
    command->add_option("--person", arguments->person, "who says so");
  }

  command = add("quarantine", "rows that could not be taken, with their reasons",
                "  kasetsu results quarantine ocm", quarantine_list);
  add_campaign_name(*command, arguments->campaign);
  command->add_option("--state", arguments->state, "waiting, readmitted, discarded or all")
      ->check(CLI::IsMember({"waiting", "readmitted", "discarded", "all"}))
      ->capture_default_str();
  command = add("readmit", "take a row out of quarantine, as it is or corrected",
                "  kasetsu results readmit 01JD... --row corrected.json\n"
                "  kasetsu results readmit --all ocm     (after the campaign was corrected)",
                readmit);
  command->add_option("ID", arguments->ids, "row in quarantine; with --all: the campaign")
      ->required()
      ->expected(1);
  command->add_flag("--all", arguments->all, "every row of a campaign that waits, as it is");
  command->add_option("--row", arguments->row, "file with the corrected row (JSON)");
  command->add_option("--reason", arguments->reason, "remark, for the record");
  command = add("discard", "leave a row out for good",
                "  kasetsu results discard 01JD... --reason \"test run\"", discard);
  command->add_option("ID", arguments->ids, "row in quarantine")->required()->expected(1);
  command->add_option("--reason", arguments->reason, "why, for the record")->required();
}

}  // namespace kasetsu::cli
