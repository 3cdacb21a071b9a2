#include "core/planning/automatic_mix.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace kasetsu::planning {
namespace {

constexpr double kUsualProposals = 20.0;  // of average credit: one batch

struct Totals {
  double measured = 0.0, hits = 0.0, eliminated = 0.0;
};

double credit_factor(const StrategyCredit& credit, const Totals& of) {
  if (credit.measured == 0) return 1.0;
  const double part = credit.measured / of.measured;
  double sum = 0.0;
  int kinds = 0;
  for (const auto& [earned, all] :
       {std::pair{static_cast<double>(credit.hits), of.hits}, {credit.eliminated, of.eliminated}}) {
    if (!(all > 0.0)) continue;
    sum += earned / all / part;
    ++kinds;
  }
  if (kinds == 0) return 1.0;
  return (kUsualProposals + credit.measured * sum / kinds) / (kUsualProposals + credit.measured);
}

std::string credit_words(const StrategyCredit& credit) {
  return fmt::format("{} found {} hits and eliminated {:.2g} hypotheses with {} proposals in {} {}",
                     to_string(credit.strategy), credit.hits, credit.eliminated, credit.measured,
                     credit.batches, credit.batches == 1 ? "batch" : "batches");
}

}  // namespace

AutomaticMix automatic_mix(std::span<const StrategyCredit> credits, bool may_exploit) {
  AutomaticMix out{default_mix(), ""};
  const auto credit_of = [&](Strategy strategy) {
    const auto found = std::find_if(credits.begin(), credits.end(),
                                    [&](const auto& one) { return one.strategy == strategy; });
    return found == credits.end() ? StrategyCredit{strategy} : *found;
  };
  Totals of;
  for (const MixEntry& entry : out.mix) {
    const StrategyCredit credit = credit_of(entry.strategy);
    of.measured += credit.measured;
    of.hits += credit.hits;
    of.eliminated += credit.eliminated;
  }
  if (of.hits > 0.0 || of.eliminated > 0.0) {
    double sum = 0.0;
    for (const MixEntry& entry : out.mix)
      sum += entry.share * credit_factor(credit_of(entry.strategy), of);
    for (MixEntry& entry : out.mix) {
      const StrategyCredit credit = credit_of(entry.strategy);
      entry.share = 0.5 * entry.share + 0.5 * entry.share * credit_factor(credit, of) / sum;
      out.why += fmt::format("{}{}: {:.0f} % of the batch", out.why.empty() ? "" : "; ",
                             credit_words(credit), 100.0 * entry.share);
    }
    out.why = "The mix follows what each strategy has earned: " + out.why + ".";
  }
  if (!may_exploit) {
    double given = 0.0;
    for (const MixEntry& entry : out.mix)
      given += entry.strategy == Strategy::exploit ? entry.share : 0.0;
    std::erase_if(out.mix, [](const auto& entry) { return entry.strategy == Strategy::exploit; });
    for (MixEntry& entry : out.mix)
      entry.share += entry.strategy == Strategy::explore ? given : 0.0;
    if (!out.why.empty()) out.why += " ";
    out.why +=
        "The model is no better than the median: the places of exploit are given to explore.";
  }
  return out;
}

}  // namespace kasetsu::planning
