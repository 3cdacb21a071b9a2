#include "core/regression/huber/face.h"

#include <algorithm>
#include <cmath>

#include "core/base/constants.h"

namespace kasetsu::regression {

bool cholesky(double* a, int m, double smallest) {
  for (int j = 0; j < m; ++j) {
    double* row = a + static_cast<long>(j) * m;
    for (int i = 0; i < j; ++i) {
      const double* other = a + static_cast<long>(i) * m;
      double sum = row[i];
      for (int l = 0; l < i; ++l) sum -= row[l] * other[l];
      row[i] = sum / other[i];
    }
    double pivot = row[j];
    for (int l = 0; l < j; ++l) pivot -= row[l] * row[l];
    if (!(pivot > smallest)) return false;
    row[j] = std::sqrt(pivot);
  }
  return true;
}

void forward(const double* l, int m, double* x) {
  for (int i = 0; i < m; ++i) {
    for (int j = 0; j < i; ++j) x[i] -= l[i * m + j] * x[j];
    x[i] /= l[i * m + i];
  }
}

void backward(const double* l, int m, double* x) {
  for (int i = m - 1; i >= 0; --i) {
    for (int j = i + 1; j < m; ++j) x[i] -= l[j * m + i] * x[j];
    x[i] /= l[i * m + i];
  }
}

void NearestOnFace::reserve(int dimensions, int constraints) {
  const int m = dimensions;
  a_.resize_to(m * constraints);
  b_.resize_to(constraints);
  for (auto* v : {&factor_, &small_}) v->resize_to(m * m);
  for (auto* v : {&v_, &z_, &multipliers_, &r_}) v->resize_to(m + 1);
  active_.resize_to(m + 1);
}

void NearestOnFace::start(int dimensions) {
  m_ = dimensions;
  count_ = 0;
}

void NearestOnFace::add(const double* a, double b) {
  std::copy(a, a + m_, a_.data() + static_cast<long>(count_) * m_);
  b_[count_++] = b;
}

// The constraint that v misses by most, and by how much (below -tolerance); -1 where none is
// missed.
int NearestOnFace::most_violated(double tolerance, double& gap) const {
  int worst = -1;
  gap = -tolerance;
  for (int k = 0; k < count_; ++k) {
    const double* a = a_.data() + static_cast<long>(k) * m_;
    double value = -b_[k];
    for (int i = 0; i < m_; ++i) value += a[i] * v_[i];
    const auto end = active_.begin() + active_count_;
    if (value < gap && std::find(active_.begin(), end, k) == end) {
      gap = value;
      worst = k;
    }
  }
  return worst;
}

// r = (N'N)^-1 N'a and z = a - N r over the active constraints N. False where N'N is singular.
bool NearestOnFace::project(const double* a) {
  const int m = m_, active = active_count_;
  const auto normal = [&](int i) { return a_.data() + static_cast<long>(active_[i]) * m; };
  std::copy(a, a + m, z_.begin());
  for (int i = 0; i < active; ++i) {
    const double* ni = normal(i);
    r_[i] = 0.0;
    for (int x = 0; x < m; ++x) r_[i] += ni[x] * a[x];
    for (int j = 0; j < active; ++j) {
      const double* nj = normal(j);
      double sum = 0.0;
      for (int x = 0; x < m; ++x) sum += ni[x] * nj[x];
      small_[i * active + j] = sum;
    }
  }
  if (active == 0) return true;
  if (!cholesky(small_.data(), active, 0.0)) return false;
  forward(small_.data(), active, r_.data());
  backward(small_.data(), active, r_.data());
  for (int i = 0; i < active; ++i) {
    const double* ni = normal(i);
    for (int x = 0; x < m; ++x) z_[x] -= r_[i] * ni[x];
  }
  return true;
}

// Moves v until constraint `worst` holds, dropping active ones whose multipliers fall to 0. False
// where the constraints contradict each other.
bool NearestOnFace::satisfy(int worst, double gap) {
  const double* a = a_.data() + static_cast<long>(worst) * m_;
  double length = 0.0;
  for (int i = 0; i < m_; ++i) length += a[i] * a[i];
  double own = 0.0;
  for (;;) {
    if (!project(a)) return false;
    double square = 0.0;
    for (int i = 0; i < m_; ++i) square += z_[i] * z_[i];
    const bool independent = active_count_ < m_ && square > 1e-20 * length;
    double step = kInfinity;
    int leaving = -1;
    for (int i = 0; i < active_count_; ++i) {
      if (r_[i] > 1e-12 && multipliers_[i] / r_[i] < step) {
        step = multipliers_[i] / r_[i];
        leaving = i;
      }
    }
    const double full = independent ? -gap / square : kInfinity;
    if (full <= step) {
      step = full;
      leaving = -1;
    }
    if (std::isinf(step)) return false;
    for (int i = 0; i < active_count_; ++i) multipliers_[i] -= step * r_[i];
    own += step;
    if (independent) {
      for (int i = 0; i < m_; ++i) v_[i] += step * z_[i];
      gap += step * square;
    }
    if (leaving < 0) {
      active_[active_count_] = worst;
      multipliers_[active_count_] = own;
      ++active_count_;
      return true;
    }
    --active_count_;
    for (int i = leaving; i < active_count_; ++i) {
      active_[i] = active_[i + 1];
      multipliers_[i] = multipliers_[i + 1];
    }
  }
}

bool NearestOnFace::solve(const double* G, const double* g, double tolerance, double* u) {
  const int m = m_;
  double* l = factor_.data();
  std::copy(G, G + m * m, l);
  if (!cholesky(l, m, 0.0)) return false;
  // In v = L'u the Hessian is the identity.
  for (int i = 0; i < m; ++i) v_[i] = -g[i];
  forward(l, m, v_.data());
  for (int k = 0; k < count_; ++k) forward(l, m, a_.data() + static_cast<long>(k) * m);

  active_count_ = 0;
  const int most = 50 * (count_ + m + 1);
  for (int round = 0; round < most; ++round) {
    double gap = 0.0;
    const int worst = most_violated(tolerance, gap);
    if (worst < 0) {
      std::copy(v_.begin(), v_.begin() + m, u);
      backward(l, m, u);
      return true;
    }
    if (!satisfy(worst, gap)) return false;
  }
  return false;
}

}  // namespace kasetsu::regression
