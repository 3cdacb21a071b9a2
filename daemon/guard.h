// Who may ask: bearer tokens against the token file, and a brake on guessing.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <variant>

#include "daemon/campaign/time.h"
#include "daemon/http/message.h"
#include "daemon/tokens.h"

namespace kasetsu {

// Of the network thread.
class Guard {
 public:
  Guard(TokenFile tokens, campaign::Clock clock)
      : tokens_(std::move(tokens)), clock_(std::move(clock)) {}

  void replace(TokenFile tokens) { tokens_ = std::move(tokens); }

  // A principal; 401 without a right token; 429 after kMostFailures wrong ones of a peer within a
  // minute. A right token is let in all the same: others behind the same address cannot lock it
  // out.
  std::variant<http::Principal, http::Response> decide(const http::Request& request);

  static constexpr int kMostFailures = 20;

 private:
  struct Failures {
    int count = 0;
    campaign::Time since;
  };
  TokenFile tokens_;
  campaign::Clock clock_;
  std::map<std::string, Failures> failures_;  // by peer; those of the last minute
};

}  // namespace kasetsu
