// Profiles: what a laboratory's tables look like, told once in a TOML file. docs/profiles.md is for
// people; config/profiles/ holds the ones that come with the program.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "drivers/tables/local_time.h"

namespace kasetsu::tables {

inline constexpr std::size_t kLargestProfile = 64 * 1024;

enum class ColumnUse {
  catalyst,       // a name such as Mn-Na2WO4/SiO2, a formula, or "blank"
  slot,           // the symbol of an element, or none; the element counts once
  slot_amount,    // amount of the element in the slot column `of`
  element,        // amount of the element `name`
  element_list,   // "Mn,Na,W"
  fraction_list,  // "0.4,0.4,0.2", beside element_list
  support,
  preparation,
  sample,
  kind,
  proposal,
  source,
  run,
  channel,
  sequence,
  replicate,
  measured_at,
  value,
  condition,
  ignore
};

struct ProfileColumn {
  // Names, any of which heads the column; "*" stands for one word, which goes into `name`'s "*".
  std::vector<std::string> headers;
  ColumnUse use = ColumnUse::ignore;
  std::string name;    // of the value, condition or element; may hold "*"
  std::string unit;    // in which the campaign wants it; empty: as it is
  std::string assume;  // unit of the file where neither header nor unit row tells one
  std::string of;      // slot_amount: header of its slot
  bool required = false;
  std::map<std::string, std::string> map;  // cells that stand for another text
};

struct PlateWell {
  std::string catalyst, sample, kind;
};

// One value for many points: the best of a catalyst's conditions, as its literature reports.
struct Reduction {
  std::string property;        // of the points
  std::string name;            // of the reduced value
  std::string method = "max";  // max, top3_mean, fixed
  double isolated_by = 5.0;    // a maximum that stands out this far above the next best is flagged
  std::map<std::string, double> at;  // fixed: the conditions
};

struct Profile {
  std::string name;
  std::string version;  // digest of its text, set by whoever read the file; empty: not told
  std::string description;
  std::string encoding = "auto";
  std::string delimiter = "auto";  // auto: of comma, semicolon, tab and bar the one in the header
  char decimal = '.';
  std::string thousands;               // character between thousands; empty: none
  int header_row = 1;                  // of the lines that are not empty
  int header_lines = 1;                // 2: the header goes on in the line below
  bool unit_row = false;               // the line below the header holds units
  std::vector<std::string> fill_down;  // columns whose blank cells repeat the one above
  std::vector<std::string> null;       // cells that say "not measured", letter case not counting
  std::optional<TimeZone> time_zone;   // of times without an offset
  std::vector<std::string> time_formats;
  std::string name_amounts;     // what numbers before the elements of names are: "wt%", "mol%"
  bool unknown_columns = true;  // false: a column that the profile does not name is an error
  std::map<std::string, std::string> constants;  // source, run, channel, support, ...: by use
  std::vector<ProfileColumn> columns;
  // Columns named by chemical symbols hold amounts, in `elements_unit` (mmol/g, mol/g, wt%, or
  // empty: only their ratios count).
  bool elements = false;
  std::string elements_unit, elements_assume;
  std::map<std::string, PlateWell> plate;  // by channel
  std::optional<Reduction> reduce;
};

// bad_data: "file:line:column: key", what is wrong and what is expected. `name` is the file's name
// without folder and ending.
Result<Profile> parse_profile(std::string_view text, std::string_view file_name);

std::string_view to_string(ColumnUse use);

// All keys of a profile, as "reduce.method"; all words that `columns.as` takes. For its page.
std::vector<std::string> profile_keys();
std::vector<std::string> column_uses();

}  // namespace kasetsu::tables
