// The one decoder of configuration: campaign files, the daemon's file, table profiles, the command
// line's own file. It reads a tree (config_tree.h) into variables and says with file, line and key
// what is wrong. The first error is kept, and everything after it does nothing.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/result.h"
#include "core/base/text.h"
#include "daemon/base/config_tree.h"

namespace kasetsu {

// "a", "a.b".
std::string join_key(std::string_view path, std::string_view key);

// "one of a, b, c"; where a known name resembles `wanted`, a sentence of its own suggests it: "one
// of port, hosts. Did you mean "port"?". For Error::expected.
std::string known_names(std::string_view wanted, const std::vector<std::string>& known);
// `expected`, with that suggestion behind it.
std::string with_suggestion(std::string expected, std::string_view wanted,
                            const std::vector<std::string>& known);

class ConfigReader;
// Reads the value of one key to where it belongs.
using ReadValue =
    std::function<void(ConfigReader&, const ConfigNode& value, const std::string& path)>;
// In the order of the documentation.
using ConfigKeys = std::vector<std::pair<std::string, ReadValue>>;

class ConfigReader {
 public:
  explicit ConfigReader(std::string_view file) : file_(file) {}

  bool failed() const { return error_.has_value(); }
  const std::optional<Error>& error() const { return error_; }
  Status status() const { return error_ ? Status(*error_) : Status(); }

  // `where` of the error is "file:line: path".
  void fail(const ConfigNode& node, std::string_view path, std::string message, std::string value,
            std::string expected);
  void fail_in(const ConfigNode& node, std::string_view path, const Error& inner);

  // False where the node is no table or holds a key that is not known.
  bool check_table(const ConfigNode& node, const std::string& path,
                   const std::vector<std::string>& known);
  // Checks the table and reads each of its values.
  void read_table(const ConfigNode& node, const std::string& path, const ConfigKeys& keys);
  // The member; where it is missing this is an error.
  const ConfigNode* required(const ConfigNode& table, const std::string& path, std::string_view key,
                             std::string_view example);

  // Each returns `fallback` where there is no node or the value is wrong.
  std::string text(const ConfigNode* node, const std::string& path, std::string fallback = "");
  bool flag(const ConfigNode* node, const std::string& path, bool fallback);
  std::int64_t whole(const ConfigNode* node, const std::string& path, std::int64_t low,
                     std::int64_t high, std::int64_t fallback);
  double number(const ConfigNode* node, const std::string& path, double low, double high,
                double fallback);

  // A list, each item with its path.
  template <typename Visit>
  void list(const ConfigNode* node, const std::string& path, std::string_view example,
            Visit visit) {
    if (node == nullptr || failed()) return;
    if (node->kind != ConfigNode::Kind::array) {
      fail(*node, path, "expected a list", shown(*node), fmt::format("for example {}", example));
      return;
    }
    for (std::size_t i = 0; i < node->items.size() && !failed(); ++i) {
      visit(node->items[i], fmt::format("{}[{}]", path, i));
    }
  }
  // Of lists, each item once.
  std::vector<std::string> texts(const ConfigNode* node, const std::string& path,
                                 std::string_view example);
  std::vector<double> numbers(const ConfigNode* node, const std::string& path,
                              std::string_view example);

  // One of the names of an enum (core/base/names.h).
  template <typename Table, typename Value>
  Value choice(const ConfigNode* node, const std::string& path, const Table& table,
               Value fallback) {
    const std::string name = word(node, path, table.names());
    const auto value = table.from_name(name);
    return value ? *value : fallback;
  }
  // One of these words.
  std::string word(const ConfigNode* node, const std::string& path,
                   const std::vector<std::string>& words, std::string fallback = "");

 private:
  std::string where(int line, std::string_view path) const;

  std::string file_;
  std::optional<Error> error_;
};

// Readers of one value each, for tables of keys.
namespace config_value {

ReadValue text(std::string& out);
ReadValue flag(bool& out);
ReadValue number(double& out, double low, double high);
ReadValue texts(std::vector<std::string>& out);            // repetitions are allowed
ReadValue pairs(std::map<std::string, std::string>& out);  // a table of texts
ReadValue one_of(std::string& out, std::vector<std::string> words);

// Multiplied by `unit`.
template <typename Integer>
ReadValue whole(Integer& out, std::int64_t low, std::int64_t high, std::int64_t unit = 1) {
  return [&out, low, high, unit](ConfigReader& reader, const ConfigNode& value,
                                 const std::string& path) {
    const std::int64_t read = reader.whole(&value, path, low, high, low);
    if (!reader.failed()) out = static_cast<Integer>(read * unit);
  };
}

template <typename Table, typename Value>
ReadValue choice(Value& out, const Table& table) {
  return [&out, table](ConfigReader& reader, const ConfigNode& value, const std::string& path) {
    out = reader.choice(&value, path, table, out);
  };
}

}  // namespace config_value

}  // namespace kasetsu
