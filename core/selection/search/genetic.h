// The genetic search of the AFE paper (METHOD section 4), in parts that can be tested.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "core/base/random.h"
#include "core/selection/search/archive.h"
#include "core/selection/search/candidates.h"

namespace kasetsu::selection {

// The best sets that share at most `shared` members with any better one taken, at most `most`.
// scored: by error, ties by members.
std::vector<Entry> choose_elites(std::span<const Entry> scored, std::size_t most, int shared);

// Weights of the parents, exp(3 (f - f_min)/(f_max - f_min)) with f = -mae_cv; a set whose error is
// not finite has weight 0.
std::vector<double> parent_weights(std::span<const Entry> scored);

// How promising each candidate is, from 0 to 2, 1 at first: raised by 2 % of its distance to 2 when
// a set that holds it passes, lowered by 2 % when one fails the cut.
void update_importance(std::span<const Entry> scored, double cut, std::vector<double>& importance);

// Keeps what both have and draws the rest from what one of them has; an admissible set of the same
// size, or the first parent where no other was found.
Subset cross(const Candidates& candidates, const Subset& a, const Subset& b, Random& random);

// Replaces one member by a candidate drawn by importance; the set itself where none was found.
Subset mutate(const Candidates& candidates, const Subset& set, std::span<const double> importance,
              Random& random);

struct NextGeneration {
  std::vector<Entry> elites;    // scored already
  std::vector<Subset> crossed;  // new, all different
  std::vector<Subset> mutated;  // new; also stand in for elites that are too alike
};

// scored: the whole population, by error, ties by members.
NextGeneration breed(const Candidates& candidates, std::span<const Entry> scored,
                     std::span<const double> importance, Random& random);

}  // namespace kasetsu::selection
