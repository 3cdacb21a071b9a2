#include "daemon/campaign/ingest/profiles.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <vector>

#include "core/base/text.h"
#include "daemon/base/data_files.h"
#include "daemon/base/digest.h"
#include "daemon/base/operator_files.h"

namespace kasetsu {
namespace {

constexpr std::string_view kEnding = ".toml";
constexpr std::size_t kLargest = std::size_t{4} << 20;
constexpr std::string_view kKnown = "nomad_catalysis";  // marks the folder of the built-in ones

std::string built_in_folder() {
  const auto path = find_data_file("profiles/" + std::string(kKnown) + ".toml");
  return path ? std::filesystem::path(*path).parent_path().string() : std::string();
}

}  // namespace

Result<std::shared_ptr<const tables::Profile>> make_profile(std::string_view text,
                                                            const std::string& file) {
  auto profile = tables::parse_profile(text, file);
  if (!profile) return profile.error();
  profile->version = sha256(text).hex().substr(0, 12);
  return std::make_shared<const tables::Profile>(std::move(*profile));
}

Result<std::shared_ptr<const tables::Profile>> read_profile(const std::string& path) {
  const auto text = read_file(path);
  if (!text) return text.error();
  return make_profile(*text, path);
}

Result<std::shared_ptr<const tables::Profile>> find_profile(const std::string& name,
                                                            const std::string& folder) {
  std::vector<std::string> known;
  for (const std::string& where : {folder, built_in_folder()}) {
    std::vector<std::string> names = operator_file_names(where, kEnding);
    if (std::find(names.begin(), names.end(), name) == names.end()) {
      known.insert(known.end(), std::make_move_iterator(names.begin()),
                   std::make_move_iterator(names.end()));
      continue;
    }
    const auto text = read_operator_file(where, name, kEnding, kLargest);
    if (!text) return text.error().in("profile");
    auto profile = make_profile(*text, name + std::string(kEnding));
    if (profile) return profile;
    spdlog::error("profile {}: {}", name, profile.error().to_string());
    return Error{ErrorCode::bad_data, "this file is no profile; the daemon's log says why",
                 "profile", name, "a profile that `kasetsu table` reads"};
  }
  std::sort(known.begin(), known.end());
  known.erase(std::unique(known.begin(), known.end()), known.end());
  return Error{ErrorCode::not_found, "there is no such profile", "profile", name, join_or(known)};
}

Result<std::shared_ptr<const tables::Profile>> load_profile(const std::string& name_or_path,
                                                            const std::string& folder) {
  const bool path = name_or_path.ends_with(".toml") || name_or_path.find('/') != std::string::npos;
  return path ? read_profile(name_or_path) : find_profile(name_or_path, folder);
}

}  // namespace kasetsu
