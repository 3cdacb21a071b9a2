// kasetsu report and kasetsu export: a campaign for people, and for other programs.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <memory>

#include "daemon/base/data_files.h"
#include "daemon/base/time.h"
#include "daemon/cli/campaigns/campaign_file.h"
#include "daemon/cli/program/answers.h"
#include "daemon/cli/program/commands.h"
#include "daemon/cli/program/daemon_command.h"
#include "daemon/cli/results/campaign_bundle.h"
#include "daemon/cli/results/report.h"

namespace kasetsu::cli {
namespace {

struct Arguments {
  std::string campaign;
  std::string out;
  std::string format;
};

Status report(const Arguments& arguments, const Client& client, Session& session) {
  auto data = read_campaign_data(client, arguments.campaign, session.control());
  if (!data) return data.error();
  auto supports = TableArguments().load_supports();
  if (!supports) return supports.error();
  auto config =
      campaign::parse_campaign(data->text, arguments.campaign, data->media_type, *supports);
  if (!config) return config.error();
  const Report made = make_report(*data, *config, format_time(system_now()));
  const bool markdown = arguments.format == "markdown" || arguments.out.ends_with(".md");
  const std::string path =
      !arguments.out.empty() ? arguments.out : arguments.campaign + (markdown ? ".md" : ".html");
  if (auto written = write_file(path, markdown ? made.markdown : made.html); !written)
    return written;
  Json summary = made.summary;
  summary["file"] = path;
  return session.show(summary, path == "-" ? "" : path + "\n");
}

// The daemon makes the copy: the whole database, of all campaigns, on its own machine.
Status export_database(const Arguments& arguments, const Client& client, Session& session) {
  auto made = client.post("/v1/admin:backup", Json::object());
  if (!made) return made.error();
  const std::string path = field(*made, "path");
  const std::string where = arguments.out.empty() ? path : arguments.out;
  std::error_code error;
  if (where != path) {
    std::filesystem::copy_file(path, where, std::filesystem::copy_options::overwrite_existing,
                               error);
  }
  if (error) {
    return Error{ErrorCode::storage_failed,
                 "the snapshot is on the daemon's machine and cannot be copied from there", path,
                 error.message(), "the file itself, or this command there"};
  }
  return session.show({{"file", where}}, where + "\n");
}

Status export_folder(const Arguments& arguments, const CampaignData& data, Session& session) {
  const std::filesystem::path folder =
      arguments.out.empty() ? arguments.campaign + "-export" : arguments.out;
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) {
    return Error{ErrorCode::storage_failed, "the folder cannot be made", "--out", folder.string(),
                 error.message()};
  }
  const auto files = campaign_bundle(data);
  if (!files) return files.error();
  Json names = Json::array();
  for (const auto& [name, text] : *files) {
    if (auto written = write_file((folder / name).string(), text); !written) return written;
    names.push_back(name);
  }
  return session.show({{"folder", folder.string()}, {"files", std::move(names)}},
                      folder.string() + "\n");
}

Status export_data(const Arguments& arguments, const Client& client, Session& session) {
  if (arguments.format == "sqlite") return export_database(arguments, client, session);
  auto data = read_campaign_data(client, arguments.campaign, session.control());
  if (!data) return data.error();
  if (arguments.format == "bundle") return export_folder(arguments, *data, session);
  const Json& measurements = data->measurements;
  const std::string text =
      arguments.format == "csv" ? measurements_csv(measurements) : ndjson(measurements);
  if (!arguments.out.empty() && arguments.out != "-") {
    if (auto written = write_file(arguments.out, text); !written) return written;
    session.say(
        fmt::format("{} in {}", counted(measurements.size(), "measurement"), arguments.out));
    if (!session.json) return {};
    return session.show({{"file", arguments.out}, {"measurements", measurements.size()}}, "");
  }
  if (session.json) return session.show({{"measurements", measurements}}, "");
  session.print_data(text);
  return {};
}

}  // namespace

void add_report(CLI::App& app, Session& session) {
  auto arguments = std::make_shared<Arguments>();
  arguments->format = "html";
  CLI::App* command = add_daemon_command(
      app, session, arguments, "report", "a campaign as one page for people (HTML or Markdown)",
      "  kasetsu report ocm                    (writes ocm.html)\n"
      "  kasetsu report ocm --out ocm.md",
      report);
  command->group("With the daemon");
  add_campaign_name(*command, arguments->campaign);
  command->add_option("--format", arguments->format, "html or markdown")
      ->check(CLI::IsMember({"html", "markdown"}))
      ->capture_default_str();
  command->add_option("--out", arguments->out, "file to write (- for standard output)");
}

void add_export(CLI::App& app, Session& session) {
  auto arguments = std::make_shared<Arguments>();
  arguments->format = "csv";
  CLI::App* command = add_daemon_command(
      app, session, arguments, "export", "a campaign for other programs",
      "  kasetsu export ocm --out ocm.csv\n"
      "  kasetsu export ocm --format bundle --out ocm    (a folder for a notebook)",
      export_data);
  command->group("With the daemon");
  add_campaign_name(*command, arguments->campaign);
  command->add_option("--format", arguments->format, "csv, ndjson, bundle or sqlite")
      ->check(CLI::IsMember({"csv", "ndjson", "bundle", "sqlite"}))
      ->capture_default_str();
  command->add_option("--out", arguments->out, "file, or folder of a bundle");
}

}  // namespace kasetsu::cli
