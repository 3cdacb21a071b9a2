#include "core/planning/surrogates/gaussian_surrogate.h"

#include <gtest/gtest.h>

#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "tests/core/planning/planning_fixtures.h"

namespace kasetsu::planning {
namespace {

// Says where candidates lie, counts how often it is asked, and asks for a stop when it is.
class Stopping final : public Surrogate {
 public:
  explicit Stopping(std::stop_source* source) : source_(source) {}
  std::string name() const override { return "a surrogate for a test"; }
  int dimensions() const override { return 1; }
  Status evaluate(std::span<const Candidate> candidates, Evaluation& out) const override {
    ++asked;
    if (source_ != nullptr) source_->request_stop();
    const auto rows = static_cast<Eigen::Index>(candidates.size());
    out.resize(rows, 1);
    out.coordinates = Eigen::VectorXd::LinSpaced(rows, -1.0, 1.0);
    return {};
  }
  mutable int asked = 0;

 private:
  std::stop_source* source_;
};

struct Problem {
  Problem() {
    SpaceDefinition definition;
    definition.parts.push_back({Simplex{elements({"Ni", "Fe", "Co"}), 10, 1, 3, 1.0}, {}, {}});
    space.emplace(CandidateSpace::make(definition).value());
    for (std::uint64_t i = 0; i < space->size(); i += 2)
      measured.push_back({space->unrank(i), static_cast<double>(i % 7)});
  }
  std::optional<CandidateSpace> space;
  std::vector<MeasuredPoint> measured;
};

TEST(GaussianSurrogate, CancelIsAnsweredBeforeTheNextFit) {
  const Problem problem;
  GaussianSurrogateOptions options;
  const Stopping patient(nullptr);
  options.descriptors = &patient;
  ASSERT_TRUE(make_gaussian_surrogate(*problem.space, problem.measured, options, Executor(1)).ok());
  ASSERT_GE(patient.asked, 2);  // several inputs and kernels are tried

  std::stop_source source;
  Control control;
  control.stop = source.get_token();
  const Stopping stopping(&source);
  options.descriptors = &stopping;
  const auto made = make_gaussian_surrogate(*problem.space, problem.measured, options, Executor(1),
                                            nullptr, control);
  ASSERT_FALSE(made.ok());
  EXPECT_EQ(made.error().code, ErrorCode::cancelled);
  EXPECT_EQ(stopping.asked, 1);
}

}  // namespace
}  // namespace kasetsu::planning
