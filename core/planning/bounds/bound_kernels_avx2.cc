#define KASETSU_BOUND_KERNELS bound_kernels_avx2
#include "core/planning/bounds/bound_kernels_body.h"
