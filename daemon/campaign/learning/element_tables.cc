#include "daemon/campaign/learning/element_tables.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>

#include "core/base/text.h"
#include "daemon/base/operator_files.h"

namespace kasetsu::campaign {
namespace {

constexpr std::string_view kEnding = ".csv";
constexpr std::size_t kLargest = std::size_t{4} << 20;  // the general table has 90 kB

std::string plain_name(const std::string& name) {
  return name.ends_with(kEnding) ? name.substr(0, name.size() - kEnding.size()) : name;
}

}  // namespace

Status check_element_table(const std::string& folder, const CampaignConfig& config) {
  if (config.elements == "general") return {};
  std::vector<std::string> known = operator_file_names(folder, kEnding);
  const std::string name = plain_name(config.elements);
  if (std::find(known.begin(), known.end(), name) != known.end()) return {};
  known.insert(known.begin(), "general");
  return Error{ErrorCode::bad_data,
               is_plain_name(name) ? "the daemon has no such element table"
                                   : "an element table is a plain name in the daemon, not a path",
               "model.elements", config.elements,
               fmt::format("{}: a table of the folder that the daemon's operator opened "
                           "([elements] folder)",
                           join_or(known))};
}

Result<chemistry::ElementTable> read_element_table(const std::string& folder,
                                                   const std::string& name) {
  const Result<std::string> text = read_operator_file(folder, plain_name(name), kEnding, kLargest);
  if (!text) return text.error().in("model.elements");
  Result<chemistry::ElementTable> table = chemistry::ElementTable::from_csv(*text, name);
  if (table) return table;
  spdlog::error("element table {}: {}", name, table.error().to_string());
  return Error{ErrorCode::bad_data, "this file is no element table; the daemon's log says why",
               "model.elements", name, "a table like config/elements/general.csv"};
}

}  // namespace kasetsu::campaign
