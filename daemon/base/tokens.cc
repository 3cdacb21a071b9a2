#include "daemon/base/tokens.h"

#include <fmt/format.h>
#include <openssl/crypto.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include "core/base/text.h"
#include "daemon/base/data_files.h"

namespace kasetsu {
namespace {

constexpr std::string_view kPrefix = "kasetsu_";  // so that secret scanners and people know one

bool is_token_name(std::string_view name) {
  if (name.empty() || name.size() > 64 || name == "local" || name == "scheduler") return false;
  return std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
  });
}

std::vector<std::string_view> words(std::string_view text, char separator) {
  std::vector<std::string_view> found;
  while (!text.empty()) {
    const auto end = text.find(separator);
    if (end != 0) found.push_back(text.substr(0, end));
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  return found;
}

std::optional<Digest> parse_digest(std::string_view hex) {
  Digest digest;
  if (hex.size() != 2 * digest.bytes.size()) return std::nullopt;
  const auto value = [](char c) {
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
  };
  for (std::size_t i = 0; i < digest.bytes.size(); ++i) {
    const int high = value(hex[2 * i]), low = value(hex[2 * i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    digest.bytes[i] = static_cast<std::uint8_t>(high * 16 + low);
  }
  return digest;
}

Status check_scopes(const std::vector<std::string>& scopes) {
  if (scopes.empty()) {
    return Error{ErrorCode::invalid_argument, "a token without scopes can do nothing", "scope", "",
                 join_or(token_scopes())};
  }
  for (const std::string& scope : scopes) {
    const auto& known = token_scopes();
    if (std::find(known.begin(), known.end(), scope) == known.end()) {
      return Error{ErrorCode::invalid_argument, "unknown scope", "scope", scope, join_or(known)};
    }
  }
  return {};
}

}  // namespace

const std::vector<std::string>& token_scopes() {
  static const std::vector<std::string> kScopes = {"read", "results", "campaigns", "admin"};
  return kScopes;
}

Result<TokenFile> TokenFile::parse(std::string_view text, std::string_view file_name) {
  TokenFile file;
  std::size_t number = 0;
  while (!text.empty()) {
    ++number;
    const auto end = text.find('\n');
    const std::string_view line = trim(text.substr(0, end));
    text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
    if (line.empty() || line.front() == '#') continue;
    // The line is not shown: what it holds may be a token that somebody pasted there.
    const auto wrong = [&](std::string message) {
      return Error{ErrorCode::bad_data, std::move(message), fmt::format("{}:{}", file_name, number),
                   "", "name, SHA-256, scopes, creation and expiry (or -), with single spaces"};
    };
    const auto parts = words(line, ' ');
    if (parts.size() != 5) return wrong("a token's line has five parts");
    Token token;
    token.name = std::string(parts[0]);
    if (!is_token_name(token.name)) return wrong("the name of a token is wrong");
    const auto hash = parse_digest(parts[1]);
    if (!hash) return wrong("the hash of a token is wrong");
    token.hash = *hash;
    for (const std::string_view scope : words(parts[2], ',')) token.scopes.emplace_back(scope);
    const Status scopes = check_scopes(token.scopes);
    if (!scopes) return wrong("the scopes of a token are wrong");
    const auto created = parse_time(parts[3]);
    if (!created) return wrong("the creation time of a token is wrong");
    token.created = *created;
    if (parts[4] != "-") {
      const auto expires = parse_time(parts[4]);
      if (!expires) return wrong("the expiry of a token is wrong");
      token.expires = *expires;
    }
    for (const Token& other : file.tokens_) {
      if (other.name == token.name) return wrong("the name of a token is given twice");
    }
    file.tokens_.push_back(std::move(token));
  }
  return file;
}

std::string TokenFile::text() const {
  std::string text = "# Tokens of kasetsud: name, SHA-256 of the token, scopes, made, expires.\n";
  for (const Token& token : tokens_) {
    std::string scopes;
    for (const std::string& scope : token.scopes) scopes += (scopes.empty() ? "" : ",") + scope;
    text +=
        fmt::format("{} {} {} {} {}\n", token.name, token.hash.hex(), scopes,
                    format_time(token.created), token.expires ? format_time(*token.expires) : "-");
  }
  return text;
}

Result<std::string> TokenFile::create(std::string_view name, const std::vector<std::string>& scopes,
                                      std::optional<Time> expires, Time now) {
  if (!is_token_name(name)) {
    return Error{ErrorCode::invalid_argument, "wrong name of a token", "name", std::string(name),
                 "1 to 64 of letters, digits, . _ -, and neither local nor scheduler"};
  }
  const Status known = check_scopes(scopes);
  if (!known) return known.error();
  if (expires && *expires <= now) {
    return Error{ErrorCode::invalid_argument, "the token would have expired already", "expires",
                 format_time(*expires), "a time to come"};
  }
  for (const Token& token : tokens_) {
    if (token.name == name) {
      return Error{ErrorCode::conflict, "there is a token of this name", "name", std::string(name),
                   "another name, or revoke it first"};
    }
  }
  std::array<std::uint8_t, 32> random{};
  if (::getrandom(random.data(), random.size(), 0) != static_cast<ssize_t>(random.size())) {
    return Error{ErrorCode::internal, "the system gave no random bytes", "", "", ""};
  }
  std::string secret(kPrefix);
  for (const std::uint8_t byte : random) secret += fmt::format("{:02x}", byte);
  Token token;
  token.name = std::string(name);
  token.hash = sha256(secret);
  for (const std::string& scope : token_scopes()) {
    if (std::find(scopes.begin(), scopes.end(), scope) != scopes.end()) {
      token.scopes.push_back(scope);
    }
  }
  token.created = now;
  token.expires = expires;
  tokens_.push_back(std::move(token));
  return secret;
}

Status TokenFile::revoke(std::string_view name) {
  const auto found = std::find_if(tokens_.begin(), tokens_.end(),
                                  [&](const Token& token) { return token.name == name; });
  if (found == tokens_.end()) {
    return Error{ErrorCode::not_found, "no such token", "name", std::string(name), ""};
  }
  tokens_.erase(found);
  return {};
}

const Token* TokenFile::find(std::string_view secret) const {
  const Digest hash = sha256(secret);
  const Token* found = nullptr;
  for (const Token& token : tokens_) {
    const bool same =
        CRYPTO_memcmp(token.hash.bytes.data(), hash.bytes.data(), hash.bytes.size()) == 0;
    if (same) found = &token;
  }
  return found;
}

const Token* TokenFile::match(std::string_view secret, Time now) const {
  const Token* found = find(secret);
  return found && found->expires && *found->expires <= now ? nullptr : found;
}

Result<TokenFile> read_token_file(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) == 0 && (status.st_mode & 022) != 0) {
    return Error{ErrorCode::invalid_argument, "others may write the file of tokens", path,
                 fmt::format("{:o}", status.st_mode & 0777), "chmod 600"};
  }
  const auto text = read_file(path);
  if (!text) return text.error();
  return TokenFile::parse(*text, path);
}

Status write_token_file(const std::string& path, const TokenFile& tokens) {
  const std::string made = path + ".new";
  const mode_t before = ::umask(0177);
  const Status written = write_file(made, tokens.text());
  ::umask(before);
  if (!written) return written;
  const std::string folder = std::filesystem::path(path).parent_path().string();
  struct stat owner {};
  const bool known = ::stat(path.c_str(), &owner) == 0 ||
                     ::stat(folder.empty() ? "." : folder.c_str(), &owner) == 0;
  const bool given =
      ::geteuid() != 0 || !known || ::lchown(made.c_str(), owner.st_uid, owner.st_gid) == 0;
  if (given && std::rename(made.c_str(), path.c_str()) == 0) return {};
  const Error error{ErrorCode::storage_failed,
                    fmt::format("cannot be written: {}", std::strerror(errno)), path, "", ""};
  ::unlink(made.c_str());
  return error;
}

}  // namespace kasetsu
