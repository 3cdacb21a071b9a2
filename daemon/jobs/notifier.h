// Tells people what happened: reads the events, makes the messages that campaign files ask for, and
// posts them, again with growing pauses when that fails. What waits and what was given up on is
// kept in the database's settings, so that a restart loses nothing.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "core/base/result.h"
#include "daemon/base/json.h"
#include "daemon/base/ulid.h"
#include "daemon/campaign/file/campaign_file.h"
#include "daemon/campaign/records/store_port.h"

namespace kasetsu::jobs {

// One request, ready to be sent.
struct WebhookRequest {
  std::string url;
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers;
};

struct WebhookAnswer {
  int status = 0;
  std::string text;  // the beginning of its body
};
// The status that counts: Teams answers 200 and tells in the text that it could not post ("failed
// with HTTP error 413").
int told_status(const WebhookAnswer& answer);

struct NotifierOptions {
  // Hosts that may be told, exactly as in the addresses; empty: nobody is told anything.
  std::vector<std::string> hosts;
  // The key of a signature by the name of its file. Errors: not_found and the like.
  std::function<Result<std::string>(const std::string& name)> read_secret;
  // Posts, and returns the answer; ends early when it is asked to stop. Errors: no answer.
  std::function<Result<WebhookAnswer>(const WebhookRequest& request, const std::stop_token& stop)>
      send;
  std::function<Result<campaign::CampaignConfig>(const campaign::CampaignVersion& version)> decode;
  std::chrono::milliseconds look_every{1'000};
};

// Pauses before the second and later attempts; after the last one the message is given up on.
inline constexpr std::chrono::seconds kWebhookPauses[] = {
    std::chrono::seconds(30), std::chrono::minutes(2), std::chrono::minutes(10),
    std::chrono::minutes(60), std::chrono::hours(4),   std::chrono::hours(12),
    std::chrono::hours(24)};
inline constexpr std::size_t kMostWaitingMessages = 1'000;
inline constexpr std::size_t kMostGivenUpMessages = 200;

// The message of an event for a hook, in plain words, without and with names of catalysts; empty:
// the hook does not ask for this event. Public for the tests.
struct Message {
  std::string kind;  // "batch", "hit", "model", "stopped", "failed"
  std::string text;
  Json detail = Json::object();
};
std::optional<Message> message_of(const campaign::Reader& reader,
                                  const campaign::CampaignConfig& config,
                                  const campaign::Campaign& campaign, const campaign::Event& event,
                                  bool compositions);

// Body and content type for the hook's kind. `id` names the message for the receiver.
WebhookRequest make_request(const campaign::Webhook& hook, const Message& message,
                            const std::string& campaign, const std::string& id, Time at);
// Adds webhook-id, webhook-timestamp and webhook-signature ("v1," and the base64 of
// HMAC-SHA256(key, "id.timestamp.body"); standardwebhooks.com) for generic hooks.
void sign(WebhookRequest& request, const std::string& key, const std::string& id, Time at);

// What waits and what was given up on: {"waiting": [...], "given_up": [...]} with campaign, kind,
// host, text, attempts, last_error, at; without secrets. campaign empty: of all.
Json notifications_json(const campaign::Reader& reader, const std::string& campaign);

class Notifier {
 public:
  // Everything given outlives the notifier.
  Notifier(campaign::Database& database, Clock clock, UlidSource& ids, NotifierOptions options);
  ~Notifier();  // stop()
  void start();
  void stop();

  // One look: new events become messages, due messages are sent. Returns how many were delivered.
  // Errors: those of the database. Asked to stop, it leaves the rest for the next start.
  Result<int> look(const std::stop_token& stop = {});

 private:
  void run(const std::stop_token& stop);
  Status collect();
  // Campaigns that have webhooks, by name.
  std::map<std::string, campaign::CampaignConfig> hooked(const campaign::Reader& reader);
  Result<int> deliver(const std::stop_token& stop);
  // A message after one attempt.
  struct Attempt {
    Json item;
    std::string error;   // empty: it was delivered
    bool final = false;  // it is given up on
  };
  Attempt attempt(const Json& kept, Time now, const std::stop_token& stop) const;
  Status write_down(const Attempt& attempt, Time now);
  // What nobody is told any more: kept for people to see, the newest ones.
  void give_up(campaign::Transaction& tx, const std::vector<Json>& items, Time now);

  campaign::Database& database_;
  Clock clock_;
  UlidSource& ids_;
  NotifierOptions options_;
  // Attempts whose outcome could not be written, by the message's id: nobody is told twice because
  // the disk is full.
  std::map<std::string, Attempt> unwritten_;
  // Texts are decoded once a version; by id and version.
  std::map<std::pair<std::string, std::int64_t>, std::optional<campaign::CampaignConfig>> configs_;
  std::jthread thread_;
};

}  // namespace kasetsu::jobs
