// Help that begins with examples, and "did you mean" for commands and flags.
#pragma once

#include <CLI/App.hpp>
#include <string>
#include <vector>

namespace kasetsu::cli {

// Groups of commands that the overview shows in one line each.
inline constexpr const char* kMoreGroup = "More on files";
inline constexpr const char* kOperationGroup = "Operation";

// Gives the whole program its form of help.
void set_help(CLI::App& app);

// The sentence for arguments (without the program) that the parser refused; `fallback` when it has
// nothing better.
std::string explain_usage(const CLI::App& app, const std::vector<std::string>& words,
                          const std::string& fallback);

}  // namespace kasetsu::cli
