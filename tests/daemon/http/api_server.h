// The routes over real sockets with the real store in a temporary folder; no jobs run.
#pragma once

#include <fmt/format.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <sstream>
#include <string>
#include <string_view>

#include "daemon/campaign/file/campaign_file.h"
#include "daemon/campaign/learning/retrain.h"
#include "daemon/http/api.h"
#include "daemon/store/sqlite_database.h"
#include "tests/daemon/failing_database.h"
#include "tests/daemon/http/raw_client.h"
#include "tests/daemon/http/test_server.h"
#include "tests/paths.h"

namespace kasetsu::http {

inline std::string file_text(const std::string& relative) {
  std::ifstream file(kasetsu::testing::source_dir() + "/" + relative);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

struct JsonAnswer {
  int status = 0;
  Json body;
  RawAnswer raw;
};

class ApiServer {
 public:
  explicit ApiServer(ServerOptions options = {})
      : folder_(make_folder()),
        ids_(system_random),
        supports_(chemistry::SupportTable::from_csv(file_text("config/elements/supports.csv"),
                                                    "supports.csv")
                      .value()),
        science_{chemistry::ElementTable::from_csv(file_text("config/elements/general.csv"),
                                                   "general.csv")
                     .value(),
                 supports_} {
    store::StoreOptions store;
    store.path = (folder_ / "kasetsu.db").string();
    database_ = store::SqliteDatabase::open(store).value();
    reads_ = std::make_unique<testing::FailingDatabase>(*database_);
    campaigns_ = std::make_unique<campaign::DecodedCampaigns>(supports_);
    intake_ = std::make_unique<campaign::Intake>(
        *database_, *campaigns_, supports_, system_now, ids_,
        [](const std::string& name) -> Result<std::shared_ptr<const tables::Profile>> {
          return Error{ErrorCode::not_found, "there are no profiles here", "profile", name, ""};
        });
    Services services{
        .database = *reads_,
        .clock = system_now,
        .ids = ids_,
        .supports = supports_,
        .campaigns = *campaigns_,
        .intake = *intake_,
        .science_of = [this](const campaign::CampaignConfig& config) { return tables_.of(config); },
        .decode_campaign = [this](std::string_view text,
                                  std::string_view media_type) -> Result<DecodedCampaign> {
          const auto config = campaign::parse_campaign(text, "campaign", media_type, supports_);
          if (!config) return config.error();
          return DecodedCampaign{campaign::draft_of(*config, supports_), config->conditions(),
                                 config->planner.batch};
        },
        .plan_campaign = [this](std::string_view, std::string_view, bool,
                                const Control& control) -> Result<Json> { return plan_(control); },
        .version = {{"name", "kasetsud"}},
        .more_metrics = [] { return std::string(); },
        .not_ready = [this] { return not_ready_; },
        .notifications =
            [](const campaign::Reader&, const std::string&) {
              return Json{{"waiting", Json::array()}, {"given_up", Json::array()}};
            },
        .drivers = {.act = [this](const std::string& name,
                                  const std::string& verb) { return act_(name, verb); }},
        .backup = [this]() -> Result<std::string> {
          const std::string path = (folder_ / "backup.db").string();
          const Status done = database_->backup(path);
          if (!done) return done.error();
          return path;
        },
    };
    server_ = std::make_unique<TestServer>(
        [&](asio::io_context& io) {
          api_ = std::make_unique<Api>(io, std::move(services));
          Router router;
          api_->add_routes(router);
          return router;
        },
        std::move(options));
    api_->set_server(server_->server());
    server_->on_network([this] { server_->server().on_drain([this] { api_->events().close(); }); });
    database_->on_commit([this](std::int64_t last) { api_->events().signal(last); });
  }

  ~ApiServer() {
    server_->drain(std::chrono::milliseconds(500));
    server_->stop();
    api_->stop();
    database_.reset();
    server_.reset();
    std::filesystem::remove_all(folder_);
  }

  Server& server() { return server_->server(); }
  TestServer& test_server() { return *server_; }
  store::SqliteDatabase& database() { return *database_; }
  std::uint16_t port() const { return server_->port(); }
  const std::filesystem::path& folder() const { return folder_; }
  // What plans a campaign file; nothing does before.
  void set_plan(std::function<Result<Json>(const Control&)> plan) { plan_ = std::move(plan); }
  // What a driver does that is asked to; there is none before.
  void set_driver(std::function<Result<Json>(const std::string&, const std::string&)> act) {
    act_ = std::move(act);
  }
  // Of the API alone.
  testing::FailingDatabase& reads() { return *reads_; }
  void set_not_ready(std::vector<std::string> reasons) { not_ready_ = std::move(reasons); }

  static std::string request(std::string_view method, std::string_view path,
                             std::string_view body = "", std::string_view fields = "",
                             std::string_view type = "application/json") {
    std::string text = fmt::format("{} {} HTTP/1.1\r\nHost: localhost\r\n{}", method, path, fields);
    if (!body.empty()) text += fmt::format("Content-Type: {}\r\n", type);
    if (!body.empty() || method == "POST")
      text += fmt::format("Content-Length: {}\r\n", body.size());
    return text + "\r\n" + std::string(body);
  }

  JsonAnswer ask(std::string_view method, std::string_view path, std::string_view body = "",
                 std::string_view fields = "", std::string_view type = "application/json") {
    RawClient client(port());
    client.send(request(method, path, body, fields, type));
    JsonAnswer answer;
    answer.raw = client.receive();
    answer.status = answer.raw.status;
    answer.body = Json::parse(answer.raw.body, nullptr, false);
    return answer;
  }
  JsonAnswer get(std::string_view path, std::string_view fields = "") {
    return ask("GET", path, "", fields);
  }
  JsonAnswer post(std::string_view path, const Json& body = Json::object(),
                  std::string_view fields = "") {
    return ask("POST", path, body.dump(), fields);
  }

 private:
  static std::filesystem::path make_folder() {
    static std::atomic<int> number{0};
    const auto folder = std::filesystem::temp_directory_path() /
                        fmt::format("kasetsu_api_{}_{}", ::getpid(), ++number);
    std::filesystem::create_directory(folder);
    return folder;
  }

  std::filesystem::path folder_;
  UlidSource ids_;
  chemistry::SupportTable supports_;
  campaign::Science science_;
  campaign::ScienceTables tables_{science_, {}};
  std::unique_ptr<store::SqliteDatabase> database_;
  std::unique_ptr<testing::FailingDatabase> reads_;
  std::unique_ptr<campaign::DecodedCampaigns> campaigns_;
  std::unique_ptr<campaign::Intake> intake_;
  std::unique_ptr<Api> api_;
  std::unique_ptr<TestServer> server_;
  std::vector<std::string> not_ready_;
  std::function<Result<Json>(const Control&)> plan_ = [](const Control&) -> Result<Json> {
    return Error{ErrorCode::unavailable, "nothing is planned here", "", "", ""};
  };
  std::function<Result<Json>(const std::string&, const std::string&)> act_ =
      [](const std::string& name, const std::string&) -> Result<Json> {
    return Error{ErrorCode::not_found, "there is no such driver", "name", name, ""};
  };
};

}  // namespace kasetsu::http
