#include "core/selection/ledger.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/base/result.h"

namespace kasetsu::selection {
namespace {

constexpr Eigen::Index kPromises = 99;
constexpr int kBets = 20;  // of the mixtures: (k + 1/2) / kBets

// ln of the mean of exp(value(bet)) over the bets.
template <typename Value>
double log_mixture(const Value& value) {
  double logs[kBets];
  double largest = -std::numeric_limits<double>::infinity();
  for (int k = 0; k < kBets; ++k) {
    logs[k] = value((k + 0.5) / kBets);
    largest = std::max(largest, logs[k]);
  }
  double sum = 0.0;
  for (const double log : logs) sum += std::exp(log - largest);
  return largest + std::log(sum / kBets);
}

}  // namespace

void LedgerRecord::enter(double error, double ensemble_error, const Eigen::VectorXd& promise,
                         bool first) {
  KASETSU_ASSERT(std::isfinite(error) && std::isfinite(ensemble_error));
  ++count;
  total_error += std::abs(error);
  if (first && promise.size() > 0) {
    first_error += std::abs(error);
    first_promised += promise.mean();
  }
  total_log_p += std::log(promise_p(error, promise));
  if (std::abs(error) > std::abs(ensemble_error)) ++worse;
}

double LedgerRecord::mean_error() const {
  return count > 0 ? total_error / count : 0.0;
}

Eigen::VectorXd promise_of(const Eigen::VectorXd& residuals) {
  Eigen::VectorXd sorted = residuals.cwiseAbs();
  std::sort(sorted.begin(), sorted.end());
  if (sorted.size() <= kPromises) return sorted;
  Eigen::VectorXd out(kPromises);
  for (Eigen::Index k = 0; k < kPromises; ++k) {
    const double place = (static_cast<double>(k) + 0.5) / static_cast<double>(kPromises) *
                         static_cast<double>(sorted.size());
    out[k] = sorted[std::min(sorted.size() - 1, static_cast<Eigen::Index>(place))];
  }
  return out;
}

double promise_p(double error, const Eigen::VectorXd& promise) {
  const double size = std::abs(error);
  const auto above = static_cast<double>((promise.array() > size).count());
  const auto equal = static_cast<double>((promise.array() == size).count());
  return (1.0 + above + 0.5 * equal) / (1.0 + static_cast<double>(promise.size()));
}

double log_evidence_against_promise(const LedgerRecord& record) {
  if (record.count == 0) return 0.0;
  return log_mixture(
      [&](double e) { return record.count * std::log(e) + (e - 1.0) * record.total_log_p; });
}

double log_evidence_worse(const LedgerRecord& record) {
  if (record.count == 0) return 0.0;
  return log_mixture([&](double l) {
    return record.worse * std::log1p(l) + (record.count - record.worse) * std::log1p(-l);
  });
}

bool eliminated(const LedgerRecord& record, int hypotheses, double level) {
  KASETSU_ASSERT(hypotheses >= 1 && level > 0.0 && level < 1.0);
  return log_evidence_against_promise(record) >= std::log(hypotheses / level) &&
         log_evidence_worse(record) >= -std::log(level);
}

const LedgerRecord* History::find(std::span<const std::string> descriptors) const {
  for (const LedgerRecord& record : records) {
    if (std::equal(record.descriptors.begin(), record.descriptors.end(), descriptors.begin(),
                   descriptors.end())) {
      return &record;
    }
  }
  return nullptr;
}

}  // namespace kasetsu::selection
