#include <algorithm>
#include <cmath>
#include <limits>

#include "core/chemistry/element.h"
#include "core/descriptors/featurizer.h"

namespace kasetsu::descriptors {
namespace {

constexpr int kOxygen = 8;

}  // namespace

FeatureEvaluator::FeatureEvaluator(const FeaturizerState& state, std::span<const int> wanted)
    : size_(wanted.size()), row_of_(chemistry::kLastAtomicNumber + 1, -1) {
  for (std::size_t row = 0; row < state.elements.size(); ++row) {
    row_of_[static_cast<std::size_t>(state.elements[row])] = static_cast<int>(row);
  }
  oxygen_row_ = row_of_[kOxygen];
  build(state, wanted, Block::active, state.active_mean, active_);
  build(state, wanted, Block::support_cation, state.support_mean, cation_);
  build(state, wanted, Block::support, state.support_mean, support_);
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    const auto p = static_cast<std::size_t>(wanted[i]);
    const Primary& primary = state.primaries[p];
    if (primary.block != Block::condition) continue;
    const auto name =
        std::find(state.condition_names.begin(), state.condition_names.end(), primary.property);
    KASETSU_ASSERT(name != state.condition_names.end());
    conditions_.push_back({i, static_cast<std::size_t>(name - state.condition_names.begin()),
                           primary.operation, state.offset[static_cast<Eigen::Index>(p)]});
  }
  parts_.reserve(chemistry::kLastAtomicNumber);
  rows_.reserve(chemistry::kLastAtomicNumber);
  amounts_.reserve(chemistry::kLastAtomicNumber);
}

FeatureEvaluator::FeatureEvaluator(const FeaturizerState& state)
    : FeatureEvaluator(state, [&] {
        std::vector<int> all(state.primaries.size());
        for (std::size_t p = 0; p < all.size(); ++p) all[p] = static_cast<int>(p);
        return all;
      }()) {
}

void FeatureEvaluator::build(const FeaturizerState& state, std::span<const int> wanted, Block block,
                             const Eigen::VectorXd& mean_of_all, Table& table) {
  std::vector<std::size_t> properties;  // of the state, that this block needs
  std::vector<std::size_t> place_of(state.properties.size(), state.properties.size());
  std::vector<Operation> operations;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    KASETSU_ASSERT(wanted[i] >= 0 && static_cast<std::size_t>(wanted[i]) < state.primaries.size());
    const auto p = static_cast<std::size_t>(wanted[i]);
    const Primary& primary = state.primaries[p];
    if (primary.block != block) continue;
    const auto name = std::find(state.properties.begin(), state.properties.end(), primary.property);
    KASETSU_ASSERT(name != state.properties.end());
    const auto property = static_cast<std::size_t>(name - state.properties.begin());
    if (place_of[property] == state.properties.size()) {
      place_of[property] = properties.size();
      properties.push_back(property);
    }
    operations.push_back(primary.operation);
    table.outputs.push_back(
        {i, place_of[property], primary.operation, state.offset[static_cast<Eigen::Index>(p)]});
  }
  table.width = properties.size();
  table.aggregator.emplace(table.width, operations);
  const std::size_t size = state.elements.size() * table.width;
  table.value.reserve(size);
  table.log.reserve(size);
  table.inverse.reserve(size);
  table.squares.reserve(size);
  for (std::size_t row = 0; row < state.elements.size(); ++row) {
    for (const std::size_t property : properties) {
      const double x =
          state.normalized(static_cast<Eigen::Index>(row), static_cast<Eigen::Index>(property));
      table.value.push_back(x);
      table.log.push_back(Aggregator::log_of(x));
      table.inverse.push_back(1.0 / x);
      table.squares.push_back(
          Aggregator::square_of(x, mean_of_all[static_cast<Eigen::Index>(property)]));
    }
  }
}

int FeatureEvaluator::row_of(int element) const {
  if (element < 1 || element > chemistry::kLastAtomicNumber) return -1;
  return row_of_[static_cast<std::size_t>(element)];
}

// parts_ holds the elements.
void FeatureEvaluator::run(Table& table, std::size_t count, double* out, std::ptrdiff_t stride) {
  if (table.outputs.empty()) return;
  rows_.clear();
  amounts_.clear();
  for (std::size_t k = 0; k < count; ++k) {
    KASETSU_ASSERT(parts_[k].row >= 0);
    const std::size_t at = static_cast<std::size_t>(parts_[k].row) * table.width;
    rows_.push_back({&table.value[at], &table.log[at], &table.inverse[at], &table.squares[at]});
    amounts_.push_back(parts_[k].amount);
  }
  table.aggregator->run(rows_, amounts_);
  for (const Output& output : table.outputs) {
    out[static_cast<std::ptrdiff_t>(output.place) * stride] =
        table.aggregator->result(output.operation, output.property) + output.offset;
  }
}

void FeatureEvaluator::active(std::span<const Part> parts, double* out, std::ptrdiff_t stride) {
  parts_.assign(parts.begin(), parts.end());
  run(active_, parts_.size(), out, stride);
}

void FeatureEvaluator::support(std::span<const Part> parts, double* out, std::ptrdiff_t stride) {
  parts_.assign(parts.begin(), parts.end());
  run(support_, parts_.size(), out, stride);
  std::erase_if(parts_, [&](const Part& part) { return part.row == oxygen_row_; });
  run(cation_, parts_.size(), out, stride);
}

void FeatureEvaluator::conditions(std::span<const double> values, double* out,
                                  std::ptrdiff_t stride) const {
  for (const Output& output : conditions_) {
    out[static_cast<std::ptrdiff_t>(output.place) * stride] =
        values[output.property] + output.offset;
  }
}

}  // namespace kasetsu::descriptors
