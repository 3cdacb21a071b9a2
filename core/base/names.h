// One table of names per enum, beside the enum. The command line, files, stored models and messages
// all read the same table:
//   inline constexpr auto kFormNames = name_table<Form>({{Form::sqrt, "sqrt"}, {Form::log, "ln"}});
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/text.h"

namespace kasetsu {

template <typename Enum>
struct NamedValue {
  Enum value;
  std::string_view name;
};

template <typename Enum, std::size_t N>
struct NameTable {
  std::array<NamedValue<Enum>, N> entries;

  // Empty for a number that is no member of the enum.
  constexpr std::string_view to_name(Enum value) const {
    for (const auto& entry : entries) {
      if (entry.value == value) return entry.name;
    }
    return "";
  }
  constexpr std::optional<Enum> from_name(std::string_view name) const {
    for (const auto& entry : entries) {
      if (entry.name == name) return entry.value;
    }
    return std::nullopt;
  }
  std::vector<std::string> names() const {
    std::vector<std::string> all;
    for (const auto& entry : entries) all.emplace_back(entry.name);
    return all;
  }
  // "a, b or c", for messages.
  std::string choices() const { return join_or(names()); }
};

template <typename Enum, std::size_t N>
constexpr NameTable<Enum, N> name_table(const NamedValue<Enum> (&entries)[N]) {
  NameTable<Enum, N> table{};
  for (std::size_t i = 0; i < N; ++i) table.entries[i] = entries[i];
  return table;
}

}  // namespace kasetsu
