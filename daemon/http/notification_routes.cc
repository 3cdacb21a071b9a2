#include "daemon/http/api.h"

namespace kasetsu::http {

void Api::add_notification_routes(Router& router) {
  router.add({"GET", "/v1/notifications", Scope::read,
              reading_afresh({"campaign"},
                             [this](const Reader& reader, const Request& request) -> Result<Json> {
                               const std::string name =
                                   request.query_value("campaign").value_or("");
                               if (!name.empty()) {
                                 const auto found = campaign::find_campaign(reader, name);
                                 if (!found) return found.error();
                               }
                               return services_.notifications(reader, name);
                             })});
}

}  // namespace kasetsu::http
