// Options of the commands that search for hypotheses.
#pragma once

#include <CLI/App.hpp>
#include <cstdint>
#include <functional>
#include <string>

#include "core/selection/model.h"
#include "daemon/cli/program/arguments.h"

namespace kasetsu::cli {

struct ModelArguments {
  FeatureArguments features;
  RegressionArguments regression;
  std::string family = "on";
  std::string size = "auto";
  std::string search = "exchange";
  double time_limit = 0.0;
  int hypotheses = 50;
  int population = 0;   // 0: the paper's
  int generations = 0;  // 0: the paper's
  std::uint64_t seed = 1;

  void add_to(CLI::App& command);
  Result<selection::ModelSettings> settings() const;
  // The settings of a campaign, with what was given on the command line instead.
  Result<selection::ModelSettings> override(selection::ModelSettings settings,
                                            const CLI::App& command) const;

 private:
  Result<selection::ModelSettings> set(selection::ModelSettings settings,
                                       const std::function<bool(const char*)>& given) const;
};

// One paragraph on replicates and lack of fit.
void print_noise(const selection::Noise& noise, Session& session);

// By how much each batch measures too high or too low; nothing where there are no batches.
void print_offsets(const selection::BatchOffsets& offsets, Session& session);

}  // namespace kasetsu::cli
