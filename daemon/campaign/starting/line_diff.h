// What differs between two texts.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace kasetsu::campaign {

// Without their line ends; a last empty one is none.
std::vector<std::string_view> lines_of(std::string_view text);

// What changed, line by line ("- old", "+ new"), with two lines around; empty: nothing.
std::string line_diff(std::string_view before, std::string_view after);

}  // namespace kasetsu::campaign
