#include "daemon/campaign/ingest/labels.h"

#include <fmt/format.h>

#include <map>
#include <set>
#include <string>
#include <utility>

#include "core/base/text.h"
#include "core/chemistry/names.h"

namespace kasetsu::campaign {
namespace {

std::string plain(const std::string& label) {
  return std::string(trim(chemistry::fold_characters(label).text));
}

std::string in_capitals(std::string text) {
  for (char& c : text) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return text;
}

}  // namespace

std::optional<PreparedDelivery> with_stored_labels(const Reader& reader, std::int64_t campaign,
                                                   const PreparedDelivery& delivery) {
  std::set<std::string> told;
  std::map<std::string, int> spellings;  // of labels that differ by nothing else
  for (const auto* rows : {&delivery.rows, &delivery.emptied}) {
    for (const PreparedRow& row : *rows) {
      if (row.sample.empty() || !told.insert(row.sample).second) continue;
      ++spellings[in_capitals(plain(row.sample))];
    }
  }
  std::map<std::string, std::string> stored_as;
  for (const std::string& label : told) {
    const std::string folded = plain(label);
    if (spellings[in_capitals(folded)] > 1 || reader.sample_catalyst(campaign, label)) continue;
    for (const std::string& spelling :
         {folded, in_capitals(folded), chemistry::small_letters(folded)}) {
      if (spelling == label || !reader.sample_catalyst(campaign, spelling)) continue;
      stored_as[label] = spelling;
      break;
    }
  }
  if (stored_as.empty()) return {};
  PreparedDelivery renamed = delivery;
  for (auto* rows : {&renamed.rows, &renamed.emptied}) {
    for (PreparedRow& row : *rows) {
      const auto as = stored_as.find(row.sample);
      if (as == stored_as.end()) continue;
      row.sample = as->second;
      row.content.reset();
    }
  }
  renamed.notes.push_back(
      fmt::format("sample {} is stored as {}: taken for the same{}", stored_as.begin()->first,
                  stored_as.begin()->second,
                  stored_as.size() > 1 ? fmt::format(" ({} labels alike)", stored_as.size()) : ""));
  return renamed;
}

}  // namespace kasetsu::campaign
