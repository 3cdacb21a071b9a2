// Bounds of an ensemble of hypotheses over many candidates at once: what it may predict for a set
// of elements with any of its amounts, and where those candidates may lie in the space of the
// selected descriptors.
//
// A branch of the search has known amounts, and so many elements from each of a few groups with
// each amount. In every property their sum lies between those of the smallest and of the largest
// values of the group. That bounds every aggregation by an interval, a form maps an interval to an
// interval, the range in which a descriptor is followed cuts it, and a linear model adds up. All
// properties of a branch are bounded together, column by column.
#pragma once

#include <Eigen/Core>
#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "core/base/constants.h"
#include "core/base/control.h"
#include "core/descriptors/featurizer.h"
#include "core/planning/bounds/amount_sets.h"
#include "core/planning/bounds/bound_kernels.h"
#include "core/planning/bounds/interval.h"
#include "core/planning/bounds/item_tree.h"
#include "core/planning/bounds/leaf_masks.h"
#include "core/planning/space/space.h"
#include "core/regression/forest_bounds.h"
#include "core/regression/huber/aligned.h"
#include "core/selection/model.h"

namespace kasetsu::planning {

inline constexpr std::size_t kMostElementsOfSet = 20;

// The sets of `count` elements of a part.
struct ElementSets {
  std::size_t part = 0;
  int count = 0;
  std::uint64_t size = 0;
  std::vector<AmountSet> amounts;
};

// One support under one condition point.
struct Context {
  std::size_t support = 0;
  std::uint64_t condition = 0;
  std::vector<double> primaries;                // by context slot
  std::vector<double> sums;                     // by hypothesis: of the terms of the context alone
  std::vector<Interval> terms;                  // by term; only those without an active factor
  std::vector<std::vector<double>> companions;  // a row each; columns of the elements are 0
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
    std::size_t squares = 0;  // of own_variance: column of squares about `about`
    double about = 0.0;
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
  std::uint64_t sets = 0;                      // of all groups; saturates
  std::vector<std::vector<Context>> contexts;  // by part
  // Around some contexts of a part.
  struct Hull {
    std::vector<Interval> primaries, terms, sums;
    // By hypothesis: its sum less the mean hypothesis's, in the middle of the contexts, and how far
    // a context lies from there, summed over the hypotheses with their weights.
    std::vector<double> off_middle;
    double off_radius = 0.0;
    std::vector<std::vector<double>> companion_low, companion_high;  // of their rows
    bool seen = true;  // all of their supports occur in the training set
  };
  // Groups of elements that the model can hardly tell apart, and the same of contexts.
  struct PartTrees {
    ItemTree elements;  // positions in the family's elements(); the leaves are single
    // By node of `elements`: its items' values, each column ascending; primaries that an item
    // leaves unknown; items that the training set does not have.
    std::vector<double> values;  // columns x positions
    std::vector<std::vector<double>> sorted;
    std::vector<Items> members;
    std::vector<std::vector<std::size_t>> gaps;
    std::vector<int> unseen;
    std::vector<std::vector<int>> numbers;  // their atomic numbers
    std::vector<std::uint8_t> leaf;         // by position: the node that holds only it
    ItemTree contexts;
    std::vector<Hull> hulls;  // by node of `contexts`
    // By companion; nothing for one that sees the elements' properties.
    std::vector<std::optional<LeafMasks>> leaves;
  };
  std::vector<PartTrees> trees;  // by part

  std::vector<ActivePrimary> primaries;  // those of the hypotheses, then those of companions alone
  std::vector<int> wanted;               // of the first: their numbers in the model's features
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
  // By hypothesis: its other terms with their coefficients.
  std::vector<std::vector<std::pair<std::size_t, double>>> of_context;
  std::vector<double> intercepts, weights;
  double total_weight = 0.0;
  // The weighted mean of the hypotheses, as one: its active terms with their coefficients.
  std::vector<std::pair<std::size_t, double>> mean_hypothesis;
  double mean_intercept = 0.0;
  // The same as rows of terms: of the hypotheses, with empty rows up to whole lanes; of the mean.
  struct Rows {
    std::vector<std::size_t> first{0}, terms;
    std::vector<double> coefficients;
    void add(std::size_t term, double coefficient) {
      terms.push_back(term);
      coefficients.push_back(coefficient);
    }
    void end_row() { first.push_back(terms.size()); }
    RowSums sums() const {
      return {first.size() - 1, first.data(), terms.data(), coefficients.data()};
    }
  };
  Rows hypothesis_rows, mean_row;
  // By term: the weighted median of its coefficients, which is 0 where less than half of the
  // hypotheses have it; sum over the hypotheses, with their weights, of |coefficient - the median
  // one|; and of |coefficient| and |the mean one's|.
  std::vector<double> median_coefficients, deviations, total_coefficients;
  // Of the best hypothesis, in its order.
  std::vector<std::size_t> coordinate_terms;
  Eigen::VectorXd coordinate_center, coordinate_spread;
  bool mixed = false;  // some term has factors of both kinds
  double share = 0.0;  // of the companions in a prediction
  // Columns of a companion's row that depend on the elements: which number of companion_wanted,
  // and of `primaries`.
  struct CompanionColumn {
    std::size_t column, value, primary;
  };
  std::vector<std::vector<CompanionColumn>> companions;
  std::vector<regression::ForestBounds> forests;  // by companion
  std::vector<std::vector<int>> element_columns;  // by companion and atomic number; -1: none
  std::vector<int> companion_wanted;              // primaries, as numbers in the model's features
  double lowest = 0.0, highest = 0.0;             // what a hypothesis may predict

  // What the bounds are for: a prediction of all hypotheses and the companions, or a place in the
  // space of the best hypothesis's descriptors.
  enum class Of { predictions, places };
  // Null where the space varies too much besides the elements, or holds what the model does not
  // know, and where it was stopped.
  static std::unique_ptr<EnsembleBounds> make(const selection::Predictor& predictor,
                                              const CandidateSpace& space, Of of,
                                              const Control& control);
};

// Bounds one branch at a time. Not for two threads at once.
class Bounder {
 public:
  using Hull = EnsembleBounds::Hull;

  explicit Bounder(const EnsembleBounds& tables);

  // clusters: for each amount the place in the part's tree of elements that it comes from; equal
  // ones together where amounts are equal. left: by distinct amount, ascending, the elements that
  // may have it; where it ends, all of the node. The hull stays in use until the next call.
  void bound(const ElementSets& group, const AmountSet& amounts,
             std::span<const std::uint8_t> clusters, std::span<const Items> left, const Hull& hull);
  // One composition, exactly as the model evaluates it: its elements' places in the family,
  // ascending, and their amounts.
  void evaluate(const ElementSets& group, std::span<const int> positions, const double* amounts,
                const Hull& hull);
  // For other contexts. Only terms that mix elements and context change. mix() with a context is
  // sharp, but for its companions.
  void mix(const Hull& hull);
  void mix(const Context& context);

  int unseen_elements() const { return unseen_; }  // at most
  const Hull& hull() const { return *hull_; }

  struct Predicted {
    double low, high;                // of the weighted median
    double spread_low, spread_high;  // of the mean absolute deviation from it
  };
  // context null: any of the hull's. `exact`: after evaluate(), of a point. `high_only`: low is
  // minus infinity and spread_low 0, for half of the work.
  Predicted predict(const Context* context, bool exact, bool high_only);
  // Tighter, where several descriptors follow the same elements; for several times the work. After
  // predict() of a branch for any context of the hull.
  void refine(Predicted& predicted);
  // Tighter still in how far the hypotheses disagree, where few elements are left. After refine().
  void refine_spread(Predicted& predicted);
  // So many elements of a branch from a group, each with this amount.
  struct Cluster {
    std::size_t node;
    int count;
    double amount, share;
    std::size_t level = 0;  // of the amount, among distinct ones
    Items members{};        // those of the group that may have the amount
    std::size_t size = 0;   // how many they are
    // By column: the `count` smallest and largest of their values, ascending, row by row.
    const double* smallest = nullptr;
    const double* largest = nullptr;
  };
  const std::vector<Cluster>& clusters() const { return clusters_; }
  // The elements that may occur, by cluster: places in the family.
  const std::vector<int>& items() const { return items_; }
  // Of those candidates of a branch that have one of its elements with the amount of its cluster,
  // by element of items(): what the hypotheses' median may be, at most or at least; at most how
  // far they disagree; what the companions may predict, at most or at least, infinite on the other
  // side where there are no such candidates. The first two after refine() or refine_spread(), whose
  // result is `whole`; the last after companions(), where they are quick.
  const std::vector<double>& medians_of_items(bool most, const Predicted& whole);
  const std::vector<double>& spreads_of_items(const Predicted& whole);
  // asked: not 0 of the elements of which it is to be said.
  const std::vector<double>& companions_of_items(bool most, const std::vector<char>& asked);
  // What the companions together may predict of what was bounded last: at most, or at least.
  double companions(bool most);
  bool companions_are_quick() const;  // quicker than refine()
  // What they predict of the composition last evaluated.
  double companion(const Context& context);

  // Box of the coordinates; context null: any of the hull's.
  const std::vector<Interval>& place(const Context* context);
  // The same of a point: bit for bit the model's coordinates.
  void locate(const Context& context, double* coordinates) const;
  // Least over the columns of `points` of the squared distance to the farthest corner of the box
  // last placed: none of its candidates is farther from its nearest point. Stops early when it is
  // not above `enough`.
  double farthest_corner(const Eigen::MatrixXd& points, double enough);
  // The same of the training set, tighter where several coordinates follow the same elements and
  // few are left. After place(nullptr) and refine().
  double farthest_together();
  // The same of those candidates that have one of the elements, by element of items(). After
  // farthest_together(); whole: no candidate is farther.
  const std::vector<double>& distances_of_items(double whole);
  // The same of a few of the points: quick, and larger or equal.
  double farther_corner(const Eigen::MatrixXd& points);

 private:
  void add_up();
  void bound_terms();
  void bound_composed(const Interval* context);
  double squared_corner(const double* point, double stop) const;
  void fill_primaries(std::size_t first, std::size_t last);
  Interval primary_of(const EnsembleBounds::ActivePrimary& primary) const;
  Interval own_variance(std::size_t column, Interval mean) const;
  Interval term(const EnsembleBounds::Term& term, const Interval* context) const;
  double median(regression::Array<double>& values, double half);
  void take_clusters(const AmountSet& amounts, std::span<const std::uint8_t> clusters,
                     std::span<const Items> left);
  void take_extremes(Cluster& cluster, double* rows);
  void take_places();
  double reach_from(Eigen::Index point);
  double squared_reach(double squared) const;
  void add_pairs(const double* rows, std::size_t count, double* parts);
  void prepare_task();
  void fill_elements(std::size_t companion);
  double of_leaves(std::size_t companion, bool most);
  double of_box(std::size_t companion, bool most);
  void summarise(double center, bool high_only, Predicted& out);

  // See linear_bounds.cc. Within `slack` of base + slope * variable; rounding is the part of the
  // slack that the size of the numbers makes.
  struct Line {
    double base = 0.0, slope = 0.0, slack = 0.0, rounding = 0.0;
  };
  struct Curve {
    bool logarithmic = false, inverse = false;
    double times = 1.0, offset = 0.0;
  };
  struct Secant {
    Line line;                 // slope 0: about its middle
    bool of_elements = false;  // it follows numbers_ of the elements
    // Else it may follow its primary: from the middle of that, for the difference of hypotheses.
    int primary = -1;
    double primary_slope = 0.0, shift = 0.0;
    double off_slack = 0.0;
  };
  // What a hypothesis is beside the numbers of its elements: a base, and slopes along primaries.
  struct Combined {
    double base = 0.0, shift = 0.0;
    std::vector<double> along;
  };
  static bool bends_once(descriptors::Form form, Interval x, const Curve& curve);
  static Interval slopes_of(descriptors::Form form, Interval x, Interval variable,
                            const Curve& curve);
  std::optional<Line> secant_of(descriptors::Form form, const EnsembleBounds::Plain& plain,
                                Interval variable, const Curve& curve) const;
  void follow_average(descriptors::Form form, const EnsembleBounds::Plain& plain);
  void follow_own_variance(descriptors::Form form, const EnsembleBounds::Plain& plain);
  void take_columns();
  void take_secants();
  void begin(double base, Combined& combined) const;
  void add_term(double times, double times_along, std::size_t term, Combined& to) const;
  void refine_hypothesis(std::size_t h);
  static Interval range_of(const double* numbers, std::size_t size, std::size_t taken);
  double most_of(const double* numbers) const;
  void limit_spread(double deviation, Predicted& predicted) const;
  const double* values_of(std::size_t column) const {
    const EnsembleBounds::PartTrees& trees = tables_.trees[group_->part];
    return trees.values.data() + column * trees.leaf.size();
  }
  double* numbers_of(std::size_t term) { return numbers_.data() + term * task_.width; }

  const EnsembleBounds& tables_;
  const BoundKernels& kernels_;
  const ElementSets* group_ = nullptr;
  const Hull* hull_ = nullptr;
  std::vector<Cluster> clusters_;
  std::vector<double> inserted_;
  std::vector<double> extremes_;      // of clusters of which some elements are left
  double count_ = 0.0, total_ = 0.0;  // elements, and the sum of their amounts
  int unseen_ = 0;
  std::vector<int> elements_;  // of a composition
  // By column: between which the least, the largest, the average and the sum of values lie.
  std::vector<double> least_low_, least_high_, most_low_, most_high_;
  std::vector<double> average_low_, average_high_, plain_low_, plain_high_;
  std::vector<Interval> primaries_;
  bool companion_primaries_filled_ = false;
  std::vector<Secant> secants_;  // by term
  std::vector<int> items_;       // positions of the elements that may occur, by cluster
  // What the items give the hypotheses, and its arrays: see bound_kernels.h. By item as in items_.
  ItemTask task_;
  std::vector<ItemSpan> spans_;
  using Lanes = regression::Array<double>;
  Lanes weights_, gives_, mean_numbers_, by_item_, elements_low_, elements_high_;
  Lanes last_low_, last_high_, apart_, middles_, off_numbers_, of_items_;
  Lanes numbers_;  // terms x items_, padded
  // Columns of the table at items_, times the shares of their clusters: padded, both ways.
  Lanes by_item_and_column_, by_column_and_item_;
  Combined mean_, own_, off_;
  double off_rest_ = 0.0;                        // of the last refine(): what follows no item
  Lanes ends_low_, ends_high_, own_ends_;        // of the hypotheses' intervals, by their items
  std::vector<double> bases_, slacks_, shifts_;  // by hypothesis
  double off_sum_ = 0.0;                         // what limits the spread
  // Of the last refine_spread(): what limits the spread, and the part of each item in it.
  double squared_sum_ = kInfinity;
  Lanes squared_parts_;
  // Of the last farthest_together(), by coordinate that follows elements, and by item; and of the
  // point that all candidates are nearest to, whatever they are.
  std::vector<std::size_t> followed_;
  Lanes places_;  // by coordinate and item
  Eigen::VectorXd middle_;
  double place_slack_ = 0.0, far_squared_ = 0.0, far_apart_ = 0.0;
  std::vector<double> place_parts_, far_parts_, distances_;
  Eigen::ArrayXd from_box_, from_middle_;
  Lanes best_partners_, below_, above_, ends_of_items_, scaled_, gram_, part_of_span_;
  std::vector<double> medians_, spreads_, companions_, of_companion_;
  std::vector<double> bounds_;  // of terms
  std::vector<Interval> points_;
  Lanes low_, high_;
  std::vector<std::pair<double, double>> ordered_;
  std::vector<Interval> box_;
  std::size_t witness_[8] = {0, 0, 0, 0, 0, 0, 0, 0};

  descriptors::FeatureEvaluator features_;
  descriptors::FeatureEvaluator companion_features_;
  std::vector<descriptors::FeatureEvaluator::Part> parts_;
  std::vector<double> values_;
  std::vector<double> companion_low_, companion_high_;
  std::vector<LeafMasks::Taken> taken_;
  std::vector<LeafMasks::Scratch> of_leaves_;  // by companion
  std::vector<double> companion_row_, companion_values_;
  Eigen::MatrixXd by_companion_;
  bool companion_ready_ = false;
};

}  // namespace kasetsu::planning
