#include "drivers/tables/problems.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>

#include "core/base/text.h"

namespace kasetsu::tables {
namespace {

// "file:12: column "y"" apart: the line, and the column's part.
struct ProblemPlace {
  std::string line, column;
};

ProblemPlace place_of(std::string_view where, std::string_view file_name) {
  ProblemPlace place;
  if (!where.starts_with(file_name)) return {{}, std::string(where)};
  where.remove_prefix(file_name.size());
  if (!where.starts_with(':')) return place;
  where.remove_prefix(1);
  const auto digits = where.find_first_not_of("0123456789");
  place.line = std::string(where.substr(0, digits));
  if (digits == std::string_view::npos) return place;
  where.remove_prefix(digits);
  if (where.starts_with(": ")) where.remove_prefix(2);
  place.column = std::string(where);
  return place;
}

struct Group {
  std::string column, message, value, expected;
  std::vector<std::string> lines;
};

}  // namespace

Error together(std::string_view file_name, const std::vector<Error>& problems) {
  KASETSU_ASSERT(!problems.empty());
  if (problems.size() == 1) return problems.front();
  std::vector<Group> groups;
  for (const Error& problem : problems) {
    ProblemPlace place = place_of(problem.where, file_name);
    auto known = std::find_if(groups.begin(), groups.end(), [&](const Group& group) {
      return group.column == place.column && group.message == problem.message;
    });
    if (known == groups.end()) {
      groups.push_back({place.column, problem.message, problem.value, problem.expected, {}});
      known = groups.end() - 1;
    }
    if (!place.line.empty()) known->lines.push_back(std::move(place.line));
  }
  // The problems of one column stand together, in the order in which the columns came.
  std::vector<const Group*> ordered;
  for (const Group& group : groups) {
    auto after = std::find_if(ordered.rbegin(), ordered.rend(),
                              [&](const Group* one) { return one->column == group.column; });
    ordered.insert(after == ordered.rend() ? ordered.end() : after.base(), &group);
  }
  constexpr std::size_t kMostGroups = 40, kMostLines = 8;
  std::string text = fmt::format("{} problems", problems.size());
  for (std::size_t g = 0; g < std::min(ordered.size(), kMostGroups); ++g) {
    const Group& group = *ordered[g];
    Error one{ErrorCode::bad_data, group.message, group.column, group.value, group.expected};
    text += "\n  " + one.to_string();
    if (group.lines.empty()) continue;
    text +=
        group.lines.size() == 1 ? " (line " : fmt::format(" ({} rows: lines ", group.lines.size());
    for (std::size_t i = 0; i < std::min(group.lines.size(), kMostLines); ++i) {
      text += (i == 0 ? "" : ", ") + group.lines[i];
    }
    text += group.lines.size() > kMostLines ? ", ...)" : ")";
  }
  if (ordered.size() > kMostGroups) {
    text += fmt::format("\n  and {} more", ordered.size() - kMostGroups);
  }
  return Error{ErrorCode::bad_data, text, std::string(file_name), {}, {}};
}

}  // namespace kasetsu::tables
