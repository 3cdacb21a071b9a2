// Which vector instructions the hot kernels use: chosen once at run time, so that one binary runs
// on any x86-64-v2 machine and is fast on newer ones.
#pragma once

#include <optional>
#include <string_view>

namespace kasetsu {

enum class InstructionSet { baseline, avx2, avx512 };

std::string_view to_string(InstructionSet set);

// The best that this processor has: avx512 needs F, BW, DQ and VL; avx2 needs FMA too.
InstructionSet best_instruction_set();

// What the kernels use now: the best, or what was forced.
InstructionSet instruction_set();

// For tests and benchmarks: false, and nothing changes, when the processor lacks it. An empty value
// goes back to the best. Not to be called while a search runs.
bool force_instruction_set(std::optional<InstructionSet> set);

}  // namespace kasetsu
