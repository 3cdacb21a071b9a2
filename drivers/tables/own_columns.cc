#include "drivers/tables/own_columns.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "core/base/text.h"
#include "core/chemistry/names.h"
#include "daemon/base/ulid.h"
#include "drivers/tables/header_meaning.h"
#include "drivers/tables/local_time.h"

namespace kasetsu::tables {
namespace {

constexpr std::pair<std::string_view, ColumnUse> kOwn[] = {{"proposal", ColumnUse::proposal},
                                                           {"sample", ColumnUse::sample},
                                                           {"kind", ColumnUse::kind},
                                                           {"channel", ColumnUse::channel},
                                                           {"sequence", ColumnUse::sequence},
                                                           {"replicate", ColumnUse::replicate},
                                                           {"source", ColumnUse::source},
                                                           {"run", ColumnUse::run},
                                                           {"measured_at", ColumnUse::measured_at}};

bool fits(ColumnUse use, std::string_view cell, const NumberStyle& style) {
  if (cell.empty()) return true;
  switch (use) {
    case ColumnUse::kind: {
      constexpr std::array<std::string_view, 4> kKinds = {"catalyst", "support", "blank",
                                                          "reference"};
      return std::find(kKinds.begin(), kKinds.end(), chemistry::small_letters(cell)) !=
             kKinds.end();
    }
    case ColumnUse::sequence:
    case ColumnUse::replicate: {
      const auto number = read_number(cell, style);
      return number && number->value == std::floor(number->value);
    }
    case ColumnUse::measured_at:
      return read_time(cell, {}, nullptr).ok();
    case ColumnUse::proposal:
      return Ulid::parse(cell).has_value();
    default:
      return true;
  }
}

}  // namespace

std::optional<ColumnUse> own_column(std::string_view name) {
  for (const auto& [known, use] : kOwn) {
    if (known == name) return use;
  }
  return {};
}

std::map<std::size_t, std::string> find_own_columns(const Sheet& sheet,
                                                    const std::vector<Role>& roles, bool has_id) {
  const std::vector<std::string>& header = sheet.header.fields;
  std::map<std::size_t, std::string> own;
  for (std::size_t i = 0; i < header.size(); ++i) {
    if (roles[i] == Role::unused && own_column(header[i])) own[i] = header[i];
  }
  for (const auto& [name, use] : kOwn) {
    if (std::find(header.begin(), header.end(), name) != header.end()) continue;
    if (has_id && name == "sample") continue;
    std::vector<std::size_t> alike;
    for (std::size_t i = 0; i < header.size(); ++i) {
      if (roles[i] == Role::unused && bare(header[i]) == bare(name)) alike.push_back(i);
    }
    if (alike.size() != 1) continue;
    const std::size_t at = alike.front();
    const ColumnUse as = use;
    const bool fit = std::all_of(sheet.rows.begin(), sheet.rows.end(), [&](const CsvRecord& row) {
      return at >= row.fields.size() || fits(as, trim(row.fields[at]), sheet.style);
    });
    if (fit) own[at] = name;
  }
  return own;
}

}  // namespace kasetsu::tables
