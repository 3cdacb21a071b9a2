// A laboratory's table read by a profile: rows that stand for themselves, the wrong ones with their
// reason. Nothing is guessed.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/result.h"
#include "core/chemistry/catalyst.h"
#include "drivers/tables/profile.h"

namespace kasetsu::tables {

struct ProfileValue {
  std::string name;
  double value = 0.0;
  std::string unit;  // empty: neither profile nor file tells one
};

struct ProfileRow {
  std::size_t line = 0;          // of the file, from 1
  std::optional<Error> problem;  // the rest counts only without one
  std::optional<chemistry::Catalyst> catalyst;
  std::string kind;  // empty: catalyst
  std::string proposal, sample, source, run, channel;
  std::optional<std::int64_t> sequence, replicate;
  std::map<std::string, double> conditions;
  std::vector<ProfileValue> values;
  std::optional<UtcTime> measured_at;
  // Of a row that the reduction made: the lines of its points, and whether the maximum stands
  // alone.
  std::vector<std::size_t> points;
  bool isolated_maximum = false;
  std::vector<std::pair<std::string, std::string>> cells;  // header and cell; only with a problem
};

struct ProfileTable {
  std::string encoding;
  std::string delimiter;
  std::vector<ProfileRow> rows;      // in the order of the file, then what the reduction made
  std::vector<std::string> unused;   // headers that the profile does not name
  std::vector<std::string> columns;  // "header -> use name [unit]", for a dry run
};

// Errors (bad_data, "file:line: column ...") are for the whole table: encoding, header, units, no
// rows.
Result<ProfileTable> read_profile_table(std::string_view bytes, std::string_view file_name,
                                        const Profile& profile,
                                        const chemistry::SupportTable& supports,
                                        std::size_t max_rows = 1'000'000);

}  // namespace kasetsu::tables
