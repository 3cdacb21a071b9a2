#include "daemon/base/data_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <vector>

namespace kasetsu {
namespace {

constexpr std::size_t kLargestFile = std::size_t{256} << 20;

Error failure(ErrorCode code, const std::string& path, std::string message) {
  return {code, std::move(message), path, "", ""};
}

ErrorCode code_of(int number) {
  if (number == ENOENT || number == ENOTDIR) return ErrorCode::not_found;
  if (number == ENOSPC || number == EDQUOT) return ErrorCode::storage_full;
  return ErrorCode::storage_failed;
}

class File {
 public:
  explicit File(int descriptor) : descriptor_(descriptor) {}
  ~File() {
    if (descriptor_ > 2) ::close(descriptor_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  int get() const { return descriptor_; }

 private:
  int descriptor_;
};

// Bytes written, or the error number.
int write_all(int descriptor, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(descriptor, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return errno;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return 0;
}

}  // namespace

Result<std::string> find_data_file(std::string_view relative) {
  namespace fs = std::filesystem;
  std::vector<fs::path> roots;
  if (const char* chosen = std::getenv("KASETSU_DATA_DIR"); chosen != nullptr && *chosen != '\0') {
    roots.emplace_back(chosen);
  } else {
    std::error_code ignored;
    const fs::path program = fs::read_symlink("/proc/self/exe", ignored);
    if (!program.empty()) {
      roots.push_back(program.parent_path().parent_path() / "share" / "kasetsu");
    }
    roots.emplace_back(KASETSU_INSTALLED_DATA_DIR);
    roots.emplace_back(KASETSU_BUILT_DATA_DIR);
  }
  std::string tried;
  for (const fs::path& root : roots) {
    const fs::path path = root / relative;
    std::error_code ignored;
    if (fs::is_regular_file(path, ignored)) return path.string();
    if (!tried.empty()) tried += ", ";
    tried += path.string();
  }
  return Error{ErrorCode::not_found, "a file that comes with the program is missing", "",
               std::string(relative), "it at " + tried + " (or set KASETSU_DATA_DIR)"};
}

Result<std::string> read_file(const std::string& path) {
  const File file(path == "-" ? STDIN_FILENO : ::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) {
    return failure(code_of(errno), path, std::string("cannot be read: ") + std::strerror(errno));
  }
  struct stat status {};
  if (::fstat(file.get(), &status) == 0 && S_ISDIR(status.st_mode)) {
    return failure(ErrorCode::bad_data, path, "is a folder, not a file");
  }
  std::string text;
  std::vector<char> block(std::size_t{1} << 16);
  for (;;) {
    const ssize_t got = ::read(file.get(), block.data(), block.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) {
      return failure(code_of(errno), path, std::string("cannot be read: ") + std::strerror(errno));
    }
    if (got == 0) return text;
    text.append(block.data(), static_cast<std::size_t>(got));
    if (text.size() > kLargestFile) {
      return failure(ErrorCode::bad_data, path, "is larger than 256 MB");
    }
  }
}

Status write_file(const std::string& path, std::string_view text) {
  const auto failed = [&](int number) {
    return failure(code_of(number) == ErrorCode::storage_full ? ErrorCode::storage_full
                                                              : ErrorCode::storage_failed,
                   path, std::string("cannot be written: ") + std::strerror(number));
  };
  if (path == "-") {
    if (const int number = write_all(STDOUT_FILENO, text); number != 0) return failed(number);
    return {};
  }
  // Pipes and devices are written to, not replaced.
  struct stat status {};
  if (::stat(path.c_str(), &status) == 0 && !S_ISREG(status.st_mode)) {
    const File file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
    if (file.get() < 0) return failed(errno);
    if (const int number = write_all(file.get(), text); number != 0) return failed(number);
    return {};
  }
  std::string temporary = path + ".XXXXXX";
  const File file(::mkostemp(temporary.data(), O_CLOEXEC));
  if (file.get() < 0) return failed(errno);
  int number = write_all(file.get(), text);
  const mode_t mask = ::umask(0);
  ::umask(mask);
  if (number == 0 && ::fchmod(file.get(), 0666 & ~mask) != 0) number = errno;
  if (number == 0 && ::fsync(file.get()) != 0) number = errno;
  if (number == 0 && std::rename(temporary.c_str(), path.c_str()) != 0) number = errno;
  if (number != 0) {
    ::unlink(temporary.c_str());
    return failed(number);
  }
  return {};
}

std::vector<std::string> unix_socket_paths() {
  std::vector<std::string> paths{"/run/kasetsud/kasetsud.sock"};
  if (const char* folder = std::getenv("XDG_RUNTIME_DIR"); folder != nullptr && *folder == '/')
    paths.push_back(std::string(folder) + "/kasetsud.sock");
  return paths;
}

std::string default_unix_socket() {
  for (const char* name : {"RUNTIME_DIRECTORY", "XDG_RUNTIME_DIR"}) {
    const char* folder = std::getenv(name);
    if (folder != nullptr && *folder == '/') return std::string(folder) + "/kasetsud.sock";
  }
  return {};
}

}  // namespace kasetsu
