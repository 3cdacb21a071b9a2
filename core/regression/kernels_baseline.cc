#define KASETSU_KERNELS kernels_baseline
#include "core/regression/kernels_body.h"
