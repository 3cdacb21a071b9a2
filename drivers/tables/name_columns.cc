#include "drivers/tables/name_columns.h"

#include <algorithm>
#include <string>

#include "core/chemistry/element.h"
#include "core/chemistry/told_catalyst.h"
#include "drivers/tables/column_cells.h"

namespace kasetsu::tables {
namespace {

class Names : private ColumnCells {
 public:
  Names(const Sheet& sheet, const ReadOptions& options, std::string_view file_name)
      : ColumnCells(sheet, options, file_name) {}

  NamesBeside compare(std::size_t names,
                      const std::vector<std::pair<std::size_t, int>>& elements) const {
    const chemistry::SupportTable supports;
    NamesBeside found;
    for (const CsvRecord* const row : rows_) {
      const auto name =
          chemistry::parse_catalyst_name(composition_text(cell(*row, names), style_), supports);
      if (!name) continue;
      ++found.readable;
      found.supports = found.supports || !name->support.empty();
      std::set<int> named, held;
      for (const auto& part : name->active.parts()) {
        named.insert(part.element);
        found.amounts = found.amounts || part.amount != 1.0;
      }
      for (const auto& [column, element] : elements) {
        if (element == 0) {
          const auto symbol = chemistry::atomic_number(cell(*row, column));
          if (symbol) held.insert(*symbol);
          continue;
        }
        const auto amount = read_number(cell(*row, column), style_);
        if (amount && amount->value > 0) held.insert(element);
      }
      found.agreeing += named == held ? 1 : 0;
      found.most_elements = std::max(found.most_elements, named.size());
      found.elements.merge(named);
    }
    return found;
  }

  std::vector<std::size_t> columns(const Layout& layout, bool labels_too) const {
    std::vector<std::size_t> found;
    for (std::size_t i = 0; i < header_.size(); ++i) {
      const Role role = layout.roles[i];
      const bool label =
          labels_too && (role == Role::id || (role == Role::own && header_[i] == "sample"));
      if ((role != Role::unused && !label) || header_[i].empty() || i == layout.support) continue;
      if (holds_names(i)) found.push_back(i);
    }
    return found;
  }

 private:
  bool holds_names(std::size_t column) const {
    std::size_t read = 0, compounds = 0;
    const bool all = std::all_of(rows_.begin(), rows_.end(), [&](const CsvRecord* row) {
      const std::string text = composition_text(cell(*row, column), style_);
      if (text.empty()) return true;
      ++read;
      std::size_t parts = 0;
      const bool readable = reads_as_composition(text, parts);
      compounds += parts > 1 ? 1 : 0;
      return readable;
    });
    return all && read > 0 && 2 * compounds > read;
  }
};

}  // namespace

NamesBeside compare_names(const Sheet& sheet, const ReadOptions& options,
                          std::string_view file_name, std::size_t names,
                          const std::vector<std::pair<std::size_t, int>>& elements) {
  return Names(sheet, options, file_name).compare(names, elements);
}

std::vector<std::size_t> columns_of_names(const Sheet& sheet, const ReadOptions& options,
                                          std::string_view file_name, const Layout& layout,
                                          bool labels_too) {
  return Names(sheet, options, file_name).columns(layout, labels_too);
}

}  // namespace kasetsu::tables
