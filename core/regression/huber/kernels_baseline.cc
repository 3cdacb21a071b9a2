#define KASETSU_KERNELS kernels_baseline
#include "core/regression/huber/kernels_body.h"
