#include "daemon/cli/program/answers.h"

#include <limits>
#include <vector>

namespace kasetsu::cli {

const Json& member(const Json& object, std::string_view name) {
  static const Json kNull;
  if (!object.is_object()) return kNull;
  const auto found = object.find(std::string(name));
  return found == object.end() ? kNull : *found;
}

const Json& list_of(const Json& object, std::string_view name) {
  static const Json kEmpty = Json::array();
  const Json& found = member(object, name);
  return found.is_array() ? found : kEmpty;
}

std::string field(const Json& object, std::string_view name) {
  const Json& found = member(object, name);
  if (found.is_null()) return "-";
  if (found.is_string()) return found.get<std::string>();
  if (found.is_number_float()) return format_short(found.get<double>());
  return found.dump(-1, ' ', false, Json::error_handler_t::replace);
}

double number_of(const Json& object, std::string_view name) {
  const Json& found = member(object, name);
  return found.is_number() ? found.get<double>() : std::numeric_limits<double>::quiet_NaN();
}

std::string catalyst_text(const Json& object) {
  const Json& catalyst = member(object, "catalyst");
  const std::string description = field(catalyst, "description");
  return description == "-" ? field(catalyst, "key") : description;
}

TextTable table_of(const Json& items, Columns columns) {
  std::vector<std::string> header;
  for (const auto& [title, name] : columns) header.emplace_back(title);
  TextTable table(std::move(header));
  for (const Json& item : items) {
    std::vector<std::string> cells;
    for (const auto& [title, name] : columns) {
      const bool described = std::string_view(name) == "catalyst";
      cells.push_back(described ? catalyst_text(item) : field(item, name));
    }
    table.add(std::move(cells));
  }
  return table;
}

Status show_list(const char* name, const Json& items, Columns columns, std::string_view nothing,
                 Session& session) {
  if (items.empty() && !session.json) {
    session.say(nothing);
    return {};
  }
  return session.show({{name, items}}, table_of(items, columns));
}

void say_notes(const Json& answer, Session& session) {
  if (session.json) return;
  for (const Json& note : list_of(answer, "notes")) {
    if (note.is_string()) session.say(note.get<std::string>());
  }
}

}  // namespace kasetsu::cli
