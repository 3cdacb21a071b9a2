// Posts a notification over HTTPS.
#pragma once

#include "core/base/result.h"
#include "daemon/jobs/notifier.h"

namespace kasetsu {

// The answer's status. Follows no redirection, so that an allowed host cannot send it elsewhere;
// gives up after 15 s. Errors: unavailable (no answer).
Result<int> post_webhook(const jobs::WebhookRequest& request);

}  // namespace kasetsu
