// kasetsu token and kasetsu backup: who may ask the daemon, and copies of its database.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <memory>

#include "daemon/base/tokens.h"
#include "daemon/cli/program/answers.h"
#include "daemon/cli/program/commands.h"
#include "daemon/cli/program/daemon_command.h"

namespace kasetsu::cli {
namespace {

struct TokenArguments {
  std::string file;
  std::string name;
  std::vector<std::string> scopes;
  double expires_days = 0.0;
};

Json token_json(const Token& token) {
  return {{"name", token.name},
          {"scopes", token.scopes},
          {"created_at", format_time(token.created)},
          {"expires_at", token.expires ? Json(format_time(*token.expires)) : Json()}};
}

// The file as it is; one without tokens when there is none yet.
Result<TokenFile> open_or_begin(const std::string& path) {
  auto file = read_token_file(path);
  if (!file && file.error().code == ErrorCode::not_found) return TokenFile();
  return file;
}

Status create(const TokenArguments& arguments, Session& session) {
  auto file = open_or_begin(arguments.file);
  if (!file) return file.error();
  const Time now = system_now();
  std::optional<Time> expires;
  if (arguments.expires_days > 0.0) {
    expires = now + Duration(static_cast<std::int64_t>(arguments.expires_days * 86.4e9));
  }
  auto secret = file->create(arguments.name, arguments.scopes, expires, now);
  if (!secret) return secret.error();
  if (auto status = write_token_file(arguments.file, *file); !status) return status;
  Json document = token_json(file->tokens().back());
  document["token"] = *secret;
  session.say(fmt::format("token \"{}\" is in {}; it is shown only now, and counts from now on",
                          arguments.name, arguments.file));
  return session.show(document, *secret + "\n");
}

Status list(const TokenArguments& arguments, Session& session) {
  auto file = read_token_file(arguments.file);
  if (!file) return file.error();
  Json tokens = Json::array();
  TextTable table({"token", "scopes", "created", "expires"});
  for (const Token& token : file->tokens()) {
    tokens.push_back(token_json(token));
    table.add({token.name, fmt::format("{}", fmt::join(token.scopes, ",")),
               format_time(token.created), token.expires ? format_time(*token.expires) : "never"});
  }
  return session.show({{"tokens", std::move(tokens)}}, table);
}

Status revoke(const TokenArguments& arguments, Session& session) {
  auto file = read_token_file(arguments.file);
  if (!file) return file.error();
  if (auto status = file->revoke(arguments.name); !status) return status.error().in(arguments.file);
  if (auto status = write_token_file(arguments.file, *file); !status) return status;
  session.say(fmt::format("token \"{}\" is revoked, and no longer counts", arguments.name));
  return session.show({{"revoked", arguments.name}}, "");
}

struct BackupArguments {};

Status backup(const BackupArguments&, const Client& client, Session& session) {
  auto answer = client.post("/v1/admin:backup", Json::object());
  if (!answer) return answer.error();
  return session.show(*answer, field(*answer, "path") + "\n");
}

}  // namespace

void add_token(CLI::App& app, Session& session) {
  CLI::App* group =
      add_group(app, "token", "tokens of the daemon's clients", "Operation",
                "  kasetsu token create robot-1 --scope results --file /etc/kasetsud/tokens\n"
                "  kasetsu token list --file /etc/kasetsud/tokens");
  auto arguments = std::make_shared<TokenArguments>();
  const auto add = [&](const std::string& name, const std::string& summary,
                       const std::string& examples, auto run) {
    CLI::App* command = add_command(*group, session, name, summary, examples);
    command->add_option("--file", arguments->file, "the daemon's token file ([tokens] file)")
        ->required();
    run_when_chosen(*command, session, arguments, run);
    return command;
  };
  CLI::App* command =
      add("create", "make a token; it is shown once and only its hash is kept",
          "  kasetsu token create robot-1 --scope results --file /etc/kasetsud/tokens", create);
  command->add_option("NAME", arguments->name, "who will use it")->required();
  command
      ->add_option("--scope", arguments->scopes,
                   "read, results (post results, claim proposals), campaigns (apply, steer, "
                   "retrain) or admin")
      ->required()
      ->check(CLI::IsMember(token_scopes()));
  command->add_option("--expires-days", arguments->expires_days, "days until it ends")
      ->check(CLI::PositiveNumber);
  add("list", "names, scopes and dates", "  kasetsu token list --file /etc/kasetsud/tokens", list);
  command = add("revoke", "end a token",
                "  kasetsu token revoke robot-1 --file /etc/kasetsud/tokens", revoke);
  command->add_option("NAME", arguments->name, "whose")->required();
}

void add_backup(CLI::App& app, Session& session) {
  add_daemon_command(app, session, std::make_shared<BackupArguments>(), "backup",
                     "a copy of the daemon's database, made while it runs", "  kasetsu backup",
                     backup)
      ->group("Operation");
}

}  // namespace kasetsu::cli
