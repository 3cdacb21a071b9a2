#define KASETSU_KERNELS kernels_avx2
#include "core/regression/kernels_body.h"
