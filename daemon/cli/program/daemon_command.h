// A command that asks the daemon: the options of the connection, and the client that it runs with.
#pragma once

#include <memory>
#include <string>

#include "daemon/cli/program/arguments.h"
#include "daemon/cli/program/client.h"

namespace kasetsu::cli {

// run(arguments, client, session) returns a Status.
template <typename Arguments, typename Run>
CLI::App* add_daemon_command(CLI::App& group, Session& session,
                             const std::shared_ptr<Arguments>& arguments, const std::string& name,
                             const std::string& summary, const std::string& examples, Run run) {
  CLI::App* command = add_command(group, session, name, summary, examples);
  add_connection(*command, session);
  const auto ask = [run](const Arguments& chosen, Session& with) -> Status {
    auto client = Client::connect(with.connection, with.stop());
    if (!client) return client.error();
    return run(chosen, *client, with);
  };
  run_when_chosen(*command, session, arguments, ask);
  return command;
}

}  // namespace kasetsu::cli
