#include "core/regression/huber/engine.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace kasetsu::regression {

namespace {

// Where a row's leverage leaves less than this for the others, they may not determine the fit: the
// basis is built again without it.
constexpr double kLeverage = 1e-6;

}  // namespace

Engine::Engine(const double* y, int rows, int size, const RobustOptions& options)
    : rows_(rows), options_(options), kernels_(&kernels(instruction_set())) {
  const int rank = std::min(rows, size + 1);
  double largest = 0.0;
  for (int k = 0; k < rows; ++k) {
    mean_ += y[k] / rows;
    largest = std::max(largest, std::abs(y[k]));
  }
  resolution_ = 1e-13 * largest;
  y_.resize_to(padded(rows));
  for (int k = 0; k < rows; ++k) y_[k] = y[k] - mean_;
  for (OrthonormalBasis* basis : {&basis_, &fold_basis_}) basis->reserve(rows, size, *kernels_);
  for (Solver* solver : {&solver_, &fold_solver_}) solver->reserve(rows, rank, *kernels_);
  for (auto* penalty : {&penalty_, &fold_penalty_}) penalty->resize_to(rank * rank);
  weights_.resize_to(size + 1);
  leverage_.resize_to(rows);
  c_.resize_to(rank);
  solver_.keep(start_);
  if (options.epsilon == 1.0) {
    reserve_vertex(rank);
    solver_.keep(hint_);
  } else if (options.alpha == 0.0) {
    reserve_huber();
  }
}

double* Engine::doubles(int count) {
  return doubles_.emplace_back(count).data();
}
int* Engine::integers(int count) {
  return integers_.emplace_back(count).data();
}
unsigned char* Engine::bytes(int count) {
  return bytes_.emplace_back(count).data();
}

void Engine::reserve_vertex(int rank) {
  const int n = padded(rows_);
  vertex_.state = doubles(n);
  vertex_.r = doubles(n);
  vertex_.left_out = doubles(n);
  vertex_.ratio = doubles(n);
  vertex_.delta = doubles(n);
  vertex_.fold_r = doubles(n);
  vertex_.fold_state = doubles(n);
  vertex_.tableau = doubles(n * rank);
  vertex_.by_row = doubles(n * kRecord);
  vertex_.pivots = doubles(n * kMostPivots);
  vertex_.inverse = doubles(rank * rank);
  vertex_.slow = integers(n);
}

void Engine::reserve_huber() {
  const int n = padded(rows_);
  for (double** array :
       {&task_.state, &task_.r, &task_.left_out, &task_.r0, &task_.h, &task_.key, &task_.scale,
        &task_.pull, &task_.reach, &task_.fold_r, &task_.fold_state}) {
    *array = doubles(n);
  }
  task_.records = doubles((n + 1) * kRecord);
  task_.c = doubles(32);
  task_.system = doubles(600);
  for (int** array : {&task_.slow, &task_.order, &task_.position, &task_.queue, &task_.sorted_queue,
                      &task_.changed}) {
    *array = integers(n);
  }
  task_.changes = integers(n * kMostChanges);
  for (unsigned char** array : {&task_.out, &task_.below, &task_.now_out, &task_.now_below}) {
    *array = bytes(n + 8);
  }
}

void Engine::problem(const OrthonormalBasis& basis, int left_out, Problem& out) {
  out.basis = &basis;
  out.y = y_.data();
  out.rows = rows_;
  out.left_out = left_out;
  out.resolution = resolution_;
  out.epsilon = options_.epsilon;
  out.alpha = options_.alpha;
}

void Engine::fit(const double* const* columns, int size) {
  ++subsets_;
  columns_ = columns;
  size_ = size;
  basis_.build(columns, size, rows_, -1);
  fast_ = false;
  if (options_.epsilon > 1.0 && options_.alpha == 0.0) {
    task_.rows = rows_;
    task_.stride = basis_.stride();
    task_.rank = basis_.rank();
    task_.q = basis_.column(0);
    task_.y = y_.data();
    task_.epsilon = options_.epsilon;
    task_.resolution = resolution_;
    fast_ = kernels_->huber_fit(task_, false);
    if (fast_) return;
  }
  const Start* start = nullptr;
  if (options_.epsilon == 1.0) {
    vertex_.rows = rows_;
    vertex_.stride = basis_.stride();
    vertex_.rank = basis_.rank();
    vertex_.q = basis_.column(0);
    vertex_.y = y_.data();
    if (kernels_->vertex_fit(vertex_)) {
      // The general solver starts there, confirms it, and settles ties.
      hint_.vertex = true;
      hint_.fresh = false;
      hint_.sigma = 0.0;
      std::copy(vertex_.basic, vertex_.basic + vertex_.rank, hint_.basic.begin());
      std::copy(vertex_.state, vertex_.state + vertex_.stride, hint_.state.begin());
      start = &hint_;
    }
  }
  Problem all;
  problem(basis_, -1, all);
  if (options_.alpha > 0.0) {
    basis_.penalty(penalty_.data());
    all.penalty = penalty_.data();
  }
  solver_.solve(all, start);
  if (options_.epsilon > 1.0 && options_.alpha == 0.0 && solver_.sigma() > 0.0) {
    // The folds can be fast all the same.
    solver_.keep(start_);
    std::copy(start_.state.begin(), start_.state.end(), task_.state);
    fast_ = kernels_->huber_fit(task_, true);
  }
}

void Engine::weights(double* weights) const {
  basis_.weights(fast_ ? task_.c : solver_.c(), weights);
  weights[0] += mean_;
}

// The fit without `row` in fold_basis_, by the kernel; null where it is for the general solver. A
// row of zeros counts for nothing but in the number of rows. What the folds that are still to come
// need of the task is in start_ by now: its scratch is free, but for left_out and slow.
const double* Engine::fast_fold(int row) {
  HuberTask rest = task_;
  rest.rows = rows_ - 1;
  rest.stride = fold_basis_.stride();
  rest.rank = fold_basis_.rank();
  rest.q = fold_basis_.column(0);
  rest.epsilon = options_.epsilon;
  rest.resolution = resolution_;
  std::copy(y_.begin(), y_.end(), task_.pull);
  task_.pull[row] = 0.0;
  rest.y = task_.pull;
  rest.c = task_.h;
  rest.state = task_.fold_state;
  rest.r = task_.scale;
  return kernels_->huber_fit(rest, false) ? rest.c : nullptr;
}

double Engine::fold(int row) {
  Problem rest;
  if (1.0 - leverage_[row] > kLeverage) {
    problem(basis_, row, rest);
    rest.penalty = options_.alpha > 0.0 ? penalty_.data() : nullptr;
    fold_solver_.solve(rest, &start_);
    return y_[row] - fold_solver_.prediction(row);
  }
  fold_basis_.build(columns_, size_, rows_, row);
  const double* c = nullptr;
  if (options_.epsilon > 1.0 && options_.alpha == 0.0) c = fast_fold(row);
  if (c == nullptr) {
    problem(fold_basis_, row, rest);
    if (options_.alpha > 0.0) {
      fold_basis_.penalty(fold_penalty_.data());
      rest.penalty = fold_penalty_.data();
    }
    fold_solver_.solve(rest, nullptr);
    c = fold_solver_.c();
  }
  fold_basis_.weights(c, weights_.data());
  double predicted = weights_[0];
  for (int j = 0; j < size_; ++j) {
    predicted += weights_[j + 1] * columns_[j][row];
  }
  return y_[row] - predicted;
}

// What the general solver needs for folds: where to start from, and the rows' leverages.
void Engine::prepare_folds() {
  if (fast_) {
    std::copy(task_.state, task_.state + basis_.stride(), start_.state.begin());
    start_.sigma = task_.sigma;
    start_.vertex = false;  // of an earlier subset, perhaps
    std::copy(task_.c, task_.c + basis_.rank(), start_.c.begin());
  } else {
    solver_.keep(start_);
  }
  std::fill(leverage_.begin(), leverage_.end(), 0.0);
  for (int j = 0; j < basis_.rank(); ++j) {
    const double* q = basis_.column(j);
    for (int k = 0; k < rows_; ++k) leverage_[k] += q[k] * q[k];
  }
}

double Engine::slow_folds(const int* rows, int count, double* left_out, double sum, double limit) {
  for (int i = 0; i < count && sum < limit; ++i) {
    if (stop_.stop_requested()) return std::numeric_limits<double>::infinity();
    left_out[rows[i]] = fold(rows[i]);
    sum += std::abs(left_out[rows[i]]);
  }
  return sum;
}

double Engine::leave_one_out(double give_up, double* residuals) {
  const double limit = residuals == nullptr ? give_up * rows_ : 1e300;
  if (fast_) {
    double sum = kernels_->huber_leave_one_out(task_, limit);
    if (sum >= limit) return sum / rows_;
    if (task_.slow_count > 0) {
      prepare_folds();
      sum = slow_folds(task_.slow, task_.slow_count, task_.left_out, sum, limit);
      if (sum >= limit) return sum / rows_;
    }
    // In the order of the rows, whichever path each fold took.
    sum = 0.0;
    for (int k = 0; k < rows_; ++k) sum += std::abs(task_.left_out[k]);
    if (residuals != nullptr) std::copy(task_.left_out, task_.left_out + rows_, residuals);
    return sum / rows_;
  }
  prepare_folds();
  if (options_.epsilon == 1.0 && start_.vertex && basis_.rank() <= kLargestRank) {
    const int d = basis_.rank();
    std::copy(start_.state.begin(), start_.state.end(), vertex_.state);
    std::copy(start_.basic.begin(), start_.basic.begin() + d, vertex_.basic);
    std::copy(start_.inverse.begin(), start_.inverse.begin() + d * d, vertex_.inverse);
    std::copy(y_.begin(), y_.end(), vertex_.r);
    for (int j = 0; j < d; ++j) {
      const double* q = basis_.column(j);
      const double c = start_.c[j];
      for (int k = 0; k < basis_.stride(); ++k) vertex_.r[k] -= c * q[k];
    }
    for (int j = 0; j < d; ++j) vertex_.r[vertex_.basic[j]] = 0.0;
    for (int k = 0; k < rows_; ++k) {
      vertex_.slow[k] = 1.0 - leverage_[k] > kLeverage ? 0 : 1;
    }
    double sum = kernels_->vertex_leave_one_out(vertex_, limit);
    if (sum >= limit) return sum / rows_;
    sum = slow_folds(vertex_.slow, vertex_.slow_count, vertex_.left_out, sum, limit);
    if (sum >= limit) return sum / rows_;
    sum = 0.0;
    for (int k = 0; k < rows_; ++k) sum += std::abs(vertex_.left_out[k]);
    if (residuals != nullptr) std::copy(vertex_.left_out, vertex_.left_out + rows_, residuals);
    return sum / rows_;
  }
  double sum = 0.0;
  for (int k = 0; k < rows_; ++k) {
    if (stop_.stop_requested()) return std::numeric_limits<double>::infinity();
    const double e = fold(k);
    if (residuals != nullptr) residuals[k] = e;
    sum += std::abs(e);
    if (sum >= limit) return sum / rows_;
  }
  return sum / rows_;
}

double Engine::one_step() {
  if (fast_ && kernels_->huber_one_step(task_)) {
    double sum = 0.0;
    for (int k = 0; k < rows_; ++k) sum += std::abs(task_.left_out[k]);
    return sum / rows_;
  }
  // Ordinary least squares on the same columns.
  const double infinity = std::numeric_limits<double>::infinity();
  const int d = basis_.rank(), stride = basis_.stride();
  for (int j = 0; j < d; ++j) {
    c_[j] = kernels_->dot(basis_.column(j), y_.data(), stride);
  }
  double sum = 0.0;
  for (int k = 0; k < rows_; ++k) {
    double r = y_[k], leverage = 0.0;
    for (int j = 0; j < d; ++j) {
      const double q = basis_.at(k, j);
      r -= q * c_[j];
      leverage += q * q;
    }
    if (!(1.0 - leverage > kLeverage)) return infinity;
    sum += std::abs(r) / (1.0 - leverage);
  }
  return sum / rows_;
}

LooEngine::Counts Engine::counts() const {
  LooEngine::Counts counts;
  counts.subsets = subsets_;
  counts.safeguarded = solver_.safeguarded() + fold_solver_.safeguarded();
  counts.unconfirmed = solver_.unconfirmed() + fold_solver_.unconfirmed();
  return counts;
}

}  // namespace kasetsu::regression
