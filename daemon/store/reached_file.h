// How far the database has come, noted beside it in `<path>-reached` after every commit. The note
// outlives a kill, and says at the next start whether what was acknowledged is still there: a
// deleted or cut WAL file, an older copy that somebody put in the place of the database, or no
// database at all look like an orderly one otherwise.
#pragma once

#include <cstdint>
#include <string>

#include "core/base/result.h"

namespace kasetsu::store {

inline constexpr const char* kReachedSuffix = "-reached";

// What a database says of itself.
struct Reached {
  std::string timeline;  // 16 hexadecimal digits, another one after a restore; empty: none yet
  std::int64_t event = 0;
};

// bad_data with what to do where files beside `path` say that there was a database, and it is gone.
Status was_none_before(const std::string& path);

class ReachedFile {
 public:
  ReachedFile() = default;
  ~ReachedFile();
  ReachedFile(const ReachedFile&) = delete;
  ReachedFile& operator=(const ReachedFile&) = delete;

  // Compares the note with what the database at `path` holds. Errors: bad_data with what to do
  // where the database is another one, or lacks what was noted. A note that cannot be read says
  // nothing.
  static Status compare(const std::string& path, const Reached& held);
  // Opens the note and writes `now`. Errors: storage_full, storage_failed; without a note the
  // database works as well.
  Status open(const std::string& path, const Reached& now);
  // A call of the system and no sync: after a power cut the note may be older than the database.
  void note(std::int64_t event);

 private:
  int file_ = -1;
  std::string timeline_;
};

}  // namespace kasetsu::store
