#include "core/base/instruction_set.h"

#include <atomic>

namespace kasetsu {
namespace {

InstructionSet detect() {
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) {
    return InstructionSet::baseline;
  }
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl")) {
    return InstructionSet::avx512;
  }
  return InstructionSet::avx2;
#else
  return InstructionSet::baseline;
#endif
}

std::atomic<int> forced{-1};

}  // namespace

std::string_view to_string(InstructionSet set) {
  switch (set) {
    case InstructionSet::baseline:
      return "x86-64-v2";
    case InstructionSet::avx2:
      return "AVX2";
    case InstructionSet::avx512:
      return "AVX-512";
  }
  return "unknown";
}

InstructionSet best_instruction_set() {
  static const InstructionSet best = detect();
  return best;
}

InstructionSet instruction_set() {
  const int set = forced.load(std::memory_order_relaxed);
  return set < 0 ? best_instruction_set() : static_cast<InstructionSet>(set);
}

bool force_instruction_set(std::optional<InstructionSet> set) {
  if (set && static_cast<int>(*set) > static_cast<int>(best_instruction_set())) return false;
  forced.store(set ? static_cast<int>(*set) : -1, std::memory_order_relaxed);
  return true;
}

}  // namespace kasetsu
