// The lock against a second daemon on one database.
#pragma once

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <string_view>

#include "core/base/result.h"

namespace kasetsu::store {

// A file of its own, because closing any descriptor of the
// database itself would drop SQLite's locks.
class LockFile {
 public:
  LockFile() = default;
  ~LockFile() {
    if (file_ >= 0) ::close(file_);
  }
  LockFile(const LockFile&) = delete;
  LockFile& operator=(const LockFile&) = delete;

  Status take(const std::string& database) {
    const std::string path = database + ".lock";
    file_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (file_ < 0) {
      return Error{errno == ENOSPC ? ErrorCode::storage_full : ErrorCode::storage_failed,
                   fmt::format("cannot open the lock file: {}", std::strerror(errno)),
                   path,
                   {},
                   {}};
    }
    if (::flock(file_, LOCK_EX | LOCK_NB) != 0) {
      char text[32] = {};
      const ssize_t size = ::pread(file_, text, sizeof text - 1, 0);
      std::string_view owner(text, size > 0 ? static_cast<std::size_t>(size) : 0);
      while (!owner.empty() && owner.back() == '\n') owner.remove_suffix(1);
      return Error{ErrorCode::conflict,
                   owner.empty()
                       ? std::string("another process uses this database")
                       : fmt::format("the process with pid {} uses this database: is another "
                                     "kasetsud running?",
                                     owner),
                   path,
                   {},
                   {}};
    }
    const std::string pid = fmt::format("{}\n", ::getpid());
    if (::ftruncate(file_, 0) != 0 || ::pwrite(file_, pid.data(), pid.size(), 0) < 0) {
      // The lock holds without the number; only the message of a second daemon is poorer.
    }
    return {};
  }

 private:
  int file_ = -1;
};

}  // namespace kasetsu::store
