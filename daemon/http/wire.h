// Records as the API writes them. Members are the same wherever a record appears.
#pragma once

#include "core/chemistry/catalyst.h"
#include "core/chemistry/composition_rules.h"
#include "daemon/base/json.h"
#include "daemon/campaign/ingest/ingest.h"
#include "daemon/campaign/lifecycle/campaigns.h"
#include "daemon/campaign/records/store_port.h"

namespace kasetsu::http {

Json to_json(const campaign::Campaign& campaign);
Json to_json(const campaign::Property& property);
// Proposals that a file withdraws, or would.
Json fallen_json(const std::vector<campaign::FallenProposal>& fallen);
Json to_json(const campaign::CampaignVersion& version, bool with_text);
Json to_json(const campaign::RenewedKey& key);
Json to_json(const campaign::Ingest& ingest);
// {"ingest", "replayed", "accepted", "flagged", "duplicate", "quarantined", "rows": [verdicts]}
std::string receipt_text(const campaign::IngestReceipt& receipt);
Json to_json(const campaign::RowVerdict& verdict);
Json to_json(const campaign::QuarantinedRow& row);
// `unit`: that of the campaign's amounts (DecodedCampaigns::unit_of). A catalyst is shown in the
// unit of the campaign that shows it, whichever met it first.
Json to_json(const campaign::Measurement& measurement, std::string_view unit);
Json to_json(const campaign::Batch& batch);
// The catalyst is taken apart into amounts and support, for robots that weigh it in.
Json to_json(const campaign::Proposal& proposal, const chemistry::SupportTable& supports,
             std::string_view unit);
Json to_json(const campaign::Model& model, bool with_document);
Json to_json(const campaign::LedgerEntry& entry);
Json to_json(const campaign::Job& job);
Json to_json(const campaign::Event& event);

// {"basis", "unit", "total", "oxygen", "tolerance"}: how the campaign's compositions are told; null
// where nothing is.
Json to_json(const chemistry::CompositionRules& rules);
// {"key", "description", "amounts"?, "support"?, "preparation"?}
Json catalyst_json(const std::string& key, std::string_view unit,
                   const chemistry::SupportTable& supports);

}  // namespace kasetsu::http
