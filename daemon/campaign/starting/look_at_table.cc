#include "daemon/campaign/starting/look_at_table.h"

#include <algorithm>
#include <charconv>
#include <map>

#include "drivers/tables/shape_names.h"
#include "drivers/tables/sheet.h"
#include "drivers/tables/table.h"
#include "drivers/tables/table_rows.h"

namespace kasetsu::campaign {
namespace {

constexpr std::size_t kMostProblems = 200;
constexpr std::size_t kFirstCells = 4;

tables::ReadOptions reading_of(const TableRequest& request) {
  tables::ReadOptions reading;
  reading.targets = request.targets;
  reading.conditions = request.conditions;
  reading.ignore = request.ignore;
  reading.composition = request.composition;
  reading.id = request.id;
  reading.sheet = request.sheet;
  reading.decimal = request.decimal;
  reading.encoding = request.encoding;
  reading.name_amounts = request.name_amounts;
  reading.shape = tables::kShapeNames.from_name(request.shape).value_or(tables::Shape::automatic);
  reading.fill_down = request.fill_down;
  reading.null = request.null;
  return reading;
}

std::string_view name_of(tables::Shape shape) {
  switch (shape) {
    case tables::Shape::automatic:
      return "automatic";
    case tables::Shape::loadings:
      return "loadings";
    case tables::Shape::slots:
      return "slots";
    case tables::Shape::formula:
      return "formula";
  }
  return "automatic";
}

// Of "own.csv:7: column \"Li\"": 7 and Li.
Json problem_json(const Error& error) {
  Json json = {{"detail", error.message},
               {"value", error.value.empty() ? Json(nullptr) : Json(error.value.substr(0, 200))},
               {"expected", error.expected.empty() ? Json(nullptr) : Json(error.expected)},
               {"line", nullptr},
               {"column", nullptr}};
  constexpr std::string_view kColumn = ": column \"";
  std::string_view place = error.where;
  if (const auto column = place.find(kColumn); column != std::string_view::npos) {
    const std::string_view name = place.substr(column + kColumn.size());
    json["column"] = name.substr(0, name.rfind('"'));
    place = place.substr(0, column);
  }
  const auto colon = place.rfind(':');
  std::size_t line = 0;
  if (colon != std::string_view::npos &&
      std::from_chars(place.data() + colon + 1, place.data() + place.size(), line).ec ==
          std::errc()) {
    json["line"] = line;
  }
  return json;
}

struct Problems {
  Json list = Json::array();
  std::size_t total = 0;
  std::map<std::string, std::size_t> by_column;
  void add(const Error& error) {
    Json item = problem_json(error);
    ++total;
    if (item["column"].is_string()) ++by_column[item["column"].get<std::string>()];
    if (list.size() < kMostProblems) list.push_back(std::move(item));
  }
};

Json columns_json(const std::vector<tables::ColumnReport>& columns, const tables::Sheet& sheet,
                  const Problems& problems) {
  Json list = Json::array();
  for (const tables::ColumnReport& column : columns) {
    Json first = Json::array();
    for (std::size_t r = 0; r < sheet.rows.size() && r < kFirstCells; ++r) {
      const auto& cells = sheet.rows[r].fields;
      if (column.number <= cells.size()) first.push_back(cells[column.number - 1].substr(0, 60));
    }
    const auto wrong = problems.by_column.find(column.header);
    list.push_back({{"number", column.number},
                    {"header", column.header},
                    {"use", column.use},
                    {"name", column.name},
                    {"unit", column.unit},
                    {"content", column.content},
                    {"filled", column.filled},
                    {"first", std::move(first)},
                    {"problems", wrong == problems.by_column.end() ? 0 : wrong->second}});
  }
  return list;
}

// What can be said of columns that nobody could tell.
std::vector<tables::ColumnReport> unread_columns(const tables::Sheet& sheet) {
  std::vector<tables::ColumnReport> columns;
  for (std::size_t i = 0; i < sheet.header.fields.size(); ++i) {
    tables::ColumnReport column;
    column.number = i + 1;
    column.header = sheet.header.fields[i];
    column.use = "not used";
    column.content = "text";
    column.filled = static_cast<std::size_t>(std::count_if(
        sheet.rows.begin(), sheet.rows.end(),
        [&](const CsvRecord& row) { return i < row.fields.size() && !row.fields[i].empty(); }));
    columns.push_back(std::move(column));
  }
  return columns;
}

}  // namespace

Result<Json> look_at_table(std::string_view bytes, const TableRequest& request,
                           const chemistry::SupportTable& supports) {
  tables::SheetOptions options;
  options.sheet = request.sheet;
  options.decimal = request.decimal;
  options.encoding = request.encoding;
  options.fill_down = request.fill_down;
  const auto sheet = tables::read_sheet(bytes, request.file_name, options);
  if (!sheet) return sheet.error();
  const auto table = tables::read_rows(bytes, request.file_name, reading_of(request), supports);
  Problems problems;
  Json json = {{"rows", sheet->rows.size()},
               {"shape", table ? name_of(table->shape) : name_of(tables::Shape::automatic)},
               {"encoding", sheet->encoding},
               {"delimiter", sheet->delimiter},
               {"header_line", sheet->header.line},
               {"sheet", request.sheet},
               {"notes", table ? table->notes : sheet->notes}};
  if (table) {
    for (const tables::TableRow& row : table->rows) {
      for (const Error& problem : row.problems) problems.add(problem);
    }
  } else {
    problems.add(table.error());
  }
  json["columns"] = columns_json(table ? table->columns : unread_columns(*sheet), *sheet, problems);
  json["problems"] = std::move(problems.list);
  json["problems_total"] = problems.total;
  return json;
}

Result<DraftedFile> draft_from_table(std::string_view bytes, const TableRequest& request,
                                     const DraftRequest& draft,
                                     const chemistry::SupportTable& supports) {
  if (request.targets.size() != 1)
    return Error{ErrorCode::bad_data, "a draft has one target", "target",
                 request.targets.empty() ? "" : request.targets[1], "the name of one column"};
  const auto read = [&](const tables::ReadOptions& options) {
    return tables::read_table(bytes, request.file_name, options, supports);
  };
  return draft_campaign_file(draft, reading_of(request), read, supports);
}

}  // namespace kasetsu::campaign
