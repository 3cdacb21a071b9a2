#include "core/selection/verdict.h"

#include <fmt/format.h>

#include <cmath>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "core/base/random.h"
#include "core/base/result.h"
#include "core/selection/ensemble.h"

namespace kasetsu::selection {
namespace {

constexpr int kFlips = 9999;

// How often signs by chance make a mean gain as large as this one.
double sign_flip_p(const std::vector<double>& gains) {
  double observed = 0.0;
  for (const double gain : gains) observed += gain;
  Random random(1, 0x76657264696374ULL);
  int as_large = 0;
  for (int flip = 0; flip < kFlips; ++flip) {
    double sum = 0.0;
    std::uint64_t signs = 0;
    for (std::size_t i = 0; i < gains.size(); ++i, signs >>= 1) {
      if (i % 32 == 0) signs = random.below(std::uint64_t{1} << 32);
      sum += (signs & 1) != 0 ? gains[i] : -gains[i];
    }
    if (sum >= observed) ++as_large;
  }
  return (1.0 + as_large) / (1.0 + kFlips);
}

std::string number(double value, const std::string& unit) {
  return unit.empty() ? fmt::format("{:.3g}", value) : fmt::format("{:.3g} {}", value, unit);
}

}  // namespace

std::string Verdict::sentence(const std::string& unit) const {
  const std::string errors =
      fmt::format("errs {} instead of {} on catalysts it had not seen (p = {:.2g})",
                  number(mae, unit), number(mae_median, unit), p);
  switch (word) {
    case VerdictWord::predicts:
      return fmt::format("Predicts better than the median of what was measured: {}.", errors);
    case VerdictWord::weak:
      return fmt::format(
          "Predicts only a little better than the median of what was measured: {}. Go on exploring "
          "beside exploiting.",
          errors);
    case VerdictWord::no_better_than_median:
      return fmt::format(
          "No better than guessing the median of what was measured: {}. Do not spend experiments "
          "on exploit yet: explore, or measure what is known again.",
          errors);
    case VerdictWord::too_few:
      break;
  }
  return fmt::format(
      "Too few catalysts to tell whether it predicts ({}; {} are needed). Measure more before you "
      "trust a prediction.",
      catalysts, kFewestToJudge);
}

Verdict verdict_of(std::span<const std::string> catalysts, const Eigen::VectorXd& y,
                   const Eigen::VectorXd& predictions) {
  KASETSU_ASSERT(predictions.size() == y.size() &&
                 catalysts.size() == static_cast<std::size_t>(y.size()));
  Verdict verdict;
  std::map<std::string, std::vector<Eigen::Index>> rows_of;
  for (Eigen::Index i = 0; i < y.size(); ++i)
    rows_of[catalysts[static_cast<std::size_t>(i)]].push_back(i);
  verdict.catalysts = static_cast<int>(rows_of.size());
  if (verdict.catalysts < kFewestToJudge) return verdict;
  std::map<std::string, double> measured;  // median of a catalyst's rows
  for (const auto& [key, rows] : rows_of) {
    const Eigen::VectorXd of_catalyst = y(rows);
    measured.emplace(key, median({of_catalyst.begin(), of_catalyst.end()}));
  }
  std::vector<double> gains;
  double own_sum = 0.0;
  double median_sum = 0.0;
  for (const auto& [key, rows] : rows_of) {
    std::vector<double> others;
    for (const auto& [other, value] : measured) {
      if (other != key) others.push_back(value);
    }
    const double guess = median(std::move(others));
    const double own = (y(rows) - predictions(rows)).cwiseAbs().mean();
    const double of_median = (y(rows).array() - guess).abs().mean();
    own_sum += own;
    median_sum += of_median;
    gains.push_back(of_median - own);
  }
  verdict.mae = own_sum / verdict.catalysts;
  verdict.mae_median = median_sum / verdict.catalysts;
  verdict.p = sign_flip_p(gains);
  if (verdict.p > kVerdictLevel || verdict.mae >= verdict.mae_median) {
    verdict.word = VerdictWord::no_better_than_median;
  } else if (verdict.mae > (1.0 - kClearGain) * verdict.mae_median) {
    verdict.word = VerdictWord::weak;
  } else {
    verdict.word = VerdictWord::predicts;
  }
  return verdict;
}

std::optional<Verdict> verdict_of(const Model& model) {
  if (model.honest_prediction.size() > 0)
    return verdict_of(model.catalysts, model.y, model.honest_prediction);
  Verdict verdict;
  verdict.catalysts = static_cast<int>(
      std::set<std::string>(model.catalysts.begin(), model.catalysts.end()).size());
  if (verdict.catalysts < kFewestToJudge) return verdict;
  return std::nullopt;
}

}  // namespace kasetsu::selection
