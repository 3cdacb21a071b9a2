#define KASETSU_KERNELS kernels_avx512
#include "core/regression/huber/kernels_body.h"
