// kasetsu: the command line of scientists, cron and scripts.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <exception>
#include <new>

#include "daemon/cli/commands.h"
#include "daemon/cli/help.h"
#include "daemon/cli/session.h"

namespace {

int run(int argc, char** argv) {
  using namespace kasetsu::cli;
  Session session;
  CLI::App app("Kasetsu proposes which catalysts to make next, from what was measured.", "kasetsu");
  set_help(app);
  app.set_version_flag("--version", "kasetsu " KASETSU_VERSION);
  app.footer(
      "  kasetsu featurize catalysts.csv --target yield --out descriptors.csv\n"
      "  kasetsu loo catalysts.csv --target yield --descriptors \"ln(en_pauling_avg)\"");
  app.require_subcommand(1);
  add_featurize(app, session);
  add_loo(app, session);
  add_bench(app, session);
  add_campaign(app, session);
  add_results(app, session);
  add_proposals(app, session);
  add_retrain(app, session);

  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& help) {
    return app.exit(help);
  } catch (const CLI::ParseError& error) {
    fmt::print(stderr, "kasetsu: {}\n", explain_usage(app, argc, argv, error.what()));
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
