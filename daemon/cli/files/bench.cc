// kasetsu bench: how fast this machine is at what the search does most.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>

#include "core/base/random.h"
#include "core/descriptors/descriptor.h"
#include "core/regression/huber/robust.h"
#include "daemon/cli/program/arguments.h"
#include "daemon/cli/program/commands.h"

namespace kasetsu::cli {
namespace {

struct Arguments {
  TableArguments table;
  DescriptorArguments descriptor;
  int size = 8;
  std::uint64_t subsets = 20'000;
};

Status run(const Arguments& arguments, Session& session) {
  const auto options = arguments.descriptor.regression.options();
  if (auto status = options.validate(); !status) return status;
  if (arguments.descriptor.features.order > 1) {
    return Error{ErrorCode::invalid_argument, "products are too many to be drawn from", "--order",
                 std::to_string(arguments.descriptor.features.order), "0 or 1"};
  }
  auto loaded = load_featurized(arguments.table, arguments.descriptor.features, session);
  if (!loaded) return loaded.error();
  const auto& [table, featurizer, primaries] = *loaded;
  // As the search has them: of descriptors that say the same the simplest stays.
  Eigen::MatrixXd columns =
      descriptors::remove_duplicates(
          descriptors::enumerate(primaries, arguments.descriptor.features.order))
          .values;
  const Eigen::Index rows = columns.rows();
  if (columns.cols() < arguments.size) {
    return Error{ErrorCode::bad_data, fmt::format("only {} descriptors vary", columns.cols()),
                 arguments.table.data, "", fmt::format("at least {}", arguments.size)};
  }
  columns.rowwise() -= columns.colwise().mean().eval();
  for (Eigen::Index c = 0; c < columns.cols(); ++c) {
    columns.col(c) /= columns.col(c).norm() / std::sqrt(static_cast<double>(rows));
  }

  regression::LooEngine engine(table.targets.col(0), arguments.size, options);
  Random random(arguments.descriptor.seed);
  const auto size = static_cast<std::size_t>(arguments.size);
  std::vector<const double*> subset(size);
  std::vector<std::uint64_t> chosen(size);
  const Control control = session.control();
  double best = std::numeric_limits<double>::infinity();
  double sum = 0.0;
  const double start = thread_cpu_seconds();
  std::uint64_t done = 0;
  for (; done < arguments.subsets; ++done) {
    if (done % 256 == 0) {
      if (control.cancelled()) return Error{ErrorCode::cancelled, "interrupted", "", "", ""};
      control.report(static_cast<double>(done) / static_cast<double>(arguments.subsets),
                     "leave-one-out of random subsets");
    }
    for (std::size_t i = 0; i < size; ++i) {
      do {
        chosen[i] = random.below(static_cast<std::uint64_t>(columns.cols()));
      } while (std::find(chosen.begin(), chosen.begin() + static_cast<std::ptrdiff_t>(i),
                         chosen[i]) != chosen.begin() + static_cast<std::ptrdiff_t>(i));
      subset[i] = columns.col(static_cast<Eigen::Index>(chosen[i])).data();
    }
    const double mae = engine.mae_cv(subset.data(), arguments.size);
    best = std::min(best, mae);
    sum += mae;
  }
  const double seconds = thread_cpu_seconds() - start;
  const double rate = static_cast<double>(done) / seconds;
  return session.show(
      {{"subsets_per_cpu_second", rate},
       {"n_samples", rows},
       {"n_descriptors", columns.cols()},
       {"size", arguments.size},
       {"epsilon", options.epsilon},
       {"subsets", done},
       {"cpu_seconds", seconds},
       {"mae_cv_best", best},
       {"mae_cv_mean", sum / static_cast<double>(done)}},
      fmt::format("{:.0f} subsets a second on one core ({:.3g} us each): exact leave-one-out of {} "
                  "on {}, epsilon {}\n",
                  rate, 1e6 / rate, counted(static_cast<std::size_t>(arguments.size), "descriptor"),
                  counted(static_cast<std::size_t>(rows), "catalyst"), options.epsilon));
}

}  // namespace

void add_bench(CLI::App& app, Session& session) {
  CLI::App* group = add_group(app, "bench", "speed of this machine at what the search does",
                              "More on files", "  kasetsu bench loo catalysts.csv --target yield");
  auto arguments = std::make_shared<Arguments>();
  CLI::App* command =
      add_command(*group, session, "loo", "speed of exact Huber leave-one-out on random subsets",
                  "  kasetsu bench loo catalysts.csv --target yield --subsets 100000 --json");
  arguments->table.add_to(*command);
  command->add_option("--subsets", arguments->subsets, "random subsets to score")
      ->check(CLI::Range(1, 1'000'000'000))
      ->capture_default_str();
  command->add_option("--size", arguments->size, "descriptors in a subset")
      ->check(CLI::Range(1, 64))
      ->capture_default_str();
  arguments->descriptor.add_to(*command, session);
  run_when_chosen(*command, session, arguments, run);
}

}  // namespace kasetsu::cli
