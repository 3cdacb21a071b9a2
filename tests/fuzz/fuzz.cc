#include "tests/fuzz/fuzz.h"
#include "tests/paths.h"

#include <fstream>
#include <iterator>

namespace kasetsu::fuzz {

const chemistry::SupportTable& supports() {
  static const chemistry::SupportTable table = [] {
    std::ifstream file(kasetsu::testing::source_dir() + "/config/elements/supports.csv",
                       std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    return chemistry::SupportTable::from_csv(text, "supports.csv").value();
  }();
  return table;
}

void expect_told(const Error& error) {
  KASETSU_ASSERT(!error.message.empty());
}

}  // namespace kasetsu::fuzz
