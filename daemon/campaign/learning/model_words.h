// The words of a model document for what is a number in the program; used by who writes and who
// reads it.
#pragma once

#include <array>
#include <string_view>
#include <utility>

#include "core/base/result.h"
#include "core/selection/model.h"

namespace kasetsu::campaign::words {

inline constexpr std::array kMethods{std::pair{descriptors::Method::afe, "afe"},
                                     std::pair{descriptors::Method::extended, "extended"}};
inline constexpr std::array kLoadings{std::pair{descriptors::Loading::automatic, "auto"},
                                      std::pair{descriptors::Loading::variable, "variable"},
                                      std::pair{descriptors::Loading::constant, "constant"}};
inline constexpr std::array kNormalizations{
    std::pair{descriptors::Normalization::afe65, "afe65"},
    std::pair{descriptors::Normalization::dataset, "dataset"},
    std::pair{descriptors::Normalization::all, "all"}};
inline constexpr std::array kBlocks{std::pair{descriptors::Block::active, "active"},
                                    std::pair{descriptors::Block::support_cation, "support_cation"},
                                    std::pair{descriptors::Block::support, "support"},
                                    std::pair{descriptors::Block::condition, "condition"}};
inline constexpr std::array kSearches{std::pair{selection::Method::exchange, "exchange"},
                                      std::pair{selection::Method::genetic, "genetic"},
                                      std::pair{selection::Method::random, "random"}};
inline constexpr std::array kCenters{std::pair{regression::Center::mean, "mean"},
                                     std::pair{regression::Center::median, "median"}};

template <typename Table, typename E>
std::string_view name_in(const Table& table, E value) {
  for (const auto& [member, name] : table) {
    if (member == value) return name;
  }
  KASETSU_ASSERT(false);
}

}  // namespace kasetsu::campaign::words
