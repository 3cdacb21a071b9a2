#include "drivers/supervisor/message.h"

#include <algorithm>

#include "core/base/text.h"
#include "daemon/base/digest.h"

namespace kasetsu::drivers {

std::string key_of(std::string_view bytes) {
  return sha256(bytes).hex();
}

Result<Message> read_message(const Settings& settings, std::string_view bytes,
                             const std::string& key) {
  const auto parsed = parse_measured_json(bytes);
  if (!parsed) return parsed.error();
  const bool rows = parsed->is_object() && parsed->contains("rows");
  if (!rows && !(parsed->is_object() && parsed->contains("values"))) {
    return Error{ErrorCode::bad_data, "not a delivery", "", std::string(bytes.substr(0, 80)),
                 "{\"source\", \"run\", \"rows\": [...]}, or one row with its values"};
  }
  Message message;
  message.request =
      request_of(settings, std::string(bytes),
                 rows ? campaign::DeliveryFormat::json : campaign::DeliveryFormat::ndjson);
  message.request.options.envelope = rows;
  message.key = key;
  if (rows) {
    for (const auto& [name, member] :
         {std::pair{"campaign", &message.request.campaign}, {"key", &message.key}}) {
      const auto text = read_optional<std::string>(*parsed, name, "");
      if (!text) return text.error();
      if (*text && !(name == std::string_view("key") && !key.empty())) *member = **text;
    }
  }
  if (message.request.campaign.empty()) {
    return Error{ErrorCode::bad_data, "the delivery names no campaign", "/campaign", "",
                 "its name in the message, or in the driver's settings"};
  }
  message.request.options.idempotency_key = message.key;
  if (message.key.empty()) message.key = key_of(bytes);
  return message;
}

Json answer_of(const std::string& key, const campaign::IngestReceipt& receipt) {
  Json answer = campaign::receipt_summary(receipt);
  answer["key"] = key;
  answer["status"] = "ok";
  return answer;
}

Json answer_of(const std::string& key, const Error& error) {
  return {{"key", key}, {"status", "refused"}, {"reason", error.to_string()}};
}

Result<campaign::IngestReceipt> deliver_patiently(const Host& host, Counters& counters,
                                                  const Settings& settings,
                                                  const campaign::IntakeRequest& request,
                                                  const std::stop_token& stop) {
  const bool own_campaign = request.campaign == settings.campaign;
  double wait = 0.5;
  for (;;) {
    auto receipt = deliver(host, counters, request, stop);
    if (receipt) return receipt;
    const ErrorCode code = receipt.error().code;
    const bool of_campaign = code == ErrorCode::not_found || code == ErrorCode::conflict;
    if (!is_transient(receipt.error()) || (of_campaign && !own_campaign)) return receipt;
    host.log->warn("driver waits name={} seconds={} error=\"{}\"", settings.name, wait,
                   receipt.error().to_string());
    if (!pause(stop, wait)) {
      return Error{ErrorCode::cancelled, "asked to stop", "", "", ""};
    }
    wait = std::min(2.0 * wait, 30.0);
  }
}

}  // namespace kasetsu::drivers
