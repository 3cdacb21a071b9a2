// Values of the daemon's configuration file, by kind.
#pragma once

#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "core/base/result.h"
#include "core/base/text.h"

namespace kasetsu::config_values {

// Puts a node's value where it belongs, or says what is wrong with it; `where` is for the message.
using Read = std::function<Status(const toml::node&, const std::string& where)>;

inline Error wrong(const toml::node& value, const std::string& where, const std::string& expected) {
  std::string text;
  if (const auto* string = value.as_string()) {
    text = string->get();
  } else if (const auto* integer = value.as_integer()) {
    text = std::to_string(integer->get());
  } else if (const auto* number = value.as_floating_point()) {
    text = format_number(number->get());
  } else if (const auto* boolean = value.as_boolean()) {
    text = boolean->get() ? "true" : "false";
  }
  return {ErrorCode::bad_data, "wrong value", where, text, expected};
}

inline Read text(std::string& out) {
  return [&out](const toml::node& value, const std::string& where) -> Status {
    const auto* found = value.as_string();
    if (!found) return wrong(value, where, "a text in quotes");
    out = found->get();
    return {};
  };
}

inline Read boolean(bool& out) {
  return [&out](const toml::node& value, const std::string& where) -> Status {
    const auto* found = value.as_boolean();
    if (!found) return wrong(value, where, "true or false");
    out = found->get();
    return {};
  };
}

inline Read one_of(std::string& out, std::vector<std::string> words) {
  return [&out, words = std::move(words)](const toml::node& value,
                                          const std::string& where) -> Status {
    const auto* found = value.as_string();
    if (!found || std::find(words.begin(), words.end(), found->get()) == words.end()) {
      return wrong(value, where, join_or(words));
    }
    out = found->get();
    return {};
  };
}

template <typename Integer>
Read whole(Integer& out, std::int64_t low, std::int64_t high, std::int64_t unit = 1) {
  return [&out, low, high, unit](const toml::node& value, const std::string& where) -> Status {
    const auto* found = value.as_integer();
    if (!found || found->get() < low || found->get() > high) {
      return wrong(value, where, fmt::format("a whole number from {} to {}", low, high));
    }
    out = static_cast<Integer>(found->get() * unit);
    return {};
  };
}

inline Read number(double& out, double low, double high) {
  return [&out, low, high](const toml::node& value, const std::string& where) -> Status {
    const auto found = value.value<double>();
    if (!value.is_number() || !found || !(*found >= low && *found <= high)) {
      return wrong(value, where, fmt::format("a number from {} to {}", low, high));
    }
    out = *found;
    return {};
  };
}

inline Read seconds(std::chrono::milliseconds& out) {
  return [&out](const toml::node& value, const std::string& where) -> Status {
    double found = 0.0;
    const Status read = number(found, 0.1, 3'600.0)(value, where);
    if (!read) return read;
    out = std::chrono::milliseconds(static_cast<std::int64_t>(std::lround(found * 1e3)));
    return {};
  };
}

inline Read texts(std::vector<std::string>& out) {
  return [&out](const toml::node& value, const std::string& where) -> Status {
    const auto* list = value.as_array();
    if (!list) return wrong(value, where, "a list of texts");
    std::vector<std::string> found;
    for (const toml::node& item : *list) {
      const auto* one = item.as_string();
      if (!one) return wrong(item, where, "a list of texts");
      found.push_back(one->get());
    }
    out = std::move(found);
    return {};
  };
}

inline Read words(std::map<std::string, std::string>& out) {
  return [&out](const toml::node& value, const std::string& where) -> Status {
    const auto* table = value.as_table();
    if (!table) return wrong(value, where, "a table of texts");
    for (const auto& [name, item] : *table) {
      const auto* one = item.as_string();
      if (!one) return wrong(item, where, "a text in quotes");
      out[std::string(name.str())] = one->get();
    }
    return {};
  };
}

inline std::string hint(const std::string& name, const std::vector<std::string>& known) {
  const auto nearest = nearest_names(name, known, 1);
  return nearest.empty() ? join_or(known) : fmt::format("did you mean \"{}\"?", nearest.front());
}

}  // namespace kasetsu::config_values
