#include "drivers/supervisor/driver.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>

namespace kasetsu::drivers {

bool is_transient(const Error& error) {
  switch (error.code) {
    case ErrorCode::bad_data:
    case ErrorCode::invalid_argument:
    case ErrorCode::unprocessable:
    case ErrorCode::internal:  // deliver has tried again
      return false;
    default:
      return true;
  }
}

bool pause(const std::stop_token& stop, double seconds) {
  std::mutex mutex;
  std::condition_variable_any wake;
  std::unique_lock lock(mutex);
  wake.wait_for(lock, stop, std::chrono::duration<double>(seconds), [] { return false; });
  return !stop.stop_requested();
}

Result<campaign::IngestReceipt> deliver(const Host& host, Counters& counters,
                                        const campaign::IntakeRequest& request,
                                        const std::stop_token& stop) {
  constexpr int kMostFaults = 4;
  double wait = 0.05;
  for (int faults = 0;;) {
    auto receipt = host.intake.take(request);
    if (receipt) {
      counters.deliveries += 1;
      counters.last_delivery = to_micros(host.clock());
      for (const campaign::RowVerdict& row : receipt->rows) {
        switch (row.verdict) {
          case campaign::Verdict::accepted:
            counters.accepted += 1;
            break;
          case campaign::Verdict::flagged:
            counters.flagged += 1;
            break;
          case campaign::Verdict::duplicate:
            counters.duplicate += 1;
            break;
          case campaign::Verdict::quarantined:
            counters.quarantined += 1;
            break;
        }
      }
      return receipt;
    }
    const ErrorCode code = receipt.error().code;
    const bool fault = code == ErrorCode::internal;
    if (code != ErrorCode::busy && (!fault || ++faults > kMostFaults)) return receipt.error();
    if (fault) {
      host.log->error("driver tries again after a fault error=\"{}\"", receipt.error().to_string());
    }
    if (!pause(stop, wait)) return receipt.error();
    wait = std::min(2.0 * wait, 2.0);
  }
}

namespace {

void tell_table(const Settings& settings, campaign::IntakeRequest& request) {
  campaign::DeliveryOptions& options = request.options;
  request.profile = settings.profile;
  options.repeats = campaign::parse_repeats(settings.repeats);
  if (!settings.composition.empty()) options.composition = settings.composition;
  options.sheet = settings.sheet;
  options.encoding = settings.encoding;
  options.name_amounts = settings.name_amounts;
  if (!settings.decimal.empty()) options.decimal = settings.decimal == "comma" ? ',' : '.';
  options.ignore = settings.ignore;
  options.fill_down = settings.fill_down;
  options.null = settings.null;
}

}  // namespace

campaign::IntakeRequest request_of(const Settings& settings, std::string bytes,
                                   campaign::DeliveryFormat format) {
  campaign::IntakeRequest request;
  request.campaign = settings.campaign;
  request.bytes = std::move(bytes);
  request.actor = "driver " + settings.name;
  request.to_its_end = true;
  request.options.format = format;
  request.options.source = settings.source;
  request.options.run = settings.run;
  request.options.whole = settings.whole;
  request.options.revise = settings.revise;
  if (!settings.id.empty()) request.options.id = settings.id;
  if (format == campaign::DeliveryFormat::csv) tell_table(settings, request);
  return request;
}

}  // namespace kasetsu::drivers
