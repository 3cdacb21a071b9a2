#include "daemon/service/dashboard_services.h"

#include "core/base/control.h"
#include "core/base/executor.h"
#include "daemon/base/tokens.h"
#include "daemon/campaign/file/campaign_file.h"
#include "daemon/campaign/learning/element_tables.h"
#include "daemon/campaign/starting/file_plan.h"

namespace kasetsu {

Result<Json> plan_campaign_file(const campaign::Science& science, const std::string& element_folder,
                                std::string_view text, std::string_view media_type,
                                bool first_batch, const Control& control) {
  const auto config = campaign::parse_campaign(text, "campaign", media_type, science.supports);
  if (!config) return config.error();
  const Status named = campaign::check_element_table(element_folder, *config);
  if (!named) return named.error().in("campaign");
  const Executor executor(1);
  auto plan = campaign::plan_file(*config, executor, control);
  if (!plan) return plan.error().in("campaign");
  if (first_batch) {
    campaign::Science own = science;
    if (config->elements != "general") {
      auto elements = campaign::read_element_table(element_folder, config->elements);
      if (!elements) return elements.error();
      own.elements = std::move(*elements);
    }
    auto first = campaign::plan_first_batch(*config, plan->space_size, own, executor, control);
    if (!first) return first.error().in("campaign");
    plan->first = std::move(*first);
  }
  return campaign::plan_json(*config, *plan);
}

http::TokenControl token_control(std::shared_ptr<const TokenPlace> place, Clock clock) {
  struct File {
    std::shared_ptr<const TokenPlace> place;
    Clock clock;
    std::mutex mutex;  // one change at a time
  };
  const auto file = std::make_shared<File>();
  file->place = std::move(place);
  file->clock = std::move(clock);
  http::TokenControl control;
  control.list = [file]() -> Result<Json> {
    const auto tokens = read_token_file(file->place->path());
    if (!tokens) return tokens.error();
    const Time now = file->clock();
    Json list = Json::array();
    for (const Token& token : tokens->tokens()) {
      list.push_back(
          {{"name", token.name},
           {"scopes", token.scopes},
           {"created_at", format_time(token.created)},
           {"expires_at", token.expires ? Json(format_time(*token.expires)) : Json(nullptr)},
           {"expired", token.expires && *token.expires <= now}});
    }
    return list;
  };
  control.create = [file](const std::string& name, const std::vector<std::string>& scopes,
                          std::optional<Time> expires) -> Result<std::string> {
    const std::lock_guard lock(file->mutex);
    const std::string path = file->place->path();
    auto tokens = read_token_file(path);
    if (!tokens) return tokens.error();
    auto made = tokens->create(name, scopes, expires, file->clock());
    if (!made) return made.error();
    const Status written = write_token_file(path, *tokens);
    if (!written) return written.error();
    return made;
  };
  control.revoke = [file](const std::string& name) -> Status {
    const std::lock_guard lock(file->mutex);
    const std::string path = file->place->path();
    auto tokens = read_token_file(path);
    if (!tokens) return tokens.error();
    const Status revoked = tokens->revoke(name);
    if (!revoked) return revoked;
    return write_token_file(path, *tokens);
  };
  return control;
}

}  // namespace kasetsu
