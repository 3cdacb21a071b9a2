#include "core/chemistry/catalyst_name.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "core/base/text.h"
#include "core/chemistry/element.h"
#include "core/chemistry/names.h"

namespace kasetsu::chemistry {
namespace {

constexpr int kOxygen = 8;
constexpr std::size_t kLongestName = 1000;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

Error bad_name(std::string_view text, std::string message) {
  return {ErrorCode::bad_data, std::move(message), "", std::string(text),
          "a name such as Mn-Na2WO4/SiO2"};
}

// "15Ni5Ce" as "15Ni-5Ce"; empty for anything but numbers and symbols in turn.
std::string joined_by_hyphens(std::string_view part) {
  std::string out;
  for (std::size_t i = 0; i < part.size();) {
    const std::size_t begin = i;
    while (i < part.size() && (is_digit(part[i]) || part[i] == '.')) ++i;
    const std::size_t symbol = i;
    while (i < part.size() && is_letter(part[i])) ++i;
    if (symbol == begin || !atomic_number(part.substr(symbol, i - symbol))) return "";
    if (!out.empty()) out += '-';
    out += part.substr(begin, i - begin);
  }
  return out;
}

// Whether the number at the beginning of `folded` is the amount of one element.
bool is_number_of(const Formula& formula, std::string_view folded) {
  double number = 0.0;
  std::from_chars(folded.data(), folded.data() + folded.size(), number);
  const auto& parts = formula.composition.parts();
  return parts.size() == 1 && parts[0].amount == number && !formula.oxygen_unknown;
}

// "xSrxCoO3", as in La1-xSrxCoO3: a letter where an amount belongs.
bool is_amount_letter(std::string_view part) {
  return part.size() > 1 && std::string_view("xyzn").find(part[0]) != std::string_view::npos &&
         part[1] >= 'A' && part[1] <= 'Z';
}

// The active parts of a name, joined by hyphens, plus signs, dots or slashes.
Status add_actives(ReadActives& read, std::string_view actives, std::string_view name,
                   bool count_oxygen) {
  bool any = false;
  std::string_view before;
  for (std::size_t begin = 0; begin <= actives.size();) {
    const std::size_t end = std::min(actives.find('/', begin), actives.size());
    for (const auto& [part, behind_hyphen] : split_name(actives.substr(begin, end - begin))) {
      if (part.empty()) return bad_name(name, "two separators in a row, or one at the end");
      any = true;
      if (says_none(part)) continue;
      if (parse_number(part)) {
        std::string joined(name);
        std::erase(joined, '-');
        return Error{ErrorCode::bad_data, fmt::format("a number without an element: {}", part), "",
                     std::string(name),
                     joined + ", if each number belongs to the element before it"};
      }
      if (is_greek_prefix(std::string(part))) {
        return Error{
            ErrorCode::bad_data,
            fmt::format("the prefix {} tells a form of an active part, which a composition "
                        "does not have",
                        part),
            "", std::string(name),
            fmt::format("the formula alone, with {} as the preparation", part)};
      }
      if (behind_hyphen && is_amount_letter(part)) {
        return Error{ErrorCode::bad_data,
                     fmt::format("an amount that is not told stands at {}", part), "",
                     std::string(name), "a number in place of each letter"};
      }
      const bool number = is_digit(part[0]) || part[0] == '.';
      if (behind_hyphen && number && !is_digit(before[0]) && before[0] != '.') {
        const auto elements = read_formula(before);
        if (elements.ok() && elements->composition.parts().size() > 1) {
          return {
              Error{ErrorCode::bad_data,
                    fmt::format("a minus stands before an amount, between {} and {}", before, part),
                    "", std::string(name), "amounts above zero, or parts joined by a plus sign"}};
        }
      }
      if (Status added = add_active(read, part, count_oxygen); !added.ok()) return added;
      before = part;
    }
    begin = end + 1;
  }
  if (!any) return bad_name(name, "no active element");
  return {};
}

// Where the support of a folded name begins (behind its slash or hyphen), npos where there is none.
std::size_t support_of(std::string_view name, const SupportTable& supports) {
  const std::size_t last = name.rfind('/');
  for (std::size_t i = name.find('/'); i < last; i = name.find('/', i + 1)) {
    // A name of the table may hold a slash ("MgO/Al2O3"): the longest tail that it knows.
    if (supports.has(name.substr(i + 1))) return i + 1;
  }
  if (last != std::string_view::npos) return last + 1;
  for (std::size_t i = name.find('-'); i < name.size(); i = name.find('-', i + 1)) {
    if (i > 0 && supports.has(name.substr(i + 1))) return i + 1;  // "Cu-SSZ-13"
  }
  return std::string_view::npos;
}

// "LiNi1/3Co1/3Mn1/3O2": a slash between digits is a fraction, but before a name of the table
// (13X).
Status check_fractions(const std::string& name, std::string_view text,
                       const SupportTable& supports) {
  for (std::size_t at = name.find('/'); at != std::string::npos; at = name.find('/', at + 1)) {
    if (at == 0 || at + 1 >= name.size() || !is_digit(name[at - 1]) || !is_digit(name[at + 1])) {
      continue;
    }
    if (supports.has(std::string_view(name).substr(at + 1))) continue;
    return Error{ErrorCode::bad_data, "a slash between digits reads as a fraction", "",
                 std::string(text), "decimals, such as LiNi0.333Co0.333Mn0.333O2"};
  }
  return {};
}

// The dot before water joins a hydrate and parts no actives: "*", which formulas read as a dot.
std::string with_hydrate_dots(std::string name) {
  constexpr std::string_view kDot = "\u00B7";
  for (std::size_t dot = name.find(kDot); dot != std::string::npos;
       dot = name.find(kDot, dot + 1)) {
    std::size_t water = dot + kDot.size();
    while (water < name.size() &&
           (is_digit(name[water]) || name[water] == '.' || name[water] == ' ' ||
            name[water] == 'n' || name[water] == 'x')) {
      ++water;
    }
    if (name.compare(water, 3, "H2O") == 0 || name.compare(water, 5, "(H2O)") == 0) {
      name.replace(dot, kDot.size(), 1, '*');
    }
  }
  return name;
}

// "5Ni/Al2O3+1K": a number and an element behind the slash are rather an amount of an active part
// than a part of the support.
Status check_support_parts(std::string_view actives, std::string_view behind, std::string_view text,
                           const SupportTable& supports) {
  if (supports.has(behind)) return {};
  std::string added(actives), rest;
  bool any = false;
  for (const auto& [part, hyphen] : split_name(behind)) {
    const std::size_t number = std::min(part.find_first_not_of("0123456789."), part.size());
    const bool amount = number > 0 && !supports.has(part) && atomic_number(part.substr(number));
    any = any || amount;
    std::string& to = amount ? added : rest;
    if (!to.empty()) to += '-';
    to += part;
  }
  if (!any || rest.empty()) return {};
  return Error{ErrorCode::bad_data,
               "a number stands before an element behind the slash, where the support stands", "",
               std::string(text), fmt::format("{}/{}", added, rest)};
}

// What a name may not hold, before it is taken apart.
Status check_signs(const std::string& name, std::string_view text) {
  if (name.find('%') != std::string_view::npos) {
    return Error{ErrorCode::bad_data,
                 "percent signs in a name are not read: the name does not tell whether they are by "
                 "weight or by moles, and of what",
                 "", std::string(text),
                 "plain numbers in the campaign's basis, such as 2Mn-1Na-1W/SiO2, or columns with "
                 "their unit, such as Ni (wt%)"};
  }
  if (name.find('@') != std::string_view::npos) {
    return Error{ErrorCode::bad_data, "the sign @ in a name is not read", "", std::string(text),
                 "a slash before the support, such as Pt/CeO2, and what encloses what as the "
                 "preparation"};
  }
  const std::size_t colon = name.find(':');
  if (colon != std::string_view::npos && colon + 1 < name.size() && is_letter(name[colon + 1])) {
    return Error{
        ErrorCode::bad_data, "a colon in a name does not tell how much is added", "",
        std::string(text),
        "the formula with its amounts, such as BiV0.98Mo0.02O4, or the dopant as a part of "
        "its own, such as Mo-BiVO4"};
  }
  for (std::size_t dot = name.find("\u00B7"); dot != std::string::npos;
       dot = name.find("\u00B7", dot + 1)) {
    if (dot > 0 && dot + 2 < name.size() && is_digit(name[dot - 1]) && is_digit(name[dot + 2])) {
      return Error{ErrorCode::bad_data, "a middle dot between digits in a name is not read", "",
                   std::string(text),
                   "a decimal point in an amount (Ce0.8Zr0.2O2), hyphens between active parts"};
    }
  }
  return {};
}

// Words for a run without any catalyst, but for "blank", which is read.
bool says_no_catalyst(std::string name) {
  static constexpr std::string_view kWords[] = {"no catalyst",
                                                "without catalyst",
                                                "empty",
                                                "empty reactor",
                                                "empty tube",
                                                "blank run",
                                                "blank test",
                                                "blank reactor",
                                                "blank tube",
                                                "leer",
                                                "leerrohr",
                                                "leerer reaktor",
                                                "blindversuch",
                                                "ohne katalysator",
                                                "vide",
                                                "sans catalyseur",
                                                "thermal",
                                                "homogeneous",
                                                "\u7A7A",
                                                "\u89E6\u5A92\u306A\u3057",
                                                "\u30D6\u30E9\u30F3\u30AF"};
  name = small_letters(name);
  return std::find(std::begin(kWords), std::end(kWords), name) != std::end(kWords);
}

}  // namespace

Status add_active(ReadActives& actives, std::string_view part, bool count_oxygen) {
  Result<Formula> formula = read_formula(part);
  if (!formula.ok()) {
    Error error = formula.error();
    const std::string apart = joined_by_hyphens(part);
    if (error.message.starts_with("a number stands before") && !apart.empty()) {
      error.expected = fmt::format("{}, if each number belongs to the element behind it", apart);
    }
    return error;
  }
  if (count_oxygen && (formula->oxygen_unknown || formula->oxygen_deviates)) {
    return Error{ErrorCode::bad_data,
                 "the amount of oxygen is not told, and the campaign counts it", "",
                 std::string(part),
                 formula->oxygen_unknown ? "a number in place of the letter, such as MnO2"
                                         : "the amount itself, such as CeO1.95"};
  }
  bool only_oxygen = true;
  for (const Composition::Part& piece : formula->composition.parts()) {
    if (!(actives.composition.amount(piece.element) + piece.amount <= kLargestAmount)) {
      return bad_name(part, "the amounts are too large");
    }
    actives.composition.add(piece.element, piece.amount);
    only_oxygen = only_oxygen && piece.element == kOxygen;
  }
  if (only_oxygen && !count_oxygen) return bad_name(part, "an active that is only oxygen");
  actives.oxygen_unknown = actives.oxygen_unknown || formula->oxygen_unknown;
  const std::string folded = fold_name(part);
  const bool number = !folded.empty() && (is_digit(folded[0]) || folded[0] == '.');
  (number ? actives.numbered : actives.plain) += 1;
  if (number && actives.numbered_formula.empty() && !is_number_of(*formula, folded)) {
    actives.numbered_formula = folded;
  }
  return {};
}

Result<ReadName> read_name(std::string_view text, const SupportTable& supports, bool count_oxygen) {
  if (text.size() > kLongestName) return bad_name(text, "the name is too long");
  const std::string name = with_hydrate_dots(fold_name(text));
  if (name.empty()) return bad_name(text, "the name is empty");
  if (Status fine = check_signs(name, text); !fine.ok()) return fine.error();
  ReadName read;
  if (same_but_for_case(name, "blank")) {
    read.blank = true;
    return read;
  }
  if (says_no_catalyst(name)) {
    return Error{ErrorCode::bad_data, "this names no catalyst", "", std::string(text),
                 "blank, for a run without a catalyst"};
  }
  if (Status whole = check_fractions(name, text, supports); !whole.ok()) return whole.error();
  std::string_view actives = name;
  if (const std::size_t begin = support_of(name, supports); begin != std::string_view::npos) {
    const std::string_view behind = trim(actives.substr(begin));
    if (behind.empty()) return bad_name(text, "no support follows the /");
    const std::string_view before = trim(actives.substr(0, begin - 1));
    if (Status parts = check_support_parts(before, behind, text, supports); !parts.ok()) {
      return parts.error();
    }
    Result<Support> support = supports.read(behind);
    if (!support.ok()) return support.error();
    read.support = std::move(support->name);
    actives = trim(actives.substr(0, begin - 1));
    if (actives.empty() || says_none(actives)) return read;
  }
  if (Status added = add_actives(read.actives, actives, text, count_oxygen); !added.ok()) {
    return added.error();
  }
  return read;
}

}  // namespace kasetsu::chemistry
