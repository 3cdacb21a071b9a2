// Bearer tokens. The file holds names, hashes, scopes and dates, one token a line; the token itself
// is shown once, when it is made, and kept nowhere.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "daemon/base/digest.h"
#include "daemon/base/time.h"

namespace kasetsu {

// "read" (look at everything), "results" (post and correct measurements, claim proposals),
// "campaigns" (apply and steer campaigns, retrain), "admin" (backups).
const std::vector<std::string>& token_scopes();

struct Token {
  std::string name;  // 1 to 64 of a-z A-Z 0-9 . _ -
  Digest hash;
  std::vector<std::string> scopes;
  Time created;
  std::optional<Time> expires;
};

class TokenFile {
 public:
  // Lines "name hash scope,scope created expires", the last "-" for never; empty lines and #
  // comments. Errors: bad_data with file and line.
  static Result<TokenFile> parse(std::string_view text, std::string_view file_name);
  std::string text() const;

  // Makes a token of 256 random bits and returns it. Errors: invalid_argument (name, no or unknown
  // scope, expiry in the past), conflict (the name is taken).
  Result<std::string> create(std::string_view name, const std::vector<std::string>& scopes,
                             std::optional<Time> expires, Time now);
  // Errors: not_found.
  Status revoke(std::string_view name);

  // The token whose hash this is, expired or not. Takes the same time whichever it is, and whether
  // there is one.
  const Token* find(std::string_view secret) const;
  // The same, unless it has expired.
  const Token* match(std::string_view secret, Time now) const;

  const std::vector<Token>& tokens() const { return tokens_; }

 private:
  std::vector<Token> tokens_;
};

// Reads a token file that nobody else may write. not_found, bad_data, invalid_argument
// (permissions).
Result<TokenFile> read_token_file(const std::string& path);
// Replaces the file as a whole, mode 0600. Written by root it belongs to whom the file before
// belonged, and a new one to whom its folder belongs: the user of the daemon that reads it.
Status write_token_file(const std::string& path, const TokenFile& tokens);

}  // namespace kasetsu
