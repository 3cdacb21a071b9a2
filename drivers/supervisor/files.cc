#include "drivers/supervisor/files.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

namespace kasetsu::drivers {

Handle::~Handle() {
  if (number_ >= 0) ::close(number_);
}

Handle& Handle::operator=(Handle&& other) noexcept {
  if (this != &other) {
    if (number_ >= 0) ::close(number_);
    number_ = other.number_;
    other.number_ = -1;
  }
  return *this;
}

Error system_error(std::string message, const std::string& path) {
  const int code = errno;
  const bool full = code == ENOSPC || code == EDQUOT;
  return Error{code == ENOENT ? ErrorCode::not_found
               : full         ? ErrorCode::storage_full
                              : ErrorCode::storage_failed,
               fmt::format("{}: {}", message, std::strerror(code)), "", path, ""};
}

Status make_folder(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (!error) return {};
  return Error{ErrorCode::storage_failed, "the folder cannot be made", "", path, error.message()};
}

Result<Handle> open_folder(const std::string& path) {
  Handle folder(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!folder) return system_error("the folder cannot be opened", path);
  return folder;
}

Status sync_folder(int folder) {
  // Some network file systems know no sync of a folder.
  if (::fsync(folder) == 0 || errno == EINVAL || errno == ENOTSUP) return {};
  return system_error("the folder cannot be synced", "");
}

Status write_durably(int folder, const std::string& name, std::string_view text) {
  const std::string beside = "." + name + ".part";
  {
    Handle file(::openat(folder, beside.c_str(),
                         O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!file) return system_error("the file cannot be made", beside);
    while (!text.empty()) {
      const auto written = ::write(file.get(), text.data(), text.size());
      if (written < 0 && errno == EINTR) continue;
      if (written <= 0) return system_error("the file cannot be written", beside);
      text.remove_prefix(static_cast<std::size_t>(written));
    }
    if (::fsync(file.get()) != 0) return system_error("the file cannot be synced", beside);
  }
  if (::renameat(folder, beside.c_str(), folder, name.c_str()) != 0) {
    return system_error("the file cannot be renamed", name);
  }
  return sync_folder(folder);
}

Result<std::string> read_all(int file, std::size_t most) {
  std::string text;
  std::array<char, 256 * 1024> buffer;
  for (;;) {
    const auto got = ::read(file, buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return system_error("the file cannot be read", "");
    if (got == 0) return text;
    text.append(buffer.data(), static_cast<std::size_t>(got));
    if (text.size() > most) {
      return Error{ErrorCode::bad_data, "the file is larger than it may be", "", "",
                   fmt::format("at most {} bytes", most)};
    }
  }
}

Result<std::vector<std::string>> names_in(int folder) {
  const int copy = ::openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (copy < 0) return system_error("the folder cannot be read", "");
  DIR* stream = ::fdopendir(copy);
  if (stream == nullptr) {
    ::close(copy);
    return system_error("the folder cannot be read", "");
  }
  std::vector<std::string> names;
  while (const dirent* entry = ::readdir(stream)) {
    const std::string name = entry->d_name;
    if (name != "." && name != "..") names.push_back(name);
  }
  ::closedir(stream);
  std::sort(names.begin(), names.end());
  return names;
}

Result<std::string> move_file(int from, const std::string& name, int to,
                              const std::string& wanted) {
  const auto dot = wanted.rfind('.');
  const bool ending = dot != std::string::npos && dot > 0;
  for (int number = 1; number < 10'000; ++number) {
    std::string target = wanted;
    if (number > 1) {
      target = ending ? fmt::format("{}.{}{}", wanted.substr(0, dot), number, wanted.substr(dot))
                      : fmt::format("{}.{}", wanted, number);
    }
    int moved = ::renameat2(from, name.c_str(), to, target.c_str(), RENAME_NOREPLACE);
    if (moved != 0 && errno == EINVAL) {
      // A file system without that flag: nobody else writes into the target folder.
      struct stat found {};
      if (::fstatat(to, target.c_str(), &found, AT_SYMLINK_NOFOLLOW) == 0) continue;
      moved = ::renameat(from, name.c_str(), to, target.c_str());
    }
    if (moved == 0) {
      for (const int folder : {from, to}) {
        if (const Status synced = sync_folder(folder); !synced) return synced.error();
      }
      return target;
    }
    if (errno != EEXIST) return system_error("the file cannot be moved", name);
  }
  return Error{ErrorCode::storage_failed, "too many files of one name", "", wanted, ""};
}

std::string safe_name(std::string_view name) {
  std::string safe;
  for (const char c : name) {
    const bool bad = static_cast<unsigned char>(c) < 0x20 || c == '/' || c == 0x7F;
    safe.push_back(bad ? '_' : c);
  }
  while (safe.starts_with('.')) safe.erase(0, 1);
  if (safe.size() > 200) {
    safe.erase(0, safe.size() - 200);
    // Not within a character of several bytes.
    while (!safe.empty() && (static_cast<unsigned char>(safe[0]) & 0xC0) == 0x80) safe.erase(0, 1);
  }
  return safe.empty() ? "file" : safe;
}

}  // namespace kasetsu::drivers
