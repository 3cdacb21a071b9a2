// The hot loops, compiled once for each instruction set, and chosen at run time.
#pragma once

#include "core/base/instruction_set.h"

namespace kasetsu::regression {

// Huber's regression at epsilon > 1 without ridge, in an orthonormal basis. All arrays start at a
// cache line; stride is rows padded to a multiple of 8, padding is zero.
struct HuberTask {
  // given
  int rows = 0, stride = 0, rank = 0;
  const double* q = nullptr;  // rank columns of stride
  const double* y = nullptr;  // centred
  double epsilon = 1.35;
  double resolution = 0.0;

  // the fit on all rows
  double* c = nullptr;      // rank
  double* state = nullptr;  // stride: 0 inside, +-1 outside
  double* r = nullptr;      // stride: residuals
  double sigma = 0.0;

  // leave-one-out
  double* left_out = nullptr;  // stride: residuals of left-out rows
  int* slow = nullptr;         // rows that need the general solver
  int slow_count = 0;

  // scratch
  double* r0 = nullptr;       // stride
  double* records = nullptr;  // stride + 1 rows of 24: whitened coordinates, g, h, r, state; the
                              // last row is zero
  double* h = nullptr;
  double* key = nullptr;
  double* scale = nullptr;
  double* pull = nullptr;
  double* reach = nullptr;
  double* fold_r = nullptr;
  double* fold_state = nullptr;
  double* system = nullptr;  // 600
  int* order = nullptr;
  int* position = nullptr;
  int* queue = nullptr;
  int* sorted_queue = nullptr;
  int* changed = nullptr;  // how many rows change sides with this row left out
  int* changes = nullptr;  // 4 x place in the order + new side, kMostChanges a row
  unsigned char *out = nullptr, *below = nullptr;          // in the order: 0 or 0xff
  unsigned char *now_out = nullptr, *now_below = nullptr;  // a bit a lane
  double multipliers[24 * 24];
  double pivots[24];
  double slope[24];
  double outside = 0.0, squares = 0.0, bend = 0.0, all_squares = 0.0;
};

// Least absolute deviations at a vertex: `rank` basic rows are met exactly.
struct VertexTask {
  // given
  int rows = 0, stride = 0, rank = 0;
  const double* q = nullptr;
  const double* y = nullptr;

  // the vertex
  double* state = nullptr;  // stride: sign of the residual, 0 for basic rows
  double* r = nullptr;      // stride: residuals
  int basic[24];

  // leave-one-out
  double* inverse = nullptr;   // rank columns of rank: of the basic rows
  double* left_out = nullptr;  // stride: residuals of left-out rows
  int* slow = nullptr;         // given: 1 where the general solver is wanted; then the rows for it
  int slow_count = 0;

  // scratch
  double* tableau = nullptr;  // rank columns of stride: rows in terms of the basic rows
  double* by_row = nullptr;   // stride rows of 24: the same
  double* pivots = nullptr;   // kMostPivots columns of stride
  double* ratio = nullptr;    // stride
  double* delta = nullptr;    // stride
  double* fold_r = nullptr;
  double* fold_state = nullptr;
};

constexpr int kRecord = 24;       // doubles of one row's record, a multiple of 8
constexpr int kMostPivots = 16;   // in one fold, of the fast path
constexpr int kLargestRank = 20;  // of the fast path
constexpr int kMostChanges = 10;  // rows that change sides in one fold, of the fast path

struct Kernels {
  // Sum of a[k] b[k], k < stride.
  double (*dot)(const double* a, const double* b, int stride);
  // x -= Q (Q'x) for `count` columns of q; adds Q'x to projection.
  void (*project)(const double* q, int count, double* x, double* projection, int stride);
  // False: not for the fast path (nothing is wrong; the general solver decides).
  // resume: state holds the sides of all rows in the solution, found elsewhere.
  bool (*huber_fit)(HuberTask& task, bool resume);
  // After huber_fit. Frozen partition: approximate residuals in left_out. False: none.
  bool (*huber_one_step)(HuberTask& task);
  // After huber_fit: exact residuals in left_out but for the rows in slow. Stops when the sum of
  // |residuals| reaches `limit`, and returns the sum so far.
  double (*huber_leave_one_out)(HuberTask& task, double limit);
  // An optimal vertex into state, r, basic. False: not found without ties or standing still.
  bool (*vertex_fit)(VertexTask& task);
  // From the optimal vertex in state, r, basic, inverse: like huber_leave_one_out.
  double (*vertex_leave_one_out)(VertexTask& task, double limit);
};

const Kernels& kernels(InstructionSet set);
const Kernels& kernels_baseline();
const Kernels& kernels_avx2();
const Kernels& kernels_avx512();

}  // namespace kasetsu::regression
