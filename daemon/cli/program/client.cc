#include "daemon/cli/program/client.h"

#include <curl/curl.h>
#include <fmt/format.h>
#include <sys/random.h>

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <memory>

#include "core/base/text.h"
#include "daemon/base/data_files.h"

namespace kasetsu::cli {
namespace {

constexpr std::size_t kLargestAnswer = std::size_t{1} << 30;

// libcurl's types are all void.
struct HandleDeleter {
  void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
};
struct ShareDeleter {
  void operator()(CURLSH* share) const { curl_share_cleanup(share); }
};
struct ListDeleter {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using Handle = std::unique_ptr<CURL, HandleDeleter>;

// Connections are kept for the next request of this thread: over TLS a list of many pages would
// need a handshake for each. Null: libcurl cannot be started.
CURLSH* kept_connections() {
  static const CURLcode ready = curl_global_init(CURL_GLOBAL_DEFAULT);
  static thread_local const std::unique_ptr<CURLSH, ShareDeleter> kept([]() -> CURLSH* {
    if (ready != CURLE_OK) return nullptr;
    std::unique_ptr<CURLSH, ShareDeleter> share(curl_share_init());
    const bool shares = share && curl_share_setopt(share.get(), CURLSHOPT_SHARE,
                                                   CURL_LOCK_DATA_CONNECT) == CURLSHE_OK;
    return shares ? share.release() : nullptr;
  }());
  return kept.get();
}

// One handle a request: libcurl before 8.1.1 (its issue 11101) keeps a pointer to the last header
// of the request before in a handle that is used again, and reads through it where an answer begins
// with a folded header.
Handle new_handle() {
  CURLSH* const connections = kept_connections();
  Handle handle(connections == nullptr ? nullptr : curl_easy_init());
  if (handle) curl_easy_setopt(handle.get(), CURLOPT_SHARE, connections);
  return handle;
}

std::size_t append_body(char* data, std::size_t size, std::size_t count, void* target) {
  auto& body = *static_cast<std::string*>(target);
  if (body.size() + size * count > kLargestAnswer) return 0;
  body.append(data, size * count);
  return size * count;
}

int stop_when_asked(void* token, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return static_cast<const std::stop_token*>(token)->stop_requested() ? 1 : 0;
}

// A host of this machine is asked directly, whatever http_proxy says (cron inherits it).
bool is_loopback(std::string_view url) {
  const std::size_t scheme = url.find("://");
  std::string_view host = url.substr(scheme == std::string_view::npos ? 0 : scheme + 3);
  host = host.substr(0, host.find('/'));
  host = host.substr(host.find('@') == std::string_view::npos ? 0 : host.find('@') + 1);
  host =
      host.starts_with('[') ? host.substr(0, host.find(']') + 1) : host.substr(0, host.find(':'));
  return host == "localhost" || host.ends_with(".localhost") || host.starts_with("127.") ||
         host == "[::1]";
}

// Whether arrays and objects lie deeper in each other than any answer of a daemon: reading them is
// safe, copying and printing them would overflow the stack.
bool too_deep(std::string_view json) {
  constexpr int kDeepest = 100;
  int depth = 0;
  bool text = false;
  for (std::size_t i = 0; i < json.size(); ++i) {
    const char c = json[i];
    if (text) {
      if (c == '\\') ++i;
      if (c == '"') text = false;
    } else if (c == '"') {
      text = true;
    } else if (c == '[' || c == '{') {
      if (++depth > kDeepest) return true;
    } else if (c == ']' || c == '}') {
      --depth;
    }
  }
  return false;
}

ErrorCode code_of(long status, const std::string& word) {
  for (const ErrorCode code :
       {ErrorCode::invalid_argument, ErrorCode::bad_data, ErrorCode::not_found, ErrorCode::conflict,
        ErrorCode::unprocessable, ErrorCode::busy, ErrorCode::cancelled, ErrorCode::storage_full,
        ErrorCode::storage_failed, ErrorCode::unavailable}) {
    // What the daemon calls a wrong argument came from a file or a name, not from a flag of this
    // program; what it lacks (its broker, say) is not the daemon itself.
    if (word == to_string(code)) {
      return code == ErrorCode::invalid_argument ? ErrorCode::bad_data
             : code == ErrorCode::unavailable    ? ErrorCode::internal
             : code == ErrorCode::cancelled      ? ErrorCode::conflict
                                                 : code;
    }
  }
  if (status == 404) return ErrorCode::not_found;
  if (status == 429 || status == 503) return ErrorCode::busy;
  if (status == 409 || status == 412) return ErrorCode::conflict;
  if (status == 400 || status == 413 || status == 415 || status == 422) return ErrorCode::bad_data;
  return ErrorCode::internal;
}

// A problem document (RFC 9457) in one line.
Error error_of(const HttpResponse& response, const std::string& url) {
  const Json document = read_json(response.body);
  std::string detail;
  std::string word;
  if (document.is_object()) {
    for (const char* name : {"title", "detail"}) {
      if (document.contains(name) && document[name].is_string()) detail = document[name];
    }
    if (document.contains("code") && document["code"].is_string()) word = document["code"];
  }
  if (response.status >= 300 && response.status < 400) {
    return {ErrorCode::unavailable,
            fmt::format(
                "{} answers that the daemon is elsewhere ({}{}); redirects are not followed, "
                "because the token would go with them",
                url, response.status, response.location.empty() ? "" : ", " + response.location),
            "", "", "the daemon's own address in --url or KASETSU_URL"};
  }
  if (response.status == 401 || response.status == 403) {
    detail = fmt::format("{} refuses: {}", url, detail.empty() ? "no right to do this" : detail);
    return {ErrorCode::conflict, detail, "", "", "a token in KASETSU_TOKEN or --token-file"};
  }
  if (detail.empty()) {
    detail = fmt::format("{} answered with status {}", url, response.status);
  }
  return {code_of(response.status, word), detail, "", "", ""};
}

// Why there is no answer.
Error error_of(CURLcode outcome, std::string_view reason, const std::string& url) {
  switch (outcome) {
    case CURLE_ABORTED_BY_CALLBACK:
      return {ErrorCode::cancelled, "interrupted", "", "", ""};
    case CURLE_COULDNT_CONNECT:
    case CURLE_COULDNT_RESOLVE_HOST:
      return {
          ErrorCode::unavailable, fmt::format("no daemon listens at {}", url), "", "",
          "a daemon there: start one with `kasetsud --data-dir ~/kasetsu` (a service: `systemctl "
          "start kasetsud`), or name another address in --url or KASETSU_URL; `kasetsu doctor` "
          "says more"};
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
      return {ErrorCode::unavailable,
              fmt::format("the certificate of {} is not trusted: {}", url, reason), "", "",
              "the certificate of who signed it, as ca_file in client.toml or in KASETSU_CA_FILE"};
    default:
      return {ErrorCode::unavailable,
              fmt::format("no answer from {}: {}", url,
                          reason.empty() ? curl_easy_strerror(outcome) : reason),
              "", "", ""};
  }
}

}  // namespace

Json read_json(std::string_view text) {
  if (too_deep(text)) return Json(Json::value_t::discarded);
  return Json::parse(text, nullptr, false);
}

Result<Client> Client::connect(const ConnectionArguments& arguments, std::stop_token stop) {
  Client client;
  client.stop_ = std::move(stop);
  const Result<Connection> connection = find_connection(arguments);
  if (!connection) return connection.error();
  client.url_ = connection->url;
  client.ca_file_ = connection->ca_file;
  if (client.url_.starts_with("unix:/")) {
    client.socket_ = client.url_.substr(5);
  } else if (!client.url_.starts_with("http://") && !client.url_.starts_with("https://")) {
    return Error{ErrorCode::invalid_argument, "not the address of a daemon", connection->url_from,
                 client.url_, "http://HOST:PORT, https://HOST:PORT or unix:/PATH"};
  }
  if (!connection->token_file.empty()) {
    auto text = read_file(connection->token_file);
    if (!text) return text.error();
    client.token_ = trim(*text);
  } else {
    client.token_ = trim(connection->token);
  }
  for (const char c : client.token_) {
    if (c > 0x20 && c < 0x7f) continue;
    return Error{ErrorCode::invalid_argument, "the token holds a space or a control character",
                 connection->token_file.empty() ? "KASETSU_TOKEN" : connection->token_file, "",
                 "one line with the token"};
  }
  return client;
}

Result<HttpResponse> Client::send(const HttpRequest& request) const {
  HttpResponse response;
  std::unique_ptr<curl_slist, ListDeleter> headers;
  const auto header = [&](const std::string& line) {
    curl_slist* longer = curl_slist_append(headers.get(), line.c_str());
    if (longer != nullptr) {
      static_cast<void>(headers.release());
      headers.reset(longer);
    }
  };
  header("Accept: application/json");
  header("Expect:");
  if (!token_.empty()) header("Authorization: Bearer " + token_);
  if (!request.content_type.empty()) header("Content-Type: " + request.content_type);
  if (!request.idempotency_key.empty()) header("Idempotency-Key: " + request.idempotency_key);

  const std::string address = (socket_.empty() ? url_ : "http://localhost") + request.path;
  char reason[CURL_ERROR_SIZE] = "";
  // The last to be made, the first to go: it is told of what stands above.
  const Handle handle = new_handle();
  CURL* const curl = handle.get();
  if (curl == nullptr) return Error{ErrorCode::internal, "libcurl cannot be started", "", "", ""};
  curl_easy_setopt(curl, CURLOPT_URL, address.c_str());
  if (!socket_.empty()) curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, socket_.c_str());
  if (is_loopback(address)) curl_easy_setopt(curl, CURLOPT_PROXY, "");
  if (!ca_file_.empty()) curl_easy_setopt(curl, CURLOPT_CAINFO, ca_file_.c_str());
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers.get());
  curl_easy_setopt(curl, CURLOPT_USERAGENT, "kasetsu/" KASETSU_VERSION);
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, 10'000L);
  curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, 300'000L);
  curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, reason);
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, append_body);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &response.body);
  curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, stop_when_asked);
  curl_easy_setopt(curl, CURLOPT_XFERINFODATA, &stop_);
  if (request.method != "GET") {
    curl_easy_setopt(curl, CURLOPT_POST, 1L);
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request.method.c_str());
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request.body.data());
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE,
                     static_cast<curl_off_t>(request.body.size()));
  }
  const CURLcode outcome = curl_easy_perform(curl);
  if (outcome != CURLE_OK) return error_of(outcome, reason, url_);
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &response.status);
  const char* type = nullptr;
  curl_easy_getinfo(curl, CURLINFO_CONTENT_TYPE, &type);
  if (type != nullptr) response.content_type = type;
  const char* location = nullptr;
  curl_easy_getinfo(curl, CURLINFO_REDIRECT_URL, &location);
  if (location != nullptr) response.location = location;
  return response;
}

Result<Json> Client::request(const HttpRequest& request, long* status) const {
  auto response = send(request);
  if (!response) return response.error();
  if (status != nullptr) *status = response->status;
  if (response->status < 200 || response->status > 299) return error_of(*response, url_);
  if (response->body.empty()) return Json::object();
  Json document = read_json(response->body);
  if (document.is_discarded()) {
    return Error{ErrorCode::unavailable,
                 fmt::format("the answer of {} is not JSON that a daemon of Kasetsu sends", url_),
                 "", "", ""};
  }
  return document;
}

Result<Json> Client::get(const std::string& path) const {
  HttpRequest request;
  request.path = path;
  return this->request(request);
}

Result<Json> Client::post(const std::string& path, const Json& body,
                          const std::string& idempotency_key) const {
  HttpRequest request;
  request.method = "POST";
  request.path = path;
  request.body = body.dump(-1, ' ', false, Json::error_handler_t::replace);
  request.content_type = "application/json";
  request.idempotency_key = idempotency_key;
  return this->request(request);
}

Status Client::each(const std::string& path, const std::string& member,
                    const std::function<Status(const Json&)>& each) const {
  std::string page;
  do {
    std::string address = path;
    if (!page.empty()) {
      address +=
          (path.find('?') == std::string::npos ? "?page_token=" : "&page_token=") + encode(page);
    }
    auto answer = get(address);
    if (!answer) return answer.error();
    if (!answer->is_object() || !answer->contains(member) || !(*answer)[member].is_array()) {
      return Error{ErrorCode::unavailable,
                   fmt::format("the answer of {} has no list \"{}\"", url_, member), "", "", ""};
    }
    for (const Json& item : (*answer)[member]) {
      if (auto status = each(item); !status) return status;
    }
    std::string next;
    if (answer->contains("next_page_token") && (*answer)["next_page_token"].is_string()) {
      next = (*answer)["next_page_token"].get<std::string>();
    }
    // Somebody who answers every request alike would be asked for ever.
    if (!next.empty() && next == page) {
      return Error{ErrorCode::unavailable,
                   fmt::format("{} names the page that it sent as the next one", url_), "", "", ""};
    }
    page = std::move(next);
  } while (!page.empty());
  return {};
}

Result<Json> Client::list(const std::string& path, const std::string& member) const {
  Json items = Json::array();
  const Status read = each(path, member, [&](const Json& item) {
    items.push_back(item);
    return Status();
  });
  if (!read) return read.error();
  return items;
}

std::string address_of(std::string_view campaign) {
  return "/v1/campaigns/" + encode(campaign);
}

std::string query(const std::vector<std::pair<std::string, std::string>>& parameters) {
  std::string text;
  for (const auto& [name, value] : parameters) {
    if (value.empty()) continue;
    text += (text.empty() ? "?" : "&") + name + "=" + encode(value);
  }
  return text;
}

std::string encode(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '.' || c == '_' || c == '~';
    if (plain) {
      out += c;
    } else {
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return out;
}

std::string new_key() {
  unsigned char bytes[16];
  KASETSU_ASSERT(::getrandom(bytes, sizeof bytes, 0) == static_cast<ssize_t>(sizeof bytes));
  std::string out;
  for (const unsigned char byte : bytes) out += fmt::format("{:02x}", byte);
  return out;
}

}  // namespace kasetsu::cli
