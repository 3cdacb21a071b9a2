// Where this build's sources and the shared data lie. In a source file of its own, so that two
// clones share all other compiled tests.
#pragma once

#include <string>

namespace kasetsu::testing {

// The project's folder, the folder of real tables and oracles, and the build folder, without a
// slash at the end.
const std::string& source_dir();
const std::string& shared_data_dir();
const std::string& binary_dir();

}  // namespace kasetsu::testing
