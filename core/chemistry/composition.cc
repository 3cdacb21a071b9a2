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

namespace kasetsu::chemistry {
namespace {

constexpr std::size_t kLongestFormula = 1000;
constexpr std::size_t kDeepest = 32;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_upper(char c) {
  return c >= 'A' && c <= 'Z';
}
bool is_lower(char c) {
  return c >= 'a' && c <= 'z';
}

// What people paste: subscript digits, and several signs for the dot of a hydrate.
struct Spelling {
  std::string_view written;
  char meant;
};
constexpr Spelling kSpellings[] = {
    {"\u2080", '0'}, {"\u2081", '1'}, {"\u2082", '2'}, {"\u2083", '3'}, {"\u2084", '4'},
    {"\u2085", '5'}, {"\u2086", '6'}, {"\u2087", '7'}, {"\u2088", '8'}, {"\u2089", '9'},
    {"\u00B7", '*'}, {"\u2022", '*'}, {"\u22C5", '*'}, {"\u00A0", ' '}};

class FormulaParser {
 public:
  explicit FormulaParser(std::string_view text) : text_(text) {}

  Result<Composition> parse() {
    if (text_.size() > kLongestFormula) {
      return Error{ErrorCode::bad_data, "the formula is too long", "", std::string(text_),
                   fmt::format("at most {} characters", kLongestFormula)};
    }
    normalise();
    while (!plain_.empty() && plain_.back() == ' ') plain_.pop_back();
    skip_spaces();
    if (at_ == plain_.size()) return fault(at_, "empty formula");
    for (;;) {
      if (Status part = read_segment(); !part.ok()) return part.error();
      skip_spaces();
      if (at_ == plain_.size()) break;
      if (plain_[at_] != '*' && plain_[at_] != '.') {
        if (plain_[at_] == ')' || plain_[at_] == ']' || plain_[at_] == '}') {
          return fault(at_, "a closing bracket that nothing opened");
        }
        return fault(at_, "something that is no part of a formula stands");
      }
      ++at_;
      skip_spaces();
      if (at_ == plain_.size()) return fault(at_, "nothing follows the dot");
    }
    if (total_.empty()) return fault(0, "no element has an amount above zero");
    return total_;
  }

 private:
  // One character for one meant, with the place in the original of each, counted in characters as
  // people see them.
  void normalise() {
    std::size_t character = 0;
    for (std::size_t i = 0; i < text_.size(); ++character) {
      std::size_t length = 1;
      char meant = text_[i];
      if ((static_cast<unsigned char>(meant) & 0x80U) != 0) {  // no ASCII, as all kSpellings
        for (const Spelling& spelling : kSpellings) {
          if (text_.substr(i).starts_with(spelling.written)) {
            length = spelling.written.size();
            meant = spelling.meant;
            break;
          }
        }
        const bool known = length > 1;
        while (!known && i + length < text_.size() &&
               (static_cast<unsigned char>(text_[i + length]) & 0xC0U) == 0x80U) {
          ++length;
        }
      }
      plain_ += meant;
      character_.push_back(character + 1);
      i += length;
    }
    character_.push_back(character + 1);
  }

  void skip_spaces() {
    while (at_ < plain_.size() && (plain_[at_] == ' ' || plain_[at_] == '\t')) ++at_;
  }

  Error fault(std::size_t place, std::string_view what) const {
    return {ErrorCode::bad_data,
            fmt::format("{} at character {} of the formula", what, character_[place]), "",
            std::string(text_), "a formula such as La0.5Sr0.5CoO3 or CuSO4.5H2O"};
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
    if (plain_.compare(i, 3, "H2O") != 0) return false;
    i += 3;
    return i == plain_.size() || plain_[i] == '*' || plain_[i] == '.' || plain_[i] == ' ' ||
           plain_[i] == ')' || plain_[i] == ']' || plain_[i] == '}';
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
      const bool decimal = fraction > end + 1 && (whole || !after_symbol) &&
                           (!after_symbol || !hydrate_dot(end) ||
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

  Status read_segment() {
    struct Open {
      char bracket;
      std::size_t place;
      std::vector<Composition::Part> inside;
    };
    Result<double> factor = read_amount(false);
    if (!factor.ok()) return factor.error();
    skip_spaces();
    std::vector<Open> open;
    open.push_back({' ', at_, {}});
    const std::size_t begin = at_;
    while (at_ < plain_.size()) {
      const char c = plain_[at_];
      if (is_upper(c)) {
        const std::size_t place = at_;
        std::optional<int> element;
        if (at_ + 1 < plain_.size() && is_lower(plain_[at_ + 1])) {
          element = atomic_number(std::string_view(plain_).substr(at_, 2));
          at_ += 2;
          // The exponent of the amount before is never here, so a small letter belongs to a symbol.
        } else {
          element = atomic_number(std::string_view(plain_).substr(at_, 1));
          ++at_;
        }
        std::size_t end = at_;
        while (end < plain_.size() && is_lower(plain_[end])) ++end;
        if (!element || end != at_) {
          return fault(place, fmt::format("unknown element {}", plain_.substr(place, end - place)));
        }
        Result<double> amount = read_amount(true);
        if (!amount.ok()) return amount.error();
        open.back().inside.push_back({*element, *amount});
      } else if (c == '(' || c == '[' || c == '{') {
        if (open.size() > kDeepest) return fault(at_, "brackets are nested too deeply");
        open.push_back({c, at_, {}});
        ++at_;
      } else if (c == ')' || c == ']' || c == '}') {
        if (open.size() == 1) break;
        const char expected =
            open.back().bracket == '(' ? ')' : (open.back().bracket == '[' ? ']' : '}');
        if (c != expected) return fault(at_, "a closing bracket of another kind");
        if (open.back().inside.empty()) return fault(at_, "nothing stands in the brackets");
        ++at_;
        Result<double> amount = read_amount(true);
        if (!amount.ok()) return amount.error();
        std::vector<Composition::Part> inside = std::move(open.back().inside);
        open.pop_back();
        for (const Composition::Part& part : inside) {
          open.back().inside.push_back({part.element, part.amount * *amount});
        }
      } else if ((c == '.' || c == '*') && open.size() > 1 && !open.back().inside.empty()) {
        return fault(at_, "a dot inside brackets");
      } else {
        break;
      }
    }
    if (open.size() > 1) return fault(open.back().place, "a bracket that is never closed");
    if (at_ == begin) {
      if (at_ < plain_.size() && is_lower(plain_[at_])) {
        return fault(at_, "a symbol without its capital letter");
      }
      return fault(at_, "no element where one must stand");
    }
    for (const Composition::Part& part : open.back().inside) {
      const double amount = part.amount * *factor;
      if (!std::isfinite(amount) || !std::isfinite(total_.amount(part.element) + amount)) {
        return fault(begin, "the amounts are too large");
      }
      total_.add(part.element, amount);
    }
    return {};
  }

  std::string_view text_;
  std::string plain_;
  std::vector<std::size_t> character_;  // of each place in plain_, from 1; one past the end too
  std::size_t at_ = 0;
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

Result<Composition> parse_formula(std::string_view text) {
  return FormulaParser(text).parse();
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
