#define KASETSU_KERNELS kernels_avx512
#include "core/regression/kernels_body.h"
