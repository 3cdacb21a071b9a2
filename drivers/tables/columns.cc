#include "drivers/tables/columns.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "core/base/text.h"
#include "core/chemistry/catalyst.h"
#include "core/chemistry/element.h"

namespace kasetsu::tables {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

std::string lower_case(std::string_view text) {
  std::string result(text);
  for (char& c : result) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return result;
}

// Letters and digits only, in lower case: what is left of a name when its writing is forgiven.
std::string bare(std::string_view name) {
  std::string result;
  for (const char c : lower_case(name)) {
    if (is_letter(c) || is_digit(c)) result += c;
  }
  return result;
}

// The number of an exact slot name: M1 ... M99, without leading zeros.
std::optional<int> slot_number(std::string_view name) {
  if (name.size() < 2 || name.size() > 3 || name[0] != 'M' || name[1] == '0') return std::nullopt;
  int number = 0;
  const auto [end, problem] = std::from_chars(name.data() + 1, name.data() + name.size(), number);
  if (problem != std::errc() || end != name.data() + name.size() || number < 1) return std::nullopt;
  return number;
}

// "m2", "M 2", "MM2", "M-2", "M02", "Metal 2", "slot2": the number that was probably meant.
std::optional<int> slot_near_miss(std::string_view name) {
  const std::string text = bare(name);
  const std::size_t digits = text.find_first_of("0123456789");
  if (digits == std::string::npos || digits == 0 || text.size() - digits > 3) return std::nullopt;
  if (!std::all_of(text.begin() + static_cast<std::ptrdiff_t>(digits), text.end(), is_digit)) {
    return std::nullopt;
  }
  const std::string word = text.substr(0, digits);
  const bool only_m = word.find_first_not_of('m') == std::string::npos;
  static constexpr std::array<std::string_view, 6> kWords = {"metal",  "slot",   "element",
                                                             "cation", "active", "component"};
  if (!only_m && std::find(kWords.begin(), kWords.end(), word) == kWords.end()) return std::nullopt;
  int number = 0;
  std::from_chars(text.data() + digits, text.data() + text.size(), number);
  return number > 0 ? std::optional<int>(number) : std::nullopt;
}

bool is_support_name(std::string_view name) {
  return name == "Support" || name == "support";
}

bool is_support_near_miss(std::string_view name) {
  const std::string text = bare(name);
  return text.size() >= 5 && edit_distance(text, "support") <= 2;
}

bool is_formula_name(std::string_view name) {
  static constexpr std::array<std::string_view, 6> kNames = {
      "formula", "Formula", "composition", "Composition", "catalyst", "Catalyst"};
  return std::find(kNames.begin(), kNames.end(), name) != kNames.end();
}

bool is_formula_near_miss(std::string_view name) {
  const std::string text = bare(name);
  for (const std::string_view word : {"formula", "composition", "catalyst"}) {
    if (edit_distance(text, word) <= 2) return true;
  }
  return false;
}

// Whether what follows a symbol in a name tells an amount: "(wt%)", "_mol", " loading", "%".
bool tells_amount(std::string_view rest) {
  static constexpr std::array<std::string_view, 16> kWords = {
      "at",      "atom", "atomic", "amount", "content", "frac",    "fraction", "load",
      "loading", "mmol", "mol",    "molar",  "percent", "portion", "ppm",      "wt"};
  bool amount = rest.find('%') != std::string_view::npos;
  for (std::size_t at = 0; at < rest.size();) {
    std::size_t end = at;
    while (end < rest.size() && is_letter(rest[end])) ++end;
    const std::string word = lower_case(rest.substr(at, end - at));
    amount = amount || std::find(kWords.begin(), kWords.end(), word) != kWords.end();
    at = std::max(end, at + 1);
  }
  return amount;
}

// "Li (wt%)", "li_mol", "Li%", "LI", "li": the symbol that was probably meant.
std::optional<int> element_near_miss(std::string_view name) {
  std::size_t letters = 0;
  while (letters < name.size() && is_letter(name[letters])) ++letters;
  if (letters == 0 || letters > 2) return std::nullopt;
  std::string symbol = lower_case(name.substr(0, letters));
  symbol[0] = static_cast<char>(symbol[0] - 'a' + 'A');
  const auto element = chemistry::atomic_number(symbol);
  constexpr int kPlutonium =
      94;  // nobody makes catalysts of what comes after it: NO is no nobelium
  if (!element || *element > kPlutonium || symbol == name) return std::nullopt;
  // Single letters in the other case (y, n, x) are names of their own, not misspelt symbols.
  if (letters == name.size()) return letters == 1 ? std::nullopt : element;
  const std::string_view rest = name.substr(letters);
  if (!tells_amount(rest)) return std::nullopt;
  // C (%), S (%) and Y (%) are conversion, selectivity and yield.
  if (letters == 1 && std::none_of(rest.begin(), rest.end(), is_letter)) return std::nullopt;
  return element;
}

bool looks_like_symbol(std::string_view name) {
  return name.size() == 2 && name[0] >= 'A' && name[0] <= 'Z' && name[1] >= 'a' && name[1] <= 'z';
}

bool is_none(std::string_view cell) {
  return cell.empty() || lower_case(cell) == "none";
}

class Recogniser {
 public:
  Recogniser(std::span<const std::string> header, std::span<const CsvRecord> rows,
             const ReadOptions& options, std::string_view file_name, std::size_t line)
      : header_(header), rows_(rows), options_(options), file_name_(file_name), line_(line) {
    layout_.roles.assign(header.size(), Role::unused);
  }

  Result<Layout> run() {
    if (auto status = check_names(); !status) return status.error();
    if (auto status = take_named(); !status) return status.error();
    if (auto status = find_shape(); !status) return status.error();
    if (auto status = refuse_near_misses(); !status) return status.error();
    find_id();
    return std::move(layout_);
  }

 private:
  Error problem(std::size_t column, std::string message, std::string value,
                std::string expected) const {
    return {ErrorCode::bad_data, std::move(message),
            csv_place(file_name_, line_, header_[column], column), std::move(value),
            std::move(expected)};
  }
  Error problem(std::string message, std::string value, std::string expected) const {
    return {ErrorCode::bad_data, std::move(message), csv_place(file_name_, line_), std::move(value),
            std::move(expected)};
  }

  std::string_view cell(const CsvRecord& row, std::size_t column) const {
    return trim(row.fields[column]);
  }
  bool all_numbers(std::size_t column) const {
    return std::all_of(rows_.begin(), rows_.end(), [&](const CsvRecord& row) {
      return cell(row, column).empty() || parse_number(cell(row, column)).has_value();
    });
  }
  bool all_blank(std::size_t column) const {
    return std::all_of(rows_.begin(), rows_.end(),
                       [&](const CsvRecord& row) { return cell(row, column).empty(); });
  }
  std::vector<std::string> quoted_names() const {
    std::vector<std::string> names;
    for (const std::string& name : header_) {
      if (!name.empty()) names.push_back('"' + name + '"');
    }
    return names;
  }

  Status check_names() {
    if (header_.size() == 1 && header_[0].find_first_of(";\t|") != std::string::npos) {
      const char mark = header_[0][header_[0].find_first_of(";\t|")];
      return problem("the cells are not separated by commas", header_[0],
                     fmt::format("a comma between cells, not {}", mark == '\t'  ? "a tab"
                                                                  : mark == ';' ? "a semicolon"
                                                                                : "a bar"));
    }
    if (std::all_of(header_.begin(), header_.end(),
                    [](const std::string& name) { return parse_number(name).has_value(); })) {
      return problem("the first line holds numbers, not column names", header_[0],
                     "a header that names the columns (or --columns)");
    }
    for (std::size_t i = 0; i < header_.size(); ++i) {
      // An index without a name (as data frames write it) and empty columns at the end (as
      // spreadsheets do) hold nothing that could be missed.
      if (header_[i].empty() && i != 0 && !all_blank(i)) {
        return problem(i, "a column with values has no name", "", "a name in the header");
      }
      for (std::size_t j = 0; j < i; ++j) {
        if (!header_[i].empty() && header_[i] == header_[j]) {
          return problem(i, fmt::format("columns {} and {} have the same name", j + 1, i + 1),
                         header_[i], "a name of its own for every column");
        }
      }
    }
    return {};
  }

  Result<std::size_t> find(const std::string& name, std::string_view what) const {
    const std::string_view wanted = trim(name);
    for (std::size_t i = 0; i < header_.size(); ++i) {
      if (!wanted.empty() && header_[i] == wanted) return i;
    }
    const auto meant = nearest(wanted);
    std::string expected = meant.empty()
                               ? "one of the columns " + join_or(quoted_names())
                               : fmt::format("a column of the table; did you mean \"{}\"?", meant);
    return problem(fmt::format("there is no such {} column", what), name, std::move(expected));
  }

  // The column that was probably meant: misspelt, or told in part ("T50" for "T50(NO)").
  std::string nearest(std::string_view wanted) const {
    for (const std::string& name : nearest_names(wanted, header_, 1)) {
      if (!name.empty()) return name;
    }
    const std::string part = bare(wanted);
    for (const std::string& name : header_) {
      if (part.size() >= 2 && bare(name).find(part) != std::string::npos) return name;
    }
    return "";
  }

  Status take(const std::string& name, Role role, std::string_view what, std::size_t* where) {
    auto found = find(name, what);
    if (!found) return found.error();
    if (layout_.roles[*found] != Role::unused) {
      return problem(*found, fmt::format("the column is named twice, the second time as {}", what),
                     name, "one use for a column");
    }
    layout_.roles[*found] = role;
    *where = *found;
    return {};
  }

  Status take_named() {
    std::size_t at = 0;
    for (const std::string& name : options_.targets) {
      if (auto status = take(name, Role::target, "target", &at); !status) return status;
      layout_.targets.push_back(at);
    }
    for (const std::string& name : options_.conditions) {
      if (auto status = take(name, Role::condition, "condition", &at); !status) return status;
      layout_.conditions.push_back(at);
    }
    for (const std::string& name : options_.ignore) {
      if (auto status = take(name, Role::ignored, "ignored", &at); !status) return status;
    }
    for (const std::string& name : options_.ignore_present) {
      for (std::size_t i = 0; i < header_.size(); ++i) {
        if (header_[i] == trim(name) && layout_.roles[i] == Role::unused) {
          layout_.roles[i] = Role::ignored;
        }
      }
    }
    if (options_.id) {
      if (auto status = take(*options_.id, Role::id, "id", &at); !status) return status;
      layout_.id = at;
    }
    return {};
  }

  Status find_shape() {
    std::vector<std::size_t> slots, elements, formulas;
    for (std::size_t i = 0; i < header_.size(); ++i) {
      if (layout_.roles[i] != Role::unused) continue;
      if (slot_number(header_[i])) slots.push_back(i);
      if (chemistry::atomic_number(header_[i])) elements.push_back(i);
      if (is_formula_name(header_[i])) formulas.push_back(i);
      if (is_support_name(header_[i])) {
        if (layout_.support) {
          return problem(i, "there are two support columns", header_[i],
                         "one; the other can be left out with --ignore");
        }
        layout_.support = i;
      }
    }
    // "No" heads a column of row numbers far more often than amounts of nobelium.
    std::vector<std::size_t> plain = elements;
    std::erase_if(plain, [&](std::size_t i) { return header_[i] == "No"; });

    Shape shape = options_.shape;
    if (shape == Shape::automatic) {
      if (!slots.empty() && !plain.empty()) {
        return problem(fmt::format("there are slot columns (\"{}\") and element columns (\"{}\")",
                                   header_[slots[0]], header_[plain[0]]),
                       "",
                       "one shape: say --profile slots or --profile loadings, or name the others "
                       "with --target, --conditions or --ignore");
      }
      if (!slots.empty()) {
        shape = Shape::slots;
      } else if (!plain.empty() && !formulas.empty()) {
        if (auto status = labels_agree(formulas, plain); !status) return status;
        shape = Shape::loadings;
      } else if (!plain.empty()) {
        shape = Shape::loadings;
      } else if (!formulas.empty()) {
        shape = Shape::formula;
      } else {
        return nothing_found();
      }
    }

    layout_.shape = shape;
    switch (shape) {
      case Shape::slots:
        if (slots.empty()) return none_of("slot columns", "columns M1, M2, ...");
        layout_.composition = slots;
        for (const std::size_t i : slots) layout_.roles[i] = Role::slot;
        return check_slot_numbers(slots);
      case Shape::loadings:
        if (elements.empty())
          return none_of("element columns", "columns named by chemical symbols");
        for (const std::size_t i : elements) {
          if (header_[i] == "No") {
            return problem(i, "row numbers, or amounts of nobelium?", "No",
                           "--id No or --ignore No");
          }
          layout_.composition.push_back(i);
          layout_.elements.push_back(*chemistry::atomic_number(header_[i]));
          layout_.roles[i] = Role::element;
        }
        break;
      case Shape::formula:
        if (formulas.empty()) {
          return none_of("formula column", "a column named formula, composition or catalyst");
        }
        if (formulas.size() > 1) {
          return problem(formulas[1], "there are two formula columns", header_[formulas[1]],
                         "one; the other can be left out with --ignore");
        }
        layout_.composition = formulas;
        layout_.roles[formulas[0]] = Role::formula;
        break;
      case Shape::automatic:
        break;
    }
    if (layout_.support) layout_.roles[*layout_.support] = Role::support;
    return {};
  }

  Status check_slot_numbers(const std::vector<std::size_t>& slots) {
    if (layout_.support) layout_.roles[*layout_.support] = Role::support;
    std::set<int> numbers;
    for (const std::size_t i : slots) numbers.insert(*slot_number(header_[i]));
    const int last = *numbers.rbegin();
    for (int number = 1; number <= last; ++number) {
      if (numbers.contains(number)) continue;
      const std::string wanted = fmt::format("M{}", number);
      for (std::size_t i = 0; i < header_.size(); ++i) {
        if (layout_.roles[i] != Role::unused) continue;
        if (slot_near_miss(header_[i]) == number || edit_distance(header_[i], wanted) <= 1 ||
            holds_symbols(i)) {
          return problem(
              i, fmt::format("slot column {} is missing, and this column looks like it", wanted),
              header_[i], wanted);
        }
      }
      return problem(fmt::format("slot column {} is missing", wanted), "",
                     fmt::format("columns M1 to M{} without a gap", last));
    }
    return {};
  }

  // A formula column beside element columns is a label when no cell of it is a composition, or when
  // every cell names just the elements that its row holds. Anything else could be read two ways.
  Status labels_agree(const std::vector<std::size_t>& formulas,
                      const std::vector<std::size_t>& elements) const {
    const chemistry::SupportTable supports;
    for (const std::size_t f : formulas) {
      std::size_t read = 0;
      std::size_t agreeing = 0;
      for (const CsvRecord& row : rows_) {
        const auto name = chemistry::parse_catalyst_name(cell(row, f), supports);
        if (!name) continue;
        ++read;
        std::set<int> named, held;
        for (const auto& part : name->active.parts()) named.insert(part.element);
        for (const std::size_t e : elements) {
          const auto amount = parse_number(cell(row, e));
          if (amount && *amount > 0) held.insert(*chemistry::atomic_number(header_[e]));
        }
        if (named == held) ++agreeing;
      }
      if (read != 0 && agreeing != rows_.size()) {
        return problem(f,
                       fmt::format("the composition could be this column or the element columns "
                                   "(\"{}\", ...)",
                                   header_[elements[0]]),
                       header_[f],
                       "one shape: say --profile formula or --profile loadings, or name the others "
                       "with --id, --target, --conditions or --ignore");
      }
    }
    return {};
  }

  // Cells that are chemical symbols or `none`, at least one of them with two letters (columns of
  // yes and no hold Y and N).
  bool holds_symbols(std::size_t column) const {
    bool sure = false;
    for (const CsvRecord& row : rows_) {
      const std::string_view text = cell(row, column);
      if (is_none(text)) continue;
      if (!chemistry::atomic_number(text)) return false;
      sure = sure || text.size() == 2;
    }
    return sure;
  }

  Error none_of(std::string_view what, std::string_view wanted) const {
    Error error = nothing_found();
    error.message = fmt::format("there are no {}", what);
    if (error.value.empty()) error.expected = wanted;
    return error;
  }

  Error nothing_found() const {
    constexpr std::string_view kShapes =
        "one column an element (Li, Na, ...), slots (M1, M2, ..., Support), or one column formula, "
        "composition or catalyst";
    for (std::size_t i = 0; i < header_.size(); ++i) {
      if (layout_.roles[i] != Role::unused || header_[i].empty()) continue;
      std::string meant;
      if (const auto number = slot_near_miss(header_[i])) {
        meant = fmt::format("M{}", *number);
      } else if (is_formula_near_miss(header_[i])) {
        meant = "catalyst, composition or formula";
      } else if (const auto element = element_near_miss(header_[i]); element && all_numbers(i)) {
        meant = chemistry::element_symbol(*element);
      }
      if (!meant.empty()) {
        return problem(i, "no column holds the composition; this one comes near", header_[i],
                       fmt::format("{}; did you mean {}?", kShapes, meant));
      }
    }
    Error error = problem("no column holds the composition", "", std::string(kShapes));
    error.message += "; the columns are " + join_or(quoted_names());
    return error;
  }

  Status refuse_near_misses() const {
    for (std::size_t i = 0; i < header_.size(); ++i) {
      if (layout_.roles[i] != Role::unused || header_[i].empty()) continue;
      const std::string& name = header_[i];
      std::string meant;
      if (layout_.shape == Shape::slots) {
        if (const auto number = slot_near_miss(name)) {
          meant = fmt::format("M{}", *number);
        } else if (holds_symbols(i)) {
          meant = fmt::format("M{}", layout_.composition.size() + 1);
        }
      } else if (layout_.shape == Shape::loadings && !rows_.empty() && all_numbers(i)) {
        if (const auto element = element_near_miss(name)) {
          meant = chemistry::element_symbol(*element);
        } else if (looks_like_symbol(name) && name != "Id") {
          return problem(i, "unknown element", name,
                         "a chemical symbol such as Li; a column that is no element is named by "
                         "--target, --conditions, --id or --ignore");
        }
      }
      if (meant.empty() && !layout_.support && is_support_near_miss(name)) meant = "Support";
      if (!meant.empty()) {
        return problem(
            i, "the column is no part of the composition, but looks like it", name,
            fmt::format("did you mean {0}? If it is not {0}, say --ignore \"{1}\"", meant, name));
      }
    }
    return {};
  }

  void find_id() {
    if (layout_.id) return;
    for (std::size_t i = 0; i < header_.size(); ++i) {
      if (layout_.roles[i] != Role::unused || all_numbers(i)) continue;
      std::set<std::string_view> seen;
      const bool distinct = std::all_of(rows_.begin(), rows_.end(), [&](const CsvRecord& row) {
        return !cell(row, i).empty() && seen.insert(cell(row, i)).second;
      });
      if (!distinct) continue;
      layout_.id = i;
      layout_.roles[i] = Role::id;
      return;
    }
  }

  std::span<const std::string> header_;
  std::span<const CsvRecord> rows_;
  const ReadOptions& options_;
  std::string_view file_name_;
  std::size_t line_;
  Layout layout_;
};

}  // namespace

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t change = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({change, row[j] + 1, diagonal + 1});
    }
  }
  return row.back();
}

Result<Layout> recognise(std::span<const std::string> header, std::span<const CsvRecord> rows,
                         const ReadOptions& options, std::string_view file_name,
                         std::size_t header_line) {
  return Recogniser(header, rows, options, file_name, header_line).run();
}

}  // namespace kasetsu::tables
