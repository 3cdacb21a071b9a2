#include "daemon/jobs/webhook.h"

#include <curl/curl.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

namespace kasetsu {
namespace {

// The beginning of the answer is kept; more than a little of it is not read.
struct AnswerBody {
  std::string text;
  std::size_t bytes = 0;
};
std::size_t keep_body(char* data, std::size_t size, std::size_t count, void* kept) {
  constexpr std::size_t kMostKept = 4096, kMostRead = 64 * 1024;
  auto& body = *static_cast<AnswerBody*>(kept);
  body.bytes += size * count;
  body.text.append(data, std::min(size * count, kMostKept - body.text.size()));
  return body.bytes > kMostRead ? 0 : size * count;
}

// libcurl asks about once a second, also where nothing arrives.
int is_stopped(void* stop, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return static_cast<const std::stop_token*>(stop)->stop_requested() ? 1 : 0;
}

}  // namespace

Result<jobs::WebhookAnswer> post_webhook(const jobs::WebhookRequest& request,
                                         const std::stop_token& stop) {
  static const CURLcode ready = curl_global_init(CURL_GLOBAL_DEFAULT);
  struct Close {
    void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
    void operator()(curl_slist* list) const { curl_slist_free_all(list); }
  };
  const std::unique_ptr<CURL, Close> handle(ready == CURLE_OK ? curl_easy_init() : nullptr);
  if (!handle) return Error{ErrorCode::internal, "libcurl cannot be started", "", "", ""};
  curl_slist* lines = nullptr;
  for (const auto& [name, value] : request.headers) {
    curl_slist* longer = curl_slist_append(lines, (name + ": " + value).c_str());
    if (longer != nullptr) lines = longer;
  }
  const std::unique_ptr<curl_slist, Close> headers(lines);
  CURL* curl = handle.get();
  AnswerBody body;
  char reason[CURL_ERROR_SIZE] = "";
  curl_easy_setopt(curl, CURLOPT_URL, request.url.c_str());
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers.get());
  curl_easy_setopt(curl, CURLOPT_USERAGENT, "kasetsud");
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, 5'000L);
  curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, 15'000L);
  curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, is_stopped);
  curl_easy_setopt(curl, CURLOPT_XFERINFODATA, &stop);
  curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, reason);
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, keep_body);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &body);
  curl_easy_setopt(curl, CURLOPT_POST, 1L);
  curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request.body.data());
  curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
  const CURLcode outcome = curl_easy_perform(curl);
  long status = 0;
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
  if (outcome != CURLE_OK && status == 0) {
    return Error{ErrorCode::unavailable, reason[0] != '\0' ? reason : curl_easy_strerror(outcome),
                 "", "", ""};
  }
  return jobs::WebhookAnswer{static_cast<int>(status), std::move(body.text)};
}

}  // namespace kasetsu
