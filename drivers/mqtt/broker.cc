#include "drivers/mqtt/broker.h"

#include <fmt/format.h>
#include <mosquitto.h>
#include <mqtt_protocol.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <utility>

#include "core/base/text.h"

namespace kasetsu::drivers {
namespace {

Error broker_error(std::string message, int code) {
  return Error{ErrorCode::unavailable, std::move(message), "", "", mosquitto_strerror(code)};
}

Result<std::string> read_password(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  if (!std::getline(file, line)) {
    return Error{ErrorCode::not_found, "the password cannot be read", "password_file", path,
                 "a file whose first line is the password"};
  }
  return std::string(trim(line));
}

}  // namespace

struct BrokerCallbacks {
  static void message(mosquitto*, void* self, const mosquitto_message* message,
                      const mosquitto_property* properties) {
    BrokerMessage taken;
    taken.topic = message->topic;
    if (message->payloadlen > 0) {
      taken.payload.assign(static_cast<const char*>(message->payload),
                           static_cast<std::size_t>(message->payloadlen));
    }
    bool again = false;
    for (const mosquitto_property* at = properties;;) {
      char* name = nullptr;
      char* value = nullptr;
      at = mosquitto_property_read_string_pair(at, MQTT_PROP_USER_PROPERTY, &name, &value, again);
      if (at == nullptr) break;
      if (std::string_view(name) == "key") taken.key = value;
      std::free(name);
      std::free(value);
      again = true;
    }
    static_cast<Broker*>(self)->options_.on_message(std::move(taken));
  }
};

void Broker::lost(std::string why) {
  const std::scoped_lock lock(mutex_);
  if (lost_.empty()) lost_ = std::move(why);
}

void Broker::connected(mosquitto* handle, void* self, int code) {
  auto& broker = *static_cast<Broker*>(self);
  if (code != 0) {
    broker.lost(fmt::format("the broker refused: {}", mosquitto_connack_string(code)));
    return;
  }
  const int asked = mosquitto_subscribe(handle, nullptr, broker.options_.topic.c_str(), 1);
  if (asked != MOSQ_ERR_SUCCESS) broker.lost(mosquitto_strerror(asked));
}

void Broker::subscribed(mosquitto*, void* self, int, int count, const int* granted) {
  auto& broker = *static_cast<Broker*>(self);
  if (count < 1 || granted[0] > 2) {
    broker.lost("the broker does not allow to listen to " + broker.options_.topic);
    return;
  }
  const std::scoped_lock lock(broker.mutex_);
  broker.ready_ = true;
}

void Broker::disconnected(mosquitto*, void* self, int code) {
  auto& broker = *static_cast<Broker*>(self);
  if (!broker.leaving_) {
    broker.lost(fmt::format("the connection ended: {}",
                            code < 100 ? mosquitto_strerror(code) : mosquitto_reason_string(code)));
  }
}

Result<std::unique_ptr<Broker>> Broker::connect(const MqttSettings& settings, Options options) {
  static std::once_flag once;
  std::call_once(once, [] { mosquitto_lib_init(); });
  std::unique_ptr<Broker> broker(new Broker());
  broker->options_ = std::move(options);
  const Options& o = broker->options_;
  // A new identity for every start would leave the broker's queue behind.
  broker->handle_ = mosquitto_new(o.client_id.c_str(), !o.keep_session, broker.get());
  if (broker->handle_ == nullptr) {
    return Error{ErrorCode::internal, "the library gave no client", "", o.client_id, ""};
  }
  mosquitto* handle = broker->handle_;
  const bool five = settings.version == "5";
  mosquitto_int_option(handle, MOSQ_OPT_PROTOCOL_VERSION,
                       five ? MQTT_PROTOCOL_V5 : MQTT_PROTOCOL_V311);
  mosquitto_threaded_set(handle, true);
  mosquitto_connect_callback_set(handle, &Broker::connected);
  mosquitto_subscribe_callback_set(handle, &Broker::subscribed);
  mosquitto_disconnect_callback_set(handle, &Broker::disconnected);
  mosquitto_message_v5_callback_set(handle, &BrokerCallbacks::message);
  if (!settings.user.empty()) {
    std::string password;
    if (!settings.password_file.empty()) {
      auto read = read_password(settings.password_file);
      if (!read) return read.error();
      password = std::move(*read);
    }
    mosquitto_username_pw_set(handle, settings.user.c_str(), password.c_str());
  }
  if (!settings.ca_file.empty()) {
    const auto or_null = [](const std::string& path) {
      return path.empty() ? nullptr : path.c_str();
    };
    const int set =
        mosquitto_tls_set(handle, settings.ca_file.c_str(), nullptr,
                          or_null(settings.certificate_file), or_null(settings.key_file), nullptr);
    if (set != MOSQ_ERR_SUCCESS) return broker_error("the certificates cannot be used", set);
  }
  if (!o.will_topic.empty()) {
    const int set = mosquitto_will_set(handle, o.will_topic.c_str(),
                                       static_cast<int>(o.will.size()), o.will.data(), 1, true);
    if (set != MOSQ_ERR_SUCCESS) return broker_error("the last will is refused", set);
  }
  mosquitto_property* properties = nullptr;
  if (five && o.keep_session) {
    mosquitto_property_add_int32(
        &properties, MQTT_PROP_SESSION_EXPIRY_INTERVAL,
        static_cast<std::uint32_t>(std::min(settings.session_expiry_h * 3'600.0, 4e9)));
  }
  const int begun = mosquitto_connect_bind_v5(
      handle, settings.host.c_str(), settings.port,
      std::max(5, static_cast<int>(std::lround(settings.keepalive_s))), nullptr, properties);
  mosquitto_property_free_all(&properties);
  if (begun != MOSQ_ERR_SUCCESS) {
    return broker_error(
        fmt::format("the broker {}:{} cannot be reached", settings.host, settings.port), begun);
  }
  broker->network_ =
      std::jthread([raw = broker.get()](const std::stop_token& stop) { raw->turn(stop); });
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  for (;;) {
    if (const Status well = broker->health(); !well) return well.error();
    {
      const std::scoped_lock lock(broker->mutex_);
      if (broker->ready_) return broker;
    }
    if (std::chrono::steady_clock::now() > deadline) {
      return Error{ErrorCode::unavailable, "the broker does not answer", "", settings.host, ""};
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
}

Broker::~Broker() {
  network_.request_stop();
  if (network_.joinable()) network_.join();
  if (handle_ != nullptr) mosquitto_destroy(handle_);
}

void Broker::turn(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    const int code = mosquitto_loop(handle_, 100, 1);
    if (code != MOSQ_ERR_SUCCESS) {
      const std::scoped_lock lock(mutex_);
      if (lost_.empty() && !leaving_) lost_ = mosquitto_strerror(code);
      return;
    }
  }
}

Status Broker::publish(const std::string& topic, std::string_view payload, bool retain) {
  const int code = mosquitto_publish(handle_, nullptr, topic.c_str(),
                                     static_cast<int>(payload.size()), payload.data(), 1, retain);
  if (code == MOSQ_ERR_SUCCESS) return {};
  return broker_error("the message cannot be published", code);
}

Status Broker::health() const {
  const std::scoped_lock lock(mutex_);
  if (lost_.empty()) return {};
  return Error{ErrorCode::unavailable, lost_, "", "", "a connection to the broker"};
}

void Broker::disconnect() {
  // What was queued is sent first, as far as that goes quickly.
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(2);
  while (mosquitto_want_write(handle_) && health() && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  leaving_ = true;
  mosquitto_disconnect(handle_);
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
}

}  // namespace kasetsu::drivers
