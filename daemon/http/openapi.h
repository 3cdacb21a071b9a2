// schema/openapi.json, built into the program.
#pragma once

#include <string>
#include <string_view>

namespace kasetsu::http {

std::string_view openapi_document();
std::string openapi_tag();

}  // namespace kasetsu::http
