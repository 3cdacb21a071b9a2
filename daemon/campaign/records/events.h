// One line for one event.
#pragma once

#include <string_view>

#include "daemon/base/json.h"
#include "daemon/campaign/records/store_port.h"

namespace kasetsu::campaign {

// Appends "`actor` did `verb` to `object` `id`" with `detail` (a JSON object) to the campaign's
// events.
inline void append_event(Transaction& tx, const Context& context, std::string_view campaign,
                         std::string_view object, std::string_view id, std::string_view verb,
                         const Json& detail = Json::object()) {
  Event event;
  event.at = context.now;
  event.actor = context.actor;
  event.campaign = std::string(campaign);
  event.object = std::string(object);
  event.id = std::string(id);
  event.verb = std::string(verb);
  event.detail = dump_json(detail);
  tx.append_event(event);
}

}  // namespace kasetsu::campaign
