// What the rows of a table tell of their catalysts, as the columns are recognised: for those who
// ask whether another column tells more.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "core/chemistry/catalyst.h"
#include "drivers/tables/column_cells.h"
#include "drivers/tables/columns.h"

namespace kasetsu::tables {

// Keeps references to what it is made of.
class CompositionCells : protected ColumnCells {
 protected:
  CompositionCells(const Sheet& sheet, const ReadOptions& options, std::string_view file_name,
                   const Layout& layout, std::vector<Error>& problems);

  // Whether `problems` name the header of this column.
  bool asked_about(std::size_t column) const;

  // Atomic numbers of the active elements that a row tells.
  std::set<int> elements_of(const CsvRecord& row) const;
  // Whether a row tells all of these elements: as active ones, or `anywhere` in its catalyst.
  bool holds(const CsvRecord& row, const std::vector<int>& metals, bool anywhere = false) const;
  // Whether the composition tells any amounts.
  bool has_amounts() const;
  // A row whose cell of the column, told by `text_of`, differs from another row's with the same
  // catalyst; nullptr: none does.
  template <typename Text>
  const CsvRecord* differing_row(Text text_of) const {
    std::map<std::string, std::string> first;
    for (const CsvRecord* const row : rows_) {
      const std::string text = text_of(*row);
      const auto [same, added] = first.try_emplace(told_catalyst(*row), text);
      if (!added && same->second != text) return row;
    }
    return nullptr;
  }

  const Layout& layout_;
  std::vector<Error>& problems_;

 private:
  const Result<chemistry::Catalyst>& named(std::string_view text) const;
  // The cells of all columns that tell the catalyst.
  std::string told_catalyst(const CsvRecord& row) const;

  mutable std::map<std::string, Result<chemistry::Catalyst>, std::less<>> read_names_;
};

}  // namespace kasetsu::tables
