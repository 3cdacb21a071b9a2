// Conditions of runs and proposals as they are kept: a JSON object of numbers, names sorted.
#pragma once

#include <map>
#include <string>
#include <string_view>

namespace kasetsu::campaign {

// The number to nine significant digits, and 0 for -0: 1073.15 K and 800 °C are one condition.
double plain_condition(double value);

// {"temperature_C":800.0}, with each number as plain_condition has it.
std::string conditions_text(const std::map<std::string, double>& conditions);

// The numbers of such a text; other members are left out.
std::map<std::string, double> read_conditions(std::string_view text);

// Whether each condition that `asked` names has the same number in `told`.
bool answers_conditions(std::string_view asked, std::string_view told);

}  // namespace kasetsu::campaign
