// Decoding deliveries that are tables.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <span>
#include <unordered_map>
#include <utility>

#include "core/base/csv.h"
#include "core/base/text.h"
#include "daemon/campaign/ingest/json_rows.h"
#include "drivers/tables/columns.h"
#include "drivers/tables/table.h"

namespace kasetsu::campaign {
namespace {

// Columns that say whose row it is, as a row object has them.
enum class Own { proposal, sample, kind, channel, sequence, replicate, source, run, measured_at };
constexpr std::pair<std::string_view, Own> kOwnColumns[] = {
    {"proposal", Own::proposal}, {"sample", Own::sample},     {"kind", Own::kind},
    {"channel", Own::channel},   {"sequence", Own::sequence}, {"replicate", Own::replicate},
    {"source", Own::source},     {"run", Own::run},           {"measured_at", Own::measured_at}};

// One cell of such a column. place() says where it stands.
template <typename Place>
Status read_own(PreparedRow& row, Own own, std::string_view text, const Place& place) {
  const auto label = [&](std::string& member) -> Status {
    if (Status named = check_label(text, place); !named) return named;
    member = text;
    return {};
  };
  switch (own) {
    case Own::proposal:
      return label(row.proposal);
    case Own::sample:
      return label(row.sample);
    case Own::channel:
      return label(row.channel);
    case Own::source:
      return label(row.source);
    case Own::run:
      return label(row.run);
    case Own::sequence:
    case Own::replicate: {
      const auto number = parse_number(text);
      if (!number || *number != std::floor(*number) || std::abs(*number) > 9e15) {
        return bad_delivery(place(), "not an integer", std::string(text), "an integer");
      }
      (own == Own::sequence ? row.sequence : row.replicate) = static_cast<std::int64_t>(*number);
      return {};
    }
    case Own::kind: {
      const auto kind = parse_sample_kind(text);
      if (!kind) {
        return bad_delivery(place(), "unknown kind of sample", std::string(text),
                            "catalyst, support, blank or reference");
      }
      row.kind = *kind;
      return {};
    }
    case Own::measured_at: {
      const Result<Time> time = parse_time(text);
      if (!time) return time.error().in(place());
      row.measured_at = *time;
      return {};
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

// Reads the rows of one table. A table repeats few compositions many times: what a row's
// composition cells mean is looked up once for every combination of texts. A row that needs more
// than that, or is wrong, is read alone, below the header, by the reader of whole tables, whose
// words it then gets.
class TableRows {
 public:
  TableRows(const DeliveryOptions& options, const std::vector<CsvRecord>& records,
            const chemistry::SupportTable& supports)
      : options_(options), records_(records), supports_(supports) {
    for (const std::string& name : records.front().fields) {
      header_.push_back(tables::trim_name(name));
    }
    header_line_ = csv_line(records.front().fields);
    const auto below_header =
        static_cast<std::size_t>(std::count(header_line_.begin(), header_line_.end(), '\n')) + 1;
    alone_place_ = csv_place(options.file_name, below_header);
  }

  // What the columns are.
  Status recognise() {
    const auto has = [&](std::string_view name) {
      return std::find(header_.begin(), header_.end(), name) != header_.end();
    };
    reading_.missing_targets = true;
    reading_.id = options_.id;
    std::vector<std::string> wanted;
    for (const Property& property : options_.properties) {
      wanted.push_back(property.name);
      if (has(property.name)) reading_.targets.push_back(property.name);
    }
    if (reading_.targets.empty()) {
      return bad_delivery(csv_place(options_.file_name, records_.front().line),
                          "the table has no column of a property that the campaign measures", {},
                          wanted.empty() ? std::string() : "a column " + join_or(wanted));
    }
    for (const std::string& name : options_.conditions) {
      if (has(name)) reading_.conditions.push_back(name);
    }
    const auto taken = [&](std::string_view name) {
      const auto in = [&](const std::vector<std::string>& names) {
        return std::find(names.begin(), names.end(), name) != names.end();
      };
      return in(reading_.targets) || in(reading_.conditions) || reading_.id == name;
    };
    for (std::size_t i = 0; i < header_.size(); ++i) {
      for (const auto& [name, own] : kOwnColumns) {
        if (header_[i] != name || taken(name)) continue;
        reading_.ignore.emplace_back(name);
        own_columns_.emplace_back(i, own);
      }
      if (reading_.id == header_[i]) own_columns_.emplace_back(i, Own::sample);
    }
    std::vector<CsvRecord> even;
    for (std::size_t r = 1; r < records_.size(); ++r) {
      if (records_[r].fields.size() != header_.size()) uneven_ = true;
    }
    if (uneven_) {
      for (std::size_t r = 1; r < records_.size(); ++r) {
        if (records_[r].fields.size() == header_.size()) even.push_back(records_[r]);
      }
    }
    // Rows that are all of another length than the header say nothing of its columns.
    if (uneven_ && even.empty()) return {};
    auto layout = tables::recognise(header_,
                                    uneven_ ? std::span<const CsvRecord>(even)
                                            : std::span<const CsvRecord>(records_).subspan(1),
                                    reading_, options_.file_name, records_.front().line);
    if (!layout) return layout.error();
    layout_ = std::move(*layout);
    return {};
  }

  PreparedRow read(std::size_t r) {
    const CsvRecord& record = records_[r];
    PreparedRow row;
    row.row = static_cast<std::int64_t>(r) - 1;
    row.pointer = "line ";
    row.pointer += fmt::format_int(record.line).c_str();
    const Status fine = fill(row, record);
    if (fine.ok()) return row;
    PreparedRow refused = refused_row(fine.error(), raw(record), row.pointer);
    refused.row = row.row;
    return refused;
  }

 private:
  struct Composition {
    std::string key, description;
  };

  Status fill(PreparedRow& row, const CsvRecord& record) {
    const std::string& file = options_.file_name;
    if (record.fields.size() != header_.size()) {
      return bad_delivery(csv_place(file, record.line),
                          fmt::format("the row has {} cells", record.fields.size()), {},
                          fmt::format("{} as in the header", header_.size()));
    }
    for (const auto& [column, own] : own_columns_) {
      const std::string_view text = trim(record.fields[column]);
      if (text.empty()) continue;
      const auto place = [&, at = column] { return csv_place(file, record.line, header_[at], at); };
      if (Status read = read_own(row, own, text, place); !read) return read;
    }
    if (row.kind == SampleKind::blank) {
      return bad_delivery(csv_place(file, record.line), "a blank in a table of catalysts", {},
                          "blanks as JSON rows, which need no composition");
    }
    if (!fill_from_memory(row, record)) {
      row.values.clear();
      if (Status alone = fill_alone(row, record); !alone) return alone;
    }
    if (row.values.empty()) {
      return bad_delivery(csv_place(file, record.line), "no value is there", {},
                          "at least one measured number");
    }
    return {};
  }

  // False: the row must be read alone.
  bool fill_from_memory(PreparedRow& row, const CsvRecord& record) {
    if (!layout_) return false;
    // Text that may be wrong UTF-8 is for the reader of tables to judge.
    for (const std::string& field : record.fields) {
      for (const char c : field) {
        if ((static_cast<unsigned char>(c) & 0x80) != 0) return false;
      }
    }
    if (layout_->id && trim(record.fields[*layout_->id]).empty()) return false;
    const auto known = compositions_.find(composition_of(record));
    if (known == compositions_.end()) return false;
    row.values.reserve(layout_->targets.size());
    for (std::size_t t = 0; t < layout_->targets.size(); ++t) {
      const std::string_view text = trim(record.fields[layout_->targets[t]]);
      if (text.empty()) continue;
      const auto number = parse_number(text);
      if (!number) return false;
      row.values.push_back({reading_.targets[t], *number, {}});
    }
    if (!layout_->conditions.empty()) {
      Json conditions = Json::object();
      for (std::size_t c = 0; c < layout_->conditions.size(); ++c) {
        const auto number = parse_number(record.fields[layout_->conditions[c]]);
        if (!number) return false;
        conditions[reading_.conditions[c]] = *number;
      }
      row.conditions = dump_json(conditions);
    }
    row.catalyst = known->second.key;
    row.description = known->second.description;
    return true;
  }

  Status fill_alone(PreparedRow& row, const CsvRecord& record) {
    const auto table = tables::read_table(header_line_ + csv_line(record.fields),
                                          options_.file_name, reading_, supports_);
    if (!table) {
      // Read alone, the row stands right below the header: the message names its own line.
      Error error = table.error();
      if (error.where.starts_with(alone_place_)) {
        error.where.replace(0, alone_place_.size(), csv_place(options_.file_name, record.line));
      }
      return error;
    }
    const chemistry::Catalyst& catalyst = table->catalysts.front();
    row.catalyst = chemistry::canonical_key(catalyst);
    row.description = chemistry::describe(catalyst);
    for (Eigen::Index i = 0; i < table->targets.cols(); ++i) {
      if (std::isnan(table->targets(0, i))) continue;
      row.values.push_back(
          {table->target_names[static_cast<std::size_t>(i)], table->targets(0, i), {}});
    }
    if (table->conditions.cols() > 0) {
      Json conditions = Json::object();
      for (Eigen::Index i = 0; i < table->conditions.cols(); ++i) {
        conditions[table->condition_names[static_cast<std::size_t>(i)]] = table->conditions(0, i);
      }
      row.conditions = dump_json(conditions);
    }
    // What a bulk delivery needs; beyond that, rows are read one by one.
    constexpr std::size_t kMostCompositions = 200'000;
    if (layout_ && compositions_.size() < kMostCompositions) {
      compositions_.emplace(composition_of(record), Composition{row.catalyst, row.description});
    }
    return {};
  }

  // The composition's cells as they stand.
  const std::string& composition_of(const CsvRecord& record) {
    composition_.clear();
    for (const std::size_t column : layout_->composition) {
      composition_ += record.fields[column];
      composition_.push_back('\0');
    }
    if (layout_->support) composition_ += record.fields[*layout_->support];
    return composition_;
  }

  std::string raw(const CsvRecord& record) const {
    Json raw = {{"table", header_line_ + csv_line(record.fields)}, {"targets", reading_.targets}};
    if (!reading_.conditions.empty()) raw["conditions"] = reading_.conditions;
    if (options_.id) raw["id"] = *options_.id;
    return dump_json(raw);
  }

  const DeliveryOptions& options_;
  const std::vector<CsvRecord>& records_;
  const chemistry::SupportTable& supports_;
  std::vector<std::string> header_;
  std::string header_line_;
  std::string alone_place_;  // of a row that is read alone
  tables::ReadOptions reading_;
  std::vector<std::pair<std::size_t, Own>> own_columns_;
  bool uneven_ = false;
  std::optional<tables::Layout> layout_;
  std::unordered_map<std::string, Composition> compositions_;
  std::string composition_;
};

}  // namespace

Status prepare_csv(PreparedDelivery& delivery, const chemistry::SupportTable& supports) {
  const DeliveryOptions& options = delivery.options;
  const Result<std::vector<CsvRecord>> records = read_csv(delivery.bytes, options.file_name);
  if (!records) return records.error();
  if (records->size() < 2) {
    return bad_delivery(options.file_name, "the table has no rows", {},
                        "a header and at least one row");
  }
  if (records->size() - 1 > options.max_rows) {
    return too_many(records->size() - 1, options.max_rows);
  }
  TableRows rows(options, *records, supports);
  if (const Status recognised = rows.recognise(); !recognised) return recognised;
  delivery.rows.reserve(records->size() - 1);
  for (std::size_t r = 1; r < records->size(); ++r) delivery.rows.push_back(rows.read(r));
  return {};
}

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
    if (!found->is_array()) return bad_delivery(json_pointer("", member), "not a list");
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
  if (delivery.rows.size() != 1) return bad_delivery("/table", "not one row");
  PreparedRow row = std::move(delivery.rows.front());
  if (!row.problem.empty()) return bad_delivery("", row.problem);
  return row;
}

}  // namespace kasetsu::campaign
