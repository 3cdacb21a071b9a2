// A subprocess with its three pipes.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "core/base/result.h"
#include "drivers/supervisor/files.h"
#include "drivers/supervisor/settings.h"

namespace kasetsu::drivers {

class Child {
 public:
  // In a process group of its own, with the limits of the settings, and with nothing of the
  // daemon's environment but what is listed. It is told to end when the daemon dies.
  static Result<Child> start(const ExecSettings& settings, const std::string& folder,
                             const std::vector<std::string>& more_environment);
  ~Child();
  Child(Child&& other) noexcept;
  Child& operator=(Child&&) = delete;

  int input() const { return input_.get(); }  // all three without blocking
  int output() const { return output_.get(); }
  int errors() const { return errors_.get(); }

  // How it ended ("exit code 3", "signal 9"), empty for exit code 0; nothing while it runs.
  std::optional<std::string> ended();
  // SIGTERM to the group, SIGKILL after `patience_s`; waits for its end.
  void end(double patience_s);
  // SIGTERM to what a program that has ended left running in its group.
  void end_what_is_left();

 private:
  Child() = default;
  pid_t process_ = -1;
  std::optional<std::string> how_;
  Handle input_, output_, errors_;
};

}  // namespace kasetsu::drivers
