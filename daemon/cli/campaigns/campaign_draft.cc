#include "daemon/cli/campaigns/campaign_draft.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "core/base/text.h"
#include "core/chemistry/element.h"
#include "daemon/base/data_files.h"
#include "daemon/cli/campaigns/campaign_file.h"

namespace kasetsu::cli {
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

}  // namespace

Result<std::string> draft_text(const DraftArguments& arguments, const tables::Table& table) {
  std::set<std::string> elements, supports;
  std::set<double> amounts, totals;
  std::size_t most_elements = 0;
  std::size_t least_elements = chemistry::kLastAtomicNumber;
  for (const chemistry::Catalyst& catalyst : table.catalysts) {
    const auto parts = catalyst.active.parts();
    for (const auto& part : parts) {
      elements.insert(std::string(chemistry::element_symbol(part.element)));
      amounts.insert(part.amount);
    }
    if (!catalyst.support.empty()) supports.insert(catalyst.support);
    if (parts.empty()) continue;
    most_elements = std::max(most_elements, parts.size());
    least_elements = std::min(least_elements, parts.size());
    // Rounded, so that 0.1 + 0.2 + 0.7 is 1.
    totals.insert(std::round(catalyst.active.total() * 1e6) / 1e6);
  }
  if (elements.empty()) {
    return Error{ErrorCode::bad_data, "no catalyst of the table has an active element",
                 arguments.table.data, "", "a table of catalysts"};
  }
  const bool whole = std::all_of(amounts.begin(), amounts.end(), [](double a) {
    return a >= 1.0 && a <= 20.0 && is_multiple(a, 1.0);
  });
  std::string space;
  if (table.shape == tables::Shape::slots || (whole && *totals.rbegin() <= 20.0)) {
    const int slots = std::max(
        static_cast<int>(table.slot_columns.size()) * (table.shape == tables::Shape::slots ? 1 : 0),
        static_cast<int>(std::lround(*totals.rbegin())));
    const bool none = table.shape == tables::Shape::slots
                          ? *totals.begin() < slots || table.catalysts.size() == 0
                          : totals.size() > 1;
    space = fmt::format(
        "kind = \"slots\"         # places that are filled with elements\n"
        "slots = {}\n"
        "none = {}               # whether a place may stay empty\n"
        "repetition = {}         # whether an element may take several places\n",
        slots, none, *amounts.rbegin() > 1.0);
  } else if (totals.size() == 1) {
    double step = 0.0;
    for (const double percent : {50.0, 25.0, 20.0, 10.0, 5.0, 2.5, 2.0, 1.0, 0.5}) {
      if (std::all_of(amounts.begin(), amounts.end(), [&](double a) {
            return is_multiple(100.0 * a / *totals.begin(), percent);
          })) {
        step = percent;
        break;
      }
    }
    if (step > 0.0) {
      space = fmt::format(
          "kind = \"simplex\"       # amounts that add up to the same total\n"
          "step_at_percent = {:g}\n"
          "min_elements = {}\n"
          "max_elements = {}\n"
          "total = {:g}\n",
          step, least_elements, most_elements, *totals.begin());
    }
  }
  if (space.empty()) {
    constexpr std::size_t kMostAmounts = 24;
    if (amounts.size() > kMostAmounts) {
      return Error{ErrorCode::bad_data, "too many different amounts for a grid",
                   arguments.table.data, fmt::format("{}", amounts.size()),
                   "a [[space]] by hand; docs/campaign-file.md lists the kinds"};
    }
    space = fmt::format(
        "kind = \"grid\"          # every element in one of these amounts\n"
        "loadings = [{}]\n"
        "loading_unit = {}\n"
        "min_elements = {}\n"
        "max_elements = {}\n",
        fmt::join(amounts, ", "), quoted(arguments.loading_unit), least_elements, most_elements);
  }
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
      arguments.table.data, table.catalysts.size(), quoted(arguments.name),
      quoted(table.target_names.front()), quoted(arguments.unit), quoted(arguments.goal), space,
      list_of(elements));
  if (!supports.empty()) text += fmt::format("supports = {}\n", list_of(supports));
  if (!table.condition_names.empty()) {
    text += "\n[conditions]\n";
    for (std::size_t c = 0; c < table.condition_names.size(); ++c) {
      const auto column = table.conditions.col(static_cast<Eigen::Index>(c));
      const std::set<double> levels(column.begin(), column.end());
      text += fmt::format("{} = [{}]\n", quoted(table.condition_names[c]), fmt::join(levels, ", "));
    }
  }
  // Eight descriptors want more than a hundred catalysts; two are few enough for twenty.
  const int size = std::clamp(static_cast<int>(table.catalysts.size()) / 12, 1, 8);
  text += fmt::format(
      "\n[model]\n"
      "size = {}                # descriptors in a hypothesis; the paper's 8 want 100 catalysts\n\n"
      "[planner]\n"
      "batch = {}\n",
      size, arguments.batch);
  return text;
}

Status draft_campaign(const DraftArguments& arguments, Session& session) {
  auto table = arguments.table.load(session);
  if (!table) return table.error();
  if (auto status = require_target(*table, arguments.table); !status) return status;
  auto text = draft_text(arguments, *table);
  if (!text) return text.error();
  auto supports = arguments.table.load_supports();
  if (!supports) return supports.error();
  const auto config = campaign::parse_campaign(*text, "the draft", kToml, *supports);
  if (!config) return config.error();
  const auto space = planning::CandidateSpace::make(config->space);
  if (!space) return space.error();
  if (!arguments.out.empty()) {
    if (auto written = write_file(arguments.out, *text); !written) return written;
  } else if (!session.json) {
    session.print(*text);
  }
  session.say(fmt::format("{} candidates; now: kasetsu campaign plan {}", space->size(),
                          arguments.out.empty() ? "FILE" : arguments.out));
  if (session.json) {
    session.print_json({{"name", arguments.name}, {"space_size", space->size()}, {"text", *text}});
  }
  return {};
}

}  // namespace kasetsu::cli
