// Requests to the daemon.
#pragma once

#include <CLI/App.hpp>
#include <functional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/result.h"
#include "daemon/cli/program/session.h"

namespace kasetsu::cli {

inline constexpr const char* kDefaultUrl = "http://127.0.0.1:8765";

// Where the daemon is and how to ask it.
struct Connection {
  std::string url;       // http://, https:// or unix:/PATH of a Unix socket
  std::string url_from;  // "--url", "KASETSU_URL", a file, ...
  std::string token_file;
  std::string token;    // of KASETSU_TOKEN
  std::string ca_file;  // PEM of who signed the daemon's certificate; empty: the system's
};

// First what is on the command line, then KASETSU_URL, KASETSU_TOKEN, KASETSU_CA_FILE, then the
// keys url, token_file and ca_file of client_files(), then a Unix socket of this machine that
// answers, then kDefaultUrl. Errors: bad_data of a file with its line; not_found when
// KASETSU_CONFIG names none.
Result<Connection> find_connection(const ConnectionArguments& arguments);
// The files that are read, the first one counts most: $KASETSU_CONFIG alone where it is set, else
// client.toml in ~/.config/kasetsu and /etc/kasetsu.
std::vector<std::string> client_files();

struct HttpResponse {
  long status = 0;
  std::string content_type;
  std::string location;  // of a redirect, which is never followed
  std::string body;
};

struct HttpRequest {
  std::string method = "GET";
  std::string path;  // below the daemon's address, encoded: "/v1/campaigns"
  std::string body;
  std::string content_type;
  std::string idempotency_key;
};

class Client {
 public:
  // invalid_argument for an address that is none, or a token with line ends in it.
  static Result<Client> connect(const ConnectionArguments& arguments, std::stop_token stop);

  // Any answer of the daemon, whatever its status. Errors: unavailable (nobody listens, no answer),
  // cancelled.
  Result<HttpResponse> send(const HttpRequest& request) const;

  // The JSON of a 2xx answer; an error with the daemon's own words otherwise.
  Result<Json> get(const std::string& path) const;
  Result<Json> post(const std::string& path, const Json& body,
                    const std::string& idempotency_key = "") const;
  Result<Json> request(const HttpRequest& request, long* status = nullptr) const;

  // All pages of a list: `member` is the array's name in the answer. each: called item by item.
  Status each(const std::string& path, const std::string& member,
              const std::function<Status(const Json&)>& each) const;
  Result<Json> list(const std::string& path, const std::string& member) const;

  const std::string& url() const { return url_; }

 private:
  std::string url_;
  std::string socket_;  // path of a Unix socket; empty: none
  std::string token_;
  std::string ca_file_;
  std::stop_token stop_;
};

// A document from elsewhere; discarded where it is no JSON or nested deeper than any real one.
Json read_json(std::string_view text);
// "/v1/campaigns/NAME".
std::string address_of(std::string_view campaign);
// "?name=value&..." of those that are not empty; "" where all are.
std::string query(const std::vector<std::pair<std::string, std::string>>& parameters);
// A part of a path or query, percent-encoded (RFC 3986: all but unreserved characters).
std::string encode(std::string_view text);

// A new idempotency key: 128 random bits.
std::string new_key();

}  // namespace kasetsu::cli
