// Every command of the program, one function each, by the file that holds it.
#pragma once

#include <CLI/App.hpp>

#include "daemon/cli/session.h"

namespace kasetsu::cli {

void add_featurize(CLI::App& app, Session& session);  // featurize.cc
void add_loo(CLI::App& app, Session& session);        // loo.cc

}  // namespace kasetsu::cli
