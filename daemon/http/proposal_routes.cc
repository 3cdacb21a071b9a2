#include <fmt/format.h>

#include "daemon/campaign/learning/models.h"
#include "daemon/campaign/planning/leases.h"
#include "daemon/http/api.h"
#include "daemon/http/problem.h"
#include "daemon/http/wire.h"

namespace kasetsu::http {
namespace {

struct VerbBody {
  std::string client;
  Duration lease = campaign::kDefaultLease;
  std::string reason;
};

Result<Duration> read_lease(const Json& body) {
  const auto seconds = read_optional<double>(body, "lease_s");
  if (!seconds) return seconds.error();
  if (!*seconds) return campaign::kDefaultLease;
  if (!(**seconds >= 1.0 && **seconds <= 90.0 * 86'400.0)) {
    return Error{ErrorCode::bad_data, "wrong value", "/lease_s", dump_json(body["lease_s"]),
                 "1 to 7776000 seconds"};
  }
  return Duration(static_cast<std::int64_t>(**seconds * 1e6));
}

// {"client", "lease_s"?, "reason"?}; the client's name defaults to the token's.
Result<VerbBody> read_verb(const Json& body, const campaign::Context& context) {
  const Status known = refuse_unknown(body, {"client", "lease_s", "reason"}, "");
  if (!known) return known.error();
  VerbBody verb;
  const auto client = read_optional<std::string>(body, "client");
  if (!client) return client.error();
  verb.client = client->value_or(context.actor);
  const auto lease = read_lease(body);
  if (!lease) return lease.error();
  verb.lease = *lease;
  const auto reason = read_optional<std::string>(body, "reason");
  if (!reason) return reason.error();
  verb.reason = reason->value_or("");
  return verb;
}

// A catalyst as result rows give it: an object of slots, amounts or formula, or a name.
Result<campaign::PreparedRow> read_catalyst(const Json& body,
                                            const chemistry::SupportTable& supports) {
  const auto found = body.find("catalyst");
  if (found == body.end()) {
    return Error{ErrorCode::bad_data, "missing", "/catalyst", "",
                 "{\"slots\": [...], \"support\"}, {\"amounts\": {...}} or a name"};
  }
  const Json row = {{"catalyst", *found}, {"values", {{"_", 0.0}}}};
  auto prepared = campaign::prepare_row(dump_json(row), supports);
  if (!prepared) return prepared.error();
  if (!prepared->problem.empty()) {
    return Error{ErrorCode::bad_data, prepared->problem, "/catalyst", dump_json(*found),
                 "a catalyst"};
  }
  return prepared;
}

}  // namespace

std::int64_t Api::usual_batch(const Reader& reader, const campaign::Campaign& found) const {
  constexpr std::int64_t kUsual = 20;
  const auto version = reader.campaign_version(found.key, found.version);
  if (!version) return kUsual;
  const auto decoded = services_.decode_campaign(version->text, version->media_type);
  return decoded && decoded->batch_size > 0 ? decoded->batch_size : kUsual;
}

void Api::add_proposal_routes(Router& router) {
  const chemistry::SupportTable& supports = services_.supports;
  const auto encode = [&supports](const campaign::Proposal& proposal) {
    return to_json(proposal, supports);
  };
  router.add(
      {"GET",
       "/v1/campaigns/{name}/proposals",
       Scope::read,
       listing(
           {"state", "batch", "client"},
           [encode](const Reader& reader, const Request& request, const campaign::Campaign& found,
                    const campaign::Page& page) -> Result<Json> {
             campaign::ProposalFilter filter;
             if (const auto text = request.query_value("state")) {
               filter.state = campaign::parse_proposal_state(*text);
               if (!filter.state) {
                 return Error{ErrorCode::bad_data, "unknown state", "query parameter state", *text,
                              "REQUESTED, ACTIVE, PARTIAL, SUCCEEDED, FAILED, "
                              "INFEASIBLE, EXPIRED or CANCELLED"};
               }
             }
             filter.batch = request.query_value("batch").value_or("");
             filter.client = request.query_value("client").value_or("");
             return page_json("proposals", reader.proposals(found.key, filter, page), page, encode);
           }),
       {}});
  router.add({"POST",
              "/v1/campaigns/{name}/proposals",
              Scope::results,
              writing([this, encode](Transaction& tx, const Request& request, const Json& body,
                                     const campaign::Context& context) -> Result<Answer> {
                const Status known = refuse_unknown(body, {"catalyst", "reason"}, "");
                if (!known) return known.error();
                const auto catalyst = read_catalyst(body, services_.supports);
                if (!catalyst) return catalyst.error();
                const auto reason = read_optional<std::string>(body, "reason");
                if (!reason) return reason.error();
                const auto proposal =
                    campaign::propose_by_hand(tx, request.parameter("name"), catalyst->catalyst,
                                              catalyst->description, reason->value_or(""), context);
                if (!proposal) return proposal.error();
                return Answer{201, encode(*proposal), "/v1/proposals/" + proposal->id};
              }),
              {"application/json"}});
  router.add({"GET",
              "/v1/campaigns/{name}/batches",
              Scope::read,
              listing({},
                      [](const Reader& reader, const Request&, const campaign::Campaign& found,
                         const campaign::Page& page) -> Result<Json> {
                        return page_json("batches", reader.batches(found.key, page), page,
                                         [](const auto& item) { return to_json(item); });
                      }),
              {}});
  router.add({"GET",
              "/v1/proposals/{id}",
              Scope::read,
              reading({},
                      [encode](const Reader& reader, const Request& request) -> Result<Json> {
                        const auto found = reader.find_proposal(request.parameter("id"));
                        if (!found) {
                          return Error{ErrorCode::not_found, "no such proposal", "id",
                                       request.parameter("id"), "the id of a proposal"};
                        }
                        return encode(*found);
                      }),
              {}});

  // What a client should work on, leased to it; without a client, what is on offer. When there is
  // nothing, planning is scheduled and the job is the answer.
  router.add({"POST",
              "/v1/campaigns/{name}:recommend",
              Scope::results,
              writing([this, encode](Transaction& tx, const Request& request, const Json& body,
                                     const campaign::Context& context) -> Result<Answer> {
                const Status known = refuse_unknown(body, {"batch_size", "client", "lease_s"}, "");
                if (!known) return known.error();
                const auto size = read_optional<std::int64_t>(body, "batch_size");
                if (!size) return size.error();
                if (*size && (**size < 1 || **size > 1'000)) {
                  return Error{ErrorCode::bad_data, "wrong value", "/batch_size",
                               std::to_string(**size), "1 to 1000"};
                }
                const auto client = read_optional<std::string>(body, "client");
                if (!client) return client.error();
                const auto lease = read_lease(body);
                if (!lease) return lease.error();
                const std::string& name = request.parameter("name");
                const auto found = campaign::find_campaign(tx, name);
                if (!found) return found.error();
                const std::int64_t count = *size ? **size : usual_batch(tx, *found);
                std::vector<campaign::Proposal> offered;
                std::int64_t held = 0;  // by the client already
                if (*client) {
                  campaign::ProposalFilter own;
                  own.state = campaign::ProposalState::active;
                  own.client = **client;
                  held = std::ssize(tx.proposals(found->key, own, {0, count}));
                  auto taken = campaign::take(tx, name, **client, count, *lease, context);
                  if (!taken) return taken.error();
                  offered = std::move(*taken);
                } else {
                  campaign::ProposalFilter filter;
                  filter.state = campaign::ProposalState::requested;
                  offered = tx.proposals(found->key, filter, {0, count});
                }
                const auto got = static_cast<std::int64_t>(offered.size());
                Json list = Json::array();
                for (const campaign::Proposal& proposal : offered) list.push_back(encode(proposal));
                // Who asks again for more than it has been given so far gets more planned.
                if (got == count || got > held) {
                  return Answer{200, {{"proposals", std::move(list)}}, ""};
                }
                const Json detail = *size ? Json{{"batch_size", count - got}} : Json::object();
                const auto job =
                    campaign::schedule_job(tx, name, "plan", dump_json(detail), context);
                if (!job) return job.error();
                if (got > 0) return Answer{200, {{"proposals", std::move(list)}}, ""};
                return Answer{202,
                              {{"proposals", Json::array()}, {"job", to_json(job->job)}},
                              "/v1/jobs/" + job->job.id};
              }),
              {"application/json"}});

  using Act = std::function<Result<campaign::Proposal>(Transaction&, const std::string& id,
                                                       const VerbBody&, const campaign::Context&)>;
  const std::vector<std::pair<const char*, Act>> verbs = {
      {"claim",
       [](Transaction& tx, const std::string& id, const VerbBody& b, const campaign::Context& c) {
         return campaign::claim(tx, id, b.client, b.lease, c);
       }},
      {"heartbeat",
       [](Transaction& tx, const std::string& id, const VerbBody& b, const campaign::Context& c) {
         return campaign::heartbeat(tx, id, b.client, b.lease, c);
       }},
      {"release",
       [](Transaction& tx, const std::string& id, const VerbBody& b, const campaign::Context& c) {
         return campaign::release(tx, id, b.client, c);
       }},
      {"complete",
       [](Transaction& tx, const std::string& id, const VerbBody& b, const campaign::Context& c) {
         return campaign::complete(tx, id, b.client, c);
       }},
      {"fail",
       [](Transaction& tx, const std::string& id, const VerbBody& b, const campaign::Context& c) {
         return campaign::fail(tx, id, b.client, b.reason, c);
       }},
      {"infeasible",
       [](Transaction& tx, const std::string& id, const VerbBody& b, const campaign::Context& c) {
         return campaign::mark_infeasible(tx, id, b.client, b.reason, c);
       }},
      {"cancel", [](Transaction& tx, const std::string& id, const VerbBody& b,
                    const campaign::Context& c) { return campaign::cancel(tx, id, b.reason, c); }}};
  for (const auto& [word, act] : verbs) {
    router.add(
        {"POST",
         fmt::format("/v1/proposals/{{id}}:{}", word),
         Scope::results,
         writing([act = act, encode](Transaction& tx, const Request& request, const Json& body,
                                     const campaign::Context& context) -> Result<Answer> {
           const auto verb = read_verb(body, context);
           if (!verb) return verb.error();
           const auto done = act(tx, request.parameter("id"), *verb, context);
           if (!done) return done.error();
           return Answer{200, encode(*done), ""};
         }),
         {"application/json"}});
  }
  router.add({"POST",
              "/v1/proposals/{id}:amend",
              Scope::results,
              writing([this, encode](Transaction& tx, const Request& request, const Json& body,
                                     const campaign::Context& context) -> Result<Answer> {
                const Status known = refuse_unknown(body, {"client", "catalyst", "reason"}, "");
                if (!known) return known.error();
                const auto client = read_optional<std::string>(body, "client");
                if (!client) return client.error();
                const auto reason = read_field<std::string>(body, "reason");
                if (!reason) return reason.error();
                const auto catalyst = read_catalyst(body, services_.supports);
                if (!catalyst) return catalyst.error();
                const auto done =
                    campaign::amend(tx, request.parameter("id"), client->value_or(context.actor),
                                    catalyst->catalyst, catalyst->description, *reason, context);
                if (!done) return done.error();
                return Answer{201, encode(*done), "/v1/proposals/" + done->id};
              }),
              {"application/json"}});
}

}  // namespace kasetsu::http
