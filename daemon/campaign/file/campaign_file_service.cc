// When a campaign retrains, stops and tells people.
#include "daemon/base/operator_files.h"
#include "daemon/base/secret_addresses.h"
#include "daemon/base/time_zone.h"
#include "daemon/base/web_address.h"
#include "daemon/campaign/file/campaign_file_decoder.h"
#include "daemon/campaign/file/retrain_names.h"

namespace kasetsu::campaign {
namespace {

// Who sends results, and who asks whether the daemon is ready, sees what is wrong with a file, and
// is not to learn the address.
std::string shown_address(const std::string& address) {
  if (address.find("://") != std::string::npos) return without_secrets(address);
  return without_secrets("://" + address).substr(3);
}

}  // namespace

void CampaignDecoder::decode_retrain(const ConfigNode& root, CampaignConfig& config) {
  const ConfigNode* node = table(root, "retrain");
  if (node == nullptr) return;
  Retrain& retrain = config.retrain;
  const auto at = [](std::string_view key) { return join_key("retrain", key); };
  retrain.when = choice(required(*node, "retrain", "when", "\"every_batch\""), at("when"),
                        kRetrainWhenNames, retrain.when);
  if (failed()) return;
  if (retrain.when == RetrainWhen::every_results) {
    only(*node, "retrain", "every_results", {"when", "results"});
    retrain.results = static_cast<int>(
        whole(required(*node, "retrain", "results", "10"), at("results"), 1, 1'000'000, 1));
  } else if (retrain.when == RetrainWhen::nightly) {
    only(*node, "retrain", "nightly", {"when", "at", "time_zone"});
    const ConfigNode* time = required(*node, "retrain", "at", "\"02:00\"");
    const std::string clock = text(time, at("at"));
    const auto digit = [&](std::size_t i) { return clock[i] >= '0' && clock[i] <= '9'; };
    const bool shaped =
        clock.size() == 5 && clock[2] == ':' && digit(0) && digit(1) && digit(3) && digit(4);
    const int hours = shaped ? (clock[0] - '0') * 10 + (clock[1] - '0') : 99;
    const int minutes = shaped ? (clock[3] - '0') * 10 + (clock[4] - '0') : 99;
    if (time != nullptr && !failed() && (hours > 23 || minutes > 59)) {
      fail(*time, at("at"), "not a time of day", clock, "hours and minutes, such as \"02:00\"");
    }
    retrain.at_minute = hours * 60 + minutes;
    retrain.time_zone = text(node->find("time_zone"), at("time_zone"), retrain.time_zone);
    if (const ConfigNode* place = node->find("time_zone"); place != nullptr && !failed()) {
      const Result<TimeZone> zone = TimeZone::read(retrain.time_zone);
      if (!zone) fail_in(*place, at("time_zone"), zone.error());
    }
  } else {
    only(*node, "retrain", "this choice of `when`", {"when"});
  }
}

void CampaignDecoder::decode_stop(const ConfigNode& root, CampaignConfig& config) {
  const ConfigNode* node = table(root, "stop");
  if (node == nullptr) return;
  StopRules& stop = config.stop;
  const auto at = [](std::string_view key) { return join_key("stop", key); };
  if (const ConfigNode* n = node->find("measurements")) {
    stop.measurements = static_cast<int>(whole(n, at("measurements"), 1, 100'000'000, 1));
  }
  if (const ConfigNode* n = node->find("target_reached")) {
    stop.target_reached = number(n, at("target_reached"), -1e301, 1e301, 0.0);
  }
  if (const ConfigNode* n = node->find("batches_without_improvement")) {
    stop.batches_without_improvement =
        static_cast<int>(whole(n, at("batches_without_improvement"), 1, 100'000, 1));
  }
  if (const ConfigNode* n = node->find("hypotheses_agree_within")) {
    stop.hypotheses_agree = number(n, at("hypotheses_agree_within"), 0.0, 1e300, 0.0);
  }
}

void CampaignDecoder::decode_webhooks(const ConfigNode& root, CampaignConfig& config) {
  tables(root, "webhooks", [&](const ConfigNode& node, const std::string& path) {
    Webhook hook;
    const ConfigNode* url = required(node, path, "url", "\"https://example.org/hook\"");
    hook.url = text(url, join_key(path, "url"));
    const auto begins = [&](std::string_view with) { return hook.url.rfind(with, 0) == 0; };
    // Plain text only to this machine, and not to a host whose name begins like it.
    const auto here = [&](std::string_view host) {
      return begins(host) && (hook.url.size() == host.size() || hook.url[host.size()] == ':' ||
                              hook.url[host.size()] == '/');
    };
    if (url != nullptr && !failed() && !begins("https://") && !here("http://127.0.0.1") &&
        !here("http://localhost")) {
      fail(*url, join_key(path, "url"), "not a safe address", shown_address(hook.url),
           "an address that begins with https://");
    }
    if (url != nullptr && !failed() && !read_web_address(hook.url)) {
      fail(*url, join_key(path, "url"), "not an address that can be sent to",
           shown_address(hook.url),
           "https://HOST/PATH or https://HOST:PORT/PATH, without a name before the host");
    }
    hook.kind = word(node.find("kind"), join_key(path, "kind"),
                     {"generic", "slack", "teams", "ntfy"}, hook.kind);
    static const std::vector<std::string> events = {"batch", "hit", "model", "stopped", "failed"};
    list(required(node, path, "events", R"(["hit", "stopped"])"), join_key(path, "events"),
         R"(["hit", "stopped"])", [&](const ConfigNode& item, const std::string& at) {
           hook.events.push_back(word(&item, at, events));
         });
    hook.secret_file = text(node.find("secret_file"), join_key(path, "secret_file"));
    if (!failed() && hook.kind == "generic" && hook.secret_file.empty()) {
      required(node, path, "secret_file", "\"ocm-hook.key\" (generic messages are signed)");
    }
    if (const ConfigNode* secret = node.find("secret_file");
        secret != nullptr && !failed() && !is_plain_name(hook.secret_file)) {
      fail(*secret, join_key(path, "secret_file"), "not a plain name of a file", hook.secret_file,
           "a name within the daemon's webhooks.secret_dir, such as ocm-hook.key");
    }
    hook.compositions = flag(node.find("compositions"), join_key(path, "compositions"), false);
    config.webhooks.push_back(std::move(hook));
  });
}

}  // namespace kasetsu::campaign
