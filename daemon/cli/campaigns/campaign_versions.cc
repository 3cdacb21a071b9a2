// kasetsu campaign diff, history, export, fork: what a campaign's file was and is.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

#include "core/base/text.h"
#include "daemon/base/data_files.h"
#include "daemon/base/json.h"
#include "daemon/campaign/starting/line_diff.h"
#include "daemon/cli/campaigns/campaign_versions.h"
#include "daemon/cli/program/answers.h"

namespace kasetsu::cli {
namespace {

// `name = "..."` of the top level, with the new name. Empty: not found (the caller's text was
// decoded, so its name is there, but may be written in another way).
std::string renamed(const std::string& text, const std::string& media_type,
                    const std::string& name) {
  if (media_type == kJson) {
    Json document = read_json(text);
    if (!document.is_object()) return {};
    document["name"] = name;
    return document.dump(2) + "\n";
  }
  std::size_t at = 0;
  for (const std::string_view line : campaign::lines_of(text)) {
    const std::string_view plain = trim(line);
    if (plain.starts_with('[')) break;
    if (plain.starts_with("name") && trim(plain.substr(4)).starts_with('=')) {
      return text.substr(0, at) + fmt::format("name = \"{}\"", name) +
             text.substr(at + line.size());
    }
    at += line.size() + 1;
  }
  return {};
}

// A file whose webhooks were altered must not be kept or applied as if it were the campaign's.
Result<CampaignText> whole_text(const Client& client, const std::string& campaign, int version) {
  auto kept = campaign_text(client, campaign, version);
  if (kept && kept->hidden) {
    return Error{ErrorCode::conflict,
                 "this token is not told where the campaign's webhooks lead, so its file is not "
                 "the whole one",
                 "", campaign, "a token with the scope campaigns"};
  }
  return kept;
}

}  // namespace

Result<CampaignText> campaign_text(const Client& client, const std::string& campaign, int version) {
  if (version == 0) {
    const auto found = client.get(address_of(campaign));
    if (!found) return found.error();
    const auto newest = read_field<std::int64_t>(*found, "version");
    if (!newest) return newest.error();
    version = static_cast<int>(*newest);
  }
  const auto text = client.get(address_of(campaign) + "/configs/" + std::to_string(version));
  if (!text) return text.error();
  return CampaignText{field(*text, "text"), field(*text, "media_type"), version,
                      member(*text, "addresses_hidden") == true};
}

Status diff_campaign(const VersionArguments& arguments, const Client& client, Session& session) {
  const bool is_file = arguments.what.ends_with(".toml") || arguments.what.ends_with(".json") ||
                       ::access(arguments.what.c_str(), R_OK) == 0;
  std::string before, after, from, to;
  bool hidden = false;
  if (is_file) {
    TableArguments tables;
    auto supports = tables.load_supports();
    if (!supports) return supports.error();
    auto config = load_campaign(arguments.what, *supports);
    if (!config) return config.error();
    after = config->text;
    to = arguments.what;
    auto kept = campaign_text(client, config->name, arguments.from);
    if (!kept && kept.error().code == ErrorCode::not_found && arguments.from == 0) {
      from = config->name + " (new)";
    } else if (!kept) {
      return kept.error();
    } else {
      before = kept->text;
      hidden = kept->hidden;
      from = fmt::format("{} version {}", config->name, kept->version);
    }
  } else {
    auto newer = campaign_text(client, arguments.what, arguments.to);
    if (!newer) return newer.error();
    const int newest = newer->version;
    if (arguments.from == 0 && newest == 1) {
      return Error{ErrorCode::invalid_argument, "the campaign has one version only", "",
                   arguments.what, "a file to compare it with"};
    }
    auto older =
        campaign_text(client, arguments.what, arguments.from == 0 ? newest - 1 : arguments.from);
    if (!older) return older.error();
    before = older->text;
    hidden = older->hidden || newer->hidden;
    after = newer->text;
    from = fmt::format("{} version {}", arguments.what, older->version);
    to = fmt::format("{} version {}", arguments.what, newer->version);
  }
  if (hidden) {
    session.say(
        "this token is not told where webhooks lead: their addresses are not compared as they are");
  }
  const std::string text = campaign::line_diff(before, after);
  if (before == after) session.say(fmt::format("{} and {} are the same", from, to));
  return session.show({{"from", from},
                       {"to", to},
                       {"equal", before == after},
                       {"diff", text},
                       {"addresses_hidden", hidden}},
                      before == after ? "" : fmt::format("--- {}\n+++ {}\n{}", from, to, text));
}

Status campaign_history(const VersionArguments& arguments, const Client& client, Session& session) {
  auto versions = client.get(address_of(arguments.what) + "/configs");
  if (!versions) return versions.error();
  Json events = Json::array();
  // What happened to the campaign itself; its results and proposals have their own lists.
  std::string after = "0";
  for (;;) {
    auto page = client.get(
        fmt::format("/v1/events?campaign={}&after={}&limit=1000", encode(arguments.what), after));
    if (!page) return page.error();
    if (list_of(*page, "events").empty()) break;
    for (const Json& event : list_of(*page, "events")) {
      const std::string object = field(event, "object");
      if (object == "campaign" || object == "model" || object == "batch") events.push_back(event);
    }
    after = field(*page, "last");
  }
  TextTable table({"when", "who", "what"});
  for (const Json& event : events) {
    const Json& detail = member(event, "detail");
    std::string what = field(event, "object") + " " + field(event, "verb");
    for (const char* name : {"version", "state", "reason", "proposals", "rows", "status"}) {
      if (!member(detail, name).is_null())
        what += fmt::format(", {} {}", name, field(detail, name));
    }
    table.add({field(event, "at"), field(event, "actor"), what});
  }
  return session.show({{"versions", member(*versions, "configs")}, {"events", std::move(events)}},
                      table);
}

Status export_campaign(const VersionArguments& arguments, const Client& client, Session& session) {
  auto kept = whole_text(client, arguments.what, arguments.to);
  if (!kept) return kept.error();
  if (!arguments.out.empty()) {
    if (auto written = write_file(arguments.out, kept->text); !written) return written;
    session.say(
        fmt::format("version {} of {} in {}", kept->version, arguments.what, arguments.out));
  } else if (!session.json) {
    session.print_data(kept->text);
  }
  if (!session.json) return {};
  return session.show({{"campaign", arguments.what},
                       {"version", kept->version},
                       {"media_type", kept->media_type},
                       {"text", kept->text}},
                      "");
}

// Every live value of the old campaign as a row of its own in the new one. Returns their number.
Result<std::size_t> copy_results(const std::string& from, const std::string& to,
                                 const Client& client) {
  std::size_t copied = 0;
  Json rows = Json::array();
  const auto flush = [&]() -> Status {
    if (rows.empty()) return {};
    copied += rows.size();
    const Json body = {{"source", "fork of " + from}, {"run", "fork"}, {"rows", rows}};
    rows = Json::array();
    auto answer = client.post(address_of(to) + "/measurements", body, new_key());
    return answer ? Status() : Status(answer.error());
  };
  auto status =
      client.each(address_of(from) + "/measurements?live=true&limit=1000", "measurements",
                  [&](const Json& item) -> Status {
                    Json row = {{"catalyst", {{"key", field(member(item, "catalyst"), "key")}}},
                                {"channel", field(item, "id")},
                                {"values", {{field(item, "property"), member(item, "value")}}}};
                    const Json& conditions = member(item, "conditions");
                    if (conditions.is_object() && !conditions.empty())
                      row["conditions"] = conditions;
                    if (!member(item, "kind").is_null()) row["kind"] = item["kind"];
                    rows.push_back(std::move(row));
                    return rows.size() < 500 ? Status() : flush();
                  });
  if (status) status = flush();
  if (!status) return status.error();
  return copied;
}

Status fork_campaign(const VersionArguments& arguments, const Client& client, Session& session) {
  if (const Status fine = campaign::check_campaign_name(arguments.new_name); !fine)
    return fine.error();
  auto kept = whole_text(client, arguments.what, arguments.to);
  if (!kept) return kept.error();
  if (client.get(address_of(arguments.new_name))) {
    return Error{ErrorCode::conflict, "there is a campaign of this name already", "",
                 arguments.new_name, "a new name"};
  }
  HttpRequest request;
  request.method = "POST";
  request.path = "/v1/campaigns";
  request.content_type = kept->media_type;
  request.body = renamed(kept->text, kept->media_type, arguments.new_name);
  if (request.body.empty()) {
    return Error{ErrorCode::bad_data, "the name was not found in the file's text", arguments.what,
                 "", "kasetsu campaign export, another name by hand, kasetsu campaign apply"};
  }
  auto made = client.request(request);
  if (!made) return made.error();
  std::size_t copied = 0;
  if (arguments.with_results) {
    const auto done = copy_results(arguments.what, arguments.new_name, client);
    if (!done) return done.error();
    copied = *done;
  }
  Json document = *made;
  document["results"] = copied;
  return session.show(document,
                      fmt::format("{}: {} from {} version {}{}\n", arguments.new_name,
                                  field(*made, "outcome"), arguments.what, kept->version,
                                  arguments.with_results ? ", " + counted(copied, "result") : ""));
}

}  // namespace kasetsu::cli
