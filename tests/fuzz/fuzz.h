// What the fuzz targets share. A target is one function over bytes, LLVMFuzzerTestOneInput: under
// the `fuzz` preset libFuzzer drives it with the address and undefined sanitizers; in the other
// presets replay_main.cc runs the corpus and a few thousand fixed mutations of it as a test.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/base/result.h"
#include "core/chemistry/catalyst.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace kasetsu::fuzz {

// A target that first reads what varies beside the text, then the text.
class Input {
 public:
  Input(const std::uint8_t* data, std::size_t size)
      : rest_(reinterpret_cast<const char*>(data), size) {}

  // The next byte, 0 when there is none: options are taken from it.
  std::uint8_t byte() {
    if (rest_.empty()) return 0;
    const auto first = static_cast<std::uint8_t>(rest_.front());
    rest_.remove_prefix(1);
    return first;
  }
  std::string_view rest() const { return rest_; }

 private:
  std::string_view rest_;
};

// The supports of config/elements/supports.csv, read once.
const chemistry::SupportTable& supports();

// Aborts unless an error says something: a message is what a person gets.
void expect_told(const Error& error);

}  // namespace kasetsu::fuzz
