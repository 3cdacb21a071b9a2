#include "drivers/folder/watch.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <utility>

namespace kasetsu::drivers {
namespace {

// From linux/magic.h and the file systems' own sources: mounts on which other machines write.
constexpr std::array<std::uint32_t, 8> kNetwork = {
    0x6969,      // NFS
    0x517B,      // SMB
    0xFF534D42,  // CIFS
    0xFE534D42,  // SMB 2
    0x65735546,  // FUSE: sshfs and others
    0x01021997,  // 9P
    0x5346414F,  // AFS
    0x00C36400,  // Ceph
};

}  // namespace

Result<FolderWatch> FolderWatch::begin(const std::string& path, int folder, bool polling) {
  FolderWatch watch;
  watch.wake_ = Handle(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
  if (!watch.wake_) return system_error("no event descriptor", path);
  struct statfs system {};
  const bool network = ::fstatfs(folder, &system) != 0 ||
                       std::find(kNetwork.begin(), kNetwork.end(),
                                 static_cast<std::uint32_t>(system.f_type)) != kNetwork.end();
  if (polling || network) return watch;
  Handle kernel(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
  // Without watches left (a limit of the machine) looking now and then serves as well.
  if (kernel && ::inotify_add_watch(kernel.get(), path.c_str(),
                                    IN_CLOSE_WRITE | IN_MOVED_TO | IN_ONLYDIR) >= 0) {
    watch.kernel_ = std::move(kernel);
  }
  return watch;
}

Status FolderWatch::wait(double seconds, const std::stop_token& stop) {
  const std::stop_callback wake(stop, [this] {
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto written = ::write(wake_.get(), &one, sizeof one);
  });
  std::array<pollfd, 2> ready = {pollfd{wake_.get(), POLLIN, 0}, pollfd{kernel_.get(), POLLIN, 0}};
  const int count = ::poll(ready.data(), kernel_ ? 2 : 1, static_cast<int>(seconds * 1e3) + 1);
  if (count < 0 && errno != EINTR) return system_error("waiting failed", "");
  if (count <= 0 || !kernel_ || (ready[1].revents & POLLIN) == 0) return {};
  alignas(inotify_event) std::array<char, 64 * 1024> buffer;
  for (;;) {
    const auto got = ::read(kernel_.get(), buffer.data(), buffer.size());
    if (got <= 0) return {};
    for (std::ptrdiff_t at = 0; at < got;) {
      const auto* event = reinterpret_cast<const inotify_event*>(buffer.data() + at);
      // An overflow has no name; the caller looks through the whole folder after every wait.
      if ((event->mask & IN_MOVED_TO) != 0 && event->len > 0) moved_.insert(event->name);
      at += static_cast<std::ptrdiff_t>(sizeof(inotify_event) + event->len);
    }
  }
}

std::set<std::string> FolderWatch::take_moved() {
  return std::exchange(moved_, {});
}

}  // namespace kasetsu::drivers
