// Which daemon the command line talks to: a flag, else the environment, else a file, else the
// daemon of this machine by its Unix socket, else by its port.
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>

#include "core/base/text.h"
#include "daemon/base/config_reader.h"
#include "daemon/base/data_files.h"
#include "daemon/campaign/file/campaign_file.h"
#include "daemon/cli/program/client.h"

namespace kasetsu::cli {
namespace {

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

// Whether somebody listens: a socket that a killed daemon left refuses.
bool answers(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return false;
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  const int file = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (file < 0) return false;
  const bool fine =
      ::connect(file, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  ::close(file);
  return fine;
}

Status read_client_file(const std::string& path, Connection& connection) {
  const Result<std::string> text = read_file(path);
  if (!text) return text.error();
  const Result<ConfigNode> root = read_tree(*text, path, kToml);
  if (!root) return root.error();
  std::string url, token_file, ca_file;
  ConfigReader reader(path);
  reader.read_table(*root, "",
                    {{"url", config_value::text(url)},
                     {"token_file", config_value::text(token_file)},
                     {"ca_file", config_value::text(ca_file)}});
  if (const Status read = reader.status(); !read) return read;
  if (connection.url.empty() && !url.empty()) {
    connection.url_from = path;
    connection.url = url;
  }
  if (connection.token_file.empty() && connection.token.empty()) connection.token_file = token_file;
  if (connection.ca_file.empty()) connection.ca_file = ca_file;
  return {};
}

}  // namespace

std::vector<std::string> client_files() {
  std::vector<std::string> files;
  if (const std::string named = environment("KASETSU_CONFIG"); !named.empty()) return {named};
  std::string home = environment("XDG_CONFIG_HOME");
  if (home.empty() && !environment("HOME").empty()) home = environment("HOME") + "/.config";
  if (!home.empty()) files.push_back(home + "/kasetsu/client.toml");
  files.emplace_back("/etc/kasetsu/client.toml");
  return files;
}

Result<Connection> find_connection(const ConnectionArguments& arguments) {
  Connection connection;
  connection.url = arguments.url;
  connection.url_from = "--url";
  if (connection.url.empty()) {
    connection.url = environment("KASETSU_URL");
    connection.url_from = "KASETSU_URL";
  }
  connection.token_file = arguments.token_file;
  if (connection.token_file.empty()) connection.token = environment("KASETSU_TOKEN");
  connection.ca_file = environment("KASETSU_CA_FILE");
  const bool named = !environment("KASETSU_CONFIG").empty();
  for (const std::string& file : client_files()) {
    if (!named && ::access(file.c_str(), F_OK) != 0) continue;
    if (const Status read = read_client_file(file, connection); !read) return read.error();
  }
  if (connection.url.empty()) {
    for (const std::string& path : unix_socket_paths()) {
      if (!answers(path)) continue;
      connection.url = "unix:" + path;
      connection.url_from = "the daemon's socket";
      break;
    }
  }
  if (connection.url.empty()) {
    connection.url = kDefaultUrl;
    connection.url_from = "the default";
  }
  while (connection.url.ends_with('/')) connection.url.pop_back();
  return connection;
}

}  // namespace kasetsu::cli
