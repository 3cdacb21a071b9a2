#include "daemon/store/reached_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cinttypes>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <optional>

namespace kasetsu::store {
namespace {

std::string text_of(const Reached& reached) {
  return fmt::format("timeline {}\nevent {:020}\n", reached.timeline, reached.event);
}

std::optional<Reached> read_note(const std::string& path) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (file < 0) return {};
  char text[128] = {};
  const ssize_t size = ::pread(file, text, sizeof text - 1, 0);
  ::close(file);
  char timeline[17] = {};
  Reached noted;
  if (size <= 0 ||
      std::sscanf(text, "timeline %16[0-9a-f]\nevent %" SCNd64, timeline, &noted.event) != 2) {
    return {};
  }
  noted.timeline = timeline;
  return noted;
}

Error missing(const std::string& message, const std::string& path, const std::string& note) {
  return Error{ErrorCode::bad_data, message, path, "",
               fmt::format("the files as the daemon left them, or a backup (kasetsu restore); to "
                           "begin with what is there, remove {}",
                           note)};
}

}  // namespace

Status was_none_before(const std::string& path) {
  std::error_code ignored;
  for (const char* suffix : {kReachedSuffix, "-wal", ".restored"}) {
    const std::string left = path + suffix;
    if (!std::filesystem::exists(left, ignored)) continue;
    return missing("there was a database here, and it is gone", path, left);
  }
  return {};
}

ReachedFile::~ReachedFile() {
  if (file_ >= 0) ::close(file_);
}

Status ReachedFile::compare(const std::string& path, const Reached& held) {
  const std::string note = path + kReachedSuffix;
  const std::optional<Reached> noted = read_note(note);
  if (!noted) return {};
  const bool same = noted->timeline == held.timeline;
  if (noted->event > held.event && (same || held.timeline.empty())) {
    return missing(
        fmt::format("the database ends at event {}, and event {} was committed: its -wal "
                    "file was deleted or cut, or an older copy was put here",
                    held.event, noted->event),
        path, note);
  }
  if (!same) return missing("this is not the database that was here before", path, note);
  return {};
}

Status ReachedFile::open(const std::string& path, const Reached& now) {
  const std::string note = path + kReachedSuffix;
  file_ = ::open(note.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  timeline_ = now.timeline;
  const std::string text = text_of(now);
  const bool written =
      file_ >= 0 && ::pwrite(file_, text.data(), text.size(), 0) == std::ssize(text);
  if (written) return {};
  const int number = errno;
  return Error{number == ENOSPC ? ErrorCode::storage_full : ErrorCode::storage_failed,
               fmt::format("how far the database comes cannot be noted: {}", std::strerror(number)),
               note,
               {},
               {}};
}

void ReachedFile::note(std::int64_t event) {
  if (file_ < 0) return;
  const std::string text = text_of({timeline_, event});
  // One that fails leaves the note older than the database, as a power cut does.
  [[maybe_unused]] const ssize_t written = ::pwrite(file_, text.data(), text.size(), 0);
}

}  // namespace kasetsu::store
