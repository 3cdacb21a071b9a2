// The text of a campaign file as one tree, so that one decoder reads TOML and JSON.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"

namespace kasetsu {

// Media types of files that are read as trees.
inline constexpr std::string_view kToml = "application/toml";
inline constexpr std::string_view kJson = "application/json";

struct ConfigMember;

struct ConfigNode {
  enum class Kind { null, boolean, integer, real, text, array, table, date } kind = Kind::null;
  bool boolean = false;
  std::int64_t integer = 0;
  double real = 0.0;
  std::string text;
  std::vector<ConfigNode> items;
  std::vector<ConfigMember> members;
  int line = 0;  // 0: not known

  const ConfigNode* find(std::string_view name) const;
};

struct ConfigMember {
  std::string name;
  ConfigNode value;
};

// What a value is, for messages: "a whole number".
std::string kind_name(ConfigNode::Kind kind);

// The value itself, for messages.
std::string shown(const ConfigNode& node);

// Errors (bad_data): not TOML or JSON, nested deeper than 16 levels, another media type; with the
// line where it is known.
Result<ConfigNode> read_tree(std::string_view text, std::string_view file_name,
                             std::string_view media_type);

// An error in a campaign file; line 0: not known.
Error refuse_file(std::string_view file_name, int line, std::string message, std::string value,
                  std::string expected);

}  // namespace kasetsu
