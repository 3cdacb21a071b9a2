#include <fmt/format.h>
#include <map>

#include "core/chemistry/element.h"
#include "daemon/campaign/learning/models.h"
#include "daemon/campaign/planning/leases.h"
#include "daemon/http/api.h"
#include "daemon/http/problem.h"
#include "daemon/http/wire.h"

namespace kasetsu::http {
namespace {

using campaign::Context;
using campaign::Reader;
using campaign::Transaction;

struct VerbBody {
  std::string client;
  Duration lease = campaign::kDefaultLease;
  std::string reason;
  bool runs_campaigns = false;  // the token has the scope campaigns
};

using Verb = Result<campaign::Proposal> (*)(Transaction&, const std::string& id, const VerbBody&,
                                            const Context&);

Result<Duration> read_lease(std::optional<double> seconds) {
  if (!seconds) return campaign::kDefaultLease;
  if (!(*seconds >= 1.0 && *seconds <= 90.0 * 86'400.0)) {
    return Error{ErrorCode::bad_data, "wrong value", "/lease_s", fmt::format("{}", *seconds),
                 "1 to 7776000 seconds"};
  }
  return Duration(static_cast<std::int64_t>(*seconds * 1e6));
}

// {"client", "lease_s"?, "reason"?}; the client's name defaults to the token's.
Result<VerbBody> read_verb(const Request& request, const Json& body, const Context& context) {
  FieldReader fields(body, {"client", "lease_s", "reason"});
  VerbBody verb;
  verb.client = fields.optional<std::string>("client").value_or(context.actor);
  verb.reason = fields.optional<std::string>("reason").value_or("");
  const auto lease = read_lease(fields.optional<double>("lease_s"));
  if (!fields.status()) return fields.status().error();
  if (!lease) return lease.error();
  verb.lease = *lease;
  verb.runs_campaigns = request.principal.may(Scope::campaigns);
  return verb;
}

// No model can learn from a result of an element that its table lacks, or foretell it.
Status check_elements(const campaign::CampaignConfig& config, const std::string& key,
                      const Services& services) {
  const auto catalyst = chemistry::parse_key(key, services.supports);
  if (!catalyst) return catalyst.error();
  const auto science = services.science_of(config);
  if (!science) return science.error();
  const auto lacking =
      campaign::lacking_element(*catalyst, config.model.features.method,
                                [&](int element) { return (*science)->elements.has(element); });
  if (!lacking) return {};
  return Error{ErrorCode::bad_data, "the campaign's element table has no row for the element",
               "/catalyst", std::string(chemistry::element_symbol(*lacking)),
               "elements of the table; another one is named by model.elements of the campaign"};
}

// A catalyst as result rows give it: an object of slots, amounts or formula, or a name.
Result<campaign::PreparedRow> read_catalyst(const Json& body, const Reader& reader,
                                            const campaign::Campaign& of,
                                            const Services& services) {
  const auto found = body.find("catalyst");
  if (found == body.end()) {
    return Error{ErrorCode::bad_data, "missing", "/catalyst", "",
                 "{\"slots\": [...], \"support\"}, {\"amounts\": {...}} or a name"};
  }
  const Json row = {{"catalyst", *found}, {"values", {{"_", 0.0}}}};
  const auto config = services.campaigns.of(reader, of);
  if (!config) return config.error();
  auto prepared = campaign::prepare_row(dump_json(row), services.supports, (*config)->composition);
  if (!prepared) return prepared.error();
  if (!prepared->problem.empty()) {
    return Error{ErrorCode::bad_data, prepared->problem, "/catalyst", dump_json(*found),
                 "a catalyst"};
  }
  if (const Status known = check_elements(**config, prepared->catalyst, services); !known)
    return known.error();
  return prepared;
}

// How many of the results that a model learnt from were retracted, corrected or excluded since.
std::int64_t corrected_since(const Reader& reader, const std::string& id) {
  const auto model = reader.find_model(id);
  if (!model) return 0;
  return reader.training_change(model->campaign, model->property, model->snapshot, 1).lost;
}

Result<Json> list_proposals(const Reader& reader, const Request& request,
                            const campaign::Campaign& found, const campaign::Page& page,
                            const Services& services) {
  campaign::ProposalFilter filter;
  if (const auto text = request.query_value("state")) {
    filter.state = campaign::parse_proposal_state(*text);
    if (!filter.state) {
      return Error{ErrorCode::bad_data, "unknown state", "query parameter state", *text,
                   "REQUESTED, ACTIVE, PARTIAL, SUCCEEDED, FAILED, INFEASIBLE, EXPIRED or "
                   "CANCELLED"};
    }
  }
  filter.batch = request.query_value("batch").value_or("");
  filter.client = request.query_value("client").value_or("");
  const std::string unit = services.campaigns.unit_of(reader, found.key);
  std::map<std::string, std::int64_t> corrected;  // by model
  const auto written = [&](const campaign::Proposal& proposal) {
    Json json = to_json(proposal, services.supports, unit);
    json["corrected"] = 0;
    if (proposal.model.empty()) return json;
    const auto [known, is_new] = corrected.try_emplace(proposal.model, 0);
    if (is_new) known->second = corrected_since(reader, proposal.model);
    json["corrected"] = known->second;
    return json;
  };
  return page_json("proposals", reader.proposals(found.key, filter, page), page, written);
}

Result<Json> list_batches(const Reader& reader, const Request&, const campaign::Campaign& found,
                          const campaign::Page& page) {
  return page_json("batches", reader.batches(found.key, page), page,
                   [](const auto& batch) { return to_json(batch); });
}

Result<Written> propose(Transaction& tx, const Request& request, const Json& body,
                        const Context& context, const Services& services) {
  FieldReader fields(body, {"catalyst", "reason"});
  const auto reason = fields.optional<std::string>("reason");
  if (!fields.status()) return fields.status().error();
  const auto found = campaign::find_campaign(tx, request.parameter("name"));
  if (!found) return found.error();
  const auto catalyst = read_catalyst(body, tx, *found, services);
  if (!catalyst) return catalyst.error();
  const auto proposal = campaign::propose_by_hand(tx, request.parameter("name"), catalyst->catalyst,
                                                  reason.value_or(""), context);
  if (!proposal) return proposal.error();
  return Written{
      201,
      to_json(*proposal, services.supports, services.campaigns.unit_of(tx, proposal->campaign)),
      "/v1/proposals/" + proposal->id};
}

Result<Written> amend(Transaction& tx, const Request& request, const Json& body,
                      const Context& context, const Services& services) {
  FieldReader fields(body, {"client", "catalyst", "reason"});
  const auto client = fields.optional<std::string>("client");
  const auto reason = fields.required<std::string>("reason");
  if (!fields.status()) return fields.status().error();
  const std::string& id = request.parameter("id");
  const auto asked = tx.find_proposal(id);
  const auto found = asked ? tx.campaign(asked->campaign) : std::nullopt;
  if (!found) {
    return Error{ErrorCode::not_found, "no such proposal", "id", id, "the id of a proposal"};
  }
  const auto catalyst = read_catalyst(body, tx, *found, services);
  if (!catalyst) return catalyst.error();
  const auto done = campaign::amend(tx, request.parameter("id"), client.value_or(context.actor),
                                    catalyst->catalyst, reason, context);
  if (!done) return done.error();
  return Written{201,
                 to_json(*done, services.supports, services.campaigns.unit_of(tx, done->campaign)),
                 "/v1/proposals/" + done->id};
}

// What a client should work on, leased to it; without a client, what is on offer. When there is
// too little, planning is scheduled, and the job is the answer where there is nothing.
Result<Written> recommend(Transaction& tx, const Request& request, const Json& body,
                          const Context& context, std::int64_t usual, const Services& services) {
  FieldReader fields(body, {"batch_size", "client", "lease_s"});
  const auto size = fields.optional<std::int64_t>("batch_size");
  const auto client = fields.optional<std::string>("client");
  const auto lease = read_lease(fields.optional<double>("lease_s"));
  if (!fields.status()) return fields.status().error();
  if (!lease) return lease.error();
  if (size && (*size < 1 || *size > 1'000)) {
    return Error{ErrorCode::bad_data, "wrong value", "/batch_size", std::to_string(*size),
                 "1 to 1000"};
  }
  const std::string& name = request.parameter("name");
  const auto found = campaign::find_campaign(tx, name);
  if (!found) return found.error();
  const std::int64_t count = size.value_or(usual);
  campaign::ProposalFilter filter;
  std::vector<campaign::Proposal> offered;
  std::int64_t held = 0;  // by the client already
  if (client) {
    filter.state = campaign::ProposalState::active;
    filter.client = *client;
    held = std::ssize(tx.proposals(found->key, filter, {0, count}));
    auto taken = campaign::take(tx, name, *client, count, *lease, context);
    if (!taken) return taken.error();
    offered = std::move(*taken);
  } else {
    filter.state = campaign::ProposalState::requested;
    offered = tx.proposals(found->key, filter, {0, count});
  }
  const std::int64_t got = std::ssize(offered);
  Json answer = {{"proposals", Json::array()}};
  const std::string unit = services.campaigns.unit_of(tx, found->key);
  for (const auto& proposal : offered) {
    answer["proposals"].push_back(to_json(proposal, services.supports, unit));
  }
  // A client that asks for more than it holds gets the difference planned.
  if (got == count || got > held) return Written{200, std::move(answer), ""};
  const Json detail = size ? Json{{"batch_size", count - got}} : Json::object();
  const auto job = campaign::schedule_job(tx, name, "plan", dump_json(detail), context);
  if (!job) return job.error();
  if (got > 0) return Written{200, std::move(answer), ""};
  answer["job"] = to_json(job->job);
  return Written{202, std::move(answer), "/v1/jobs/" + job->job.id};
}

const std::pair<const char*, Verb> kVerbs[] = {
    {"claim", [](Transaction& tx, const std::string& id, const VerbBody& body,
                 const Context& c) { return campaign::claim(tx, id, body.client, body.lease, c); }},
    {"heartbeat",
     [](Transaction& tx, const std::string& id, const VerbBody& body, const Context& c) {
       return campaign::heartbeat(tx, id, body.client, body.lease, c);
     }},
    {"release", [](Transaction& tx, const std::string& id, const VerbBody& body,
                   const Context& c) { return campaign::release(tx, id, body.client, c); }},
    {"complete", [](Transaction& tx, const std::string& id, const VerbBody& body,
                    const Context& c) { return campaign::complete(tx, id, body.client, c); }},
    {"fail", [](Transaction& tx, const std::string& id, const VerbBody& body,
                const Context& c) { return campaign::fail(tx, id, body.client, body.reason, c); }},
    {"infeasible",
     [](Transaction& tx, const std::string& id, const VerbBody& body, const Context& c) {
       return campaign::mark_infeasible(tx, id, body.client, body.reason, c);
     }},
    {"cancel", [](Transaction& tx, const std::string& id, const VerbBody& body, const Context& c) {
       const auto client = body.runs_campaigns ? std::nullopt : std::optional(body.client);
       return campaign::cancel(tx, id, client, body.reason, c);
     }}};

}  // namespace

Result<std::int64_t> Api::usual_batch(const std::string& name) const {
  return campaign::read_value<std::int64_t>(
      services_.database, [&](const Reader& reader) -> Result<std::int64_t> {
        const auto found = campaign::find_campaign(reader, name);
        if (!found) return found.error();
        const auto config = services_.campaigns.of(reader, *found);
        return config ? (*config)->planner.batch : 0;
      });
}

// The campaign's file is decoded outside the transaction, because a large candidate space takes
// time.
asio::awaitable<Response> Api::post_recommend(Request& request) {
  constexpr std::int64_t kUsual = 20;
  std::function<Result<std::int64_t>()> work = [&]() -> Result<std::int64_t> {
    return usual_batch(request.parameter("name"));
  };
  const auto found = co_await campaign_files_.run<std::int64_t>(request.claim, std::move(work));
  if (!found) co_return problem(found.error());
  const std::int64_t usual = *found > 0 ? *found : kUsual;
  const Write act = [this, usual](Transaction& tx, const Request& asked, const Json& body,
                                  const Context& context) {
    return recommend(tx, asked, body, context, usual, services_);
  };
  co_return co_await write_once(request, act);
}

void Api::add_proposal_routes(Router& router) {
  router.add({"GET", "/v1/campaigns/{name}/proposals", Scope::read,
              listing({"state", "batch", "client"},
                      [this](const Reader& reader, const Request& request,
                             const campaign::Campaign& found, const campaign::Page& page) {
                        return list_proposals(reader, request, found, page, services_);
                      })});
  add_write(router, "/v1/campaigns/{name}/proposals", Scope::results,
            [this](Transaction& tx, const Request& request, const Json& body, const Context& c) {
              return propose(tx, request, body, c, services_);
            });
  router.add({"GET", "/v1/campaigns/{name}/batches", Scope::read, listing({}, list_batches)});
  router.add(
      {"GET", "/v1/proposals/{id}", Scope::read,
       reading({}, [this](const Reader& reader, const Request& request) -> Result<Json> {
         const std::string& id = request.parameter("id");
         const auto found = reader.find_proposal(id);
         if (found) {
           return to_json(*found, services_.supports,
                          services_.campaigns.unit_of(reader, found->campaign));
         }
         return Error{ErrorCode::not_found, "no such proposal", "id", id, "the id of a proposal"};
       })});
  router.add({"POST",
              "/v1/campaigns/{name}:recommend",
              Scope::results,
              [this](Request& request) { return post_recommend(request); },
              {"application/json"}});
  for (const auto& [word, act] : kVerbs) {
    add_write(router, fmt::format("/v1/proposals/{{id}}:{}", word), Scope::results,
              [this, act = act](Transaction& tx, const Request& request, const Json& body,
                                const Context& context) -> Result<Written> {
                const auto verb = read_verb(request, body, context);
                if (!verb) return verb.error();
                const auto done = act(tx, request.parameter("id"), *verb, context);
                if (!done) return done.error();
                return Written{200,
                               to_json(*done, services_.supports,
                                       services_.campaigns.unit_of(tx, done->campaign)),
                               ""};
              });
  }
  add_write(router, "/v1/proposals/{id}:amend", Scope::results,
            [this](Transaction& tx, const Request& request, const Json& body, const Context& c) {
              return amend(tx, request, body, c, services_);
            });
}

}  // namespace kasetsu::http
