#include "drivers/tables/problems.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <utility>

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
  std::string column, message, form, expected;
  std::vector<std::string> values;  // that differ
  std::vector<std::string> lines;
};

// What is expected, with the value's place left open: problems that differ in nothing else are one.
std::string form_of(std::string text, const std::string& value) {
  if (value.empty()) return text;
  for (std::size_t at = text.find(value); at != std::string::npos; at = text.find(value, at + 1)) {
    text.replace(at, value.size(), 1, '\1');
  }
  return text;
}

// The same with all values in that place: --null "tr" "*".
std::string with_values(const std::string& form, const std::vector<std::string>& values) {
  constexpr std::size_t kMost = 8;
  std::string all;
  for (std::size_t i = 0; i < std::min(values.size(), kMost); ++i) {
    all += (i == 0 ? "" : "\" \"") + values[i];
  }
  std::string text;
  for (const char c : form) {
    if (c == '\1') {
      text += all;
    } else {
      text += c;
    }
  }
  return text;
}

std::string values_text(const std::vector<std::string>& values) {
  constexpr std::size_t kMost = 8;
  std::string text;
  for (std::size_t i = 0; i < std::min(values.size(), kMost); ++i) {
    text += (i == 0 ? "" : "\", \"") + values[i];
  }
  if (values.size() > kMost) text += fmt::format("\" and {} more", values.size() - kMost);
  return text;
}

// Problems that differ in their lines and values alone; those of one column stand together, in the
// order in which the columns came.
std::vector<Group> grouped(std::string_view file_name, const std::vector<Error>& problems) {
  std::vector<Group> groups;
  std::map<std::tuple<std::string, std::string, std::string>, std::size_t> places;
  std::set<std::pair<std::size_t, std::string>> values;  // by group
  std::map<std::string, std::size_t> columns;            // in which order they came
  for (const Error& problem : problems) {
    ProblemPlace place = place_of(problem.where, file_name);
    const std::string form = form_of(problem.expected, problem.value);
    const auto [known, anew] =
        places.try_emplace(std::tuple(place.column, problem.message, form), groups.size());
    if (anew) groups.push_back({place.column, problem.message, form, problem.expected, {}, {}});
    columns.try_emplace(place.column, columns.size());
    Group& group = groups[known->second];
    if (!problem.value.empty() && values.emplace(known->second, problem.value).second) {
      group.values.push_back(problem.value);
    }
    if (!place.line.empty()) group.lines.push_back(std::move(place.line));
  }
  std::stable_sort(groups.begin(), groups.end(), [&](const Group& a, const Group& b) {
    return columns.at(a.column) < columns.at(b.column);
  });
  return groups;
}

}  // namespace

Error together(std::string_view file_name, const std::vector<Error>& problems) {
  KASETSU_ASSERT(!problems.empty());
  if (problems.size() == 1) return problems.front();
  const std::vector<Group> groups = grouped(file_name, problems);
  constexpr std::size_t kMostGroups = 40, kMostLines = 8;
  std::string text = fmt::format("{} problems", problems.size());
  for (std::size_t g = 0; g < std::min(groups.size(), kMostGroups); ++g) {
    const Group& group = groups[g];
    const bool several = group.values.size() > 1;
    Error one{ErrorCode::bad_data, group.message, group.column, values_text(group.values),
              several ? with_values(group.form, group.values) : group.expected};
    text += "\n  " + one.to_string();
    if (group.lines.empty()) continue;
    text +=
        group.lines.size() == 1 ? " (line " : fmt::format(" ({} rows: lines ", group.lines.size());
    for (std::size_t i = 0; i < std::min(group.lines.size(), kMostLines); ++i) {
      text += (i == 0 ? "" : ", ") + group.lines[i];
    }
    text += group.lines.size() > kMostLines ? ", ...)" : ")";
  }
  if (groups.size() > kMostGroups) {
    text += fmt::format("\n  and {} more", groups.size() - kMostGroups);
  }
  return Error{ErrorCode::bad_data, text, std::string(file_name), {}, {}};
}

}  // namespace kasetsu::tables
