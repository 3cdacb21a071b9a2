#include "drivers/tables/table_rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <unordered_map>
#include <utility>

#include "core/base/csv.h"
#include "core/base/text.h"
#include "core/chemistry/element.h"
#include "core/chemistry/names.h"
#include "core/chemistry/told_catalyst.h"
#include "drivers/tables/cells.h"
#include "drivers/tables/column_report.h"
#include "drivers/tables/columns.h"
#include "drivers/tables/header_meaning.h"
#include "drivers/tables/header_text.h"
#include "drivers/tables/problems.h"
#include "drivers/tables/profile_columns.h"
#include "drivers/tables/reduction.h"
#include "drivers/tables/row_names.h"
#include "drivers/tables/sheet_lines.h"
#include "drivers/tables/units.h"

namespace kasetsu::tables {
namespace {

constexpr double kLargestInteger = 9e15;

Error bad(std::string message, std::string value, std::string expected) {
  return Error{ErrorCode::bad_data, std::move(message), {}, std::move(value), std::move(expected)};
}

class RowReader {
 public:
  // profile: of a table without one, the empty profile.
  RowReader(std::string_view file_name, const Sheet& sheet, const MatchedColumns& columns,
            const Profile& profile, const ReadOptions& options,
            const chemistry::SupportTable& supports)
      : file_name_(file_name),
        sheet_(sheet),
        header_(sheet.header),
        columns_(columns),
        profile_(profile),
        recognised_(!options.profile),
        null_(options.null),
        supports_(supports),
        rules_(options.rules),
        names_(options, supports, rules_),
        amounts_beside_(columns_of_amounts()) {
    const bool campaign = options.delivery || !options.rules.elements.empty();
    if (campaign) return;
    for (std::string& name : supports_of_table(sheet, columns, supports)) {
      auto& known = rules_.supports;
      if (std::find(known.begin(), known.end(), name) == known.end()) {
        known.push_back(std::move(name));
      }
    }
  }

  TableRow read(const CsvRecord& record) {
    TableRow row;
    row.line = record.line;
    fill(row, record);
    if (const auto told = sheet_.exported.told.find(record.line);
        told != sheet_.exported.told.end()) {
      row.told = told->second;
    }
    row.isolated_maximum = sheet_.exported.isolated_maxima.contains(record.line);
    if (row.problems.empty()) {
      if (const Status named = check_labels(row); !named) row.problems.push_back(named.error());
    }
    for (Error& problem : row.problems) {
      if (problem.where.empty()) problem.where = csv_place(file_name_, record.line);
    }
    if (!row.problems.empty()) {
      for (std::size_t i = 0; i < header_.fields.size() && i < record.fields.size(); ++i) {
        row.cells.emplace_back(header_with_unit(i), record.fields[i]);
      }
    }
    return row;
  }

  bool is_null(std::string_view cell) const {
    const std::string text = small_letters(plain_characters(trim(cell)));
    if (text.empty()) return true;
    const auto is_text = [&](const std::string& word) {
      return small_letters(plain_characters(trim(word))) == text;
    };
    if (std::any_of(null_.begin(), null_.end(), is_text)) return true;
    if (recognised_) {
      const auto words = usual_null_words();
      return std::find(words.begin(), words.end(), text) != words.end();
    }
    return std::any_of(profile_.null.begin(), profile_.null.end(),
                       [&](const std::string& word) { return small_letters(word) == text; });
  }

 private:
  // A row stands for itself: what the line of units tells of an amount or a value goes into its
  // header.
  std::string header_with_unit(std::size_t at) const {
    const std::string& header = header_.fields[at];
    const bool below = at < sheet_.units.size() && !sheet_.units[at].empty();
    const bool amount =
        std::any_of(columns_.columns.begin(), columns_.columns.end(), [&](const auto& column) {
          return column.at == at &&
                 (column.column.use == ColumnUse::element ||
                  column.column.use == ColumnUse::slot_amount ||
                  (!column.unit.empty() && (column.column.use == ColumnUse::value ||
                                            column.column.use == ColumnUse::condition)));
        });
    return below && amount && recognised_ && split_unit(header).unit.empty()
               ? fmt::format("{} ({})", header, sheet_.units[at])
               : header;
  }

  Error at(const CsvRecord& record, const MatchedColumn& column, Error error) const {
    error.where = csv_place(file_name_, record.line, column.header, column.at);
    return error;
  }

  // The cell without spaces, with the column's map; empty for a null word. The symbol of an element
  // is never a null word where elements stand, and one in other capitals is asked about.
  Result<std::string> text_of(const CsvRecord& record, const MatchedColumn& column) const {
    const std::string_view cell = trim(record.fields[column.at]);
    const auto mapped = column.column.map.find(std::string(cell));
    if (mapped != column.column.map.end()) return mapped->second;
    const ColumnUse use = column.column.use;
    if (names_elements(use)) {
      if (chemistry::atomic_number(cell)) return std::string(cell);
      if (is_null(cell) || (recognised_ && is_none(cell))) {
        std::string symbol = small_letters(cell);
        if (!symbol.empty() && symbol[0] >= 'a' && symbol[0] <= 'z') {
          symbol[0] = static_cast<char>(symbol[0] - 'a' + 'A');
        }
        if (!chemistry::atomic_number(symbol)) return std::string();
        return bad(use == ColumnUse::slot ? "unknown element" : "an element, or no value?",
                   std::string(cell),
                   fmt::format("a chemical symbol such as Li, or none; did you mean {}?", symbol));
      }
      return std::string(cell);
    }
    const bool number = use == ColumnUse::element || use == ColumnUse::slot_amount ||
                        use == ColumnUse::value || use == ColumnUse::condition ||
                        use == ColumnUse::sequence || use == ColumnUse::replicate ||
                        use == ColumnUse::measured_at;
    if (recognised_ && !number) return std::string(cell);
    // "nan" is no amount: it may be an element that was measured and failed.
    if (recognised_ && use == ColumnUse::element && small_letters(cell) == "nan") {
      return std::string(cell);
    }
    return is_null(cell) ? std::string() : std::string(cell);
  }

  // An amount, with the unit that the cell itself may tell ("5%").
  Result<chemistry::ToldAmount> amount_in(std::string_view cell, const std::string& symbol,
                                          const std::string& unit) const {
    const auto value = number(cell);
    if (!value) return value.error();
    const bool percent = read_number(cell, sheet_.style)->percent;
    if (percent && !unit.empty() && unit.find('%') == std::string::npos) {
      return bad(fmt::format("a percentage in a column of {}", unit), std::string(cell),
                 fmt::format("an amount in {}", unit));
    }
    return chemistry::ToldAmount{symbol, *value, percent && unit.empty() ? "%" : unit};
  }

  Result<double> number(std::string_view cell) const {
    auto read = read_number(cell, sheet_.style);
    if (!read) return read.error();
    if (read->bound != '\0') {
      return bad("a limit of detection where a number is needed", std::string(cell), "a number");
    }
    return read->value;
  }

  // Names are printed on vials and in lists.
  static Status check_labels(const TableRow& row) {
    constexpr std::size_t kLongest = 200;
    for (const std::string* label :
         {&row.proposal, &row.sample, &row.source, &row.run, &row.channel}) {
      const bool printable = std::none_of(label->begin(), label->end(), [](char c) {
        return static_cast<unsigned char>(c) < 0x20 || c == 0x7F;
      });
      if (!printable || label->size() > kLongest) {
        return bad("not a name", *label, fmt::format("at most {} printable characters", kLongest));
      }
    }
    return {};
  }

  struct Parts {
    std::string name;   // of a catalyst column
    std::string label;  // a name beside columns that tell the whole catalyst
    std::vector<const MatchedColumn*> slots, empty_slots;
    std::vector<chemistry::ToldAmount> amounts;
    std::string elements, fractions, fractions_unit;
    std::string support, preparation;
    bool structured = false;
    bool says_none = false;  // the catalyst's cell does
  };

  void fill(TableRow& row, const CsvRecord& record) {
    const std::size_t width = header_.fields.size();
    const bool longer = std::any_of(
        record.fields.begin() + static_cast<std::ptrdiff_t>(std::min(width, record.fields.size())),
        record.fields.end(), [](const std::string& cell) { return !trim(cell).empty(); });
    if (record.fields.size() < width || longer) {
      row.problems.push_back(bad(fmt::format("the row has {} cells", record.fields.size()), "",
                                 fmt::format("{}, as many as {}", width,
                                             "the header; a last row like this is a file that was "
                                             "cut off while it was written")));
      return;
    }
    Parts parts;
    std::string cells;  // that make the composition
    if (columns_.label) {
      const std::string& label = record.fields[*columns_.label];
      if (!is_null(label)) parts.label = composition_text(trim(label), sheet_.style);
      cells += label + '\0';
    }
    const bool blank = is_blank(record);
    if (blank) row.kind = "blank";
    for (const MatchedColumn& column : columns_.columns) {
      const bool part = is_composition(column.column.use);
      if (blank && (part || column.column.use == ColumnUse::kind)) continue;
      if (part && is_blank_run(record.fields[column.at]) &&
          column.column.use != ColumnUse::catalyst) {
        row.problems.push_back(
            at(record, column,
               bad("blank stands beside other parts of a catalyst", record.fields[column.at],
                   "none where there is nothing; in a run without a catalyst no other part")));
        continue;
      }
      if (part) cells += record.fields[column.at] + '\0';
      const auto text = text_of(record, column);
      if (column.column.use == ColumnUse::catalyst) {
        const std::string_view cell = trim(record.fields[column.at]);
        parts.says_none = !cell.empty() && chemistry::says_none(cell);
      }
      const Status fine = text ? take(row, parts, column, *text) : Status(text.error());
      if (!fine) row.problems.push_back(at(record, column, fine.error()));
    }
    if (!row.problems.empty()) return;
    Status fine = take_constants(row, parts);
    if (fine) fine = check_kind(row, parts);
    if (fine && row.kind != "blank") fine = find_catalyst(row, record, parts, cells);
    // Oxygen that does not count is told, so that what differs in nothing else can be found.
    if (row.catalyst && row.catalyst->told.empty() && !row.catalyst->dropped_oxygen.empty() &&
        row.catalyst->catalyst.support.empty()) {
      row.told = trim(plain_name(parts.name));
    }
    if (fine && !row.catalyst && row.kind != "blank" && row.sample.empty() &&
        row.proposal.empty()) {
      fine = bad("the row does not say which catalyst it is about", "",
                 "a catalyst, a sample that is known, or a proposal");
    }
    if (!fine) row.problems.push_back(fine.error());
  }

  // A run without a catalyst: the only cells that tell something of the composition say so, or the
  // name of the row does.
  bool is_blank(const CsvRecord& record) const {
    bool says = false;
    for (const MatchedColumn& column : columns_.columns) {
      const std::string_view cell = trim(record.fields[column.at]);
      const ColumnUse use = column.column.use;
      if (is_blank_run(cell)) {
        says = says || is_composition(use) || use == ColumnUse::sample;
      } else if (is_composition(use) && use != ColumnUse::preparation && !is_none(cell) &&
                 !is_null(cell) && cell != "0") {
        return false;
      }
    }
    return says;
  }

  // A table repeats few compositions many times: each is read once.
  Status find_catalyst(TableRow& row, const CsvRecord& record, const Parts& parts,
                       const std::string& cells) {
    constexpr std::size_t kMostRemembered = 200'000;
    // The plate map may tell the composition by the channel.
    const bool by_cells = profile_.plate.empty();
    if (by_cells) {
      if (const auto known = catalysts_.find(cells); known != catalysts_.end()) {
        row.catalyst = known->second;
        return {};
      }
    }
    auto catalyst = assemble(record, parts);
    if (!catalyst) return catalyst.error();
    if (!*catalyst) return {};
    auto made = std::make_shared<ReadCatalyst>();
    made->catalyst = std::move((*catalyst)->catalyst);
    made->key = chemistry::canonical_key(made->catalyst);
    made->told = std::move((*catalyst)->told);
    made->dropped_oxygen = std::move((*catalyst)->dropped_oxygen);
    row.catalyst = made;
    if (by_cells && catalysts_.size() < kMostRemembered) catalysts_.emplace(cells, row.catalyst);
    return {};
  }

  Status take(TableRow& row, Parts& parts, const MatchedColumn& column,
              const std::string& text) const {
    const auto integer = [&](std::optional<std::int64_t>& out) -> Status {
      if (text.empty()) return {};
      const auto value = number(text);
      if (!value) return value.error();
      if (*value != std::floor(*value) || std::abs(*value) > kLargestInteger) {
        return bad("not an integer", text, "an integer");
      }
      out = static_cast<std::int64_t>(*value);
      return {};
    };
    switch (column.column.use) {
      case ColumnUse::catalyst:
        parts.name = text;
        return {};
      case ColumnUse::slot:
        parts.structured = true;
        (is_none(text) ? parts.empty_slots : parts.slots).push_back(&column);
        return {};
      case ColumnUse::slot_amount:
        return {};  // read with its slot
      case ColumnUse::element:
        return take_amount(parts, column, text);
      case ColumnUse::element_list:
        parts.structured = true;
        parts.elements = text;
        return {};
      case ColumnUse::fraction_list:
        parts.fractions = text;
        parts.fractions_unit = column.file_unit;
        return {};
      case ColumnUse::support:
        parts.support = is_none(text) ? std::string() : text;
        return {};
      case ColumnUse::preparation:
        parts.preparation = text;
        return {};
      case ColumnUse::sample:
        row.sample = text;
        return {};
      case ColumnUse::kind:
        row.kind = small_letters(text);
        return {};
      case ColumnUse::proposal:
        row.proposal = text;
        return {};
      case ColumnUse::source:
        row.source = text;
        return {};
      case ColumnUse::run:
        row.run = text;
        return {};
      case ColumnUse::channel:
        row.channel = text;
        return {};
      case ColumnUse::sequence:
        return integer(row.sequence);
      case ColumnUse::replicate:
        return integer(row.replicate);
      case ColumnUse::measured_at:
      case ColumnUse::condition:
      case ColumnUse::value:
        return take_measured(row, column, text);
      case ColumnUse::ignore:
        return {};
    }
    return {};
  }

  Status take_amount(Parts& parts, const MatchedColumn& column, const std::string& text) const {
    parts.structured = true;
    if (text.empty()) return {};  // absent
    auto amount =
        amount_in(text, std::string(chemistry::element_symbol(column.element)), column.file_unit);
    if (!amount) {
      Error error = amount.error();
      error.expected = "an amount, 0 or nothing where the element is absent; " + error.expected;
      return error;
    }
    if (amount->amount < 0.0) return bad("negative amount", text, "an amount of at least 0");
    parts.amounts.push_back(std::move(*amount));
    return {};
  }

  // A time, a condition or a value.
  Status take_measured(TableRow& row, const MatchedColumn& column, const std::string& text) const {
    const ColumnUse use = column.column.use;
    if (text.empty()) {
      if (use == ColumnUse::value) row.not_measured.push_back(column.column.name);
      return recognised_ && use == ColumnUse::condition && !sheet_.exported.are
                 ? Status(bad("the cell is empty", "", "a finite number"))
                 : Status();
    }
    if (use == ColumnUse::measured_at) {
      const auto time = read_time(text, profile_.time_formats,
                                  profile_.time_zone ? &*profile_.time_zone : nullptr);
      if (!time) return time.error();
      row.measured_at = *time;
      return {};
    }
    if (use == ColumnUse::condition) {
      const auto value = number(text);
      if (!value) return value.error();
      row.conditions[column.column.name] = column.conversion(*value);
      return {};
    }
    const auto value = read_number(text, sheet_.style);
    if (!value) return value.error();
    const bool percent = value->percent && column.unit.empty();
    row.values.push_back({column.column.name, column.conversion(value->value),
                          percent ? "%" : column.unit, value->bound != '\0', value->bound == '>'});
    return {};
  }

  Status take_constants(TableRow& row, Parts& parts) const {
    const auto set = [&](std::string_view name, std::string& member) {
      const auto found = profile_.constants.find(std::string(name));
      if (member.empty() && found != profile_.constants.end()) member = found->second;
    };
    set("channel", row.channel);
    if (const auto well = profile_.plate.find(row.channel); well != profile_.plate.end()) {
      if (row.sample.empty()) row.sample = well->second.sample;
      if (row.kind.empty()) row.kind = well->second.kind;
      if (parts.name.empty() && !parts.structured) parts.name = well->second.catalyst;
    } else if (!profile_.plate.empty() && parts.name.empty() && !parts.structured &&
               row.sample.empty()) {
      return bad("the plate map has no such channel", row.channel, "a channel of [plate]");
    }
    set("source", row.source);
    set("run", row.run);
    set("sample", row.sample);
    set("kind", row.kind);
    set("proposal", row.proposal);
    set("support", parts.support);
    set("preparation", parts.preparation);
    set("catalyst", parts.name);
    return {};
  }

  // Blanks are told by their kind, or by the name that laboratories give an empty tube.
  static Status check_kind(TableRow& row, const Parts& parts) {
    if (row.kind.empty() && small_letters(parts.name) == "blank") row.kind = "blank";
    constexpr std::array<std::string_view, 5> kKinds = {"", "catalyst", "support", "blank",
                                                        "reference"};
    if (std::find(kKinds.begin(), kKinds.end(), row.kind) == kKinds.end()) {
      return bad("unknown kind of sample", row.kind, "catalyst, support, blank or reference");
    }
    return {};
  }

  // The amount beside a slot; nothing where the table has no column of it.
  Result<std::optional<chemistry::ToldAmount>> amount_of(const CsvRecord& record,
                                                         const MatchedColumn& slot,
                                                         const std::string& symbol) const {
    std::optional<chemistry::ToldAmount> amount;
    for (const MatchedColumn& column : columns_.columns) {
      if (column.column.use != ColumnUse::slot_amount ||
          fold_name(column.column.of) != fold_name(slot.header)) {
        continue;
      }
      const auto text = text_of(record, column);
      if (!text) return at(record, column, text.error());
      if (text->empty() && symbol.empty()) continue;
      auto told = amount_in(*text, symbol, column.file_unit);
      if (!told) return at(record, column, told.error());
      if (told->amount < 0.0) {
        return at(record, column, bad("a negative amount", "", "an amount of at least 0"));
      }
      amount = std::move(*told);
    }
    return amount;
  }

  // Slots with amounts beside them are amounts, others count one each.
  Status take_slots(const CsvRecord& record, const Parts& parts,
                    chemistry::ToldCatalyst& told) const {
    for (const MatchedColumn* slot : parts.empty_slots) {
      const auto amount = amount_of(record, *slot, "");
      if (!amount) return amount.error();
      if (*amount && (*amount)->amount > 0.0) {
        return at(record, *slot,
                  bad(fmt::format("an amount of {:.6g} {} stands beside no element",
                                  (*amount)->amount, (*amount)->unit),
                      "", "the element, or no amount"));
      }
    }
    for (const MatchedColumn* slot : parts.slots) {
      const std::string symbol = chemistry::fold_name(text_of(record, *slot).value());
      if (slot->formulas) {
        told.slots.push_back(composition_text(symbol, sheet_.style));
        continue;
      }
      if (!chemistry::atomic_number(symbol)) {
        return at(record, *slot, unknown_element(symbol));
      }
      auto amount = amount_of(record, *slot, symbol);
      if (!amount) return amount.error();
      if (*amount) {
        told.amounts.push_back(std::move(**amount));
      } else {
        told.slots.push_back(symbol);
      }
    }
    if (told.amounts.empty()) return {};
    for (std::string& symbol : told.slots) told.amounts.push_back({std::move(symbol), 1.0});
    told.slots.clear();
    return {};
  }

  // "Ni/MgO" beside "Loading (wt%)": the amount of the one element that the name tells.
  Status take_amount_of_name(const CsvRecord& record, const std::string& text,
                             chemistry::ToldCatalyst& told) const {
    const auto names = std::find_if(
        columns_.columns.begin(), columns_.columns.end(),
        [](const MatchedColumn& one) { return one.column.use == ColumnUse::catalyst; });
    if (names == columns_.columns.end() || !has_amount_of(*names)) return {};
    const auto one = names_.of_one_element(text);
    if (!one) return one.error();
    if (!*one) return {};
    const std::string symbol(chemistry::element_symbol((*one)->active.parts().front().element));
    auto amount = amount_of(record, *names, symbol);
    if (!amount) return amount.error();
    told.amounts.push_back(std::move(**amount));
    told.support = (*one)->support;
    told.name.clear();
    return names_.check_amount(text, told.amounts.back(), amounts_beside_);
  }

  bool has_amount_of(const MatchedColumn& names) const {
    return std::any_of(columns_.columns.begin(), columns_.columns.end(),
                       [&](const MatchedColumn& one) {
                         return one.column.use == ColumnUse::slot_amount &&
                                fold_name(one.column.of) == fold_name(names.header);
                       });
  }

  // Of a name beside columns of elements: its support, where nothing else tells one.
  Status take_support_of_name(const CsvRecord& record, const Parts& parts,
                              chemistry::ToldCatalyst& told) const {
    if (!parts.support.empty()) return {};
    if (!parts.name.empty()) {
      const Status taken =
          names_.take_support(composition_text(parts.name, sheet_.style), amounts_beside_, told);
      return taken ? taken : Status(in_column(record, ColumnUse::catalyst, taken.error()));
    }
    const bool held = !told.amounts.empty() || !told.slots.empty();
    if (!recognised_ || parts.says_none || !held || !has_column(ColumnUse::catalyst)) return {};
    return in_column(record, ColumnUse::catalyst,
                     bad("the catalyst is blank beside amounts", "",
                         "its name, none where there is no support, or --fill-down where the cell "
                         "above is meant"));
  }

  // Structured columns are the authority, a name beside them is a label. Nothing: the row tells no
  // composition.
  Result<std::optional<chemistry::MadeCatalyst>> assemble(const CsvRecord& record,
                                                          const Parts& parts) const {
    chemistry::ToldCatalyst told;
    if (parts.structured) {
      told.amounts = parts.amounts;
      if (Status taken = take_slots(record, parts, told); !taken) return taken.error();
      if (!parts.elements.empty() || !parts.fractions.empty()) {
        Status listed = take_lists(parts, told);
        if (!listed) return listed.error();
      }
      if (Status named = take_support_of_name(record, parts, told); !named) return named.error();
    } else if (parts.name.empty()) {
      if (parts.support.empty()) return std::optional<chemistry::MadeCatalyst>();
      if (recognised_ && !parts.says_none && has_column(ColumnUse::catalyst)) {
        return in_column(record, ColumnUse::catalyst,
                         bad("the catalyst is blank beside a support", "",
                             "none for the bare support, or --fill-down where the cell above is "
                             "meant"));
      }
    } else {
      // Exports write canonical keys: "K:1;Li:1/MgO".
      const std::string text = composition_text(parts.name, sheet_.style);
      Status fine = names_.tell(text, told);
      if (fine) fine = take_amount_of_name(record, text, told);
      if (!fine) return in_column(record, ColumnUse::catalyst, fine.error());
    }
    if (!parts.support.empty()) told.support = trim(plain_name(parts.support));
    if (!parts.label.empty()) {
      Status same = names_.check_label(parts.label, amounts_beside_, told);
      if (!same) return at_label(record, same.error());
    }
    if (!parts.preparation.empty()) told.preparation = parts.preparation;
    auto made = chemistry::make_catalyst(told, supports_, rules_);
    if (!made) {
      return in_its_column(record, composition_error(made.error(), trim(plain_name(parts.name))));
    }
    if (made->catalyst.active.empty() && made->catalyst.support.empty()) {
      return bad("the row has no element and no support", "",
                 "at least one element, or a bare support; an empty tube is of the kind blank");
    }
    return std::optional<chemistry::MadeCatalyst>(std::move(*made));
  }

  Error at_label(const CsvRecord& record, Error error) const {
    error.where =
        csv_place(file_name_, record.line, header_.fields[*columns_.label], *columns_.label);
    return error;
  }

  // The error at the column of what make_catalyst names.
  Error in_its_column(const CsvRecord& record, Error error) const {
    const std::string where = std::exchange(error.where, {});
    if (where == "/name" || where == "/key") {
      return in_column(record, ColumnUse::catalyst, std::move(error));
    }
    if (where == "/support") return in_column(record, ColumnUse::support, std::move(error));
    return error;
  }

  static Error unknown_element(const std::string& symbol) {
    std::string expected = "a chemical symbol such as Li, or none";
    std::string forgiven = small_letters(symbol);
    if (!forgiven.empty() && forgiven[0] >= 'a' && forgiven[0] <= 'z') {
      forgiven[0] = static_cast<char>(forgiven[0] - 'a' + 'A');
      if (chemistry::atomic_number(forgiven)) {
        expected += fmt::format("; did you mean {}?", forgiven);
      }
    }
    return bad("unknown element", symbol, std::move(expected));
  }

  AmountColumns columns_of_amounts() const {
    AmountColumns found;
    for (const MatchedColumn& column : columns_.columns) {
      const ColumnUse use = column.column.use;
      if (use != ColumnUse::element && use != ColumnUse::slot && use != ColumnUse::slot_amount) {
        continue;
      }
      found.headers += fmt::format(" \"{}\"", column.header);
      const auto element = element_header(column.header);
      found.measured = found.measured || (element && element->method);
    }
    return found;
  }

  bool has_column(ColumnUse use) const {
    return std::any_of(columns_.columns.begin(), columns_.columns.end(),
                       [&](const MatchedColumn& one) { return one.column.use == use; });
  }

  // The error with the place of the first column of this use.
  Error in_column(const CsvRecord& record, ColumnUse use, Error error) const {
    const auto column =
        std::find_if(columns_.columns.begin(), columns_.columns.end(),
                     [&](const MatchedColumn& one) { return one.column.use == use; });
    return column == columns_.columns.end() ? error : at(record, *column, std::move(error));
  }

  // "Mn,Na,W" and "0.4,0.4,0.2".
  Status take_lists(const Parts& parts, chemistry::ToldCatalyst& told) const {
    const auto split = [](const std::string& text) {
      std::vector<std::string> pieces;
      std::size_t at = 0;
      while (at <= text.size() && !text.empty()) {
        const std::size_t end = std::min(text.find(',', at), text.size());
        pieces.emplace_back(trim(std::string_view(text).substr(at, end - at)));
        at = end + 1;
      }
      return pieces;
    };
    const auto symbols = split(parts.elements), amounts = split(parts.fractions);
    if (symbols.size() != amounts.size()) {
      return bad(fmt::format("{} elements and {} fractions", symbols.size(), amounts.size()),
                 parts.elements, "as many of the one as of the other");
    }
    for (std::size_t i = 0; i < symbols.size(); ++i) {
      const std::string symbol = chemistry::fold_name(symbols[i]);
      if (!chemistry::atomic_number(symbol)) {
        return bad("unknown element", symbols[i], "a chemical symbol such as Li");
      }
      const auto amount = parse_number(amounts[i]);
      if (!amount || *amount < 0.0) {
        return bad("not a fraction", amounts[i], "a number of at least 0");
      }
      told.amounts.push_back({symbol, *amount, parts.fractions_unit});
    }
    return {};
  }

  std::string_view file_name_;
  const Sheet& sheet_;
  const CsvRecord& header_;
  const MatchedColumns& columns_;
  const Profile& profile_;
  bool recognised_;
  const std::vector<std::string>& null_;
  const chemistry::SupportTable& supports_;
  chemistry::CompositionRules rules_;
  const RowNames names_;
  const AmountColumns amounts_beside_;
  std::unordered_map<std::string, std::shared_ptr<const ReadCatalyst>> catalysts_;
};

// Whether the line below the header is a line of units that the profile does not expect: no number
// stands below a value, and a unit does.
bool is_unit_row(const CsvRecord& record, const MatchedColumns& columns, const RowReader& reader,
                 const NumberStyle& style) {
  bool unit = false;
  for (const MatchedColumn& column : columns.columns) {
    if (column.column.use != ColumnUse::value && column.column.use != ColumnUse::condition) {
      continue;
    }
    if (column.at >= record.fields.size()) return false;
    const std::string_view cell = trim(record.fields[column.at]);
    if (reader.is_null(cell)) continue;
    if (read_number(cell, style)) return false;
    unit = unit || convert_units(cell, column.unit.empty() ? cell : column.unit).ok();
  }
  return unit;
}

// What cannot be read in the first sheet of a workbook may stand in another one.
Error naming_sheets(Error error, const Sheet& sheet, const ReadOptions& options) {
  if (sheet.other_sheets.empty() || !options.sheet.empty()) return error;
  std::vector<std::string> others;
  for (const std::string& name : sheet.other_sheets) {
    others.push_back(fmt::format("--sheet \"{}\"", name));
  }
  error.expected += fmt::format("{}{}, where the table is not in the sheet \"{}\"",
                                error.expected.empty() ? "" : "; or ", join_or(others), sheet.name);
  return error;
}

// Rows that differ in nothing but oxygen that is not counted.
void note_merges(TableRows& table) {
  const bool dropped = std::any_of(table.rows.begin(), table.rows.end(), [](const TableRow& row) {
    return row.catalyst && !row.catalyst->dropped_oxygen.empty();
  });
  if (!dropped) return;
  chemistry::OxygenMerges merges;
  for (const TableRow& row : table.rows) {
    if (row.problems.empty() && row.catalyst) {
      merges.add(row.catalyst->key, row.catalyst->dropped_oxygen);
    }
  }
  if (std::string note = merges.note(); !note.empty()) table.notes.push_back(std::move(note));
}

// The rows of the table, without lines that are none.
void take_rows(const Sheet& sheet, const MatchedColumns& columns,
               const chemistry::SupportTable& supports, RowReader& reader, TableRows& table) {
  table.rows.reserve(sheet.rows.size());
  std::vector<std::size_t> sections, remarks;
  std::string remark;
  for (const CsvRecord& record : sheet.rows) {
    const bool last = &record == &sheet.rows.back();
    if (is_section(record, columns, sheet.style) ||
        is_short_remark(record, sheet.header.fields.size(), last, sheet.style)) {
      sections.push_back(record.line);
    } else if (is_remark(record, columns, sheet.style, supports)) {
      remarks.push_back(record.line);
      for (const std::string& cell : record.fields) {
        if (remark.empty()) remark = trim(cell);
      }
    } else {
      table.rows.push_back(reader.read(record));
    }
  }
  if (!sections.empty()) {
    table.notes.push_back(
        fmt::format("{} a single text outside of the composition, left out",
                    lines_text(sections) + (sections.size() == 1 ? " holds" : " hold")));
  }
  if (!remarks.empty()) {
    table.notes.push_back(
        fmt::format("{} a remark in place of a composition (\"{}\"), left out",
                    lines_text(remarks) + (remarks.size() == 1 ? " holds" : " hold"), remark));
  }
}

Status check_profile_columns(const Sheet& sheet, const MatchedColumns& columns,
                             const Profile& profile, const RowReader& reader,
                             std::string_view file_name) {
  const bool values = std::any_of(
      columns.columns.begin(), columns.columns.end(),
      [](const MatchedColumn& column) { return column.column.use == ColumnUse::value; });
  if (!values) {
    std::vector<std::string> wanted;
    for (const ProfileColumn& column : profile.columns) {
      if (column.use == ColumnUse::value) wanted.push_back(column.headers[0]);
    }
    return Error{ErrorCode::bad_data, "no column holds a measured value",
                 csv_place(file_name, sheet.header.line), "", "a column " + join_or(wanted)};
  }
  if (is_unit_row(sheet.rows.front(), columns, reader, sheet.style)) {
    return Error{ErrorCode::bad_data, "the line below the header holds units",
                 csv_place(file_name, sheet.rows.front().line), "",
                 "unit_row = true in the profile"};
  }
  return {};
}

}  // namespace

SheetOptions sheet_options(const ReadOptions& options) {
  SheetOptions wanted;
  wanted.profile = options.profile.get();
  wanted.columns = options.columns;
  wanted.sheet = options.sheet;
  wanted.decimal = options.decimal;
  wanted.encoding = options.encoding;
  wanted.fill_down = options.fill_down;
  return wanted;
}

Result<TableRows> read_rows(std::string_view bytes, std::string_view file_name,
                            const ReadOptions& options, const chemistry::SupportTable& supports,
                            std::size_t max_rows) {
  SheetOptions wanted = sheet_options(options);
  wanted.max_rows = max_rows;
  auto sheet = read_sheet(bytes, file_name, wanted);
  if (!sheet) return sheet.error();
  const Profile recognised;
  const Profile& profile = options.profile ? *options.profile : recognised;
  TableRows table;
  MatchedColumns columns;
  if (options.profile) {
    auto matched = match_columns(sheet->header, sheet->units, profile, file_name);
    if (!matched) return matched.error();
    columns = std::move(*matched);
  } else {
    auto layout = recognise(*sheet, options, file_name);
    if (!layout) return naming_sheets(layout.error(), *sheet, options);
    table.shape = layout->shape;
    columns = columns_of(*layout, *sheet);
    for (const std::size_t column : layout->composition) {
      table.composition.push_back(sheet->header.fields[column]);
    }
    table.problems = std::move(layout->problems);
  }
  RowReader reader(file_name, *sheet, columns, profile, options, supports);
  if (options.profile) {
    const Status fine = check_profile_columns(*sheet, columns, profile, reader, file_name);
    if (!fine) return fine.error();
  }
  table.encoding = sheet->encoding;
  table.delimiter = sheet->delimiter;
  table.header_line = sheet->header.line;
  table.style = sheet->style;
  table.header_at = sheet->header_at;
  table.header_lines = sheet->header_lines;
  table.unit_row = sheet->unit_row;
  table.notes = std::move(sheet->notes);
  table.unused = columns.unused;
  for (const MatchedColumn& column : columns.columns) {
    if (column.column.use == ColumnUse::value) table.targets.push_back(column.column.name);
    if (column.column.use == ColumnUse::condition) table.conditions.push_back(column.column.name);
    if (options.profile && is_composition(column.column.use)) {
      table.composition.push_back(column.header);
    }
  }
  constexpr int kOxygen = 8;
  if (!options.rules.count_oxygen &&
      std::any_of(columns.columns.begin(), columns.columns.end(),
                  [](const MatchedColumn& column) { return column.element == kOxygen; })) {
    table.notes.emplace_back("the amounts of oxygen are not counted");
  }
  report(*sheet, columns, table);
  table.sheet = sheet->name;
  take_rows(*sheet, columns, supports, reader, table);
  note_merges(table);
  if (profile.reduce) reduce(*profile.reduce, table.rows, table.notes);
  return table;
}

}  // namespace kasetsu::tables
