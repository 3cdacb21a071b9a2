#include "drivers/tables/amount_mention.h"

#include <algorithm>
#include <array>
#include <string>

#include "core/base/text.h"
#include "core/chemistry/basis.h"
#include "core/chemistry/element.h"
#include "drivers/tables/header_meaning.h"
#include "drivers/tables/header_text.h"

namespace kasetsu::tables {
namespace {

template <std::size_t size>
bool is_among(std::string_view word, const std::array<std::string_view, size>& words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

// An element that headers of amounts tell: neither row numbers nor gases, nor what is in products
// and feeds.
std::optional<int> metal_of(std::string_view symbol) {
  static constexpr std::array<int, 9> kOthers = {1, 6, 7, 8, 9, 16, 17, 35, 53};
  const auto element = chemistry::atomic_number(symbol);
  if (!element || !chemistry::can_be_weighed(*element) || chemistry::is_noble_gas(*element) ||
      std::find(kOthers.begin(), kOthers.end(), *element) != kOthers.end()) {
    return std::nullopt;
  }
  return element;
}

// "Cu/Zn", "Ni:Co": two elements, one of them a metal. Two signs of quantities are one of theirs
// ("W/F", "S/C") unless the header says that they are atoms.
std::optional<AmountMention> ratio_of(std::string_view word, bool says_ratio) {
  const std::size_t sign = word.find_first_of("/:");
  if (sign == std::string_view::npos) return std::nullopt;
  const std::string_view one = word.substr(0, sign), other = word.substr(sign + 1);
  const auto first = chemistry::atomic_number(one), second = chemistry::atomic_number(other);
  if (!first || !second || (!metal_of(one) && !metal_of(other))) return std::nullopt;
  if (one.size() == 1 && other.size() == 1 && !says_ratio) return std::nullopt;
  return AmountMention{{*first, *second}, true};
}

// What the words of a header say, one after another.
class MentionReader {
 public:
  std::optional<AmountMention> read(std::string_view header) {
    const HeaderName split = split_unit(header);
    const auto unit = chemistry::told_unit(split.unit);
    if (unit && unit->weighed) return std::nullopt;
    subject_ = slot_amount(header).has_value();  // "wt% 1"
    const std::string plain = plain_characters(header);
    const bool says_ratio = fold_name(plain).find("ratio") != std::string::npos;
    for (std::string_view rest = plain; !rest.empty();) {
      const std::size_t end = std::min(rest.find_first_of(" _()[],;"), rest.size());
      const std::string_view word = rest.substr(0, end);
      rest.remove_prefix(std::min(end + 1, rest.size()));
      if (auto ratio = ratio_of(word, says_ratio)) {
        found_ = std::move(*ratio);
        subject_ = amount_ = true;
      } else {
        take(word, true);
      }
    }
    amount_ = amount_ || (unit && split.unit != "%" && split.unit.size() > 1);
    const bool whole = amount_ || (percent_ && !others_ && !sign_);
    if (outcome_ || !whole || !(subject_ || (loading_ && !others_))) return std::nullopt;
    return std::move(found_);
  }

 private:
  void take(std::string_view word, bool parted) {
    if (word.empty() || word.find_first_not_of("0123456789./-") == std::string_view::npos) return;
    static constexpr std::array<std::string_view, 17> kLoadings = {"loading",
                                                                   "loadings",
                                                                   "load",
                                                                   "content",
                                                                   "contents",
                                                                   "gehalt",
                                                                   "beladung",
                                                                   "anteil",
                                                                   "teneur",
                                                                   "charge",
                                                                   "amount",
                                                                   "\u62C5\u6301\u91CF",
                                                                   "\u542B\u6709\u91CF",
                                                                   "\u62C5\u6301\u7387",
                                                                   "\u542B\u6709\u7387",
                                                                   "\u542B\u91CF",
                                                                   "\u8D1F\u8F7D\u91CF"};
    static constexpr std::array<std::string_view, 20> kOutcomes = {
        "conv",        "conversion", "sel",           "selectivity", "selektivit\u00E4t",
        "umsatz",      "yield",      "ausbeute",      "recovery",    "uptake",
        "consumption", "dispersion", "sites",         "site",        "surface",
        "feed",        "desorbed",   "chemisorption", "catalyst",    "leaching"};
    static constexpr std::array<std::string_view, 8> kParts = {
        "metal", "metals", "promoter", "dopant", "active", "metall", "promotor", "total"};
    const std::string small = fold_name(word);
    const auto unit = word.size() > 1 ? chemistry::told_unit(word) : std::nullopt;
    if (unit && !unit->weighed && !metal_of(word)) {
      (unit->basis == chemistry::Basis::atomic_ratio ? percent_ : amount_) = true;
    } else if (word == "%") {
      percent_ = true;
    } else if (is_among(small, kOutcomes)) {
      outcome_ = true;
    } else if (const auto element = metal_of(word)) {
      subject_ = true;
      sign_ = sign_ || word.size() == 1;
      found_.elements.push_back(*element);
    } else if (const auto named = element_near_name(word)) {
      subject_ = true;
      found_.elements.push_back(*named);
    } else if (is_among(small, kParts) || slot_near_miss(word)) {
      subject_ = true;
    } else if (is_among(small, kLoadings)) {
      amount_ = loading_ = true;
    } else {
      take_compound(word, small, parted);
    }
  }

  // "Ni-Gehalt", "Nickelgehalt", "Ni\u62C5\u6301\u91CF".
  void take_compound(std::string_view word, const std::string& small, bool parted) {
    for (const std::string_view last :
         {"gehalt", "beladung", "\u62C5\u6301\u91CF", "\u542B\u6709\u91CF", "\u62C5\u6301\u7387",
          "\u542B\u91CF", "\u8D1F\u8F7D\u91CF"}) {
      if (small.size() <= last.size() || !small.ends_with(last)) continue;
      amount_ = loading_ = true;
      word.remove_suffix(last.size());
      while (word.ends_with('-')) word.remove_suffix(1);
      take(word, false);
      return;
    }
    const std::size_t hyphen = word.find('-');
    if (parted && hyphen != std::string_view::npos && hyphen > 0) {
      take(word.substr(0, hyphen), false);
      take(word.substr(hyphen + 1), false);
      return;
    }
    others_ = true;
  }

  AmountMention found_;
  bool subject_ = false, amount_ = false, percent_ = false, loading_ = false;
  bool outcome_ = false, others_ = false;
  bool sign_ = false;  // "Y (%)" is a yield
};

}  // namespace

std::optional<AmountMention> amount_mention(std::string_view header) {
  return MentionReader().read(header);
}

}  // namespace kasetsu::tables
