#include "daemon/campaign/planning/credit.h"

#include <cmath>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "daemon/base/json.h"

namespace kasetsu::campaign {
namespace {

using planning::Strategy;
using planning::StrategyCredit;

struct AskedStrategy {
  Strategy strategy;
  std::string batch;
};

std::map<std::string, AskedStrategy> asked_proposals(const Reader& reader, std::int64_t campaign) {
  std::map<std::string, AskedStrategy> asked;  // by id
  Page page{0, 10'000};
  for (;;) {
    const auto proposals = reader.proposals(campaign, {}, page);
    for (const Proposal& proposal : proposals) {
      page.after = proposal.seq;
      if (const auto strategy = planning::kStrategyNames.from_name(proposal.strategy))
        asked.emplace(proposal.id, AskedStrategy{*strategy, proposal.batch});
    }
    if (static_cast<std::int64_t>(proposals.size()) < page.limit) return asked;
  }
}

// Hypotheses that a retraining eliminated, as places in the model that was judged.
struct Eliminated {
  std::string model;
  std::set<std::int64_t> hypotheses;
};

std::vector<Eliminated> eliminated_hypotheses(const Reader& reader, std::int64_t campaign,
                                              const std::string& property) {
  std::vector<Eliminated> all;
  Page page{0, 10'000};
  for (;;) {
    const auto models = reader.models(campaign, page);
    for (const Model& model : models) {
      page.after = model.seq;
      if (model.property != property) continue;
      const Result<Json> summary = parse_json(model.summary);
      if (!summary || !summary->contains("newly_eliminated") || !summary->contains("changes"))
        continue;
      Eliminated one{summary->at("changes").value("from", std::string()), {}};
      for (const Json& hypothesis : summary->at("newly_eliminated"))
        one.hypotheses.insert(hypothesis.value("hypothesis", std::int64_t{-1}));
      if (!one.hypotheses.empty()) all.push_back(std::move(one));
    }
    if (static_cast<std::int64_t>(models.size()) < page.limit) return all;
  }
}

// Divides one elimination for each hypothesis among the strategies.
void divide_eliminations(const Reader& reader, std::int64_t campaign, const Eliminated& of,
                         const std::map<std::string, AskedStrategy>& asked,
                         std::map<Strategy, StrategyCredit>& credits) {
  std::map<std::int64_t, std::map<Strategy, double>> errors;  // by hypothesis
  Page page{0, 10'000};
  for (;;) {
    const auto entries = reader.ledger(campaign, of.model, page);
    for (const LedgerEntry& entry : entries) {
      page.after = entry.seq;
      const auto proposal = asked.find(entry.proposal);
      if (!entry.error || proposal == asked.end() || !of.hypotheses.contains(entry.hypothesis))
        continue;
      errors[entry.hypothesis][proposal->second.strategy] += std::abs(*entry.error);
    }
    if (static_cast<std::int64_t>(entries.size()) < page.limit) break;
  }
  for (const auto& [hypothesis, by_strategy] : errors) {
    double sum = 0.0;
    for (const auto& [strategy, error] : by_strategy) sum += error;
    if (!(sum > 0.0)) continue;
    for (const auto& [strategy, error] : by_strategy) credits[strategy].eliminated += error / sum;
  }
}

}  // namespace

std::vector<StrategyCredit> strategy_credits(const Reader& reader, const Campaign& campaign,
                                             const Target& target, const TrainingSet& training) {
  const std::map<std::string, AskedStrategy> asked = asked_proposals(reader, campaign.key);
  std::map<std::string, std::pair<double, int>> values;  // sum and count, by proposal
  for (const TrainingRow& row : training.rows) {
    if (row.kind == SampleKind::blank || !asked.contains(row.proposal)) continue;
    values[row.proposal].first += row.value;
    ++values[row.proposal].second;
  }
  std::map<Strategy, StrategyCredit> credits;
  std::map<Strategy, std::set<std::string>> batches;
  for (const auto& [id, value] : values) {
    const AskedStrategy& proposal = asked.at(id);
    StrategyCredit& credit = credits[proposal.strategy];
    ++credit.measured;
    credit.hits += target.hit(value.first / value.second) ? 1 : 0;
    batches[proposal.strategy].insert(proposal.batch);
  }
  for (const Eliminated& of : eliminated_hypotheses(reader, campaign.key, target.name))
    divide_eliminations(reader, campaign.key, of, asked, credits);
  std::vector<StrategyCredit> out;
  for (auto& [strategy, credit] : credits) {
    credit.strategy = strategy;
    credit.batches = static_cast<int>(batches[strategy].size());
    out.push_back(credit);
  }
  return out;
}

}  // namespace kasetsu::campaign
