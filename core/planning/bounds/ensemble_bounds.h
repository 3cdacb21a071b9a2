// Bounds of an ensemble of hypotheses over many candidates at once: what it may predict for a set
// of elements with any of its amounts, and where those candidates may lie in the space of the
// selected descriptors.
//
// A set of elements bounds every aggregation by an interval (the smallest and largest value
// exactly; an average with shares between their limits by filling the largest first), a form maps
// an interval to an interval, the range in which a descriptor is followed cuts it, and a linear
// model adds up. All properties of a set are bounded together, column by column.
#pragma once

#include <Eigen/Core>
#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "core/descriptors/featurizer.h"
#include "core/planning/bounds/amount_boxes.h"
#include "core/planning/bounds/interval.h"
#include "core/planning/space/space.h"
#include "core/selection/model.h"

namespace kasetsu::planning {

inline constexpr std::size_t kMostElementsOfSet = 20;

// Consecutive nodes: the sets of `count` elements of a part, by their rank.
struct ElementSets {
  std::size_t part = 0;
  int count = 0;
  std::uint64_t first = 0;  // node number
  std::uint64_t size = 0;
  CompositionFamily::Ranges ranges{};
  std::vector<AmountBox> boxes;  // amount_boxes
  // By element from the smallest value: the shares that make the least and the largest average.
  std::vector<double> least, most;
};

// One support under one condition point.
struct Context {
  std::size_t support = 0;
  std::uint64_t condition = 0;
  std::vector<double> primaries;  // by context slot
  std::vector<double> sums;       // by hypothesis: of the terms of the context alone
  std::vector<Interval> terms;    // by term; only those without an active factor
  double companion_low = 0.0, companion_high = 0.0;
  std::vector<std::vector<double>> companions;  // a row each; columns of the elements are unset
  bool seen = true;                             // the support occurs in the training set
  // The first context that looks the same to the hypotheses, and to the coordinates.
  std::uint32_t prediction_twin = 0;
  std::uint32_t coordinate_twin = 0;
};

struct EnsembleBounds {
  enum class Column { value, logarithm, inverse, squares };
  struct ActivePrimary {
    descriptors::Operation operation;
    std::size_t column;  // of what is averaged or summed
    std::size_t value;   // column of the property itself
    double offset;
  };
  struct Factor {
    bool active;
    std::size_t slot;  // of active primaries, or of context primaries
    descriptors::Form form;
  };
  struct Term {
    std::vector<Factor> factors;
    bool active = false;       // some factor is active
    bool context = false;      // some factor is of the context
    double low, high, center;  // where it is followed
  };
  // A term's share of a hypothesis: the bounds of term t are numbers 2 t and 2 t + 1.
  struct Summand {
    std::size_t least, most;
    double coefficient;
  };

  const selection::Predictor* predictor = nullptr;
  const CandidateSpace* space = nullptr;
  std::vector<ElementSets> groups;
  std::uint64_t nodes = 0;
  std::vector<std::vector<Context>> contexts;  // by part
  struct Hull {
    std::vector<Interval> primaries, terms, sums;
    double companion_low = 0.0, companion_high = 0.0;
  };
  std::vector<Hull> hulls;  // by part: around its contexts

  std::vector<ActivePrimary> primaries;
  std::vector<int> wanted;                     // their numbers in the model's features
  std::vector<std::vector<std::size_t>> gaps;  // by element row: primaries that it leaves unknown
  std::vector<int> row_of;                     // by atomic number
  std::vector<double> table;                   // element row x columns
  std::size_t columns = 0;
  std::vector<Term> terms;  // distinct descriptors
  // Terms of one active factor, by form: first[f] ... first[f + 1] - 1 of these.
  struct Plain {
    std::size_t term, primary;
    double low, high, center;
  };
  std::vector<Plain> plain;
  std::array<std::size_t, descriptors::kForms + 1> first{};
  std::vector<std::size_t> composed;             // other terms with an active factor
  std::vector<std::vector<Summand>> hypotheses;  // active terms
  std::vector<double> intercepts, weights;
  double total_weight = 0.0;
  // Of the best hypothesis, in its order.
  std::vector<std::size_t> coordinate_terms;
  Eigen::VectorXd coordinate_center, coordinate_spread;
  bool mixed = false;  // some term has factors of both kinds
  double share = 0.0;  // of the companions in a prediction
  // Columns of a companion's row that depend on the elements: which number of companion_wanted.
  struct CompanionColumn {
    std::size_t column, value;
  };
  std::vector<std::vector<CompanionColumn>> companions;
  std::vector<int> companion_wanted;   // primaries, as numbers in the model's features
  double lowest = 0.0, highest = 0.0;  // what a hypothesis may predict

  // `hypotheses`: how many of the model's, from the best. Null where the space varies too much
  // besides the elements, or holds what the model does not know.
  static std::unique_ptr<EnsembleBounds> make(const selection::Predictor& predictor,
                                              const CandidateSpace& space, std::size_t hypotheses);
  const ElementSets& group_of(std::uint64_t node) const;
};

// Bounds one set of elements, or one box of its amounts, at a time. Not for two threads at once.
class Bounder {
 public:
  explicit Bounder(const EnsembleBounds& tables);

  // The set of elements of a node; all amounts.
  void load(const ElementSets& group, std::uint64_t node);
  void bound_all(const ElementSets& group);
  void bound_box(const AmountBox& box);  // of the loaded set
  // One composition, exactly as the model evaluates it.
  void evaluate(const double* amounts);
  // For this context instead of any of the part's. Only terms that mix elements and context change.
  void mix(const ElementSets& group, const Context* context);

  const std::vector<int>& elements() const { return elements_; }
  int unseen_elements() const;

  struct Predicted {
    double low, high;                // of the weighted median
    double spread_low, spread_high;  // of the mean absolute deviation from it
  };
  // context null: any of the part's. `exact`: after evaluate(), of a point. `high_only`: low is
  // minus infinity and spread_low 0, for half of the work.
  Predicted predict(const ElementSets& group, const Context* context, bool exact, bool high_only);
  // What the companions together predict of the composition last evaluated.
  double companion(const Context& context);

  // Box of the coordinates; context null: any of the part's.
  const std::vector<Interval>& place(const ElementSets& group, const Context* context);
  // The same of a point: bit for bit the model's coordinates.
  void locate(const Context& context, double* coordinates) const;
  // Least over the columns of `points` of the squared distance to the farthest corner of the box
  // last placed: none of its candidates is farther from its nearest point. Stops early when it is
  // not above `enough`.
  double farthest_corner(const Eigen::MatrixXd& points, double enough);
  // The same of a few of the points: quick, and larger or equal.
  double farther_corner(const Eigen::MatrixXd& points);

 private:
  void bound_terms();
  double squared_corner(const double* point, double stop) const;
  void fill_primaries(const ElementSets& group, const std::vector<double>& share_low,
                      const std::vector<double>& share_high);
  Interval own_variance(std::size_t column, Interval mean, const std::vector<double>& share_low,
                        const std::vector<double>& share_high) const;
  Interval term(const EnsembleBounds::Term& term, const Interval* context) const;
  double median(const std::vector<double>& values, double half);

  const EnsembleBounds& tables_;
  const ElementSets* group_ = nullptr;
  std::uint64_t node_ = 0;
  std::array<int, kMostElementsOfSet> positions_{};
  std::vector<int> elements_;
  std::vector<const double*> rows_;
  std::vector<double> sorted_;  // count x columns, ascending in each column
  std::vector<double> average_low_, average_high_, sum_low_, sum_high_, middle_;
  std::vector<Interval> primaries_;
  std::vector<double> bounds_;  // of terms
  std::vector<Interval> points_;
  std::vector<double> low_, high_;
  std::vector<std::pair<double, double>> ordered_;
  std::vector<Interval> box_;
  std::size_t witness_[8] = {0, 0, 0, 0, 0, 0, 0, 0};

  descriptors::FeatureEvaluator features_;
  descriptors::FeatureEvaluator companion_features_;
  std::vector<descriptors::FeatureEvaluator::Part> parts_;
  std::vector<double> values_;
  std::vector<double> companion_row_, companion_values_;
  Eigen::MatrixXd by_companion_;
  bool companion_ready_ = false;
};

}  // namespace kasetsu::planning
