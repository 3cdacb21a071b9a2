// Messages that are safe on the disk before anything is done with them.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "core/base/result.h"
#include "drivers/supervisor/files.h"

namespace kasetsu::drivers {

class Spool {
 public:
  struct Item {
    std::string name;  // for remove and refuse
    std::string head;  // what append was given
    std::string body;
  };

  // Makes the folder; what is in it from an earlier life is still there.
  static Result<std::unique_ptr<Spool>> open(const std::string& folder);

  // On the disk when it returns. From any thread. head: one line.
  Status append(std::string_view head, std::string_view body);
  // Names of what waits, oldest first.
  Result<std::vector<std::string>> names() const;
  Result<Item> read(const std::string& name) const;
  Status remove(const std::string& name);
  // Keeps it aside with a reason, for a person to look at.
  Status refuse(const std::string& name, std::string_view reason);

 private:
  explicit Spool(Handle folder, Handle refused);
  Handle folder_, refused_;
  std::mutex mutex_;
  std::int64_t next_ = 0;
};

}  // namespace kasetsu::drivers
