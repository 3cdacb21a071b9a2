// Decoding deliveries that are tables, by a profile or by what the campaign knows.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "core/base/csv.h"
#include "daemon/campaign/ingest/json_rows.h"
#include "daemon/campaign/records/conditions.h"
#include "drivers/tables/problems.h"
#include "drivers/tables/shape_names.h"
#include "drivers/tables/table_rows.h"

namespace kasetsu::campaign {
namespace {

tables::ReadOptions reading_of(const DeliveryOptions& options) {
  tables::ReadOptions reading;
  reading.profile = options.profile;
  reading.id = options.id;
  reading.ignore = options.ignore;
  reading.sheet = options.sheet;
  reading.composition = options.composition;
  reading.decimal = options.decimal;
  reading.encoding = options.encoding;
  reading.name_amounts = options.name_amounts;
  reading.shape = tables::kShapeNames.from_name(options.shape).value_or(tables::Shape::automatic);
  reading.fill_down = options.fill_down;
  reading.null = options.null;
  reading.delivery = true;
  for (const Property& property : options.properties) {
    reading.known_targets.push_back(property.name);
    if (!property.unit.empty()) reading.known_units[property.name] = property.unit;
  }
  reading.known_conditions = options.conditions;
  reading.rules = rules_of(options);
  return reading;
}

// The row as it stood in the file, for quarantine. One that was read without a profile can be read
// again as a table of one row.
std::string raw_of(const tables::TableRow& row, const DeliveryOptions& options,
                   const tables::TableRows& table) {
  if (options.profile) {
    Json cells = Json::object();
    for (const auto& [header, cell] : row.cells) cells[header] = cell;
    return dump_json({{"cells", std::move(cells)}});
  }
  std::string header, line;
  for (const auto& [name, cell] : row.cells) {
    header += (header.empty() ? "" : ",") + csv_cell(name);
    line += (&name == &row.cells.front().first ? "" : ",") + csv_cell(cell);
  }
  Json raw = {{"table", header + "\n" + line + "\n"}};
  Json targets = Json::array(), units = Json::object();
  for (const Property& property : options.properties) {
    targets.push_back(property.name);
    if (!property.unit.empty()) units[property.name] = property.unit;
  }
  raw["targets"] = std::move(targets);
  if (!units.empty()) raw["units"] = std::move(units);
  Json conditions = options.conditions;
  // Those of an export that the campaign does not vary.
  for (const auto& [name, cell] : row.cells) {
    const auto has = [&name = name](const std::vector<std::string>& names) {
      return std::find(names.begin(), names.end(), name) != names.end();
    };
    if (has(table.conditions) && !has(options.conditions) && !cell.empty()) {
      conditions.push_back(name);
    }
  }
  if (!conditions.empty()) raw["conditions"] = std::move(conditions);
  if (options.id) raw["id"] = *options.id;
  if (options.composition) raw["composition"] = *options.composition;
  if (!options.name_amounts.empty()) raw["name_amounts"] = options.name_amounts;
  if (!options.shape.empty()) raw["shape"] = options.shape;
  if (!options.ignore.empty()) raw["ignore"] = options.ignore;
  if (!options.null.empty()) raw["null"] = options.null;
  if (table.style.decimal == ',') raw["decimal"] = "comma";
  return dump_json(raw);
}

void fill(PreparedRow& prepared, const tables::TableRow& row, const DeliveryOptions& options) {
  if (!row.kind.empty()) prepared.kind = *parse_sample_kind(row.kind);
  if (prepared.kind == SampleKind::blank) {
    prepared.catalyst.assign(1, '-');
  } else if (row.catalyst) {
    prepared.catalyst = row.catalyst->key;
    prepared.told = row.told.empty() ? row.catalyst->told : row.told;
    prepared.dropped_oxygen = row.catalyst->dropped_oxygen;
  }
  prepared.proposal = row.proposal;
  prepared.sample = row.sample;
  prepared.channel = row.channel;
  prepared.source = row.source;
  prepared.run = row.run;
  prepared.sequence = row.sequence;
  prepared.replicate = row.replicate;
  prepared.conditions = conditions_text(row.conditions);
  for (const tables::TableValue& value : row.values) {
    const bool measured =
        options.properties.empty() ||
        std::any_of(options.properties.begin(), options.properties.end(),
                    [&](const Property& property) { return property.name == value.name; });
    if (!measured) continue;
    prepared.values.push_back({value.name, value.value, value.unit, value.censored, value.above});
  }
  prepared.not_measured = row.not_measured;
  prepared.measured_at = row.measured_at;
  if (row.isolated_maximum) prepared.flags |= kFlagIsolatedMaximum;
}

PreparedRow prepare(const tables::TableRow& row, const DeliveryOptions& options,
                    const tables::TableRows& table) {
  PreparedRow prepared;
  prepared.pointer = row.points.empty() ? fmt::format("line {}", row.line)
                                        : fmt::format("best of {} rows from line {}",
                                                      row.points.size(), row.points.front());
  if (row.problems.empty()) {
    fill(prepared, row, options);
    return prepared;
  }
  for (const Error& problem : row.problems) {
    if (!prepared.problem.empty()) prepared.problem += "; ";
    prepared.problem += problem.to_string();
  }
  prepared.raw = raw_of(row, options, table);
  return prepared;
}

}  // namespace

Error no_value(const DeliveryOptions& options) {
  return bad_delivery(options.file_name,
                      "no row of the table holds a value that the campaign measures", "",
                      "at least one measured number");
}

Status prepare_csv(PreparedDelivery& delivery, const chemistry::SupportTable& supports) {
  const DeliveryOptions& options = delivery.options;
  auto table = tables::read_rows(delivery.bytes, options.file_name, reading_of(options), supports,
                                 options.max_rows);
  if (!table) return table.error();
  delivery.notes = std::move(table->notes);
  if (!table->unused.empty()) {
    delivery.notes.push_back(fmt::format("not used: {}", fmt::join(table->unused, ", ")));
  }
  std::size_t unmeasured = 0;
  delivery.rows.reserve(table->rows.size());
  for (tables::TableRow& read : table->rows) {
    // Each row is given up as soon as it is prepared: a large table is not held twice.
    const tables::TableRow row = std::move(read);
    PreparedRow prepared = prepare(row, options, *table);
    if (row.problems.empty() && prepared.values.empty()) {
      // Kept in the delivery's bytes: a row that was not measured yet, or a point of a screening
      // whose best alone is the campaign's.
      ++unmeasured;
      if (!prepared.sample.empty() && !prepared.not_measured.empty()) {
        delivery.emptied.push_back(std::move(prepared));
      }
      continue;
    }
    prepared.row = static_cast<std::int64_t>(delivery.rows.size());
    delivery.rows.push_back(std::move(prepared));
  }
  const bool points = options.profile && options.profile->reduce;
  if (unmeasured > 0 && !points) {
    delivery.notes.push_back(
        fmt::format("{} no measured value: not measured",
                    unmeasured == 1 ? "1 row holds" : fmt::format("{} rows hold", unmeasured)));
  }
  // Rows with a name may hold nothing any more: what is stored of them decides.
  return delivery.rows.empty() && delivery.emptied.empty() ? Status(no_value(options)) : Status();
}

namespace {

// A member that is a list of names, where there is one.
Status read_names(const Json& object, std::string_view member, std::vector<std::string>& names) {
  const auto found = object.find(member);
  if (found == object.end()) return {};
  if (!found->is_array()) return bad_delivery(json_pointer("", member), "not a list");
  for (const Json& name : *found) {
    auto text = read_value_as<std::string>(name, json_pointer("", member));
    if (!text) return text.error();
    names.push_back(std::move(*text));
  }
  return {};
}

// How raw_of's row is read.
Status read_row_options(const Json& object, DeliveryOptions& options) {
  std::vector<std::string> targets;
  for (const auto& [member, names] : {std::pair{"targets", &targets},
                                      {"conditions", &options.conditions},
                                      {"ignore", &options.ignore},
                                      {"null", &options.null}}) {
    if (Status read = read_names(object, member, *names); !read) return read;
  }
  for (std::string& name : targets) {
    Property property;
    if (const auto units = object.find("units"); units != object.end() && units->is_object()) {
      const auto unit = units->find(name);
      if (unit != units->end() && unit->is_string()) property.unit = unit->get<std::string>();
    }
    property.name = std::move(name);
    options.properties.push_back(std::move(property));
  }
  std::optional<std::string> name_amounts, shape, decimal;
  for (const auto& [member, into] : {std::pair{"id", &options.id},
                                     {"composition", &options.composition},
                                     {"name_amounts", &name_amounts},
                                     {"shape", &shape},
                                     {"decimal", &decimal}}) {
    auto read = read_optional<std::string>(object, member);
    if (!read) return read.error();
    *into = std::move(*read);
  }
  options.name_amounts = name_amounts.value_or("");
  options.shape = shape.value_or("");
  if (decimal) options.decimal = *decimal == "comma" ? ',' : '.';
  return {};
}

}  // namespace

Result<PreparedRow> prepare_table_row(const Json& object, const chemistry::SupportTable& supports,
                                      const chemistry::CompositionRules& rules) {
  PreparedDelivery delivery;
  delivery.options.rules = std::make_shared<const chemistry::CompositionRules>(rules);
  delivery.options.format = DeliveryFormat::csv;
  delivery.options.file_name = "row";
  const Result<std::string> table = read_field<std::string>(object, "table");
  if (!table) return table.error();
  delivery.bytes = *table;
  if (Status told = read_row_options(object, delivery.options); !told) return told.error();
  if (Status read = prepare_csv(delivery, supports); !read) return read.error();
  if (delivery.rows.size() != 1) return bad_delivery("/table", "not one row");
  PreparedRow row = std::move(delivery.rows.front());
  if (!row.problem.empty()) return bad_delivery("", row.problem);
  return row;
}

}  // namespace kasetsu::campaign
