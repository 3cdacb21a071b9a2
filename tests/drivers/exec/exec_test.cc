#include "drivers/exec/exec.h"

#include <gtest/gtest.h>
#include <pwd.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <fstream>

#include "drivers/exec/child.h"
#include "tests/drivers/supervisor/driver_fixture.h"

namespace kasetsu::drivers {
namespace {

// A process that has ended may stay in the list until its new parent looks.
bool is_running(pid_t process) {
  std::ifstream file("/proc/" + std::to_string(process) + "/stat");
  std::string text;
  std::getline(file, text);
  const auto name_ends = text.rfind(')');
  return name_ends != std::string::npos && text.substr(name_ends, 3) != ") Z";
}

// The first line of a program, as a number.
pid_t told_process(int pipe) {
  std::string text;
  for (int i = 0; i < 2'000 && text.find('\n') == std::string::npos; ++i) {
    std::array<char, 64> buffer{};
    const auto got = ::read(pipe, buffer.data(), buffer.size());
    if (got > 0) text.append(buffer.data(), static_cast<std::size_t>(got));
    if (got <= 0) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return static_cast<pid_t>(std::atoi(text.c_str()));
}

// The process of a program whose parent was killed as a daemon may be.
pid_t orphan(const std::string& user) {
  std::array<int, 2> ends{};
  EXPECT_EQ(::pipe(ends.data()), 0);
  const pid_t parent = ::fork();
  if (parent == 0) {
    ExecSettings settings;
    settings.command = {"/bin/sh", "-c", "echo $$; exec sleep 300"};
    settings.user = user;
    auto child = Child::start(settings, "/", {});
    if (!child) ::_exit(1);
    const pid_t process = told_process(child->output());
    const std::string line = std::to_string(process) + "\n";
    [[maybe_unused]] const auto written = ::write(ends[1], line.data(), line.size());
    for (;;) ::pause();
  }
  ::close(ends[1]);
  const pid_t process = told_process(ends[0]);
  ::close(ends[0]);
  EXPECT_GT(process, 1);
  EXPECT_TRUE(process > 1 && is_running(process));
  ::kill(parent, SIGKILL);
  ::waitpid(parent, nullptr, 0);
  return process;
}

using ExecTest = DriverTest;

TEST_F(ExecTest, ProgramsEndWithTheDaemonAlsoThoseOfAnotherUser) {
  std::vector<std::string> users = {""};
  if (::geteuid() == 0 && ::getpwnam("nobody") != nullptr) users.emplace_back("nobody");
  for (const std::string& user : users) {
    const pid_t process = orphan(user);
    if (process <= 1) continue;
    wait_until([&] { return !is_running(process); }, "the program's end");
    if (is_running(process)) ::kill(process, SIGKILL);
  }
}

TEST_F(ExecTest, AProgramThatEndsIsNoticedThoughItsChildHoldsThePipes) {
  Settings settings;
  settings.name = "door";
  settings.kind = "exec";
  settings.campaign = "ocm";
  settings.exec.command = {"/bin/sh", "-c", "sleep 300 & echo $! >left; exit 3"};
  settings.exec.folder = folder_ / "";
  Counters counters;
  const Status ended = make_exec_driver(settings, host(settings), counters)->run({});
  ASSERT_FALSE(ended.ok());
  EXPECT_EQ(ended.error().message, "the program ended with exit code 3");
  std::ifstream file(folder_ / "left");
  pid_t left = 0;
  ASSERT_TRUE(file >> left);
  wait_until([&] { return !is_running(left); }, "the end of what it left");
}

}  // namespace
}  // namespace kasetsu::drivers
