#include "daemon/campaign/ingest/table_words.h"

#include <algorithm>
#include <vector>

#include "core/base/text.h"
#include "drivers/tables/option_names.h"
#include "drivers/tables/shape_names.h"
#include "drivers/tables/sheet.h"

namespace kasetsu::campaign {
namespace {

Status check_word(std::string_view word, const std::vector<std::string>& words) {
  if (word.empty() || std::find(words.begin(), words.end(), word) != words.end()) return {};
  return Error{ErrorCode::bad_data, "wrong value", "", std::string(word), join_or(words)};
}

}  // namespace

std::string exported_unit(const chemistry::CompositionRules& rules) {
  if (!rules.unit().empty()) return std::string(rules.unit());
  const bool ratios = rules.slots > 0 || rules.basis == chemistry::Basis::atomic_ratio;
  return ratios ? std::string(tables::kRatioOfExports) : std::string();
}

Status check_shape(std::string_view name) {
  return check_word(name, tables::kShapeNames.names());
}

Status check_encoding(std::string_view name) {
  return check_word(name, tables::encoding_names());
}

Status check_name_amounts(std::string_view word) {
  return check_word(word, tables::name_amounts_names());
}

Status check_decimal(std::string_view word) {
  return check_word(word, tables::decimal_names());
}

}  // namespace kasetsu::campaign
