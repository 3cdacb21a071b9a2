// The population of a campaign: hypotheses outlive retraining and compete with fresh ones for the
// places of the ensemble by one number, the expected error on the next batch. METHOD section 8.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "core/selection/ledger.h"

namespace kasetsu::selection {

// How much larger the errors of hypotheses that had just been found were than leave-one-out had
// promised, over the campaign's whole ledger; 1 without records, and never less: the search chose
// by the promise. Later predictions do not count: by then the promise rests on rows that the search
// did not choose by, and a long life would make fresh hypotheses look better than they are.
double optimism_of(std::span<const LedgerRecord> records);

// Leave-one-out promised `mae_cv` on so many rows. The promise is worth what it says on rows that
// were measured since the hypothesis was found (as many as its record has), and this times the
// optimism on those that the search chose by. It counts as half as many measurements as there are
// rows; the record counts as what it is: (k0 m0 + n e) / (k0 + n).
double expected_error(double mae_cv, int rows, double optimism, const LedgerRecord* record);

// Relative weight in the ensemble's median: 1 / error^2. Least absolute error is what the
// hypotheses are fitted for; the square gives one that errs twice as much a quarter.
double weight_of_error(double expected);

// One that wants a place.
struct Contender {
  double expected = 0.0;         // error on the next batch
  bool veteran = false;          // stood in an earlier model
  std::vector<std::string> key;  // texts of its descriptors, sorted
  // Not where it has more descriptors than are sought now: its leave-one-out error is the kinder
  // for it. It stays dormant.
  bool may_stand = true;
};

// How many of the places may go to fresh hypotheses where the model before learnt `before` of `now`
// rows: places / 2 ln(now / before), so that hypotheses are replaced half as fast as rows come in
// (what fresh ones promise on a row counts half, see expected_error), and as many however the rows
// are divided among retrainings. All of them without a model before.
std::size_t places_for_fresh(std::size_t places, int before, int now);

// Which of them get the `places`, by expected error; of equal ones veterans, then the earlier ones.
// Any two share at most `shared` descriptors. Fresh ones take at most `fresh` of the places, and
// more only where there are not enough veterans.
std::vector<std::size_t> fill_places(std::span<const Contender> contenders, std::size_t places,
                                     std::size_t fresh, int shared);

}  // namespace kasetsu::selection
