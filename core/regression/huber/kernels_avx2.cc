#define KASETSU_KERNELS kernels_avx2
#include "core/regression/huber/kernels_body.h"
