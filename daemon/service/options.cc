#include "daemon/service/options.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <filesystem>

#include "core/base/text.h"
#include "daemon/base/data_files.h"

namespace kasetsu {

std::optional<int> read_arguments(int argc, char** argv, DaemonArguments& arguments) {
  CLI::App app{"Kasetsu's daemon: takes in results, learns, proposes the next catalysts.",
               "kasetsud"};
  app.add_option("--config", arguments.config_file, "configuration file (TOML)");
  app.add_option("--data-dir", arguments.data_dir, "folder of the database and its backups");
  app.add_option("--listen", arguments.listen,
                 "address and port, such as 127.0.0.1:8765; port 0: any");
  app.add_option("--port-file", arguments.port_file,
                 "write the port there once requests are taken");
  app.add_option("--unix-socket", arguments.unix_socket, "listen on a Unix socket, too");
  app.add_option("--threads", arguments.threads, "threads of the search (0: all processors)")
      ->check(CLI::Range(0u, 1'024u));
  app.add_option("--log-level", arguments.log_level, "how much to log")
      ->check(CLI::IsMember({"trace", "debug", "info", "warn", "error"}));
  app.add_flag("--check-config", arguments.check_config, "read the configuration and end");
  app.add_flag("--check-security", arguments.check_security,
               "say as JSON how safe the installation is, and end (kasetsu doctor --security)");
  app.set_version_flag("--version", fmt::format("kasetsud {}", KASETSU_VERSION));
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const int code = app.exit(error);
    return code == 0 ? 0 : 2;
  }
  return {};
}

Result<DaemonConfig> read_config(const DaemonArguments& arguments) {
  DaemonConfig config;
  if (!arguments.config_file.empty()) {
    const auto text = read_file(arguments.config_file);
    if (!text) return text.error();
    auto parsed = parse_daemon_config(*text, arguments.config_file);
    if (!parsed) return parsed.error();
    config = std::move(*parsed);
  }
  if (!arguments.data_dir.empty()) config.data_dir = arguments.data_dir;
  if (!arguments.unix_socket.empty()) config.unix_socket = arguments.unix_socket;
  if (!arguments.log_level.empty()) config.log_level = arguments.log_level;
  if (arguments.threads) config.threads = *arguments.threads;
  if (!arguments.listen.empty()) {
    const auto colon = arguments.listen.rfind(':');
    const auto port = colon == std::string::npos
                          ? std::nullopt
                          : parse_number(std::string_view(arguments.listen).substr(colon + 1));
    if (!port || *port < 0 || *port > 65'535 || *port != static_cast<int>(*port)) {
      return Error{ErrorCode::invalid_argument, "no address and port", "--listen", arguments.listen,
                   "such as 127.0.0.1:8765 or [::1]:8765"};
    }
    config.address = arguments.listen.substr(0, colon);
    if (config.address.size() > 2 && config.address.front() == '[') {
      config.address = config.address.substr(1, config.address.size() - 2);
    }
    config.port = static_cast<std::uint16_t>(*port);
  }
  if (config.backup_dir.empty()) {
    config.backup_dir = (std::filesystem::path(config.data_dir) / "backups").string();
  }
  const Status valid = config.validate();
  if (!valid) return valid.error();
  return config;
}

}  // namespace kasetsu
