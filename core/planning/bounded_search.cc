#include "core/planning/bounded_search.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <map>
#include <optional>
#include <queue>
#include <span>
#include <string>

#include "core/descriptors/descriptor.h"
#include "core/descriptors/featurizer.h"
#include "core/selection/model.h"

namespace kasetsu::planning {
namespace {

using descriptors::Block;
using descriptors::Form;
using descriptors::Operation;
using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr std::uint64_t kNodesAtOnce = 2048;
constexpr std::size_t kWave = 32;
constexpr std::size_t kRowsAtOnce = 1024;
constexpr int kMostElements = 20;
// Bounds are computed in another order than values: they are widened by more than rounding can be.
constexpr double kWiden = 1e-9;

struct Interval {
  double low, high;
};

constexpr Interval kEverything{-kInfinity, kInfinity};

Interval widened(Interval x) {
  const double by = kWiden * std::max(std::abs(x.low), std::abs(x.high)) + 1e-300;
  if (!std::isfinite(by)) return kEverything;
  return {x.low - by, x.high + by};
}

// Of a form over an interval; everything where it has a pole or is not defined somewhere within.
Interval of_form(Form form, Interval x) {
  const auto both = [&](double a, double b) -> Interval {
    if (std::isnan(a) || std::isnan(b)) return kEverything;
    return a <= b ? Interval{a, b} : Interval{b, a};
  };
  const auto ends = [&] { return both(apply(form, x.low), apply(form, x.high)); };
  switch (form) {
    case Form::identity:
    case Form::cube:
    case Form::exp:
    case Form::inv_exp:
      return ends();
    case Form::sqrt:
    case Form::log:
      return x.low > 0.0 ? ends() : kEverything;
    case Form::inv_sqrt:
      return x.low > 0.0 ? ends() : kEverything;
    case Form::reciprocal:
    case Form::inv_cube:
    case Form::inv_square:
      return x.low > 0.0 || x.high < 0.0 ? ends() : kEverything;
    case Form::square: {
      if (x.low >= 0.0 || x.high <= 0.0) return ends();
      const double a = apply(form, x.low);
      const double b = apply(form, x.high);
      return {0.0, std::max(a, b)};
    }
    case Form::inv_log:
      return x.low > 1.0 || (x.low > 0.0 && x.high < 1.0) ? ends() : kEverything;
  }
  return kEverything;
}

Interval product(Interval a, Interval b) {
  const double p[4] = {a.low * b.low, a.low * b.high, a.high * b.low, a.high * b.high};
  for (const double x : p) {
    if (std::isnan(x)) return kEverything;
  }
  return {*std::min_element(p, p + 4), *std::max_element(p, p + 4)};
}

// Of sum_k share_k v_k, shares between low and high with sum 1.
Interval of_average(const double* values, int count, double low, double high) {
  std::array<double, kMostElements> v{};
  std::copy(values, values + count, v.begin());
  std::sort(v.begin(), v.begin() + count);
  double sum = 0.0;
  for (int k = 0; k < count; ++k) sum += v[static_cast<std::size_t>(k)];
  Interval result{low * sum, low * sum};
  const double room = high - low;
  double slack = std::max(0.0, 1.0 - low * count);
  double rest = slack;
  for (int k = 0; k < count && rest > 0.0; ++k) {
    const double take = std::min(room, rest);
    result.low += take * v[static_cast<std::size_t>(k)];
    rest -= take;
  }
  rest = slack;
  for (int k = count - 1; k >= 0 && rest > 0.0; --k) {
    const double take = std::min(room, rest);
    result.high += take * v[static_cast<std::size_t>(k)];
    rest -= take;
  }
  return result;
}

// Of sum_k n_k v_k, amounts between low and high, their sum between total_low and total_high.
Interval of_sum(const double* values, int count, const CompositionFamily::Ranges& ranges) {
  Interval result{0.0, 0.0};
  for (int k = 0; k < count; ++k) {
    const double v = values[k];
    result.low += v * (v >= 0.0 ? ranges.amount_low : ranges.amount_high);
    result.high += v * (v >= 0.0 ? ranges.amount_high : ranges.amount_low);
  }
  const Interval average = of_average(values, count, ranges.share_low, ranges.share_high);
  const Interval scaled = product(average, {ranges.total_low, ranges.total_high});
  return {std::max(result.low, scaled.low), std::min(result.high, scaled.high)};
}

struct Entry {
  double bound;
  std::uint64_t node;
  std::uint32_t context;
  std::uint32_t round;  // picks of this search that the bound knows of
};

// Larger bounds first, then smaller nodes: an order that does not depend on threads.
bool before(const Entry& a, const Entry& b) {
  if (a.bound != b.bound) return a.bound > b.bound;
  if (a.node != b.node) return a.node < b.node;
  return a.context < b.context;
}

// Entries with the largest bounds; `dropped` is the largest bound that was forgotten.
struct Entries {
  std::vector<Entry> items;
  double dropped = -kInfinity;

  void add(std::vector<Entry>& more, std::size_t most) {
    items.insert(items.end(), more.begin(), more.end());
    more.clear();
    if (items.size() <= most + most / 4) return;
    const auto middle = items.begin() + static_cast<std::ptrdiff_t>(most);
    std::nth_element(items.begin(), middle, items.end(), before);
    dropped = std::max(dropped, middle->bound);
    items.erase(middle, items.end());
  }
};

// The ensemble as numbers that bounds need.
struct Ensemble {
  struct ActivePrimary {
    std::size_t property;
    Operation operation;
    double offset;
    double mean_of_all;
  };
  struct Factor {
    bool active;
    std::size_t slot;  // of active primaries, or of context primaries
    Form form;
  };
  struct Term {
    std::vector<Factor> factors;
    bool active = false;       // some factor is active
    bool context = false;      // some factor is of the context
    double low, high, center;  // where it is followed
  };

  const selection::Predictor* predictor = nullptr;
  std::vector<ActivePrimary> primaries;
  std::size_t context_primaries = 0;
  std::vector<Term> terms;  // distinct descriptors
  // By hypothesis: terms and coefficients.
  std::vector<std::vector<std::pair<std::size_t, double>>> hypotheses;
  std::vector<double> intercepts, weights;
  // Of the best hypothesis, in its order.
  std::vector<std::size_t> coordinate_terms;
  VectorXd coordinate_center, coordinate_spread;
  bool mixed = false;  // some term has factors of both kinds
  // Of the companion, whatever it is asked: its share of the prediction and its range. Bounds of
  // the forest in each box would be tighter, and cost more than they save.
  double share = 0.0;
  double companion_low = 0.0, companion_high = 0.0;
  double lowest = 0.0, highest = 0.0;  // what a hypothesis may predict
  double never_seen = 0.0;             // most novelty that elements and supports unseen can add
  // By element row and property: x, ln x, 1/x, (x - m)^2.
  std::vector<int> row_of;  // by atomic number
  MatrixXd value;           // properties used x rows
  std::vector<std::size_t> properties;
};

struct Context {
  std::size_t support = 0;
  std::uint64_t condition = 0;
  std::vector<double> primaries;  // by context slot
  std::vector<double> sums;       // by hypothesis: of the terms of the context alone
  std::vector<Interval> terms;    // by term; only those without an active factor
  // The first context that looks the same to the hypotheses, and to the coordinates.
  std::uint32_t prediction_twin = 0;
  std::uint32_t coordinate_twin = 0;
};

// Consecutive nodes: the sets of `count` elements of a part.
struct Group {
  std::size_t part = 0;
  int count = 0;
  std::uint64_t first = 0;  // node number
  std::uint64_t size = 0;
  CompositionFamily::Ranges ranges{};
};

double squared_gap_far(double low, double high, double point) {
  const double d = std::max(std::abs(high - point), std::abs(point - low));
  return d * d;
}

}  // namespace

struct BoundedSearch::Impl {
  Impl(BoundedProblem p, BoundedOptions o, const Executor& e, const Control& c)
      : problem(std::move(p)), options(o), executor(e), control(c) {}

  BoundedProblem problem;
  BoundedOptions options;
  const Executor& executor;
  const Control& control;
  Ensemble ensemble;
  std::vector<Group> groups;
  std::uint64_t node_count = 0;
  std::vector<std::vector<Context>> contexts;  // by part
  struct Hull {
    std::vector<Interval> primaries, terms;
  };
  std::vector<Hull> hulls;  // by part
  MatrixXd training;        // coordinates of the model
  double typical = 0.0;

  Entries exploit, challenge, explore;
  Best best_of_exploit, best_of_challenge;
  double far_limit = -kInfinity;  // nodes whose bound is not above it are not kept
  std::uint64_t evaluated = 0;
  bool exact = true;

  // Scratch of one thread.
  struct Worker {
    explicit Worker(const Impl& owner)
        : features(owner.ensemble.predictor->model().features),
          primaries(owner.ensemble.primaries.size()),
          terms(owner.ensemble.terms.size()),
          low(owner.ensemble.hypotheses.size()),
          high(owner.ensemble.hypotheses.size()),
          combined(owner.ensemble.hypotheses.size()),
          combined_high(owner.ensemble.hypotheses.size()),
          box(owner.ensemble.coordinate_terms.size()) {}
    descriptors::FeatureEvaluator features;
    std::vector<Interval> primaries, terms;
    std::vector<double> low, high, combined, combined_high;
    std::vector<int> order;
    std::vector<Interval> box;
    std::vector<double> exploit_bounds, challenge_bounds, explore_bounds;
    std::vector<int> elements;
    std::size_t witness[8] = {0, 0, 0, 0, 0, 0, 0, 0};
  };

  bool build();
  const Group& group_of(std::uint64_t node) const;
  void elements_of(const Group& group, std::uint64_t node, std::vector<int>& elements) const;
  void bound_primaries(const Group& group, Worker& worker) const;
  Interval term_interval(const Ensemble::Term& term, const std::vector<Interval>& active,
                         const Interval* context) const;
  void bound_terms(const Group& group, Worker& worker) const;
  void sum_active(Worker& worker) const;
  struct Predicted {
    double most;  // signed mean
    double spread_low, spread_high;
  };
  Predicted bound_prediction(const Group& group, const Context* context, Worker& worker) const;
  void bound_box(const Group& group, const Context* context, Worker& worker) const;
  double farthest_corner(const MatrixXd& points, Worker& worker, double enough, bool all) const;
  void bound_node(const Group& group, std::uint64_t node, Worker& worker,
                  std::vector<Entry>& to_exploit, std::vector<Entry>& to_challenge,
                  std::vector<Entry>& to_explore) const;
  double exploit_bound(const Predicted& predicted, double novelty_squared) const;
  Status sample();
  Status evaluate(const std::vector<std::uint64_t>& indices, Evaluation* keep);
  Status climb();
  void neighbours_of(std::uint64_t of, std::vector<std::uint64_t>& next) const;
  Status run_best(Entries& entries, Best& best);
  void candidates_of(const Entry& entry, std::vector<std::uint64_t>& indices) const;
  bool is_excluded(std::uint64_t index) const {
    return std::binary_search(problem.excluded->begin(), problem.excluded->end(), index);
  }
  bool is_allowed(const Candidate& candidate) const {
    return problem.rules == nullptr || problem.rules->allows(candidate);
  }
};

bool BoundedSearch::Impl::build() {
  const selection::Predictor& predictor = *problem.surrogate->ensemble();
  const selection::Model& model = predictor.model();
  const descriptors::FeaturizerState& state = model.features;
  const CandidateSpace& space = *problem.space;
  ensemble.predictor = &predictor;
  training = model.coordinates;
  typical = model.typical_distance;

  // Primaries, apart by what they depend on.
  std::map<std::size_t, std::pair<bool, std::size_t>> slot_of;
  std::map<std::string, std::size_t> property_index;
  for (std::size_t j = 0; j < state.properties.size(); ++j) property_index[state.properties[j]] = j;
  std::vector<std::size_t> context_of;
  std::map<std::size_t, std::size_t> used;
  for (std::size_t i = 0; i < state.primaries.size(); ++i) {
    const descriptors::Primary& primary = state.primaries[i];
    if (primary.block != Block::active) {
      slot_of[i] = {false, context_of.size()};
      context_of.push_back(i);
      continue;
    }
    const std::size_t property = property_index.at(primary.property);
    const auto [at, fresh] = used.emplace(property, ensemble.properties.size());
    if (fresh) ensemble.properties.push_back(property);
    slot_of[i] = {true, ensemble.primaries.size()};
    ensemble.primaries.push_back({at->second, primary.operation,
                                  state.offset[static_cast<Index>(i)],
                                  state.active_mean[static_cast<Index>(property)]});
  }
  ensemble.context_primaries = context_of.size();
  ensemble.row_of.assign(128, -1);
  for (std::size_t r = 0; r < state.elements.size(); ++r) {
    ensemble.row_of[static_cast<std::size_t>(state.elements[r])] = static_cast<int>(r);
  }
  ensemble.value.resize(static_cast<Index>(ensemble.properties.size()),
                        static_cast<Index>(state.elements.size()));
  for (std::size_t p = 0; p < ensemble.properties.size(); ++p) {
    ensemble.value.row(static_cast<Index>(p)) =
        state.normalized.col(static_cast<Index>(ensemble.properties[p])).transpose();
  }

  // Distinct descriptors: equal ones have equal ranges, because they were seen on the same rows.
  std::map<std::vector<int>, std::size_t> known_terms;
  const auto term_of = [&](const selection::Hypothesis& hypothesis, std::size_t j) {
    const descriptors::Descriptor& descriptor = hypothesis.descriptors[j];
    std::vector<int> name;
    for (int f = 0; f < descriptor.order; ++f) {
      name.push_back(descriptor.factors[f].primary);
      name.push_back(static_cast<int>(descriptor.factors[f].form));
    }
    const auto [at, fresh] = known_terms.emplace(name, ensemble.terms.size());
    if (fresh) {
      Ensemble::Term term;
      for (int f = 0; f < descriptor.order; ++f) {
        const auto [active, slot] =
            slot_of.at(static_cast<std::size_t>(descriptor.factors[f].primary));
        term.factors.push_back({active, slot, descriptor.factors[f].form});
        (active ? term.active : term.context) = true;
      }
      const auto [low, high] = followed_range(hypothesis, static_cast<Index>(j));
      term.low = low;
      term.high = high;
      term.center = hypothesis.center[static_cast<Index>(j)];
      ensemble.mixed |= term.active && term.context;
      ensemble.terms.push_back(std::move(term));
    }
    return at->second;
  };
  for (const selection::Hypothesis& hypothesis : model.hypotheses) {
    std::vector<std::pair<std::size_t, double>> linear;
    for (std::size_t j = 0; j < hypothesis.descriptors.size(); ++j) {
      linear.emplace_back(term_of(hypothesis, j), hypothesis.coefficients[static_cast<Index>(j)]);
    }
    ensemble.hypotheses.push_back(std::move(linear));
    ensemble.intercepts.push_back(hypothesis.intercept);
    ensemble.weights.push_back(hypothesis.weight);
  }
  if (!model.companion.trees.empty()) {
    ensemble.share = model.companion_weight;
    const std::vector<double> from(model.companion_columns.size(), -kInfinity);
    const std::vector<double> to(model.companion_columns.size(), kInfinity);
    const auto [lowest, highest] = regression::bounds(model.companion, from, to);
    ensemble.companion_low = lowest;
    ensemble.companion_high = highest;
  }
  const selection::FollowedRange reach = selection::predicted_range(model);
  ensemble.lowest = reach.low;
  ensemble.highest = reach.high;
  for (const auto& part : space.parts()) {
    if (!part.family) continue;
    double unseen = 0.0;
    for (const int element : part.family->elements()) {
      if (!std::binary_search(model.elements.begin(), model.elements.end(), element)) unseen += 1.0;
    }
    unseen = std::min(unseen, static_cast<double>(part.family->largest()));
    const bool foreign =
        std::any_of(part.supports.begin(), part.supports.end(), [&](const auto& s) {
          return !std::binary_search(model.supports.begin(), model.supports.end(), s.name);
        });
    ensemble.never_seen =
        std::max(ensemble.never_seen, selection::kNeverSeen * (unseen + (foreign ? 1.0 : 0.0)));
  }
  const selection::Hypothesis& first = model.hypotheses.front();
  for (std::size_t j = 0; j < first.descriptors.size(); ++j) {
    ensemble.coordinate_terms.push_back(term_of(first, j));
  }
  ensemble.coordinate_center = first.center;
  ensemble.coordinate_spread = first.spread;

  // Nodes.
  for (std::size_t p = 0; p < space.parts().size(); ++p) {
    const auto& part = space.parts()[p];
    if (!part.family) continue;  // lists are looked at one by one
    for (int count = part.family->smallest(); count <= part.family->largest(); ++count) {
      Group group;
      group.part = p;
      group.count = count;
      group.first = node_count;
      group.size = part.family->patterns(count) > 0 ? part.family->subsets(count) : 0;
      group.ranges = count > 0 ? part.family->ranges(count) : CompositionFamily::Ranges{};
      node_count += group.size;
      if (node_count > options.most_nodes) return false;
      if (group.size > 0) groups.push_back(group);
    }
  }

  // Contexts: supports x conditions, with what depends on them alone.
  descriptors::FeatureEvaluator features(state);
  for (const auto& part : space.parts()) {
    std::vector<Context> here;
    const std::uint64_t conditions = space.condition_points();
    if (part.family && part.supports.size() * conditions > 100'000) return false;
    for (std::size_t s = 0; part.family && s < part.supports.size(); ++s) {
      for (std::uint64_t c = 0; c < conditions; ++c) {
        Context context;
        context.support = s;
        context.condition = c;
        std::vector<double> all(state.primaries.size(), 0.0);
        std::vector<descriptors::FeatureEvaluator::Part> formula;
        for (const auto& e : part.supports[s].formula.parts()) {
          const int row = features.row_of(e.element);
          if (row < 0) return false;
          formula.push_back({row, e.amount});
        }
        features.support(formula, all.data());
        const std::vector<double> values = space.condition_values(c);
        // The model's conditions come first and in the space's order, as the surrogate has it.
        if (state.condition_names.size() > values.size()) return false;
        features.conditions({values.data(), state.condition_names.size()}, all.data());
        for (const std::size_t i : context_of) context.primaries.push_back(all[i]);
        context.terms.resize(ensemble.terms.size());
        for (std::size_t t = 0; t < ensemble.terms.size(); ++t) {
          const Ensemble::Term& term = ensemble.terms[t];
          if (term.active) continue;
          double x = 1.0;
          for (const Ensemble::Factor& factor : term.factors) {
            x *= apply(factor.form, context.primaries[factor.slot]);
          }
          x = std::isnan(x) ? term.center : std::clamp(x, term.low, term.high);
          context.terms[t] = {x, x};
        }
        for (const auto& linear : ensemble.hypotheses) {
          double sum = 0.0;
          for (const auto& [t, coefficient] : linear) {
            if (!ensemble.terms[t].active) sum += coefficient * context.terms[t].low;
          }
          context.sums.push_back(sum);
        }
        const auto self = static_cast<std::uint32_t>(here.size());
        context.prediction_twin = self;
        context.coordinate_twin = self;
        for (std::uint32_t c0 = 0; c0 < self; ++c0) {
          if (context.prediction_twin == self && here[c0].primaries == context.primaries) {
            context.prediction_twin = c0;
          }
          const bool same =
              std::all_of(ensemble.coordinate_terms.begin(), ensemble.coordinate_terms.end(),
                          [&](std::size_t t) {
                            const Ensemble::Term& term = ensemble.terms[t];
                            return !term.context ||
                                   (!term.active && here[c0].terms[t].low == context.terms[t].low);
                          });
          if (context.coordinate_twin == self && same) context.coordinate_twin = c0;
        }
        here.push_back(std::move(context));
      }
    }
    Hull hull;
    hull.primaries.assign(ensemble.context_primaries, {kInfinity, -kInfinity});
    hull.terms.assign(ensemble.terms.size(), {kInfinity, -kInfinity});
    for (const Context& context : here) {
      for (std::size_t i = 0; i < hull.primaries.size(); ++i) {
        hull.primaries[i].low = std::min(hull.primaries[i].low, context.primaries[i]);
        hull.primaries[i].high = std::max(hull.primaries[i].high, context.primaries[i]);
        if (std::isnan(context.primaries[i])) hull.primaries[i] = kEverything;
      }
      for (std::size_t t = 0; t < hull.terms.size(); ++t) {
        hull.terms[t].low = std::min(hull.terms[t].low, context.terms[t].low);
        hull.terms[t].high = std::max(hull.terms[t].high, context.terms[t].high);
      }
    }
    contexts.push_back(std::move(here));
    hulls.push_back(std::move(hull));
  }
  best_of_exploit = Best(problem.exploit ? problem.pool : 0);
  best_of_challenge = Best(problem.challenge ? problem.pool : 0);
  return true;
}

const Group& BoundedSearch::Impl::group_of(std::uint64_t node) const {
  const auto after = std::upper_bound(groups.begin(), groups.end(), node,
                                      [](std::uint64_t n, const Group& g) { return n < g.first; });
  return *(after - 1);
}

void BoundedSearch::Impl::elements_of(const Group& group, std::uint64_t node,
                                      std::vector<int>& elements) const {
  const CompositionFamily& family = *problem.space->parts()[group.part].family;
  std::array<int, kMostElements> positions{};
  family.subset(group.count, node - group.first, positions.data());
  elements.resize(static_cast<std::size_t>(group.count));
  for (int k = 0; k < group.count; ++k) {
    elements[static_cast<std::size_t>(k)] =
        family.elements()[static_cast<std::size_t>(positions[static_cast<std::size_t>(k)])];
  }
}

// Intervals of the active primaries for worker.elements with any of the group's amounts.
void BoundedSearch::Impl::bound_primaries(const Group& group, Worker& worker) const {
  const int count = group.count;
  const CompositionFamily::Ranges& ranges = group.ranges;
  std::array<double, kMostElements> x{};
  std::array<double, kMostElements> v{};
  std::size_t loaded = std::numeric_limits<std::size_t>::max();
  double least = 0.0;
  double most = 0.0;
  bool gap = false;
  for (std::size_t i = 0; i < ensemble.primaries.size(); ++i) {
    const Ensemble::ActivePrimary& primary = ensemble.primaries[i];
    if (primary.property != loaded) {
      loaded = primary.property;
      gap = false;
      for (int k = 0; k < count; ++k) {
        const int row =
            ensemble.row_of[static_cast<std::size_t>(worker.elements[static_cast<std::size_t>(k)])];
        const double value = row < 0 ? kInfinity : ensemble.value(static_cast<Index>(loaded), row);
        x[static_cast<std::size_t>(k)] = value;
        if (!std::isfinite(value)) gap = true;
      }
      least = *std::min_element(x.begin(), x.begin() + count);
      most = *std::max_element(x.begin(), x.begin() + count);
    }
    Interval out = kEverything;
    if (!gap) {
      const auto map = [&](auto function) {
        for (int k = 0; k < count; ++k) {
          v[static_cast<std::size_t>(k)] = function(x[static_cast<std::size_t>(k)]);
        }
      };
      const auto average = [&] {
        return of_average(v.data(), count, ranges.share_low, ranges.share_high);
      };
      switch (primary.operation) {
        case Operation::minimum:
          out = {least, least};
          break;
        case Operation::maximum:
          out = {most, most};
          break;
        case Operation::range:
          out = widened({most - least, most - least});
          break;
        case Operation::mean: {
          double sum = 0.0;
          for (int k = 0; k < count; ++k) sum += x[static_cast<std::size_t>(k)];
          out = widened({sum / count, sum / count});
          break;
        }
        case Operation::sum:
          out = widened(of_sum(x.data(), count, ranges));
          break;
        case Operation::average:
          map([](double a) { return a; });
          out = widened(average());
          break;
        case Operation::ssd:
          map([&](double a) { return (a - primary.mean_of_all) * (a - primary.mean_of_all); });
          out = widened(of_sum(v.data(), count, ranges));
          break;
        case Operation::variance:
          map([&](double a) { return (a - primary.mean_of_all) * (a - primary.mean_of_all); });
          out = widened(average());
          break;
        case Operation::product:
        case Operation::gmean:
          if (least < 0.0) break;
          if (least == 0.0) {
            out = {0.0, 0.0};
            break;
          }
          map([](double a) { return std::log(a); });
          out = primary.operation == Operation::gmean ? average() : of_sum(v.data(), count, ranges);
          out = widened({std::exp(out.low - kWiden), std::exp(out.high + kWiden)});
          break;
        case Operation::hmean: {
          if (least < 0.0) break;
          if (least == 0.0) {
            out = {0.0, 0.0};
            break;
          }
          map([](double a) { return 1.0 / a; });
          const Interval inverse = average();
          out = widened({1.0 / inverse.high, 1.0 / inverse.low});
          break;
        }
        case Operation::own_variance: {
          // About any point c the mean square is at least the variance, by (average - c)^2.
          map([](double a) { return a; });
          const Interval mean = average();
          const double c = 0.5 * (mean.low + mean.high);
          map([&](double a) { return (a - c) * (a - c); });
          const Interval squares = average();
          const double off = 0.5 * (mean.high - mean.low);
          out = widened({std::max(0.0, squares.low - off * off), squares.high});
          out.low = std::max(out.low, 0.0);
          break;
        }
        case Operation::value:
          break;
      }
    }
    if (std::isnan(out.low) || std::isnan(out.high)) out = kEverything;
    worker.primaries[i] = {out.low + primary.offset, out.high + primary.offset};
  }
}

Interval BoundedSearch::Impl::term_interval(const Ensemble::Term& term,
                                            const std::vector<Interval>& active,
                                            const Interval* context) const {
  Interval result{1.0, 1.0};
  for (std::size_t f = 0; f < term.factors.size(); ++f) {
    const Ensemble::Factor& factor = term.factors[f];
    const Interval x =
        of_form(factor.form, factor.active ? active[factor.slot] : context[factor.slot]);
    result = f == 0 ? x : product(result, x);
  }
  result = widened(result);
  // NaN counts as the centre, which lies within.
  const bool anything = !(result.low > -kInfinity) || !(result.high < kInfinity);
  result.low = std::clamp(result.low, term.low, term.high);
  result.high = std::clamp(result.high, term.low, term.high);
  if (anything) {
    result.low = std::min(result.low, term.center);
    result.high = std::max(result.high, term.center);
  }
  return result;
}

// Terms with an active factor; those that also depend on the context over the part's hull.
void BoundedSearch::Impl::bound_terms(const Group& group, Worker& worker) const {
  const Hull& hull = hulls[group.part];
  for (std::size_t t = 0; t < ensemble.terms.size(); ++t) {
    const Ensemble::Term& term = ensemble.terms[t];
    worker.terms[t] =
        term.active ? term_interval(term, worker.primaries, hull.primaries.data()) : hull.terms[t];
  }
}

// worker.low and high: of each hypothesis, from the active terms and the intercept.
void BoundedSearch::Impl::sum_active(Worker& worker) const {
  for (std::size_t h = 0; h < ensemble.hypotheses.size(); ++h) {
    double low = ensemble.intercepts[h];
    double high = low;
    for (const auto& [t, coefficient] : ensemble.hypotheses[h]) {
      if (!ensemble.terms[t].active) continue;
      const Interval& x = worker.terms[t];
      if (coefficient >= 0.0) {
        low += coefficient * x.low;
        high += coefficient * x.high;
      } else {
        low += coefficient * x.high;
        high += coefficient * x.low;
      }
    }
    worker.low[h] = low;
    worker.high[h] = high;
  }
}

// context null: any of the part's.
BoundedSearch::Impl::Predicted BoundedSearch::Impl::bound_prediction(const Group& group,
                                                                     const Context* context,
                                                                     Worker& worker) const {
  const std::size_t count = ensemble.hypotheses.size();
  const Hull& hull = hulls[group.part];
  std::vector<double>& low = worker.combined;
  std::vector<double>& high = worker.combined_high;
  for (std::size_t h = 0; h < count; ++h) {
    if (context != nullptr) {
      low[h] = worker.low[h] + context->sums[h];
      high[h] = worker.high[h] + context->sums[h];
      continue;
    }
    low[h] = worker.low[h];
    high[h] = worker.high[h];
    for (const auto& [t, coefficient] : ensemble.hypotheses[h]) {
      if (ensemble.terms[t].active) continue;
      const Interval& x = hull.terms[t];
      low[h] += coefficient * (coefficient >= 0.0 ? x.low : x.high);
      high[h] += coefficient * (coefficient >= 0.0 ? x.high : x.low);
    }
  }
  Predicted result{};
  for (std::size_t h = 0; h < count; ++h) {
    low[h] = std::clamp(low[h], ensemble.lowest, ensemble.highest);
    high[h] = std::clamp(high[h], ensemble.lowest, ensemble.highest);
  }
  const double median_low = selection::weighted_median(low, ensemble.weights, worker.order);
  const double median_high = selection::weighted_median(high, ensemble.weights, worker.order);
  const double own = 1.0 - ensemble.share;
  result.most = problem.acquirer.sign > 0.0
                    ? own * median_high + ensemble.share * ensemble.companion_high
                    : -(own * median_low + ensemble.share * ensemble.companion_low);
  result.most += kWiden * (1.0 + std::abs(result.most));
  // The median minimises the mean absolute deviation: about any other point it is larger.
  const double c = 0.5 * (median_low + median_high);
  double most = 0.0;
  double total = 0.0;
  double least = 0.0;
  for (std::size_t h = 0; h < count; ++h) {
    const double w = ensemble.weights[h];
    total += w;
    most += w * std::max(high[h] - c, c - low[h]);
    // Whatever the median is, it lies between the two; farther out a hypothesis must differ.
    least += w * std::max({0.0, low[h] - median_high, median_low - high[h]});
  }
  result.spread_high = most / total * (1.0 + kWiden) + 1e-12;
  result.spread_low = least / total * (1.0 - kWiden);
  return result;
}

void BoundedSearch::Impl::bound_box(const Group& group, const Context* context,
                                    Worker& worker) const {
  const Hull& hull = hulls[group.part];
  for (std::size_t j = 0; j < ensemble.coordinate_terms.size(); ++j) {
    const std::size_t t = ensemble.coordinate_terms[j];
    const Interval x = ensemble.terms[t].active ? worker.terms[t]
                       : context != nullptr     ? context->terms[t]
                                                : hull.terms[t];
    const double center = ensemble.coordinate_center[static_cast<Index>(j)];
    const double spread = ensemble.coordinate_spread[static_cast<Index>(j)];
    worker.box[j] = widened({(x.low - center) / spread, (x.high - center) / spread});
  }
}

// Least over the points of the squared distance to the box's farthest corner: no candidate of the
// box is farther from its nearest point. Stops early at `enough` unless `all`.
double BoundedSearch::Impl::farthest_corner(const MatrixXd& points, Worker& worker, double enough,
                                            bool all) const {
  const auto squared_to = [&](std::size_t k, double stop) {
    double sum = 0.0;
    for (std::size_t j = 0; j < worker.box.size(); ++j) {
      sum += squared_gap_far(worker.box[j].low, worker.box[j].high,
                             points(static_cast<Index>(k), static_cast<Index>(j)));
      if (sum >= stop) return sum;
    }
    return sum;
  };
  double best = kInfinity;
  const auto rows = static_cast<std::size_t>(points.rows());
  if (rows == 0) return best;
  // The points that were nearest lately are tried first: neighbouring nodes share elements.
  for (std::size_t& k : worker.witness) {
    if (k >= rows) k = 0;
    best = std::min(best, squared_to(k, best));
    if (!all && best <= enough) return best;
  }
  for (std::size_t k = 0; k < rows; ++k) {
    const double sum = squared_to(k, best);
    if (sum >= best) continue;
    best = sum;
    std::copy_backward(std::begin(worker.witness), std::end(worker.witness) - 1,
                       std::end(worker.witness));
    worker.witness[0] = k;
    if (!all && best <= enough) return best;
  }
  return best;
}

double BoundedSearch::Impl::exploit_bound(const Predicted& predicted,
                                          double novelty_squared) const {
  const double novelty =
      (typical > 0.0 ? std::sqrt(novelty_squared) / typical : 0.0) + ensemble.never_seen;
  const double low = ensemble.predictor->half_width(predicted.spread_low, 0.0) / kHalfWidth80;
  const double high = ensemble.predictor->half_width(predicted.spread_high, novelty) / kHalfWidth80;
  const double score =
      problem.acquirer.at_most(predicted.most, low * (1.0 - kWiden), high * (1.0 + kWiden));
  return score + kWiden * std::abs(score);
}

void BoundedSearch::Impl::bound_node(const Group& group, std::uint64_t node, Worker& worker,
                                     std::vector<Entry>& to_exploit,
                                     std::vector<Entry>& to_challenge,
                                     std::vector<Entry>& to_explore) const {
  elements_of(group, node, worker.elements);
  const auto& part = problem.space->parts()[group.part];
  const std::vector<Context>& here = contexts[group.part];
  const double exploit_limit = best_of_exploit.limit();
  const double challenge_limit = best_of_challenge.limit();
  if (group.count == 0) {
    // A bare support: nothing to bound.
    for (std::uint32_t c = 0; c < here.size(); ++c) {
      if (problem.exploit) to_exploit.push_back({kInfinity, node, c, 0});
      if (problem.challenge) to_challenge.push_back({kInfinity, node, c, 0});
      if (problem.explore > 0) to_explore.push_back({kInfinity, node, c, 0});
    }
    return;
  }
  bound_primaries(group, worker);
  bound_terms(group, worker);
  sum_active(worker);
  // First for all contexts together.
  bool exploit_here = problem.exploit;
  bool challenge_here = problem.challenge;
  bool explore_here = problem.explore > 0;
  if (exploit_here || challenge_here) {
    const Predicted predicted = bound_prediction(group, nullptr, worker);
    challenge_here = challenge_here && predicted.spread_high >= challenge_limit;
    if (exploit_here && exploit_bound(predicted, 0.0) < exploit_limit) {
      bound_box(group, nullptr, worker);
      exploit_here =
          exploit_bound(predicted, farthest_corner(training, worker, 0.0, true)) >= exploit_limit;
    }
  }
  if (explore_here) {
    bound_box(group, nullptr, worker);
    explore_here = farthest_corner(problem.known, worker, far_limit, false) > far_limit;
  }
  if (!exploit_here && !challenge_here && !explore_here) return;
  // By context; of a twin they are those of the first.
  worker.exploit_bounds.assign(here.size(), -kInfinity);
  worker.challenge_bounds.assign(here.size(), -kInfinity);
  worker.explore_bounds.assign(here.size(), -kInfinity);
  for (std::uint32_t c = 0; c < here.size(); ++c) {
    const Context& context = here[c];
    const bool predict = context.prediction_twin == c && (exploit_here || challenge_here);
    const bool place = context.coordinate_twin == c && explore_here;
    if (ensemble.mixed && (predict || place)) {
      std::vector<Interval> points;
      for (const double x : context.primaries) {
        points.push_back(std::isnan(x) ? kEverything : Interval{x, x});
      }
      for (std::size_t t = 0; t < ensemble.terms.size(); ++t) {
        const Ensemble::Term& term = ensemble.terms[t];
        if (term.active && term.context) {
          worker.terms[t] = term_interval(term, worker.primaries, points.data());
        }
      }
      sum_active(worker);
    }
    if (predict) {
      const Predicted predicted = bound_prediction(group, &context, worker);
      if (challenge_here) worker.challenge_bounds[c] = predicted.spread_high;
      if (exploit_here) {
        bound_box(group, &context, worker);
        worker.exploit_bounds[c] =
            exploit_bound(predicted, farthest_corner(training, worker, 0.0, true));
      }
    }
    if (place) {
      bound_box(group, &context, worker);
      worker.explore_bounds[c] = farthest_corner(problem.known, worker, far_limit, false);
    }
    worker.challenge_bounds[c] = worker.challenge_bounds[context.prediction_twin];
    worker.exploit_bounds[c] = worker.exploit_bounds[context.prediction_twin];
    worker.explore_bounds[c] = worker.explore_bounds[context.coordinate_twin];
    const bool wanted = (challenge_here && worker.challenge_bounds[c] >= challenge_limit) ||
                        (exploit_here && worker.exploit_bounds[c] >= exploit_limit) ||
                        (explore_here && worker.explore_bounds[c] > far_limit);
    if (!wanted || (problem.rules != nullptr &&
                    problem.rules->forbids(worker.elements, part.supports[context.support].name))) {
      continue;
    }
    if (challenge_here && worker.challenge_bounds[c] >= challenge_limit) {
      to_challenge.push_back({worker.challenge_bounds[c], node, c, 0});
    }
    if (exploit_here && worker.exploit_bounds[c] >= exploit_limit) {
      to_exploit.push_back({worker.exploit_bounds[c], node, c, 0});
    }
    if (explore_here && worker.explore_bounds[c] > far_limit) {
      to_explore.push_back({worker.explore_bounds[c], node, c, 0});
    }
  }
}

// Offers these candidates to the lists of the best; `keep`: their evaluations, row by row (rows of
// candidates that are excluded or forbidden are left out, and their indices removed).
Status BoundedSearch::Impl::evaluate(const std::vector<std::uint64_t>& indices, Evaluation* keep) {
  const std::size_t blocks = (indices.size() + kRowsAtOnce - 1) / kRowsAtOnce;
  struct Block {
    Best exploit, challenge;
    Evaluation evaluation;
    std::optional<Error> error;
  };
  for (std::size_t start = 0; start < blocks; start += kWave) {
    if (control.should_stop())
      return Error{ErrorCode::cancelled, "planning was cancelled", "", "", ""};
    const std::size_t count = std::min(kWave, blocks - start);
    std::vector<Block> results(count);
    executor.parallel_for(count, [&](std::size_t b) {
      Block& out = results[b];
      out.exploit = Best(problem.exploit ? problem.pool : 0);
      out.challenge = Best(problem.challenge ? problem.pool : 0);
      std::vector<Candidate> candidates;
      std::vector<std::uint64_t> kept;
      const std::size_t end = std::min(indices.size(), (start + b + 1) * kRowsAtOnce);
      for (std::size_t i = (start + b) * kRowsAtOnce; i < end; ++i) {
        if (is_excluded(indices[i])) continue;
        Candidate candidate = problem.space->unrank(indices[i]);
        if (!is_allowed(candidate)) continue;
        kept.push_back(indices[i]);
        candidates.push_back(std::move(candidate));
      }
      if (kept.empty()) {
        out.evaluation.resize(0, problem.surrogate->dimensions());
        return;
      }
      if (Status status = problem.surrogate->evaluate(candidates, out.evaluation); !status) {
        out.error = status.error();
        return;
      }
      const Evaluation& e = out.evaluation;
      for (std::size_t i = 0; i < kept.size(); ++i) {
        const auto row = static_cast<Index>(i);
        const double sd = (e.high[row] - e.low[row]) / (2.0 * kHalfWidth80);
        if (!std::isfinite(e.mean[row]) || !std::isfinite(sd)) continue;
        out.exploit.offer({problem.acquirer.score(e.mean[row], sd),
                           problem.acquirer.sign * e.mean[row], kept[i]});
        out.challenge.offer({e.disagreement[row], 0.0, kept[i]});
      }
    });
    for (Block& result : results) {
      if (result.error) return *result.error;
      best_of_exploit.merge(result.exploit);
      best_of_challenge.merge(result.challenge);
      if (keep != nullptr && result.evaluation.coordinates.rows() > 0) {
        const Index rows = keep->coordinates.rows();
        keep->coordinates.conservativeResize(rows + result.evaluation.coordinates.rows(),
                                             problem.surrogate->dimensions());
        keep->coordinates.bottomRows(result.evaluation.coordinates.rows()) =
            result.evaluation.coordinates;
      }
    }
  }
  evaluated += indices.size();
  return {};
}

// The first thresholds: an even sample, all of the lists, and from the best of them uphill by one
// element, amount or support at a time.
Status BoundedSearch::Impl::sample() {
  const CandidateSpace& space = *problem.space;
  std::vector<std::uint64_t> indices;
  const std::uint64_t count = std::min(options.sample, space.size());
  for (std::uint64_t j = 0; j < count; ++j) {
    indices.push_back(spread_index(j, count, space.size(), problem.seed));
  }
  for (std::size_t p = 0; p < space.parts().size(); ++p) {
    if (space.parts()[p].family) continue;
    for (std::uint64_t local = 0; local < space.parts()[p].size; ++local) {
      for (std::uint64_t c = 0; c < space.condition_points(); ++c) {
        if (const auto index = space.index_of(p, local, c)) indices.push_back(*index);
      }
    }
  }
  std::sort(indices.begin(), indices.end());
  indices.erase(std::unique(indices.begin(), indices.end()), indices.end());
  Evaluation kept;
  kept.resize(0, problem.surrogate->dimensions());
  if (Status status = evaluate(indices, problem.explore > 0 ? &kept : nullptr); !status) {
    return status;
  }
  if (problem.explore > 0 && kept.coordinates.rows() > 0) {
    // A full search finds points that are no nearer than these, or its picks say that they are not
    // proven. The batch's other picks repel too, so that some more are asked for.
    const auto wanted = static_cast<std::size_t>(problem.explore + problem.explore / 2 + 4);
    const std::vector<std::size_t> picks = farthest_points(kept.coordinates, problem.known, wanted);
    if (!picks.empty()) {
      MatrixXd others(problem.known.rows() + static_cast<Index>(picks.size()) - 1,
                      kept.coordinates.cols());
      others.topRows(problem.known.rows()) = problem.known;
      for (std::size_t i = 0; i + 1 < picks.size(); ++i) {
        others.row(problem.known.rows() + static_cast<Index>(i)) =
            kept.coordinates.row(static_cast<Index>(picks[i]));
      }
      double nearest = kInfinity;
      for (Index k = 0; k < others.rows(); ++k) {
        nearest = std::min(
            nearest,
            (others.row(k) - kept.coordinates.row(static_cast<Index>(picks.back()))).squaredNorm());
      }
      if (std::isfinite(nearest)) far_limit = nearest;
    }
  }
  return climb();
}

// Candidates that differ in one element, in the amounts, or in the support.
void BoundedSearch::Impl::neighbours_of(std::uint64_t of, std::vector<std::uint64_t>& next) const {
  const CandidateSpace& space = *problem.space;
  const Candidate candidate = space.unrank(of);
  const auto& parts = candidate.catalyst.active.parts();
  const auto try_one = [&](const Candidate& changed) {
    if (const auto index = space.rank(changed)) next.push_back(*index);
  };
  for (const auto& part : space.parts()) {
    if (!part.family) continue;
    for (std::size_t k = 0; k < parts.size(); ++k) {
      for (const int element : part.family->elements()) {
        if (candidate.catalyst.active.amount(element) > 0.0) continue;
        Candidate changed = candidate;
        changed.catalyst.active = {};
        for (std::size_t m = 0; m < parts.size(); ++m) {
          changed.catalyst.active.add(m == k ? element : parts[m].element, parts[m].amount);
        }
        try_one(changed);
      }
    }
    for (const Support& support : part.supports) {
      if (support.name == candidate.catalyst.support) continue;
      Candidate changed = candidate;
      changed.catalyst.support = support.name;
      changed.catalyst.support_formula = support.formula;
      try_one(changed);
    }
  }
  for (const Group& group : groups) {
    if (group.count != static_cast<int>(parts.size())) continue;
    const CompositionFamily& family = *space.parts()[group.part].family;
    const auto rank = family.rank(candidate.catalyst.active);
    if (!rank) continue;
    const std::uint64_t patterns = family.patterns(group.count);
    const std::uint64_t start = *rank - (*rank - family.first(group.count)) % patterns;
    const std::uint64_t step = std::max<std::uint64_t>(1, patterns / 64);
    for (std::uint64_t pattern = 0; pattern < patterns; pattern += step) {
      Candidate changed = candidate;
      changed.catalyst.active = family.unrank(start + pattern);
      try_one(changed);
    }
  }
}

Status BoundedSearch::Impl::climb() {
  std::unordered_set<std::uint64_t> visited;
  for (int round = 0; round < 12; ++round) {
    std::vector<std::uint64_t> next;
    const auto from = [&](const Best& best) {
      std::size_t taken = 0;
      for (const Scored& item : best.sorted()) {
        if (taken == 48) break;
        ++taken;
        if (!visited.insert(item.index).second) continue;
        neighbours_of(item.index, next);
      }
    };
    from(best_of_exploit);
    from(best_of_challenge);
    if (next.empty()) return {};
    std::sort(next.begin(), next.end());
    next.erase(std::unique(next.begin(), next.end()), next.end());
    // What was offered before must not be offered twice.
    std::unordered_set<std::uint64_t> listed;
    for (const Scored& item : best_of_exploit.sorted()) listed.insert(item.index);
    for (const Scored& item : best_of_challenge.sorted()) listed.insert(item.index);
    std::erase_if(next, [&](std::uint64_t index) { return listed.count(index) > 0; });
    if (Status status = evaluate(next, nullptr); !status) return status;
  }
  return {};
}

void BoundedSearch::Impl::candidates_of(const Entry& entry,
                                        std::vector<std::uint64_t>& indices) const {
  const Group& group = group_of(entry.node);
  const auto& part = problem.space->parts()[group.part];
  const Context& context = contexts[group.part][entry.context];
  const std::uint64_t patterns = part.family->patterns(group.count);
  const std::uint64_t first =
      part.family->first(group.count) + (entry.node - group.first) * patterns;
  for (std::uint64_t pattern = 0; pattern < patterns; ++pattern) {
    for (std::size_t p = 0; p < part.preparations.size(); ++p) {
      const std::uint64_t local =
          ((first + pattern) * part.supports.size() + context.support) * part.preparations.size() +
          p;
      if (const auto index = problem.space->index_of(group.part, local, context.condition)) {
        indices.push_back(*index);
      }
    }
  }
}

Status BoundedSearch::Impl::run_best(Entries& entries, Best& best) {
  std::sort(entries.items.begin(), entries.items.end(), before);
  const std::uint64_t start = evaluated;
  std::size_t at = 0;
  // The same candidate may have been offered by the sample: then it is in the list once.
  std::unordered_set<std::uint64_t> listed;
  std::size_t chunk = 32;
  while (at < entries.items.size() && entries.items[at].bound >= best.limit()) {
    if (evaluated - start > options.most_evaluated) {
      exact = false;
      break;
    }
    listed.clear();
    for (const Scored& item : best_of_exploit.sorted()) listed.insert(item.index);
    for (const Scored& item : best_of_challenge.sorted()) listed.insert(item.index);
    std::vector<std::uint64_t> indices;
    for (std::size_t n = 0;
         n < chunk && at < entries.items.size() && entries.items[at].bound >= best.limit();
         ++n, ++at) {
      candidates_of(entries.items[at], indices);
    }
    chunk = std::min<std::size_t>(chunk * 2, 4096);
    std::erase_if(indices, [&](std::uint64_t index) { return listed.count(index) > 0; });
    if (Status status = evaluate(indices, nullptr); !status) return status;
  }
  if (entries.dropped >= best.limit()) exact = false;
  return {};
}

BoundedSearch::BoundedSearch(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {
}
BoundedSearch::~BoundedSearch() = default;

std::unique_ptr<BoundedSearch> BoundedSearch::make(BoundedProblem problem, BoundedOptions options,
                                                   const Executor& executor,
                                                   const Control& control) {
  KASETSU_ASSERT(problem.surrogate->ensemble() != nullptr);
  auto impl = std::make_unique<Impl>(std::move(problem), options, executor, control);
  if (!impl->build()) return nullptr;
  return std::unique_ptr<BoundedSearch>(new BoundedSearch(std::move(impl)));
}

Status BoundedSearch::prepare() {
  Impl& self = *impl_;
  if (Status status = self.sample(); !status) return status;
  const std::uint64_t chunks = (self.node_count + kNodesAtOnce - 1) / kNodesAtOnce;
  for (std::uint64_t start = 0; start < chunks; start += kWave) {
    if (self.control.should_stop()) {
      return Error{ErrorCode::cancelled, "planning was cancelled", "", "", ""};
    }
    const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(kWave, chunks - start));
    struct Found {
      std::vector<Entry> exploit, challenge, explore;
    };
    std::vector<Found> found(count);
    self.executor.parallel_for(count, [&](std::size_t c) {
      Impl::Worker worker(self);
      const std::uint64_t end = std::min(self.node_count, (start + c + 1) * kNodesAtOnce);
      for (std::uint64_t node = (start + c) * kNodesAtOnce; node < end; ++node) {
        self.bound_node(self.group_of(node), node, worker, found[c].exploit, found[c].challenge,
                        found[c].explore);
      }
    });
    for (Found& f : found) {
      self.exploit.add(f.exploit, self.options.most_entries);
      self.challenge.add(f.challenge, self.options.most_entries);
      self.explore.add(f.explore, self.options.most_entries);
    }
    self.control.report(0.8 * static_cast<double>(start + count) / static_cast<double>(chunks),
                        "bounding sets of elements");
  }
  return {};
}

Result<std::vector<Scored>> BoundedSearch::best_exploit() {
  if (Status status = impl_->run_best(impl_->exploit, impl_->best_of_exploit); !status) {
    return status.error();
  }
  return impl_->best_of_exploit.sorted();
}

Result<std::vector<Scored>> BoundedSearch::best_challenge() {
  if (Status status = impl_->run_best(impl_->challenge, impl_->best_of_challenge); !status) {
    return status.error();
  }
  return impl_->best_of_challenge.sorted();
}

// Lazy greedy farthest points: a bound from before a pick is still a bound after it, so that only
// the nodes at the top are bounded anew.
Result<std::vector<BoundedSearch::FarPick>> BoundedSearch::farthest(
    int count, const MatrixXd& also, const std::unordered_set<std::uint64_t>& taken) {
  Impl& self = *impl_;
  const Index dimensions = self.problem.surrogate->dimensions();
  MatrixXd known(self.problem.known.rows() + also.rows(), dimensions);
  known.topRows(self.problem.known.rows()) = self.problem.known;
  known.bottomRows(also.rows()) = also;
  MatrixXd picks(0, dimensions);

  struct Row {
    double squared;
    std::uint64_t index;
  };
  std::vector<Row> rows;
  std::vector<double> coordinates;  // dimensions a row
  const auto later = [](const Entry& a, const Entry& b) { return before(b, a); };
  std::vector<Entry> heap = self.explore.items;
  std::make_heap(heap.begin(), heap.end(), later);
  Impl::Worker worker(self);
  const std::uint64_t start = self.evaluated;
  std::vector<FarPick> result;

  const auto best_row = [&]() -> std::size_t {
    std::size_t best = rows.size();
    for (std::size_t i = 0; i < rows.size(); ++i) {
      if (best == rows.size() || rows[i].squared > rows[best].squared ||
          (rows[i].squared == rows[best].squared && rows[i].index < rows[best].index)) {
        best = i;
      }
    }
    return best;
  };
  // Adds candidates to the rows, unless they are known, forbidden or near; `best` follows.
  const auto look_at = [&](const std::vector<std::uint64_t>& indices, std::size_t& best) -> Status {
    struct Opened {
      std::vector<Row> rows;
      std::vector<double> coordinates;
      std::optional<Error> error;
    };
    std::vector<Opened> opened((indices.size() + kRowsAtOnce - 1) / kRowsAtOnce);
    self.executor.parallel_for(opened.size(), [&](std::size_t o) {
      Opened& out = opened[o];
      std::vector<Candidate> candidates;
      std::vector<std::uint64_t> kept;
      for (std::size_t i = o * kRowsAtOnce; i < std::min(indices.size(), (o + 1) * kRowsAtOnce);
           ++i) {
        if (self.is_excluded(indices[i]) || taken.count(indices[i])) continue;
        Candidate candidate = self.problem.space->unrank(indices[i]);
        if (!self.is_allowed(candidate)) continue;
        kept.push_back(indices[i]);
        candidates.push_back(std::move(candidate));
      }
      if (kept.empty()) return;
      Evaluation evaluation;
      if (Status status = self.problem.surrogate->evaluate(candidates, evaluation); !status) {
        out.error = status.error();
        return;
      }
      const MatrixXd& x = evaluation.coordinates;
      VectorXd nearest = VectorXd::Constant(x.rows(), kInfinity);
      VectorXd sum(x.rows());
      for (const MatrixXd* points : {&known, &picks}) {
        for (Index k = 0; k < points->rows(); ++k) {
          sum.setZero();
          for (Index j = 0; j < x.cols(); ++j) {
            sum.array() += (x.col(j).array() - (*points)(k, j)).square();
          }
          nearest = nearest.cwiseMin(sum);
        }
      }
      for (std::size_t i = 0; i < kept.size(); ++i) {
        const auto row = static_cast<Index>(i);
        if (!x.row(row).allFinite() || nearest[row] <= self.far_limit) continue;
        out.rows.push_back({nearest[row], kept[i]});
        for (Index j = 0; j < dimensions; ++j) out.coordinates.push_back(x(row, j));
      }
    });
    self.evaluated += indices.size();
    for (const Opened& out : opened) {
      if (out.error) return *out.error;
      for (const Row& row : out.rows) {
        const std::size_t i = rows.size();
        rows.push_back(row);
        if (best >= i || row.squared > rows[best].squared ||
            (row.squared == rows[best].squared && row.index < rows[best].index)) {
          best = i;
        }
      }
      coordinates.insert(coordinates.end(), out.coordinates.begin(), out.coordinates.end());
    }
    return {};
  };
  for (int n = 0; n < count; ++n) {
    std::size_t best = best_row();
    bool limited = false;
    while (!heap.empty()) {
      if (self.control.should_stop()) {
        return Error{ErrorCode::cancelled, "planning was cancelled", "", "", ""};
      }
      const double found = best < rows.size() ? rows[best].squared : -kInfinity;
      std::vector<Entry> open;
      while (!heap.empty() && open.size() < 64 && heap.front().bound >= found) {
        std::pop_heap(heap.begin(), heap.end(), later);
        Entry entry = heap.back();
        heap.pop_back();
        if ((n > 0 || also.rows() > 0) && std::isfinite(entry.bound) &&
            entry.round != static_cast<std::uint32_t>(n + 1)) {
          // Against what was picked since; round n + 1 means: knows of the first n picks.
          const Group& group = self.group_of(entry.node);
          self.elements_of(group, entry.node, worker.elements);
          self.bound_primaries(group, worker);
          self.bound_terms(group, worker);
          self.bound_box(group, &self.contexts[group.part][entry.context], worker);
          double bound = entry.bound;
          if (also.rows() > 0) {
            bound = std::min(bound, self.farthest_corner(also, worker, 0.0, true));
          }
          if (picks.rows() > 0) {
            bound = std::min(bound, self.farthest_corner(picks, worker, 0.0, true));
          }
          entry.bound = bound;
          entry.round = static_cast<std::uint32_t>(n + 1);
          if (bound <= self.far_limit) continue;  // as if it had never been kept
          heap.push_back(entry);
          std::push_heap(heap.begin(), heap.end(), later);
          continue;
        }
        open.push_back(entry);
      }
      if (open.empty()) break;
      if (self.evaluated - start > self.options.most_evaluated) {
        limited = true;
        break;
      }
      std::vector<std::uint64_t> indices;
      for (const Entry& entry : open) self.candidates_of(entry, indices);
      if (Status status = look_at(indices, best); !status) return status.error();
    }
    const bool proven = !limited && self.explore.dropped <= self.far_limit && best < rows.size() &&
                        rows[best].squared > self.far_limit;
    if (!proven && best < rows.size()) {
      // Not proven: at least no neighbour is farther.
      std::unordered_set<std::uint64_t> present;
      for (const Row& row : rows) present.insert(row.index);
      for (int step = 0; step < 40; ++step) {
        const std::uint64_t at = rows[best].index;
        std::vector<std::uint64_t> next;
        self.neighbours_of(at, next);
        std::sort(next.begin(), next.end());
        next.erase(std::unique(next.begin(), next.end()), next.end());
        std::erase_if(next, [&](std::uint64_t index) { return !present.insert(index).second; });
        if (next.empty()) break;
        if (Status status = look_at(next, best); !status) return status.error();
        if (rows[best].index == at) break;
      }
    }
    if (limited) self.exact = false;
    if (best >= rows.size()) break;
    const Row pick = rows[best];
    if (!(pick.squared > std::max(self.far_limit, self.explore.dropped))) self.exact = false;
    result.push_back({pick.index, std::sqrt(pick.squared)});
    picks.conservativeResize(picks.rows() + 1, dimensions);
    for (Index j = 0; j < dimensions; ++j) {
      picks(picks.rows() - 1, j) =
          coordinates[best * static_cast<std::size_t>(dimensions) + static_cast<std::size_t>(j)];
    }
    // Rows near the pick are done for.
    std::size_t kept = 0;
    const auto width = static_cast<std::size_t>(dimensions);
    for (std::size_t i = 0; i < rows.size(); ++i) {
      double sum = 0.0;
      for (std::size_t j = 0; j < width; ++j) {
        const double d =
            coordinates[i * width + j] - picks(picks.rows() - 1, static_cast<Index>(j));
        sum += d * d;
      }
      Row row = rows[i];
      row.squared = std::min(row.squared, sum);
      if (i == best || row.squared <= self.far_limit) continue;
      rows[kept] = row;
      std::copy_n(coordinates.begin() + static_cast<std::ptrdiff_t>(i * width), width,
                  coordinates.begin() + static_cast<std::ptrdiff_t>(kept * width));
      ++kept;
    }
    rows.resize(kept);
    coordinates.resize(kept * width);
  }
  if (static_cast<int>(result.size()) < count) self.exact = false;
  return result;
}

std::uint64_t BoundedSearch::nodes() const {
  return impl_->node_count;
}
std::uint64_t BoundedSearch::evaluated() const {
  return impl_->evaluated;
}
bool BoundedSearch::exact() const {
  return impl_->exact;
}

}  // namespace kasetsu::planning
