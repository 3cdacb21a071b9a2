// The routes of the service. Each handler decodes its request, calls one use case, and encodes the
// answer; what is legal is decided in daemon/campaign.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/control.h"
#include "core/chemistry/catalyst.h"
#include "daemon/base/json.h"
#include "daemon/base/ulid.h"
#include "daemon/campaign/ingest/ingest.h"
#include "daemon/campaign/ingest/intake.h"
#include "daemon/campaign/learning/learn.h"
#include "daemon/campaign/lifecycle/campaigns.h"
#include "daemon/campaign/records/store_port.h"
#include "daemon/http/event_hub.h"
#include "daemon/http/event_tail.h"
#include "daemon/http/offload.h"
#include "daemon/http/router.h"

namespace kasetsu::http {

class Server;

// What a campaign file says, as far as the API needs it.
struct DecodedCampaign {
  campaign::CampaignDraft draft;
  std::vector<std::string> conditions;  // names of the conditions that rows may carry
  std::int64_t batch_size = 20;         // of a recommendation that does not say
  campaign::DecodedCampaigns::Config config = {};
};

// The drivers of the daemon's file. list is quick; act may wait and is called on a worker.
struct DriverControl {
  std::function<Json()> list = [] { return Json::array(); };
  // verb: show, start, stop, check (what it would do now, changing nothing).
  std::function<Result<Json>(const std::string& name, const std::string& verb)> act =
      [](const std::string& name, const std::string&) -> Result<Json> {
    return Error{ErrorCode::not_found, "there is no such driver", "name", name, ""};
  };
};

// The tokens of the daemon's file, on a worker. Without a file there are none.
struct TokenControl {
  std::function<Result<Json>()> list = no_tokens;
  // Makes a token and returns it; it is shown this once.
  std::function<Result<std::string>(const std::string& name, const std::vector<std::string>& scopes,
                                    std::optional<Time> expires)>
      create = [](const auto&...) -> Result<std::string> { return no_tokens().error(); };
  std::function<Status(const std::string& name)> revoke = [](const std::string&) -> Status {
    return no_tokens().error();
  };
  static Result<Json> no_tokens() {
    return Error{ErrorCode::not_found, "this daemon asks for no tokens", "", "",
                 "[tokens] file in its configuration"};
  }
};

// What main gives to the API. Everything outlives the server.
struct Services {
  campaign::Database& database;
  Clock clock;
  UlidSource& ids;
  const chemistry::SupportTable& supports;
  campaign::DecodedCampaigns& campaigns;
  campaign::Intake& intake;
  // What the campaign's models are made with; called in tasks of the database.
  std::function<Result<const campaign::Science*>(const campaign::CampaignConfig&)> science_of;
  std::function<Result<DecodedCampaign>(std::string_view text, std::string_view media_type)>
      decode_campaign;
  // What a campaign file would do (campaign::plan_json), with a first batch where it is wanted;
  // called on a worker.
  std::function<Result<Json>(std::string_view text, std::string_view media_type, bool first_batch,
                             const Control& control)>
      plan_campaign;
  // JSON object for /version.
  Json version;
  // Prometheus text of the store and the jobs; called on the network thread, must be quick.
  std::function<std::string()> more_metrics;
  // Reasons why the daemon is not ready, beside the database's health; empty: ready.
  std::function<std::vector<std::string>()> not_ready;
  // Messages to people that wait or were given up on, for /v1/notifications; campaign empty: of
  // all.
  std::function<Json(const campaign::Reader&, const std::string& campaign)> notifications;
  DriverControl drivers = {};
  // Writes a backup into the configured folder and returns its path; called on a worker.
  std::function<Result<std::string>()> backup;
  TokenControl tokens = {};
};

// What a handler that writes answers with once it is committed.
struct Written {
  int status = 200;
  Json body;
  std::string location;  // of what was made; empty: nothing was
};

class Api {
 public:
  Api(asio::io_context& io, Services services, std::size_t workers = 2);

  void add_routes(Router& router);
  // For waiting and streaming requests; main calls signal() after commits and close() when
  // draining.
  EventHub& events() { return commits_; }
  // Waits for what runs on the workers; nothing may be asked any more.
  void stop() {
    for (WorkerPool* pool :
         {&workers_, &campaign_files_, &deliveries_, &operations_, &event_reads_})
      pool->stop();
  }
  // Needed by /metrics and /readyz.
  void set_server(Server& server) { server_ = &server; }

  // The rest is for the files of this folder that hold the handlers.
  using Transaction = campaign::Transaction;
  using Reader = campaign::Reader;

 private:
  // A measurement in the unit of its campaign.
  Json shown(const Reader& reader, const campaign::Measurement& measurement) const;

  void add_campaign_routes(Router& router);
  void add_result_routes(Router& router);
  void add_proposal_routes(Router& router);
  void add_job_routes(Router& router);
  void add_model_routes(Router& router);
  void add_notification_routes(Router& router);
  void add_event_routes(Router& router);
  void add_driver_routes(Router& router);
  void add_system_routes(Router& router);
  void add_web_routes(Router& router);
  void add_view_routes(Router& router);
  void add_starting_routes(Router& router);
  void add_token_routes(Router& router);

  // A handler that reads: `make` runs on a worker on one state of the database and returns the
  // body. The answer has a weak ETag (the same program, and nothing was committed since), so that
  // pollers are cheap.
  using Read = std::function<Result<Json>(const Reader&, const Request&)>;
  Handler reading(std::vector<std::string> query_names, Read make);
  // The same without an ETag, for what changes without an event: the progress of a job, a message.
  Handler reading_afresh(std::vector<std::string> query_names, Read make);
  // A handler that answers with what `make` returns on a worker, or on the one that such requests
  // share because they may take seconds.
  using Work = std::function<Result<Response>(const Request&)>;
  Handler working(std::vector<std::string> query_names, Work make) {
    return working_on(workers_, std::move(query_names), std::move(make));
  }
  Handler working_on(WorkerPool& pool, std::vector<std::string> query_names, Work make);

  // A handler that reads what is counted from a campaign and its decoded file.
  using View = std::function<Result<Json>(const Reader&, const Request&, const campaign::Campaign&,
                                          const campaign::CampaignConfig&)>;
  Handler viewing(std::vector<std::string> query_names, View make);

  // A handler that reads a page of what belongs to the campaign {name}: takes ?limit= and
  // ?page_token= beside `query_names`. Its limit is `usual` when nothing is said, and `most`.
  using List = std::function<Result<Json>(const Reader&, const Request&, const campaign::Campaign&,
                                          const campaign::Page&)>;
  Handler listing(std::vector<std::string> query_names, List make, std::int64_t usual = 100,
                  std::int64_t most = 1'000);

  // A handler that writes: `act` runs in the transaction, with the request's JSON body (an empty
  // body is {}). With an Idempotency-Key, its answer is kept and given again to the same token.
  using Write = std::function<Result<Written>(Transaction&, const Request&, const Json&,
                                              const campaign::Context&)>;
  Handler writing(Write act);
  asio::awaitable<Response> write_once(Request& request, const Write& act);
  // A route of POST that writes.
  void add_write(Router& router, std::string pattern, Scope scope, Write act);

  campaign::Context context(const Request& request) const;
  // Size of a batch as the campaign's file says; 0 where it says none. Decodes the file.
  Result<std::int64_t> usual_batch(const std::string& name) const;
  asio::awaitable<Response> post_measurements(Request& request);
  // For /metrics.
  void count(const campaign::IngestReceipt& receipt);
  asio::awaitable<Response> post_campaign(Request& request);
  Result<Response> get_campaign(const Request& request);
  asio::awaitable<Response> post_recommend(Request& request);
  Result<Response> plan_file(const Request& request) const;
  asio::awaitable<Response> get_session(Request& request);
  Response check_sign_in(Request& request) const;
  // As long as every refusal of a token waits.
  asio::awaitable<void> wait_before_refusing() const;
  asio::awaitable<Response> sign_in(Request& request);
  Response get_readiness() const;
  Response get_metrics() const;
  // Reads what each commit adds, once for all who wait; ends when the hub closes.
  asio::awaitable<void> follow_events();
  // One turn of it; false where the events could not be read.
  asio::awaitable<bool> follow_once();
  asio::awaitable<Response> get_events(Request& request);
  // greeting: what the stream begins with.
  asio::awaitable<void> stream_events(Sink& sink, std::string greeting, std::int64_t after,
                                      std::string campaign, std::shared_ptr<Claim> claim);
  Result<std::vector<campaign::Event>> events_after(std::int64_t after, std::int64_t limit,
                                                    const std::string& campaign) const;

  // Rows that came over HTTP, by verdict; of the network thread.
  struct Taken {
    std::int64_t accepted = 0, flagged = 0, duplicate = 0, quarantined = 0;
  };

  asio::io_context& io_;
  Services services_;
  Taken taken_;
  std::string timeline_;  // of the database: another one after a restore
  std::string program_;   // in ETags: another program may write the same state in another way
  Completions completions_;
  WorkerPool workers_;
  // What may take seconds has one thread for each kind, so that reading always finds another.
  WorkerPool campaign_files_;  // they are checked, planned and drafted
  WorkerPool deliveries_;      // they are decoded
  WorkerPool operations_;      // backups, and drivers that are checked, started and stopped
  WorkerPool event_reads_;     // of streams and the tail, which take no place of a request
  EventHub commits_;           // what is on the disk
  EventTail tail_;
  EventHub hub_;  // what the tail has
  Server* server_ = nullptr;
};

// Helpers of the handlers.

// A handler that waits for nothing.
Handler at_once(std::function<Response(const Request&)> make);

Response json_response(int status, const Json& body);

// bad_data for a query parameter that is not in `known`, or is given twice.
Status check_query(const Request& request, const std::vector<std::string>& known);

// ?limit= and ?page_token=.
Result<campaign::Page> read_page(const Request& request, std::int64_t usual = 100,
                                 std::int64_t most = 1'000);

// {"<name>": [...], "next_page_token": "..."}: the token is null on the last page.
template <typename T, typename Encode>
Json page_json(const char* name, const std::vector<T>& items, const campaign::Page& page,
               Encode encode) {
  Json list = Json::array();
  for (const T& item : items) list.push_back(encode(item));
  Json json = {{"next_page_token", nullptr}};
  if (!items.empty() && static_cast<std::int64_t>(items.size()) >= page.limit) {
    json["next_page_token"] = std::to_string(items.back().seq);
  }
  json[name] = std::move(list);
  return json;
}

// A whole number of the query.
Result<std::int64_t> read_integer(const Request& request, std::string_view name, std::int64_t usual,
                                  std::int64_t low, std::int64_t high);

// The revision that If-Match names; nothing without the field or for "*".
Result<std::optional<std::int64_t>> expected_revision(const Request& request);

// Within which an idempotency key is known again: one token's requests of one address.
std::string idempotency_scope(const Request& request);

std::string revision_tag(std::int64_t revision);

}  // namespace kasetsu::http
