// Indexes that are written late. Delivered bytes are looked for by their digest, and named runs by
// their name: in a plain SQL index each new row of these changes a page somewhere, and that page
// goes through the WAL, a sync and a checkpoint. Here rows are found by a number; the newest ones
// are kept in memory, and their numbers are written to a table (schema/0004_late_indexes.sql) many
// at a time, in ascending order, so that one page takes several. What is in memory only is read
// again from the rows themselves when the database is opened, and after a rollback.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "daemon/base/digest.h"
#include "daemon/store/sqlite.h"

namespace kasetsu::store {

// They are part of the file's format, the first two functions of these names in SQL. Different rows
// may have one number: who finds a row must look whether it is the one.
//
// The digest's first eight bytes, the first one highest.
std::int64_t content_number(const Digest& sha256);
// The upper half is a hash of campaign, source and run (FNV-1a, folded to 32 bits). Rows of one run
// that are counted by a sequence lie beside one another: the lower half is twelve bits of a hash of
// channel and replicate, then the sequence's lowest twenty; without sequence, 32 bits of that hash.
// Nothing for a row without a name (campaign::has_name).
std::optional<std::int64_t> run_number(std::int64_t campaign, std::string_view source,
                                       std::string_view run, std::string_view channel,
                                       std::optional<std::int64_t> sequence,
                                       std::optional<std::int64_t> replicate);
// The lowest number that a row of this run can have: its upper half, and zeros.
std::int64_t lowest_run_number(std::int64_t campaign, std::string_view source,
                               std::string_view run);

// The statements of one such index; all literals.
struct LateIndexTable {
  const char* upto;         // the row up to which the table is complete
  const char* rows_after;   // number and row of those after ?1, ascending; number NULL: not indexed
  const char* find;         // rows of number ?1
  const char* any_between;  // whether there is a number from ?1 to ?2; null: nobody asks
  const char* insert;       // (?1 number, ?2 row), nothing when it is there
  const char* complete;     // sets upto to ?1
};
extern const LateIndexTable kContentNumbers;
extern const LateIndexTable kRunNumbers;

// Belongs to the writer. Throws StorageError.
class LateIndex {
 public:
  // batch: that many rows in memory begin to be written.
  LateIndex(Connection& connection, const LateIndexTable& table, std::size_t batch)
      : connection_(connection), table_(table), batch_(batch) {}

  // Rows of this number, the newest first.
  std::vector<std::int64_t> find(std::int64_t number);
  // Whether there is any row whose number has this upper half.
  bool any_like(std::int64_t number);
  // After the row was inserted. Rows come in ascending order; those that are not looked for have no
  // number.
  void add(std::int64_t row, std::optional<std::int64_t> number);

  // Before COMMIT of a transaction: writes some more of what is in memory, in proportion to what
  // was added.
  void write_some();
  void committed();  // after COMMIT
  void forget();     // after a rollback, of the transaction or of a savepoint

 private:
  struct Entry {
    std::int64_t number, row;
  };

  void load();
  void remember(Entry entry);
  void drop(Entry entry);

  Connection& connection_;
  const LateIndexTable& table_;
  std::size_t batch_;
  bool loaded_ = false;    // what was committed and is not in the table is in memory
  bool complete_ = false;  // and what this transaction inserted
  // All that may not be in the table, by number; and how many there are of each upper half.
  std::unordered_multimap<std::int64_t, std::int64_t> waiting_;
  std::unordered_map<std::int64_t, std::size_t> halves_;
  // In the order of rows. From fresh_committed_ on they are of this transaction.
  std::vector<Entry> fresh_;
  std::size_t fresh_committed_ = 0;
  std::int64_t newest_ = 0, newest_committed_ = 0;
  // Ascending, all committed, being written: up to written_, and up to written_committed_ for good.
  std::vector<Entry> sorted_;
  std::size_t written_ = 0, written_committed_ = 0;
  std::int64_t upto_ = 0;         // of the table, committed
  std::int64_t sorted_upto_ = 0;  // when all of sorted_ is written; above upto_ until then
  bool all_written_ = false;      // in this transaction
};

}  // namespace kasetsu::store
