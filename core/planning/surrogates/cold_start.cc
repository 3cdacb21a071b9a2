#include "core/planning/surrogates/cold_start.h"

#include <limits>
#include <utility>

#include "core/planning/surrogates/principal_axes.h"

namespace kasetsu::planning {
namespace {

class ColdStartSurrogate final : public Surrogate {
 public:
  explicit ColdStartSurrogate(PrincipalAxes axes) : axes_(std::move(axes)) {}

  std::string name() const override {
    return "no model yet: order-0 descriptors of the candidates";
  }
  int dimensions() const override { return axes_.dimensions(); }
  bool predicts() const override { return false; }

  Status evaluate(std::span<const Candidate> candidates, Evaluation& out) const override {
    Result<Eigen::MatrixXd> coordinates = axes_.coordinates(candidates);
    if (!coordinates) return coordinates.error();
    out.resize(static_cast<Eigen::Index>(candidates.size()), axes_.dimensions());
    constexpr double kNothing = std::numeric_limits<double>::quiet_NaN();
    for (Eigen::VectorXd* column :
         {&out.mean, &out.low, &out.high, &out.novelty, &out.disagreement}) {
      column->setConstant(kNothing);
    }
    out.coordinates = std::move(*coordinates);
    return {};
  }

 private:
  PrincipalAxes axes_;
};

}  // namespace

Result<std::unique_ptr<Surrogate>> make_cold_start_surrogate(
    const chemistry::ElementTable& elements, const CandidateSpace& space,
    const descriptors::FeaturizerOptions& options, std::uint64_t seed) {
  Result<PrincipalAxes> axes = PrincipalAxes::learn(elements, space, options, seed);
  if (!axes) return axes.error();
  return std::unique_ptr<Surrogate>(std::make_unique<ColdStartSurrogate>(std::move(axes).value()));
}

}  // namespace kasetsu::planning
