#include "daemon/campaign/ingest/profiles.h"

#include <algorithm>
#include <filesystem>
#include <vector>

#include "core/base/text.h"
#include "daemon/base/data_files.h"
#include "daemon/base/digest.h"

namespace kasetsu {
namespace {

constexpr std::string_view kKnown = "nomad_catalysis";  // marks the folder of the built-in ones

std::string built_in_folder() {
  const auto path = find_data_file("profiles/" + std::string(kKnown) + ".toml");
  return path ? std::filesystem::path(*path).parent_path().string() : std::string();
}

}  // namespace

Result<std::shared_ptr<const tables::Profile>> read_profile(const std::string& path) {
  const auto text = read_file(path);
  if (!text) return text.error();
  auto profile = tables::parse_profile(*text, path);
  if (!profile) return profile.error();
  profile->version = sha256(*text).hex().substr(0, 12);
  return std::make_shared<const tables::Profile>(std::move(*profile));
}

Result<std::shared_ptr<const tables::Profile>> find_profile(const std::string& name,
                                                            const std::string& folder) {
  const bool plain =
      !name.empty() && name.front() != '.' && std::all_of(name.begin(), name.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '-' || c == '_' || c == '.';
      });
  std::vector<std::string> names;
  for (const std::string& where : {folder, built_in_folder()}) {
    if (where.empty()) continue;
    std::error_code error;
    const std::filesystem::path path = std::filesystem::path(where) / (name + ".toml");
    if (plain && std::filesystem::is_regular_file(path, error)) return read_profile(path.string());
    for (const auto& entry : std::filesystem::directory_iterator(where, error)) {
      if (entry.path().extension() == ".toml") names.push_back(entry.path().stem().string());
    }
  }
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return Error{ErrorCode::not_found, "there is no such profile", "profile", name, join_or(names)};
}

Result<std::shared_ptr<const tables::Profile>> load_profile(const std::string& name_or_path,
                                                            const std::string& folder) {
  const bool path = name_or_path.ends_with(".toml") || name_or_path.find('/') != std::string::npos;
  return path ? read_profile(name_or_path) : find_profile(name_or_path, folder);
}

}  // namespace kasetsu
