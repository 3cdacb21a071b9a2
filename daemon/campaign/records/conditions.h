// Conditions of runs and proposals as they are kept: a JSON object of numbers, names sorted.
#pragma once

#include <map>
#include <string>
#include <string_view>

namespace kasetsu::campaign {

// {"temperature_C":800.0}, with each number as plain_condition has it.
std::string conditions_text(const std::map<std::string, double>& conditions);

// The numbers of such a text; other members are left out.
std::map<std::string, double> read_conditions(std::string_view text);

// Whether each condition that `asked` names has the same number in `told`.
bool answers_conditions(std::string_view asked, std::string_view told);

}  // namespace kasetsu::campaign
