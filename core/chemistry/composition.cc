#include "core/chemistry/composition.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <optional>
#include <system_error>

#include "core/base/text.h"
#include "core/chemistry/element.h"
#include "core/chemistry/names.h"

namespace kasetsu::chemistry {
namespace {

constexpr std::size_t kLongestFormula = 1000;
constexpr std::size_t kDeepest = 32;
constexpr int kOxygen = 8;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_upper(char c) {
  return c >= 'A' && c <= 'Z';
}
bool is_lower(char c) {
  return c >= 'a' && c <= 'z';
}

bool is_letter(char c) {
  return is_upper(c) || is_lower(c);
}

constexpr std::string_view kDot = "\u00B7";
constexpr std::string_view kPlusMinus = "\u00B1";

// Whether `pair`, two capitals side by side, may be the two letters of one symbol: then a formula
// in capitals reads in two ways. `after` is what follows the pair, `first` whether nothing is
// before.
bool may_be_one_symbol(std::string_view pair, std::string_view after, bool first) {
  constexpr std::string_view kPairs[] = {"BI", "CO", "CS", "CU", "HF", "HO", "IN", "NB",
                                         "NI", "OS", "PB", "SB", "SC", "SI", "SN", "YB"};
  if (std::find(std::begin(kPairs), std::end(kPairs), pair) == std::end(kPairs)) return false;
  if (pair == "CO" && after.starts_with('3') && !first) return false;  // a carbonate
  if (pair == "OS" && after.starts_with('O')) return false;            // a sulfate (VOSO4)
  if (pair == "HF" && !first) return false;                            // a bifluoride
  if (pair == "SC" && after.starts_with('N')) return false;            // a thiocyanate
  return true;
}

class FormulaParser {
 public:
  explicit FormulaParser(std::string_view text) : text_(text) {}

  Result<Formula> parse() {
    if (text_.size() > kLongestFormula) {
      return Error{ErrorCode::bad_data, "the formula is too long", "", std::string(text_),
                   fmt::format("at most {} characters", kLongestFormula)};
    }
    fold();
    skip_spaces();
    if (at_ == plain_.size()) return fault(at_, "empty formula");
    if (same_but_for_case(plain_, "nan")) {
      return fault(0, "the word of programs for \"not a number\" stands",
                   "none for an empty place, or Na1N1 if the two elements are meant");
    }
    if (Status joined = join_elements(); !joined.ok()) return joined.error();
    for (;;) {
      if (Status part = read_segment(); !part.ok()) return part.error();
      skip_spaces();
      if (at_ == plain_.size()) break;
      if (plain_[at_] != '*' && plain_[at_] != '.') return stray();
      if (is_decimal_dot()) {
        return fault(at_, "a middle dot between digits stands",
                     "a decimal point (Ce0.8Zr0.2O2); a middle dot parts oxides or salts");
      }
      adduct_ = true;
      ++at_;
      skip_spaces();
      if (at_ == plain_.size()) return fault(at_, "nothing follows the dot");
    }
    if (number_before_several_ && !adduct_) {
      return fault(0, "a number stands before several elements",
                   "the amount of each element behind it (Ni15Ce5), the parts of a name joined by "
                   "hyphens (15Ni-5Ce), or brackets, as in 2(MgO)");
    }
    if (Status one = check_capitals(); !one.ok()) return one.error();
    if (total_.empty()) return fault(0, "no element has an amount above zero");
    return Formula{std::move(total_), oxygen_unknown_, oxygen_deviates_};
  }

 private:
  // The text in plain characters, with '*' for the dot of an adduct and without spaces at the ends.
  void fold() {
    FoldedText folded = fold_characters(text_);
    for (std::size_t i = 0; i < folded.text.size(); ++i) {
      const std::string_view rest = std::string_view(folded.text).substr(i);
      const bool dot = rest.starts_with(kDot);
      plain_ += dot ? '*' : folded.text[i];
      character_.push_back(folded.character[i]);
      if (dot) ++i;
    }
    while (!plain_.empty() && plain_.back() == ' ') {
      plain_.pop_back();
      character_.pop_back();
    }
    character_.push_back(folded.character.back());
  }

  // "Al0.25 Co1 Fe1": spaces between elements go. Any other space inside a formula is refused,
  // since "Ni Al2O3" may be nickel on alumina.
  Status join_elements() {
    const auto beside_dot = [&](std::size_t i) {
      return (i > 0 && plain_[i - 1] == '*') || (i + 1 < plain_.size() && plain_[i + 1] == '*');
    };
    std::size_t space = plain_.size();
    bool only_elements = true;
    std::size_t i = at_;
    while (i < plain_.size()) {
      std::size_t end = i;
      while (end < plain_.size() && plain_[end] != ' ') ++end;
      only_elements = only_elements && is_one_element(std::string_view(plain_).substr(i, end - i));
      if (end < plain_.size() && space == plain_.size()) space = end;
      i = end;
      while (i < plain_.size() && plain_[i] == ' ') ++i;
    }
    if (space == plain_.size() || !only_elements) return {};
    std::string joined;
    std::vector<std::size_t> places;
    for (std::size_t k = 0; k < plain_.size(); ++k) {
      if (plain_[k] == ' ' && !beside_dot(k)) continue;
      joined += plain_[k];
      places.push_back(character_[k]);
    }
    places.push_back(character_.back());
    plain_ = std::move(joined);
    character_ = std::move(places);
    at_ = 0;
    spaced_ = true;
    return {};
  }

  // "Co" or "Co1.5".
  static bool is_one_element(std::string_view token) {
    std::size_t letters = 0;
    while (letters < token.size() && is_letter(token[letters])) ++letters;
    if (!atomic_number(token.substr(0, letters))) return false;
    const std::string_view amount = token.substr(letters);
    return amount.empty() || ((is_digit(amount[0]) || amount[0] == '.') && parse_number(amount));
  }

  // What stands where a formula should end or go on.
  Error stray() const {
    const char c = plain_[at_];
    const char next = at_ + 1 < plain_.size() ? plain_[at_ + 1] : ' ';
    if (c == ')' || c == ']' || c == '}') {
      return fault(at_, "a closing bracket that nothing opened");
    }
    if (c == ',') {
      return fault(at_, "a comma stands", "amounts with a decimal point, such as Zn0.35Cd0.65S");
    }
    if (c == '-' && (is_digit(next) || next == '.')) {
      return fault(at_, "a minus stands before an amount",
                   "amounts above zero, such as Sm1Ba1Cu3O6.94");
    }
    if (letter_for_amount(at_) || (c == '-' && is_lower(next))) return amount_not_told(at_);
    if (c == '+' || c == '-') {
      return fault(at_, "a sign stands", "a formula without charges, such as La0.5Sr0.5CoO3");
    }
    if (c == '@') {
      return fault(at_, "the sign @ stands",
                   "Pt/CeO2, with what is inside told as the preparation");
    }
    if (at_ > 0 && plain_[at_ - 1] == ' ') {
      return fault(at_ - 1, "a space stands",
                   "a formula without spaces, or a support behind a slash, as in Ni/Al2O3");
    }
    return fault(at_, "something that is no part of a formula stands");
  }

  // "xSr", "nH2O": a letter where an amount belongs.
  bool letter_for_amount(std::size_t place) const {
    if (place >= plain_.size()) return false;
    if (std::string_view("nxyzuv").find(plain_[place]) == std::string_view::npos) return false;
    const char next = place + 1 < plain_.size() ? plain_[place + 1] : ' ';
    return is_upper(next) || next == '(' || next == ' ';
  }

  Error amount_not_told(std::size_t place) const {
    return fault(place, "an amount that is not told stands", "a number in place of each letter");
  }

  Error unclosed(std::size_t place) const {
    const std::size_t close = plain_.find_first_of(")]}", place);
    if (close == std::string::npos) return fault(place, "a bracket that is never closed");
    const std::string inside = plain_.substr(place + 1, close - place - 1);
    if (parse_number(inside)) {
      return fault(place, "brackets hold a number without an element",
                   "the amount behind its symbol, such as La0.5Sr0.5CoO3");
    }
    if (inside.find(',') != std::string::npos) {
      return fault(place, "brackets hold elements whose amounts are not told",
                   "an amount behind each, such as (Ce0.5Zr0.5)O2");
    }
    return fault(place, "brackets hold something that is no formula");
  }

  // Two capitals at `place` of a formula that has small letters elsewhere, which are more likely
  // one symbol: "LaNIO3", "LaCOO3". `hydrogen`: the formula has it, as acetates and hydrates do.
  bool is_slip_of_shift(std::size_t place, bool hydrogen) const {
    const std::string_view rest = std::string_view(plain_).substr(place);
    const std::string_view pair = rest.substr(0, 2), after = rest.substr(2);
    if (pair == "CO") {
      const bool carbonate = after.starts_with('3') && !after.substr(1).starts_with('.');
      return !hydrogen && !carbonate &&
             (after.find('O') != std::string_view::npos || plain_.find('O') < place);
    }
    if (pair == "HF" || pair == "HO" || pair == "OS" || !may_be_one_symbol(pair, after, false)) {
      return false;
    }
    // Sulfoiodides (BiSI) and boride phosphides (NiPB) exist; of these none does.
    for (const std::string_view never : {"NI", "CU", "SN", "NB", "IN"}) {
      if (pair == never) return true;
    }
    const std::size_t next = after.find_first_not_of("0123456789.");
    return place == 0 || (next != std::string_view::npos && after[next] == 'O');
  }

  // One way of reading: capitals that are two elements here and one symbol in a known formula.
  Status check_capitals() const {
    if (spaced_) return {};
    const bool small_letters = std::any_of(plain_.begin(), plain_.end(), is_lower);
    const bool hydrogen = total_.amount(1) > 0.0;
    for (std::size_t i = 0; i + 1 < plain_.size(); ++i) {
      if (!is_upper(plain_[i]) || !is_upper(plain_[i + 1])) continue;
      const std::string_view rest = std::string_view(plain_).substr(i);
      if (rest.size() > 2 && is_lower(rest[2])) continue;
      const std::string_view after = rest.substr(2);
      const bool doubtful = small_letters ? is_slip_of_shift(i, hydrogen)
                                          : may_be_one_symbol(rest.substr(0, 2), after, i == 0);
      if (!doubtful) continue;
      std::string meant = small_letters ? plain_ : with_usual_capitals(plain_);
      if (small_letters) meant[i + 1] = static_cast<char>(meant[i + 1] - 'A' + 'a');
      const std::string apart = fmt::format("{}1{}", plain_.substr(0, i + 1), plain_.substr(i + 1));
      return fault(i, kReadsInTwoWays,
                   fmt::format("{}, or {} if these are two elements", meant, apart));
    }
    return {};
  }

  void skip_spaces() {
    while (at_ < plain_.size() && (plain_[at_] == ' ' || plain_[at_] == '\t')) ++at_;
  }

  Error fault(std::size_t place, std::string_view what, std::string expected = "") const {
    if (expected.empty()) expected = "a formula such as La0.5Sr0.5CoO3 or CuSO4.5H2O";
    return {ErrorCode::bad_data,
            fmt::format("{} at character {} of the formula", what, character_[place]), "",
            std::string(text_), std::move(expected)};
  }

  // "Reference", "Series A": three small letters in a row stand in no formula but one that is
  // written without any capital.
  bool is_word() const {
    std::size_t row = 0;
    for (const char c : plain_) {
      row = is_lower(c) ? row + 1 : 0;
      if (row == 3) return is_upper(plain_[0]) || plain_.find(' ') != std::string::npos;
    }
    return false;
  }

  // A place where symbols cannot be read: says which capitals would make a formula of it.
  Error bad_symbol(std::size_t place, std::string_view what) const {
    const std::string meant = is_word() ? std::string() : with_usual_capitals(plain_);
    if (meant.empty() || meant == plain_ || !FormulaParser(meant).parse().ok()) {
      return fault(place, what);
    }
    return fault(place, what, fmt::format("{}, if that is meant", meant));
  }

  std::size_t digits_from(std::size_t from) const {
    std::size_t end = from;
    while (end < plain_.size() && is_digit(plain_[end])) ++end;
    return end;
  }

  // A dot before water begins a hydrate ("CuSO4.5H2O"), where everywhere else a dot between digits
  // is a decimal point ("Sr0.5CoO3"). `dot` is the dot's place; true when what follows it is a
  // count, H2O, and then the end or a next adduct.
  bool hydrate_dot(std::size_t dot) const {
    std::size_t i = digits_from(dot + 1);
    if (i < plain_.size() && plain_[i] == '.') i = digits_from(i + 1);
    const bool brackets = plain_.compare(i, 5, "(H2O)") == 0;
    if (!brackets && plain_.compare(i, 3, "H2O") != 0) return false;
    i += brackets ? 5 : 3;
    return i == plain_.size() || plain_[i] == '*' || plain_[i] == '.' || plain_[i] == ' ' ||
           plain_[i] == ')' || plain_[i] == ']' || plain_[i] == '}';
  }

  // A middle dot between two digits that follows no oxide and stands before no water: some write
  // the decimal point so.
  bool is_decimal_dot() const {
    if (plain_[at_] != '*' || at_ == 0 || at_ + 1 >= plain_.size()) return false;
    if (!is_digit(plain_[at_ - 1]) || !is_digit(plain_[at_ + 1])) return false;
    const bool zero = plain_[at_ - 1] == '0' && (at_ < 2 || !is_digit(plain_[at_ - 2]));
    return zero || (total_.amount(kOxygen) == 0.0 && !hydrate_dot(at_));
  }

  // A number if one stands here, else 1.
  Result<double> read_amount(bool after_symbol) {
    const std::size_t begin = at_;
    std::size_t end = digits_from(begin);
    const bool whole = end > begin;
    if (end < plain_.size() && plain_[end] == '.') {
      const std::size_t fraction = digits_from(end + 1);
      const bool zero = whole && plain_.find_first_not_of('0', begin) >= end;
      // "4.5H2O" is four, then five waters; "0.5H2O" is a half; "4.0.5H2O" is four, then half a
      // water.
      const bool decimal =
          fraction > end + 1 && (!after_symbol || !hydrate_dot(end) ||
                                 (zero && !(fraction < plain_.size() && plain_[fraction] == '.' &&
                                            !hydrate_dot(fraction))));
      if (decimal) end = fraction;
    }
    if (end == begin) return 1.0;
    if (end < plain_.size() && (plain_[end] == 'e' || plain_[end] == 'E')) {
      std::size_t exponent = end + 1;
      if (exponent < plain_.size() && (plain_[exponent] == '-' || plain_[exponent] == '+')) {
        ++exponent;
      }
      const std::size_t exponent_end = digits_from(exponent);
      // A capital E may begin an element (Er, Es, Eu); followed by a digit it cannot.
      if (exponent_end > exponent) end = exponent_end;
    }
    double value = 0.0;
    const auto [last, problem] = std::from_chars(plain_.data() + begin, plain_.data() + end, value);
    if (problem != std::errc() || last != plain_.data() + end || !std::isfinite(value)) {
      return fault(begin, "the amount is not a number that can be used");
    }
    at_ = end;
    return value;
  }

  struct Open {
    char bracket;  // ' ' for the segment itself
    std::size_t place;
    std::vector<Composition::Part> inside;
    int pieces = 0;  // symbols and brackets
  };

  // A symbol and its amount.
  Status read_element(std::vector<Open>& open) {
    const std::size_t place = at_;
    ++open.back().pieces;
    if (plain_[place] == 'O' && read_unknown_oxygen(place)) return {};
    std::size_t end = place + 1;
    while (end < plain_.size() && is_lower(plain_[end])) ++end;
    const std::string_view symbol = std::string_view(plain_).substr(place, end - place);
    const std::optional<int> element = atomic_number(symbol);
    if (!element) return bad_symbol(place, fmt::format("unknown element {}", symbol));
    at_ = end;
    Result<double> amount = read_amount(true);
    if (!amount.ok()) return amount.error();
    if (*element == kOxygen) {
      if (open.size() == 1 && dot_reads_twice(end)) {
        return fault(end, "a dot that may be a decimal point or the dot of an adduct stands",
                     "a middle dot for an adduct, as in Al2O3\u00B72SiO2, or the oxygen last");
      }
      skip_deficiency();
    }
    open.back().inside.push_back({*element, *amount});
    return {};
  }

  // A closing bracket and its amount.
  Status close_bracket(std::vector<Open>& open) {
    const char bracket = open.back().bracket;
    const char expected = bracket == '(' ? ')' : (bracket == '[' ? ']' : '}');
    if (plain_[at_] != expected) return fault(at_, "a closing bracket of another kind");
    if (open.back().inside.empty()) return fault(at_, "nothing stands in the brackets");
    ++at_;
    Result<double> amount = read_amount(true);
    if (!amount.ok()) return amount.error();
    const std::vector<Composition::Part> inside = std::move(open.back().inside);
    open.pop_back();
    ++open.back().pieces;
    for (const Composition::Part& part : inside) {
      open.back().inside.push_back({part.element, part.amount * *amount});
    }
    return {};
  }

  // What stands between two dots of an adduct, or the whole formula.
  Status read_segment() {
    const std::size_t number = at_;
    Result<double> factor = read_amount(false);
    if (!factor.ok()) return factor.error();
    const bool has_factor = at_ > number;
    skip_spaces();
    std::vector<Open> open;
    open.push_back({' ', at_, {}});
    const std::size_t begin = at_;
    while (at_ < plain_.size()) {
      const char c = plain_[at_];
      if (is_upper(c)) {
        if (Status element = read_element(open); !element.ok()) return element;
      } else if (c == '(' || c == '[' || c == '{') {
        if (open.size() > kDeepest) return fault(at_, "brackets are nested too deeply");
        open.push_back({c, at_, {}});
        ++at_;
      } else if ((c == ')' || c == ']' || c == '}') && open.size() > 1) {
        if (Status closed = close_bracket(open); !closed.ok()) return closed;
      } else if ((c == '.' || c == '*') && open.size() > 1 && !open.back().inside.empty()) {
        return fault(at_, "a dot inside brackets");
      } else {
        break;
      }
    }
    if (open.size() > 1) return unclosed(open.back().place);
    if (at_ == begin) {
      if (letter_for_amount(at_)) return amount_not_told(at_);
      if (at_ < plain_.size() && is_lower(plain_[at_])) {
        return bad_symbol(at_, "a symbol without its capital letter");
      }
      if (at_ > 0 && at_ < plain_.size() && plain_[at_] == ',') return stray();
      return fault(at_, "no element where one must stand");
    }
    if (has_factor && open.back().pieces > 1) number_before_several_ = true;
    for (const Composition::Part& part : open.back().inside) {
      const double amount = part.amount * *factor;
      if (!(total_.amount(part.element) + amount <= kLargestAmount)) {
        return fault(begin, "the amounts are too large");
      }
      total_.add(part.element, amount);
    }
    return {};
  }

  // "Ox", "Oy", "Odelta": oxygen of an amount that is not told.
  bool read_unknown_oxygen(std::size_t place) {
    for (const std::string_view unknown : {"delta", "x", "y", "z", "d", "n"}) {
      const std::size_t end = place + 1 + unknown.size();
      if (plain_.compare(place + 1, unknown.size(), unknown) != 0) continue;
      if (end < plain_.size() && (is_lower(plain_[end]) || is_digit(plain_[end]))) continue;
      at_ = end;
      oxygen_unknown_ = true;
      return true;
    }
    return false;
  }

  // The "-delta", "-x", "+d" behind an amount of oxygen: a small deviation that is not told.
  void skip_deficiency() {
    std::size_t i = at_;
    if (i < plain_.size() && (plain_[i] == '-' || plain_[i] == '+')) {
      ++i;
    } else if (plain_.compare(i, kPlusMinus.size(), kPlusMinus) == 0) {
      i += kPlusMinus.size();
    } else {
      return;
    }
    for (const std::string_view letter : {"delta", "x", "y", "z", "d"}) {
      if (plain_.compare(i, letter.size(), letter) != 0) continue;
      const std::size_t end = i + letter.size();
      if (end < plain_.size() && is_letter(plain_[end])) continue;
      at_ = end;
      oxygen_deviates_ = true;
      return;
    }
  }

  // "Al2O3.2SiO2": the number that begins at `digits`, behind oxygen, is 3.2 or the 3 of an oxide
  // before two of the next. Two decimals, zero before the dot, or nothing with oxygen behind are a
  // decimal point.
  bool dot_reads_twice(std::size_t digits) const {
    const std::size_t dot = plain_.find('.', digits);
    if (dot == std::string::npos || dot >= at_ || dot == digits || at_ != dot + 2) return false;
    if (plain_.find_first_not_of('0', digits) >= dot) return false;
    if (at_ == plain_.size() || !is_upper(plain_[at_])) return false;
    for (std::size_t i = at_; i < plain_.size() && plain_[i] != '*'; ++i) {
      const bool symbol_ends = i + 1 == plain_.size() || !is_lower(plain_[i + 1]);
      if (plain_[i] == 'O' && symbol_ends) return true;
    }
    return false;
  }

  std::string_view text_;
  std::string plain_;
  std::vector<std::size_t> character_;  // of each place in plain_, from 1; one past the end too
  std::size_t at_ = 0;
  bool spaced_ = false;                 // spaces stood between elements
  bool adduct_ = false;                 // a dot parts the formula
  bool number_before_several_ = false;  // as in 15Ni5Ce
  bool oxygen_unknown_ = false;
  bool oxygen_deviates_ = false;
  Composition total_;
};

}  // namespace

void Composition::add(int element, double amount) {
  KASETSU_ASSERT(element >= 1 && element <= kLastAtomicNumber);
  KASETSU_ASSERT(std::isfinite(amount) && amount >= 0.0);
  if (amount == 0.0) return;
  const auto place =
      std::lower_bound(parts_.begin(), parts_.end(), element,
                       [](const Part& part, int number) { return part.element < number; });
  if (place != parts_.end() && place->element == element) {
    place->amount += amount;
    KASETSU_ASSERT(std::isfinite(place->amount));
  } else {
    parts_.insert(place, {element, amount});
  }
}

double Composition::total() const {
  double sum = 0.0;
  for (const Part& part : parts_) sum += part.amount;
  return sum;
}

double Composition::amount(int element) const {
  for (const Part& part : parts_) {
    if (part.element == element) return part.amount;
  }
  return 0.0;
}

Result<Formula> read_formula(std::string_view text) {
  return FormulaParser(text).parse();
}

Result<Composition> parse_formula(std::string_view text) {
  Result<Formula> formula = read_formula(text);
  if (!formula.ok()) return formula.error();
  if (formula->oxygen_unknown) {
    return Error{ErrorCode::bad_data, "the amount of oxygen is not told", "", std::string(text),
                 "a number in place of the letter, such as CeO2"};
  }
  return std::move(formula->composition);
}

std::string to_formula(const Composition& composition) {
  std::vector<std::pair<std::string_view, double>> parts;
  for (const Composition::Part& part : composition.parts()) {
    parts.emplace_back(element_symbol(part.element), part.amount);
  }
  std::sort(parts.begin(), parts.end());
  std::string out;
  for (const auto& [symbol, amount] : parts) {
    out += symbol;
    out += format_number(amount);
  }
  return out;
}

}  // namespace kasetsu::chemistry
