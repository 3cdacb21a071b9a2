#include "core/planning/surrogates/gaussian_surrogate.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <optional>

#include "core/planning/surrogates/acquisition.h"

namespace kasetsu::planning {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

constexpr std::size_t kMostSeparateElements = 16;

std::string kernel_name(Kernel kernel) {
  switch (kernel) {
    case Kernel::matern32:
      return "Matern 3/2";
    case Kernel::matern52:
      return "Matern 5/2";
    case Kernel::squared_exponential:
      return "squared exponential";
  }
  return "";
}

// Candidates as rows of numbers.
class Inputs {
 public:
  enum class Scale { share, root };  // of the elements: n_k / W, or its square root

  Inputs(const CandidateSpace& space, const std::vector<MeasuredPoint>& measured) {
    std::map<int, int> order;
    for (const int element : space.elements()) order.emplace(element, 0);
    for (const MeasuredPoint& point : measured) {
      for (const auto& part : point.candidate.catalyst.active.parts()) {
        order.emplace(part.element, 0);
      }
    }
    for (auto& [element, column] : order) {
      column = static_cast<int>(elements_.size());
      elements_.push_back(element);
    }
    column_of_ = std::move(order);
    const auto add_name = [](std::vector<std::string>& names, const std::string& name) {
      if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
    };
    for (const auto& part : space.parts()) {
      for (const Support& support : part.supports) add_name(supports_, support.name);
      for (const std::string& preparation : part.preparations) {
        add_name(preparations_, preparation);
      }
      for (const auto& catalyst : part.catalysts) {
        add_name(supports_, catalyst.support);
        add_name(preparations_, catalyst.preparation);
      }
    }
    double low = std::numeric_limits<double>::infinity();
    double high = -low;
    for (const MeasuredPoint& point : measured) {
      add_name(supports_, point.candidate.catalyst.support);
      add_name(preparations_, point.candidate.catalyst.preparation);
      const double total = point.candidate.catalyst.active.total();
      low = std::min(low, total);
      high = std::max(high, total);
    }
    if (high > low * (1.0 + 1e-6)) {
      total_low_ = low;
      total_range_ = high - low;
    }
    for (const ConditionLevels& condition : space.conditions()) {
      const auto [least, most] =
          std::minmax_element(condition.levels.begin(), condition.levels.end());
      conditions_.emplace_back(*least, *most > *least ? *most - *least : 1.0);
    }
    // One column a name, unless there is only one.
    if (supports_.size() < 2) supports_.clear();
    if (preparations_.size() < 2) preparations_.clear();
  }

  std::vector<int> groups() const {
    std::vector<int> groups;
    int next = 0;
    const bool separate = elements_.size() <= kMostSeparateElements;
    for (std::size_t i = 0; i < elements_.size(); ++i) groups.push_back(separate ? next++ : next);
    if (!separate) ++next;
    if (total_range_ > 0.0) groups.push_back(next++);
    for (std::size_t i = 0; i < supports_.size(); ++i) groups.push_back(next);
    if (!supports_.empty()) ++next;
    for (std::size_t i = 0; i < preparations_.size(); ++i) groups.push_back(next);
    if (!preparations_.empty()) ++next;
    for (std::size_t i = 0; i < conditions_.size(); ++i) groups.push_back(next++);
    return groups;
  }

  MatrixXd rows(std::span<const Candidate> candidates, Scale scale) const {
    const auto width =
        static_cast<Index>(elements_.size() + (total_range_ > 0.0 ? 1 : 0) + supports_.size() +
                           preparations_.size() + conditions_.size());
    MatrixXd X = MatrixXd::Zero(static_cast<Index>(candidates.size()), width);
    for (std::size_t i = 0; i < candidates.size(); ++i) {
      const Candidate& candidate = candidates[i];
      const auto row = static_cast<Index>(i);
      const double total = candidate.catalyst.active.total();
      for (const auto& part : candidate.catalyst.active.parts()) {
        const auto column = column_of_.find(part.element);
        if (column == column_of_.end()) continue;
        const double share = part.amount / total;
        X(row, column->second) = scale == Scale::share ? share : std::sqrt(share);
      }
      auto column = static_cast<Index>(elements_.size());
      if (total_range_ > 0.0) X(row, column++) = (total - total_low_) / total_range_;
      const auto mark = [&](const std::vector<std::string>& names, const std::string& name) {
        const auto at = std::find(names.begin(), names.end(), name);
        if (at != names.end()) X(row, column + (at - names.begin())) = 1.0;
        column += static_cast<Index>(names.size());
      };
      mark(supports_, candidate.catalyst.support);
      mark(preparations_, candidate.catalyst.preparation);
      for (std::size_t c = 0; c < conditions_.size(); ++c, ++column) {
        if (c < candidate.conditions.size()) {
          X(row, column) = (candidate.conditions[c] - conditions_[c].first) / conditions_[c].second;
        }
      }
    }
    return X;
  }

 private:
  std::vector<int> elements_;
  std::map<int, int> column_of_;
  double total_low_ = 0.0;
  double total_range_ = 0.0;
  std::vector<std::string> supports_;
  std::vector<std::string> preparations_;
  std::vector<std::pair<double, double>> conditions_;
};

struct Variant {
  Kernel kernel;
  Inputs::Scale scale;
  bool descriptors;
  bool operator==(const Variant&) const = default;
};

class Surface final : public GaussianSurrogate {
 public:
  Surface(Inputs inputs, Variant variant, const Surrogate* descriptors, GaussianProcess process,
          std::vector<std::pair<Variant, VectorXd>> tried, MatrixXd training)
      : inputs_(std::move(inputs)),
        variant_(variant),
        descriptors_(descriptors),
        process_(std::move(process)),
        tried_(std::move(tried)),
        training_(std::move(training)) {}

  std::string name() const override {
    return fmt::format(
        "Gaussian process ({}) on {}{}", kernel_name(variant_.kernel),
        variant_.scale == Inputs::Scale::share ? "composition" : "square roots of the composition",
        variant_.descriptors ? " and the selected descriptors" : "");
  }
  int dimensions() const override { return static_cast<int>(training_.cols()); }
  const GaussianProcess& process() const override { return process_; }

  static Result<MatrixXd> rows(const Inputs& inputs, const Variant& variant,
                               const Surrogate* descriptors,
                               std::span<const Candidate> candidates) {
    MatrixXd X = inputs.rows(candidates, variant.scale);
    if (!variant.descriptors) return X;
    Evaluation evaluation;
    if (Status status = descriptors->evaluate(candidates, evaluation); !status) {
      return status.error();
    }
    // Standardised coordinates: about four of them make the unit interval.
    MatrixXd both(X.rows(), X.cols() + evaluation.coordinates.cols());
    both << X, evaluation.coordinates / 4.0;
    return both;
  }

  Status evaluate(std::span<const Candidate> candidates, Evaluation& out) const override {
    Result<MatrixXd> X = rows(inputs_, variant_, descriptors_, candidates);
    if (!X) return X.error();
    VectorXd variance;
    process_.predict(*X, out.mean, variance);
    const VectorXd latent = variance.cwiseSqrt();
    // The interval is that of a measurement.
    const VectorXd half = kHalfWidth80 * (variance.array() + process_.noise()).sqrt();
    out.low = out.mean - half;
    out.high = out.mean + half;
    out.disagreement = latent;
    const double spread = std::sqrt(std::max(process_.noise(), 1e-300));
    out.novelty = latent / spread;
    out.coordinates = *X * process_.lengthscales().cwiseInverse().asDiagonal();
    return {};
  }

  std::optional<JointPrediction> joint(std::span<const Candidate> candidates) const override {
    Result<MatrixXd> X = rows(inputs_, variant_, descriptors_, candidates);
    if (!X) return std::nullopt;
    JointPrediction joint;
    process_.joint(*X, joint.mean, joint.covariance);
    joint.noise = process_.noise();
    return joint;
  }

  VectorXd start(const Variant& variant) const {
    for (const auto& [tried, parameters] : tried_) {
      if (tried == variant) return parameters;
    }
    return {};
  }

 private:
  Inputs inputs_;
  Variant variant_;
  const Surrogate* descriptors_;
  GaussianProcess process_;
  std::vector<std::pair<Variant, VectorXd>> tried_;
  MatrixXd training_;
};

}  // namespace

Result<std::unique_ptr<GaussianSurrogate>> make_gaussian_surrogate(
    const CandidateSpace& space, const std::vector<MeasuredPoint>& measured,
    const GaussianSurrogateOptions& options, const Executor& executor,
    const GaussianSurrogate* before, const Control& control) {
  const Inputs inputs(space, measured);
  std::vector<Candidate> candidates;
  VectorXd y(static_cast<Index>(measured.size()));
  for (std::size_t i = 0; i < measured.size(); ++i) {
    candidates.push_back(measured[i].candidate);
    y[static_cast<Index>(i)] = measured[i].value;
  }
  std::vector<Kernel> kernels = options.kernels;
  if (kernels.empty()) kernels = {Kernel::matern52, Kernel::matern32};
  std::vector<Variant> variants;
  for (const Kernel kernel : kernels) {
    for (const Inputs::Scale scale : {Inputs::Scale::share, Inputs::Scale::root}) {
      if (scale == Inputs::Scale::root && !options.roots) continue;
      variants.push_back({kernel, scale, false});
      if (options.descriptors != nullptr && scale == Inputs::Scale::share) {
        variants.push_back({kernel, scale, true});
      }
    }
  }
  const auto* earlier = dynamic_cast<const Surface*>(before);
  struct Fit {
    std::optional<GaussianProcess> process;
    MatrixXd X;
    std::optional<Error> error;
  };
  std::vector<Fit> fits(variants.size());
  executor.parallel_for(variants.size(), [&](std::size_t v) {
    Fit& fit = fits[v];
    if (control.cancelled()) return;
    Result<MatrixXd> X = Surface::rows(inputs, variants[v], options.descriptors, candidates);
    if (!X) {
      fit.error = X.error();
      return;
    }
    fit.X = std::move(X).value();
    GaussianProcessOptions settings;
    settings.kernel = variants[v].kernel;
    settings.iterations = options.iterations;
    settings.rows_for_search = options.rows_for_search;
    settings.groups = inputs.groups();
    int next = settings.groups.empty()
                   ? 0
                   : *std::max_element(settings.groups.begin(), settings.groups.end()) + 1;
    while (static_cast<Index>(settings.groups.size()) < fit.X.cols()) {
      settings.groups.push_back(next++);
    }
    if (earlier != nullptr) settings.start = earlier->start(variants[v]);
    Result<GaussianProcess> process = GaussianProcess::fit(fit.X, y, settings, control);
    if (!process) {
      fit.error = process.error();
    } else {
      fit.process = std::move(process).value();
    }
  });
  if (control.cancelled()) return cancelled_error();
  std::size_t best = variants.size();
  std::vector<std::pair<Variant, VectorXd>> tried;
  for (std::size_t v = 0; v < variants.size(); ++v) {
    if (!fits[v].process) continue;
    tried.emplace_back(variants[v], fits[v].process->parameters());
    if (best == variants.size() ||
        fits[v].process->loo_log_density() > fits[best].process->loo_log_density()) {
      best = v;
    }
  }
  if (best == variants.size()) return *fits.front().error;
  return std::unique_ptr<GaussianSurrogate>(std::make_unique<Surface>(
      inputs, variants[best], options.descriptors, std::move(*fits[best].process), std::move(tried),
      std::move(fits[best].X)));
}

namespace {

class Combined final : public Surrogate {
 public:
  Combined(std::unique_ptr<GaussianSurrogate> process, std::unique_ptr<Surrogate> ensemble)
      : process_(std::move(process)), ensemble_(std::move(ensemble)) {}

  std::string name() const override {
    return fmt::format("{} for exploit; {} for explore and challenge", process_->name(),
                       ensemble_->name());
  }
  int dimensions() const override { return ensemble_->dimensions(); }
  Status evaluate(std::span<const Candidate> candidates, Evaluation& out) const override {
    if (Status status = ensemble_->evaluate(candidates, out); !status) return status;
    Evaluation process;
    if (Status status = process_->evaluate(candidates, process); !status) return status;
    out.mean = std::move(process.mean);
    out.low = std::move(process.low);
    out.high = std::move(process.high);
    return {};
  }
  std::optional<JointPrediction> joint(std::span<const Candidate> candidates) const override {
    return process_->joint(candidates);
  }
  std::vector<Driver> drivers(const Candidate& candidate) const override {
    return ensemble_->drivers(candidate);
  }

 private:
  std::unique_ptr<GaussianSurrogate> process_;
  std::unique_ptr<Surrogate> ensemble_;
};

}  // namespace

std::unique_ptr<Surrogate> combine(std::unique_ptr<GaussianSurrogate> process,
                                   std::unique_ptr<Surrogate> ensemble) {
  return std::make_unique<Combined>(std::move(process), std::move(ensemble));
}

}  // namespace kasetsu::planning
