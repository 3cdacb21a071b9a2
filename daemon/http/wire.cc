#include "daemon/http/wire.h"

#include <fmt/format.h>

#include <iterator>
#include <utility>

#include "core/chemistry/element.h"

namespace kasetsu::http {
namespace {

Json or_null(const std::string& text) {
  return text.empty() ? Json(nullptr) : Json(text);
}

template <typename T>
Json or_null(const std::optional<T>& value) {
  return value ? Json(*value) : Json(nullptr);
}

Json or_null(const std::optional<Time>& time) {
  return time ? Json(format_time(*time)) : Json(nullptr);
}

// JSON that the service itself wrote into a column.
Json stored(const std::string& text) {
  if (text.empty()) return nullptr;
  Json value = Json::parse(text, nullptr, false);
  return value.is_discarded() ? Json(text) : value;
}

}  // namespace

Json to_json(const campaign::Campaign& c) {
  return {{"id", c.id},
          {"name", c.name},
          {"owner", or_null(c.owner)},
          {"state", to_string(c.state)},
          {"reason", or_null(c.reason)},
          {"version", c.version},
          {"revision", c.revision},
          {"created_at", format_time(c.created_at)},
          {"updated_at", format_time(c.updated_at)}};
}

Json to_json(const campaign::Property& p) {
  return {{"name", p.name},
          {"unit", or_null(p.unit)},
          {"target", p.target},
          {"low", or_null(p.low)},
          {"high", or_null(p.high)}};
}

Json fallen_json(const std::vector<campaign::FallenProposal>& fallen) {
  Json list = Json::array();
  for (const auto& [proposal, reason] : fallen) {
    list.push_back({{"id", proposal.id},
                    {"catalyst", proposal.catalyst},
                    {"state", to_string(proposal.state)},
                    {"client", proposal.client},
                    {"reason", reason}});
  }
  return list;
}

Json to_json(const campaign::CampaignVersion& v, bool with_text) {
  Json json = {{"version", v.version},
               {"media_type", v.media_type},
               {"sha256", v.sha256.hex()},
               {"actor", v.actor},
               {"created_at", format_time(v.created_at)}};
  if (with_text) json["text"] = v.text;
  return json;
}

Json to_json(const campaign::Ingest& i) {
  return {{"id", i.id},
          {"source", or_null(i.source)},
          {"idempotency_key", or_null(i.idempotency_key)},
          {"media_type", i.media_type},
          {"sha256", i.sha256.hex()},
          {"actor", i.actor},
          {"rows", i.rows},
          {"accepted", i.accepted},
          {"flagged", i.flagged},
          {"duplicate", i.duplicate},
          {"quarantined", i.quarantined},
          {"received_at", format_time(i.received_at)}};
}

Json to_json(const campaign::RowVerdict& r) {
  Json json = {{"row", r.row}, {"verdict", to_string(r.verdict)}};
  if (!r.measurements.empty()) {
    json["measurement"] = r.measurements.front();
    if (r.measurements.size() > 1) json["measurements"] = r.measurements;
  }
  if (!r.quarantine.empty()) json["quarantine"] = r.quarantine;
  if (!r.reason.empty()) json["reason"] = r.reason;
  return json;
}

// By hand: a bulk delivery has a verdict for each of its many rows.
std::string receipt_text(const campaign::IngestReceipt& receipt) {
  const campaign::Ingest& ingest = receipt.ingest;
  std::string text;
  // An identifier with its quotes and comma takes 29 bytes.
  std::size_t identifiers = 0;
  for (const campaign::RowVerdict& row : receipt.rows) identifiers += row.measurements.size();
  text.reserve(200 + 80 * receipt.rows.size() + 29 * identifiers);
  fmt::format_to(std::back_inserter(text),
                 R"({{"accepted":{},"duplicate":{},"flagged":{},"ingest":"{}","quarantined":{},)"
                 R"("replayed":{},"rows":[)",
                 ingest.accepted, ingest.duplicate, ingest.flagged, ingest.id, ingest.quarantined,
                 receipt.replayed);
  for (const campaign::RowVerdict& row : receipt.rows) {
    if (&row != receipt.rows.data()) text += ',';
    if (row.measurements.size() == 1 && row.quarantine.empty() && row.reason.empty()) {
      text += R"({"measurement":")";
      text += row.measurements.front();
      text += R"(","row":)";
      const fmt::format_int number(row.row);
      text.append(number.data(), number.size());
      text += R"(,"verdict":")";
      text += to_string(row.verdict);
      text += "\"}";
    } else {
      text += dump_json(to_json(row));
    }
  }
  text += ']';
  if (!receipt.notes.empty()) text += ",\"notes\":" + dump_json(Json(receipt.notes));
  text += '}';
  return text;
}

Json to_json(const campaign::QuarantinedRow& r) {
  return {{"id", r.id},
          {"ingest", r.ingest},
          {"row", r.row},
          {"pointer", r.pointer},
          {"raw", stored(r.raw)},
          {"reason", r.reason},
          {"state", to_string(r.state)},
          {"measurement", or_null(r.measurement)},
          {"actor", or_null(r.actor)},
          {"remark", or_null(r.remark)},
          {"received_at", format_time(r.received_at)},
          {"resolved_at", or_null(r.resolved_at)}};
}

Json to_json(const campaign::Measurement& m, std::string_view unit) {
  return {{"id", m.id},
          {"seq", m.seq},
          {"property", m.property},
          {"unit", or_null(m.unit)},
          {"value", m.value},
          {"flags", campaign::flag_names(m.flags)},
          {"supersedes", or_null(m.supersedes)},
          {"superseded_by", or_null(m.superseded_by)},
          {"retracted", m.retracted},
          {"excluded", m.excluded},
          {"reason", or_null(m.reason)},
          {"person", or_null(m.person)},
          {"catalyst",
           {{"key", m.catalyst}, {"description", chemistry::describe_key(m.catalyst, unit)}}},
          {"told", or_null(m.told)},
          {"kind", to_string(m.kind)},
          {"source", or_null(m.source)},
          {"run", or_null(m.run)},
          {"channel", or_null(m.channel)},
          {"sequence", or_null(m.sequence)},
          {"replicate", or_null(m.replicate)},
          {"sample", or_null(m.sample)},
          {"conditions", stored(m.conditions)},
          {"proposal", or_null(m.proposal)},
          {"ingest", m.ingest},
          {"measured_at", or_null(m.measured_at)},
          {"received_at", format_time(m.received_at)}};
}

Json to_json(const campaign::RenewedKey& key) {
  return {{"key", key.now},
          {"was", key.was},
          {"measurements", key.measurements},
          {"proposals", key.proposals},
          {"renewed_at", format_time(key.renewed_at)}};
}

Json to_json(const campaign::Batch& b) {
  return {{"id", b.id},
          {"model", or_null(b.model)},
          {"actor", b.actor},
          {"summary", stored(b.summary)},
          {"created_at", format_time(b.created_at)}};
}

Json to_json(const chemistry::CompositionRules& rules) {
  Json json = {{"basis", nullptr},
               {"unit", or_null(std::string(rules.unit()))},
               {"total", rules.whole(false) > 0.0 ? Json(rules.whole(false)) : Json(nullptr)},
               {"oxygen", rules.count_oxygen ? "counted" : "dropped"},
               {"tolerance", or_null(rules.tolerance)}};
  if (rules.basis) json["basis"] = chemistry::kBasisNames.to_name(*rules.basis);
  return json;
}

Json catalyst_json(const std::string& key, std::string_view unit,
                   const chemistry::SupportTable& supports) {
  Json json = {{"key", key}, {"description", chemistry::describe_key(key, unit)}};
  const auto catalyst = chemistry::parse_key(key, supports);
  if (!catalyst) return json;
  Json amounts = Json::object();
  for (const auto& part : catalyst->active.parts()) {
    amounts[std::string(chemistry::element_symbol(part.element))] = part.amount;
  }
  json["amounts"] = std::move(amounts);
  if (!catalyst->support.empty()) json["support"] = catalyst->support;
  if (!catalyst->preparation.empty()) json["preparation"] = catalyst->preparation;
  return json;
}

namespace {

// The catalyst of a proposal, in the campaign's basis where its card tells one.
Json proposed_catalyst(const campaign::Proposal& p, const Json& card,
                       const chemistry::SupportTable& supports, std::string_view unit) {
  Json json = catalyst_json(p.catalyst, unit, supports);
  if (!card.is_object() || !card.contains("composition")) return json;
  for (const char* name : {"basis", "unit", "mole_fractions"}) {
    if (card["composition"].contains(name)) json[name] = card["composition"][name];
  }
  return json;
}

}  // namespace

Json to_json(const campaign::Proposal& p, const chemistry::SupportTable& supports,
             std::string_view unit) {
  const Json card = stored(p.card);
  return {{"id", p.id},
          {"batch", p.batch},
          {"rank", p.rank},
          {"strategy", p.strategy},
          {"catalyst", proposed_catalyst(p, card, supports, unit)},
          {"conditions", stored(p.conditions)},
          {"mean", or_null(p.mean)},
          {"low", or_null(p.low)},
          {"high", or_null(p.high)},
          {"novelty", or_null(p.novelty)},
          {"reason", or_null(p.reason)},
          {"card", card},
          {"model", or_null(p.model)},
          {"state", to_string(p.state)},
          {"state_reason", or_null(p.state_reason)},
          {"client", or_null(p.client)},
          {"lease_expires", or_null(p.lease_expires)},
          {"attempts", p.attempts},
          {"failures", p.failures},
          {"amended_from", or_null(p.amended_from)},
          {"revision", p.revision},
          {"created_at", format_time(p.created_at)},
          {"updated_at", format_time(p.updated_at)}};
}

Json to_json(const campaign::Model& m, bool with_document) {
  Json json = {{"id", m.id},
               {"version", m.version},
               {"property", m.property},
               {"snapshot", m.snapshot.hex()},
               {"rows", m.rows},
               {"config_version", m.config_version},
               {"seed", m.seed},
               {"code_version", m.code_version},
               {"mae_cv", m.mae_cv},
               {"mae_nested", or_null(m.mae_nested)},
               {"status", m.status},
               {"status_reason", or_null(m.status_reason)},
               {"summary", stored(m.summary)},
               {"seconds", m.seconds},
               {"job", or_null(m.job)},
               {"created_at", format_time(m.created_at)}};
  if (with_document) json["document"] = stored(m.document);
  return json;
}

Json to_json(const campaign::LedgerEntry& e) {
  return {{"seq", e.seq},
          {"model", e.model},
          {"hypothesis", e.hypothesis},
          {"catalyst", e.catalyst},
          {"proposal", or_null(e.proposal)},
          {"property", e.property},
          {"predicted", e.predicted},
          {"low", or_null(e.low)},
          {"high", or_null(e.high)},
          {"predicted_at", format_time(e.predicted_at)},
          {"measurement", or_null(e.measurement)},
          {"observed", or_null(e.observed)},
          {"error", or_null(e.error)},
          {"observed_at", or_null(e.observed_at)}};
}

Json to_json(const campaign::Job& j) {
  return {{"id", j.id},
          {"kind", j.kind},
          {"state", to_string(j.state)},
          {"detail", stored(j.detail)},
          {"progress", j.progress},
          {"stage", or_null(j.stage)},
          {"result", stored(j.result)},
          {"error", or_null(j.error)},
          {"cancel_requested", j.cancel_requested},
          {"attempts", j.attempts},
          {"actor", j.actor},
          {"created_at", format_time(j.created_at)},
          {"started_at", or_null(j.started_at)},
          {"finished_at", or_null(j.finished_at)}};
}

Json to_json(const campaign::Event& e) {
  return {{"seq", e.seq},       {"at", format_time(e.at)},
          {"actor", e.actor},   {"campaign", or_null(e.campaign)},
          {"object", e.object}, {"id", e.id},
          {"verb", e.verb},     {"detail", stored(e.detail)}};
}

}  // namespace kasetsu::http
