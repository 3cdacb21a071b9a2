// One description for both directions: a function that names the members of a record writes the
// record's JSON with a DocumentWriter and reads it with a DocumentReader.
//
//   template <typename Io, typename N>
//   void describe_noise(Io& io, N& noise) {
//     io.field("rows", noise.rows);
//     io.field("f", noise.f);
//   }
#pragma once

#include <fmt/format.h>

#include <Eigen/Core>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "core/base/result.h"
#include "daemon/base/json.h"

namespace kasetsu::campaign {

// A document that is not what it should be unwinds to whoever reads it.
struct UnreadableDocument {
  Error error;
};

[[noreturn]] void refuse_document(std::string_view where, std::string_view message,
                                  std::string_view value = "", std::string_view expected = "");

class DocumentWriter {
 public:
  static constexpr bool kReads = false;

  const Json& json() const { return json_; }
  std::string_view at() const { return ""; }

  template <typename T>
  void field(const char* name, const T& value) {
    json_[name] = written(value);
  }
  template <typename Table, typename Enum>
  void name(const char* name, const Table& table, Enum value) {
    json_[name] = table.to_name(value);
  }
  void matrix(const char* name, const Eigen::MatrixXd& values, Eigen::Index /*columns*/) {
    Json rows = Json::array();
    for (Eigen::Index i = 0; i < values.rows(); ++i)
      rows.push_back(written(Eigen::VectorXd(values.row(i))));
    json_[name] = std::move(rows);
  }
  template <typename Describe>
  void object(const char* name, Describe describe) {
    DocumentWriter inner;
    describe(inner);
    json_[name] = std::move(inner.json_);
  }
  // describe(io, item)
  template <typename T, typename Describe>
  void list(const char* name, const std::vector<T>& items, Describe describe) {
    Json out = Json::array();
    for (const T& item : items) {
      DocumentWriter inner;
      describe(inner, item);
      out.push_back(std::move(inner.json_));
    }
    json_[name] = std::move(out);
  }

  // Not-a-number is null: JSON has no other word for it.
  static Json written(double value);
  static Json written(const Eigen::VectorXd& values);
  template <typename T>
  static Json written(const T& value) {
    return Json(value);
  }

 private:
  Json json_ = Json::object();
};

class DocumentReader {
 public:
  static constexpr bool kReads = true;

  // `at`: the object's JSON pointer. `json` outlives the reader.
  DocumentReader(const Json& json, std::string at) : json_(json), at_(std::move(at)) {}

  std::string_view at() const { return at_; }
  bool has(const char* name) const { return json_.is_object() && json_.contains(name); }

  template <typename T>
  void field(const char* name, T& value) const {
    read(member(name), json_pointer(at_, name), value);
  }
  template <typename Table, typename Enum>
  void name(const char* name, const Table& table, Enum& value) const {
    std::string word;
    field(name, word);
    const auto found = table.from_name(word);
    if (!found)
      refuse_document(json_pointer(at_, name), "unknown word", word, "one of " + table.choices());
    value = *found;
  }
  void matrix(const char* name, Eigen::MatrixXd& values, Eigen::Index columns) const;
  template <typename Describe>
  void object(const char* name, Describe describe) const {
    DocumentReader inner(member(name), json_pointer(at_, name));
    describe(inner);
  }
  template <typename T, typename Describe>
  void list(const char* name, std::vector<T>& items, Describe describe) const {
    const Json& entries = array(name);
    items.clear();
    for (std::size_t i = 0; i < entries.size(); ++i) {
      DocumentReader inner(entries[i], fmt::format("{}/{}", json_pointer(at_, name), i));
      describe(inner, items.emplace_back());
    }
  }

 private:
  const Json& member(const char* name) const;
  const Json& array(const char* name) const;

  static void read(const Json& json, const std::string& at, bool& value);
  static void read(const Json& json, const std::string& at, int& value);
  static void read(const Json& json, const std::string& at, std::uint64_t& value);
  static void read(const Json& json, const std::string& at, double& value);
  static void read(const Json& json, const std::string& at, std::string& value);
  static void read(const Json& json, const std::string& at, Eigen::VectorXd& values);
  template <typename T>
  static void read(const Json& json, const std::string& at, std::vector<T>& values) {
    if (!json.is_array()) refuse_document(at, "not an array", "", "a JSON array");
    values.clear();
    for (const Json& item : json) read(item, at, values.emplace_back());
  }

  const Json& json_;
  std::string at_;
};

}  // namespace kasetsu::campaign
