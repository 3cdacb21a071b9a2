#include "daemon/http/table_options.h"

#include <fmt/format.h>

#include <utility>

#include "core/base/csv.h"
#include "core/base/text.h"
#include "daemon/campaign/ingest/table_words.h"

namespace kasetsu::http {
namespace {

Error wrong(std::string_view parameter, std::string value, std::string expected) {
  return Error{ErrorCode::bad_data, "wrong value", fmt::format("query parameter {}", parameter),
               std::move(value), std::move(expected)};
}

}  // namespace

Result<std::vector<std::string>> read_names(const Request& request, std::string_view parameter) {
  std::vector<std::string> names;
  const std::string told = request.query_value(parameter).value_or("");
  if (trim(told).empty()) return names;
  const auto records = read_csv(told, fmt::format("query parameter {}", parameter));
  if (!records) return records.error();
  // A byte order mark is text to trim(), and nothing to read_csv().
  if (records->empty()) return names;
  if (records->size() > 1) {
    return wrong(parameter, told.substr(0, 200),
                 "one line of names; one that holds a line end stands in quotes");
  }
  for (const std::string& name : records->front().fields) names.emplace_back(trim(name));
  return names;
}

Result<TableOptions> read_table_options(const Request& request) {
  TableOptions options;
  options.file_name = request.query_value("file_name");
  options.id = request.query_value("id");
  options.composition = request.query_value("composition");
  options.sheet = request.query_value("sheet").value_or("");
  options.encoding = request.query_value("encoding").value_or("");
  options.name_amounts = request.query_value("name_amounts").value_or("");
  options.shape = request.query_value("shape").value_or("");
  const std::string decimal = request.query_value("decimal").value_or("");
  for (const auto& [name, known] :
       {std::pair{"encoding", campaign::check_encoding(options.encoding)},
        {"name_amounts", campaign::check_name_amounts(options.name_amounts)},
        {"shape", campaign::check_shape(options.shape)},
        {"decimal", campaign::check_decimal(decimal)}}) {
    if (!known) return known.error().in(fmt::format("query parameter {}", name));
  }
  for (const auto& [name, names] : {std::pair{"ignore", &options.ignore},
                                    {"fill_down", &options.fill_down},
                                    {"null", &options.null}}) {
    auto read = read_names(request, name);
    if (!read) return read.error();
    *names = std::move(*read);
  }
  options.decimal = decimal.empty() ? '\0' : decimal == "comma" ? ',' : '.';
  return options;
}

}  // namespace kasetsu::http
