// Files that survive a loss of power: what is here returns after the disk has it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"

namespace kasetsu::drivers {

// A file descriptor that is closed.
class Handle {
 public:
  explicit Handle(int number = -1) : number_(number) {}
  ~Handle();
  Handle(Handle&& other) noexcept : number_(other.number_) { other.number_ = -1; }
  Handle& operator=(Handle&& other) noexcept;
  int get() const { return number_; }
  explicit operator bool() const { return number_ >= 0; }

 private:
  int number_;
};

// storage_full or storage_failed with the system's reason.
Error system_error(std::string message, const std::string& path);

// Makes the folder and those above it, for this user alone.
Status make_folder(const std::string& path);
// Opens a folder, not through a symbolic link at its end.
Result<Handle> open_folder(const std::string& path);
Status sync_folder(int folder);
// Writes beside the file, syncs, renames, syncs the folder.
Status write_durably(int folder, const std::string& name, std::string_view text);
Result<std::string> read_all(int file, std::size_t most);
// Names in a folder, sorted, without . and ..
Result<std::vector<std::string>> names_in(int folder);
// Moves without ever replacing: a taken name gets a number before its ending. Returns the name that
// it got. Both folders are synced. storage_failed; not_found when it is gone.
Result<std::string> move_file(int from, const std::string& name, int to, const std::string& wanted);
// A file's name with what is dangerous in one left out; never empty, at most 200 bytes.
std::string safe_name(std::string_view name);

}  // namespace kasetsu::drivers
