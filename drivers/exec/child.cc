#include "drivers/exec/child.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <thread>
#include <utility>

namespace kasetsu::drivers {
namespace {

// Everything that the child needs between fork and exec, where nothing may be allocated.
struct Plan {
  std::string program;
  std::vector<std::string> arguments, environment;
  std::vector<char*> argv, envp;
  std::string folder;
  uid_t user = 0;
  gid_t group = 0;
  bool other_user = false;
  rlim_t memory = RLIM_INFINITY, cpu = RLIM_INFINITY, files = 256;
};

Result<std::string> find_program(const std::string& name) {
  if (name.find('/') != std::string::npos) return name;
  for (const char* folder : {"/usr/local/bin", "/usr/bin", "/bin"}) {
    std::string path = std::string(folder) + "/" + name;
    if (::access(path.c_str(), X_OK) == 0) return path;
  }
  return Error{ErrorCode::not_found, "there is no such program", "command", name,
               "a path, or a program of /usr/local/bin, /usr/bin or /bin"};
}

Result<Plan> make_plan(const ExecSettings& settings, const std::string& folder,
                       const std::vector<std::string>& more_environment) {
  Plan plan;
  auto program = find_program(settings.command.at(0));
  if (!program) return program.error();
  plan.program = std::move(*program);
  plan.arguments = settings.command;
  plan.environment = {"PATH=/usr/local/bin:/usr/bin:/bin", "HOME=" + folder, "LANG=C.UTF-8",
                      "PYTHONUNBUFFERED=1"};
  for (const auto& [name, value] : settings.environment) {
    plan.environment.push_back(name + "=" + value);
  }
  plan.environment.insert(plan.environment.end(), more_environment.begin(), more_environment.end());
  plan.folder = folder;
  if (!settings.user.empty()) {
    passwd record{};
    passwd* found = nullptr;
    std::vector<char> buffer(16 * 1024);
    if (::getpwnam_r(settings.user.c_str(), &record, buffer.data(), buffer.size(), &found) != 0 ||
        found == nullptr) {
      return Error{ErrorCode::invalid_argument, "there is no such user", "user", settings.user, ""};
    }
    plan.user = found->pw_uid;
    plan.group = found->pw_gid;
    plan.other_user = plan.user != ::geteuid();
    if (plan.other_user && ::geteuid() != 0) {
      return Error{ErrorCode::invalid_argument, "only root can start a program as another user",
                   "user", settings.user, "the daemon's own user, or none"};
    }
  }
  const auto limit = [](double value) { return static_cast<rlim_t>(std::llround(value)); };
  if (settings.memory_MiB > 0.0) plan.memory = limit(settings.memory_MiB * 1024.0 * 1024.0);
  if (settings.cpu_s > 0.0) plan.cpu = limit(std::ceil(settings.cpu_s));
  plan.files = static_cast<rlim_t>(settings.files);
  for (std::string& text : plan.arguments) plan.argv.push_back(text.data());
  for (std::string& text : plan.environment) plan.envp.push_back(text.data());
  plan.argv.push_back(nullptr);
  plan.envp.push_back(nullptr);
  return plan;
}

// Between fork and exec: system calls only. Ends with the reason in the exit code's place.
[[noreturn]] void become(const Plan& plan, int input, int output, int errors, int report,
                         pid_t parent) {
  const auto fail = [report] {
    const int code = errno;
    [[maybe_unused]] const auto written = ::write(report, &code, sizeof code);
    ::_exit(127);
  };
  const auto limit = [&](int which, rlim_t value) {
    const rlimit both{value, value};
    if (::setrlimit(static_cast<__rlimit_resource_t>(which), &both) != 0) fail();
  };
  ::setpgid(0, 0);
  if (::dup2(input, 0) < 0 || ::dup2(output, 1) < 0 || ::dup2(errors, 2) < 0) fail();
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::signal(SIGPIPE, SIG_DFL);
  limit(RLIMIT_CORE, 0);
  limit(RLIMIT_AS, plan.memory);
  limit(RLIMIT_CPU, plan.cpu);
  limit(RLIMIT_NOFILE, plan.files);
  if (plan.other_user &&
      (::setgroups(0, nullptr) != 0 || ::setgid(plan.group) != 0 || ::setuid(plan.user) != 0)) {
    fail();
  }
  // After the change of users, which the kernel lets cancel this.
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (::getppid() != parent) ::_exit(127);  // the daemon died in between
  if (::chdir(plan.folder.c_str()) != 0) fail();
  ::execve(plan.program.c_str(), plan.argv.data(), plan.envp.data());
  fail();
  ::_exit(127);
}

struct Pipe {
  Handle read, write;
};

Result<Pipe> make_pipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return system_error("no pipe", "");
  return Pipe{Handle(ends[0]), Handle(ends[1])};
}

void unblock(const Handle& handle) {
  ::fcntl(handle.get(), F_SETFL, ::fcntl(handle.get(), F_GETFL) | O_NONBLOCK);
}

}  // namespace

Child::Child(Child&& other) noexcept
    : process_(std::exchange(other.process_, -1)),
      how_(std::move(other.how_)),
      input_(std::move(other.input_)),
      output_(std::move(other.output_)),
      errors_(std::move(other.errors_)) {
}

Child::~Child() {
  if (process_ > 0 && !how_) end(0.0);
}

Result<Child> Child::start(const ExecSettings& settings, const std::string& folder,
                           const std::vector<std::string>& more_environment) {
  const auto plan = make_plan(settings, folder, more_environment);
  if (!plan) return plan.error();
  auto input = make_pipe(), output = make_pipe(), errors = make_pipe(), report = make_pipe();
  for (const auto* made : {&input, &output, &errors, &report}) {
    if (!*made) return made->error();
  }
  const pid_t parent = ::getpid();
  const pid_t process = ::fork();
  if (process < 0) return system_error("the program cannot be started", plan->program);
  if (process == 0) {
    become(*plan, input->read.get(), output->write.get(), errors->write.get(), report->write.get(),
           parent);
  }
  Child child;
  child.process_ = process;
  report->write = Handle();
  int code = 0;
  if (::read(report->read.get(), &code, sizeof code) == sizeof code) {
    ::waitpid(process, nullptr, 0);
    child.process_ = -1;
    return Error{ErrorCode::unavailable,
                 fmt::format("the program cannot be started: {}", std::strerror(code)), "",
                 plan->program, ""};
  }
  child.input_ = std::move(input->write);
  child.output_ = std::move(output->read);
  child.errors_ = std::move(errors->read);
  for (const Handle* handle : {&child.input_, &child.output_, &child.errors_}) unblock(*handle);
  return child;
}

std::optional<std::string> Child::ended() {
  if (how_ || process_ <= 0) return how_;
  int status = 0;
  const pid_t found = ::waitpid(process_, &status, WNOHANG);
  if (found != process_) return std::nullopt;
  if (WIFEXITED(status)) {
    const int code = WEXITSTATUS(status);
    how_ = code == 0 ? std::string() : fmt::format("exit code {}", code);
  } else {
    how_ = fmt::format("signal {}", WTERMSIG(status));
  }
  return how_;
}

void Child::end_what_is_left() {
  if (process_ > 0 && how_) ::kill(-process_, SIGTERM);
}

void Child::end(double patience_s) {
  if (process_ <= 0 || ended()) return;
  input_ = Handle();
  ::kill(-process_, SIGTERM);
  const auto deadline =
      std::chrono::steady_clock::now() + std::chrono::duration<double>(patience_s);
  while (!ended()) {
    if (std::chrono::steady_clock::now() >= deadline) {
      ::kill(-process_, SIGKILL);
      int status = 0;
      while (::waitpid(process_, &status, 0) < 0 && errno == EINTR) {
      }
      how_ = fmt::format("signal {}", SIGKILL);
      return;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

}  // namespace kasetsu::drivers
