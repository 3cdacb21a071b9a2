#include "daemon/campaign/starting/draft.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "core/base/text.h"
#include "core/chemistry/element.h"
#include "daemon/campaign/file/campaign_file.h"

namespace kasetsu::campaign {
namespace {

// A text as TOML writes it.
std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

std::string list_of(const std::set<std::string>& names) {
  std::string out = "[";
  for (const std::string& name : names) {
    if (out.size() > 1) out += ", ";
    out += quoted(name);
  }
  return out + "]";
}

bool is_multiple(double value, double step) {
  const double times = value / step;
  return std::abs(times - std::round(times)) < 1e-6;
}

// A file's name in a comment, which ends with its line.
std::string one_line(std::string text) {
  for (char& c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f) c = ' ';
  }
  return text;
}

// What the table's catalysts are made of.
struct Ingredients {
  std::set<std::string> elements, supports;
  std::set<double> amounts, totals;
  std::size_t most_elements = 0;
  std::size_t least_elements = chemistry::kLastAtomicNumber;
};

Ingredients ingredients_of(const tables::Table& table) {
  Ingredients found;
  for (const chemistry::Catalyst& catalyst : table.catalysts) {
    const auto parts = catalyst.active.parts();
    for (const auto& part : parts) {
      found.elements.insert(std::string(chemistry::element_symbol(part.element)));
      found.amounts.insert(part.amount);
    }
    if (!catalyst.support.empty()) found.supports.insert(catalyst.support);
    if (parts.empty()) continue;
    found.most_elements = std::max(found.most_elements, parts.size());
    found.least_elements = std::min(found.least_elements, parts.size());
    // Rounded, so that 0.1 + 0.2 + 0.7 is 1.
    found.totals.insert(std::round(catalyst.active.total() * 1e6) / 1e6);
  }
  return found;
}

std::string slots_text(const tables::Table& table, const Ingredients& found) {
  const bool told = table.shape == tables::Shape::slots;
  const int slots = std::max(told ? static_cast<int>(table.slot_columns.size()) : 0,
                             static_cast<int>(std::lround(*found.totals.rbegin())));
  const bool none =
      told ? *found.totals.begin() < slots || table.catalysts.empty() : found.totals.size() > 1;
  return fmt::format(
      "kind = \"slots\"         # places that are filled with elements\n"
      "slots = {}\n"
      "none = {}               # whether a place may stay empty\n"
      "repetition = {}         # whether an element may take several places\n",
      slots, none, *found.amounts.rbegin() > 1.0);
}

// Amounts that add up to the same total, in steps of so many percent of it; empty: in none.
std::string simplex_text(const Ingredients& found) {
  const double total = *found.totals.begin();
  for (const double percent : {50.0, 25.0, 20.0, 10.0, 5.0, 2.5, 2.0, 1.0, 0.5}) {
    const bool fits = std::all_of(found.amounts.begin(), found.amounts.end(), [&](double amount) {
      return is_multiple(100.0 * amount / total, percent);
    });
    if (!fits) continue;
    return fmt::format(
        "kind = \"simplex\"       # amounts that add up to the same total\n"
        "step_at_percent = {:g}\n"
        "min_elements = {}\n"
        "max_elements = {}\n"
        "total = {:g}\n",
        percent, found.least_elements, found.most_elements, total);
  }
  return {};
}

Result<std::string> space_text(const DraftRequest& request, const tables::Table& table,
                               const Ingredients& found) {
  const bool whole = std::all_of(found.amounts.begin(), found.amounts.end(), [](double amount) {
    return amount >= 1.0 && amount <= 20.0 && is_multiple(amount, 1.0);
  });
  if (table.shape == tables::Shape::slots || (whole && *found.totals.rbegin() <= 20.0)) {
    return slots_text(table, found);
  }
  if (found.totals.size() == 1) {
    std::string simplex = simplex_text(found);
    if (!simplex.empty()) return simplex;
  }
  constexpr std::size_t kMostAmounts = 24;
  if (found.amounts.size() > kMostAmounts) {
    return Error{ErrorCode::bad_data, "too many different amounts for a grid", request.file_name,
                 fmt::format("{}", found.amounts.size()),
                 "a [[space]] by hand; docs/campaign-file.md lists the kinds"};
  }
  return fmt::format(
      "kind = \"grid\"          # every element in one of these amounts\n"
      "loadings = [{}]\n"
      "loading_unit = {}\n"
      "min_elements = {}\n"
      "max_elements = {}\n",
      fmt::join(found.amounts, ", "), quoted(request.loading_unit), found.least_elements,
      found.most_elements);
}

std::string conditions_text(const tables::Table& table) {
  if (table.condition_names.empty()) return {};
  std::string text = "\n[conditions]\n";
  for (std::size_t c = 0; c < table.condition_names.size(); ++c) {
    const auto column = table.conditions.col(static_cast<Eigen::Index>(c));
    const std::set<double> levels(column.begin(), column.end());
    text += fmt::format("{} = [{}]\n", quoted(table.condition_names[c]), fmt::join(levels, ", "));
  }
  return text;
}

}  // namespace

Result<Draft> draft_campaign_file(const DraftRequest& request, const tables::Table& table,
                                  const chemistry::SupportTable& supports) {
  const Ingredients found = ingredients_of(table);
  if (found.elements.empty()) {
    return Error{ErrorCode::bad_data, "no catalyst of the table has an active element",
                 request.file_name, "", "a table of catalysts"};
  }
  const Result<std::string> space = space_text(request, table, found);
  if (!space) return space.error();
  // Eight descriptors want more than a hundred catalysts; two are few enough for twenty.
  const int size = std::clamp(static_cast<int>(table.catalysts.size()) / 12, 1, 8);
  std::string text = fmt::format(
      "# Drafted from {} ({} rows). Read it, and correct what is meant otherwise.\n"
      "format = 1\n"
      "name = {}\n\n"
      "[[targets]]\n"
      "name = {}\n"
      "unit = {}\n"
      "goal = {}\n"
      "# hit_threshold = ...     # as good as this counts as a hit\n\n"
      "[[space]]\n"
      "{}elements = {}\n",
      one_line(request.file_name), table.catalysts.size(), quoted(request.name),
      quoted(table.target_names.front()), quoted(request.unit), quoted(request.goal), *space,
      list_of(found.elements));
  if (!found.supports.empty()) text += fmt::format("supports = {}\n", list_of(found.supports));
  text += conditions_text(table);
  text += fmt::format(
      "\n[model]\n"
      "size = {}                # descriptors in a hypothesis; the paper's 8 want 100 catalysts\n\n"
      "[planner]\n"
      "batch = {}\n",
      size, request.batch);
  const auto config = parse_campaign(text, "the draft", kToml, supports);
  if (!config) return config.error();
  const auto candidates = planning::CandidateSpace::make(config->space);
  if (!candidates) return candidates.error();
  return Draft{std::move(text), candidates->size()};
}

}  // namespace kasetsu::campaign
