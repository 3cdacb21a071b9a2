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
  int born = 0;
  std::set<std::string> measurements;
  std::map<std::size_t, Sum> by_batch;
};

using Texts = std::vector<std::string>;

// Of a model whose predictions were settled: what each of its hypotheses says, and what it
// promised.
struct HeldHypothesis {
  Texts descriptors;
  double promised = 0.0;
  int born = 0;  // number of the retraining that found it
};
struct Held {
  std::vector<HeldHypothesis> hypotheses;  // alive, then dormant
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
      held.hypotheses.push_back({selection::hypothesis_key(hypothesis, of.features.primaries),
                                 hypothesis.mae_cv, hypothesis.born});
    }
  }
  held.eliminated = document->model.eliminated;
  return held;
}

// The measurements that eliminated each hypothesis, as the models' summaries tell.
std::map<Texts, Texts> eliminating_measurements(const Reader& reader, std::int64_t campaign,
                                                const std::string& property) {
  std::map<Texts, Texts> out;
  Page page{0, 10'000};
  for (;;) {
    const auto models = reader.models(campaign, page);
    for (const Model& model : models) {
      page.after = model.seq;
      const Result<Json> summary = parse_json(model.summary);
      if (model.property != property || !summary || !summary->contains("newly_eliminated"))
        continue;
      for (const Json& item : summary->at("newly_eliminated"))
        out.emplace(item.at("descriptors").get<Texts>(), item.at("measurements").get<Texts>());
    }
    if (static_cast<std::int64_t>(models.size()) < page.limit) return out;
  }
}

// {"batch": the last of these measurements, "measurements": ids}; null: it was not eliminated.
Json elimination_json(const std::map<Texts, Texts>& eliminations,
                      const std::map<std::string, std::size_t>& batch_of_measurement,
                      const Texts& texts) {
  const auto found = eliminations.find(texts);
  if (found == eliminations.end()) return nullptr;
  std::size_t last = 0;
  for (const std::string& measurement : found->second) {
    const auto batch = batch_of_measurement.find(measurement);
    if (batch != batch_of_measurement.end()) last = std::max(last, batch->second);
  }
  return {{"batch", last}, {"measurements", found->second}};
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

  std::vector<Batch> batches = reader.all_batches(campaign.key);
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
  std::map<std::string, std::size_t> batch_of_measurement;
  page = {0, 10'000};
  for (;;) {
    const auto entries = reader.ledger(campaign.key, {}, page);
    for (const LedgerEntry& entry : entries) {
      page.after = entry.seq;
      const auto batch = batch_of.find(entry.proposal);
      if (!entry.error || entry.property != name || batch == batch_of.end()) continue;
      batch_of_measurement.emplace(entry.measurement, batch->second);
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
      const HeldHypothesis& held = model->second->hypotheses[index];
      const auto [record, added] = records.try_emplace(held.descriptors);
      if (added) {
        record->second.promised = held.promised;
        record->second.born = held.born;
      }
      if (record->second.measurements.insert(entry.measurement).second)
        record->second.by_batch[batch->second].add(*entry.error);
    }
    if (static_cast<std::int64_t>(entries.size()) < page.limit) break;
  }

  std::set<Texts> alive, dormant, eliminated;
  if (const auto current = reader.current_model(campaign.key, name)) {
    if (const auto held = read_held(reader, current->id)) {
      for (std::size_t h = 0; h < held->hypotheses.size(); ++h)
        (h < held->alive ? alive : dormant).insert(held->hypotheses[h].descriptors);
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
  const auto eliminations = eliminating_measurements(reader, campaign.key, name);
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
    item["born"] = record.born;
    item["age"] = record.by_batch.size();
    item["eliminated_by"] = elimination_json(eliminations, batch_of_measurement, texts);
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
