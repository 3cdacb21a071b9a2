// What the dashboard looks at: numbers of a campaign that are counted from its records.
#include <fmt/format.h>

#include "core/chemistry/element_table.h"
#include "daemon/base/data_files.h"
#include "daemon/campaign/views/by_element.h"
#include "daemon/campaign/views/coverage.h"
#include "daemon/campaign/views/explanation.h"
#include "daemon/campaign/views/foretold.h"
#include "daemon/campaign/views/front.h"
#include "daemon/campaign/views/insight.h"
#include "daemon/campaign/views/overview.h"
#include "daemon/campaign/views/progress.h"
#include "daemon/campaign/views/weighing.h"
#include "daemon/campaign/views/worksheet.h"
#include "daemon/http/api.h"

namespace kasetsu::http {
namespace {

using campaign::Campaign;
using campaign::CampaignConfig;
using campaign::Reader;
using campaign::Target;

// What is counted of one target, which the query names.
using TargetView = std::function<Result<Json>(const Reader&, const Campaign&, const CampaignConfig&,
                                              const Target&, const chemistry::SupportTable&)>;

Result<const Target*> asked_target(const Request& request, const CampaignConfig& config,
                                   std::string_view parameter) {
  return campaign::find_target(config, request.query_value(parameter).value_or(""));
}

// "csv" or "xlsx". Errors: another word.
Result<campaign::SheetFormat> asked_format(const Request& request) {
  const std::string format = request.query_value("format").value_or("csv");
  if (format == "csv") return campaign::SheetFormat::csv;
  if (format == "xlsx") return campaign::SheetFormat::workbook;
  return Error{ErrorCode::bad_data, "wrong value", "query parameter format", format, "csv or xlsx"};
}

Result<Response> worksheet(const Services& services, const Request& request) {
  const auto format = asked_format(request);
  if (!format) return format.error();
  const std::string& name = request.parameter("name");
  const std::string batch = request.query_value("batch").value_or("");
  const auto bytes = campaign::read_value<std::string>(
      services.database, [&](const Reader& reader) -> Result<std::string> {
        const auto found = campaign::find_campaign(reader, name);
        if (!found) return found.error();
        const auto config = services.campaigns.of(reader, *found);
        if (!config) return config.error();
        return campaign::worksheet(reader, *found, **config, batch, *format, services.supports);
      });
  if (!bytes) return bytes.error();
  const bool csv = *format == campaign::SheetFormat::csv;
  Response response;
  response.content_type = csv ? "text/csv; charset=utf-8" : std::string(campaign::kWorkbookType);
  response.body = *bytes;
  response.headers.emplace_back(
      "Content-Disposition",
      fmt::format("attachment; filename=\"{}-{}.{}\"", name, batch, csv ? "csv" : "xlsx"));
  response.headers.emplace_back("Cache-Control", "no-cache");
  return response;
}

Result<Json> foretold_of(const Reader& reader, const Campaign& found, const CampaignConfig& config,
                         const Target& target, const chemistry::SupportTable&) {
  return campaign::foretold(reader, found, config, target, config.composition.unit());
}

// The map is of the elements' general properties, whatever table the campaign's models use.
Result<Json> coverage_of(const Reader& reader, const Campaign& found, const CampaignConfig& config,
                         const Target& target, const chemistry::SupportTable& supports) {
  const auto elements = read_data_table<chemistry::ElementTable>(kElementsFile);
  if (!elements) return elements.error();
  return campaign::coverage(reader, found, config, target, *elements, supports);
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
  const auto add_of_target = [&](const char* rest, const TargetView& make) {
    add(rest, {"property"},
        [make, &supports](const Reader& reader, const Request& request, const Campaign& found,
                          const CampaignConfig& config) -> Result<Json> {
          const auto target = asked_target(request, config, "property");
          if (!target) return target.error();
          return make(reader, found, config, **target, supports);
        });
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
  add_of_target("elements", campaign::by_element);
  add_of_target("foretold", foretold_of);
  add_of_target("coverage", coverage_of);
  add("front", {"x", "y"},
      [](const Reader& reader, const Request& request, const Campaign& found,
         const CampaignConfig& config) -> Result<Json> {
        const auto x = asked_target(request, config, "x");
        if (!x) return x.error();
        const auto y = asked_target(request, config, "y");
        if (!y) return y.error();
        return campaign::front(reader, found, **x, **y, config.composition.unit());
      });
  add("explanation", {"proposal"},
      [&supports](const Reader& reader, const Request& request, const Campaign& found,
                  const CampaignConfig& config) -> Result<Json> {
        return campaign::explanation(reader, found, config,
                                     request.query_value("proposal").value_or(""), supports);
      });
  router.add({"GET", "/v1/campaigns/{name}/worksheet", Scope::read,
              working({"batch", "format"},
                      [this](const Request& request) { return worksheet(services_, request); })});
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
