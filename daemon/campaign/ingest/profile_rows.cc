#include "daemon/campaign/ingest/profile_rows.h"

#include <fmt/format.h>

#include <algorithm>

#include "daemon/base/json.h"
#include "daemon/campaign/records/conditions.h"
#include "drivers/tables/profile_table.h"

namespace kasetsu::campaign {
namespace {

// The row as it stood in the file, for quarantine.
std::string cells_json(const tables::ProfileRow& row) {
  Json cells = Json::object();
  for (const auto& [header, cell] : row.cells) cells[header] = cell;
  return dump_json({{"cells", std::move(cells)}});
}

PreparedRow prepare(const tables::ProfileRow& row, const DeliveryOptions& options) {
  PreparedRow prepared;
  prepared.pointer = row.points.empty() ? fmt::format("line {}", row.line)
                                        : fmt::format("best of {} rows from line {}",
                                                      row.points.size(), row.points.front());
  if (row.problem) {
    prepared.problem = row.problem->to_string();
    prepared.raw = cells_json(row);
    return prepared;
  }
  if (!row.kind.empty()) prepared.kind = *parse_sample_kind(row.kind);
  if (prepared.kind == SampleKind::blank) {
    prepared.catalyst.assign(1, '-');
    prepared.description.assign("blank");
  } else if (row.catalyst) {
    prepared.catalyst = chemistry::canonical_key(*row.catalyst);
    prepared.description = chemistry::describe(*row.catalyst);
  }
  prepared.proposal = row.proposal;
  prepared.sample = row.sample;
  prepared.channel = row.channel;
  prepared.source = row.source;
  prepared.run = row.run;
  prepared.sequence = row.sequence;
  prepared.replicate = row.replicate;
  if (!row.conditions.empty()) prepared.conditions = conditions_text(row.conditions);
  for (const tables::ProfileValue& value : row.values) {
    const bool measured =
        options.properties.empty() ||
        std::any_of(options.properties.begin(), options.properties.end(),
                    [&](const Property& property) { return property.name == value.name; });
    if (measured) prepared.values.push_back({value.name, value.value, value.unit});
  }
  prepared.measured_at = row.measured_at;
  if (row.isolated_maximum) prepared.flags |= kFlagIsolatedMaximum;
  return prepared;
}

}  // namespace

Status prepare_by_profile(PreparedDelivery& delivery, const chemistry::SupportTable& supports) {
  const DeliveryOptions& options = delivery.options;
  auto table = tables::read_profile_table(delivery.bytes, options.file_name, *options.profile,
                                          supports, options.max_rows);
  if (!table) return table.error();
  delivery.rows.reserve(table->rows.size());
  for (const tables::ProfileRow& row : table->rows) {
    PreparedRow prepared = prepare(row, options);
    if (!row.problem && prepared.values.empty()) {
      // A point of a screening whose best alone is the campaign's: kept in the delivery's bytes.
      const bool point = options.profile->reduce && row.points.empty();
      if (point) continue;
      std::vector<std::string> names;
      for (const Property& property : options.properties) names.push_back(property.name);
      prepared.problem =
          fmt::format("{}: the campaign measures none of the row's values", prepared.pointer);
      prepared.raw = cells_json(row);
    }
    prepared.row = static_cast<std::int64_t>(delivery.rows.size());
    delivery.rows.push_back(std::move(prepared));
  }
  if (delivery.rows.empty()) {
    return Error{ErrorCode::bad_data, "the campaign measures none of the table's values",
                 options.file_name, "", "a column of a property that the campaign names"};
  }
  return {};
}

}  // namespace kasetsu::campaign
