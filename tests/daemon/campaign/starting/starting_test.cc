// From a table to a campaign file: differences of texts, drafts and plans.
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string>

#include "core/base/random.h"
#include "daemon/campaign/starting/file_plan.h"
#include "daemon/campaign/starting/line_diff.h"
#include "tests/paths.h"

namespace kasetsu::campaign {
namespace {

TEST(LineDiff, ShowsTwoLinesAroundAChange) {
  const std::string before = "1\n2\n3\n4\n5\n6\n7\n8\n9\n";
  EXPECT_EQ(line_diff(before, before), "");
  EXPECT_EQ(line_diff(before, "1\n2\n3\n4\nfive\n6\n7\n8\n9\n"),
            "  3\n  4\n- 5\n+ five\n  6\n  7\n");
  EXPECT_EQ(line_diff("a\nb\nc\nd\ne\nf\ng\n", "A\nb\nc\nd\ne\nf\nG\n"),
            "- a\n+ A\n  b\n  c\n...\n  e\n  f\n- g\n+ G\n");
  EXPECT_EQ(line_diff("", "new\n"), "+ new\n");
}

// What is marked as added and kept is the new text, and what is marked as removed and kept the old
// one, wherever every line is within two lines of a change.
TEST(LineDiff, HoldsBothTexts) {
  Random random(7);
  for (int round = 0; round < 300; ++round) {
    std::string before, after;
    for (int i = 0; i < 4; ++i) {
      const std::string line(1, static_cast<char>('a' + random.below(3)));
      if (random.below(2) == 0) before += line + "\n";
      if (random.below(2) == 0) after += line + "\n";
    }
    before = "start\n" + before;
    after = "begin\n" + after;
    std::string old_text, new_text;
    const std::string difference = line_diff(before, after);
    for (const std::string_view line : lines_of(difference)) {
      if (line == "...") continue;
      if (line[0] != '+') old_text += std::string(line.substr(2)) + "\n";
      if (line[0] != '-') new_text += std::string(line.substr(2)) + "\n";
    }
    // Kept lines at the end may be left out.
    EXPECT_EQ(before.substr(0, old_text.size()), old_text);
    EXPECT_EQ(after.substr(0, new_text.size()), new_text);
  }
}

TEST(LineDiff, TakesNoMemoryForTextsThatHaveNothingInCommon) {
  std::string before, after;
  for (int i = 0; i < 30'000; ++i) {
    before += std::to_string(i) + "\n";
    after += std::to_string(-i - 1) + "\n";
  }
  EXPECT_EQ(lines_of(line_diff(before, after)).size(), 60'000u);
}

const char* kFile = R"(format = 1
name = "own"
[[targets]]
name = "y"
unit = "%"
goal = "maximize"
[[space]]
kind = "slots"
slots = 2
none = false
repetition = false
elements = ["Li", "K", "Mn", "Pb"]
[[rules]]
name = "no lead"
forbid_elements = ["Pb"]
[planner]
batch = 2
[stop]
measurements = 40
)";

chemistry::SupportTable supports() {
  std::ifstream file(kasetsu::testing::source_dir() + "/config/elements/supports.csv");
  std::stringstream text;
  text << file.rdbuf();
  return chemistry::SupportTable::from_csv(text.str(), "supports.csv").value();
}

TEST(FilePlan, CountsWhatEachRuleLeaves) {
  const auto config = parse_campaign(kFile, "own.toml", kToml, supports());
  ASSERT_TRUE(config.ok()) << config.error().to_string();
  const auto plan = plan_file(*config, Executor(1), {});
  ASSERT_TRUE(plan.ok()) << plan.error().to_string();
  EXPECT_EQ(plan->space_size, 6u);
  EXPECT_EQ(plan->rules.allowed, 3u) << "Li-K, Li-Mn, K-Mn";
  const Json json = plan_json(*config, *plan);
  EXPECT_EQ(json["rules"][0]["rule"], "no lead");
  EXPECT_EQ(json["rules"][0]["removed"], 3);
  EXPECT_EQ(json["ends"], "40 measurements");
  EXPECT_FALSE(json.contains("first_batch")) << "it was not asked for";
}

}  // namespace
}  // namespace kasetsu::campaign
