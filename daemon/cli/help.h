// Help that begins with examples, and "did you mean" for commands and flags.
#pragma once

#include <CLI/App.hpp>
#include <string>

namespace kasetsu::cli {

// Gives the whole program its form of help.
void set_help(CLI::App& app);

// The sentence for arguments that the parser refused; `fallback` when it has nothing better.
std::string explain_usage(const CLI::App& app, int argc, const char* const* argv,
                          const std::string& fallback);

}  // namespace kasetsu::cli
