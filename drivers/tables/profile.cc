#include "drivers/tables/profile.h"

#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>
#include <array>
#include <utility>

#include "core/base/text.h"
#include "core/chemistry/element.h"
#include "drivers/tables/option_names.h"
#include "drivers/tables/units.h"

namespace kasetsu::tables {
namespace {

constexpr std::array<std::pair<std::string_view, ColumnUse>, 20> kUses{{
    {"catalyst", ColumnUse::catalyst},
    {"slot", ColumnUse::slot},
    {"slot_amount", ColumnUse::slot_amount},
    {"element", ColumnUse::element},
    {"element_list", ColumnUse::element_list},
    {"fraction_list", ColumnUse::fraction_list},
    {"support", ColumnUse::support},
    {"preparation", ColumnUse::preparation},
    {"sample", ColumnUse::sample},
    {"kind", ColumnUse::kind},
    {"proposal", ColumnUse::proposal},
    {"source", ColumnUse::source},
    {"run", ColumnUse::run},
    {"channel", ColumnUse::channel},
    {"sequence", ColumnUse::sequence},
    {"replicate", ColumnUse::replicate},
    {"measured_at", ColumnUse::measured_at},
    {"value", ColumnUse::value},
    {"condition", ColumnUse::condition},
    {"ignore", ColumnUse::ignore},
}};

using Keys = std::vector<std::string>;
const Keys kKeys = {"description", "encoding", "delimiter",    "decimal",   "thousands",
                    "header_row",  "unit_row", "header_lines", "fill_down", "null",
                    "time_zone",   "plate",    "time_formats", "constants", "unknown_columns",
                    "columns",     "elements", "name_amounts", "reduce"};
const Keys kConstantKeys = {"source",  "run",         "channel",  "sample",  "kind",
                            "support", "preparation", "proposal", "catalyst"};
const Keys kColumnKeys = {"header", "as", "name", "unit", "assume", "of", "required", "map"};
const Keys kElementKeys = {"unit", "assume"};
const Keys kWellKeys = {"catalyst", "sample", "kind"};
const Keys kReduceKeys = {"property", "name", "method", "isolated_by", "at"};

class Decoder {
 public:
  explicit Decoder(std::string_view file) : file_(file) {}

  Status decode(const toml::table& document, Profile& profile) {
    profile.null = {"", "-", "n.a.", "n/a", "na", "nan", "null", "#n/a"};
    if (const Status known = only(document, "", kKeys); !known) return known;
    std::string decimal = ".", zone, unknown = "ignore";
    for (const Status& status :
         {text(document, "description", profile.description),
          word(document, "encoding", profile.encoding, encoding_names()),
          word(document, "delimiter", profile.delimiter, {"auto", ",", ";", "tab", "|"}),
          word(document, "decimal", decimal, {".", ","}),
          text(document, "thousands", profile.thousands),
          word(document, "name_amounts", profile.name_amounts, name_amounts_names(), true),
          word(document, "unknown_columns", unknown, {"ignore", "error"}),
          whole(document, "header_row", profile.header_row, 1, 1'000),
          whole(document, "header_lines", profile.header_lines, 1, 2),
          boolean(document, "unit_row", profile.unit_row),
          texts(document, "fill_down", profile.fill_down), texts(document, "null", profile.null),
          texts(document, "time_formats", profile.time_formats),
          text(document, "time_zone", zone)}) {
      if (!status) return status;
    }
    profile.decimal = decimal[0];
    if (profile.thousands == decimal) {
      return wrong(
          *document.get("thousands"), "thousands",
          fmt::format("another character than the decimal {}", decimal == "." ? "point" : "comma"));
    }
    profile.unknown_columns = unknown == "ignore";
    if (!zone.empty()) {
      auto found = find_time_zone(zone);
      if (!found) return found.error().in(place(*document.get("time_zone"), "time_zone"));
      profile.time_zone = std::move(*found);
    }
    for (const Status& status :
         {constants(document, profile), columns(document, profile), elements(document, profile),
          plate(document, profile), reduce(document, profile)}) {
      if (!status) return status;
    }
    return {};
  }

 private:
  std::string place(const toml::node& node, std::string_view key) const {
    return fmt::format("{}:{}:{}: {}", file_, node.source().begin.line, node.source().begin.column,
                       key);
  }
  Error wrong(const toml::node& node, std::string_view key, std::string expected) const {
    const auto* found = node.as_string();
    return Error{ErrorCode::bad_data, "wrong value", place(node, key), found ? found->get() : "",
                 std::move(expected)};
  }

  Status only(const toml::table& table, const std::string& before, const Keys& known) const {
    for (const auto& [key, value] : table) {
      const std::string name(key.str());
      if (std::find(known.begin(), known.end(), name) != known.end()) continue;
      const auto near = nearest_names(name, known, 1);
      return Error{ErrorCode::bad_data, "unknown key", place(value, before + name), name,
                   near.empty() ? join_or(known) : fmt::format("did you mean \"{}\"?", near[0])};
    }
    return {};
  }

  Status text(const toml::table& table, std::string_view key, std::string& out) const {
    const toml::node* node = table.get(key);
    if (!node) return {};
    if (!node->is_string()) return wrong(*node, key, "a text in quotes");
    out = node->as_string()->get();
    return {};
  }
  Status word(const toml::table& table, std::string_view key, std::string& out,
              const std::vector<std::string>& words, bool may_be_empty = false) const {
    if (const Status read = text(table, key, out); !read) return read;
    if (may_be_empty && out.empty()) return {};
    if (std::find(words.begin(), words.end(), out) != words.end()) return {};
    return wrong(*table.get(key), key, join_or(words));
  }
  Status whole(const toml::table& table, std::string_view key, int& out, int low, int high) const {
    const toml::node* node = table.get(key);
    if (!node) return {};
    const auto* number = node->as_integer();
    if (!number || number->get() < low || number->get() > high) {
      return wrong(*node, key, fmt::format("a whole number from {} to {}", low, high));
    }
    out = static_cast<int>(number->get());
    return {};
  }
  Status boolean(const toml::table& table, std::string_view key, bool& out) const {
    const toml::node* node = table.get(key);
    if (!node) return {};
    if (!node->is_boolean()) return wrong(*node, key, "true or false");
    out = node->as_boolean()->get();
    return {};
  }
  Status texts(const toml::table& table, std::string_view key,
               std::vector<std::string>& out) const {
    const toml::node* node = table.get(key);
    if (!node) return {};
    out.clear();
    if (const auto* one = node->as_string()) {
      out.push_back(one->get());
      return {};
    }
    const auto* list = node->as_array();
    if (!list) return wrong(*node, key, "a list of texts");
    for (const toml::node& item : *list) {
      if (!item.is_string()) return wrong(item, key, "a list of texts");
      out.push_back(item.as_string()->get());
    }
    return {};
  }
  Status pairs(const toml::table& table, std::string_view key,
               std::map<std::string, std::string>& out) const {
    const toml::node* node = table.get(key);
    if (!node) return {};
    if (!node->is_table()) return wrong(*node, key, "a table of texts");
    for (const auto& [name, value] : *node->as_table()) {
      if (!value.is_string()) return wrong(value, key, "a text in quotes");
      out[std::string(name.str())] = value.as_string()->get();
    }
    return {};
  }

  Status constants(const toml::table& document, Profile& profile) const {
    if (const Status read = pairs(document, "constants", profile.constants); !read) return read;
    for (const auto& [name, value] : profile.constants) {
      if (std::find(kConstantKeys.begin(), kConstantKeys.end(), name) != kConstantKeys.end()) {
        continue;
      }
      return Error{ErrorCode::bad_data, "unknown constant",
                   place(*document.get("constants"), "constants." + name), name,
                   join_or(kConstantKeys)};
    }
    return {};
  }

  Status columns(const toml::table& document, Profile& profile) const {
    const toml::node* node = document.get("columns");
    if (!node) return {};
    const auto* list = node->as_array();
    if (!list) return wrong(*node, "columns", "[[columns]], one for each column");
    for (const toml::node& item : *list) {
      const auto* table = item.as_table();
      if (!table) return wrong(item, "columns", "[[columns]], one for each column");
      ProfileColumn column;
      std::string use;
      for (const Status& status :
           {only(*table, "columns.", kColumnKeys), texts(*table, "header", column.headers),
            text(*table, "as", use), text(*table, "name", column.name),
            text(*table, "unit", column.unit), text(*table, "assume", column.assume),
            text(*table, "of", column.of), boolean(*table, "required", column.required),
            pairs(*table, "map", column.map)}) {
        if (!status) return status;
      }
      if (column.headers.empty()) return wrong(item, "columns.header", "a column's name");
      const auto found =
          std::find_if(kUses.begin(), kUses.end(), [&](const auto& u) { return u.first == use; });
      if (found == kUses.end()) {
        return Error{ErrorCode::bad_data, "unknown use of a column", place(item, "columns.as"), use,
                     join_or(column_uses())};
      }
      column.use = found->second;
      if (const Status fine = check(item, column); !fine) return fine;
      profile.columns.push_back(std::move(column));
    }
    return {};
  }

  Status check(const toml::node& item, const ProfileColumn& column) const {
    const bool named = column.use == ColumnUse::value || column.use == ColumnUse::condition ||
                       column.use == ColumnUse::element;
    if (named == column.name.empty()) {
      return wrong(item, "columns.name",
                   named ? "a name" : "no name: only values, conditions and elements have one");
    }
    if (column.use == ColumnUse::element && !chemistry::atomic_number(column.name)) {
      return Error{ErrorCode::bad_data, "unknown element", place(item, "columns.name"), column.name,
                   "a chemical symbol such as Li"};
    }
    if ((column.use == ColumnUse::slot_amount) == column.of.empty()) {
      return wrong(item, "columns.of", "the header of the slot that the amount belongs to");
    }
    if (!column.assume.empty() && !column.unit.empty()) {
      const auto conversion = convert_units(column.assume, column.unit);
      if (!conversion) return conversion.error().in(place(item, "columns.assume"));
    }
    return {};
  }

  Status elements(const toml::table& document, Profile& profile) const {
    const toml::node* node = document.get("elements");
    if (!node) return {};
    const auto* table = node->as_table();
    if (!table) return wrong(*node, "elements", "a table");
    profile.elements = true;
    for (const Status& status : {only(*table, "elements.", kElementKeys),
                                 word(*table, "unit", profile.elements_unit, {"", "mmol/g"}),
                                 text(*table, "assume", profile.elements_assume)}) {
      if (!status) return status;
    }
    return {};
  }

  Status plate(const toml::table& document, Profile& profile) const {
    const toml::node* node = document.get("plate");
    if (!node) return {};
    const auto* table = node->as_table();
    if (!table) return wrong(*node, "plate", "what lies in each channel");
    for (const auto& [channel, value] : *table) {
      PlateWell well;
      if (const auto* name = value.as_string()) {
        well.catalyst = name->get();
      } else if (const auto* place_of = value.as_table()) {
        for (const Status& status :
             {only(*place_of, "plate.", kWellKeys), text(*place_of, "catalyst", well.catalyst),
              text(*place_of, "sample", well.sample), text(*place_of, "kind", well.kind)}) {
          if (!status) return status;
        }
      } else {
        return wrong(value, "plate", "a catalyst's name, or {sample = \"S-17\"}");
      }
      profile.plate[std::string(channel.str())] = std::move(well);
    }
    return {};
  }

  Status reduce(const toml::table& document, Profile& profile) const {
    const toml::node* node = document.get("reduce");
    if (!node) return {};
    const auto* table = node->as_table();
    if (!table) return wrong(*node, "reduce", "a table");
    Reduction reduction;
    for (const Status& status :
         {only(*table, "reduce.", kReduceKeys), text(*table, "property", reduction.property),
          text(*table, "name", reduction.name),
          word(*table, "method", reduction.method, {"max", "top3_mean", "fixed"})}) {
      if (!status) return status;
    }
    if (const toml::node* by = table->get("isolated_by")) {
      const auto number = by->value<double>();
      if (!by->is_number() || !number || !(*number > 0.0)) {
        return wrong(*by, "reduce.isolated_by", "a number above 0");
      }
      reduction.isolated_by = *number;
    }
    if (const toml::node* at = table->get("at")) {
      if (!at->is_table()) return wrong(*at, "reduce.at", "numbers by condition");
      for (const auto& [name, value] : *at->as_table()) {
        const auto number = value.value<double>();
        if (!value.is_number() || !number) return wrong(value, "reduce.at", "a number");
        reduction.at[std::string(name.str())] = *number;
      }
    }
    if (reduction.property.empty() || reduction.name.empty() ||
        reduction.property == reduction.name) {
      return wrong(*node, "reduce.property, reduce.name", "two names that differ");
    }
    if ((reduction.method == "fixed") == reduction.at.empty()) {
      return wrong(*node, "reduce.at", "the conditions, with method = \"fixed\" and only then");
    }
    profile.reduce = std::move(reduction);
    return {};
  }

  std::string file_;
};

}  // namespace

std::string_view to_string(ColumnUse use) {
  for (const auto& [name, value] : kUses) {
    if (value == use) return name;
  }
  return "";
}

std::vector<std::string> profile_keys() {
  std::vector<std::string> all = kKeys;
  for (const auto& [table, keys] :
       {std::pair{"constants", kConstantKeys}, std::pair{"columns", kColumnKeys},
        std::pair{"elements", kElementKeys}, std::pair{"plate", kWellKeys},
        std::pair{"reduce", kReduceKeys}}) {
    for (const std::string& key : keys) all.push_back(fmt::format("{}.{}", table, key));
  }
  return all;
}

std::vector<std::string> column_uses() {
  std::vector<std::string> names;
  for (const auto& [name, value] : kUses) names.emplace_back(name);
  return names;
}

Result<Profile> parse_profile(std::string_view contents, std::string_view file_name) {
  if (contents.size() > kLargestProfile) {
    return Error{ErrorCode::bad_data, fmt::format("larger than {} bytes", kLargestProfile),
                 std::string(file_name), "", "a profile"};
  }
  Profile profile;
  std::string_view name = file_name.substr(file_name.rfind('/') + 1);
  profile.name = name.substr(0, name.rfind(".toml"));
  toml::table document;
  try {
    document = toml::parse(contents, std::string(file_name));
  } catch (const toml::parse_error& error) {
    return Error{
        ErrorCode::bad_data, std::string(error.description()),
        fmt::format("{}:{}:{}", file_name, error.source().begin.line, error.source().begin.column),
        "", ""};
  }
  if (const Status read = Decoder(file_name).decode(document, profile); !read) return read.error();
  return profile;
}

}  // namespace kasetsu::tables
