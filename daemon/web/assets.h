// The dashboard's files, as they are served: pages of this folder and the libraries that npm's lock
// file names, embedded into the program when it is built (embed.mjs). A program that was built
// without them holds a page that says so.
#pragma once

#include <span>
#include <string_view>

namespace kasetsu::web {

struct Asset {
  std::string_view path;  // "pages/data.js"
  std::string_view content_type;
  std::string_view plain, gzip, brotli;  // the last two are empty where they save nothing
};

// By path.
std::span<const Asset> assets();
// Of all files together: another build, another version. Addresses hold it, so that browsers keep
// files for good.
std::string_view version();
// The page at "/", with the version in its addresses.
const Asset& index();

}  // namespace kasetsu::web
