#include "drivers/tables/profile_columns.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <optional>

#include "core/base/text.h"
#include "core/chemistry/basis.h"
#include "core/chemistry/element.h"
#include "drivers/tables/header_meaning.h"
#include "drivers/tables/header_text.h"

namespace kasetsu::tables {
namespace {

// What "*" of the pattern stands for; nothing when the name is another. Both folded; the captured
// text is cut from `cased`, which has the same length as `name`.
std::optional<std::string> capture(std::string_view pattern, std::string_view name,
                                   std::string_view cased) {
  const auto star = pattern.find('*');
  if (star == std::string_view::npos) return std::nullopt;
  const std::string_view before = pattern.substr(0, star), after = pattern.substr(star + 1);
  if (name.size() <= before.size() + after.size() || !name.starts_with(before) ||
      !name.ends_with(after)) {
    return std::nullopt;
  }
  const std::string_view word =
      cased.substr(before.size(), name.size() - before.size() - after.size());
  if (word.find(' ') != std::string_view::npos) return std::nullopt;
  return std::string(word);
}

void fill_star(std::string& text, const std::string& word) {
  if (const auto star = text.find('*'); star != std::string::npos) text.replace(star, 1, word);
}

struct Found {
  const ProfileColumn* column = nullptr;
  std::string word;    // of "*"
  bool whole = false;  // the header with its unit is what the profile names
};

// Whether `header` is another name than `known` because the file has both, in letters of another
// case: CO beside Co.
bool is_other_case(std::string_view header, std::string_view known,
                   const std::vector<std::string>& all) {
  return trim(header) != known && std::any_of(all.begin(), all.end(), [&](const std::string& name) {
           return trim(name) == known;
         });
}

Found find_column(std::string_view header, const Profile& profile,
                  const std::vector<std::string>& all) {
  const std::string whole = fold_name(header);
  const HeaderName split = split_unit(header);
  for (const bool with_unit : {true, false}) {
    for (const ProfileColumn& column : profile.columns) {
      for (const std::string& known : column.headers) {
        const bool fits =
            with_unit ? fold_name(known) == whole
                      : fold_name(known) == split.name || split_unit(known).name == split.name;
        if (fits && !whole.empty() && !is_other_case(header, known, all)) {
          return {&column, "", with_unit};
        }
      }
    }
  }
  for (const ProfileColumn& column : profile.columns) {
    for (const std::string& known : column.headers) {
      if (auto word = capture(split_unit(known).name, split.name, split.cased)) {
        return {&column, std::move(*word), false};
      }
    }
  }
  return {};
}

bool may_repeat(const ProfileColumn& column) {
  return column.use == ColumnUse::slot || column.use == ColumnUse::ignore ||
         column.headers[0].find('*') != std::string::npos;
}

bool has_unit(ColumnUse use) {
  return use == ColumnUse::value || use == ColumnUse::condition;
}

}  // namespace

std::size_t count_matches(const std::vector<std::string>& header, const Profile& profile) {
  std::size_t count = 0;
  for (const std::string& name : header) {
    if (find_column(name, profile, header).column != nullptr ||
        (profile.elements && chemistry::atomic_number(split_unit(name).cased))) {
      ++count;
    }
  }
  return count;
}

Result<MatchedColumns> match_columns(const CsvRecord& header, const std::vector<std::string>& units,
                                     const Profile& profile, std::string_view file_name) {
  const auto bad = [&](std::size_t at, std::string message, std::string value,
                       std::string expected) {
    return Error{ErrorCode::bad_data, std::move(message),
                 csv_place(file_name, header.line, trim(header.fields[at]), at), std::move(value),
                 std::move(expected)};
  };
  MatchedColumns matched;
  std::vector<const ProfileColumn*> taken;
  for (std::size_t i = 0; i < header.fields.size(); ++i) {
    const std::string& name = header.fields[i];
    const HeaderName split = split_unit(name);
    Found found = find_column(name, profile, header.fields);
    MatchedColumn column;
    column.at = i;
    column.header = trim(name);
    if (found.column != nullptr) {
      column.column = *found.column;
      if (!may_repeat(*found.column) &&
          std::find(taken.begin(), taken.end(), found.column) != taken.end()) {
        return bad(i,
                   fmt::format("two columns hold the {}", found.column->name.empty()
                                                              ? to_string(found.column->use)
                                                              : found.column->name),
                   std::string(trim(name)), "one of them");
      }
      taken.push_back(found.column);
      fill_star(column.column.name, found.word);
      fill_star(column.column.of, found.word);
      if (column.column.use == ColumnUse::element) {
        column.element = *chemistry::atomic_number(column.column.name);
      }
    } else if (const auto element = chemistry::atomic_number(split.cased);
               profile.elements && element) {
      column.column.use = ColumnUse::element;
      column.column.name = split.cased;
      column.element = *element;
    } else {
      if (!split.name.empty()) matched.unused.push_back(column.header);
      continue;
    }

    std::string unit = split.unit;
    const std::string below = i < units.size() ? plain_characters(trim(units[i])) : std::string();
    const bool told_below = !below.empty() && below != "-";
    if (told_below) {
      if (!unit.empty() && !found.whole && !same_unit(unit, below)) {
        return bad(i, "the header and the line below it tell different units", unit, below);
      }
      unit = below;
    }
    if (column.column.use == ColumnUse::element) {
      if (unit.empty()) unit = column.column.assume;
      column.file_unit = unit.empty() ? profile.elements_assume : unit;
      if (!profile.elements_unit.empty() && column.file_unit.empty()) {
        return bad(i, "the column tells no unit", "",
                   "a unit such as (mmol/g) in the header, or elements.assume in the profile");
      }
    } else if (column.column.use == ColumnUse::slot_amount ||
               column.column.use == ColumnUse::fraction_list) {
      if (unit.empty()) unit = column.column.assume;
      if (!unit.empty() && !chemistry::told_unit(unit)) {
        return bad(
            i, "the column tells an unknown unit of amounts", unit,
            "wt%, at%, mol%, mmol/g, ...; `assume` in the profile where the header tells none");
      }
      column.file_unit = unit;
    } else if (has_unit(column.column.use)) {
      const std::string& wanted = column.column.unit;
      column.unit = wanted;
      if (wanted.empty()) {
        if (!found.whole || told_below) column.unit = unit;
      } else {
        // A part in brackets that belongs to the name, as in T50(NO): the profile tells the unit.
        const bool part_of_name = found.whole && !told_below && !unit.empty() &&
                                  !convert_units(unit, wanted) && !column.column.assume.empty();
        if (unit.empty() || part_of_name) unit = column.column.assume;
        if (unit.empty()) {
          return bad(
              i, "the column tells no unit", "",
              fmt::format("a unit such as ({}) in the header, or `assume` in the profile", wanted));
        }
        const auto conversion = convert_units(unit, wanted);
        if (!conversion) {
          const Error& error = conversion.error();
          return bad(i, error.message, error.value, error.expected);
        }
        column.conversion = *conversion;
      }
    }
    for (const MatchedColumn& other : matched.columns) {
      if (has_unit(column.column.use) && other.column.use == column.column.use &&
          other.column.name == column.column.name) {
        return bad(i, fmt::format("two columns hold {}", column.column.name),
                   std::string(trim(name)), other.header);
      }
    }
    matched.columns.push_back(std::move(column));
  }

  for (const ProfileColumn& column : profile.columns) {
    if (std::find(taken.begin(), taken.end(), &column) != taken.end()) continue;
    // A header that is nearly the wanted one is a slip of the pen, and never passed over.
    for (const std::string& known : column.headers) {
      if (known.find('*') != std::string::npos || known.size() < 4) continue;
      for (const std::string& unused : matched.unused) {
        const std::vector<std::string> one{split_unit(unused).name};
        const std::string wanted = split_unit(known).name;
        if (one[0].size() + 2 < wanted.size() || wanted.size() + 2 < one[0].size()) continue;
        // Another number is another thing (C2H4, C2H6), not a slip.
        if (edit_distance(wanted, one[0]) != 1 || digits_of(wanted) != digits_of(one[0]) ||
            column.use == ColumnUse::ignore) {
          continue;
        }
        const auto at = std::find_if(header.fields.begin(), header.fields.end(),
                                     [&](const std::string& f) { return trim(f) == unused; });
        return bad(static_cast<std::size_t>(at - header.fields.begin()),
                   "the column is not known, but nearly", unused,
                   fmt::format("did you mean \"{}\"?", known));
      }
    }
    if (!column.required) continue;
    const auto near = nearest_names(column.headers[0], matched.unused, 1);
    return Error{ErrorCode::bad_data, "a column is missing", csv_place(file_name, header.line),
                 near.empty() ? std::string() : near[0], "a column " + join_or(column.headers)};
  }
  if (!profile.unknown_columns && !matched.unused.empty()) {
    return Error{ErrorCode::bad_data, "the profile does not know this column",
                 csv_place(file_name, header.line), matched.unused[0],
                 "a column of the profile, or unknown_columns = \"ignore\""};
  }
  return matched;
}

}  // namespace kasetsu::tables
