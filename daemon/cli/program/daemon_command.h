// A command of a group that talks to the daemon: the options of the connection and the action,
// written once.
#pragma once

#include <memory>
#include <string>

#include "daemon/cli/program/arguments.h"
#include "daemon/cli/program/client.h"

namespace kasetsu::cli {

// Arguments has a member `connection`; run(arguments, session) returns a Status.
template <typename Arguments, typename Run>
CLI::App* add_daemon_command(CLI::App& group, Session& session,
                             const std::shared_ptr<Arguments>& arguments, const std::string& name,
                             const std::string& summary, const std::string& examples, Run run) {
  CLI::App* command = add_command(group, session, name, summary, examples);
  arguments->connection.add_to(*command);
  command->callback([arguments, &session, run] {
    session.action = [=, &session] { return run(*arguments, session); };
  });
  return command;
}

}  // namespace kasetsu::cli
