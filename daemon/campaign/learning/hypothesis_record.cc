#include "daemon/campaign/learning/hypothesis_record.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "daemon/campaign/learning/model_document.h"

namespace kasetsu::campaign {
namespace {

struct Sum {
  double error = 0.0;
  int n = 0;
  void add(double value) {
    error += std::abs(value);
    ++n;
  }
  double mean() const { return error / n; }
};

struct Record {
  double promised = 0.0;
  std::set<std::string> measurements;
  std::map<std::size_t, Sum> by_batch;
};

using Texts = std::vector<std::string>;

// Of a model whose predictions were settled: what each of its hypotheses says, and what it
// promised.
struct Held {
  std::vector<std::pair<Texts, double>> hypotheses;  // alive, then dormant
  std::size_t alive = 0;
  std::vector<Texts> eliminated;
};

std::optional<Held> read_held(const Reader& reader, std::string_view id) {
  const auto model = reader.find_model(id);
  if (!model) return std::nullopt;
  const Result<ModelDocument> document = read_model(model->document);
  if (!document) return std::nullopt;
  Held held;
  const selection::Model& of = document->model;
  held.alive = of.hypotheses.size();
  for (const std::vector<selection::Hypothesis>* kept : {&of.hypotheses, &of.dormant}) {
    for (const selection::Hypothesis& hypothesis : *kept) {
      held.hypotheses.emplace_back(selection::hypothesis_key(hypothesis, of.features.primaries),
                                   hypothesis.mae_cv);
    }
  }
  held.eliminated = document->model.eliminated;
  return held;
}

}  // namespace

Result<Json> hypothesis_record(const Reader& reader, const Campaign& campaign,
                               std::string_view property) {
  // Without a name the first target.
  std::string name, unit;
  for (const Property& one : reader.properties(campaign.key)) {
    if (!one.target || !name.empty() || (!property.empty() && one.name != property)) continue;
    name = one.name;
    unit = one.unit;
  }
  if (name.empty()) {
    return Error{ErrorCode::not_found, "the campaign has no such target", "property",
                 std::string(property), ""};
  }

  std::vector<Batch> batches = reader.batches(campaign.key, {0, 1'000'000});
  std::map<std::string, std::size_t> number;
  for (std::size_t i = 0; i < batches.size(); ++i) number[batches[i].id] = i + 1;
  std::map<std::string, std::size_t> batch_of;  // by proposal
  Page page;
  page.limit = 10'000;
  for (;;) {
    const auto proposals = reader.proposals(campaign.key, {}, page);
    for (const Proposal& proposal : proposals) {
      page.after = proposal.seq;
      if (const auto found = number.find(proposal.batch); found != number.end())
        batch_of.emplace(proposal.id, found->second);
    }
    if (static_cast<std::int64_t>(proposals.size()) < page.limit) break;
  }

  std::map<std::string, std::optional<Held>> models;
  std::map<Texts, Record> records;
  std::map<std::size_t, Sum> ensemble;
  std::set<std::string> ensemble_settled;
  page = {0, 10'000};
  for (;;) {
    const auto entries = reader.ledger(campaign.key, {}, page);
    for (const LedgerEntry& entry : entries) {
      page.after = entry.seq;
      const auto batch = batch_of.find(entry.proposal);
      if (!entry.error || entry.property != name || batch == batch_of.end()) continue;
      if (entry.hypothesis < 0) {
        if (ensemble_settled.insert(entry.measurement).second)
          ensemble[batch->second].add(*entry.error);
        continue;
      }
      auto model = models.find(entry.model);
      if (model == models.end())
        model = models.emplace(entry.model, read_held(reader, entry.model)).first;
      const auto index = static_cast<std::size_t>(entry.hypothesis);
      if (!model->second || index >= model->second->hypotheses.size()) continue;
      const auto& [texts, promised] = model->second->hypotheses[index];
      const auto [record, added] = records.try_emplace(texts);
      if (added) record->second.promised = promised;
      if (record->second.measurements.insert(entry.measurement).second)
        record->second.by_batch[batch->second].add(*entry.error);
    }
    if (static_cast<std::int64_t>(entries.size()) < page.limit) break;
  }

  std::set<Texts> alive, dormant, eliminated;
  if (const auto current = reader.current_model(campaign.key, name)) {
    if (const auto held = read_held(reader, current->id)) {
      for (std::size_t h = 0; h < held->hypotheses.size(); ++h)
        (h < held->alive ? alive : dormant).insert(held->hypotheses[h].first);
      eliminated.insert(held->eliminated.begin(), held->eliminated.end());
    }
  }
  Json told_batches = Json::array();
  for (const auto& [batch, sum] : ensemble) {
    Json item = Json::object();
    item["batch"] = batch;
    item["id"] = batches[batch - 1].id;
    item["n"] = sum.n;
    item["mae_ensemble"] = sum.mean();
    told_batches.push_back(std::move(item));
  }
  std::vector<std::pair<double, Json>> hypotheses;
  for (const auto& [texts, record] : records) {
    Sum all;
    Json errors = Json::array();
    for (const auto& [batch, sum] : record.by_batch) {
      all.error += sum.error;
      all.n += sum.n;
      Json item = Json::object();
      item["batch"] = batch;
      item["n"] = sum.n;
      item["mae"] = sum.mean();
      errors.push_back(std::move(item));
    }
    Json item = Json::object();
    item["descriptors"] = texts;
    item["state"] = eliminated.count(texts) != 0 ? "eliminated"
                    : alive.count(texts) != 0    ? "alive"
                    : dormant.count(texts) != 0  ? "dormant"
                                                 : "dropped";
    item["promised"] = record.promised;
    item["n"] = all.n;
    item["mae"] = all.mean();
    item["errors"] = std::move(errors);
    hypotheses.emplace_back(all.mean(), std::move(item));
  }
  std::stable_sort(hypotheses.begin(), hypotheses.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  Json told = Json::array();
  for (auto& [mean, item] : hypotheses) told.push_back(std::move(item));
  Json out = Json::object();
  out["property"] = name;
  out["unit"] = unit;
  out["batches"] = std::move(told_batches);
  out["hypotheses"] = std::move(told);
  return out;
}

}  // namespace kasetsu::campaign
