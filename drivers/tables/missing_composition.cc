#include "drivers/tables/missing_composition.h"

#include <fmt/format.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/base/text.h"
#include "core/chemistry/element.h"
#include "core/chemistry/told_catalyst.h"
#include "core/chemistry/weights.h"
#include "drivers/tables/column_cells.h"
#include "drivers/tables/header_meaning.h"

namespace kasetsu::tables {
namespace {

class MissingComposition : private ColumnCells {
 public:
  MissingComposition(const Sheet& sheet, const ReadOptions& options, std::string_view file_name,
                     const Layout& layout)
      : ColumnCells(sheet, options, file_name), layout_(layout) {}

  Error describe() const {
    constexpr std::string_view kShapes =
        "one column an element (Li, Na, ...), slots (M1, M2, ..., Support), slots with amounts "
        "(Metal 1, wt% 1, ..., Support), or one column formula, composition or catalyst (under "
        "another header: --composition)";
    if (const auto nearly = nearly_compositions()) return *nearly;
    for (std::size_t i = 0; i < header_.size(); ++i) {
      if (layout_.roles[i] != Role::unused || header_[i].empty()) continue;
      std::string meant;
      if (const auto oxide = oxide_header(header_[i]); oxide && mostly_numbers(i)) {
        return problem(i, "no column holds the composition; this one holds an oxide", header_[i],
                       oxide_advice(*oxide));
      }
      if (const auto number = slot_near_miss(header_[i])) {
        meant = fmt::format("M{}", *number);
      } else if (is_formula_near_miss(header_[i])) {
        meant = "catalyst, composition or formula";
      } else if (const auto element = element_near_miss(header_[i]);
                 element && (mostly_numbers(i) || all_blank(i))) {
        meant = header_of_element(*element, header_[i]);
      }
      if (!meant.empty()) {
        return problem(i, "no column holds the composition; this one comes near", header_[i],
                       fmt::format("{}; did you mean {}?", kShapes, meant));
      }
    }
    std::vector<std::string> names;
    for (const std::string& name : header_) {
      if (!name.empty()) names.push_back('"' + name + '"');
    }
    return problem("no column holds the composition; the columns are " + join_or(names), "",
                   std::string(kShapes));
  }

 private:
  // "Ni (wt%)", and what becomes of amounts on a gram of catalyst, which are no unit here.
  static std::string header_of_element(int element, std::string_view header) {
    const std::string symbol(chemistry::element_symbol(element));
    std::string letters = bare(header);
    const auto weight = chemistry::atomic_weight(element);
    if (letters.find("mmolgcat") == std::string::npos || !weight) {
      return fmt::format("{0}, or {0} with its unit, such as {0} (wt%) or {0} (mmol/g)", symbol);
    }
    return fmt::format("{0} (wt%): 1 mmol on a gram of catalyst is {1:.4g} wt% of {0}", symbol,
                       *weight / 10.0);
  }

  // A column of text most of whose cells are names of catalysts: the first cell that is none.
  // Names that only an option makes readable count as names.
  std::optional<Error> nearly_compositions() const {
    for (std::size_t i = 0; i < header_.size(); ++i) {
      if (layout_.roles[i] != Role::unused || header_[i].empty() || i == layout_.support) continue;
      std::size_t names = 0, compounds = 0, wrong = 0;
      std::optional<Error> first;
      for (const CsvRecord* const row : rows_) {
        const std::string text = composition_text(cell(*row, i), style_);
        if (text.empty() || read_number(text, style_)) continue;
        std::size_t parts = 0;
        const bool readable = reads_as_composition(text, parts);
        const bool name = readable || read_numbered_name(text, "wt%");
        names += name ? 1 : 0;
        compounds += parts > 1 || (name && !readable) ? 1 : 0;
        if (readable) continue;
        ++wrong;
        if (!first) first = name_error(*row, i, text);
      }
      if (!first || compounds == 0 || names < wrong) continue;
      first->message = fmt::format(
          "this column comes nearest to compositions, but {} of its cells cannot be read, the "
          "first because: {}",
          wrong, first->message);
      return first;
    }
    return {};
  }

  Error name_error(const CsvRecord& row, std::size_t column, const std::string& text) const {
    Error error = chemistry::parse_catalyst_name(text, chemistry::SupportTable()).error();
    error.where = csv_place(file_name_, row.line, header_[column], column);
    return composition_error(std::move(error), text);
  }

  const Layout& layout_;
};

}  // namespace

Error missing_composition(const Sheet& sheet, const ReadOptions& options,
                          std::string_view file_name, const Layout& layout) {
  return MissingComposition(sheet, options, file_name, layout).describe();
}

}  // namespace kasetsu::tables
