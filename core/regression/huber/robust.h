// Robust linear regression with exact leave-one-out. METHOD section 3; algebra in docs/method.md.
#pragma once

#include <Eigen/Core>
#include <memory>
#include <stop_token>
#include <string>

#include "core/base/result.h"

namespace kasetsu::regression {

// epsilon = 1: least absolute deviations (the joint minimum over beta and sigma of the Huber
// objective runs to sigma = 0 there). epsilon > 1: Huber with concomitant scale, scikit-learn's
// objective
//   sum_i [ sigma + H_eps((y_i - b - x_i.w)/sigma) sigma ] + alpha |w|^2  over w, b, sigma > 0,
// on columns standardised (mean 0, standard deviation 1, divisor N) over all rows given; the scaler
// is fixed, it is not learnt again for a left-out row.
//
// Where the minimum is not unique (ties), the minimiser taken is the one whose fitted values are
// nearest, in least squares, to those of ordinary least squares on the same rows: one point,
// whatever the order of rows and columns.
struct RobustOptions {
  double epsilon = 1.35;    // scikit-learn's default; 95 % efficient on Gaussian noise
  double alpha = 0.0;       // ridge; must be 0 at epsilon 1
  Status validate() const;  // 1 <= epsilon <= 3, 0 <= alpha < 1e6, both finite
};

// y ~ intercept + X coefficients, on the columns as given (not standardised).
struct LinearFit {
  Eigen::VectorXd
      coefficients;  // columns of X; 0 for a column that is constant or depends on earlier ones
  double intercept = 0.0;
  double scale = 0.0;      // sigma; 0 at epsilon 1, and where the joint minimum runs to sigma = 0:
                           // then the fit is least absolute deviations (with ridge to 1e-8)
  double mae = 0.0;        // mean |residual| on the rows given
  double objective = 0.0;  // value of the objective at the minimum
};

struct LeaveOneOut {
  LinearFit fit;  // on all rows
  Eigen::VectorXd
      residuals;        // y_i - prediction of row i by the regression fitted to all other rows
  double mae_cv = 0.0;  // mean |residuals|
};

// X: rows x columns, finite; y: rows, finite; rows >= 2. Any number of columns: a column that
// depends on earlier ones (what is left after projection is below 1e-10 of its own norm) gets
// coefficient 0; with rows <= rank the fit interpolates. Errors: invalid_argument for shapes,
// non-finite input or options.
Result<LinearFit> fit_robust(const Eigen::Ref<const Eigen::MatrixXd>& X,
                             const Eigen::Ref<const Eigen::VectorXd>& y,
                             const RobustOptions& options);

// Exact: the same numbers as refitting with each row left out, without N refits.
Result<LeaveOneOut> loo_robust(const Eigen::Ref<const Eigen::MatrixXd>& X,
                               const Eigen::Ref<const Eigen::VectorXd>& y,
                               const RobustOptions& options);

// Ordinary least squares (ridge by alpha on standardised columns), leave-one-out in closed form.
Result<LeaveOneOut> loo_least_squares(const Eigen::Ref<const Eigen::MatrixXd>& X,
                                      const Eigen::Ref<const Eigen::VectorXd>& y,
                                      double alpha = 0.0);

class Engine;

// The engine under loo_robust for the search: same numbers, no allocation after the first call, one
// a thread. Columns are given by pointers into a column-major f64 matrix whose columns are already
// standardised.
class LooEngine {
 public:
  LooEngine(const Eigen::Ref<const Eigen::VectorXd>& y, int largest_size,
            const RobustOptions& options);
  ~LooEngine();
  LooEngine(LooEngine&&) noexcept;
  LooEngine& operator=(LooEngine&&) noexcept;

  // columns[0 ... size-1]: each rows() doubles, standardised. Returns the exact mae_cv; abandons
  // with a value >= give_up as soon as the partial sum of |residuals| shows that mae_cv >= give_up.
  double mae_cv(const double* const* columns, int size, double give_up = 1e300);

  // Approximate, for filtering only: one fit, then every row left out with all other rows kept on
  // their side of the Huber boundary (infinity where that has no solution). At epsilon 1 and with
  // ridge: ordinary least squares' leave-one-out, which ranks nearly the same.
  double one_step_mae(const double* const* columns, int size);

  // From now on a leave-one-out that is under way when `stop` asks ends at its next fold that is
  // not in closed form, with infinity: with few of those it takes microseconds.
  void stop_when(std::stop_token stop);

  // What happened since construction. unconfirmed is 0, or there is a bug.
  struct Counts {
    long subsets = 0;
    long safeguarded = 0;  // fits or folds that the closed form did not settle
    long unconfirmed = 0;  // minima whose optimality could not be confirmed
  };
  Counts counts() const;

 private:
  std::unique_ptr<Engine> engine_;
  int largest_;
};

}  // namespace kasetsu::regression
