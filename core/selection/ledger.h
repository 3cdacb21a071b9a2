// The ledger's mathematics: what predictions written down before their measurements say about a
// hypothesis, how it weighs by it, and when it is eliminated. Storage is daemon/campaign's.
//
// Two things are asked of a hypothesis, each answered by an e-value: wealth of a bettor that starts
// with 1 and whom a hypothesis that keeps its promise lets exceed 1/a with probability at most a,
// however often and whenever one looks (Ville's inequality; Shafer et al., J. R. Stat. Soc. A 184,
// 407, 2021). So a look after every measurement costs nothing.
//
// 1. Does it keep what leave-one-out promised? p of a new |error| is its rank among the promised
//    ones; under the promise p is uniform. The bettor's wealth is the mean over e of
//    prod_t e p_t^(e-1) (power martingales; Vovk, Gammerman and Shafer, "Algorithmic Learning in a
//    Random World", 2005, chapter 7).
// 2. Is it worse than the ensemble on the same catalysts? Its |error| less the ensemble's, in units
//    of c and cut at -1 and 1, is s_t, whose mean is not above 0 if not; c is twice the mean
//    promised error, known before the measurement. Wealth is the mean over l of prod_t (1 + l s_t)
//    (Waudby-Smith and Ramdas, J. R. Stat. Soc. B 86, 1, 2024).
//
// The first alone would kill everything when the reaction drifts or the planner leaves the known
// region: then every promise is broken, and nothing is learnt about which hypothesis is wrong.
// Eliminated is one with the first e-value among the k largest, k the largest number such that the
// k-th is >= count / (k level), and the second >= 1 / level. So of those whose promise is called
// broken at most a share `level` is expected to have kept it, however the hypotheses depend on each
// other (e-BH; Wang and Ramdas, J. R. Stat. Soc. B 84, 822, 2022).
#pragma once

#include <Eigen/Core>
#include <span>
#include <string>
#include <vector>

namespace kasetsu::selection {

inline constexpr int kBets = 20;  // of the mixtures: (k + 1/2) / kBets

// Everything that the ledger knows of a hypothesis. Sums only: records of one hypothesis add.
struct LedgerRecord {
  std::vector<std::string> descriptors;  // texts, sorted
  int count = 0;                         // of measurements that were predicted before
  double total_error = 0.0;              // sum of |error|
  // Of its measurements that the very model that found it had predicted: sums of |error|, and of
  // what leave-one-out promised.
  double first_error = 0.0;
  double first_promised = 0.0;
  double total_log_p = 0.0;  // sum of ln p, p the rank among the promised errors
  int worse = 0;             // times that its |error| was larger than the ensemble's
  // Of each bet against its being no worse: sum of ln(1 + l s). Empty in records of older programs,
  // whose s was the sign alone.
  std::vector<double> log_bets;

  // Enters one measurement. promise: Hypothesis::promise of the model that predicted; first:
  // whether that model found the hypothesis.
  void enter(double error, double ensemble_error, const Eigen::VectorXd& promise, bool first);
  double mean_error() const;  // 0 without measurements
  bool operator==(const LedgerRecord&) const = default;
};

// Quantiles of |residuals|, at most 99: the k-th of m is the (k - 1/2)/m quantile.
Eigen::VectorXd promise_of(const Eigen::VectorXd& residuals);

// Rank of an |error| among the promised ones, in (0, 1]: (1 + number of those >= it) / (1 + m),
// ties at their middle.
double promise_p(double error, const Eigen::VectorXd& promise);

// Logarithms of the two e-values; 0 without measurements.
double log_evidence_against_promise(const LedgerRecord& record);
double log_evidence_worse(const LedgerRecord& record);

inline constexpr double kEliminationLevel = 0.05;

// By record, whether the hypothesis is eliminated; records: of those that are judged together.
std::vector<bool> eliminated(std::span<const LedgerRecord> records,
                             double level = kEliminationLevel);

// A hypothesis that stood in an earlier model.
struct Veteran {
  std::vector<std::string> descriptors;  // texts, sorted
  int born = 0;                          // number of the retraining that found it
  bool operator==(const Veteran&) const = default;
};

// How far the predictions of one model were off what was measured after it.
struct ForwardErrors {
  int generation = 0;  // of the model
  // By measurement: |error| over the half width that the model's own folds gave, not widened.
  Eigen::VectorXd ratios;
  double held = 0.0;  // share of the measurements inside of the intervals that the model told
};

// What is known when a model is trained.
struct History {
  std::vector<LedgerRecord> records;                 // by descriptors, each set once
  std::vector<std::vector<std::string>> eliminated;  // may not return; each sorted
  std::vector<Veteran> veterans;                     // alive and dormant ones, in their order
  int generation = 0;                                // models trained before
  int rows = 0;                                      // that the last of them learnt
  std::vector<ForwardErrors> forward;                // of the last models, the oldest first

  const LedgerRecord* find(std::span<const std::string> descriptors) const;
};

}  // namespace kasetsu::selection
