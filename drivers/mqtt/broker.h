// One connection to a broker.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>

#include "core/base/result.h"
#include "drivers/supervisor/settings.h"

struct mosquitto;

namespace kasetsu::drivers {

struct BrokerMessage {
  std::string topic;
  std::string key;  // user property "key" (MQTT 5); empty: none
  std::string payload;
};

class Broker {
 public:
  struct Options {
    std::string client_id;
    bool keep_session = true;  // the broker keeps messages while nobody is there
    std::string topic;         // subscribed to, quality of service 1
    std::string will_topic, will;
    // On the network thread; the message is acknowledged to the broker whatever it does.
    std::function<void(BrokerMessage)> on_message;
  };

  // Connects and subscribes; unavailable with the broker's reason.
  static Result<std::unique_ptr<Broker>> connect(const MqttSettings& settings, Options options);
  ~Broker();
  Broker(const Broker&) = delete;
  Broker& operator=(const Broker&) = delete;

  // Queued; quality of service 1.
  Status publish(const std::string& topic, std::string_view payload, bool retain);
  // Why it is lost, or ok.
  Status health() const;
  // Says goodbye, so that the will is not sent.
  void disconnect();

 private:
  Broker() = default;
  void lost(std::string why);
  void turn(const std::stop_token& stop);
  static void connected(struct mosquitto* handle, void* self, int code);
  static void subscribed(struct mosquitto* handle, void* self, int id, int count,
                         const int* granted);
  static void disconnected(struct mosquitto* handle, void* self, int code);

  struct mosquitto* handle_ = nullptr;
  Options options_;
  mutable std::mutex mutex_;
  bool ready_ = false;
  std::atomic<bool> leaving_ = false;
  std::string lost_;
  std::jthread network_;

  friend struct BrokerCallbacks;
};

}  // namespace kasetsu::drivers
