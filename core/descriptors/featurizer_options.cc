// Names of the featurizer's settings.
#include <fmt/format.h>

#include "core/descriptors/featurizer.h"

namespace kasetsu::descriptors {
namespace {

template <typename Enum, std::size_t N>
std::optional<Enum> enum_from(std::string_view text) {
  for (std::size_t i = 0; i < N; ++i) {
    if (to_string(static_cast<Enum>(i)) == text) return static_cast<Enum>(i);
  }
  return std::nullopt;
}

}  // namespace

std::string_view to_string(Method method) {
  return method == Method::afe ? "afe" : method == Method::extended ? "extended" : "";
}

std::string_view to_string(Loading loading) {
  switch (loading) {
    case Loading::automatic:
      return "auto";
    case Loading::variable:
      return "variable";
    case Loading::constant:
      return "constant";
  }
  return "";
}

std::string_view to_string(Normalization normalization) {
  switch (normalization) {
    case Normalization::afe65:
      return "afe65";
    case Normalization::dataset:
      return "dataset";
    case Normalization::all:
      return "all";
  }
  return "";
}

std::string_view to_string(Block block) {
  switch (block) {
    case Block::active:
      return "active";
    case Block::support_cation:
      return "support_cation";
    case Block::support:
      return "support";
    case Block::condition:
      return "condition";
  }
  return "";
}

std::optional<Method> method_from(std::string_view text) {
  return enum_from<Method, 2>(text);
}
std::optional<Loading> loading_from(std::string_view text) {
  return enum_from<Loading, 3>(text);
}
std::optional<Normalization> normalization_from(std::string_view text) {
  return enum_from<Normalization, 3>(text);
}
std::optional<Block> block_from(std::string_view text) {
  return enum_from<Block, 4>(text);
}

Status FeaturizerOptions::validate() const {
  const auto refuse = [](std::string_view field, int value, std::string_view bound) {
    return Error{ErrorCode::invalid_argument,
                 fmt::format("FeaturizerOptions::{} is {}", field, value), "", "",
                 std::string(bound)};
  };
  if (to_string(method).empty()) {
    return refuse("method", static_cast<int>(method), "afe or extended");
  }
  if (to_string(loading).empty()) {
    return refuse("loading", static_cast<int>(loading), "automatic, variable or constant");
  }
  if (to_string(normalize).empty()) {
    return refuse("normalize", static_cast<int>(normalize), "afe65, dataset or all");
  }
  return {};
}

}  // namespace kasetsu::descriptors
