#include "core/selection/ledger.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/base/result.h"

namespace kasetsu::selection {
namespace {

constexpr Eigen::Index kPromises = 99;

constexpr double kPromisesInUnit = 2.0;  // mean promised errors that count as a whole loss

double bet(int k) {
  return (k + 0.5) / kBets;
}

// The bets of a record; where none are kept, those on the signs.
std::vector<double> bets_of(const LedgerRecord& record) {
  if (!record.log_bets.empty()) return record.log_bets;
  std::vector<double> logs(kBets, 0.0);
  for (int k = 0; k < kBets; ++k) {
    logs[static_cast<std::size_t>(k)] =
        record.worse * std::log1p(bet(k)) + (record.count - record.worse) * std::log1p(-bet(k));
  }
  return logs;
}

// ln of the mean of exp(value(bet)) over the bets.
template <typename Value>
double log_mixture(const Value& value) {
  double logs[kBets];
  double largest = -std::numeric_limits<double>::infinity();
  for (int k = 0; k < kBets; ++k) {
    logs[k] = value(k);
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
  log_bets = bets_of(*this);
  const double more = std::abs(error) - std::abs(ensemble_error);
  const double unit = promise.size() > 0 ? kPromisesInUnit * promise.mean() : 0.0;
  const double loss = unit > 0.0 ? std::clamp(more / unit, -1.0, 1.0) : more > 0.0 ? 1.0 : -1.0;
  for (int k = 0; k < kBets; ++k)
    log_bets[static_cast<std::size_t>(k)] += std::log1p(bet(k) * loss);
  ++count;
  total_error += std::abs(error);
  if (first && promise.size() > 0) {
    first_error += std::abs(error);
    first_promised += promise.mean();
  }
  total_log_p += std::log(promise_p(error, promise));
  if (more > 0.0) ++worse;
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
      [&](int k) { return record.count * std::log(bet(k)) + (bet(k) - 1.0) * record.total_log_p; });
}

double log_evidence_worse(const LedgerRecord& record) {
  if (record.count == 0) return 0.0;
  const std::vector<double> logs = bets_of(record);
  return log_mixture([&](int k) { return logs[static_cast<std::size_t>(k)]; });
}

std::vector<bool> eliminated(std::span<const LedgerRecord> records, double level) {
  KASETSU_ASSERT(level > 0.0 && level < 1.0);
  std::vector<double> against;
  for (const LedgerRecord& record : records)
    against.push_back(log_evidence_against_promise(record));
  std::vector<double> sorted = against;
  std::sort(sorted.rbegin(), sorted.rend());
  double least = std::numeric_limits<double>::infinity();
  for (std::size_t k = 0; k < sorted.size(); ++k) {
    const auto ratio = static_cast<double>(sorted.size()) / static_cast<double>(k + 1);
    if (sorted[k] >= std::log(ratio / level)) least = sorted[k];
  }
  std::vector<bool> out(records.size());
  for (std::size_t i = 0; i < records.size(); ++i)
    out[i] = against[i] >= least && log_evidence_worse(records[i]) >= -std::log(level);
  return out;
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
