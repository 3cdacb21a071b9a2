// What the dashboard looks at: numbers of a campaign that are counted from its records.
#include "daemon/campaign/views/by_element.h"
#include "daemon/campaign/views/foretold.h"
#include "daemon/campaign/views/front.h"
#include "daemon/campaign/views/insight.h"
#include "daemon/campaign/views/overview.h"
#include "daemon/campaign/views/progress.h"
#include "daemon/campaign/views/weighing.h"
#include "daemon/http/api.h"

namespace kasetsu::http {
namespace {

using campaign::Campaign;
using campaign::CampaignConfig;
using campaign::Reader;
using campaign::Target;

Result<const Target*> asked_target(const Request& request, const CampaignConfig& config,
                                   std::string_view parameter) {
  return campaign::find_target(config, request.query_value(parameter).value_or(""));
}

}  // namespace

Handler Api::viewing(std::vector<std::string> query_names, View make) {
  return reading(
      std::move(query_names),
      [this, make = std::move(make)](const Reader& reader, const Request& request) -> Result<Json> {
        const auto found = campaign::find_campaign(reader, request.parameter("name"));
        if (!found) return found.error();
        const auto config = services_.campaigns.of(reader, *found);
        if (!config) return config.error();
        return make(reader, request, *found, **config);
      });
}

void Api::add_view_routes(Router& router) {
  const chemistry::SupportTable& supports = services_.supports;
  const auto add = [&](const char* rest, std::vector<std::string> query_names, View make) {
    router.add({"GET", std::string("/v1/campaigns/{name}/") + rest, Scope::read,
                viewing(std::move(query_names), std::move(make))});
  };
  add("overview", {},
      [](const Reader& reader, const Request&, const Campaign& found,
         const CampaignConfig& config) -> Result<Json> {
        return campaign::overview(reader, found, config, config.composition.unit());
      });
  add("progress", {"property", "points"},
      [](const Reader& reader, const Request& request, const Campaign& found,
         const CampaignConfig& config) -> Result<Json> {
        const auto target = asked_target(request, config, "property");
        if (!target) return target.error();
        const auto points = read_integer(request, "points", 5'000, 0, 20'000);
        if (!points) return points.error();
        return campaign::progress(reader, found, **target, static_cast<std::size_t>(*points),
                                  config.composition.unit());
      });
  add("elements", {"property"},
      [&supports](const Reader& reader, const Request& request, const Campaign& found,
                  const CampaignConfig& config) -> Result<Json> {
        const auto target = asked_target(request, config, "property");
        if (!target) return target.error();
        return campaign::by_element(reader, found, config, **target, supports);
      });
  add("foretold", {"property"},
      [](const Reader& reader, const Request& request, const Campaign& found,
         const CampaignConfig& config) -> Result<Json> {
        const auto target = asked_target(request, config, "property");
        if (!target) return target.error();
        return campaign::foretold(reader, found, config, **target, config.composition.unit());
      });
  add("front", {"x", "y"},
      [](const Reader& reader, const Request& request, const Campaign& found,
         const CampaignConfig& config) -> Result<Json> {
        const auto x = asked_target(request, config, "x");
        if (!x) return x.error();
        const auto y = asked_target(request, config, "y");
        if (!y) return y.error();
        return campaign::front(reader, found, **x, **y, config.composition.unit());
      });
  add("weighing", {"batch"},
      [&supports](const Reader& reader, const Request& request, const Campaign& found,
                  const CampaignConfig& config) -> Result<Json> {
        return campaign::weighing(reader, found, config, request.query_value("batch").value_or(""),
                                  supports);
      });
  add("models/{id}/insight", {"property"},
      [&supports](const Reader& reader, const Request& request, const Campaign& found,
                  const CampaignConfig& config) -> Result<Json> {
        const std::string& id = request.parameter("id");
        const auto model =
            id == "current"
                ? reader.current_model(found.key, request.query_value("property").value_or(""))
                : reader.find_model(id);
        if (!model || model->campaign != found.key) {
          return Error{ErrorCode::not_found, "no such model", "id", id,
                       "the id of a model of this campaign, or current"};
        }
        return campaign::insight(reader, found, *model, supports, config.composition.unit());
      });
}

}  // namespace kasetsu::http
