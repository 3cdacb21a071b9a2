// Runs a target without a fuzzing engine: every file of the corpus folders given, then `--mutations
// N` mutations drawn from a fixed seed (bytes changed, cut, doubled and spliced). A crash, an
// assertion or a hang is the failure. Prints what it ran; an empty corpus is an error.
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>
#include <vector>

#include "core/base/random.h"
#include "tests/fuzz/fuzz.h"

namespace {

void run(const std::string& bytes) {
  LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
}

std::string mutated(const std::vector<std::string>& corpus, kasetsu::Random& random) {
  std::string bytes = corpus[random.below(corpus.size())];
  const std::size_t changes = 1 + random.below(6);
  for (std::size_t change = 0; change < changes; ++change) {
    const std::size_t at = bytes.empty() ? 0 : random.below(bytes.size());
    switch (random.below(5)) {
      case 0:
        if (!bytes.empty()) bytes[at] = static_cast<char>(random.below(256));
        break;
      case 1:
        bytes.erase(at, 1 + random.below(8));
        break;
      case 2:
        bytes.insert(at, bytes.substr(at, 1 + random.below(32)));
        break;
      case 3: {
        const std::string& other = corpus[random.below(corpus.size())];
        const std::size_t from = other.empty() ? 0 : random.below(other.size());
        bytes = bytes.substr(0, at) + other.substr(from);
        break;
      }
      default:
        constexpr std::string_view kTokens[] = {"\r\n",
                                                "\"",
                                                "1e309",
                                                "-0",
                                                "\xEF\xBB\xBF",
                                                "\xFF",
                                                "[[",
                                                "]]",
                                                "}",
                                                "NaN",
                                                "0x",
                                                "\\u",
                                                "(",
                                                "|",
                                                ",",
                                                "=",
                                                "\t",
                                                "\n",
                                                "99999999999999999999"};
        bytes.insert(at, kTokens[random.below(std::size(kTokens))]);
    }
  }
  return bytes;
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<std::string> corpus;
  std::size_t mutations = 0;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    if (argument == "--mutations" && i + 1 < argc) {
      mutations = std::strtoull(argv[++i], nullptr, 10);
      continue;
    }
    std::vector<std::filesystem::path> files;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(argument)) {
      if (entry.is_regular_file()) files.push_back(entry.path());
    }
    std::sort(files.begin(), files.end());
    for (const auto& path : files) {
      std::ifstream file(path, std::ios::binary);
      corpus.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
    }
  }
  if (corpus.empty()) {
    std::cerr << "no corpus: give the folder of the target's inputs\n";
    return 1;
  }
  run("");
  for (const std::string& bytes : corpus) run(bytes);
  kasetsu::Random random(1);
  for (std::size_t i = 0; i < mutations; ++i) run(mutated(corpus, random));
  std::cout << corpus.size() << " inputs, " << mutations << " mutations\n";
  return 0;
}
