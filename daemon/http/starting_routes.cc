// From a table to a campaign, without keeping anything: what was read, a drafted file, a plan.
#include <fmt/format.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <stop_token>
#include <thread>

#include "daemon/base/secret_addresses.h"
#include "daemon/campaign/learning/retrain.h"
#include "daemon/campaign/starting/line_diff.h"
#include "daemon/campaign/starting/look_at_table.h"
#include "daemon/http/api.h"
#include "daemon/http/server.h"
#include "daemon/http/table_options.h"
#include "daemon/http/wire.h"

namespace kasetsu::http {
namespace {

std::vector<std::string> table_parameters(std::vector<std::string> more) {
  more.insert(more.end(), {"target", "condition"});
  more.insert(more.end(), std::begin(kTableOptions), std::end(kTableOptions));
  return more;
}

Result<campaign::TableRequest> table_request(const Request& request) {
  campaign::TableRequest asked;
  auto options = read_table_options(request);
  if (!options) return options.error();
  std::move(*options).tell(asked);
  for (const auto& [name, names] :
       {std::pair{"target", &asked.targets}, {"condition", &asked.conditions}}) {
    auto read = read_names(request, name);
    if (!read) return read.error();
    *names = std::move(*read);
  }
  return asked;
}

Result<Response> read_table(const Request& request, const chemistry::SupportTable& supports) {
  const auto asked = table_request(request);
  if (!asked) return asked.error();
  const auto found = campaign::look_at_table(request.body, *asked, supports);
  if (!found) return found.error();
  return json_response(200, *found);
}

Result<Response> draft(const Request& request, const chemistry::SupportTable& supports) {
  const auto asked = table_request(request);
  if (!asked) return asked.error();
  campaign::DraftRequest wanted;
  wanted.file_name = asked->file_name;
  wanted.name = request.query_value("name").value_or("");
  wanted.unit = request.query_value("unit").value_or("");
  wanted.goal = request.query_value("goal").value_or("maximize");
  wanted.loading_unit = request.query_value("loading_unit").value_or(wanted.loading_unit);
  const auto batch = read_integer(request, "batch", 20, 1, 1'000);
  if (!batch) return batch.error();
  wanted.batch = static_cast<int>(*batch);
  const auto made = campaign::draft_from_table(request.body, *asked, wanted, supports);
  if (!made) return made.error();
  return json_response(
      200, {{"name", wanted.name}, {"space_size", made->space_size}, {"text", made->text}});
}

// What the file would change: {"change": "new", "unchanged" or "changed", "diff"}. Those who may
// not change the file need not know where its webhooks lead.
Json change_of(const campaign::Reader& reader, const std::string& name, const std::string& text,
               bool hide_addresses) {
  const auto found = reader.find_campaign(name);
  if (!found) return {{"change", "new"}, {"diff", ""}};
  const auto version = reader.campaign_version(found->key, found->version);
  const std::string before = version ? version->text : std::string();
  if (before == text) return {{"change", "unchanged"}, {"diff", ""}};
  const auto shown = [&](const std::string& file) {
    return hide_addresses ? without_secrets(file) : file;
  };
  return {{"change", "changed"}, {"diff", campaign::line_diff(shown(before), shown(text))}};
}

// Asks work to stop when nobody waits for it any more, or when its time is over.
class TimeLimit {
 public:
  TimeLimit(std::stop_token gone, std::chrono::milliseconds longest)
      : on_gone_(std::move(gone), Stop{&stop_}), clock_([this, longest](std::stop_token ended) {
          std::mutex mutex;
          std::unique_lock lock(mutex);
          std::condition_variable_any never;
          never.wait_for(lock, ended, longest, [] { return false; });
          if (ended.stop_requested()) return;
          reached_.store(true);
          stop_.request_stop();
        }) {}

  std::stop_token token() const { return stop_.get_token(); }
  bool reached() const { return reached_.load(); }

 private:
  struct Stop {
    std::stop_source* source;
    void operator()() const { source->request_stop(); }
  };
  std::stop_source stop_;
  std::atomic<bool> reached_{false};
  std::stop_callback<Stop> on_gone_;
  std::jthread clock_;  // ended first
};

Error took_too_long(std::chrono::milliseconds longest) {
  return Error{ErrorCode::unprocessable,
               fmt::format("planning takes longer than the {:g} s that one request may have",
                           static_cast<double>(longest.count()) / 1e3),
               "", "",
               "a plan without its first batch, a smaller batch or space, or `kasetsu campaign "
               "plan` on your own machine"};
}

}  // namespace

Result<Response> Api::plan_file(const Request& request) const {
  const std::string batch = request.query_value("batch").value_or("false");
  if (batch != "true" && batch != "false") {
    return Error{ErrorCode::bad_data, "wrong value", "query parameter batch", batch,
                 "true or false"};
  }
  // Decoding a file takes its part of the time.
  const std::chrono::milliseconds longest = server_->options().plan_time;
  TimeLimit limit(request.claim->end.get_token(), longest);
  const auto decoded = services_.decode_campaign(request.body, request.content_type);
  if (!decoded) return decoded.error();
  if (limit.reached()) return took_too_long(longest);
  Control control;
  control.stop = limit.token();
  auto plan = services_.plan_campaign(request.body, request.content_type, batch == "true", control);
  if (limit.reached()) return took_too_long(longest);
  if (!plan) return plan.error();
  const auto change =
      campaign::read_value<Json>(services_.database, [&](const Reader& reader) -> Result<Json> {
        Json json = change_of(reader, decoded->draft.name, request.body,
                              !request.principal.may(Scope::campaigns));
        const auto found = reader.find_campaign(decoded->draft.name);
        json["withdraws"] = Json::array();
        if (!found) return json;
        json["withdraws"] = fallen_json(campaign::fallen_proposals(reader, *found, decoded->draft));
        for (std::string& text : campaign::results_left_out(reader, *found, decoded->conditions)) {
          (*plan)["warnings"].push_back(std::move(text));
        }
        return json;
      });
  if (!change) return change.error();
  plan->update(*change);
  return json_response(200, *plan);
}

void Api::add_starting_routes(Router& router) {
  const std::vector<std::string> tables = {"text/csv", std::string(campaign::kWorkbookType)};
  const chemistry::SupportTable& supports = services_.supports;
  router.add(
      {"POST", "/v1/tables:read", Scope::read,
       working_on(campaign_files_, table_parameters({}),
                  [&supports](const Request& request) { return read_table(request, supports); }),
       tables, true});
  router.add({"POST", "/v1/campaigns:draft", Scope::read,
              working_on(campaign_files_,
                         table_parameters({"name", "unit", "goal", "batch", "loading_unit"}),
                         [&supports](const Request& request) { return draft(request, supports); }),
              tables, true});
  router.add({"POST",
              "/v1/campaigns:plan",
              Scope::read,
              working_on(campaign_files_, {"batch"},
                         [this](const Request& request) { return plan_file(request); }),
              {"application/toml", "application/json"}});
}

}  // namespace kasetsu::http
