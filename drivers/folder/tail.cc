#include "drivers/folder/tail.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>

#include "daemon/base/digest.h"
#include "drivers/folder/formats.h"
#include "drivers/supervisor/files.h"

namespace kasetsu::drivers {
namespace {

constexpr std::int64_t kHead = 256;
constexpr std::int64_t kStretch = 4 << 20;

struct Place {
  std::uint64_t inode = 0;
  std::int64_t head_bytes = 0;
  std::string head;         // digest of the first head_bytes
  std::int64_t offset = 0;  // delivered up to here
  std::int64_t until = 0;   // a stretch up to here is being delivered; offset: none
};

Result<std::string> read_at(int file, std::int64_t from, std::int64_t count) {
  std::string text(static_cast<std::size_t>(count), '\0');
  std::size_t have = 0;
  while (have < text.size()) {
    const auto got = ::pread(file, text.data() + have, text.size() - have,
                             static_cast<off_t>(from + static_cast<std::int64_t>(have)));
    if (got < 0) return system_error("the file cannot be read", "");
    if (got == 0) break;
    have += static_cast<std::size_t>(got);
  }
  text.resize(have);
  return text;
}

Place read_place(int state, const std::string& name) {
  Place place;
  const Handle file(::openat(state, name.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
  if (!file) return place;
  const auto text = read_all(file.get(), 4'096);
  if (!text) return place;
  const auto json = parse_json(*text);
  if (!json || !json->is_object()) return place;
  place.inode = json->value("inode", std::uint64_t{0});
  place.head_bytes = json->value("head_bytes", std::int64_t{0});
  place.head = json->value("head", std::string());
  place.offset = json->value("offset", std::int64_t{0});
  place.until = json->value("until", std::int64_t{0});
  return place;
}

Status write_place(int state, const std::string& name, const Place& place) {
  const Json json = {{"inode", place.inode},
                     {"head_bytes", place.head_bytes},
                     {"head", place.head},
                     {"offset", place.offset},
                     {"until", place.until}};
  return write_durably(state, name, dump_json(json));
}

}  // namespace

Result<bool> Tail::follow(int inbox, const std::string& name, const std::stop_token& stop) {
  const Handle file(::openat(inbox, name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!file) return false;  // gone, or a link
  struct stat found {};
  if (::fstat(file.get(), &found) != 0 || !S_ISREG(found.st_mode) || found.st_size == 0) {
    return false;
  }
  auto state = open_folder(host_.state_folder);
  if (!state) return state.error();
  const std::string kept = "tail-" + sha256(name).hex().substr(0, 16) + ".json";
  Place place = read_place(state->get(), kept);
  const auto size = static_cast<std::int64_t>(found.st_size);
  bool same = place.inode == found.st_ino && size >= place.offset && place.head_bytes > 0;
  if (same) {
    const auto head = read_at(file.get(), 0, place.head_bytes);
    if (!head) return head.error();
    same = sha256(*head).hex() == place.head;
  }
  if (!same) {
    const auto head = read_at(file.get(), 0, std::min(kHead, size));
    if (!head) return head.error();
    place = Place{};
    place.inode = found.st_ino;
    place.head_bytes = static_cast<std::int64_t>(head->size());
    place.head = sha256(*head).hex();
  }

  const campaign::DeliveryFormat format = format_of(name);
  const bool table = format == campaign::DeliveryFormat::csv;
  std::string header;
  std::int64_t begin = place.offset;
  if (table) {
    const auto start = read_at(file.get(), 0, std::min<std::int64_t>(size, 64 << 10));
    if (!start) return start.error();
    std::size_t end = 0;
    for (int line = 0; line < header_lines_; ++line) {
      const auto next = start->find('\n', end);
      if (next == std::string::npos) return false;  // the header is not complete yet
      end = next + 1;
    }
    header = start->substr(0, end);
    begin = std::max(begin, static_cast<std::int64_t>(end));
  }
  std::int64_t end = place.until > place.offset ? std::min(place.until, size) : 0;
  if (end == 0) {
    const auto text = read_at(file.get(), begin, std::min(size - begin, kStretch));
    if (!text) return text.error();
    const auto last = text->rfind('\n');
    if (last == std::string::npos) return false;
    end = begin + static_cast<std::int64_t>(last) + 1;
    place.until = end;
    if (const Status written = write_place(state->get(), kept, place); !written) {
      return written.error();
    }
  }
  auto stretch = read_at(file.get(), begin, end - begin);
  if (!stretch) return stretch.error();
  campaign::IntakeRequest request = request_of(settings_, header + *stretch, format);
  // With the bytes themselves: other files may begin alike. After a crash the same stretch is read.
  request.options.idempotency_key =
      fmt::format("tail {} {}-{} {}", place.head.substr(0, 32), place.offset, end,
                  sha256(*stretch).hex().substr(0, 16));
  request.options.file_name = safe_name(name);
  request.options.quarantine_unreadable = true;
  const auto receipt = deliver(host_, counters_, request, stop);
  if (!receipt) {
    if (is_transient(receipt.error())) return receipt.error();
    counters_.dropped += 1;
    host_.log->error("driver refused name={} file=\"{}\" bytes={}-{} error=\"{}\"", settings_.name,
                     safe_name(name), place.offset, end, receipt.error().to_string());
  }
  place.offset = end;
  place.until = end;
  if (const Status written = write_place(state->get(), kept, place); !written) {
    return written.error();
  }
  return true;
}

}  // namespace kasetsu::drivers
