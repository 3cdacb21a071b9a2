// What a person tells of a table as query parameters: one way for deliveries, looks and drafts.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "daemon/http/message.h"

namespace kasetsu::http {

// Names of the parameters that read_table_options takes.
inline constexpr std::string_view kTableOptions[] = {
    "file_name", "id",        "composition",  "sheet",  "decimal", "encoding",
    "null",      "fill_down", "name_amounts", "ignore", "shape"};

// As campaign::DeliveryOptions and campaign::TableRequest have them.
struct TableOptions {
  std::optional<std::string> file_name, id, composition;
  std::string sheet, encoding, name_amounts, shape;
  std::vector<std::string> ignore, fill_down, null;
  char decimal = '\0';  // '.' or ','; 0: found out

  // Into what the use case takes.
  template <typename Options>
  void tell(Options& options) && {
    if (file_name) options.file_name = std::move(*file_name);
    options.id = std::move(id);
    options.composition = std::move(composition);
    options.sheet = std::move(sheet);
    options.encoding = std::move(encoding);
    options.name_amounts = std::move(name_amounts);
    options.shape = std::move(shape);
    options.ignore = std::move(ignore);
    options.fill_down = std::move(fill_down);
    options.null = std::move(null);
    options.decimal = decimal;
  }
};
Result<TableOptions> read_table_options(const Request& request);

// Names of columns with commas between them; one that holds a comma stands in quotes, as in CSV.
Result<std::vector<std::string>> read_names(const Request& request, std::string_view parameter);

}  // namespace kasetsu::http
