// A second reader of plain formulas, written apart from the project's: symbols, whole and decimal
// amounts, round brackets. What it reads, core/chemistry must read to the same amounts or refuse as
// ambiguous; see formula_fuzz.cc.
#pragma once

#include <cctype>
#include <cstdlib>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "core/chemistry/element.h"

namespace kasetsu::testing {

class PlainFormulaReader {
 public:
  // Atomic numbers and amounts; nothing for a text beyond the plain grammar.
  static std::optional<std::map<int, double>> read(std::string_view text) {
    PlainFormulaReader reader(text);
    std::optional<std::map<int, double>> amounts = reader.group();
    if (!amounts || reader.at_ != text.size() || amounts->empty()) return std::nullopt;
    return amounts;
  }

 private:
  explicit PlainFormulaReader(std::string_view text) : text_(text) {}

  char peek(std::size_t ahead = 0) const {
    return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0';
  }

  // digits [ "." digits ], or 1 where none stand here.
  double number() {
    const std::size_t begin = at_;
    while (std::isdigit(static_cast<unsigned char>(peek()))) ++at_;
    if (at_ > begin && peek() == '.' && std::isdigit(static_cast<unsigned char>(peek(1)))) {
      ++at_;
      while (std::isdigit(static_cast<unsigned char>(peek()))) ++at_;
    }
    return at_ == begin
               ? 1.0
               : std::strtod(std::string(text_.substr(begin, at_ - begin)).c_str(), nullptr);
  }

  std::optional<std::map<int, double>> group(int depth = 0) {
    std::map<int, double> amounts;
    while (at_ < text_.size()) {
      if (peek() == '(' && depth < 20) {
        ++at_;
        auto inside = group(depth + 1);
        if (!inside || inside->empty() || peek() != ')') return std::nullopt;
        ++at_;
        const double times = number();
        for (const auto& [element, amount] : *inside) amounts[element] += amount * times;
        continue;
      }
      if (!std::isupper(static_cast<unsigned char>(peek()))) break;
      std::size_t length = 1;
      while (std::islower(static_cast<unsigned char>(peek(length)))) ++length;
      const auto element = chemistry::atomic_number(text_.substr(at_, length));
      if (!element) return std::nullopt;
      at_ += length;
      amounts[*element] += number();
    }
    return amounts;
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace kasetsu::testing
