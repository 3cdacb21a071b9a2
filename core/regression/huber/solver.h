// The minimum of the robust objective over the rows that are in, to rounding, whatever the data.
#pragma once

#include "core/regression/huber/face.h"
#include "core/regression/huber/orthonormal_basis.h"

namespace kasetsu::regression {

// One regression problem in the coordinates of an orthonormal basis.
struct Problem {
  const OrthonormalBasis* basis = nullptr;
  const double* y = nullptr;  // padded to basis->stride() with zeros, centred
  int rows = 0;
  int left_out = -1;
  double resolution = 0.0;  // |y| differences below this are rounding
  double epsilon = 1.35;
  double alpha = 0.0;
  const double* penalty = nullptr;  // OrthonormalBasis::penalty when alpha > 0
};

// What a neighbouring problem starts from: every row's side, and at epsilon 1 the basic rows.
struct Start {
  Array<double> state;    // 0 inside, +1 or -1 outside, by the sign of the residual
  bool vertex = false;    // basic, inverse and c describe a vertex
  bool fresh = true;      // inverse and c are there too, not only basic and state
  Array<int> basic;       // rows that are fitted exactly
  Array<double> inverse;  // of the basic rows, column j contiguous
  Array<double> c;        // coordinates: the vertex, or the Huber fit
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
  int orthonormalise_inside();
  double inner_triangle(int row, int position) const {
    return triangle_[independent_[position] * d_ + row];
  }
  bool is_flat(int flat, double largest_slope);
  bool to_nearest_inside(int flats);
  bool closed_form();
  double ridge_system();
  bool closed_form_ridge();
  bool consistent();
  void classify();
  bool canonical();
  bool descend();
  void damped_step();
  double slope_along(double t, double dsigma, double pull, double bend) const;
  void safeguarded_search();
  void newton_system(double sigma);
  double step_length(double sigma);
  void minimise_at(double sigma);
  double excess(double sigma) const;

  void least_absolute(const Start* start);
  bool scale_is_zero() const;
  void begin_vertex(const Start* start);
  void refresh_vertex();
  double renew_multiplier(int j);
  bool improve_vertex();
  int walk_edge(double slope, double length, double& reach);
  void exchange(int position, int entering, double sign, double reach);
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
  Array<double> c_, vertex_, from_, ls_, r_, state_;
  Array<double> next_state_;
  // closed form
  Array<double> work_, y_;
  Array<double> triangle_, side_, target_, flat_, step_, hessian_, slope_;
  Array<int> independent_, dependent_;
  int inner_rank_ = 0;
  // vertex
  Array<double> inverse_, gradient_, lambda_, delta_;
  Array<int> basic_, passed_;
  bool perturbed_ = false, vertex_found_ = false;
  NearestOnFace face_;
  Array<double> face_g_, face_hessian_, face_row_, face_u_;
  Array<const double*> directions_;  // along which the objective is flat
  long safeguarded_ = 0, unconfirmed_ = 0;
};

}  // namespace kasetsu::regression
