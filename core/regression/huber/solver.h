// The minimum of the robust objective over the rows that are in, to rounding, whatever the data.
#pragma once

#include <vector>

#include "core/regression/huber/basis.h"
#include "core/regression/huber/face.h"

namespace kasetsu::regression {

// One regression problem in the coordinates of an orthonormal basis.
struct Problem {
  const Basis* basis = nullptr;
  const double* y = nullptr;  // padded to basis->stride() with zeros, centred
  int rows = 0;
  int left_out = -1;
  double resolution = 0.0;  // |y| differences below this are rounding
  double epsilon = 1.35;
  double alpha = 0.0;
  const double* penalty = nullptr;  // Basis::penalty when alpha > 0
};

// What a neighbouring problem starts from: every row's side, and at epsilon 1 the basic rows.
struct Start {
  std::vector<double> state;    // 0 inside, +1 or -1 outside, by the sign of the residual
  bool vertex = false;          // basic, inverse and c describe a vertex
  bool fresh = true;            // inverse and c are there too, not only basic and state
  std::vector<int> basic;       // rows that are fitted exactly
  std::vector<double> inverse;  // of the basic rows, column j contiguous
  std::vector<double> c;        // coordinates: the vertex, or the Huber fit
  double sigma = 0.0;
};

class Solver {
 public:
  void reserve(int rows, int rank, const Kernels& kernels);

  // Without a start: from least squares. The result is in c(), sigma().
  void solve(const Problem& problem, const Start* start);

  const double* c() const { return c_.data(); }
  double sigma() const { return sigma_; }
  double prediction(int row) const;
  void keep(Start& start) const;

  // How often the closed-form iteration gave up and the safeguarded search was needed.
  long safeguarded() const { return safeguarded_; }
  // Solutions whose optimality could not be confirmed: 0, or a bug.
  long unconfirmed() const { return unconfirmed_; }

 private:
  bool in(int row) const { return row != p_.left_out; }
  void least_squares();
  void residuals();
  bool exact_fit() const;
  bool to_nearest(int flats);

  void huber(const Start* start);
  bool iterate();
  bool closed_form();
  bool closed_form_ridge();
  bool consistent();
  void classify();
  bool canonical();
  bool descend();
  void damped_step();
  double slope_along(double t, double dsigma, double pull, double bend) const;
  void safeguarded_search();
  void minimise_at(double sigma);
  double excess(double sigma) const;

  void least_absolute(const Start* start);
  bool scale_is_zero() const;
  void begin_vertex(const Start* start);
  void refresh_vertex();
  bool improve_vertex();
  bool pivot(int position, bool forced);
  void gradient();
  void canonical_vertex();

  double dot(const double* a, const double* b, int stride) const {
    return kernels_->dot(a, b, stride);
  }

  const Kernels* kernels_ = nullptr;
  Problem p_;
  int d_ = 0, n_ = 0, present_ = 0;
  double scale_ = 0.0;
  double sigma_ = 0.0;
  std::vector<double> c_, vertex_, from_, ls_, r_, state_;
  std::vector<double> next_state_;
  // closed form
  Aligned work_, y_;
  std::vector<double> triangle_, side_, target_, flat_, step_, hessian_, slope_;
  std::vector<int> independent_, dependent_;
  int inner_rank_ = 0;
  // vertex
  std::vector<double> inverse_, gradient_, lambda_, delta_;
  std::vector<int> basic_, passed_;
  bool perturbed_ = false, vertex_found_ = false;
  NearestOnFace face_;
  std::vector<double> face_g_, face_hessian_, face_row_, face_u_;
  std::vector<const double*> directions_;  // along which the objective is flat
  long safeguarded_ = 0, unconfirmed_ = 0;
};

}  // namespace kasetsu::regression
