// Decoding deliveries: from bytes to rows, without the database.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "core/base/text.h"
#include "core/chemistry/element.h"
#include "core/chemistry/names.h"
#include "core/chemistry/told_catalyst.h"
#include "daemon/base/json.h"
#include "daemon/campaign/ingest/json_rows.h"
#include "daemon/campaign/records/conditions.h"
#include "drivers/tables/table.h"

namespace kasetsu::campaign {
namespace {

constexpr std::size_t kMostValues = 1000;
// Each row in quarantine is written by itself: very many of them would keep others from writing.
constexpr std::size_t kMostWrongRows = 10'000;
// Of what a row in quarantine says of itself.
constexpr std::size_t kLongestProblem = 2'000;

// Adds a row. False where so many cannot be read that the rest need not be.
bool add_row(PreparedDelivery& delivery, PreparedRow row, std::size_t& wrong) {
  row.row = static_cast<std::int64_t>(delivery.rows.size());
  if (!row.problem.empty()) ++wrong;
  delivery.rows.push_back(std::move(row));
  return wrong <= kMostWrongRows;
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

// Slots as {"slots": ["Li", null, "none"]} writes them.
Status read_slots(const Json& slots, std::string_view pointer, chemistry::ToldCatalyst& told) {
  if (!slots.is_array()) {
    return bad_delivery(pointer, "not a list", {}, "a list of symbols, or none");
  }
  std::size_t i = 0;
  for (const Json& slot : slots) {
    const std::string here = fmt::format("{}/{}", pointer, i++);
    told.slots.emplace_back("none");
    if (slot.is_null()) continue;
    const Result<std::string> text = read_value_as<std::string>(slot, here);
    if (!text) return text.error();
    if (chemistry::says_none(*text)) continue;
    const std::string symbol = chemistry::fold_name(*text);
    if (!chemistry::atomic_number(symbol)) {
      return bad_delivery(here, "unknown element", *text, "a chemical symbol such as Li, or none");
    }
    told.slots.back() = symbol;
  }
  return {};
}

// {"amounts": {"Li": 0.371}, "unit": "mmol/g"}.
Status read_amounts(const Json& amounts, const std::string& unit, std::string_view pointer,
                    chemistry::ToldCatalyst& told) {
  if (!amounts.is_object()) {
    return bad_delivery(pointer, "not an object", {}, "amounts by chemical symbol");
  }
  for (const auto& [symbol, amount] : amounts.items()) {
    const Result<double> number = read_value_as<double>(amount, json_pointer(pointer, symbol));
    if (!number) return number.error();
    told.amounts.push_back({symbol, *number, unit});
  }
  return {};
}

// What a catalyst object says, in the form that make_catalyst takes.
Result<chemistry::ToldCatalyst> read_told(const Json& value, std::string_view pointer) {
  chemistry::ToldCatalyst told;
  if (value.is_string()) {
    const std::string& name = value.get_ref<const std::string&>();
    told.name = name.empty() ? " " : name;
    return told;
  }
  if (!value.is_object()) {
    return bad_delivery(
        pointer, "not a catalyst", {},
        "an object with slots, amounts, formula or key, or a name such as Mn-Na2WO4/SiO2");
  }
  const Status known = refuse_unknown(
      value, {"slots", "amounts", "unit", "formula", "key", "support", "preparation"}, pointer);
  if (!known) return known.error();
  int forms = 0;
  for (const std::string_view form : {"slots", "amounts", "formula", "key"}) {
    forms += value.contains(form) ? 1 : 0;
  }
  if (forms > 1) {
    return bad_delivery(pointer, "the composition is told twice", {},
                        "one of slots, amounts, formula, key");
  }
  if (value.contains("key") && value.size() > 1) {
    return bad_delivery(pointer, "a key tells support and preparation itself");
  }
  if (value.contains("unit") && !value.contains("amounts")) {
    return bad_delivery(json_pointer(pointer, "unit"), "a unit without amounts");
  }
  for (const auto& [name, member] : {std::pair{"key", &told.key}, {"formula", &told.formula}}) {
    if (!value.contains(name)) continue;
    Result<std::string> text = read_field<std::string>(value, name, pointer);
    if (!text) return text.error();
    *member = text->empty() ? " " : std::move(text).value();
  }
  const auto unit = read_optional<std::string>(value, "unit", pointer);
  if (!unit) return unit.error();
  Status read;
  if (const auto slots = value.find("slots"); slots != value.end()) {
    read = read_slots(*slots, json_pointer(pointer, "slots"), told);
  }
  if (const auto amounts = value.find("amounts"); amounts != value.end()) {
    read = read_amounts(*amounts, unit->value_or(""), json_pointer(pointer, "amounts"), told);
  }
  if (!read) return read.error();
  const auto support = read_optional<std::string>(value, "support", pointer);
  if (!support) return support.error();
  told.support = support->value_or("");
  Result<std::string> preparation = read_label(value, "preparation", pointer);
  if (!preparation) return preparation.error();
  told.preparation = std::move(*preparation);
  return told;
}

Result<chemistry::MadeCatalyst> read_catalyst(const Json& value, std::string_view pointer,
                                              const chemistry::SupportTable& supports,
                                              const chemistry::CompositionRules& rules) {
  const auto told = read_told(value, pointer);
  if (!told) return told.error();
  auto made = chemistry::make_catalyst(*told, supports, rules);
  if (!made) {
    Error error = made.error();
    // A name is the value itself, the other forms are its members.
    error.where = value.is_string() ? std::string(pointer) : std::string(pointer) + error.where;
    return error;
  }
  const auto& catalyst = made->catalyst;
  if (told->key.empty() && catalyst.active.empty() && catalyst.support.empty()) {
    return bad_delivery(
        pointer, "the catalyst has no element and no support", {},
        "at least one element, or a bare support; an empty tube is \"kind\": \"blank\"");
  }
  return made;
}

// A catalyst told as a name or formula, as it was told; empty: otherwise.
std::string text_of_formula(const Json& catalyst) {
  const Json* text = &catalyst;
  if (catalyst.is_object()) {
    const auto formula = catalyst.find("formula");
    if (formula == catalyst.end()) return {};
    text = &*formula;
  }
  return text->is_string() ? chemistry::fold_name(text->get_ref<const std::string&>())
                           : std::string();
}

// The name that laboratories give an empty tube, as tables are read.
bool is_blank_name(const Json& catalyst) {
  return catalyst.is_string() &&
         chemistry::small_letters(trim(catalyst.get_ref<const std::string&>())) == "blank";
}

// Everything that can be said of one row object.
Result<PreparedRow> read_row(const Json& object, std::string_view pointer,
                             const chemistry::SupportTable& supports,
                             const chemistry::CompositionRules& rules) {
  if (!object.is_object()) return bad_delivery(pointer, "not an object", {}, "a row object");
  if (object.contains("table")) return prepare_table_row(object, supports, rules);
  if (object.contains("cells")) {
    return bad_delivery(pointer,
                        "these are cells of a laboratory's table, which only its profile reads", {},
                        "the corrected row: {\"catalyst\": ..., \"values\": ...}");
  }
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
      return bad_delivery(json_pointer(pointer, "kind"), "unknown kind of sample", **kind,
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
  if (row.kind == SampleKind::blank || (catalyst != object.end() && is_blank_name(*catalyst))) {
    if (catalyst != object.end() && !catalyst->is_null() && !is_blank_name(*catalyst)) {
      return bad_delivery(json_pointer(pointer, "catalyst"), "a blank holds no catalyst");
    }
    row.kind = SampleKind::blank;
    row.catalyst = "-";
  } else if (catalyst != object.end() && !catalyst->is_null()) {
    const auto read = read_catalyst(*catalyst, json_pointer(pointer, "catalyst"), supports, rules);
    if (!read) return read.error();
    row.catalyst = chemistry::canonical_key(read->catalyst);
    row.told = read->told;
    row.dropped_oxygen = read->dropped_oxygen;
    if (row.told.empty() && !row.dropped_oxygen.empty() && read->catalyst.support.empty()) {
      row.told = text_of_formula(*catalyst);
    }
  } else if (row.proposal.empty() && row.sample.empty()) {
    return bad_delivery(json_pointer(pointer, "catalyst"), "this member is missing", {},
                        "the catalyst, the proposal that it answers, or a sample that is known");
  }

  if (const auto conditions = object.find("conditions");
      conditions != object.end() && !conditions->is_null()) {
    const std::string at = json_pointer(pointer, "conditions");
    if (!conditions->is_object()) return bad_delivery(at, "not an object", {}, "numbers by name");
    std::map<std::string, double> numbers;
    for (const auto& [name, value] : conditions->items()) {
      if (name.empty()) return bad_delivery(at, "a condition without a name", {}, "its name");
      const Result<double> number = read_value_as<double>(value, json_pointer(at, name));
      if (!number) return number.error();
      numbers[name] = *number;
    }
    row.conditions = conditions_text(numbers);
  }

  const auto values = object.find("values");
  const std::string at = json_pointer(pointer, "values");
  if (values == object.end() || !values->is_object() || values->size() > kMostValues) {
    return bad_delivery(at, values == object.end() ? "this member is missing" : "not an object", {},
                        "measured numbers by name");
  }
  for (const auto& [name, value] : values->items()) {
    const std::string here = json_pointer(at, name);
    PreparedValue prepared;
    prepared.property = name;
    const Json* number = &value;
    if (value.is_object()) {
      if (const Status known = refuse_unknown(value, {"value", "unit", "censored", "above"}, here);
          !known) {
        return known.error();
      }
      Result<std::string> unit = read_label(value, "unit", here);
      if (!unit) return unit.error();
      prepared.unit = std::move(unit).value();
      const auto censored = read_optional<bool>(value, "censored", here);
      if (!censored) return censored.error();
      const auto above = read_optional<bool>(value, "above", here);
      if (!above) return above.error();
      prepared.censored = censored->value_or(false);
      prepared.above = above->value_or(false);
      if (prepared.above && !prepared.censored) {
        return bad_delivery(json_pointer(here, "above"), "only a limit is one from above", {},
                            "\"censored\": true beside it");
      }
      const auto found = value.find("value");
      if (found == value.end()) {
        return bad_delivery(json_pointer(here, "value"), "this member is missing");
      }
      number = &*found;
    }
    if (number->is_null()) continue;  // not measured
    const Result<double> read = read_value_as<double>(*number, here);
    if (!read) return read.error();
    prepared.value = *read;
    row.values.push_back(std::move(prepared));
  }
  if (row.values.empty())
    return bad_delivery(at, "no value is there", {}, "at least one measured number");

  const auto measured = read_optional<std::string>(object, "measured_at", pointer);
  if (!measured) return measured.error();
  if (*measured) {
    const Result<Time> time = parse_time(**measured);
    if (!time) return time.error().in(json_pointer(pointer, "measured_at"));
    row.measured_at = *time;
  }
  return row;
}

Status prepare_json(PreparedDelivery& delivery, const chemistry::SupportTable& supports) {
  Result<Json> parsed = parse_measured_json(delivery.bytes);
  if (!parsed) return parsed.error();
  Json& document = *parsed;
  if (!document.is_object())
    return bad_delivery("", "not an object", {}, "{\"source\", \"run\", \"rows\"}");
  DeliveryOptions& options = delivery.options;
  const Status known =
      options.envelope
          ? refuse_unknown(
                document,
                {"campaign", "key", "source", "run", "revise", "whole", "repeats", "rows"}, "")
          : refuse_unknown(document, {"source", "run", "revise", "whole", "repeats", "rows"}, "");
  if (!known) return known;
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
  const auto repeats = read_optional<std::string>(document, "repeats", "");
  if (!repeats) return repeats.error();
  if (*repeats) {
    options.repeats = parse_repeats(**repeats);
    if (!options.repeats) {
      return bad_delivery("/repeats", "wrong value", **repeats, "ask, skip or keep");
    }
  }
  const auto rows = document.find("rows");
  if (rows == document.end() || !rows->is_array() || rows->empty()) {
    return bad_delivery("/rows",
                        rows == document.end() ? "this member is missing" : "no rows are there", {},
                        "a list of at least one row");
  }
  if (rows->size() > options.max_rows) return too_many(rows->size(), options.max_rows);
  std::size_t wrong = 0;
  delivery.rows.reserve(rows->size());
  for (std::size_t i = 0; i < rows->size(); ++i) {
    // Each row is given up as soon as it is read: a large delivery is not held twice.
    const Json object = std::move((*rows)[i]);
    const std::string pointer = fmt::format("/rows/{}", i);
    Result<PreparedRow> row = read_row(object, pointer, supports, rules_of(options));
    PreparedRow read =
        row ? std::move(row).value() : refused_row(row.error(), dump_json(object), pointer);
    if (!add_row(delivery, std::move(read), wrong)) break;
  }
  return {};
}

Status prepare_ndjson(PreparedDelivery& delivery, const chemistry::SupportTable& supports) {
  std::string_view rest = delivery.bytes;
  std::size_t line = 0;
  std::size_t wrong = 0;
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
    PreparedRow read;
    const Result<Json> object = parse_measured_json(text);
    if (!object) {
      read = refused_row(object.error().in(pointer), dump_json(Json(std::string(text))), pointer);
    } else if (Result<PreparedRow> row =
                   read_row(*object, "", supports, rules_of(delivery.options))) {
      read = std::move(row).value();
      read.pointer = pointer;
    } else {
      read = refused_row(row.error().in(pointer), dump_json(*object), pointer);
    }
    if (!add_row(delivery, std::move(read), wrong)) break;
  }
  if (delivery.rows.empty())
    return bad_delivery("", "no rows are there", {}, "one row object a line");
  return {};
}

// Rows that differ in nothing but oxygen that is not counted. The reader of tables says it itself.
void note_merges(PreparedDelivery& delivery) {
  const auto& rows = delivery.rows;
  if (std::none_of(rows.begin(), rows.end(),
                   [](const PreparedRow& row) { return !row.dropped_oxygen.empty(); })) {
    return;
  }
  chemistry::OxygenMerges merges;
  for (const PreparedRow& row : delivery.rows) {
    if (row.problem.empty() && !row.catalyst.empty()) merges.add(row.catalyst, row.dropped_oxygen);
  }
  if (std::string note = merges.note(); !note.empty()) delivery.notes.push_back(std::move(note));
}

// Supports and preparations that the campaign does not plan with: perhaps a slip.
void note_foreign(PreparedDelivery& delivery) {
  const chemistry::CompositionRules& rules = rules_of(delivery.options);
  struct Part {
    std::string_view name, sign, end;
    const std::vector<std::string>& own;
    std::map<std::string_view, std::size_t> rows;
  };
  for (Part part : {Part{"support", "/", "|", rules.supports, {}},
                    Part{"preparation", "|", "", rules.preparations, {}}}) {
    if (part.own.empty()) continue;
    for (const PreparedRow& row : delivery.rows) {
      if (!row.problem.empty() || row.kind != SampleKind::catalyst || row.catalyst.empty())
        continue;
      const std::string_view key = row.catalyst;
      const std::size_t sign = key.find(part.sign);
      std::string_view told = sign == std::string_view::npos ? "" : key.substr(sign + 1);
      if (!part.end.empty()) told = told.substr(0, told.find(part.end));
      if (told.empty()) told = "none";
      if (std::find(part.own.begin(), part.own.end(), told) == part.own.end()) ++part.rows[told];
    }
    if (part.rows.empty()) continue;
    std::vector<std::string> each;
    for (const auto& [told, rows] : part.rows) {
      each.push_back(fmt::format("{} ({} {})", told, rows, rows == 1 ? "row" : "rows"));
    }
    constexpr std::size_t kMost = 8;
    if (each.size() > kMost) each.resize(kMost);
    delivery.notes.push_back(fmt::format("{}s outside the campaign's space: {}; it has {}",
                                         part.name, fmt::join(each, ", "),
                                         fmt::join(part.own, ", ")));
  }
}

}  // namespace

PreparedRow refused_row(const Error& error, std::string raw, std::string_view pointer) {
  PreparedRow row;
  row.pointer = std::string(pointer);
  row.problem = error.to_string();
  if (row.problem.size() > kLongestProblem) {
    std::size_t end = kLongestProblem;
    while (end > 0 && (static_cast<unsigned char>(row.problem[end]) & 0xC0) == 0x80) --end;
    row.problem.resize(end);
    row.problem += " ...";
  }
  row.raw = std::move(raw);
  return row;
}

Error too_many(std::size_t rows, std::size_t most) {
  return bad_delivery("/rows", fmt::format("the delivery has {} rows", rows), {},
                      fmt::format("at most {} in one delivery: split it into several", most));
}

const chemistry::CompositionRules& rules_of(const DeliveryOptions& options) {
  static const chemistry::CompositionRules kOfNoCampaign;
  return options.rules ? *options.rules : kOfNoCampaign;
}

Digest content_of(const PreparedRow& row, std::string_view source, std::string_view run) {
  std::string text;
  text.reserve(256);
  // Each part with its length before it, so that no two rows give the same text.
  const auto add = [&text](std::string_view part) {
    text += fmt::format_int(part.size()).c_str();
    text += ':';
    text += part;
  };
  const auto add_number = [&](const auto& number) {
    if (number) {
      const fmt::format_int digits(*number);
      add(std::string_view(digits.data(), digits.size()));
    } else {
      add("");
    }
  };
  add(row.catalyst);
  add(to_string(row.kind));
  add(row.proposal);
  add(row.sample);
  add(row.channel);
  add(source);
  add(run);
  add_number(row.sequence);
  add_number(row.replicate);
  add(row.conditions);
  add_number(row.measured_at ? std::optional<std::int64_t>(to_micros(*row.measured_at))
                             : std::optional<std::int64_t>());
  std::vector<const PreparedValue*> values;
  for (const PreparedValue& value : row.values) values.push_back(&value);
  std::sort(values.begin(), values.end(), [](const PreparedValue* a, const PreparedValue* b) {
    return a->property < b->property;
  });
  for (const PreparedValue* value : values) {
    add(value->property);
    if (value->censored) add(value->above ? ">" : "<");
    add(format_number(value->value));
    add(value->unit);
  }
  return sha256(text);
}

std::optional<Repeats> parse_repeats(std::string_view text) {
  if (text == "ask") return Repeats::ask;
  if (text == "skip") return Repeats::skip;
  if (text == "keep") return Repeats::keep;
  return {};
}

std::optional<DeliveryFormat> parse_delivery_format(std::string_view media_type) {
  std::string type(trim(media_type.substr(0, media_type.find(';'))));
  for (char& c : type) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  if (type == "application/json") return DeliveryFormat::json;
  if (type == "application/x-ndjson") return DeliveryFormat::ndjson;
  if (type == "text/csv" || type == kWorkbookType) return DeliveryFormat::csv;
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
  // The same file by a mended profile is another delivery; its rows are known by their names.
  if (const auto& profile = delivery.options.profile;
      profile && delivery.options.idempotency_key.empty()) {
    delivery.options.idempotency_key =
        fmt::format("profile {} {} {}", profile->name, profile->version, delivery.sha256.hex());
    if (!delivery.options.source.empty() || !delivery.options.run.empty()) {
      const std::string from = delivery.options.source + '\0' + delivery.options.run;
      delivery.options.idempotency_key += ' ' + sha256(from).hex().substr(0, 16);
    }
  }
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
  const auto wrong = std::count_if(delivery.rows.begin(), delivery.rows.end(),
                                   [](const PreparedRow& row) { return !row.problem.empty(); });
  if (static_cast<std::size_t>(wrong) > kMostWrongRows) {
    const auto first = std::find_if(delivery.rows.begin(), delivery.rows.end(),
                                    [](const PreparedRow& row) { return !row.problem.empty(); });
    return Error{ErrorCode::bad_data,
                 fmt::format("{} of the first {} rows cannot be read, and nothing was taken; the "
                             "first: {}",
                             wrong, delivery.rows.size(), first->problem),
                 first->pointer, "",
                 fmt::format("at most {} rows that cannot be read", kMostWrongRows)};
  }
  if (delivery.options.format != DeliveryFormat::csv) note_merges(delivery);
  note_foreign(delivery);
  for (PreparedRow& row : delivery.rows) {
    const std::string& run = row.run.empty() ? delivery.options.run : row.run;
    if (!row.problem.empty() || !has_name(run, row.channel, row.sequence)) continue;
    row.content = content_of(row, row.source.empty() ? delivery.options.source : row.source, run);
  }
  return delivery;
}

Result<PreparedRow> prepare_row(std::string_view json, const chemistry::SupportTable& supports,
                                const chemistry::CompositionRules& rules) {
  const Result<Json> object = parse_json(json);
  if (!object) return object.error();
  return read_row(*object, "", supports, rules);
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
    if (value.unit.empty() && !value.censored) {
      values[value.property] = value.value;
      continue;
    }
    Json told = {{"value", value.value}};
    if (!value.unit.empty()) told["unit"] = value.unit;
    if (value.censored) told["censored"] = true;
    if (value.above) told["above"] = true;
    values[value.property] = std::move(told);
  }
  object["values"] = std::move(values);
  if (row.measured_at) object["measured_at"] = format_time(*row.measured_at);
  return dump_json(object);
}

}  // namespace kasetsu::campaign
