#include "daemon/jobs/notifier.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <condition_variable>
#include <map>
#include <mutex>

#include "core/base/text.h"
#include "daemon/base/digest.h"
#include "daemon/base/web_address.h"
#include "daemon/campaign/records/events.h"

namespace kasetsu::jobs {

using campaign::Reader;
using campaign::Transaction;

namespace {

constexpr const char* kSeen = "webhooks/seen";         // seq of the newest event that was looked at
constexpr const char* kWaiting = "webhooks/waiting";   // JSON list
constexpr const char* kGivenUp = "webhooks/given_up";  // JSON list, newest last

Json list_of(const Reader& reader, const char* setting) {
  const auto found = parse_json(reader.setting(setting));
  return found && found->is_array() ? *found : Json::array();
}

std::string host_of(const std::string& url) {
  const auto address = read_web_address(url);
  return address ? address->host : std::string();
}

bool is_allowed(const std::string& url, const std::vector<std::string>& entries) {
  const auto address = read_web_address(url);
  return address && std::any_of(entries.begin(), entries.end(), [&](const std::string& entry) {
           return is_listed(*address, entry);
         });
}

// In Slack's texts these three begin mentions and links; everybody is told where one says
// <!channel>.
std::string slack_text(std::string_view text) {
  std::string safe;
  for (const char c : text) {
    if (c == '&') {
      safe += "&amp;";
    } else if (c == '<') {
      safe += "&lt;";
    } else if (c == '>') {
      safe += "&gt;";
    } else {
      safe += c;
    }
  }
  return safe;
}

// The daemon does not go on trying where the receiver says that it is no use.
bool is_final(int status) {
  return status >= 400 && status < 500 && status != 408 && status != 425 && status != 429;
}

std::string event_kind(const campaign::Event& event) {
  if (event.object == "batch" && event.verb == "created") return "batch";
  if (event.object == "ingest" && event.verb == "committed") return "hit";
  if (event.object == "model" && event.verb == "created") return "model";
  if (event.object == "campaign" && (event.verb == "completed" || event.verb == "stopped"))
    return "stopped";
  if (event.object == "job" && event.verb == "failed") return "failed";
  return "";
}

std::string unit_text(const campaign::Target& target) {
  return target.unit.empty() ? "" : " " + target.unit;
}

std::optional<Message> hits_of(const Reader& reader, const campaign::CampaignConfig& config,
                               const campaign::Campaign& campaign, const campaign::Event& event,
                               bool compositions) {
  const campaign::Target& target = config.targets.front();
  if (!target.hit_threshold) return std::nullopt;
  campaign::MeasurementFilter filter;
  filter.property = target.name;
  filter.live_only = true;
  filter.ingest = event.id;
  int hits = 0;
  std::optional<campaign::Measurement> best;
  for (const campaign::Measurement& found :
       reader.measurements(campaign.key, filter, {0, 100'000})) {
    if (found.kind != campaign::SampleKind::catalyst) continue;
    if (!target.hit(found.value)) continue;
    ++hits;
    if (!best || target.aim.better(found.value, best->value)) best = found;
  }
  if (!best) return std::nullopt;
  Message message{
      "hit",
      fmt::format("{}: {} {} {} {:g}{}; the best is {:.4g}{}", campaign.name, hits,
                  hits == 1 ? "result" : "results",
                  target.aim.goal == planning::Goal::target ? "came as near as" : "reached",
                  *target.hit_threshold, unit_text(target), best->value, unit_text(target)),
      {{"hits", hits}, {"best", best->value}, {"property", target.name}}};
  if (compositions) {
    message.text += " (" + chemistry::describe_key(best->catalyst, config.composition.unit()) + ")";
    message.detail["catalyst"] = best->catalyst;
  }
  return message;
}

}  // namespace

std::optional<Message> message_of(const Reader& reader, const campaign::CampaignConfig& config,
                                  const campaign::Campaign& campaign, const campaign::Event& event,
                                  bool compositions) {
  const std::string kind = event_kind(event);
  const auto parsed = parse_json(event.detail);
  const Json detail = parsed && parsed->is_object() ? *parsed : Json::object();
  if (kind == "hit") return hits_of(reader, config, campaign, event, compositions);
  if (kind == "batch") {
    const auto count = detail.value("proposals", std::int64_t{0});
    Message message{kind,
                    fmt::format("{}: a batch of {} proposals is ready", campaign.name, count),
                    {{"batch", event.id}, {"proposals", count}}};
    if (compositions) {
      campaign::ProposalFilter filter;
      filter.batch = event.id;
      Json names = Json::array();
      std::string text;
      for (const campaign::Proposal& proposal :
           reader.proposals(campaign.key, filter, {0, 10'000})) {
        names.push_back(proposal.catalyst);
        text += (text.empty() ? "" : ", ") +
                chemistry::describe_key(proposal.catalyst, config.composition.unit());
      }
      message.text += ": " + text;
      message.detail["catalysts"] = std::move(names);
    }
    return message;
  }
  if (kind == "model") {
    const std::string property = detail.value("property", std::string());
    return Message{
        kind,
        fmt::format("{}: model {} of {} from {} measurements ({}), leave-one-out error "
                    "{:.4g}",
                    campaign.name, detail.value("version", 0), property, detail.value("rows", 0),
                    detail.value("status", std::string()), detail.value("mae_cv", 0.0)),
        {{"model", event.id}, {"property", property}}};
  }
  if (kind == "stopped") {
    const std::string reason = detail.value("reason", std::string());
    return Message{kind,
                   fmt::format("{}: the campaign was {}{}", campaign.name, event.verb,
                               reason.empty() ? "" : ": " + reason),
                   {{"state", detail.value("state", std::string())}, {"reason", reason}}};
  }
  if (kind == "failed") {
    // The error of a job may name a catalyst.
    const std::string error = compositions ? ": " + detail.value("error", std::string()) : "";
    return Message{kind,
                   fmt::format("{}: a job failed ({}){}", campaign.name,
                               detail.value("kind", std::string()), error),
                   {{"job", event.id}}};
  }
  return std::nullopt;
}

WebhookRequest make_request(const campaign::Webhook& hook, const Message& message,
                            const std::string& campaign, const std::string& id, Time at) {
  WebhookRequest request;
  request.url = hook.url;
  if (hook.kind == "ntfy") {
    request.body = message.text;
    request.headers = {{"Content-Type", "text/plain; charset=utf-8"},
                       {"Title", "Kasetsu: " + campaign},
                       {"Tags", message.kind}};
    return request;
  }
  Json body;
  if (hook.kind == "slack") {
    body = {{"text", slack_text(message.text)}};
  } else if (hook.kind == "teams") {
    Json block = {{"type", "TextBlock"}, {"text", message.text}, {"wrap", true}};
    Json card = {{"$schema", "http://adaptivecards.io/schemas/adaptive-card.json"},
                 {"type", "AdaptiveCard"},
                 {"version", "1.4"},
                 {"body", Json::array({std::move(block)})}};
    Json attachment = {{"contentType", "application/vnd.microsoft.card.adaptive"},
                       {"contentUrl", nullptr},
                       {"content", std::move(card)}};
    body = {{"type", "message"}, {"attachments", Json::array({std::move(attachment)})}};
  } else {
    body = {{"type", "kasetsu." + message.kind},
            {"id", id},
            {"timestamp", format_time(at)},
            {"campaign", campaign},
            {"text", message.text},
            {"data", message.detail}};
  }
  request.body = dump_json(body);
  request.headers = {{"Content-Type", "application/json"}};
  return request;
}

void sign(WebhookRequest& request, const std::string& key, const std::string& id, Time at) {
  const std::string seconds =
      std::to_string(std::chrono::floor<std::chrono::seconds>(at).time_since_epoch().count());
  const Digest digest = hmac_sha256(key, id + "." + seconds + "." + request.body);
  request.headers.emplace_back("webhook-id", id);
  request.headers.emplace_back("webhook-timestamp", seconds);
  request.headers.emplace_back("webhook-signature", "v1," + digest.base64());
}

Json notifications_json(const Reader& reader, const std::string& campaign) {
  const auto shown = [&](const char* setting) {
    Json list = Json::array();
    for (const Json& item : list_of(reader, setting)) {
      if (!campaign.empty() && item.value("campaign", std::string()) != campaign) continue;
      list.push_back({{"id", item.value("id", "")},
                      {"campaign", item.value("campaign", "")},
                      {"kind", item.value("kind", "")},
                      {"host", host_of(item.value("url", ""))},
                      {"text", item.value("text", "")},
                      {"attempts", item.value("attempts", 0)},
                      {"last_error", item.value("last_error", "")},
                      {"at", item.value("at", "")},
                      {"next_at", item.value("next_at", "")}});
    }
    return list;
  };
  return {{"waiting", shown(kWaiting)}, {"given_up", shown(kGivenUp)}};
}

Notifier::Notifier(campaign::Database& database, Clock clock, UlidSource& ids,
                   NotifierOptions options)
    : database_(database), clock_(std::move(clock)), ids_(ids), options_(std::move(options)) {
}

Notifier::~Notifier() {
  stop();
}

void Notifier::start() {
  thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

void Notifier::stop() {
  thread_.request_stop();
  if (thread_.joinable()) thread_.join();
}

void Notifier::run(const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any never;
  std::unique_lock lock(mutex);
  while (!stop.stop_requested()) {
    try {
      if (const auto done = look(stop); !done)
        spdlog::error("notifications: {}", done.error().to_string());
    } catch (const std::exception& error) {
      spdlog::error("notifications: {}", error.what());
    }
    // Events come by the thousand; a message a second late harms nobody.
    never.wait_for(lock, stop, options_.look_every, [] { return false; });
  }
}

Result<int> Notifier::look(const std::stop_token& stop) {
  if (const Status collected = collect(); !collected) return collected.error();
  return deliver(stop);
}

std::map<std::string, campaign::CampaignConfig> Notifier::hooked(const Reader& reader) {
  std::map<std::string, campaign::CampaignConfig> found;
  decltype(configs_) still_there;
  for (const campaign::Campaign& campaign : reader.campaigns()) {
    auto known = configs_.extract({campaign.id, campaign.version});
    if (known.empty()) {
      const auto version = reader.campaign_version(campaign.key, campaign.version);
      auto decoded =
          version
              ? options_.decode(*version)
              : Result<campaign::CampaignConfig>(Error{ErrorCode::internal, "no text", "", "", ""});
      known =
          configs_.extract(configs_
                               .emplace(std::pair(campaign.id, campaign.version),
                                        decoded ? std::optional(std::move(*decoded)) : std::nullopt)
                               .first);
    }
    if (known.mapped() && !known.mapped()->webhooks.empty())
      found.emplace(campaign.name, *known.mapped());
    still_there.insert(std::move(known));
  }
  configs_ = std::move(still_there);
  return found;
}

Status Notifier::collect() {
  Json fresh = Json::array();
  std::int64_t seen = 0;
  bool first = false;
  const Time now = clock_();
  const Status read = database_.read([&](const Reader& reader) -> Status {
    const std::string kept = reader.setting(kSeen);
    first = kept.empty();
    seen = first ? reader.last_event() : std::stoll(kept);
    if (first) return {};
    const auto hooks = hooked(reader);
    if (hooks.empty()) {
      seen = reader.last_event();
      return {};
    }
    for (;;) {
      const auto events = reader.events(seen, 1'000, "");
      for (const campaign::Event& event : events) {
        seen = event.seq;
        const std::string kind = event_kind(event);
        const auto config = hooks.find(event.campaign);
        if (kind.empty() || config == hooks.end()) continue;
        std::optional<campaign::Campaign> campaign;
        for (const campaign::Webhook& hook : config->second.webhooks) {
          if (std::find(hook.events.begin(), hook.events.end(), kind) == hook.events.end())
            continue;
          if (!campaign) campaign = reader.find_campaign(event.campaign);
          const auto message =
              message_of(reader, config->second, *campaign, event, hook.compositions);
          if (!message) continue;
          const std::string id = "msg_" + ids_.next(now);
          const WebhookRequest request = make_request(hook, *message, campaign->name, id, event.at);
          Json headers = Json::array();
          for (const auto& [name, value] : request.headers)
            headers.push_back(Json::array({name, value}));
          fresh.push_back({{"id", id},
                           {"campaign", campaign->name},
                           {"kind", message->kind},
                           {"url", hook.url},
                           {"signed", hook.kind == "generic"},
                           {"secret", hook.secret_file},
                           {"text", message->text},
                           {"body", request.body},
                           {"headers", std::move(headers)},
                           {"attempts", 0},
                           {"at", format_time(event.at)},
                           {"next_at", format_time(now)}});
        }
      }
      if (events.size() < 1'000) return {};
    }
  });
  if (!read) return read;
  const auto known = campaign::read_value<std::string>(
      database_, [](const Reader& reader) -> Result<std::string> { return reader.setting(kSeen); });
  if (!known) return known.error();
  if (*known == std::to_string(seen)) return {};
  return campaign::write_and_wait(database_, [&](Transaction& tx) -> Status {
    tx.set_setting(kSeen, std::to_string(seen));
    if (fresh.empty()) return {};
    Json waiting = list_of(tx, kWaiting);
    std::vector<Json> too_many;
    for (const Json& item : fresh) {
      if (waiting.size() < kMostWaitingMessages) {
        waiting.push_back(item);
      } else {
        too_many.push_back(item);
        too_many.back()["last_error"] =
            fmt::format("{} messages wait already", kMostWaitingMessages);
      }
    }
    tx.set_setting(kWaiting, dump_json(waiting));
    give_up(tx, too_many, now);
    return {};
  });
}

Notifier::Attempt Notifier::attempt(const Json& kept, Time now, const std::stop_token& stop) const {
  Attempt made{kept, "", false};
  Json& item = made.item;
  const std::string url = item.value("url", "");
  if (!is_allowed(url, options_.hosts)) {
    made.error = fmt::format("the daemon's webhooks.hosts does not list {}", host_of(url));
    made.final = true;
  } else {
    WebhookRequest request{url, item.value("body", ""), {}};
    for (const Json& header : item["headers"])
      request.headers.emplace_back(header[0].get<std::string>(), header[1].get<std::string>());
    Result<std::string> secret = std::string();
    if (item.value("signed", false)) {
      secret = options_.read_secret(item.value("secret", ""));
      if (secret) sign(request, *secret, item.value("id", ""), now);
    }
    const Result<WebhookAnswer> answer =
        secret ? options_.send(request, stop) : Result<WebhookAnswer>(secret.error());
    const int status = answer ? told_status(*answer) : 0;
    if (!answer) {
      made.error = answer.error().to_string();
    } else if (status < 200 || status > 299) {
      made.error =
          status == answer->status
              ? fmt::format("status {}", status)
              : fmt::format("status {}, but its text tells of error {}", answer->status, status);
      // What a receiver says in a text only may pass: it is tried again.
      made.final = status == answer->status && is_final(status);
    }
  }
  const int attempts = item.value("attempts", 0) + 1;
  item["attempts"] = attempts;
  item["last_error"] = made.error;
  made.final = made.final || static_cast<std::size_t>(attempts) > std::size(kWebhookPauses);
  if (!made.error.empty() && !made.final) {
    item["next_at"] = format_time(now + kWebhookPauses[static_cast<std::size_t>(attempts) - 1]);
  }
  return made;
}

void Notifier::give_up(Transaction& tx, const std::vector<Json>& items, Time now) {
  if (items.empty()) return;
  Json given_up = list_of(tx, kGivenUp);
  for (const Json& item : items) {
    given_up.push_back(item);
    campaign::append_event(tx, {now, &ids_, "scheduler"}, item.value("campaign", ""),
                           "notification", item.value("id", ""), "given_up",
                           {{"error", item.value("last_error", "")}});
  }
  while (given_up.size() > kMostGivenUpMessages) given_up.erase(given_up.begin());
  tx.set_setting(kGivenUp, dump_json(given_up));
}

Status Notifier::write_down(const Attempt& made, Time now) {
  return campaign::write_and_wait(database_, [&](Transaction& tx) -> Status {
    const std::string id = made.item.value("id", "");
    Json rest = Json::array();
    for (const Json& other : list_of(tx, kWaiting)) {
      if (other.value("id", "") != id) {
        rest.push_back(other);
      } else if (!made.error.empty() && !made.final) {
        rest.push_back(made.item);
      }
    }
    tx.set_setting(kWaiting, dump_json(rest));
    if (!made.error.empty() && made.final) give_up(tx, {made.item}, now);
    return {};
  });
}

Result<int> Notifier::deliver(const std::stop_token& stop) {
  const Time now = clock_();
  const auto waiting = campaign::read_value<Json>(
      database_, [](const Reader& reader) -> Result<Json> { return list_of(reader, kWaiting); });
  if (!waiting) return waiting.error();
  int delivered = 0;
  for (const Json& kept : *waiting) {
    if (stop.stop_requested()) break;
    const auto due = parse_time(kept.value("next_at", ""));
    if (due && *due > now) continue;
    const std::string id = kept.value("id", "");
    if (!unwritten_.contains(id)) {
      Attempt made = attempt(kept, now, stop);
      // What was given up for the sake of a stop is no failure of the receiver.
      if (!made.error.empty() && stop.stop_requested()) break;
      if (!made.error.empty()) {
        spdlog::warn("notification {} of {}: {}", id, host_of(kept.value("url", "")), made.error);
      }
      unwritten_.emplace(id, std::move(made));
    }
    const Attempt& made = unwritten_.at(id);
    if (const Status written = write_down(made, now); !written) return written.error();
    if (made.error.empty()) ++delivered;
    unwritten_.erase(id);
  }
  return delivered;
}

int told_status(const WebhookAnswer& answer) {
  constexpr std::string_view kMark = "HTTP error ";
  if (answer.status < 200 || answer.status > 299) return answer.status;
  const auto at = answer.text.find(kMark);
  if (at == std::string::npos) return answer.status;
  const auto digits = std::string_view(answer.text).substr(at + kMark.size(), 3);
  const auto told = parse_number(digits);
  return told && *told >= 400.0 && *told < 600.0 ? static_cast<int>(*told) : 500;
}

}  // namespace kasetsu::jobs
