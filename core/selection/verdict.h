// Whether a model predicts better than knowing nothing, in one word and one sentence.
#pragma once

#include <Eigen/Core>
#include <limits>
#include <optional>
#include <span>
#include <string>

#include "core/base/names.h"
#include "core/selection/model.h"

namespace kasetsu::selection {

enum class VerdictWord {
  predicts,               // clearly better than the median
  weak,                   // better than the median, but by less than kClearGain
  no_better_than_median,  // the difference may be chance
  too_few                 // too few catalysts to tell
};
inline constexpr auto kVerdictNames =
    name_table<VerdictWord>({{VerdictWord::predicts, "predicts"},
                             {VerdictWord::weak, "weak"},
                             {VerdictWord::no_better_than_median, "no_better_than_median"},
                             {VerdictWord::too_few, "too_few"}});

// A model that errs less than this share less than the median is called weak.
inline constexpr double kClearGain = 0.1;
// With fewer catalysts no verdict is drawn: each of five folds then holds two or more of them.
inline constexpr int kFewestToJudge = 12;
// Chance may call a model better than the median so often.
inline constexpr double kVerdictLevel = 0.05;

struct Verdict {
  VerdictWord word = VerdictWord::too_few;
  int catalysts = 0;  // judged
  // Mean |error| on catalysts that were not seen, each of which counts once, whatever the number of
  // its rows: of the model, and of the median of all other catalysts.
  double mae = std::numeric_limits<double>::quiet_NaN();
  double mae_median = std::numeric_limits<double>::quiet_NaN();
  // Of so large a gain by chance: sign-flip permutation test, one-sided, of the differences between
  // the two absolute errors, a mean for each catalyst (Good, "Permutation, Parametric and Bootstrap
  // Tests of Hypotheses", 3rd edition, 2005, section 3.3).
  double p = std::numeric_limits<double>::quiet_NaN();

  // One sentence with what to do. unit: "%"; may be empty.
  std::string sentence(const std::string& unit = "") const;
};

// By row: the catalyst's canonical key, what was measured, and what was predicted by a model that
// had not seen the catalyst.
Verdict verdict_of(std::span<const std::string> catalysts, const Eigen::VectorXd& y,
                   const Eigen::VectorXd& predictions);

// Of the predictions that the model's calibration made. None where there was no calibration though
// there are catalysts enough.
std::optional<Verdict> verdict_of(const Model& model);

}  // namespace kasetsu::selection
