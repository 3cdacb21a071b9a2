#include "daemon/base/operator_files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>

namespace kasetsu {
namespace {

struct OpenFile {
  int number = -1;
  explicit OpenFile(int opened) : number(opened) {}
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;
  ~OpenFile() {
    if (number >= 0) ::close(number);
  }
};

}  // namespace

bool is_plain_name(std::string_view name) {
  return !name.empty() && name.size() <= 64 && name.front() != '.' &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '-' || c == '_' || c == '.';
         });
}

Result<std::string> read_operator_file(const std::string& folder, std::string_view name,
                                       std::string_view ending, std::size_t largest) {
  const auto failed = [&](ErrorCode code, std::string message, std::string expected = "") {
    return Error{code, std::move(message), "", std::string(name), std::move(expected)};
  };
  if (!is_plain_name(name)) {
    return failed(ErrorCode::bad_data, "this is not a plain name",
                  "letters, digits, -, _ and ., and no folders");
  }
  if (folder.empty()) {
    return failed(ErrorCode::not_found, "the daemon's configuration opens no folder for this file");
  }
  const OpenFile place(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  const std::string file_name = std::string(name) + std::string(ending);
  // Without O_NONBLOCK a pipe without a writer would hold the caller for ever.
  const OpenFile file(place.number < 0 ? -1
                                       : ::openat(place.number, file_name.c_str(),
                                                  O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (file.number < 0) {
    if (errno == ENOENT) return failed(ErrorCode::not_found, "there is no such file");
    if (errno == ELOOP) return failed(ErrorCode::bad_data, "the file is a link");
    return failed(ErrorCode::storage_failed,
                  fmt::format("the file cannot be read: {}", std::strerror(errno)));
  }
  struct stat status {};
  if (::fstat(file.number, &status) != 0 || !S_ISREG(status.st_mode))
    return failed(ErrorCode::bad_data, "this is not a regular file");
  std::string text;
  std::string block(std::size_t{1} << 16, '\0');
  while (text.size() <= largest) {
    const ssize_t got = ::read(file.number, block.data(), block.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) {
      return failed(ErrorCode::storage_failed,
                    fmt::format("the file cannot be read: {}", std::strerror(errno)));
    }
    if (got == 0) return text;
    text.append(block, 0, static_cast<std::size_t>(got));
  }
  return failed(ErrorCode::bad_data, fmt::format("the file is larger than {} bytes", largest));
}

std::vector<std::string> operator_file_names(const std::string& folder, std::string_view ending) {
  std::vector<std::string> names;
  std::error_code error;
  if (folder.empty()) return names;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    if (!std::filesystem::is_regular_file(entry.symlink_status(error))) continue;
    const std::string name = entry.path().filename().string();
    if (!name.ends_with(ending)) continue;
    const std::string plain = name.substr(0, name.size() - ending.size());
    if (is_plain_name(plain)) names.push_back(plain);
  }
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace kasetsu
