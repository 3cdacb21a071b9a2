#include "core/regression/huber/face.h"

#include <algorithm>
#include <cmath>
#include <limits>

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
  const auto m = static_cast<std::size_t>(dimensions);
  const auto n = static_cast<std::size_t>(constraints);
  a_.resize(m * n);
  b_.resize(n);
  factor_.resize(m * m);
  small_.resize(m * m);
  for (auto* v : {&v_, &z_, &multipliers_, &r_}) v->resize(m + 1);
  active_.resize(m + 1);
}

void NearestOnFace::start(int dimensions) {
  m_ = dimensions;
  count_ = 0;
}

void NearestOnFace::add(const double* a, double b) {
  std::copy(a, a + m_, a_.data() + static_cast<long>(count_) * m_);
  b_[static_cast<std::size_t>(count_++)] = b;
}

bool NearestOnFace::solve(const double* G, const double* g, double tolerance, double* u) {
  const int m = m_;
  double* l = factor_.data();
  std::copy(G, G + m * m, l);
  if (!cholesky(l, m, 0.0)) return false;
  // In v = L'u the Hessian is the identity.
  double* v = v_.data();
  for (int i = 0; i < m; ++i) v[i] = -g[i];
  forward(l, m, v);
  for (int k = 0; k < count_; ++k) forward(l, m, a_.data() + static_cast<long>(k) * m);

  int active = 0;
  const int most = 50 * (count_ + m + 1);
  for (int round = 0; round < most; ++round) {
    int worst = -1;
    double gap = -tolerance;
    for (int k = 0; k < count_; ++k) {
      const double* a = a_.data() + static_cast<long>(k) * m;
      double value = -b_[static_cast<std::size_t>(k)];
      for (int i = 0; i < m; ++i) value += a[i] * v[i];
      if (value < gap &&
          std::find(active_.begin(), active_.begin() + active, k) == active_.begin() + active) {
        gap = value;
        worst = k;
      }
    }
    if (worst < 0) {
      std::copy(v, v + m, u);
      backward(l, m, u);
      return true;
    }
    const double* a = a_.data() + static_cast<long>(worst) * m;
    double length = 0.0;
    for (int i = 0; i < m; ++i) length += a[i] * a[i];
    double own = 0.0;
    for (;;) {
      // r = (N'N)^-1 N'a, z = a - N r, over the active constraints N.
      double* z = z_.data();
      double* r = r_.data();
      std::copy(a, a + m, z);
      for (int i = 0; i < active; ++i) {
        const double* ni = a_.data() + static_cast<long>(active_[static_cast<std::size_t>(i)]) * m;
        r[i] = 0.0;
        for (int x = 0; x < m; ++x) r[i] += ni[x] * a[x];
        for (int j = 0; j < active; ++j) {
          const double* nj =
              a_.data() + static_cast<long>(active_[static_cast<std::size_t>(j)]) * m;
          double sum = 0.0;
          for (int x = 0; x < m; ++x) sum += ni[x] * nj[x];
          small_[static_cast<std::size_t>(i * active + j)] = sum;
        }
      }
      bool independent = active < m;
      if (active > 0) {
        if (!cholesky(small_.data(), active, 0.0)) return false;
        forward(small_.data(), active, r);
        backward(small_.data(), active, r);
        for (int i = 0; i < active; ++i) {
          const double* ni =
              a_.data() + static_cast<long>(active_[static_cast<std::size_t>(i)]) * m;
          for (int x = 0; x < m; ++x) z[x] -= r[i] * ni[x];
        }
      }
      double square = 0.0;
      for (int i = 0; i < m; ++i) square += z[i] * z[i];
      independent = independent && square > 1e-20 * length;
      double step = std::numeric_limits<double>::infinity();
      int leaving = -1;
      for (int i = 0; i < active; ++i) {
        if (r[i] > 1e-12 && multipliers_[static_cast<std::size_t>(i)] / r[i] < step) {
          step = multipliers_[static_cast<std::size_t>(i)] / r[i];
          leaving = i;
        }
      }
      const double full = independent ? -gap / square : std::numeric_limits<double>::infinity();
      if (full <= step) {
        step = full;
        leaving = -1;
      }
      if (std::isinf(step)) return false;
      for (int i = 0; i < active; ++i) multipliers_[static_cast<std::size_t>(i)] -= step * r[i];
      own += step;
      if (independent) {
        for (int i = 0; i < m; ++i) v[i] += step * z[i];
        gap += step * square;
      }
      if (leaving < 0) {
        active_[static_cast<std::size_t>(active)] = worst;
        multipliers_[static_cast<std::size_t>(active)] = own;
        ++active;
        break;
      }
      for (int i = leaving; i + 1 < active; ++i) {
        active_[static_cast<std::size_t>(i)] = active_[static_cast<std::size_t>(i + 1)];
        multipliers_[static_cast<std::size_t>(i)] = multipliers_[static_cast<std::size_t>(i + 1)];
      }
      --active;
    }
  }
  return false;
}

}  // namespace kasetsu::regression
