#include "daemon/base/config_reader.h"

#include <algorithm>
#include <cmath>

namespace kasetsu {

std::string join_key(std::string_view path, std::string_view key) {
  return path.empty() ? std::string(key) : fmt::format("{}.{}", path, key);
}

std::string with_suggestion(std::string expected, std::string_view wanted,
                            const std::vector<std::string>& known) {
  const std::vector<std::string> near = nearest_names(wanted, known, 1);
  if (!near.empty()) expected += fmt::format(". Did you mean \"{}\"?", near.front());
  return expected;
}

std::string known_names(std::string_view wanted, const std::vector<std::string>& known) {
  return with_suggestion(fmt::format("one of {}", fmt::join(known, ", ")), wanted, known);
}

std::string ConfigReader::where(int line, std::string_view path) const {
  std::string text = file_;
  if (line > 0) text += fmt::format(":{}", line);
  if (!path.empty()) text += fmt::format(": {}", path);
  return text;
}

void ConfigReader::fail(const ConfigNode& node, std::string_view path, std::string message,
                        std::string value, std::string expected) {
  if (error_) return;
  error_ = Error{ErrorCode::bad_data, std::move(message), where(node.line, path), std::move(value),
                 std::move(expected)};
}

void ConfigReader::fail_in(const ConfigNode& node, std::string_view path, const Error& inner) {
  if (error_) return;
  Error error = inner;
  error.code = ErrorCode::bad_data;
  error_ = error.in(where(node.line, path));
}

bool ConfigReader::check_table(const ConfigNode& node, const std::string& path,
                               const std::vector<std::string>& known) {
  if (failed()) return false;
  if (node.kind != ConfigNode::Kind::table) {
    fail(node, path, "expected a table", shown(node),
         path.empty() ? "a table" : fmt::format("[{}] with its keys below", path));
    return false;
  }
  for (const auto& [key, value] : node.members) {
    if (std::find(known.begin(), known.end(), key) != known.end()) continue;
    fail(value, path, "unknown key", key, known_names(key, known));
    return false;
  }
  return true;
}

void ConfigReader::read_table(const ConfigNode& node, const std::string& path,
                              const ConfigKeys& keys) {
  std::vector<std::string> known;
  for (const auto& [name, read] : keys) known.push_back(name);
  if (!check_table(node, path, known)) return;
  for (const auto& [name, read] : keys) {
    const ConfigNode* value = node.find(name);
    if (value != nullptr && read && !failed()) read(*this, *value, join_key(path, name));
  }
}

const ConfigNode* ConfigReader::required(const ConfigNode& table, const std::string& path,
                                         std::string_view key, std::string_view example) {
  const ConfigNode* node = table.find(key);
  if (node == nullptr) {
    fail(table, path, fmt::format("the key \"{}\" is missing", key), "",
         fmt::format("for example {} = {}", key, example));
  }
  return node;
}

std::string ConfigReader::text(const ConfigNode* node, const std::string& path,
                               std::string fallback) {
  if (node == nullptr || failed()) return fallback;
  if (node->kind != ConfigNode::Kind::text) {
    fail(*node, path, "expected a text in quotes", shown(*node), "for example \"...\"");
    return fallback;
  }
  if (node->text.size() > 4096 || std::any_of(node->text.begin(), node->text.end(), [](char c) {
        return static_cast<unsigned char>(c) < 0x20 && c != '\n';
      })) {
    fail(*node, path, "the text is too long or holds control characters", node->text,
         "plain text of at most 4096 bytes");
  }
  return node->text;
}

bool ConfigReader::flag(const ConfigNode* node, const std::string& path, bool fallback) {
  if (node == nullptr || failed()) return fallback;
  if (node->kind != ConfigNode::Kind::boolean) {
    fail(*node, path, "expected true or false", shown(*node), "true or false, without quotes");
    return fallback;
  }
  return node->boolean;
}

std::int64_t ConfigReader::whole(const ConfigNode* node, const std::string& path, std::int64_t low,
                                 std::int64_t high, std::int64_t fallback) {
  if (node == nullptr || failed()) return fallback;
  const std::string range = fmt::format("a whole number from {} to {}", low, high);
  if (node->kind != ConfigNode::Kind::integer) {
    fail(*node, path, "expected a whole number", shown(*node), range);
    return fallback;
  }
  if (node->integer < low || node->integer > high) {
    fail(*node, path, "out of range", shown(*node), range);
    return fallback;
  }
  return node->integer;
}

double ConfigReader::number(const ConfigNode* node, const std::string& path, double low,
                            double high, double fallback) {
  if (node == nullptr || failed()) return fallback;
  const bool bounded = low > -1e300 || high < 1e300;
  const std::string range = !bounded        ? "a number, without quotes and unit"
                            : high >= 1e300 ? fmt::format("a number from {:g}", low)
                                            : fmt::format("a number from {:g} to {:g}", low, high);
  if (node->kind != ConfigNode::Kind::integer && node->kind != ConfigNode::Kind::real) {
    fail(*node, path, "expected a number", shown(*node), range);
    return fallback;
  }
  if (!std::isfinite(node->real) || node->real < low || node->real > high) {
    fail(*node, path, "out of range", shown(*node), range);
    return fallback;
  }
  return node->real;
}

std::vector<std::string> ConfigReader::texts(const ConfigNode* node, const std::string& path,
                                             std::string_view example) {
  std::vector<std::string> result;
  list(node, path, example, [&](const ConfigNode& item, const std::string& at) {
    std::string value = text(&item, at);
    if (!failed() && std::find(result.begin(), result.end(), value) != result.end()) {
      fail(item, at, "listed twice", value, "each once");
    }
    result.push_back(std::move(value));
  });
  return result;
}

std::vector<double> ConfigReader::numbers(const ConfigNode* node, const std::string& path,
                                          std::string_view example) {
  std::vector<double> result;
  list(node, path, example, [&](const ConfigNode& item, const std::string& at) {
    const double value = number(&item, at, -1e301, 1e301, 0.0);
    if (!failed() && std::find(result.begin(), result.end(), value) != result.end()) {
      fail(item, at, "listed twice", shown(item), "each number once");
    }
    result.push_back(value);
  });
  return result;
}

std::string ConfigReader::word(const ConfigNode* node, const std::string& path,
                               const std::vector<std::string>& words, std::string fallback) {
  std::string value = text(node, path);
  if (node == nullptr || failed()) return fallback;
  if (std::find(words.begin(), words.end(), value) != words.end()) return value;
  fail(*node, path, "unknown choice", value, with_suggestion(join_or(words), value, words));
  return fallback;
}

namespace config_value {

ReadValue text(std::string& out) {
  return [&out](ConfigReader& reader, const ConfigNode& value, const std::string& path) {
    out = reader.text(&value, path, out);
  };
}

ReadValue flag(bool& out) {
  return [&out](ConfigReader& reader, const ConfigNode& value, const std::string& path) {
    out = reader.flag(&value, path, out);
  };
}

ReadValue number(double& out, double low, double high) {
  return [&out, low, high](ConfigReader& reader, const ConfigNode& value, const std::string& path) {
    out = reader.number(&value, path, low, high, out);
  };
}

ReadValue texts(std::vector<std::string>& out) {
  return [&out](ConfigReader& reader, const ConfigNode& value, const std::string& path) {
    out.clear();
    reader.list(&value, path, "[\"...\", \"...\"], a list of texts",
                [&](const ConfigNode& item, const std::string& at) {
                  out.push_back(reader.text(&item, at));
                });
  };
}

ReadValue pairs(std::map<std::string, std::string>& out) {
  return [&out](ConfigReader& reader, const ConfigNode& value, const std::string& path) {
    if (value.kind != ConfigNode::Kind::table) {
      reader.fail(value, path, "expected a table of texts", shown(value),
                  "for example { name = \"text\" }");
      return;
    }
    for (const auto& [name, item] : value.members)
      out[name] = reader.text(&item, join_key(path, name));
  };
}

ReadValue one_of(std::string& out, std::vector<std::string> words) {
  return [&out, words = std::move(words)](ConfigReader& reader, const ConfigNode& value,
                                          const std::string& path) {
    out = reader.word(&value, path, words, out);
  };
}

}  // namespace config_value

}  // namespace kasetsu
