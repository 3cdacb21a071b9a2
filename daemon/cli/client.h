// Requests to the daemon.
#pragma once

#include <CLI/App.hpp>
#include <functional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/result.h"
#include "daemon/cli/session.h"

namespace kasetsu::cli {

// --url, --token-file and their environment: KASETSU_URL, KASETSU_TOKEN. A URL unix:/PATH is a Unix
// socket.
struct ConnectionArguments {
  std::string url;         // empty: KASETSU_URL, else http://127.0.0.1:8765
  std::string token_file;  // empty: KASETSU_TOKEN, else no token
  void add_to(CLI::App& command);
};

struct HttpResponse {
  long status = 0;
  std::string content_type;
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

  const std::string& url() const { return url_; }

 private:
  std::string url_;
  std::string socket_;  // path of a Unix socket; empty: none
  std::string token_;
  std::stop_token stop_;
};

// A part of a path or query, percent-encoded (RFC 3986: all but unreserved characters).
std::string encode(std::string_view text);

// A new idempotency key: 128 random bits.
std::string new_key();

}  // namespace kasetsu::cli
