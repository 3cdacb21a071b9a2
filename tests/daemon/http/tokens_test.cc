#include "daemon/base/tokens.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <set>

#include "daemon/http/guard.h"

namespace kasetsu {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

const Time kNow = from_micros(1'800'000'000'000'000);

TEST(Tokens, AreShownOnceAndKeptAsHashes) {
  TokenFile file;
  const std::string secret = file.create("robot", {"results", "read"}, std::nullopt, kNow).value();
  EXPECT_GE(secret.size(), 64u);
  EXPECT_EQ(file.text().find(secret.substr(8)), std::string::npos);
  const TokenFile again = TokenFile::parse(file.text(), "tokens").value();
  const Token* found = again.match(secret, kNow);
  ASSERT_NE(found, nullptr);
  EXPECT_EQ(found->name, "robot");
  EXPECT_EQ(found->scopes, (std::vector<std::string>{"read", "results"}));
  EXPECT_EQ(again.match(secret + "0", kNow), nullptr);
  EXPECT_EQ(again.match("", kNow), nullptr);
  std::set<std::string> all;
  for (int i = 0; i < 100; ++i) {
    all.insert(file.create("t" + std::to_string(i), {"read"}, std::nullopt, kNow).value());
  }
  EXPECT_EQ(all.size(), 100u);
}

TEST(Tokens, ExpireAndAreRevoked) {
  TokenFile file;
  const std::string secret = file.create("a", {"admin"}, kNow + hours(1), kNow).value();
  EXPECT_NE(file.match(secret, kNow + hours(1) - seconds(1)), nullptr);
  EXPECT_EQ(file.match(secret, kNow + hours(1)), nullptr);
  EXPECT_EQ(file.create("a", {"read"}, std::nullopt, kNow).error().code, ErrorCode::conflict);
  EXPECT_TRUE(file.revoke("a").ok());
  EXPECT_EQ(file.match(secret, kNow), nullptr);
  EXPECT_EQ(file.revoke("a").error().code, ErrorCode::not_found);
  EXPECT_FALSE(file.create("b", {"everything"}, std::nullopt, kNow).ok());
  EXPECT_FALSE(file.create("b", {}, std::nullopt, kNow).ok());
  EXPECT_FALSE(file.create("b c", {"read"}, std::nullopt, kNow).ok());
  EXPECT_FALSE(file.create("scheduler", {"read"}, std::nullopt, kNow).ok());
  EXPECT_FALSE(file.create("b", {"read"}, kNow - seconds(1), kNow).ok());
}

TEST(Tokens, AWrongFileIsRefusedWithoutShowingTheLine) {
  TokenFile file;
  const std::string secret = file.create("a", {"read"}, std::nullopt, kNow).value();
  for (const std::string& text : {secret + "\n", "a " + secret + " read 2026-01-01T00:00:00Z -\n",
                                  file.text() + file.text(), std::string("a b c\n")}) {
    const auto parsed = TokenFile::parse(text, "tokens");
    ASSERT_FALSE(parsed.ok()) << text;
    EXPECT_EQ(parsed.error().to_string().find(secret), std::string::npos);
    EXPECT_NE(parsed.error().to_string().find("tokens:"), std::string::npos);
  }
}

TEST(Tokens, TheFileIsForItsOwnerAlone) {
  const auto folder =
      std::filesystem::temp_directory_path() / ("kasetsu_tokens_" + std::to_string(::getpid()));
  std::filesystem::create_directory(folder);
  const std::string path = (folder / "tokens").string();
  TokenFile file;
  const std::string secret = file.create("a", {"read"}, std::nullopt, kNow).value();
  ASSERT_TRUE(write_token_file(path, file).ok());
  struct stat status {};
  ASSERT_EQ(::stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
  EXPECT_NE(read_token_file(path).value().match(secret, kNow), nullptr);
  ASSERT_EQ(::chmod(path.c_str(), 0662), 0);
  EXPECT_EQ(read_token_file(path).error().code, ErrorCode::invalid_argument);
  // What root writes is for the daemon's user, to whom the folder or the file before belongs.
  if (::geteuid() == 0) {
    ASSERT_EQ(::chown(path.c_str(), 4'321, 4'322), 0);
    ASSERT_TRUE(write_token_file(path, file).ok());
    ASSERT_EQ(::stat(path.c_str(), &status), 0);
    EXPECT_EQ(status.st_uid, 4'321u);
    EXPECT_EQ(status.st_gid, 4'322u);
    EXPECT_EQ(status.st_mode & 0777, 0600u);
    ASSERT_EQ(::chown(folder.c_str(), 5'432, 5'433), 0);
    const std::string other = (folder / "others").string();
    ASSERT_TRUE(write_token_file(other, file).ok());
    ASSERT_EQ(::stat(other.c_str(), &status), 0);
    EXPECT_EQ(status.st_uid, 5'432u);
  }
  std::filesystem::remove_all(folder);
}

TEST(Guard, LetsRightTokensInAndBrakesGuessing) {
  TokenFile file;
  const std::string secret = file.create("robot", {"results"}, std::nullopt, kNow).value();
  Time now = kNow;
  Guard guard(file, [&] { return now; });
  http::Request request;
  request.peer = "192.0.2.7";
  const auto status = [&](const std::string& authorization) {
    request.authorization = authorization;
    const auto decided = guard.decide(request);
    if (const auto* refusal = std::get_if<http::Response>(&decided)) return refusal->status;
    const auto& principal = std::get<http::Principal>(decided);
    EXPECT_EQ(principal.name, "robot");
    EXPECT_TRUE(principal.may(http::Scope::results));
    EXPECT_FALSE(principal.may(http::Scope::read));
    EXPECT_FALSE(principal.may(http::Scope::admin));
    return 200;
  };
  EXPECT_EQ(status("Bearer " + secret), 200);
  EXPECT_EQ(status(""), 401);
  EXPECT_EQ(status("Basic " + secret), 401);
  EXPECT_EQ(status("Bearer "), 401);
  EXPECT_EQ(status(secret), 401);
  int refused = 0;
  for (int i = 0; i < 2 * Guard::kMostFailures; ++i) {
    refused += status("Bearer wrong") == 429 ? 1 : 0;
  }
  EXPECT_GE(refused, Guard::kMostFailures);
  EXPECT_EQ(status("Bearer " + secret), 200) << "a guesser must not lock others out";
  now += seconds(61);
  EXPECT_EQ(status("Bearer wrong"), 401);
}

TEST(Guard, TheLogHearsWhichTokenIsRefused) {
  TokenFile file;
  const std::string secret = file.create("robot", {"results"}, kNow + hours(1), kNow).value();
  Time now = kNow + hours(2);
  Guard guard(file, [&] { return now; });
  http::Request request;
  const auto named = [&](const std::string& token) {
    request.authorization = "Bearer " + token;
    const auto decided = guard.decide(request);
    const auto& refusal = std::get<http::Response>(decided);
    EXPECT_EQ(refusal.status, 401);
    EXPECT_EQ(refusal.body.find("robot"), std::string::npos);
    return refusal.token;
  };
  EXPECT_EQ(named(secret), "robot");
  EXPECT_EQ(named("wrong"), "");
}

TEST(Guard, OneTokenAsksSoOftenAndNoMoreAndOthersAreNotTouched) {
  TokenFile file;
  const std::string robot = file.create("robot", {"results"}, std::nullopt, kNow).value();
  const std::string other = file.create("other", {"results"}, std::nullopt, kNow).value();
  Time now = kNow;
  Guard guard(
      file, [&] { return now; }, 10.0);
  const auto let_in = [&](const std::string& secret) {
    http::Request request;
    request.peer = "192.0.2.7";
    request.authorization = "Bearer " + secret;
    const auto decided = guard.decide(request);
    const auto* refusal = std::get_if<http::Response>(&decided);
    if (refusal) {
      EXPECT_EQ(refusal->status, 429);
    }
    return refusal == nullptr;
  };
  const auto count = [&](int tries) {
    int admitted = 0;
    for (int i = 0; i < tries; ++i) admitted += let_in(robot) ? 1 : 0;
    return admitted;
  };
  EXPECT_EQ(count(25), 10) << "a second's worth at once";
  EXPECT_TRUE(let_in(other));
  now += std::chrono::milliseconds(300);
  EXPECT_EQ(count(25), 3);
  now -= seconds(3'600);
  EXPECT_EQ(count(25), 0) << "a clock set back gives nothing";
  now += seconds(1);
  EXPECT_EQ(count(25), 10) << "and does not shut anybody out";
  // In the long run no more than the limit, however the requests come.
  int admitted = 0;
  for (int step = 0; step < 1'000; ++step) {
    now += std::chrono::milliseconds(37);
    admitted += count(3);
  }
  EXPECT_LE(admitted, 370 + 10);
  EXPECT_GE(admitted, 369);
  guard.replace(file, 0.0);
  EXPECT_EQ(count(1'000), 1'000) << "0: no limit";
}

}  // namespace
}  // namespace kasetsu
