// Help that begins with examples, and "did you mean" for commands and flags.
#pragma once

#include <CLI/App.hpp>
#include <string>
#include <vector>

namespace kasetsu::cli {

// Gives the whole program its form of help.
void set_help(CLI::App& app);

// The sentence for arguments (without the program) that the parser refused; `fallback` when it has
// nothing better.
std::string explain_usage(const CLI::App& app, const std::vector<std::string>& words,
                          const std::string& fallback);

}  // namespace kasetsu::cli
