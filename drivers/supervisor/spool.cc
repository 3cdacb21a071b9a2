#include "drivers/supervisor/spool.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

#include "core/base/text.h"

namespace kasetsu::drivers {
namespace {

constexpr std::string_view kEnd = ".message";
constexpr std::size_t kLargest = 256U << 20;

}  // namespace

Spool::Spool(Handle folder, Handle refused)
    : folder_(std::move(folder)), refused_(std::move(refused)) {
}

Result<std::unique_ptr<Spool>> Spool::open(const std::string& folder) {
  if (const Status made = make_folder(folder + "/refused"); !made) return made.error();
  auto opened = open_folder(folder);
  if (!opened) return opened.error();
  auto refused = open_folder(folder + "/refused");
  if (!refused) return refused.error();
  std::unique_ptr<Spool> spool(new Spool(std::move(*opened), std::move(*refused)));
  const auto waiting = spool->names();
  if (!waiting) return waiting.error();
  if (!waiting->empty()) {
    const auto last = parse_number(std::string_view(waiting->back()).substr(0, 16));
    spool->next_ = static_cast<std::int64_t>(last.value_or(0.0)) + 1;
  }
  return spool;
}

Status Spool::append(std::string_view head, std::string_view body) {
  const std::scoped_lock lock(mutex_);
  const std::string name = fmt::format("{:016}{}", next_, kEnd);
  std::string text;
  text.reserve(head.size() + body.size() + 1);
  text += head;
  text += '\n';
  text += body;
  if (const Status written = write_durably(folder_.get(), name, text); !written) return written;
  ++next_;
  return {};
}

Result<std::vector<std::string>> Spool::names() const {
  auto names = names_in(folder_.get());
  if (!names) return names.error();
  std::erase_if(*names, [](const std::string& name) {
    return !name.ends_with(kEnd) || name.starts_with('.');
  });
  return names;
}

Result<Spool::Item> Spool::read(const std::string& name) const {
  const Handle file(::openat(folder_.get(), name.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
  if (!file) return system_error("the message cannot be opened", name);
  auto text = read_all(file.get(), kLargest);
  if (!text) return text.error();
  const auto end = std::min(text->find('\n'), text->size());
  Item item;
  item.name = name;
  item.head = text->substr(0, end);
  if (end < text->size()) item.body = text->substr(end + 1);
  return item;
}

Status Spool::remove(const std::string& name) {
  if (::unlinkat(folder_.get(), name.c_str(), 0) != 0) {
    return system_error("the message cannot be removed", name);
  }
  return sync_folder(folder_.get());
}

Status Spool::refuse(const std::string& name, std::string_view reason) {
  const auto moved = move_file(folder_.get(), name, refused_.get(), name);
  if (!moved) return moved.error();
  return write_durably(refused_.get(), *moved + ".reason", reason);
}

}  // namespace kasetsu::drivers
