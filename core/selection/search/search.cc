#include "core/selection/search/search.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/selection/search/methods.h"

namespace kasetsu::selection {
namespace {

// Work after which a search without limits ends: a few seconds on 150 rows and 4,000 candidates.
constexpr std::uint64_t kDefaultScans = 40000;
constexpr std::uint64_t kDefaultExact = 100000;

Error invalid(std::string message, std::string value, std::string expected) {
  return {ErrorCode::invalid_argument, std::move(message), "", std::move(value),
          std::move(expected)};
}

}  // namespace

Status check(const SearchProblem& problem, const SearchOptions& options) {
  if (Status status = options.validate(); !status) return status;
  if (problem.X == nullptr || problem.y == nullptr) {
    return invalid("the search has no data", "", "a matrix X and a target y");
  }
  const Eigen::MatrixXd& X = *problem.X;
  const Eigen::VectorXd& y = *problem.y;
  if (X.rows() != y.size()) {
    return invalid("X and y differ in their number of rows",
                   fmt::format("{} and {}", X.rows(), y.size()), "as many rows in both");
  }
  if (X.rows() < 3) {
    return invalid("too few rows to search on", fmt::format("{}", X.rows()), "at least 3");
  }
  if (X.cols() < options.size) {
    return invalid("fewer candidates than a hypothesis has descriptors",
                   fmt::format("{}", X.cols()), fmt::format("at least {}", options.size));
  }
  if (!X.allFinite()) return invalid("X holds a number that is not finite", "", "finite numbers");
  if (!y.allFinite()) return invalid("y holds a number that is not finite", "", "finite numbers");
  if (options.one_per_family && !problem.families.empty() &&
      problem.families.size() != static_cast<std::size_t>(X.cols())) {
    return invalid("families are not given for every candidate",
                   fmt::format("{}", problem.families.size()),
                   fmt::format("{}, or none at all", X.cols()));
  }
  for (const std::vector<int>& set : problem.forbidden) {
    for (std::size_t k = 0; k < set.size(); ++k) {
      if (set[k] < 0 || set[k] >= X.cols() || (k > 0 && set[k] <= set[k - 1])) {
        return invalid("a forbidden set is not a sorted set of candidates",
                       fmt::format("{}", set[k]), "increasing column numbers of X");
      }
    }
  }
  return {};
}

Status SearchOptions::validate() const {
  if (size < 1 || size > kLargestSize) {
    return invalid("size is out of range", fmt::format("{}", size), "1 to 16 descriptors");
  }
  if (Status status = regression.validate(); !status) return status;
  if (hypotheses < 1 || hypotheses > 10000) {
    return invalid("hypotheses is out of range", fmt::format("{}", hypotheses), "1 to 10000");
  }
  if (shared < 0 || shared > 8) {
    return invalid("shared is out of range", fmt::format("{}", shared), "0 to 8, of 8 descriptors");
  }
  if (!std::isfinite(time_limit) || time_limit < 0.0) {
    return invalid("time_limit is out of range", fmt::format("{}", time_limit),
                   "0 for none, or seconds above 0");
  }
  if (genetic.population < 10 || genetic.population > 1000000) {
    return invalid("genetic.population is out of range", fmt::format("{}", genetic.population),
                   "10 to 1000000");
  }
  if (genetic.generations < 1) {
    return invalid("genetic.generations is out of range", fmt::format("{}", genetic.generations),
                   "at least 1");
  }
  if (!(genetic.elite > 0.0) || !(genetic.crossover >= 0.0) ||
      !(genetic.elite + genetic.crossover <= 1.0)) {
    return invalid("genetic.elite and genetic.crossover are out of range",
                   fmt::format("{} and {}", genetic.elite, genetic.crossover),
                   "shares of the next generation: elite above 0, together at most 1");
  }
  if (genetic.elite_shared < 0 || genetic.elite_shared > 8) {
    return invalid("genetic.elite_shared is out of range", fmt::format("{}", genetic.elite_shared),
                   "0 to 8, of 8 descriptors");
  }
  return {};
}

int shared_limit(const SearchOptions& options, int size) {
  return std::min(size - 1, options.shared * size / 8);
}

std::size_t archive_capacity(const SearchOptions& options) {
  return static_cast<std::size_t>(std::max(4 * options.hypotheses, 64));
}

Result<SearchResult> search(const SearchProblem& problem, const SearchOptions& options,
                            const Executor& executor, const Control& control) {
  if (Status status = check(problem, options); !status) return status.error();
  const Candidates candidates(problem, options);
  if (candidates.usable().size() < static_cast<std::size_t>(options.size)) {
    return invalid("fewer candidates that are not constant than a hypothesis has descriptors",
                   fmt::format("{}", candidates.usable().size()),
                   fmt::format("at least {}", options.size));
  }
  {
    Random random(options.seed, 0);
    std::vector<int> members;
    if (!draw_admissible(candidates, random, members)) {
      return invalid("no hypothesis of this size has all its descriptors from different families",
                     fmt::format("{}", options.size), "a smaller size, or the constraint off");
    }
  }

  Limits limits{};
  if (options.work > 0) {
    limits.work = options.work;
  } else if (options.time_limit > 0.0) {
    limits.work = static_cast<std::uint64_t>(std::min(1e18, options.time_limit * kNominalSpeed));
  } else {
    limits.work = kDefaultScans * scan_work(candidates, options.size - 1) +
                  kDefaultExact * exact_work(candidates);
    limits.until_converged = true;
  }
  const auto method = options.method == SearchMethod::exchange  ? search_exchange
                      : options.method == SearchMethod::genetic ? search_genetic
                                                                : search_random;
  const Found found = method(candidates, limits, executor, control);

  SearchResult result;
  result.evaluations = found.account.evaluations;
  result.exact_evaluations = found.account.exact_evaluations;
  result.work = found.account.work;
  result.stopped_by = found.stopped_by;
  const auto wanted = static_cast<std::size_t>(options.hypotheses);
  for (const Entry& entry : found.archive.entries()) {
    if (result.hypotheses.size() == wanted) break;
    Eigen::MatrixXd columns(candidates.rows(), entry.subset.size);
    Eigen::Index k = 0;
    for (const int member : entry.subset) columns.col(k++) = problem.X->col(member);
    const auto fit = regression::fit_robust(columns, *problem.y, options.regression);
    if (!fit) return fit.error();
    result.hypotheses.push_back({entry.subset.to_vector(), entry.mae_cv, fit->mae});
  }
  if (result.hypotheses.empty()) {
    if (control.cancelled()) {
      return Error{ErrorCode::cancelled, "the search was cancelled before it found anything", "",
                   "", ""};
    }
    return invalid("no hypothesis was found", "", "a set that is not forbidden");
  }
  return result;
}

}  // namespace kasetsu::selection
