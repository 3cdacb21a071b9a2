#include "daemon/store/sqlite.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <filesystem>

#include "core/base/fnv.h"
#include "daemon/base/digest.h"
#include "daemon/base/ulid.h"
#include "daemon/campaign/records/store_port.h"
#include "daemon/store/late_index.h"
#include "daemon/store/rising_numbers.h"

namespace kasetsu::store {
namespace {

[[noreturn]] void fail(sqlite3* database, int code, std::string_view doing) {
  const int extended = database != nullptr ? sqlite3_extended_errcode(database) : code;
  const std::string detail = database != nullptr ? sqlite3_errmsg(database) : sqlite3_errstr(code);
  // The connection's newest code may belong to a later call; the one that was returned decides
  // then.
  const int best = (extended & 0xFF) == (code & 0xFF) ? extended : code;
  throw StorageError(best, fmt::format("{}: {} (SQLite {})", doing, detail, best));
}

std::string_view bytes_of(sqlite3_value* value) {
  const auto* bytes = static_cast<const char*>(sqlite3_value_blob(value));
  const auto size = static_cast<std::size_t>(sqlite3_value_bytes(value));
  return bytes == nullptr ? std::string_view() : std::string_view(bytes, size);
}

std::optional<std::int64_t> integer_of(sqlite3_value* value) {
  if (sqlite3_value_type(value) == SQLITE_NULL) return {};
  return sqlite3_value_int64(value);
}

void conditions_hash_in_sql(sqlite3_context* context, int, sqlite3_value** values) {
  if (sqlite3_value_type(values[0]) == SQLITE_NULL) return;
  sqlite3_result_int64(context, conditions_hash(bytes_of(values[0])));
}

void content_number_in_sql(sqlite3_context* context, int, sqlite3_value** values) {
  Digest digest;
  const std::string_view bytes = bytes_of(values[0]);
  if (bytes.size() != digest.bytes.size()) return;
  std::memcpy(digest.bytes.data(), bytes.data(), bytes.size());
  sqlite3_result_int64(context, content_number(digest));
}

void run_number_in_sql(sqlite3_context* context, int, sqlite3_value** values) {
  const auto number =
      run_number(sqlite3_value_int64(values[0]), bytes_of(values[1]), bytes_of(values[2]),
                 bytes_of(values[3]), integer_of(values[4]), integer_of(values[5]));
  if (number) sqlite3_result_int64(context, *number);
}

void ulid_after_in_sql(sqlite3_context* context, int, sqlite3_value** values) {
  const auto delivery = Ulid::parse(bytes_of(values[0]));
  if (!delivery) return;
  const std::string id =
      delivery->plus(static_cast<std::uint64_t>(sqlite3_value_int64(values[1]))).text();
  sqlite3_result_text(context, id.data(), static_cast<int>(id.size()), SQLITE_TRANSIENT);
}

// Of values with their types. Every step is reversible, so that one changed value changes it; eight
// bytes a step, because every row that is written is summed.
class RowSum {
 public:
  void add_word(std::uint64_t word) {
    value_ = (value_ ^ word) * 0x9E3779B97F4A7C15;
    value_ ^= value_ >> 32;
  }
  void add_bytes(std::string_view bytes) {
    add_word(bytes.size());
    for (; !bytes.empty(); bytes.remove_prefix(std::min<std::size_t>(8, bytes.size()))) {
      std::uint64_t eight = 0;
      for (std::size_t i = 0; i < std::min<std::size_t>(8, bytes.size()); ++i) {
        eight |= std::uint64_t{static_cast<unsigned char>(bytes[i])} << (8 * i);
      }
      add_word(eight);
    }
  }
  void add(sqlite3_value* value) {
    const int type = sqlite3_value_type(value);
    add_word(static_cast<std::uint64_t>(type));
    if (type == SQLITE_INTEGER) {
      add_word(static_cast<std::uint64_t>(sqlite3_value_int64(value)));
    } else if (type == SQLITE_FLOAT) {
      // SQLite keeps one zero.
      add_word(std::bit_cast<std::uint64_t>(sqlite3_value_double(value) + 0.0));
    } else if (type != SQLITE_NULL) {
      add_bytes(bytes_of(value));
    }
  }
  // 32 bits take at most four bytes of a row.
  std::int32_t sum() const { return static_cast<std::int32_t>(value_); }

 private:
  std::uint64_t value_ = 0;
};

void sum_of_in_sql(sqlite3_context* context, int count, sqlite3_value** values) {
  RowSum sum;
  for (int i = 0; i < count; ++i) sum.add(values[i]);
  sqlite3_result_int64(context, sum.sum());
}

void sha256_in_sql(sqlite3_context* context, int, sqlite3_value** values) {
  const Digest digest = sha256(bytes_of(values[0]));
  sqlite3_result_blob(context, digest.bytes.data(), static_cast<int>(digest.bytes.size()),
                      SQLITE_TRANSIENT);
}

struct SqlFunction {
  const char* name;
  int arguments;
  void (*call)(sqlite3_context*, int, sqlite3_value**);
};
constexpr SqlFunction kFunctions[] = {{"conditions_hash", 1, conditions_hash_in_sql},
                                      {"content_number", 1, content_number_in_sql},
                                      {"run_number", 6, run_number_in_sql},
                                      {"sha256", 1, sha256_in_sql},
                                      {"sum_of", -1, sum_of_in_sql},
                                      {"ulid_after", 2, ulid_after_in_sql}};

// It is there again when other requests have ended.
bool is_short_of_memory(int code) {
  return code == SQLITE_NOMEM || code == SQLITE_IOERR_NOMEM;
}

}  // namespace

Error StorageError::to_error() const {
  Error error;
  error.message = message_;
  if (is_short_of_memory(code_)) {
    error.code = ErrorCode::busy;
    return error;
  }
  switch (code_ & 0xFF) {
    case SQLITE_FULL:
      error.code = ErrorCode::storage_full;
      break;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      error.code = ErrorCode::busy;
      break;
    case SQLITE_CONSTRAINT:
    case SQLITE_MISUSE:
    case SQLITE_RANGE:
    case SQLITE_MISMATCH:
    case SQLITE_ERROR:
      error.code = ErrorCode::internal;
      break;
    case SQLITE_TOOBIG:
    case SQLITE_NOTADB:
    case SQLITE_CORRUPT:
      error.code = ErrorCode::bad_data;
      break;
    default:
      error.code = ErrorCode::storage_failed;
  }
  return error;
}

bool StorageError::fatal() const {
  if (is_short_of_memory(code_)) return false;
  switch (code_ & 0xFF) {
    case SQLITE_IOERR:
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
    case SQLITE_PROTOCOL:
      return true;
    default:
      return false;
  }
}

void require(bool holds, std::string_view what) {
  if (!holds) {
    throw StorageError(SQLITE_CORRUPT,
                       fmt::format("the database is damaged: {}; restore a backup", what));
  }
}

Statement::Statement(sqlite3* database, const char* sql) : database_(database) {
  const int code =
      sqlite3_prepare_v3(database, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement_, nullptr);
  if (code != SQLITE_OK) fail(database, code, fmt::format("preparing \"{}\"", sql));
}

Statement::~Statement() {
  sqlite3_finalize(statement_);
}

void Statement::check(int code) const {
  if (code != SQLITE_OK) fail(database_, code, sqlite3_sql(statement_));
}

bool Statement::step() {
  const int code = sqlite3_step(statement_);
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) {
    sqlite3_reset(statement_);
    return false;
  }
  const std::string sql = sqlite3_sql(statement_);
  const int extended = sqlite3_extended_errcode(database_);
  std::string message =
      fmt::format("{} (SQLite {}) in \"{}\"", sqlite3_errmsg(database_), extended, sql);
  sqlite3_reset(statement_);
  throw StorageError(extended, std::move(message));
}

void Statement::run() {
  while (step()) {
  }
}

void Statement::reset() {
  sqlite3_reset(statement_);
}

std::int64_t Statement::integer(int column) const {
  return sqlite3_column_int64(statement_, column);
}
double Statement::real(int column) const {
  return sqlite3_column_double(statement_, column);
}
std::string_view Statement::view(int column) const {
  const void* data = sqlite3_column_blob(statement_, column);
  const int size = sqlite3_column_bytes(statement_, column);
  if (data == nullptr || size <= 0) return {};
  return {static_cast<const char*>(data), static_cast<std::size_t>(size)};
}
std::string Statement::text(int column) const {
  return std::string(view(column));
}
bool Statement::null(int column) const {
  return sqlite3_column_type(statement_, column) == SQLITE_NULL;
}
std::optional<double> Statement::optional_real(int column) const {
  if (null(column)) return {};
  return real(column);
}
Time Statement::time(int column) const {
  return from_micros(integer(column));
}
Digest Statement::digest(int column) const {
  Digest digest;
  const std::string_view bytes = view(column);
  require(bytes.size() == digest.bytes.size(), "a digest has another length");
  std::memcpy(digest.bytes.data(), bytes.data(), bytes.size());
  return digest;
}

void Statement::bind_one(int index, std::int64_t value) {
  check(sqlite3_bind_int64(statement_, index, value));
}
void Statement::bind_one(int index, double value) {
  check(sqlite3_bind_double(statement_, index, value));
}
void Statement::bind_one(int index, std::string_view value) {
  // An empty view may have no address, which SQLite would read as NULL.
  check(sqlite3_bind_text64(statement_, index, value.empty() ? "" : value.data(), value.size(),
                            SQLITE_STATIC, SQLITE_UTF8));
}
void Statement::bind_one(int index, Blob value) {
  check(sqlite3_bind_blob64(statement_, index, value.bytes.empty() ? "" : value.bytes.data(),
                            value.bytes.size(), SQLITE_STATIC));
}
void Statement::bind_one(int index, const Digest& value) {
  check(sqlite3_bind_blob64(statement_, index, value.bytes.data(), value.bytes.size(),
                            SQLITE_STATIC));
}
void Statement::bind_one(int index, std::nullopt_t) {
  check(sqlite3_bind_null(statement_, index));
}

namespace {

// The folders above a file may be links, as an administrator sets them; the file itself may not.
std::string with_real_folder(const std::string& path) {
  const std::filesystem::path whole(path);
  std::error_code failed;
  const auto folder = std::filesystem::canonical(whole.parent_path(), failed);
  return failed || !whole.has_parent_path() ? path : (folder / whole.filename()).string();
}

}  // namespace

Connection::Connection(const std::string& path, Access access, const std::string& vfs,
                       bool create) {
  int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE | SQLITE_OPEN_NOFOLLOW;
  if (access == Access::write) {
    flags |= SQLITE_OPEN_READWRITE;
    if (create) flags |= SQLITE_OPEN_CREATE;
  } else {
    flags |= SQLITE_OPEN_READONLY;
  }
  const int code = sqlite3_open_v2(with_real_folder(path).c_str(), &database_, flags,
                                   vfs.empty() ? nullptr : vfs.c_str());
  try {
    if (code != SQLITE_OK) fail(database_, code, fmt::format("opening {}", path));

    const auto configure = [&](int what, int value, const char* name) {
      int now = -1;
      const int result = sqlite3_db_config(database_, what, value, &now);
      if (result != SQLITE_OK || now != value) {
        throw StorageError(SQLITE_ERROR, fmt::format("SQLite does not take the setting {}", name));
      }
    };
    configure(SQLITE_DBCONFIG_DEFENSIVE, 1, "DEFENSIVE");
    configure(SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, "TRUSTED_SCHEMA");
    configure(SQLITE_DBCONFIG_DQS_DML, 0, "DQS_DML");
    configure(SQLITE_DBCONFIG_DQS_DDL, 0, "DQS_DDL");
    configure(SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0, "ENABLE_LOAD_EXTENSION");
    configure(SQLITE_DBCONFIG_ENABLE_FKEY, 1, "ENABLE_FKEY");
    if (access != Access::write) {
      configure(SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, "NO_CKPT_ON_CLOSE");
    }
    // The row of a delivery is little longer than its bytes.
    constexpr int kLargestRow = static_cast<int>((campaign::kLargestContentMiB + 1) << 20);
    sqlite3_limit(database_, SQLITE_LIMIT_LENGTH, kLargestRow);
    sqlite3_limit(database_, SQLITE_LIMIT_SQL_LENGTH, 64 << 10);
    sqlite3_limit(database_, SQLITE_LIMIT_ATTACHED, 1);  // VACUUM INTO needs one
    sqlite3_limit(database_, SQLITE_LIMIT_VARIABLE_NUMBER, 512);
    sqlite3_busy_timeout(database_, 5000);
    for (const SqlFunction& function : kFunctions) {
      const int made =
          sqlite3_create_function_v2(database_, function.name, function.arguments,
                                     SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_DIRECTONLY,
                                     nullptr, function.call, nullptr, nullptr, nullptr);
      if (made != SQLITE_OK) fail(database_, made, function.name);
    }
    if (const int made = register_members(database_); made != SQLITE_OK) {
      fail(database_, made, "members");
    }

    if (access == Access::write) {
      // NORMAL would acknowledge rows that a power cut takes away.
      set("PRAGMA synchronous=FULL", "PRAGMA synchronous", "2");
      set("PRAGMA fullfsync=1", "PRAGMA fullfsync", "1");
      // 48 MiB: a page that many commits touch is written to the database once for all of them.
      set("PRAGMA wal_autocheckpoint=12000", "PRAGMA wal_autocheckpoint", "12000");
      set("PRAGMA journal_size_limit=67108864", "PRAGMA journal_size_limit", "67108864");
      // SQLite 3.40 goes through its whole cache at the commit of a transaction that split a page:
      // what a few thousand pages save in reading, they cost there. A large transaction still
      // keeps 32 MiB of changed pages before it writes some of them early. (Of this number SQLite
      // takes the lowest byte for yes or no: 8192 would turn it off.)
      set("PRAGMA cache_size=-8192", "PRAGMA cache_size", "-8192");
      set("PRAGMA cache_spill=8191", "PRAGMA cache_spill", "8191");
    } else {
      set("PRAGMA wal_autocheckpoint=0", "PRAGMA wal_autocheckpoint", "0");
      set("PRAGMA cache_size=-32768", "PRAGMA cache_size", "-32768");
    }
    set("PRAGMA foreign_keys=ON", "PRAGMA foreign_keys", "1");
    set("PRAGMA temp_store=MEMORY", "PRAGMA temp_store", "2");
    set("PRAGMA cell_size_check=ON", "PRAGMA cell_size_check", "1");
    set("PRAGMA mmap_size=0", "PRAGMA mmap_size", "0");
    set("PRAGMA trusted_schema=OFF", "PRAGMA trusted_schema", "0");
    if (access == Access::read) set("PRAGMA query_only=1", "PRAGMA query_only", "1");
  } catch (...) {
    statements_.clear();
    sqlite3_close_v2(database_);
    throw;
  }
}

Connection::~Connection() {
  statements_.clear();
  sqlite3_close_v2(database_);
}

void Connection::turn_on_wal() {
  // NFS and the like cannot share memory: the word that comes back is another one there.
  set("PRAGMA journal_mode=WAL", "PRAGMA journal_mode", "wal");
}

void Connection::set(const char* pragma, const char* read_back, std::string_view expected) {
  execute(pragma);
  const std::string now = text(read_back);
  // A build without mmap gives no answer.
  if (now != expected && !(now.empty() && expected == "0")) {
    throw StorageError(SQLITE_ERROR, fmt::format("\"{}\" gave {} instead of {}: is the file on a "
                                                 "local disk?",
                                                 pragma, now, expected));
  }
}

Statement& Connection::prepare(const char* sql) {
  auto& slot = statements_[sql];
  if (!slot) slot = std::make_unique<Statement>(database_, sql);
  return *slot;
}

void Connection::execute(const char* sql) {
  const int code = sqlite3_exec(database_, sql, nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) fail(database_, code, std::string_view(sql).substr(0, 80));
}

std::int64_t Connection::integer(const char* sql) {
  Statement statement(database_, sql);
  return statement.step() ? statement.integer(0) : 0;
}

std::string Connection::text(const char* sql) {
  Statement statement(database_, sql);
  return statement.step() ? statement.text(0) : std::string();
}

std::int64_t conditions_hash(std::string_view conditions) {
  if (conditions == "{}") return 0;
  Fnv1a hash;
  hash.bytes(conditions);
  return hash.value() == 0 ? 1 : std::bit_cast<std::int64_t>(hash.value());
}

std::int64_t Connection::last_row() const {
  return sqlite3_last_insert_rowid(database_);
}
std::int64_t Connection::changes() const {
  return sqlite3_changes64(database_);
}
bool Connection::in_transaction() const {
  return sqlite3_get_autocommit(database_) == 0;
}

}  // namespace kasetsu::store
