// Decoding deliveries: from bytes to rows, without the database.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/chemistry/element.h"
#include "core/csv.h"
#include "core/text.h"
#include "daemon/campaign/ingest.h"
#include "daemon/campaign/json.h"
#include "drivers/tables/table.h"

namespace kasetsu::campaign {
namespace {

constexpr std::size_t kLongestLabel = 200;
constexpr std::size_t kMostValues = 1000;

Error bad(std::string_view pointer, std::string message, std::string value = {},
          std::string expected = {}) {
  return Error{ErrorCode::bad_data, std::move(message), std::string(pointer), std::move(value),
               std::move(expected)};
}

// Refuses what is no name: too long, or with a character that cannot be seen. place() says where.
template <typename Place>
Status check_label(std::string_view label, const Place& place) {
  const bool printable = std::none_of(label.begin(), label.end(), [](char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7F;
  });
  if (label.size() <= kLongestLabel && printable) return {};
  return bad(place(), "not a name", std::string(label),
             fmt::format("at most {} printable characters", kLongestLabel));
}

// A name given as a text or as an integer (channel 3 is "3").
Result<std::string> read_label(const Json& object, std::string_view name,
                               std::string_view pointer) {
  const auto found = object.find(name);
  if (found == object.end() || found->is_null()) return std::string();
  std::string label;
  if (found->is_number_integer()) {
    label = found->dump();
  } else {
    Result<std::string> text = read_value_as<std::string>(*found, json_pointer(pointer, name));
    if (!text) return text;
    label = std::string(trim(*text));
  }
  if (Status named = check_label(label, [&] { return json_pointer(pointer, name); }); !named) {
    return named.error();
  }
  return label;
}

Result<chemistry::Catalyst> read_catalyst(const Json& value, std::string_view pointer,
                                          const chemistry::SupportTable& supports) {
  if (value.is_string()) {
    auto named = chemistry::parse_catalyst_name(value.get_ref<const std::string&>(), supports);
    if (!named) return named.error().in(pointer);
    return named;
  }
  if (!value.is_object()) {
    return bad(pointer, "not a catalyst", {},
               "an object with slots, amounts, formula or key, or a name such as Mn-Na2WO4/SiO2");
  }
  if (const Status known = refuse_unknown(
          value, {"slots", "amounts", "formula", "key", "support", "preparation"}, pointer);
      !known) {
    return known.error();
  }
  int forms = 0;
  for (const std::string_view form : {"slots", "amounts", "formula", "key"}) {
    forms += value.contains(form) ? 1 : 0;
  }
  if (forms > 1) {
    return bad(pointer, "the composition is told twice", {}, "one of slots, amounts, formula, key");
  }
  if (const auto key = value.find("key"); key != value.end()) {
    const Result<std::string> text = read_value_as<std::string>(*key, json_pointer(pointer, "key"));
    if (!text) return text.error();
    if (value.size() > 1) return bad(pointer, "a key tells support and preparation itself");
    auto parsed = chemistry::parse_key(*text, supports);
    if (!parsed) return parsed.error().in(json_pointer(pointer, "key"));
    return parsed;
  }
  chemistry::Catalyst catalyst;
  if (const auto slots = value.find("slots"); slots != value.end()) {
    const std::string at = json_pointer(pointer, "slots");
    if (!slots->is_array()) return bad(at, "not a list", {}, "a list of symbols, or none");
    std::size_t i = 0;
    for (const Json& slot : *slots) {
      const std::string here = fmt::format("{}/{}", at, i++);
      if (slot.is_null()) continue;
      const Result<std::string> text = read_value_as<std::string>(slot, here);
      if (!text) return text.error();
      const std::string_view symbol = trim(*text);
      if (symbol.empty() || symbol == "none" || symbol == "None") continue;
      const auto element = chemistry::atomic_number(symbol);
      if (!element) {
        return bad(here, "unknown element", *text, "a chemical symbol such as Li, or none");
      }
      catalyst.active.add(*element, 1.0);
    }
  }
  if (const auto amounts = value.find("amounts"); amounts != value.end()) {
    const std::string at = json_pointer(pointer, "amounts");
    if (!amounts->is_object()) return bad(at, "not an object", {}, "amounts by chemical symbol");
    for (const auto& [symbol, amount] : amounts->items()) {
      const std::string here = json_pointer(at, symbol);
      const auto element = chemistry::atomic_number(symbol);
      if (!element) return bad(here, "unknown element", symbol, "a chemical symbol such as Li");
      const Result<double> number = read_value_as<double>(amount, here);
      if (!number) return number.error();
      if (*number < 0.0) {
        return bad(here, "a negative amount", dump_json(amount), "an amount of at least 0");
      }
      catalyst.active.add(*element, *number);
    }
  }
  if (value.contains("formula")) {
    const Result<std::string> text = read_field<std::string>(value, "formula", pointer);
    if (!text) return text.error();
    auto formula = chemistry::parse_formula(*text);
    if (!formula) return formula.error().in(json_pointer(pointer, "formula"));
    catalyst.active = std::move(formula).value();
  }
  const Result<std::optional<std::string>> support =
      read_optional<std::string>(value, "support", pointer);
  if (!support) return support.error();
  if (*support) {
    const std::string_view name = trim(**support);
    if (!name.empty() && name != "none" && name != "None") {
      auto formula = supports.formula(name);
      if (!formula) {
        Error error = formula.error().in(json_pointer(pointer, "support"));
        return error;
      }
      catalyst.support = std::string(name);
      catalyst.support_formula = std::move(formula).value();
    }
  }
  const Result<std::string> preparation = read_label(value, "preparation", pointer);
  if (!preparation) return preparation.error();
  catalyst.preparation = *preparation;
  if (catalyst.active.empty() && catalyst.support.empty()) {
    return bad(pointer, "the catalyst has no element and no support", {},
               "at least one element, or a bare support; an empty tube is \"kind\": \"blank\"");
  }
  return catalyst;
}

Result<PreparedRow> prepare_table_row(const Json& object, const chemistry::SupportTable& supports);

// Everything that can be said of one row object.
Result<PreparedRow> read_row(const Json& object, std::string_view pointer,
                             const chemistry::SupportTable& supports) {
  if (!object.is_object()) return bad(pointer, "not an object", {}, "a row object");
  if (object.contains("table")) return prepare_table_row(object, supports);
  if (const Status known =
          refuse_unknown(object,
                         {"catalyst", "proposal", "sample", "kind", "channel", "sequence",
                          "replicate", "conditions", "values", "measured_at", "source", "run"},
                         pointer);
      !known) {
    return known.error();
  }
  PreparedRow row;
  row.pointer = std::string(pointer);
  const struct {
    std::string_view name;
    std::string PreparedRow::*member;
  } labels[] = {{"proposal", &PreparedRow::proposal},
                {"sample", &PreparedRow::sample},
                {"channel", &PreparedRow::channel},
                {"source", &PreparedRow::source},
                {"run", &PreparedRow::run}};
  for (const auto& label : labels) {
    Result<std::string> text = read_label(object, label.name, pointer);
    if (!text) return text.error();
    row.*label.member = std::move(text).value();
  }
  const Result<std::optional<std::string>> kind =
      read_optional<std::string>(object, "kind", pointer);
  if (!kind) return kind.error();
  if (*kind) {
    const auto parsed = parse_sample_kind(**kind);
    if (!parsed) {
      return bad(json_pointer(pointer, "kind"), "unknown kind of sample", **kind,
                 "catalyst, support, blank or reference");
    }
    row.kind = *parsed;
  }
  const auto sequence = read_optional<std::int64_t>(object, "sequence", pointer);
  if (!sequence) return sequence.error();
  row.sequence = *sequence;
  const auto replicate = read_optional<std::int64_t>(object, "replicate", pointer);
  if (!replicate) return replicate.error();
  row.replicate = *replicate;

  const auto catalyst = object.find("catalyst");
  if (row.kind == SampleKind::blank) {
    if (catalyst != object.end() && !catalyst->is_null()) {
      return bad(json_pointer(pointer, "catalyst"), "a blank holds no catalyst");
    }
    row.catalyst = "-";
    row.description = "blank";
  } else if (catalyst != object.end() && !catalyst->is_null()) {
    const auto read = read_catalyst(*catalyst, json_pointer(pointer, "catalyst"), supports);
    if (!read) return read.error();
    row.catalyst = chemistry::canonical_key(*read);
    row.description = chemistry::describe(*read);
  } else if (row.proposal.empty()) {
    return bad(json_pointer(pointer, "catalyst"), "this member is missing", {},
               "the catalyst, or the proposal that it answers");
  }

  if (const auto conditions = object.find("conditions");
      conditions != object.end() && !conditions->is_null()) {
    const std::string at = json_pointer(pointer, "conditions");
    if (!conditions->is_object()) return bad(at, "not an object", {}, "numbers by name");
    for (const auto& [name, value] : conditions->items()) {
      const Result<double> number = read_value_as<double>(value, json_pointer(at, name));
      if (!number) return number.error();
    }
    row.conditions = dump_json(*conditions);
  }

  const auto values = object.find("values");
  const std::string at = json_pointer(pointer, "values");
  if (values == object.end() || !values->is_object() || values->size() > kMostValues) {
    return bad(at, values == object.end() ? "this member is missing" : "not an object", {},
               "measured numbers by name");
  }
  for (const auto& [name, value] : values->items()) {
    const std::string here = json_pointer(at, name);
    PreparedValue prepared;
    prepared.property = name;
    const Json* number = &value;
    if (value.is_object()) {
      if (const Status known = refuse_unknown(value, {"value", "unit"}, here); !known) {
        return known.error();
      }
      Result<std::string> unit = read_label(value, "unit", here);
      if (!unit) return unit.error();
      prepared.unit = std::move(unit).value();
      const auto found = value.find("value");
      if (found == value.end()) {
        return bad(json_pointer(here, "value"), "this member is missing");
      }
      number = &*found;
    }
    if (number->is_null()) continue;  // not measured
    const Result<double> read = read_value_as<double>(*number, here);
    if (!read) return read.error();
    prepared.value = *read;
    row.values.push_back(std::move(prepared));
  }
  if (row.values.empty()) return bad(at, "no value is there", {}, "at least one measured number");

  const auto measured = read_optional<std::string>(object, "measured_at", pointer);
  if (!measured) return measured.error();
  if (*measured) {
    const Result<Time> time = parse_time(**measured);
    if (!time) return time.error().in(json_pointer(pointer, "measured_at"));
    row.measured_at = *time;
  }
  return row;
}

PreparedRow refused_row(const Error& error, std::string raw, std::string_view pointer) {
  PreparedRow row;
  row.pointer = std::string(pointer);
  row.problem = error.to_string();
  row.raw = std::move(raw);
  return row;
}

Error too_many(std::size_t rows, std::size_t most) {
  return bad("/rows", fmt::format("the delivery has {} rows", rows), {},
             fmt::format("at most {} in one delivery", most));
}

Status prepare_json(PreparedDelivery& delivery, const chemistry::SupportTable& supports) {
  const Result<Json> parsed = parse_json(delivery.bytes);
  if (!parsed) return parsed.error();
  const Json& document = *parsed;
  if (!document.is_object()) return bad("", "not an object", {}, "{\"source\", \"run\", \"rows\"}");
  if (const Status known =
          refuse_unknown(document, {"source", "run", "revise", "whole", "rows"}, "");
      !known) {
    return known;
  }
  DeliveryOptions& options = delivery.options;
  for (const auto& [name, member] : {std::pair{"source", &options.source}, {"run", &options.run}}) {
    Result<std::string> text = read_label(document, name, "");
    if (!text) return text.error();
    if (!text->empty()) *member = std::move(text).value();
  }
  for (const auto& [name, member] :
       {std::pair{"revise", &options.revise}, {"whole", &options.whole}}) {
    const auto flag = read_optional<bool>(document, name, "");
    if (!flag) return flag.error();
    if (*flag) *member = **flag;
  }
  const auto rows = document.find("rows");
  if (rows == document.end() || !rows->is_array() || rows->empty()) {
    return bad("/rows", rows == document.end() ? "this member is missing" : "no rows are there", {},
               "a list of at least one row");
  }
  if (rows->size() > options.max_rows) return too_many(rows->size(), options.max_rows);
  delivery.rows.reserve(rows->size());
  for (std::size_t i = 0; i < rows->size(); ++i) {
    const std::string pointer = fmt::format("/rows/{}", i);
    Result<PreparedRow> row = read_row((*rows)[i], pointer, supports);
    delivery.rows.push_back(row ? std::move(row).value()
                                : refused_row(row.error(), dump_json((*rows)[i]), pointer));
    delivery.rows.back().row = static_cast<std::int64_t>(i);
  }
  return {};
}

Status prepare_ndjson(PreparedDelivery& delivery, const chemistry::SupportTable& supports) {
  std::string_view rest = delivery.bytes;
  std::size_t line = 0;
  while (!rest.empty()) {
    ++line;
    const std::size_t end = rest.find('\n');
    const std::string_view text = trim(rest.substr(0, end));
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    if (text.empty()) continue;
    if (delivery.rows.size() == delivery.options.max_rows) {
      return too_many(delivery.rows.size() + 1, delivery.options.max_rows);
    }
    const std::string pointer = fmt::format("line {}", line);
    const Result<Json> object = parse_json(text);
    if (!object) {
      delivery.rows.push_back(
          refused_row(object.error().in(pointer), dump_json(Json(std::string(text))), pointer));
    } else if (Result<PreparedRow> row = read_row(*object, "", supports)) {
      delivery.rows.push_back(std::move(row).value());
      delivery.rows.back().pointer = pointer;
    } else {
      delivery.rows.push_back(refused_row(row.error().in(pointer), dump_json(*object), pointer));
    }
    delivery.rows.back().row = static_cast<std::int64_t>(delivery.rows.size()) - 1;
  }
  if (delivery.rows.empty()) return bad("", "no rows are there", {}, "one row object a line");
  return {};
}

constexpr std::string_view kOwnColumns[] = {"proposal",  "sample", "kind", "channel",    "sequence",
                                            "replicate", "source", "run",  "measured_at"};

// The columns that say whose row it is, as a row object has them. The catalyst, conditions and
// values are set.
Status read_own_columns(PreparedRow& row, const std::vector<std::string>& header,
                        const CsvRecord& record, const DeliveryOptions& options) {
  Json object = Json::object();
  for (std::size_t i = 0; i < header.size(); ++i) {
    const std::string text(trim(record.fields[i]));
    if (text.empty()) continue;
    const auto own = std::find(std::begin(kOwnColumns), std::end(kOwnColumns), header[i]);
    const auto place = [&] { return csv_place(options.file_name, record.line, header[i], i); };
    if (options.id && *options.id == header[i]) {
      if (Status named = check_label(text, place); !named) return named;
      row.sample = text;
    } else if (own == std::end(kOwnColumns)) {
      continue;
    } else if (*own == "sequence" || *own == "replicate") {
      const auto number = parse_number(text);
      if (!number || *number != std::floor(*number) || std::abs(*number) > 9e15) {
        return bad(place(), "not an integer", text, "an integer");
      }
      (*own == "sequence" ? row.sequence : row.replicate) = static_cast<std::int64_t>(*number);
    } else if (*own == "kind") {
      const auto kind = parse_sample_kind(text);
      if (!kind) {
        return bad(place(), "unknown kind of sample", text,
                   "catalyst, support, blank or reference");
      }
      row.kind = *kind;
    } else if (*own == "measured_at") {
      const Result<Time> time = parse_time(text);
      if (!time) return time.error().in(place());
      row.measured_at = *time;
    } else {
      std::string& member = *own == "proposal"  ? row.proposal
                            : *own == "sample"  ? row.sample
                            : *own == "channel" ? row.channel
                            : *own == "source"  ? row.source
                                                : row.run;
      if (Status named = check_label(text, place); !named) return named;
      member = text;
    }
  }
  return {};
}

std::string csv_line(const std::vector<std::string>& fields) {
  std::string line;
  for (const std::string& field : fields) {
    if (&field != fields.data()) line += ',';
    line += csv_cell(field);
  }
  line += '\n';
  return line;
}

Status prepare_csv(PreparedDelivery& delivery, const chemistry::SupportTable& supports) {
  const DeliveryOptions& options = delivery.options;
  const Result<std::vector<CsvRecord>> records = read_csv(delivery.bytes, options.file_name);
  if (!records) return records.error();
  if (records->size() < 2) {
    return bad(options.file_name, "the table has no rows", {}, "a header and at least one row");
  }
  if (records->size() - 1 > options.max_rows) {
    return too_many(records->size() - 1, options.max_rows);
  }
  std::vector<std::string> header;
  for (const std::string& name : records->front().fields) header.emplace_back(trim(name));
  const auto has = [&](std::string_view name) {
    return std::find(header.begin(), header.end(), name) != header.end();
  };

  tables::ReadOptions reading;
  reading.missing_targets = true;
  reading.id = options.id;
  bool own_columns = options.id.has_value();
  std::vector<std::string> wanted;
  for (const Property& property : options.properties) {
    wanted.push_back(property.name);
    if (has(property.name)) reading.targets.push_back(property.name);
  }
  if (reading.targets.empty()) {
    return bad(csv_place(options.file_name, records->front().line),
               "the table has no column of a property that the campaign measures", {},
               wanted.empty() ? std::string() : "a column " + join_or(wanted));
  }
  for (const std::string& name : options.conditions) {
    if (has(name)) reading.conditions.push_back(name);
  }
  for (const std::string_view name : kOwnColumns) {
    const bool taken =
        std::find(reading.targets.begin(), reading.targets.end(), name) != reading.targets.end() ||
        std::find(reading.conditions.begin(), reading.conditions.end(), name) !=
            reading.conditions.end() ||
        reading.id == name;
    if (!has(name) || taken) continue;
    reading.ignore.emplace_back(name);
    own_columns = true;
  }

  // The whole table at once when nothing is wrong with it; else row by row, to tell the good from
  // the bad.
  const auto fill = [&](PreparedRow& row, const tables::Table& table, Eigen::Index at) {
    const chemistry::Catalyst& catalyst = table.catalysts[static_cast<std::size_t>(at)];
    row.catalyst = chemistry::canonical_key(catalyst);
    row.description = chemistry::describe(catalyst);
    for (Eigen::Index i = 0; i < table.targets.cols(); ++i) {
      if (std::isnan(table.targets(at, i))) continue;
      row.values.push_back(
          {table.target_names[static_cast<std::size_t>(i)], table.targets(at, i), {}});
    }
    if (table.conditions.cols() > 0) {
      Json conditions = Json::object();
      for (Eigen::Index i = 0; i < table.conditions.cols(); ++i) {
        conditions[table.condition_names[static_cast<std::size_t>(i)]] = table.conditions(at, i);
      }
      row.conditions = dump_json(conditions);
    }
  };
  const std::string header_line = csv_line(records->front().fields);
  const auto raw_of = [&](const CsvRecord& record) {
    Json raw = {{"table", header_line + csv_line(record.fields)}, {"targets", reading.targets}};
    if (!reading.conditions.empty()) raw["conditions"] = reading.conditions;
    if (options.id) raw["id"] = *options.id;
    return dump_json(raw);
  };
  const Result<tables::Table> whole =
      tables::read_table(delivery.bytes, options.file_name, reading, supports);
  const auto below_header =
      static_cast<std::size_t>(std::count(header_line.begin(), header_line.end(), '\n')) + 1;
  const std::string alone_place = csv_place(options.file_name, below_header);
  const std::string header_place = csv_place(options.file_name, records->front().line);
  const auto of_header = [&](const Error& error) {
    return error.where == header_place || error.where.starts_with(header_place + ":");
  };
  if (!whole && of_header(whole.error())) return whole.error();
  delivery.rows.reserve(records->size() - 1);
  for (std::size_t r = 1; r < records->size(); ++r) {
    const CsvRecord& record = (*records)[r];
    PreparedRow row;
    row.row = static_cast<std::int64_t>(r) - 1;
    row.pointer = fmt::format("line {}", record.line);
    Status fine;
    if (record.fields.size() != header.size()) {
      fine = bad(csv_place(options.file_name, record.line),
                 fmt::format("the row has {} cells", record.fields.size()), {},
                 fmt::format("{} as in the header", header.size()));
    } else {
      if (own_columns) fine = read_own_columns(row, header, record, options);
      if (fine.ok()) {
        if (row.kind == SampleKind::blank) {
          fine = bad(csv_place(options.file_name, record.line), "a blank in a table of catalysts",
                     {}, "blanks as JSON rows, which need no composition");
        } else if (whole) {
          fill(row, *whole, static_cast<Eigen::Index>(r) - 1);
        } else {
          const std::string alone = header_line + csv_line(record.fields);
          const auto table = tables::read_table(alone, options.file_name, reading, supports);
          if (table) {
            fill(row, *table, 0);
          } else {
            // Read alone, the row stands right below the header: the message names its own line.
            Error error = table.error();
            if (error.where.starts_with(alone_place)) {
              error.where.replace(0, alone_place.size(), csv_place(options.file_name, record.line));
            }
            fine = error;
          }
        }
      }
      if (fine.ok() && row.values.empty()) {
        fine = bad(csv_place(options.file_name, record.line), "no value is there", {},
                   "at least one measured number");
      }
    }
    if (!fine.ok()) {
      PreparedRow refused = refused_row(fine.error(), raw_of(record), row.pointer);
      refused.row = row.row;
      row = std::move(refused);
    }
    delivery.rows.push_back(std::move(row));
  }
  return {};
}

// A row of a table in quarantine: {"table": header and row, "targets": [...], "conditions"?,
// "id"?}.
Result<PreparedRow> prepare_table_row(const Json& object, const chemistry::SupportTable& supports) {
  PreparedDelivery delivery;
  delivery.options.format = DeliveryFormat::csv;
  delivery.options.file_name = "row";
  const Result<std::string> table = read_field<std::string>(object, "table");
  if (!table) return table.error();
  delivery.bytes = *table;
  const auto names = [&](std::string_view member, const auto& use) -> Status {
    const auto found = object.find(member);
    if (found == object.end()) return {};
    if (!found->is_array()) return bad(json_pointer("", member), "not a list");
    for (const Json& name : *found) {
      const auto text = read_value_as<std::string>(name, json_pointer("", member));
      if (!text) return text.error();
      use(*text);
    }
    return {};
  };
  if (const Status read = names("targets",
                                [&](const std::string& name) {
                                  Property property;
                                  property.name = name;
                                  delivery.options.properties.push_back(property);
                                });
      !read) {
    return read.error();
  }
  if (const Status read =
          names("conditions",
                [&](const std::string& name) { delivery.options.conditions.push_back(name); });
      !read) {
    return read.error();
  }
  const auto id = read_optional<std::string>(object, "id");
  if (!id) return id.error();
  delivery.options.id = *id;
  if (const Status read = prepare_csv(delivery, supports); !read) return read.error();
  if (delivery.rows.size() != 1) return bad("/table", "not one row");
  PreparedRow row = std::move(delivery.rows.front());
  if (!row.problem.empty()) return bad("", row.problem);
  return row;
}

}  // namespace

std::optional<DeliveryFormat> parse_delivery_format(std::string_view media_type) {
  std::string type(trim(media_type.substr(0, media_type.find(';'))));
  for (char& c : type) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  if (type == "application/json") return DeliveryFormat::json;
  if (type == "application/x-ndjson") return DeliveryFormat::ndjson;
  if (type == "text/csv") return DeliveryFormat::csv;
  return {};
}

Result<PreparedDelivery> prepare_delivery(std::string bytes, DeliveryOptions options,
                                          const chemistry::SupportTable& supports) {
  const bool printable = std::all_of(options.idempotency_key.begin(), options.idempotency_key.end(),
                                     [](char c) { return c >= 0x20 && c < 0x7F; });
  if (!printable || options.idempotency_key.size() > 255) {
    return Error{ErrorCode::invalid_argument, "this is not an idempotency key", "Idempotency-Key",
                 options.idempotency_key, "at most 255 printable ASCII characters"};
  }
  PreparedDelivery delivery;
  delivery.options = std::move(options);
  delivery.bytes = std::move(bytes);
  delivery.sha256 = sha256(delivery.bytes);
  Status read;
  switch (delivery.options.format) {
    case DeliveryFormat::json:
      read = prepare_json(delivery, supports);
      break;
    case DeliveryFormat::ndjson:
      read = prepare_ndjson(delivery, supports);
      break;
    case DeliveryFormat::csv:
      read = prepare_csv(delivery, supports);
      break;
  }
  if (!read) {
    if (!delivery.options.quarantine_unreadable) return read.error();
    delivery.rows.clear();
    delivery.rows.push_back(refused_row(read.error(), "{}", ""));
  }
  return delivery;
}

Result<PreparedRow> prepare_row(std::string_view json, const chemistry::SupportTable& supports) {
  const Result<Json> object = parse_json(json);
  if (!object) return object.error();
  return read_row(*object, "", supports);
}

std::string row_to_json(const PreparedRow& row) {
  Json object = Json::object();
  if (row.kind != SampleKind::catalyst) object["kind"] = to_string(row.kind);
  if (!row.catalyst.empty() && row.kind != SampleKind::blank) {
    object["catalyst"] = {{"key", row.catalyst}};
  }
  const std::pair<std::string_view, const std::string*> labels[] = {{"proposal", &row.proposal},
                                                                    {"sample", &row.sample},
                                                                    {"channel", &row.channel},
                                                                    {"source", &row.source},
                                                                    {"run", &row.run}};
  for (const auto& [name, text] : labels) {
    if (!text->empty()) object[std::string(name)] = *text;
  }
  if (row.sequence) object["sequence"] = *row.sequence;
  if (row.replicate) object["replicate"] = *row.replicate;
  if (row.conditions != "{}") {
    const Result<Json> conditions = parse_json(row.conditions);
    if (conditions) object["conditions"] = *conditions;
  }
  Json values = Json::object();
  for (const PreparedValue& value : row.values) {
    if (value.unit.empty()) {
      values[value.property] = value.value;
    } else {
      values[value.property] = {{"value", value.value}, {"unit", value.unit}};
    }
  }
  object["values"] = std::move(values);
  if (row.measured_at) object["measured_at"] = format_time(*row.measured_at);
  return dump_json(object);
}

}  // namespace kasetsu::campaign
