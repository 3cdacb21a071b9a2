#include "drivers/tables/composition_cells.h"

#include <algorithm>

#include "core/chemistry/element.h"
#include "core/chemistry/told_catalyst.h"
#include "drivers/tables/cells.h"

namespace kasetsu::tables {

CompositionCells::CompositionCells(const Sheet& sheet, const ReadOptions& options,
                                   std::string_view file_name, const Layout& layout,
                                   std::vector<Error>& problems)
    : ColumnCells(sheet, options, file_name), layout_(layout), problems_(problems) {
}

bool CompositionCells::asked_about(std::size_t column) const {
  const std::string place = csv_place(file_name_, line_, header_[column], column);
  return std::any_of(problems_.begin(), problems_.end(),
                     [&](const Error& one) { return one.where == place; });
}

// Tables repeat their names: each is read once, of the first thousands.
const Result<chemistry::Catalyst>& CompositionCells::named(std::string_view text) const {
  constexpr std::size_t kMost = 10'000;
  const auto known = read_names_.find(text);
  if (known != read_names_.end()) return known->second;
  if (read_names_.size() >= kMost) read_names_.clear();
  return read_names_
      .emplace(text, chemistry::parse_catalyst_name(composition_text(text, style_),
                                                    chemistry::SupportTable()))
      .first->second;
}

std::set<int> CompositionCells::elements_of(const CsvRecord& row) const {
  std::set<int> held;
  const auto take = [&held](const chemistry::Composition& composition) {
    for (const auto& part : composition.parts()) held.insert(part.element);
  };
  for (std::size_t k = 0; k < layout_.composition.size(); ++k) {
    const std::string_view text = cell(row, layout_.composition[k]);
    if (layout_.shape == Shape::loadings) {
      const auto amount = read_number(text, style_);
      if (amount && amount->value > 0.0) held.insert(layout_.elements[k]);
    } else if (const auto& name = named(text)) {
      take(name->active);
    }
  }
  for (const auto& column : {layout_.name, layout_.label}) {
    if (!column) continue;
    if (const auto& name = named(cell(row, *column))) take(name->active);
  }
  return held;
}

bool CompositionCells::holds(const CsvRecord& row, const std::vector<int>& metals,
                             bool anywhere) const {
  std::set<int> held = elements_of(row);
  const auto take_support = [&](std::string_view support) {
    const auto formula = chemistry::parse_formula(composition_text(support, style_));
    if (!formula) return;
    for (const auto& part : formula->parts()) held.insert(part.element);
  };
  if (anywhere) {
    if (layout_.support) take_support(cell(row, *layout_.support));
    for (const std::size_t column : layout_.composition) {
      if (const auto& name = named(cell(row, column))) take_support(name->support);
    }
  }
  return std::all_of(metals.begin(), metals.end(), [&](int one) { return held.contains(one); });
}

bool CompositionCells::has_amounts() const {
  if (!layout_.amounts.empty() || layout_.shape == Shape::loadings) return true;
  return std::any_of(rows_.begin(), rows_.end(), [&](const CsvRecord* row) {
    return std::any_of(
        layout_.composition.begin(), layout_.composition.end(), [&](std::size_t column) {
          const auto& name = named(cell(*row, column));
          return name && std::any_of(name->active.parts().begin(), name->active.parts().end(),
                                     [](const auto& part) { return part.amount != 1.0; });
        });
  });
}

std::string CompositionCells::told_catalyst(const CsvRecord& row) const {
  std::string told;
  const auto take = [&](std::size_t column) {
    told += composition_text(cell(row, column), style_);
    told += '\0';
  };
  for (const std::size_t column : layout_.composition) take(column);
  for (const auto& [slot, amount] : layout_.amounts) take(amount);
  for (const auto& column : {layout_.support, layout_.preparation, layout_.name, layout_.label}) {
    if (column) take(*column);
  }
  return told;
}

}  // namespace kasetsu::tables
