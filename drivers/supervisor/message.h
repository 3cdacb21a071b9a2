// Deliveries as messages: JSON documents as the API takes them, which may carry "campaign" and
// "key" (an idempotency key) beside "source", "run" and "rows"; or one row object alone. Shared by
// the broker and the subprocess.
#pragma once

#include <string>
#include <string_view>

#include "drivers/supervisor/driver.h"

namespace kasetsu::drivers {

struct Message {
  std::string key;  // of the answer: the one it came with, else the digest of its bytes
  campaign::IntakeRequest request;
};

// bad_data: no JSON object, neither rows nor values, no campaign. `key` goes before the document's
// own.
// Of a message that names no key, also of one that cannot be read: the SHA-256 of its bytes.
std::string key_of(std::string_view bytes);

Result<Message> read_message(const Settings& settings, std::string_view bytes,
                             const std::string& key = {});

// {"key", "status": "ok", ...receipt_summary}, or {"key", "status": "refused", "reason"}: never
// sent before the rows are on the disk. "refused" is for good.
Json answer_of(const std::string& key, const campaign::IngestReceipt& receipt);
Json answer_of(const std::string& key, const Error& error);

// deliver, again and again while is_transient says so; cancelled when asked to stop. Other errors
// are for good, and so is a campaign that is not there where the message itself names it: it may be
// misspelt, and would hold up all others. The driver's own campaign is waited for.
Result<campaign::IngestReceipt> deliver_patiently(const Host& host, Counters& counters,
                                                  const Settings& settings,
                                                  const campaign::IntakeRequest& request,
                                                  const std::stop_token& stop);

}  // namespace kasetsu::drivers
