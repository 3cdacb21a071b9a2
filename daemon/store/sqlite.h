// A thin layer over SQLite's C interface: a connection, and statements that live as long as it
// does. Failures are StorageError; Database::write and Database::read turn them into values.
#pragma once

#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/base/result.h"
#include "daemon/base/digest.h"
#include "daemon/base/time.h"

struct sqlite3;
struct sqlite3_stmt;

namespace kasetsu::store {

// A SQLite call that failed. `code` is the extended result code.
class StorageError : public std::exception {
 public:
  StorageError(int code, std::string message) : code_(code), message_(std::move(message)) {}
  int code() const { return code_; }
  const char* what() const noexcept override { return message_.c_str(); }

  // SQLITE_FULL: storage_full. Busy and locked: busy. Constraint and misuse: internal (a bug in a
  // use case). A damaged or foreign file: bad_data. Everything else is storage_failed.
  Error to_error() const;
  // After this nothing that the file system says can be trusted: the service stops writing for
  // good. (A failed fsync marks pages clean; trying again would report success for data that are
  // gone.)
  bool fatal() const;

 private:
  int code_;
  std::string message_;
};

// For what the schema promises of every row: where it does not hold, the file was damaged. Throws
// StorageError.
void require(bool holds, std::string_view what);

// Bytes instead of text.
struct Blob {
  std::string_view bytes;
};

// A prepared statement. Use: bind(...), then step() until false, or run(). Columns are read in
// order from 0.
class Statement {
 public:
  Statement(sqlite3* database, const char* sql);
  ~Statement();
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  // Resets the statement and binds all parameters in order. Texts and blobs must live until the
  // statement is stepped for the last time or reset.
  template <typename... Values>
  Statement& bind(const Values&... values) {
    reset();
    [[maybe_unused]] int index = 0;
    (bind_one(++index, values), ...);
    return *this;
  }

  bool step();  // true: a row is there. After false or a throw the statement is reset.
  void run();   // steps to the end
  void reset();

  std::int64_t integer(int column) const;
  double real(int column) const;
  std::string text(int column) const;
  std::string_view view(int column) const;  // until the next step
  bool null(int column) const;
  std::optional<double> optional_real(int column) const;
  Time time(int column) const;
  Digest digest(int column) const;

 private:
  void bind_one(int index, std::int64_t value);
  void bind_one(int index, int value) { bind_one(index, static_cast<std::int64_t>(value)); }
  void bind_one(int index, std::uint32_t value) {
    bind_one(index, static_cast<std::int64_t>(value));
  }
  void bind_one(int index, bool value) { bind_one(index, static_cast<std::int64_t>(value)); }
  void bind_one(int index, double value);
  void bind_one(int index, std::string_view value);
  void bind_one(int index, const std::string& value) { bind_one(index, std::string_view(value)); }
  void bind_one(int index, const char* value) { bind_one(index, std::string_view(value)); }
  void bind_one(int index, Blob value);
  void bind_one(int index, const Digest& value);
  void bind_one(int index, Time value) { bind_one(index, to_micros(value)); }
  void bind_one(int index, std::nullopt_t);
  template <typename T>
  void bind_one(int index, const std::optional<T>& value) {
    if (value) {
      bind_one(index, *value);
    } else {
      bind_one(index, std::nullopt);
    }
  }
  void check(int code) const;

  sqlite3* database_;
  sqlite3_stmt* statement_ = nullptr;
};

enum class Access {
  write,    // the one writer: creates, checkpoints
  read,     // query_only, never checkpoints
  snapshot  // read-only, for VACUUM INTO (which query_only forbids)
};

class Connection {
 public:
  // Opens and sets what style and safety ask for; every setting is read back. Throws StorageError.
  Connection(const std::string& path, Access access, const std::string& vfs, bool create);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Changes the file: only after it is known to be this program's.
  void turn_on_wal();
  // The cached statement of a literal; `sql` must live as long as the program.
  Statement& prepare(const char* sql);
  void execute(const char* sql);          // one or several statements without parameters
  std::int64_t integer(const char* sql);  // first column of the first row
  std::string text(const char* sql);
  std::int64_t last_row() const;
  std::int64_t changes() const;  // rows of the newest statement
  bool in_transaction() const;
  sqlite3* handle() const { return database_; }

 private:
  void set(const char* pragma, const char* read_back, std::string_view expected);

  sqlite3* database_ = nullptr;
  std::unordered_map<const char*, std::unique_ptr<Statement>> statements_;
};

// A number of a run's conditions, by which replicates are looked for: 0 for "{}", else their FNV-1a
// hash (64 bits) and never 0. Part of the file's format; also a function of that name in SQL.
std::int64_t conditions_hash(std::string_view conditions);

inline constexpr std::int64_t kApplicationId = 0x4B736574;  // "Kset"

}  // namespace kasetsu::store
