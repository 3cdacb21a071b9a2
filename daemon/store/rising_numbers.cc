#include "daemon/store/rising_numbers.h"

#include <sqlite3.h>

#include <new>

#include "core/base/result.h"

namespace kasetsu::store {
namespace {

enum Column { kMeasurement, kFirst, kMore };  // the latter two are the function's arguments

// SQLite's structs are first members by its rules: it hands out pointers to them.
struct Cursor : sqlite3_vtab_cursor {
  std::string bytes;
  std::string_view rest;
  std::int64_t at = 0;
  bool there = false;
  sqlite3_int64 row = 0;
};

Cursor& of(sqlite3_vtab_cursor* cursor) {
  return *static_cast<Cursor*>(cursor);
}

int connect(sqlite3* database, void*, int, const char* const*, sqlite3_vtab** table, char**) {
  const int code = sqlite3_declare_vtab(
      database, "CREATE TABLE members (measurement INTEGER, first HIDDEN, more HIDDEN)");
  if (code != SQLITE_OK) return code;
  *table = new (std::nothrow) sqlite3_vtab{};
  return *table == nullptr ? SQLITE_NOMEM : SQLITE_OK;
}

int disconnect(sqlite3_vtab* table) {
  delete table;
  return SQLITE_OK;
}

int best_index(sqlite3_vtab*, sqlite3_index_info* info) {
  // Both arguments must be known: first them, then more.
  int given = 0;
  for (int i = 0; i < info->nConstraint; ++i) {
    const auto& constraint = info->aConstraint[i];
    if (constraint.iColumn != kFirst && constraint.iColumn != kMore) continue;
    if (constraint.op != SQLITE_INDEX_CONSTRAINT_EQ || constraint.usable == 0)
      return SQLITE_CONSTRAINT;
    info->aConstraintUsage[i].argvIndex = constraint.iColumn;
    info->aConstraintUsage[i].omit = 1;
    ++given;
  }
  if (given != 2) return SQLITE_CONSTRAINT;
  info->estimatedCost = 4.0;
  info->estimatedRows = 4;
  return SQLITE_OK;
}

int open(sqlite3_vtab*, sqlite3_vtab_cursor** cursor) {
  *cursor = new (std::nothrow) Cursor{};
  return *cursor == nullptr ? SQLITE_NOMEM : SQLITE_OK;
}

int close(sqlite3_vtab_cursor* cursor) {
  delete &of(cursor);
  return SQLITE_OK;
}

int filter(sqlite3_vtab_cursor* given, int, const char*, int, sqlite3_value** values) {
  Cursor& cursor = of(given);
  const sqlite3_int64 first = sqlite3_value_int64(values[0]);
  const void* more = sqlite3_value_blob(values[1]);
  const int size = sqlite3_value_bytes(values[1]);
  try {
    cursor.bytes.assign(static_cast<const char*>(more == nullptr ? "" : more),
                        static_cast<std::size_t>(size));
  } catch (const std::bad_alloc&) {
    return SQLITE_NOMEM;
  }
  cursor.rest = cursor.bytes;
  cursor.at = first;
  cursor.there = true;
  cursor.row = 0;
  return SQLITE_OK;
}

int next(sqlite3_vtab_cursor* cursor) {
  of(cursor).there = take_rising(of(cursor).rest, of(cursor).at);
  ++of(cursor).row;
  return SQLITE_OK;
}

int at_end(sqlite3_vtab_cursor* cursor) {
  return of(cursor).there ? 0 : 1;
}

int column(sqlite3_vtab_cursor* cursor, sqlite3_context* context, int number) {
  if (number == kMeasurement) sqlite3_result_int64(context, of(cursor).at);
  return SQLITE_OK;
}

int row_number(sqlite3_vtab_cursor* cursor, sqlite3_int64* number) {
  *number = of(cursor).row;
  return SQLITE_OK;
}

// Without xCreate: a function only, no tables can be made of it.
constexpr sqlite3_module kMembers = [] {
  sqlite3_module module{};
  module.xConnect = connect;
  module.xBestIndex = best_index;
  module.xDisconnect = disconnect;
  module.xOpen = open;
  module.xClose = close;
  module.xFilter = filter;
  module.xNext = next;
  module.xEof = at_end;
  module.xColumn = column;
  module.xRowid = row_number;
  return module;
}();

}  // namespace

void append_rising(std::string& bytes, std::int64_t before, std::int64_t number) {
  KASETSU_ASSERT(number > before);
  auto difference = static_cast<std::uint64_t>(number - before);
  for (; difference >= 0x80; difference >>= 7) {
    bytes.push_back(static_cast<char>((difference & 0x7F) | 0x80));
  }
  bytes.push_back(static_cast<char>(difference));
}

std::vector<std::int64_t> all_rising(std::string_view bytes) {
  std::vector<std::int64_t> numbers;
  numbers.reserve(bytes.size());  // mostly each is a byte
  std::int64_t last = 0;
  while (take_rising(bytes, last)) numbers.push_back(last);
  return numbers;
}

int register_members(sqlite3* database) {
  return sqlite3_create_module_v2(database, "members", &kMembers, nullptr, nullptr);
}

}  // namespace kasetsu::store
