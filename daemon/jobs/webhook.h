// Posts a notification over HTTPS.
#pragma once

#include "core/base/result.h"
#include "daemon/jobs/notifier.h"

namespace kasetsu {

// The answer, with the first 4 KiB of its text. Follows no redirection, so that an allowed host
// cannot send it elsewhere; gives up after 15 s, and about a second after it is asked to stop.
// Errors: unavailable (no answer).
Result<jobs::WebhookAnswer> post_webhook(const jobs::WebhookRequest& request,
                                         const std::stop_token& stop);

}  // namespace kasetsu
