// The dashboard's English words, so that a report says the same: daemon/web/words/en.json, built
// in.
#pragma once

#include <map>
#include <string>
#include <string_view>

namespace kasetsu::cli {

// The words for `key`, with {name} replaced by values[name]; the key itself where there are none.
std::string words(std::string_view key, const std::map<std::string, std::string>& values = {});

}  // namespace kasetsu::cli
