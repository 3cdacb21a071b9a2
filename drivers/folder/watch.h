// Waiting for something to happen in a folder.
#pragma once

#include <set>
#include <stop_token>
#include <string>

#include "core/base/result.h"
#include "drivers/supervisor/files.h"

namespace kasetsu::drivers {

class FolderWatch {
 public:
  // polling: never ask the kernel. It is not asked on network file systems either, which tell
  // nothing of what other machines write.
  static Result<FolderWatch> begin(const std::string& path, int folder, bool polling);

  // Waits for an event, the end of `seconds`, or `stop`.
  Status wait(double seconds, const std::stop_token& stop);
  // Names that were moved into the folder since the last call: complete, whoever wrote them.
  std::set<std::string> take_moved();
  bool polling() const { return !kernel_; }

 private:
  Handle kernel_;
  Handle wake_;
  std::set<std::string> moved_;
};

}  // namespace kasetsu::drivers
