#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/base/csv.h"
#include "core/base/text.h"
#include "daemon/base/system.h"
#include "daemon/campaign/ingest/profiles.h"
#include "daemon/campaign/ingest/table_words.h"
#include "daemon/campaign/views/newest.h"
#include "daemon/http/api.h"
#include "daemon/http/problem.h"
#include "daemon/http/server.h"
#include "daemon/http/table_options.h"
#include "daemon/http/wire.h"

namespace kasetsu::http {
namespace {

// Decoding this much takes well under a millisecond: done where it arrives.
constexpr std::size_t kSmallBody = 16 * 1024;
// Writing this many verdicts as well.
constexpr std::size_t kShortReceipt = 1'000;

Result<bool> read_flag(const Request& request, std::string_view name) {
  const auto text = request.query_value(name);
  if (!text || *text == "false") return false;
  if (*text == "true") return true;
  return Error{ErrorCode::bad_data, "wrong value", fmt::format("query parameter {}", name), *text,
               "true or false"};
}

// How a campaign's measurements are shown: what stands behind amounts, and what an export says of
// them. Both empty where the campaign's file cannot be decoded.
struct ShownAmounts {
  std::string unit, exported;
};

ShownAmounts shown_amounts(campaign::DecodedCampaigns& campaigns, const campaign::Reader& reader,
                           const campaign::Campaign& campaign) {
  const auto config = campaigns.of(reader, campaign);
  if (!config) return {};
  const chemistry::CompositionRules& rules = (*config)->composition;
  return {std::string(rules.unit()), campaign::exported_unit(rules)};
}

Json to_json_of(const campaign::Measurement& measurement, const ShownAmounts& amounts) {
  Json json = to_json(measurement, amounts.unit);
  json["amounts_unit"] = amounts.exported.empty() ? Json(nullptr) : Json(amounts.exported);
  return json;
}

// One table of measurements, for spreadsheets. `amounts_unit`: of the amounts in their keys.
std::string to_csv(const std::vector<campaign::Measurement>& page,
                   const std::string& amounts_unit) {
  const auto cell = [](const std::string& value) { return csv_cell(value); };
  std::string text =
      "id,catalyst,property,value,unit,flags,retracted,excluded,superseded_by,source,run,channel,"
      "sequence,replicate,sample,proposal,conditions,measured_at,received_at,told,kind,"
      "amounts_unit\n";
  for (const campaign::Measurement& m : page) {
    std::string flags;
    for (const std::string_view name : campaign::flag_names(m.flags)) {
      if (!flags.empty()) flags.push_back(' ');
      flags.append(name);
    }
    text += fmt::format("{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{}\n", m.id,
                        cell(m.catalyst), cell(m.property), format_number(m.value), cell(m.unit),
                        flags, m.retracted, m.excluded, m.superseded_by, cell(m.source),
                        cell(m.run), cell(m.channel), m.sequence ? std::to_string(*m.sequence) : "",
                        m.replicate ? std::to_string(*m.replicate) : "", cell(m.sample), m.proposal,
                        cell(m.conditions), m.measured_at ? format_time(*m.measured_at) : "",
                        format_time(m.received_at), cell(m.told), to_string(m.kind),
                        cell(amounts_unit));
  }
  return text;
}

// The body, of which the first bytes may be a profile of the sender's own.
Status take_profile(Request& request, campaign::IntakeRequest& asked) {
  constexpr double kLongest = 256 * 1024;
  asked.bytes = std::move(request.body);
  const auto told = request.query_value("profile_bytes");
  if (!told) return {};
  const auto length = parse_number(*told);
  if (!length || *length < 1.0 || *length > kLongest || *length != std::floor(*length) ||
      *length > static_cast<double>(asked.bytes.size())) {
    return Error{ErrorCode::bad_data, "wrong value", "query parameter profile_bytes", *told,
                 "how many bytes at the beginning of the body are a profile, at most 262144"};
  }
  if (!asked.profile.empty() || asked.options.format != campaign::DeliveryFormat::csv) {
    return Error{ErrorCode::bad_data, "one profile reads a table (text/csv)",
                 "query parameter profile_bytes", *told, "a table, and no profile beside it"};
  }
  const auto size = static_cast<std::size_t>(*length);
  auto profile = make_profile(std::string_view(asked.bytes).substr(0, size), "profile");
  if (!profile) return profile.error();
  asked.options.profile = std::move(*profile);
  asked.bytes.erase(0, size);
  return {};
}

Result<campaign::IntakeRequest> read_intake_request(Request& request) {
  campaign::IntakeRequest asked;
  campaign::DeliveryOptions& options = asked.options;
  const auto format = campaign::parse_delivery_format(request.content_type);
  if (!format) {
    return Error{ErrorCode::bad_data, "a delivery needs a body and its Content-Type", "", "", ""};
  }
  options.format = *format;
  options.idempotency_key = request.idempotency_key;
  options.source = request.query_value("source").value_or("");
  options.run = request.query_value("run").value_or("");
  auto table = read_table_options(request);
  if (!table) return table.error();
  std::move(*table).tell(options);
  if (const auto repeats = request.query_value("repeats")) {
    options.repeats = campaign::parse_repeats(*repeats);
    if (!options.repeats) {
      return Error{ErrorCode::bad_data, "wrong value", "query parameter repeats", *repeats,
                   "ask, skip or keep"};
    }
  }
  asked.profile = request.query_value("profile").value_or("");
  if (!asked.profile.empty() && options.format != campaign::DeliveryFormat::csv) {
    return Error{ErrorCode::bad_data, "a profile reads tables (text/csv)", "", "", ""};
  }
  if (const Status told = take_profile(request, asked); !told) return told.error();
  for (const auto& [name, flag] : {std::pair{"dry_run", &asked.dry_run},
                                   {"whole", &options.whole},
                                   {"revise", &options.revise}}) {
    const auto told = read_flag(request, name);
    if (!told) return told.error();
    *flag = *told;
  }
  asked.campaign = request.parameter("name");
  asked.actor = request.principal.name;
  return asked;
}

std::string newest_text(const campaign::Reader& reader, const campaign::Campaign& found,
                        const campaign::MeasurementFilter& filter, const campaign::Page& page,
                        const ShownAmounts& amounts) {
  const auto [list, before] =
      campaign::newest_measurements(reader, found, filter, page.after, page.limit);
  Json json = {{"next_page_token", before > 0 ? Json(std::to_string(before)) : Json(nullptr)}};
  Json items = Json::array();
  for (const campaign::Measurement& measurement : list) {
    items.push_back(to_json_of(measurement, amounts));
  }
  json["measurements"] = std::move(items);
  return dump_json(json);
}

struct Correction {
  std::string reason;
  std::string person;
};

Result<Correction> read_correction(const Json& body) {
  const auto reason = read_field<std::string>(body, "reason");
  if (!reason) return reason.error();
  const auto person = read_optional<std::string>(body, "person");
  if (!person) return person.error();
  return Correction{*reason, person->value_or("")};
}

}  // namespace

void Api::count(const campaign::IngestReceipt& receipt) {
  if (receipt.replayed) {
    taken_.duplicate += static_cast<std::int64_t>(receipt.rows.size());
    return;
  }
  taken_.accepted += receipt.ingest.accepted;
  taken_.flagged += receipt.ingest.flagged;
  taken_.duplicate += receipt.ingest.duplicate;
  taken_.quarantined += receipt.ingest.quarantined;
}

asio::awaitable<Response> Api::post_measurements(Request& request) {
  std::vector<std::string> known = {"source",  "run",           "whole",   "revise",
                                    "profile", "profile_bytes", "dry_run", "repeats"};
  known.insert(known.end(), std::begin(kTableOptions), std::end(kTableOptions));
  const Status query = check_query(request, known);
  if (!query) co_return problem(query.error());
  auto read = read_intake_request(request);
  if (!read) co_return problem(read.error());
  campaign::IntakeRequest& asked = *read;
  asked.options.max_rows = server_->options().rows;
  if (request.claim) asked.given_up = request.claim->end.get_token();
  const bool dry_run = asked.dry_run;
  const bool here =
      asked.options.format != campaign::DeliveryFormat::csv && asked.bytes.size() <= kSmallBody;
  std::function<Result<campaign::DecodedRequest>()> decode = [&] {
    if (!here) give_way();
    return services_.intake.decode(std::move(asked));
  };
  // No conditional expression: where an arm has a co_await, GCC 12 destroys its value twice.
  Result<campaign::DecodedRequest> decoded = Error{};
  if (here) {
    decoded = decode();
  } else {
    decoded = co_await deliveries_.run<campaign::DecodedRequest>(request.claim, std::move(decode));
  }
  if (!decoded) co_return problem(decoded.error());
  using Receipt = Result<campaign::IngestReceipt>;
  Receipt receipt =
      co_await await_completion<Receipt>(completions_, [&](std::function<void(Receipt)> done) {
        services_.intake.commit(*decoded, std::move(done));
      });
  if (!receipt) co_return problem(receipt.error());
  if (!dry_run) count(*receipt);
  Response response;
  if (!dry_run) response.headers.emplace_back("Location", "/v1/ingests/" + receipt->ingest.id);
  if (receipt->replayed) response.headers.emplace_back("Idempotent-Replayed", "true");
  // A long receipt is written elsewhere, and what it is about is let go of first.
  std::function<Result<std::string>()> write = [&]() -> Result<std::string> {
    decoded = Error{};
    std::string text = receipt_text(*receipt);
    receipt->rows = {};
    return text;
  };
  Result<std::string> text = Error{};
  if (receipt->rows.size() > kShortReceipt || !here) {
    const std::shared_ptr<Claim> nobody;  // whose client may have gone
    text = co_await deliveries_.run<std::string>(nobody, write);
  }
  // Everything is stored: also where too much waits, the receipt is given.
  if (!text) text = write();
  response.body = std::move(*text);
  co_return response;
}

Json Api::shown(const Reader& reader, const campaign::Measurement& measurement) const {
  const auto found = reader.campaign(measurement.campaign);
  return to_json_of(measurement,
                    found ? shown_amounts(services_.campaigns, reader, *found) : ShownAmounts());
}

void Api::add_result_routes(Router& router) {
  router.add({"POST",
              "/v1/campaigns/{name}/measurements",
              Scope::results,
              [this](Request& request) { return post_measurements(request); },
              {"application/json", "text/csv", "application/x-ndjson",
               std::string(campaign::kWorkbookType)},
              true});
  const std::vector<std::string> names = {"property", "catalyst",   "live",  "ingest",
                                          "limit",    "page_token", "newest"};
  router.add(
      {"GET",
       "/v1/campaigns/{name}/measurements",
       Scope::read,
       [this, names](Request& request) -> asio::awaitable<Response> {
         const Status query = check_query(request, names);
         if (!query) co_return problem(query.error());
         const auto page = read_page(request, 100, 10'000);
         if (!page) co_return problem(page.error());
         const auto live = read_flag(request, "live");
         if (!live) co_return problem(live.error());
         campaign::MeasurementFilter filter;
         filter.property = request.query_value("property").value_or("");
         filter.catalyst = request.query_value("catalyst").value_or("");
         filter.live_only = *live;
         filter.ingest = request.query_value("ingest");
         const auto newest = read_flag(request, "newest");
         if (!newest) co_return problem(newest.error());
         const bool csv = request.accept.starts_with("text/csv");
         std::string next;
         std::function<Result<std::string>()> work = [&]() -> Result<std::string> {
           return campaign::read_value<std::string>(
               services_.database, [&](const Reader& reader) -> Result<std::string> {
                 const auto found = campaign::find_campaign(reader, request.parameter("name"));
                 if (!found) return found.error();
                 const ShownAmounts amounts = shown_amounts(services_.campaigns, reader, *found);
                 if (*newest) return newest_text(reader, *found, filter, *page, amounts);
                 const auto list = reader.measurements(found->key, filter, *page);
                 if (csv) {
                   if (static_cast<std::int64_t>(list.size()) >= page->limit) {
                     next = std::to_string(list.back().seq);
                   }
                   return to_csv(list, amounts.exported);
                 }
                 return dump_json(page_json("measurements", list, *page,
                                            [&](const auto& m) { return to_json_of(m, amounts); }));
               });
         };
         Result<std::string> body =
             co_await workers_.run<std::string>(request.claim, std::move(work));
         if (!body) co_return problem(body.error());
         Response response;
         response.body = std::move(*body);
         if (csv) response.content_type = "text/csv; charset=utf-8";
         if (!next.empty()) response.headers.emplace_back("X-Next-Page-Token", next);
         co_return response;
       },
       {}});
  router.add({"GET",
              "/v1/measurements/{id}",
              Scope::read,
              reading({},
                      [this](const Reader& reader, const Request& request) -> Result<Json> {
                        const auto found = reader.find_measurement(request.parameter("id"));
                        if (!found) {
                          return Error{ErrorCode::not_found, "no such measurement", "id",
                                       request.parameter("id"), "the id of a measurement"};
                        }
                        return shown(reader, *found);
                      }),
              {}});
  // A correction of a state needs a reason, may name a person, and answers the measurement.
  const auto add_correction = [&](std::string_view verb, auto correct) {
    router.add({"POST",
                fmt::format("/v1/measurements/{{id}}:{}", verb),
                Scope::results,
                writing([this, correct](Transaction& tx, const Request& request, const Json& body,
                                        const campaign::Context& context) -> Result<Written> {
                  const Status known = refuse_unknown(body, {"reason", "person"}, "");
                  if (!known) return known.error();
                  const auto why = read_correction(body);
                  if (!why) return why.error();
                  const auto done = correct(tx, request.parameter("id"), *why, context);
                  if (!done) return done.error();
                  return Written{200, shown(tx, *done), ""};
                }),
                {"application/json"}});
  };
  add_correction("retract", [](Transaction& tx, const std::string& id, const Correction& why,
                               const campaign::Context& context) {
    return campaign::retract(tx, id, why.reason, why.person, context);
  });
  add_correction("restore", [](Transaction& tx, const std::string& id, const Correction& why,
                               const campaign::Context& context) {
    return campaign::restore(tx, id, why.reason, why.person, context);
  });
  for (const bool excluded : {true, false}) {
    add_correction(excluded ? "exclude" : "include",
                   [excluded](Transaction& tx, const std::string& id, const Correction& why,
                              const campaign::Context& context) {
                     return campaign::exclude(tx, id, excluded, why.reason, why.person, context);
                   });
  }
  router.add({"POST",
              "/v1/measurements/{id}:supersede",
              Scope::results,
              writing([this](Transaction& tx, const Request& request, const Json& body,
                             const campaign::Context& context) -> Result<Written> {
                const Status known = refuse_unknown(body, {"value", "reason", "person"}, "");
                if (!known) return known.error();
                const auto value = read_field<double>(body, "value");
                if (!value) return value.error();
                const auto why = read_correction(body);
                if (!why) return why.error();
                const auto done = campaign::supersede(tx, request.parameter("id"), *value,
                                                      why->reason, why->person, context);
                if (!done) return done.error();
                return Written{201, shown(tx, *done), "/v1/measurements/" + done->id};
              }),
              {"application/json"}});

  router.add({"GET",
              "/v1/campaigns/{name}/ingests",
              Scope::read,
              listing({},
                      [](const Reader& reader, const Request&, const campaign::Campaign& found,
                         const campaign::Page& page) -> Result<Json> {
                        return page_json("ingests", reader.ingests(found.key, page), page,
                                         [](const auto& item) { return to_json(item); });
                      }),
              {}});
  router.add({"GET",
              "/v1/ingests/{id}",
              Scope::read,
              reading({},
                      [](const Reader& reader, const Request& request) -> Result<Json> {
                        const auto receipt =
                            campaign::find_receipt(reader, request.parameter("id"));
                        if (!receipt) return receipt.error();
                        Json json = to_json(receipt->ingest);
                        json["row_verdicts"] = Json::array();
                        for (const campaign::RowVerdict& row : receipt->rows) {
                          json["row_verdicts"].push_back(to_json(row));
                        }
                        return json;
                      }),
              {}});
  router.add({"GET",
              "/v1/ingests/{id}/content",
              Scope::read,
              [this](Request& request) -> asio::awaitable<Response> {
                const Status query = check_query(request, {});
                if (!query) co_return problem(query.error());
                std::string type;
                std::function<Result<std::string>()> work = [&]() -> Result<std::string> {
                  return campaign::read_value<std::string>(
                      services_.database, [&](const Reader& reader) -> Result<std::string> {
                        const auto found = reader.find_ingest(request.parameter("id"));
                        std::optional<std::string> bytes;
                        if (found) bytes = reader.content(found->seq);
                        if (!bytes) {
                          return Error{ErrorCode::not_found, "no such ingest", "id",
                                       request.parameter("id"), "the id of an ingest"};
                        }
                        type = found->media_type;
                        return std::move(*bytes);
                      });
                };
                Result<std::string> bytes =
                    co_await workers_.run<std::string>(request.claim, std::move(work));
                if (!bytes) co_return problem(bytes.error());
                Response response;
                response.body = std::move(*bytes);
                response.content_type = type;
                response.headers.emplace_back("Content-Disposition", "attachment");
                co_return response;
              },
              {}});
  router.add(
      {"GET",
       "/v1/campaigns/{name}/quarantine",
       Scope::read,
       listing({"state"},
               [](const Reader& reader, const Request& request, const campaign::Campaign& found,
                  const campaign::Page& page) -> Result<Json> {
                 std::optional<campaign::QuarantineState> state;
                 if (const auto text = request.query_value("state")) {
                   state = campaign::parse_quarantine_state(*text);
                   if (!state) {
                     return Error{ErrorCode::bad_data, "unknown state", "query parameter state",
                                  *text, "waiting, readmitted or discarded"};
                   }
                 }
                 return page_json("quarantine", reader.quarantined(found.key, state, page), page,
                                  [](const auto& item) { return to_json(item); });
               }),
       {}});
  router.add({"POST",
              "/v1/quarantine/{id}:readmit",
              Scope::results,
              writing([this](Transaction& tx, const Request& request, const Json& body,
                             const campaign::Context& context) -> Result<Written> {
                const Status known = refuse_unknown(body, {"row", "remark"}, "");
                if (!known) return known.error();
                const auto remark = read_optional<std::string>(body, "remark");
                if (!remark) return remark.error();
                std::optional<std::string> corrected;
                if (const auto row = body.find("row"); row != body.end() && !row->is_null()) {
                  corrected = dump_json(*row);
                }
                const auto verdict =
                    campaign::readmit(tx, request.parameter("id"), corrected, remark->value_or(""),
                                      services_.supports, context, &services_.campaigns);
                if (!verdict) return verdict.error();
                return Written{200, to_json(*verdict), ""};
              }),
              {"application/json"}});
  router.add({"POST",
              "/v1/quarantine/{id}:discard",
              Scope::results,
              writing([](Transaction& tx, const Request& request, const Json& body,
                         const campaign::Context& context) -> Result<Written> {
                const Status known = refuse_unknown(body, {"reason"}, "");
                if (!known) return known.error();
                const auto reason = read_field<std::string>(body, "reason");
                if (!reason) return reason.error();
                const auto row = campaign::discard(tx, request.parameter("id"), *reason, context);
                if (!row) return row.error();
                return Written{200, to_json(*row), ""};
              }),
              {"application/json"}});
}

}  // namespace kasetsu::http
