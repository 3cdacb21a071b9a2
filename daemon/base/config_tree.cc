#include "daemon/base/config_tree.h"

#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "core/base/text.h"
#include "daemon/base/json.h"

namespace kasetsu {

const ConfigNode* ConfigNode::find(std::string_view name) const {
  for (const auto& [key, value] : members) {
    if (key == name) return &value;
  }
  return nullptr;
}

std::string kind_name(ConfigNode::Kind kind) {
  switch (kind) {
    case ConfigNode::Kind::null:
      return "nothing";
    case ConfigNode::Kind::boolean:
      return "true or false";
    case ConfigNode::Kind::integer:
      return "a whole number";
    case ConfigNode::Kind::real:
      return "a number";
    case ConfigNode::Kind::text:
      return "a text";
    case ConfigNode::Kind::array:
      return "a list";
    case ConfigNode::Kind::table:
      return "a table";
    case ConfigNode::Kind::date:
      return "a date or time";
  }
  return "nothing";
}

std::string shown(const ConfigNode& node) {
  switch (node.kind) {
    case ConfigNode::Kind::boolean:
      return node.boolean ? "true" : "false";
    case ConfigNode::Kind::integer:
      return std::to_string(node.integer);
    case ConfigNode::Kind::real:
      return std::isfinite(node.real) ? format_number(node.real)
             : std::isnan(node.real)  ? "nan"
             : node.real > 0.0        ? "inf"
                                      : "-inf";
    case ConfigNode::Kind::text:
      return node.text;
    case ConfigNode::Kind::array: {
      // A few items; more would hide the message.
      constexpr std::size_t kMost = 8;
      std::string text = "[";
      for (std::size_t i = 0; i < node.items.size() && i < kMost; ++i) {
        // Not deeper: lists of lists of lists would grow without bound.
        const ConfigNode& item = node.items[i];
        text += i == 0 ? "" : ", ";
        text += item.kind == ConfigNode::Kind::array ? kind_name(item.kind) : shown(item);
      }
      return text + (node.items.size() > kMost ? ", ...]" : "]");
    }
    case ConfigNode::Kind::null:
    case ConfigNode::Kind::table:
    case ConfigNode::Kind::date:
      return kind_name(node.kind);
  }
  return {};
}

namespace {

ConfigNode from_toml(const toml::node& value) {
  ConfigNode node;
  node.line = static_cast<int>(value.source().begin.line);
  if (const auto* table = value.as_table()) {
    node.kind = ConfigNode::Kind::table;
    for (const auto& [key, member] : *table) {
      node.members.push_back({std::string(key.str()), from_toml(member)});
      node.members.back().value.line = static_cast<int>(key.source().begin.line);
    }
    // The library sorts by key; people read top down.
    std::stable_sort(node.members.begin(), node.members.end(),
                     [](const auto& a, const auto& b) { return a.value.line < b.value.line; });
  } else if (const auto* array = value.as_array()) {
    node.kind = ConfigNode::Kind::array;
    for (const auto& item : *array) node.items.push_back(from_toml(item));
  } else if (const auto* text = value.as_string()) {
    node.kind = ConfigNode::Kind::text;
    node.text = text->get();
  } else if (const auto* integer = value.as_integer()) {
    node.kind = ConfigNode::Kind::integer;
    node.integer = integer->get();
    node.real = static_cast<double>(node.integer);
  } else if (const auto* real = value.as_floating_point()) {
    node.kind = ConfigNode::Kind::real;
    node.real = real->get();
  } else if (const auto* boolean = value.as_boolean()) {
    node.kind = ConfigNode::Kind::boolean;
    node.boolean = boolean->get();
  } else {
    node.kind = ConfigNode::Kind::date;
  }
  return node;
}

ConfigNode from_json(const Json& value) {
  ConfigNode node;
  if (value.is_object()) {
    node.kind = ConfigNode::Kind::table;
    for (const auto& [key, member] : value.items()) {
      node.members.push_back({key, from_json(member)});
    }
  } else if (value.is_array()) {
    node.kind = ConfigNode::Kind::array;
    for (const auto& item : value) node.items.push_back(from_json(item));
  } else if (value.is_string()) {
    node.kind = ConfigNode::Kind::text;
    node.text = value.get<std::string>();
  } else if (value.is_number_integer()) {
    node.kind = ConfigNode::Kind::integer;
    node.integer = value.get<std::int64_t>();
    node.real = value.get<double>();
  } else if (value.is_number()) {
    node.kind = ConfigNode::Kind::real;
    node.real = value.get<double>();
  } else if (value.is_boolean()) {
    node.kind = ConfigNode::Kind::boolean;
    node.boolean = value.get<bool>();
  }
  return node;
}

// toml++ bounds the nesting of values but follows dotted keys without limit: a file of `a.a.a...`
// would overflow the stack. Brackets are counted too, so that the message is ours.
std::optional<int> line_of_deep_nesting(std::string_view text) {
  constexpr int kDeepest = 16;
  int line = 1;
  int dots = 0;
  int brackets = 0;
  std::size_t i = 0;
  const auto starts = [&](std::string_view mark) { return text.substr(i, mark.size()) == mark; };
  while (i < text.size()) {
    const char c = text[i];
    if (starts("\"\"\"") || starts("'''")) {
      const std::string_view mark = text.substr(i, 3);
      const bool escapes = c == '"';
      i += 3;
      while (i < text.size() && text.substr(i, 3) != mark) {
        if (text[i] == '\n') ++line;
        i += escapes && text[i] == '\\' && i + 1 < text.size() && text[i + 1] != '\n' ? 2 : 1;
      }
      i += 3;
      continue;
    }
    if (c == '"' || c == '\'') {
      ++i;
      while (i < text.size() && text[i] != c && text[i] != '\n') {
        i += c == '"' && text[i] == '\\' && i + 1 < text.size() && text[i + 1] != '\n' ? 2 : 1;
      }
      if (i < text.size() && text[i] == c) ++i;
      continue;
    }
    if (c == '#') {
      while (i < text.size() && text[i] != '\n') ++i;
      continue;
    }
    if (c == '\n') {
      ++line;
      dots = 0;
    } else if (c == ',' || c == '=') {
      dots = 0;
    } else if (c == '.') {
      if (++dots > kDeepest) return line;
    } else if (c == '[' || c == '{') {
      dots = 0;
      if (++brackets > kDeepest) return line;
    } else if (c == ']' || c == '}') {
      brackets = std::max(0, brackets - 1);
    }
    ++i;
  }
  return std::nullopt;
}

}  // namespace

Error refuse_file(std::string_view file_name, int line, std::string message, std::string value,
                  std::string expected) {
  return {ErrorCode::bad_data, std::move(message),
          line > 0 ? fmt::format("{}:{}", file_name, line) : std::string(file_name),
          std::move(value), std::move(expected)};
}

Result<ConfigNode> read_tree(std::string_view text, std::string_view file_name,
                             std::string_view media_type) {
  if (media_type == kJson) {
    Result<Json> document = parse_json(text);
    if (!document) return document.error().in(file_name);
    return from_json(*document);
  }
  if (media_type != kToml) {
    return refuse_file(file_name, 0, "unknown media type", std::string(media_type),
                       "application/toml or application/json");
  }
  if (const std::optional<int> line = line_of_deep_nesting(text)) {
    return refuse_file(file_name, *line, "nested too deeply", "",
                       "at most 16 levels of keys or brackets");
  }
  try {
    ConfigNode root = from_toml(toml::parse(text, file_name));
    root.line = 1;
    return root;
  } catch (const toml::parse_error& error) {
    return refuse_file(
        file_name, static_cast<int>(error.source().begin.line),
        fmt::format("not TOML at column {}: {}", error.source().begin.column, error.description()),
        "", "a TOML document (texts in quotes, lists in [ ])");
  }
}

}  // namespace kasetsu
