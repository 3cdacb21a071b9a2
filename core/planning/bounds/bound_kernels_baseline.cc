#define KASETSU_BOUND_KERNELS bound_kernels_baseline
#include "core/planning/bounds/bound_kernels_body.h"
