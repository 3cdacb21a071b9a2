// The candidate space of a campaign: every catalyst that may be proposed, addressed by its index
// and never materialised.
//
// A part of a space is (active elements with amounts) x (supports) x (preparations); the space is
// the union of its parts, without repeats, x (grids of conditions). Every kind of part but the list
// is the same combinatorial object: a subset of j elements and, for that j, one of P_j patterns of
// amounts. A subset is addressed by its rank in the combinatorial number system (Knuth, TAOCP 4A,
// 7.2.1.3, Theorem L), a pattern by its place in its own order, so that rank and unrank cost O(j).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "core/base/result.h"
#include "core/chemistry/catalyst.h"

namespace kasetsu::planning {

// What the planner proposes: a catalyst and, where the campaign varies them, the conditions of its
// run, in the order of SpaceDefinition::conditions.
struct Candidate {
  chemistry::Catalyst catalyst;
  std::vector<double> conditions;
  bool operator==(const Candidate&) const = default;
};

// `slots` places, each filled with one of the elements or, with `none`, left empty; the order of
// the places does not matter. With `repetition` an element may take several places and its amount
// counts them: 3 slots of 27 elements or none with repetition are C(30, 3) = 4,060 compositions.
struct Slots {
  std::vector<int> elements;  // atomic numbers, each once
  int slots = 3;
  bool none = true;
  bool repetition = true;
  double amount = 1.0;  // of one slot
};

// Fractions that are multiples of 1/steps, at least one step each, and sum to `total`.
struct Simplex {
  std::vector<int> elements;
  int steps = 10;  // 10: a grid of 10 at.%
  int min_elements = 1;
  int max_elements = 4;
  double total = 1.0;
};

// min_elements to max_elements elements, each with one of the loadings.
struct LoadingGrid {
  std::vector<int> elements;
  int min_elements = 1;
  int max_elements = 3;
  std::vector<double> loadings;  // positive, distinct
};

// Compositions written out. Supports and preparations are the catalysts' own: those of the part
// must be empty.
struct CatalystList {
  std::vector<chemistry::Catalyst> catalysts;  // equal keys count once
};

using chemistry::Support;  // an empty name: no support

struct SpacePart {
  std::variant<Slots, Simplex, LoadingGrid, CatalystList> actives;
  std::vector<Support> supports;          // empty: no support
  std::vector<std::string> preparations;  // empty: not told
};

struct ConditionLevels {
  std::string name;  // with its unit: "temperature_C"
  std::vector<double> levels;
};

struct SpaceDefinition {
  std::vector<SpacePart> parts;
  std::vector<ConditionLevels> conditions;
};

// canonical_key of the catalyst; with conditions, "@temperature_C=800;ratio=2" after it (nine
// significant digits).
std::string candidate_key(const Candidate& candidate,
                          const std::vector<ConditionLevels>& conditions);

// One part but a list, by subset and pattern; the planner's fast path walks it.
class CompositionFamily {
 public:
  static Result<CompositionFamily> make(const Slots& slots);
  static Result<CompositionFamily> make(const Simplex& simplex);
  static Result<CompositionFamily> make(const LoadingGrid& grid);

  const std::vector<int>& elements() const { return elements_; }
  int smallest() const { return smallest_; }  // number of elements in a composition, from
  int largest() const { return largest_; }    // and to
  // Number of subsets of `count` elements, and of patterns for each of them.
  std::uint64_t subsets(int count) const;
  std::uint64_t patterns(int count) const;
  std::uint64_t size() const { return size_; }
  // Index of the first composition of `count` elements: first(count) + subset * patterns(count) +
  // pattern is the index of a composition.
  std::uint64_t first(int count) const;

  // Between which the amounts, their sum, and each amount's share of the sum lie for `count`
  // elements.
  struct Ranges {
    double amount_low, amount_high;
    double total_low, total_high;
    double share_low, share_high;
  };
  Ranges ranges(int count) const;

  // Positions in elements(), ascending, of the subset of `count` elements with this rank.
  void subset(int count, std::uint64_t rank, int* positions) const;
  // Amounts, in the order of the positions, of pattern `rank` of `count` elements.
  void pattern(int count, std::uint64_t rank, double* amounts) const;

  chemistry::Composition unrank(std::uint64_t index) const;
  // Amounts are equal within one part in a million: a composition that was written down with fewer
  // digits is still the same.
  std::optional<std::uint64_t> rank(const chemistry::Composition& composition) const;

 private:
  enum class Kind { slots_up_to, slots_exactly, ones, simplex, grid };
  Status finish();

  Kind kind_ = Kind::grid;
  std::vector<int> elements_;
  int smallest_ = 0;
  int largest_ = 0;
  int steps_ = 1;      // slots, or steps of the simplex
  double unit_ = 1.0;  // amount of one step
  std::vector<double> loadings_;
  std::vector<int> position_of_;      // by atomic number, -1 where absent
  std::vector<std::uint64_t> first_;  // by count - smallest_, and the size at the end
  std::uint64_t size_ = 0;
};

class CandidateSpace {
 public:
  // invalid_argument: an empty or repeated list, limits that contradict one another, more than 2^63
  // candidates (the message gives the power of ten), or parts whose overlaps are too large to
  // count (a million candidates of the smaller parts of all pairs that share a support with a
  // preparation).
  static Result<CandidateSpace> make(SpaceDefinition definition);

  const SpaceDefinition& definition() const { return definition_; }
  const std::vector<ConditionLevels>& conditions() const { return definition_.conditions; }
  // Number of distinct candidates.
  std::uint64_t size() const { return size_; }
  // index < size().
  Candidate unrank(std::uint64_t index) const;
  // Nothing for a candidate that the space does not hold.
  std::optional<std::uint64_t> rank(const Candidate& candidate) const;
  std::string key(const Candidate& candidate) const {
    return candidate_key(candidate, definition_.conditions);
  }
  // Atomic numbers that occur anywhere in the active elements, ascending.
  std::vector<int> elements() const;
  std::vector<Support> supports() const;  // by first appearance

  // Index of a part's local candidate number `local` at condition point `condition`; nothing for a
  // repeat of an earlier part. Local numbers of a family: (composition * supports + support) *
  // preparations + preparation.
  std::optional<std::uint64_t> index_of(std::size_t part, std::uint64_t local,
                                        std::uint64_t condition) const;
  struct Place {
    std::size_t part;
    std::uint64_t local, condition;
  };
  Place place_of(std::uint64_t index) const;
  // No candidate of a part from local number `local` on has a smaller index.
  std::uint64_t least_index(std::size_t part, std::uint64_t local) const;
  // Values of condition point 0 ... condition_points() - 1.
  std::vector<double> condition_values(std::uint64_t condition) const;

  // The planner's search by bounds asks for these.
  struct Part {
    std::optional<CompositionFamily> family;     // or
    std::vector<chemistry::Catalyst> catalysts;  // by key, of a list
    std::vector<std::string> keys;               // of catalysts
    std::vector<Support> supports;          // never empty: one nameless support stands for none
    std::vector<std::string> preparations;  // never empty
    std::uint64_t size = 0;                 // with repeats of earlier parts, without conditions
    std::vector<std::uint64_t> repeats;     // local indices that earlier parts hold, ascending
  };
  const std::vector<Part>& parts() const { return parts_; }
  std::uint64_t condition_points() const { return condition_points_; }

 private:
  SpaceDefinition definition_;
  std::vector<Part> parts_;
  std::vector<std::uint64_t> first_;  // of each part, without repeats; the total at the end
  std::uint64_t condition_points_ = 1;
  std::uint64_t size_ = 0;
};

}  // namespace kasetsu::planning
