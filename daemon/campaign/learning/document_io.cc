#include "daemon/campaign/learning/document_io.h"

#include <cmath>

namespace kasetsu::campaign {
namespace {

template <typename T>
T need(Result<T> result) {
  if (!result) throw UnreadableDocument{result.error()};
  return std::move(result).value();
}

}  // namespace

void refuse_document(std::string_view where, std::string_view message, std::string_view value,
                     std::string_view expected) {
  throw UnreadableDocument{Error{ErrorCode::bad_data, std::string(message), std::string(where),
                                 std::string(value), std::string(expected)}};
}

Json DocumentWriter::written(double value) {
  return std::isfinite(value) ? Json(value) : Json(nullptr);
}

Json DocumentWriter::written(const Eigen::VectorXd& values) {
  Json out = Json::array();
  for (const double value : values) out.push_back(written(value));
  return out;
}

const Json& DocumentReader::member(const char* name) const {
  if (!json_.is_object()) refuse_document(at_, "not an object", "", "a JSON object");
  const auto found = json_.find(name);
  if (found == json_.end()) refuse_document(json_pointer(at_, name), "member is missing");
  return *found;
}

const Json& DocumentReader::array(const char* name) const {
  const Json& value = member(name);
  if (!value.is_array())
    refuse_document(json_pointer(at_, name), "not an array", "", "a JSON array");
  return value;
}

void DocumentReader::matrix(const char* name, Eigen::MatrixXd& values, Eigen::Index columns) const {
  const Json& rows = array(name);
  const std::string place = json_pointer(at_, name);
  values.resize(static_cast<Eigen::Index>(rows.size()), columns);
  Eigen::VectorXd row;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    read(rows[i], place, row);
    if (row.size() != columns) {
      refuse_document(place, "a row has the wrong length", fmt::format("{}", row.size()),
                      fmt::format("{} numbers", columns));
    }
    values.row(static_cast<Eigen::Index>(i)) = row.transpose();
  }
}

void DocumentReader::read(const Json& json, const std::string& at, bool& value) {
  value = need(read_value_as<bool>(json, at));
}

void DocumentReader::read(const Json& json, const std::string& at, int& value) {
  const auto found = need(read_value_as<std::int64_t>(json, at));
  if (found < std::numeric_limits<int>::min() || found > std::numeric_limits<int>::max())
    refuse_document(at, "integer is out of range", fmt::format("{}", found));
  value = static_cast<int>(found);
}

void DocumentReader::read(const Json& json, const std::string& at, std::uint64_t& value) {
  // Up to 2^64 - 1, as seeds are.
  if (!json.is_number_unsigned())
    refuse_document(at, "not a whole number, 0 or larger", dump_json(json));
  value = json.get<std::uint64_t>();
}

void DocumentReader::read(const Json& json, const std::string& at, double& value) {
  value = json.is_null() ? std::numeric_limits<double>::quiet_NaN()
                         : need(read_value_as<double>(json, at));
}

void DocumentReader::read(const Json& json, const std::string& at, std::string& value) {
  value = need(read_value_as<std::string>(json, at));
}

void DocumentReader::read(const Json& json, const std::string& at, Eigen::VectorXd& values) {
  if (!json.is_array()) refuse_document(at, "not an array", "", "an array of numbers");
  values.resize(static_cast<Eigen::Index>(json.size()));
  for (std::size_t i = 0; i < json.size(); ++i)
    read(json[i], at, values[static_cast<Eigen::Index>(i)]);
}

}  // namespace kasetsu::campaign
