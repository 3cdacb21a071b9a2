#include "drivers/mqtt/mqtt.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <utility>

#include "core/base/text.h"
#include "drivers/mqtt/broker.h"
#include "drivers/supervisor/message.h"
#include "drivers/supervisor/spool.h"

namespace kasetsu::drivers {
namespace {

class Mqtt final : public Driver {
 public:
  Mqtt(const Settings& settings, const Host& host, Counters& counters)
      : settings_(settings), host_(host), counters_(counters) {}

  Status run(std::stop_token stop) override {
    auto spool = Spool::open(host_.state_folder + "/spool");
    if (!spool) return spool.error();
    spool_ = std::move(*spool);
    // What was received before the last end needs no broker.
    if (const Status done = work_off(stop, nullptr); !done) return done;
    if (stop.stop_requested()) return {};

    Broker::Options options = broker_options();
    options.will_topic = status_topic();
    options.will = R"({"state":"offline"})";
    options.on_message = [this](BrokerMessage message) { keep(message); };
    auto broker = Broker::connect(settings_.mqtt, std::move(options));
    if (!broker) return broker.error();
    host_.log->info("driver connected name={} broker={}:{}", settings_.name, settings_.mqtt.host,
                    settings_.mqtt.port);
    (void)(*broker)->publish(status_topic(), R"({"state":"online"})", true);
    published_.clear();
    published_event_ = -1;
    while (!stop.stop_requested()) {
      if (const Status well = (*broker)->health(); !well) return well;
      if (const Status done = work_off(stop, broker->get()); !done) return done;
      publish_proposals(**broker);
      std::unique_lock lock(mutex_);
      arrived_.wait_for(lock, stop, std::chrono::milliseconds(500), [this] { return news_; });
      news_ = false;
    }
    (void)(*broker)->publish(status_topic(), R"({"state":"offline"})", true);
    (*broker)->disconnect();
    return {};
  }

  // Reaches the broker under another name, so that the real session and its queue stay untouched.
  Result<Json> dry_run() override {
    Broker::Options options = broker_options();
    options.client_id += "-dry-run";
    options.keep_session = false;
    options.on_message = [](const BrokerMessage&) {};
    const auto broker = Broker::connect(settings_.mqtt, std::move(options));
    if (!broker) return broker.error();
    (*broker)->disconnect();
    Json would = Json::array();
    if (auto spool = Spool::open(host_.state_folder + "/spool")) {
      const auto names = (*spool)->names();
      for (const std::string& name : names ? *names : std::vector<std::string>()) {
        would.push_back({{"name", name}});
      }
    }
    Json answer = {{"would_take", std::move(would)}};
    answer["notes"] = Json::array({"the broker answers and lets this daemon listen to " + topic()});
    return answer;
  }

 private:
  std::string topic() const { return settings_.mqtt.base + "/+/results"; }
  std::string status_topic() const { return settings_.mqtt.base + "/kasetsu/status"; }

  Broker::Options broker_options() const {
    Broker::Options options;
    options.client_id =
        settings_.mqtt.client_id.empty() ? "kasetsu-" + settings_.name : settings_.mqtt.client_id;
    options.topic = topic();
    return options;
  }

  // On the network thread: nothing but the disk.
  void keep(const BrokerMessage& message) {
    if (message.payload.empty()) return;  // a retained message that was taken back
    const Json head = {{"topic", message.topic}, {"key", message.key}};
    const Status kept = spool_->append(dump_json(head), message.payload);
    if (!kept) {
      counters_.dropped += 1;
      host_.log->error("driver could not keep a message name={} error=\"{}\"", settings_.name,
                       kept.error().to_string());
      return;
    }
    const std::scoped_lock lock(mutex_);
    news_ = true;
    arrived_.notify_all();
  }

  // Everything in the spool, oldest first. broker null: no answers yet.
  Status work_off(const std::stop_token& stop, Broker* broker) {
    const auto names = spool_->names();
    if (!names) return names.error();
    for (const std::string& name : *names) {
      if (stop.stop_requested()) return {};
      if (broker != nullptr) {
        if (const Status well = broker->health(); !well) return well;
      }
      auto item = spool_->read(name);
      if (!item) return item.error();
      std::string topic, key;
      if (const auto head = parse_json(item->head); head && head->is_object()) {
        topic = head->value("topic", std::string());
        key = head->value("key", std::string());
      }
      if (const Status done = take(name, topic, key, item->body, stop, broker); !done) {
        return done;
      }
    }
    return {};
  }

  Status take(const std::string& name, const std::string& topic, const std::string& key,
              const std::string& body, const std::stop_token& stop, Broker* broker) {
    const auto message = read_message(settings_, body, key);
    Json answer;
    std::string refused;
    if (!message) {
      refused = message.error().to_string();
      answer = answer_of(key.empty() ? key_of(body) : key, message.error());
    } else {
      const auto receipt = deliver_patiently(host_, counters_, settings_, message->request, stop);
      if (!receipt && receipt.error().code == ErrorCode::cancelled) return {};
      if (receipt) {
        answer = answer_of(message->key, *receipt);
      } else {
        refused = receipt.error().to_string();
        answer = answer_of(message->key, receipt.error());
      }
    }
    if (broker != nullptr) {
      if (const Status sent = broker->publish(ack_topic(topic), dump_json(answer), false); !sent) {
        return sent;
      }
    }
    if (refused.empty()) return spool_->remove(name);
    counters_.dropped += 1;
    host_.log->error("driver message refused name={} topic=\"{}\" error=\"{}\"", settings_.name,
                     topic, refused);
    return spool_->refuse(name, refused);
  }

  std::string ack_topic(const std::string& topic) const {
    // base/<instrument>/results
    const std::string& base = settings_.mqtt.base;
    std::string instrument = "unknown";
    const auto end = topic.rfind('/');
    if (topic.starts_with(base + "/") && end > base.size() + 1) {
      instrument = topic.substr(base.size() + 1, end - base.size() - 1);
    }
    return base + "/ack/" + instrument;
  }

  void publish_proposals(Broker& broker) {
    if (!settings_.mqtt.proposals || settings_.campaign.empty()) return;
    const std::int64_t event = host_.last_event();
    if (event == published_event_) return;
    const auto open = host_.proposals(settings_.campaign);
    if (!open) {
      // The campaign may come later; another commit tells.
      published_event_ = event;
      return;
    }
    const std::string text = dump_json(*open);
    if (text != published_) {
      const Status sent = broker.publish(
          settings_.mqtt.base + "/campaign/" + settings_.campaign + "/proposals", text, true);
      if (!sent) return;
      published_ = text;
    }
    published_event_ = event;
  }

  const Settings settings_;
  const Host host_;
  Counters& counters_;
  std::unique_ptr<Spool> spool_;
  std::mutex mutex_;
  std::condition_variable_any arrived_;
  bool news_ = false;
  std::string published_;
  std::int64_t published_event_ = -1;
};

}  // namespace

std::unique_ptr<Driver> make_mqtt_driver(const Settings& settings, const Host& host,
                                         Counters& counters) {
  return std::make_unique<Mqtt>(settings, host, counters);
}

}  // namespace kasetsu::drivers
