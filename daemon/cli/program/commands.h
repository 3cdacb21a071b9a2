// Every command of the program, one function each, by the file that holds it.
#pragma once

#include <CLI/App.hpp>

#include "daemon/cli/program/session.h"

namespace kasetsu::cli {

void add_table(CLI::App& app, Session& session);       // table.cc
void add_featurize(CLI::App& app, Session& session);   // featurize.cc
void add_loo(CLI::App& app, Session& session);         // loo.cc
void add_fit(CLI::App& app, Session& session);         // fit.cc
void add_predict(CLI::App& app, Session& session);     // predict.cc
void add_validate(CLI::App& app, Session& session);    // validate.cc
void add_recommend(CLI::App& app, Session& session);   // recommend.cc
void add_candidates(CLI::App& app, Session& session);  // candidates.cc
void add_replay(CLI::App& app, Session& session);      // replay.cc
void add_bench(CLI::App& app, Session& session);       // bench.cc
void add_campaign(CLI::App& app, Session& session);    // campaign_commands.cc
void add_results(CLI::App& app, Session& session);     // results_commands.cc
void add_proposals(CLI::App& app, Session& session);   // proposals_commands.cc
void add_retrain(CLI::App& app, Session& session);     // proposals_commands.cc
void add_drivers(CLI::App& app, Session& session);     // drivers_commands.cc
void add_token(CLI::App& app, Session& session);       // operation_commands.cc
void add_backup(CLI::App& app, Session& session);      // operation_commands.cc
void add_report(CLI::App& app, Session& session);      // report_commands.cc
void add_export(CLI::App& app, Session& session);      // report_commands.cc
void add_doctor(CLI::App& app, Session& session);      // doctor.cc
void add_completion(CLI::App& app, Session& session);  // completion.cc
void add_check(CLI::App& app, Session& session);       // database_commands.cc
void add_restore(CLI::App& app, Session& session);     // database_commands.cc

}  // namespace kasetsu::cli
