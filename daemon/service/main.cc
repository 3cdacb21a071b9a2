// kasetsud: wires the store, the worker and the HTTP server together, and ends them in order.
#include <fmt/format.h>
#include <malloc.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <optional>
#include <thread>

#include "daemon/base/asio.h"

#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>

#include "core/base/text.h"
#include "daemon/base/data_files.h"
#include "daemon/base/log.h"
#include "daemon/base/memory_reserve.h"
#include "daemon/base/operator_files.h"
#include "daemon/base/system.h"
#include "daemon/campaign/file/campaign_file.h"
#include "daemon/campaign/ingest/profiles.h"
#include "daemon/campaign/learning/element_tables.h"
#include "daemon/campaign/learning/learn.h"
#include "daemon/http/api.h"
#include "daemon/http/guard.h"
#include "daemon/http/server.h"
#include "daemon/http/tls.h"
#include "daemon/http/wire.h"
#include "daemon/jobs/webhook.h"
#include "daemon/jobs/worker.h"
#include "daemon/service/campaign_folder.h"
#include "daemon/service/campaign_keys.h"
#include "daemon/service/daemon_file.h"
#include "daemon/service/dashboard_services.h"
#include "daemon/service/driver_host.h"
#include "daemon/service/options.h"
#include "daemon/service/security_report.h"
#include "daemon/service/self_report.h"
#include "daemon/service/upkeep.h"
#include "daemon/store/sqlite_database.h"

namespace kasetsu {
namespace {

namespace asio = boost::asio;

Result<campaign::Science> read_science() {
  auto supports = read_data_table<chemistry::SupportTable>(kSupportsFile);
  if (!supports) return supports.error();
  auto elements = read_data_table<chemistry::ElementTable>(kElementsFile);
  if (!elements) return elements.error();
  return campaign::Science{std::move(*elements), std::move(*supports)};
}

// Plain HTTP: null.
Result<std::shared_ptr<asio::ssl::context>> read_tls(const DaemonConfig& config) {
  if (config.certificate_file.empty()) return std::shared_ptr<asio::ssl::context>{};
  return http::make_tls_context(config.certificate_file, config.key_file, config.client_ca_file);
}

bool beyond_loopback(const DaemonConfig& config) {
  return !config.token_file.empty() &&
         (!config.certificate_file.empty() || config.plain_beyond_loopback);
}

// What the files hold that the configuration names.
struct Parts {
  campaign::Science science;
  std::shared_ptr<asio::ssl::context> tls;
  std::optional<TokenFile> tokens;
};

// Reads all of them and changes nothing: what fails here is also refused by --check-config.
Result<Parts> read_parts(const DaemonConfig& config) {
  auto science = read_science();
  if (!science) return science.error();
  auto tls = read_tls(config);
  if (!tls) return tls.error();
  Parts parts{std::move(*science), *tls, {}};
  if (!config.token_file.empty()) {
    auto tokens = read_token_file(config.token_file);
    if (!tokens) return tokens.error();
    parts.tokens = std::move(*tokens);
  }
  const Status address = http::check_address(config.address, beyond_loopback(config));
  if (!address) return address.error();
  return parts;
}

// How long work may go on after the last connection is closed.
constexpr std::chrono::seconds kLastWork{2};

// Runs until it is told to end; returns the exit code.
class Daemon {
 public:
  Daemon(DaemonConfig config, DaemonArguments arguments)
      : config_(std::move(config)),
        arguments_(std::move(arguments)),
        log_(logger("daemon")),
        ids_(system_random),
        signals_(io_, SIGTERM, SIGINT, SIGHUP),
        pulse_(io_) {}

  // Nobody asks any more: end the tables, whose senders were told nothing yet, and the learning,
  // then what still reads, then write what waits and close the file; only then may those go who
  // listen to commits.
  ~Daemon() {
    if (database_) database_->end_tables();
    if (drivers_) drivers_->stop();
    if (upkeep_) upkeep_->stop();
    if (notifier_) notifier_->stop();
    if (worker_) worker_->stop();
    if (api_) api_->stop();
    database_.reset();
  }
  Daemon(const Daemon&) = delete;
  Daemon& operator=(const Daemon&) = delete;

  Result<int> run() {
    token_stamp_ = stamp(config_.token_file);
    auto parts = read_parts(config_);
    if (!parts) return parts.error();
    science_ = std::move(parts->science);
    if (parts->tokens) {
      guard_.emplace(std::move(*parts->tokens), system_now, config_.requests_per_s);
      token_place_ = std::make_shared<TokenPlace>(config_.token_file);
    }
    warn_of_certificate(parts->tls);
    config_.server.beyond_loopback = beyond_loopback(config_);
    if (Status folder = prepare_folder(); !folder) return folder.error();
    if (Status opened = open_database(); !opened) return opened.error();
    make_worker();
    make_drivers();
    make_notifier();
    make_server();
    const auto port = server_->listen_tcp(config_.address, config_.port, parts->tls);
    if (!port) return port.error();
    if (Status listening = listen_on_socket(); !listening) return listening.error();
    if (Status started = worker_->start(); !started) return started.error();
    make_upkeep();
    upkeep_->start();
    notifier_->start();
    drivers_->start(config_.drivers);
    return serve(*port);
  }

 private:
  Status open_database() {
    store::StoreOptions options;
    options.path = (std::filesystem::path(config_.data_dir) / "kasetsu.db").string();
    options.clock = system_now;
    options.log = [log = logger("store")](const std::string& line) { log->info("{}", line); };
    options.renew_keys = [this](const store::WrittenKeys& written) {
      return campaign_keys(written, science_->supports);
    };
    auto opened = store::SqliteDatabase::open(options);
    if (!opened) return opened.error();
    database_ = std::move(*opened);
    return {};
  }

  void make_worker() {
    jobs::WorkerOptions options;
    options.threads = config_.threads;
    options.code_version = std::string(kVersion);
    options.read_elements = [folder = config_.element_folder](const std::string& name) {
      return campaign::read_element_table(folder, name);
    };
    tables_.emplace(*science_, options.read_elements);
    worker_ = std::make_unique<jobs::Worker>(*database_, *science_, system_now, ids_, options);
  }

  void make_server() {
    api_ = std::make_unique<http::Api>(io_, services());
    database_->on_commit([this](std::int64_t last_event) {
      api_->events().signal(last_event);
      worker_->wake(last_event);
    });
    http::Router router;
    api_->add_routes(router);
    server_ =
        std::make_unique<http::Server>(io_, std::move(router), config_.server, logger("http"));
    api_->set_server(*server_);
    server_->on_drain([this] { api_->events().close(); });
    if (!guard_) return;
    server_->set_authenticator(
        [this](const http::Request& request) { return guard_->decide(request); });
  }

  void make_upkeep() {
    UpkeepOptions options;
    options.backup_dir = config_.backup_dir;
    options.backup_every =
        std::chrono::seconds(static_cast<std::int64_t>(config_.backup_every_h * 3'600.0));
    options.backups_kept = static_cast<std::size_t>(config_.backups_kept);
    if (!config_.campaign_dir.empty()) {
      campaign_folder_ = std::make_unique<CampaignFolder>(
          config_.campaign_dir, *database_, system_now, ids_,
          [this](const std::string& text, const std::string& file,
                 const std::string& media_type) -> Result<campaign::CampaignDraft> {
            const auto parsed =
                campaign::parse_campaign(text, file, media_type, science_->supports);
            if (!parsed) return parsed.error();
            const Status named = campaign::check_element_table(config_.element_folder, *parsed);
            if (!named) return named.error().in(file);
            return campaign::draft_of(*parsed, science_->supports);
          },
          log_);
      options.also = [this] { campaign_folder_->look(); };
    }
    upkeep_ = std::make_unique<Upkeep>(*database_, system_now, ids_, options, log_);
  }

  // Returns the exit code once the daemon is told to end.
  Result<int> serve(std::uint16_t port) {
    wait_for_signals();
    pulse();
    if (!arguments_.port_file.empty()) {
      const Status written = write_file(arguments_.port_file, fmt::format("{}\n", port));
      if (!written) return written.error();
    }
    log_->info("ready version={} address={} port={} data={} sqlite={}", kVersion, config_.address,
               port, config_.data_dir, sqlite3_libversion());
    notify_service_manager("READY=1");
    work_.emplace(asio::make_work_guard(io_));
    run_network();
    const Status health = database_->health();
    if (!health) {
      log_->critical("ended because of the storage error=\"{}\"", health.error().to_string());
      return 1;
    }
    log_->info("ended");
    return 0;
  }

  void warn_of_certificate(const std::shared_ptr<asio::ssl::context>& tls) const {
    if (!tls) return;
    const std::string warning = http::certificate_warning(*tls, system_now());
    if (!warning.empty()) {
      log_->warn("certificate file={} warning=\"{}\"", config_.certificate_file, warning);
    }
  }

  // What a handler throws, such as std::bad_alloc, ends its connection and not the daemon.
  void run_network() {
    for (;;) {
      try {
        io_.run();
        return;
      } catch (const std::exception& error) {
        log_->error("the network thread goes on after an error error=\"{}\"", error.what());
      }
    }
  }

  void make_drivers() {
    const auto find = [folder = config_.profile_folder](const std::string& name) {
      return find_profile(name, folder);
    };
    campaigns_ = std::make_unique<campaign::DecodedCampaigns>(science_->supports);
    intake_ = std::make_unique<campaign::Intake>(*database_, *campaigns_, science_->supports,
                                                 system_now, ids_, find);
    drivers_ = make_supervisor(
        {.intake = *intake_,
         .clock = system_now,
         .data_dir = config_.data_dir,
         .find_profile = find,
         .proposals = [this](const std::string& name) { return open_proposals(name); }});
  }

  // As GET /v1/campaigns/{name}/proposals?state=REQUESTED shows them, at most 1,000.
  Result<Json> open_proposals(const std::string& name) const {
    return campaign::read_value<Json>(
        *database_, [&](const campaign::Reader& reader) -> Result<Json> {
          const auto found = campaign::find_campaign(reader, name);
          if (!found) return found.error();
          campaign::ProposalFilter filter;
          filter.state = campaign::ProposalState::requested;
          const std::string unit = campaigns_->unit_of(reader, found->key);
          Json list = Json::array();
          for (const auto& proposal : reader.proposals(found->key, filter, {0, 1'000})) {
            list.push_back(http::to_json(proposal, science_->supports, unit));
          }
          Json json = {{"campaign", name}};
          json["proposals"] = std::move(list);
          return json;
        });
  }

  http::DriverControl driver_control() {
    http::DriverControl control;
    control.list = [this] { return drivers_->list(); };
    control.act = [this](const std::string& name, const std::string& verb) -> Result<Json> {
      if (verb == "start") return drivers_->start_one(name);
      if (verb == "stop") return drivers_->stop_one(name);
      if (verb == "check") return drivers_->dry_run(name);
      return drivers_->show(name);
    };
    return control;
  }

  Status prepare_folder() {
    std::error_code error;
    const bool made = std::filesystem::create_directories(config_.data_dir, error);
    if (error) {
      return Error{ErrorCode::storage_failed, "the folder for the data cannot be made",
                   "storage.data_dir", config_.data_dir, error.message()};
    }
    if (made) {
      std::filesystem::permissions(config_.data_dir, std::filesystem::perms::owner_all, error);
    }
    return {};
  }

  // A daemon on the usual port is the one that this machine's command line looks for, so it has the
  // usual socket, too; where that cannot be, the port remains.
  Status listen_on_socket() {
    if (config_.unix_socket.empty()) return {};
    if (config_.unix_socket != "auto") return server_->listen_unix(config_.unix_socket);
    if (config_.port != DaemonConfig().port) return {};
    const std::string path = default_unix_socket();
    if (path.empty()) return {};
    if (const Status listening = server_->listen_unix(path); !listening)
      log_->warn("no Unix socket error=\"{}\"", listening.error().to_string());
    return {};
  }

  void make_notifier() {
    jobs::NotifierOptions options;
    options.hosts = config_.webhook_hosts;
    options.read_secret =
        [folder = config_.webhook_secret_dir](const std::string& name) -> Result<std::string> {
      if (folder.empty()) {
        return Error{ErrorCode::not_found, "the daemon has no folder of keys",
                     "webhooks.secret_dir", name, "a folder in the daemon's configuration"};
      }
      Result<std::string> text = read_operator_file(folder, name, "", 4'096);
      if (!text) return text;
      const std::string key(trim(*text));
      if (key.size() < 16) {
        return Error{ErrorCode::bad_data, "the key is too short", name,
                     fmt::format("{} bytes", key.size()), "at least 16 bytes"};
      }
      return key;
    };
    options.send = post_webhook;
    options.decode = [this](const campaign::CampaignVersion& version) {
      return campaign::parse_campaign(version.text, "campaign", version.media_type,
                                      science_->supports);
    };
    notifier_ = std::make_unique<jobs::Notifier>(*database_, system_now, ids_, std::move(options));
  }

  http::Services services() {
    return {
        .database = *database_,
        .clock = system_now,
        .ids = ids_,
        .supports = science_->supports,
        .campaigns = *campaigns_,
        .intake = *intake_,
        .science_of =
            [this](const campaign::CampaignConfig& config) { return tables_->of(config); },
        .decode_campaign = [this](std::string_view text,
                                  std::string_view media_type) -> Result<http::DecodedCampaign> {
          auto parsed = campaign::parse_campaign(text, "campaign", media_type, science_->supports);
          if (!parsed) return parsed.error();
          const Status named = campaign::check_element_table(config_.element_folder, *parsed);
          if (!named) return named.error().in("campaign");
          const auto config = std::make_shared<const campaign::CampaignConfig>(std::move(*parsed));
          return http::DecodedCampaign{campaign::draft_of(*config, science_->supports),
                                       config->conditions(), config->planner.batch, config};
        },
        .plan_campaign =
            [this](std::string_view text, std::string_view media_type, bool first_batch,
                   const Control& control) {
              return plan_campaign_file(*science_, config_.element_folder, text, media_type,
                                        first_batch, control);
            },
        .version = version_json(),
        .more_metrics =
            [this] {
              std::string text =
                  store_metrics(*database_) + job_metrics(*worker_) + drivers_->metrics() +
                  process_metrics() +
                  http::metric_text("kasetsu_config_reload_success", "gauge",
                                    "Whether the last reload of the configuration succeeded.",
                                    config_reload_success_ ? 1.0 : 0.0);
              if (const auto free = free_bytes(config_.data_dir)) {
                text += http::metric_text("kasetsu_disk_free_bytes", "gauge",
                                          "Free space below the data folder.", *free);
              }
              return text;
            },
        .not_ready =
            [this] {
              std::vector<std::string> reasons;
              const auto free = free_bytes(config_.data_dir);
              if (free && *free < config_.least_free_MiB * 1024.0 * 1024.0) {
                reasons.push_back("the disk is almost full");
              }
              for (std::string& reason : campaigns_->unreadable(*database_)) {
                reasons.push_back(std::move(reason));
              }
              return reasons;
            },
        .notifications = jobs::notifications_json,
        .drivers = driver_control(),
        .backup =
            [this] {
              return back_up(*database_, config_.backup_dir,
                             static_cast<std::size_t>(config_.backups_kept), system_now());
            },
        .tokens = token_place_ ? token_control(token_place_, system_now) : http::TokenControl(),
    };
  }

  void wait_for_signals() {
    signals_.async_wait([this](const boost::system::error_code& error, int number) {
      if (error) return;
      wait_for_signals();  // first: whatever the rest throws, the next signal is heard
      if (number == SIGHUP) {
        reload();
      } else if (server_->draining()) {
        // Asked twice: what is acknowledged is on the disk already.
        std::_Exit(128 + number);
      } else {
        log_->info("draining signal={}", number);
        drain();
      }
    });
  }

  // All or nothing: a wrong file leaves everything as it is. Whether there are tokens and TLS at
  // all is settled at the start.
  Status reload_all() {
    const auto config = read_config(arguments_);
    if (!config) return config.error();
    std::optional<TokenFile> tokens;
    const std::string token_stamp = stamp(config->token_file);
    if (guard_ && !config->token_file.empty()) {
      auto read = read_token_file(config->token_file);
      if (!read) return read.error();
      tokens = std::move(*read);
    }
    std::shared_ptr<asio::ssl::context> tls;
    if (!config_.certificate_file.empty() && !config->certificate_file.empty()) {
      const auto read = read_tls(*config);
      if (!read) return read.error();
      tls = *read;
      warn_of_certificate(tls);
    }
    set_log_level(config->log_level);
    if (tokens) {
      guard_->replace(std::move(*tokens), config->requests_per_s);
      // From now on this file is the one that is watched, and that the API changes.
      config_.token_file = config->token_file;
      token_stamp_ = token_stamp;
      token_place_->move_to(config->token_file);
    }
    config_.requests_per_s = config->requests_per_s;
    if (tls) server_->set_tls_context(tls);
    return {};
  }

  void reload() {
    notify_service_manager("RELOADING=1");
    const Status done = reload_all();
    config_reload_success_ = done.ok();
    if (done) {
      log_->info("configuration read again");
    } else {
      log_->error("configuration not changed error=\"{}\"", done.error().to_string());
    }
    notify_service_manager("READY=1");
  }

  // Identity and age of a file; empty when it is not there.
  static std::string stamp(const std::string& path) {
    struct stat found {};
    if (::stat(path.c_str(), &found) != 0) return {};
    return fmt::format("{} {} {}.{}", found.st_ino, found.st_size, found.st_mtim.tv_sec,
                       found.st_mtim.tv_nsec);
  }

  // A token that was made or revoked counts at once, without a signal.
  void watch_tokens() {
    if (!guard_) return;
    const std::string now = stamp(config_.token_file);
    if (now == token_stamp_) return;
    token_stamp_ = now;
    auto tokens = read_token_file(config_.token_file);
    if (tokens) {
      log_->info("tokens read again count={}", tokens->tokens().size());
      guard_->replace(std::move(*tokens), config_.requests_per_s);
    } else {
      log_->error("tokens not changed error=\"{}\"", tokens.error().to_string());
    }
  }

  void drain() {
    notify_service_manager("STOPPING=1");
    const auto deadline =
        std::chrono::milliseconds(static_cast<std::int64_t>(config_.drain_s * 1e3));
    // Work that cannot be interrupted must not keep the daemon: what is acknowledged is on the
    // disk.
    std::thread([deadline, log = log_] {
      std::this_thread::sleep_for(deadline + kLastWork);
      log->error("ended while work was running");
      log->flush();
      std::_Exit(1);
    }).detach();
    server_->drain(deadline, [this] {
      signals_.cancel();
      pulse_.cancel();
      work_.reset();
    });
  }

  // Twice a second: tokens are looked at; a storage that failed for good ends the daemon; the
  // service manager's watchdog hears only of a daemon whose network thread turns and whose storage
  // works.
  void pulse() {
    pulse_.expires_after(std::chrono::milliseconds(500));
    pulse_.async_wait([this](const boost::system::error_code& error) {
      if (error || server_->draining()) return;
      pulse();  // first: whatever the rest throws, the next beat comes
      const Status health = database_->health();
      if (!health && health.error().code == ErrorCode::storage_failed) {
        log_->critical("the storage failed; draining error=\"{}\"", health.error().to_string());
        drain();
        return;
      }
      watch_tokens();
      if (health && watchdog_interval()) notify_service_manager("WATCHDOG=1");
    });
  }

  DaemonConfig config_;
  DaemonArguments arguments_;
  std::shared_ptr<spdlog::logger> log_;
  UlidSource ids_;
  std::optional<campaign::Science> science_;
  std::optional<campaign::ScienceTables> tables_;
  std::optional<Guard> guard_;
  std::string token_stamp_;
  std::shared_ptr<TokenPlace> token_place_;  // null: no tokens are asked for
  bool config_reload_success_ = true;
  asio::io_context io_{1};
  asio::signal_set signals_;
  asio::steady_timer pulse_;
  std::optional<asio::executor_work_guard<asio::io_context::executor_type>> work_;
  std::unique_ptr<store::SqliteDatabase> database_;
  std::unique_ptr<jobs::Worker> worker_;
  std::unique_ptr<campaign::DecodedCampaigns> campaigns_;
  std::unique_ptr<campaign::Intake> intake_;
  std::unique_ptr<drivers::Supervisor> drivers_;
  std::unique_ptr<http::Api> api_;
  std::unique_ptr<http::Server> server_;
  std::unique_ptr<Upkeep> upkeep_;
  std::unique_ptr<jobs::Notifier> notifier_;
  std::unique_ptr<CampaignFolder> campaign_folder_;
};

int exit_code(const Error& error) {
  switch (error.code) {
    case ErrorCode::invalid_argument:
      return 2;
    case ErrorCode::bad_data:
      return 65;
    case ErrorCode::busy:
    case ErrorCode::conflict:
      return 75;
    default:
      return 1;
  }
}

int fail(const Error& error) {
  fmt::print(stderr, "kasetsud: {}\n", error.to_string());
  return exit_code(error);
}

int run(int argc, char** argv) {
  DaemonArguments arguments;
  if (const std::optional<int> code = read_arguments(argc, argv, arguments)) return *code;
  const auto config = read_config(arguments);
  if (!config) return fail(config.error());
  if (arguments.check_config) {
    const auto parts = read_parts(*config);
    if (!parts) return fail(parts.error());
    if (parts->tls) {
      const std::string warning = http::certificate_warning(*parts->tls, system_now());
      if (!warning.empty()) fmt::print(stderr, "kasetsud: {}\n", warning);
    }
    fmt::print("the configuration is right\n");
    return 0;
  }
  if (arguments.check_security) {
    fmt::print("{}\n", dump_json(to_json(look_at_security(*config, system_now()))));
    return 0;
  }
  keep_memory_reserve();
  // Every request takes and gives back a few kilobytes: the allocator keeps what it has, instead of
  // asking the kernel thousands of times a second.
  constexpr int kKept = 64 << 20, kStep = 1 << 20;
  ::mallopt(M_TRIM_THRESHOLD, kKept);
  ::mallopt(M_TOP_PAD, kStep);
  std::signal(SIGPIPE, SIG_IGN);
  ::umask(0077);
  rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < files.rlim_max) {
    files.rlim_cur = std::min<rlim_t>(files.rlim_max, 16'384);
    ::setrlimit(RLIMIT_NOFILE, &files);
  }
  set_up_logs(config->log_level, config->log_format);
  Daemon daemon(*config, arguments);
  const auto code = daemon.run();
  if (!code) {
    logger("daemon")->critical("cannot go on error=\"{}\"", code.error().to_string());
    return fail(code.error());
  }
  return *code;
}

}  // namespace
}  // namespace kasetsu

int main(int argc, char** argv) {
  try {
    return kasetsu::run(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "kasetsud: %s\n", error.what());
    return 1;
  }
}
