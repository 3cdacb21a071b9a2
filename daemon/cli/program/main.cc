// kasetsu: the command line of scientists, cron and scripts.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <exception>
#include <new>
#include <string>
#include <vector>

#include "daemon/cli/program/commands.h"
#include "daemon/cli/program/help.h"
#include "daemon/cli/program/session.h"

namespace {

int run(int argc, char** argv) {
  using namespace kasetsu::cli;
  Session session;
  CLI::App app("Kasetsu proposes which catalysts to make next, from what was measured.", "kasetsu");
  set_help(app);
  app.set_version_flag("--version", "kasetsu " KASETSU_VERSION);
  app.footer(
      "  kasetsu fit catalysts.csv --target yield --model yield.model\n"
      "  kasetsu recommend --campaign ocm.toml --data catalysts.csv --batch 20\n"
      "  kasetsu proposals ocm");
  app.require_subcommand(1);
  add_table(app, session);
  add_fit(app, session);
  add_predict(app, session);
  add_validate(app, session);
  add_recommend(app, session);
  add_candidates(app, session);
  add_replay(app, session);
  add_featurize(app, session);
  add_loo(app, session);
  add_bench(app, session);
  add_campaign(app, session);
  add_results(app, session);
  add_proposals(app, session);
  add_retrain(app, session);
  add_report(app, session);
  add_export(app, session);
  add_drivers(app, session);
  add_token(app, session);
  add_backup(app, session);
  add_check(app, session);
  add_restore(app, session);
  add_doctor(app, session);
  add_completion(app, session);

  // `kasetsu proposals CAMPAIGN` is short for `kasetsu proposals list CAMPAIGN`.
  std::vector<std::string> words(argv + 1, argv + argc);
  if (words.size() >= 2 && words[0] == "proposals" && !words[1].starts_with('-')) {
    const auto verbs = app.get_subcommand("proposals")->get_subcommands(nullptr);
    if (std::none_of(verbs.begin(), verbs.end(),
                     [&](const CLI::App* verb) { return verb->get_name() == words[1]; })) {
      words.insert(words.begin() + 1, "list");
    }
  }
  const std::vector<std::string> typed = words;
  std::reverse(words.begin(), words.end());  // CLI11 takes them from the end
  try {
    app.parse(std::move(words));
  } catch (const CLI::Success& help) {
    return app.exit(help);
  } catch (const CLI::ParseError& error) {
    fmt::print(stderr, "kasetsu: {}\n", explain_usage(app, typed, error.what()));
    return kExitUsage;
  }
  return session.run();
}

}  // namespace

// The third border at which exceptions of libraries are caught.
int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::bad_alloc&) {
    fmt::print(stderr, "kasetsu: not enough memory\n");
  } catch (const std::exception& error) {
    fmt::print(stderr, "kasetsu: {}\n", error.what());
  }
  return kasetsu::cli::kExitFailure;
}
