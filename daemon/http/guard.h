// Who may ask: bearer tokens against the token file, a brake on guessing, and a limit for each
// token.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <variant>

#include "daemon/base/time.h"
#include "daemon/base/tokens.h"
#include "daemon/http/message.h"

namespace kasetsu {

// Of the network thread.
class Guard {
 public:
  // requests_per_s: of one token, in the long run; a second's worth may come at once. 0: no limit.
  Guard(TokenFile tokens, Clock clock, double requests_per_s = 0.0)
      : tokens_(std::move(tokens)), clock_(std::move(clock)), requests_per_s_(requests_per_s) {}

  void replace(TokenFile tokens, double requests_per_s) {
    tokens_ = std::move(tokens);
    requests_per_s_ = requests_per_s;
    buckets_.clear();
  }

  // A principal; 401 without a right token; 429 after kMostFailures wrong ones of a peer within a
  // minute, and above the limit of requests. A right token is let in all the same after wrong ones:
  // others behind the same address cannot lock it out.
  std::variant<http::Principal, http::Response> decide(const http::Request& request);

  static constexpr int kMostFailures = 20;

 private:
  struct Failures {
    int count = 0;
    Time since;
  };
  struct Bucket {
    double left = 0.0;
    Time filled;
  };
  bool spend(const std::string& name, Time now);

  TokenFile tokens_;
  Clock clock_;
  double requests_per_s_;
  std::map<std::string, Failures> failures_;  // by peer; those of the last minute
  std::map<std::string, Bucket> buckets_;     // by the token's name
};

}  // namespace kasetsu
