#include "drivers/folder/folder.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <map>
#include <set>
#include <utility>

#include "core/base/text.h"
#include "daemon/base/digest.h"
#include "drivers/folder/formats.h"
#include "drivers/folder/tail.h"
#include "drivers/folder/watch.h"
#include "drivers/supervisor/files.h"

namespace kasetsu::drivers {
namespace {

using Steady = std::chrono::steady_clock;

// What tells a file that still changes from one that stands still.
struct Look {
  ino_t inode = 0;
  off_t size = 0;
  std::int64_t changed = 0;  // nanoseconds
  bool operator==(const Look&) const = default;
};

struct Waiting {
  Look look;
  Steady::time_point since;
};

struct Layout {
  Handle inbox, work, done, quarantine;
};

Error refused(std::string message, std::string expected = {}) {
  return Error{ErrorCode::bad_data, std::move(message), "", "", std::move(expected)};
}

class Folder final : public Driver {
 public:
  Folder(const Settings& settings, const Host& host, Counters& counters)
      : settings_(settings), host_(host), counters_(counters) {}

  Status run(std::stop_token stop) override {
    const auto& folder = settings_.folder;
    if (const Status ready = open_layout(true); !ready) return ready;
    if (const Status made = make_folder(host_.state_folder); !made) return made;
    auto watch = FolderWatch::begin(folder.path + "/inbox", layout_.inbox.get(), folder.polling);
    if (!watch) return watch.error();
    host_.log->info("driver watches name={} path=\"{}\" polling={}", settings_.name, folder.path,
                    watch->polling());
    // What was claimed before the last end is finished first.
    const auto claimed = names_in(layout_.work.get());
    if (!claimed) return claimed.error();
    for (const std::string& name : *claimed) {
      if (is_unfinished(name)) continue;
      if (const Status done = process(name, stop); !done) return done;
      if (stop.stop_requested()) return {};
    }
    std::set<std::string> moved;
    while (!stop.stop_requested()) {
      moved.merge(watch->take_moved());
      if (const Status done = scan(moved, stop); !done) return done;
      const double look_again =
          waiting_.empty() ? folder.scan_s : std::clamp(folder.settle_s / 2.0, 0.02, folder.scan_s);
      if (const Status waited = watch->wait(look_again, stop); !waited) return waited;
    }
    return {};
  }

  Result<Json> dry_run() override {
    if (const Status ready = open_layout(false); !ready) return ready.error();
    const auto names = names_in(layout_.inbox.get());
    if (!names) return names.error();
    Json would = Json::array(), left = Json::array();
    for (const std::string& name : *names) {
      if (is_unfinished(name) || is_sidecar(name)) {
        left.push_back(name);
        continue;
      }
      Json item = {{"name", name}};
      auto text = read(layout_.inbox.get(), name);
      if (!text) {
        item["quarantine"] = text.error().to_string();
      } else {
        campaign::IntakeRequest request = request_for(name, std::move(*text));
        request.dry_run = true;
        const auto receipt = host_.intake.take(std::move(request));
        if (receipt) {
          item["verdicts"] = campaign::receipt_summary(*receipt);
        } else {
          item["quarantine"] = receipt.error().to_string();
        }
      }
      would.push_back(std::move(item));
    }
    Json answer = {{"would_take", std::move(would)}, {"left_alone", std::move(left)}};
    return answer;
  }

 private:
  Status open_layout(bool make) {
    const std::string& path = settings_.folder.path;
    const auto open = [&](const char* name, Handle& handle) -> Status {
      const std::string below = path + "/" + name;
      if (make) {
        if (const Status made = make_folder(below); !made) return made;
      }
      auto opened = open_folder(below);
      if (!opened) return opened.error();
      handle = std::move(*opened);
      return {};
    };
    const std::pair<const char*, Handle*> folders[] = {{"inbox", &layout_.inbox},
                                                       {"work", &layout_.work},
                                                       {"done", &layout_.done},
                                                       {"quarantine", &layout_.quarantine}};
    dev_t device = 0;
    for (const auto& [name, handle] : folders) {
      if (const Status opened = open(name, *handle); !opened) return opened;
      struct stat found {};
      if (::fstat(handle->get(), &found) != 0) return system_error("cannot be looked at", name);
      if (device != 0 && found.st_dev != device) {
        return Error{ErrorCode::invalid_argument,
                     "files are claimed by renaming, which needs one file system", "path",
                     path + "/" + name, "the same file system as inbox/"};
      }
      device = found.st_dev;
    }
    return {};
  }

  static bool is_sidecar(const std::string& name) {
    for (const std::string_view end : {".ok", ".sha256"}) {
      if (name.size() > end.size() && name.ends_with(end)) return true;
    }
    return false;
  }

  bool is_tail(const std::string& name) const {
    return std::any_of(settings_.folder.tail.begin(), settings_.folder.tail.end(),
                       [&](const std::string& pattern) { return matches(pattern, name); });
  }

  Status scan(std::set<std::string>& moved, const std::stop_token& stop) {
    const auto names = names_in(layout_.inbox.get());
    if (!names) return names.error();
    const auto now = Steady::now();
    std::map<std::string, Waiting> waiting;
    for (const std::string& name : *names) {
      if (stop.stop_requested()) return {};
      if (is_unfinished(name) || is_sidecar(name)) continue;
      struct stat found {};
      if (::fstatat(layout_.inbox.get(), name.c_str(), &found, AT_SYMLINK_NOFOLLOW) != 0) continue;
      if (S_ISDIR(found.st_mode)) continue;
      if (is_tail(name)) {
        if (const Status followed = follow(name, stop); !followed) return followed;
        continue;
      }
      const Look look{found.st_ino, found.st_size,
                      found.st_mtim.tv_sec * 1'000'000'000LL + found.st_mtim.tv_nsec};
      const auto before = waiting_.find(name);
      Waiting entry{look, now};
      if (before != waiting_.end() && before->second.look == look) {
        entry.since = before->second.since;
      }
      const std::chrono::duration<double> still = now - entry.since;
      const Checksum sum = checksum(name, *names);
      const bool told = moved.contains(name) || has(*names, name + ".ok") || sum == Checksum::whole;
      const bool comes = sum == Checksum::begun || (found.st_size == 0 && !told);
      const double wanted = comes  ? settings_.folder.stale_s
                            : told ? 0.0
                                   : settings_.folder.settle_s;
      if (still.count() < wanted) {
        waiting[name] = entry;
        continue;
      }
      if (const Status taken = claim(name, *names, stop); !taken) return taken;
    }
    moved.clear();
    waiting_ = std::move(waiting);
    return {};
  }

  // NAME.sha256 is made empty and filled when its program has read the whole file.
  enum class Checksum { none, begun, whole };

  Checksum checksum(const std::string& name, const std::vector<std::string>& names) const {
    constexpr off_t kDigits = 64;
    const std::string sidecar = name + ".sha256";
    if (!has(names, sidecar)) return Checksum::none;
    struct stat found {};
    if (::fstatat(layout_.inbox.get(), sidecar.c_str(), &found, AT_SYMLINK_NOFOLLOW) != 0) {
      return Checksum::none;
    }
    return S_ISREG(found.st_mode) && found.st_size < kDigits ? Checksum::begun : Checksum::whole;
  }

  static bool has(const std::vector<std::string>& names, const std::string& name) {
    return std::binary_search(names.begin(), names.end(), name);
  }

  Status follow(const std::string& name, const std::stop_token& stop) {
    Tail tail(settings_, host_, counters_, header_lines());
    for (;;) {
      const auto more = tail.follow(layout_.inbox.get(), name, stop);
      if (!more) return more.error();
      if (!*more || stop.stop_requested()) return {};
    }
  }

  // Lines of a growing table that belong to its header.
  int header_lines() const { return settings_.profile.empty() ? 1 : settings_.header_lines; }

  Status claim(const std::string& name, const std::vector<std::string>& names,
               const std::stop_token& stop) {
    // The checksum is looked at before the name changes.
    if (has(names, name + ".sha256")) {
      if (const Status same = check_sum(name); !same) {
        if (is_transient(same.error())) return gone_or(same.error());
        auto moved = move_file(layout_.inbox.get(), name, layout_.work.get(), safe_name(name));
        if (!moved) return gone_or(moved.error());
        take_sidecars(name, names, layout_.quarantine.get());
        return put_aside(*moved, same.error(), nullptr);
      }
    }
    const auto claimed = move_file(layout_.inbox.get(), name, layout_.work.get(), safe_name(name));
    if (!claimed) return gone_or(claimed.error());
    take_sidecars(name, names, layout_.done.get());
    return process(*claimed, stop);
  }

  static Status gone_or(const Error& error) {
    if (error.code == ErrorCode::not_found) return {};  // its writer took it back
    return error;
  }

  void take_sidecars(const std::string& name, const std::vector<std::string>& names, int to) {
    for (const std::string_view end : {".ok", ".sha256"}) {
      const std::string sidecar = name + std::string(end);
      if (has(names, sidecar)) {
        (void)move_file(layout_.inbox.get(), sidecar, to, safe_name(sidecar));
      }
    }
  }

  Status check_sum(const std::string& name) const {
    const auto told = read(layout_.inbox.get(), name + ".sha256");
    if (!told) return told.error().in(name + ".sha256");
    const auto text = read(layout_.inbox.get(), name);
    if (!text) return text.error();
    std::string wanted(trim(*told).substr(0, 64));
    for (char& c : wanted) {
      if (c >= 'A' && c <= 'F') c = static_cast<char>(c - 'A' + 'a');
    }
    const std::string found = sha256(*text).hex();
    if (found == wanted) return {};
    return Error{ErrorCode::bad_data, "the file is not the one that its checksum was made of", "",
                 found, wanted};
  }

  Result<std::string> read(int folder, const std::string& name) const {
    const Handle file(
        ::openat(folder, name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    if (!file) {
      if (errno == ELOOP) {
        return refused("a symbolic link, which is never followed", "the file itself");
      }
      if (errno == EACCES || errno == EPERM) {
        return refused("the daemon's user may not read the file", "a file that it may read");
      }
      return system_error("the file cannot be opened", name);
    }
    struct stat found {};
    if (::fstat(file.get(), &found) != 0) return system_error("the file cannot be read", name);
    if (!S_ISREG(found.st_mode)) return refused("not a file", "a regular file");
    if (found.st_nlink > 1) {
      return refused("a hard link: the file has another name elsewhere", "a copy of the file");
    }
    if (found.st_size == 0) {
      return refused("the file is empty (0 bytes)", "a file that was written to its end");
    }
    const double most = settings_.folder.max_MiB * 1024.0 * 1024.0;
    if (static_cast<double>(found.st_size) > most) {
      return refused(fmt::format("the file has {:.0f} MiB",
                                 static_cast<double>(found.st_size) / 1024.0 / 1024.0),
                     fmt::format("at most {:.0f} MiB (key max_MiB)", settings_.folder.max_MiB));
    }
    return read_all(file.get(), static_cast<std::size_t>(most));
  }

  campaign::IntakeRequest request_for(const std::string& name, std::string text) const {
    campaign::IntakeRequest request = request_of(settings_, std::move(text), format_of(name));
    request.options.file_name = name;
    request.options.quarantine_unreadable = true;
    return request;
  }

  // One claimed file, from work/ to done/ or quarantine/.
  Status process(const std::string& name, const std::stop_token& stop) {
    auto text = read(layout_.work.get(), name);
    if (!text) {
      if (is_transient(text.error())) return gone_or(text.error());
      counters_.dropped += 1;
      return put_aside(name, text.error(), nullptr);
    }
    const auto receipt = deliver(host_, counters_, request_for(name, std::move(*text)), stop);
    if (!receipt) {
      if (is_transient(receipt.error())) return receipt.error().in(name);
      counters_.dropped += 1;
      return put_aside(name, receipt.error(), nullptr);
    }
    const auto wrong = std::count_if(receipt->rows.begin(), receipt->rows.end(), [](const auto& r) {
      return r.verdict == campaign::Verdict::quarantined;
    });
    if (wrong > 0) {
      const auto first =
          std::find_if(receipt->rows.begin(), receipt->rows.end(),
                       [](const auto& r) { return r.verdict == campaign::Verdict::quarantined; });
      const Error why =
          refused(receipt->rows.size() == 1
                      ? first->reason
                      : fmt::format("{} of {} rows are in quarantine, the first because: {}", wrong,
                                    receipt->rows.size(), first->reason));
      return put_aside(name, why, &*receipt);
    }
    return put_away(name);
  }

  Status put_away(const std::string& name) {
    const std::string date = format_time(host_.clock());  // 2026-03-01T...
    Handle folder(::openat(layout_.done.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    for (const std::string& part : {date.substr(0, 4), date.substr(5, 2)}) {
      if (::mkdirat(folder.get(), part.c_str(), 0700) != 0 && errno != EEXIST) {
        return system_error("the folder cannot be made", part);
      }
      Handle below(
          ::openat(folder.get(), part.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
      if (!below) return system_error("the folder cannot be opened", part);
      folder = std::move(below);
    }
    const auto moved = move_file(layout_.work.get(), name, folder.get(), name);
    return moved ? Status() : Status(moved.error());
  }

  // The file with its reason beside it. A crash between the two leaves a file without one, never a
  // file twice.
  Status put_aside(const std::string& name, const Error& why,
                   const campaign::IngestReceipt* receipt) {
    Json reason = {{"file", name},
                   {"driver", settings_.name},
                   {"reason", why.to_string()},
                   {"at", format_time(host_.clock())}};
    if (receipt != nullptr) reason["delivery"] = campaign::receipt_summary(*receipt);
    const auto moved = move_file(layout_.work.get(), name, layout_.quarantine.get(), name);
    if (!moved) return moved.error();
    host_.log->warn("driver put aside name={} file=\"{}\" reason=\"{}\"", settings_.name, *moved,
                    why.to_string());
    return write_durably(layout_.quarantine.get(), *moved + ".reason.json",
                         reason.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
  }

  const Settings settings_;
  const Host host_;
  Counters& counters_;
  Layout layout_;
  std::map<std::string, Waiting> waiting_;
};

}  // namespace

std::unique_ptr<Driver> make_folder_driver(const Settings& settings, const Host& host,
                                           Counters& counters) {
  return std::make_unique<Folder>(settings, host, counters);
}

}  // namespace kasetsu::drivers
