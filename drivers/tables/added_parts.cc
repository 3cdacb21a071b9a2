#include "drivers/tables/added_parts.h"

#include <fmt/format.h>

#include <map>
#include <string>

#include "drivers/tables/cells.h"
#include "drivers/tables/composition_cells.h"
#include "drivers/tables/header_text.h"
#include "drivers/tables/part_words.h"

namespace kasetsu::tables {
namespace {

class AddedParts : private CompositionCells {
 public:
  AddedParts(const Sheet& sheet, const ReadOptions& options, std::string_view file_name,
             const Layout& layout, std::vector<Error>& problems)
      : CompositionCells(sheet, options, file_name, layout, problems) {}

  void ask() {
    if (layout_.shape == Shape::automatic) return;
    for (std::size_t i = 0; i < header_.size(); ++i) {
      if (layout_.roles[i] != Role::unused || header_[i].empty() || asked_about(i)) continue;
      if (i == layout_.label || i == layout_.name) continue;
      const CsvRecord* const row = lost_part(i);
      if (row != nullptr) ask_about(i, *row);
    }
  }

 private:
  // What the cells of a column tell of parts.
  struct Cells {
    std::size_t parts = 0, others = 0;
    bool sure = false;
    const CsvRecord* lost = nullptr;      // its part is no active element of its row
    const CsvRecord* anywhere = nullptr;  // nor is it in the support
  };

  Cells read(std::size_t column) const {
    Cells cells;
    std::map<std::string_view, PartText> known;  // columns repeat their texts
    for (const CsvRecord* const row : rows_) {
      const std::string_view text = cell(*row, column);
      if (says_nothing_added(text)) continue;
      const bool other = text == "Y" || text == "N" || read_number(text, style_).ok();
      const auto [found, added] = known.try_emplace(text);
      if (added && !other) found->second = part_text(text);
      const PartText& part = found->second;
      ++(part.metals.empty() ? cells.others : cells.parts);
      if (part.metals.empty()) continue;
      cells.sure = cells.sure || part.sure;
      if (cells.lost == nullptr && !holds(*row, part.metals)) cells.lost = row;
      if (cells.anywhere == nullptr && !holds(*row, part.metals, true)) cells.anywhere = row;
    }
    return cells;
  }

  // The row whose catalyst the column tells more of; nullptr: it tells of something else, or what
  // the composition says, too.
  const CsvRecord* lost_part(std::size_t column) const {
    const std::string& header = header_[column];
    const Cells cells = read(column);
    const bool additive = names_an_additive(header);
    if (cells.lost != nullptr && (additive || names_a_part(header)) && !names_no_part(header) &&
        cells.parts >= cells.others) {
      return cells.lost;
    }
    const auto differing = [&] {
      return differing_row([&](const CsvRecord& row) {
        const std::string_view text = cell(row, column);
        return says_nothing_added(text) ? std::string() : fold_name(text);
      });
    };
    // "PVP" beside none: whatever it is, it was added; numbers are amounts.
    if (additive) {
      const bool other_thing = names_no_part(header) && cells.lost == nullptr;
      return other_thing || are_measured(column) ? nullptr : differing();
    }
    const bool all = cells.others * 10 <= cells.parts;
    if (!all || !cells.sure || cells.anywhere == nullptr || names_no_part(header)) return nullptr;
    return differing() != nullptr ? cells.anywhere : nullptr;
  }

  void ask_about(std::size_t column, const CsvRecord& row) {
    problems_.push_back(problem(
        column, "the column holds parts of catalysts, and they would be read without them",
        std::string(cell(row, column)),
        fmt::format("the whole catalyst in one column, or columns of elements and their amounts "
                    "(Ni (wt%), K (wt%); M1, M2); --ignore \"{}\" where it is something else",
                    header_[column])));
  }
};

}  // namespace

void ask_about_added_parts(const Sheet& sheet, const ReadOptions& options,
                           std::string_view file_name, const Layout& layout,
                           std::vector<Error>& problems) {
  AddedParts(sheet, options, file_name, layout, problems).ask();
}

}  // namespace kasetsu::tables
