// From a table to a campaign file: differences of texts, drafts and plans.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string>

#include "core/base/random.h"
#include "daemon/campaign/starting/draft.h"
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
  EXPECT_EQ(json["stop"], Json({{"measurements", 40}}));
  EXPECT_EQ(json["retraining"], Json({{"when", "every_batch"}}));
  EXPECT_FALSE(json.contains("first_batch")) << "it was not asked for";
}

std::string draft(std::string_view table, const std::string& target = "y",
                  const std::string& unit = "%") {
  DraftRequest request;
  request.file_name = "lab.csv";
  request.name = "lab";
  request.unit = unit;
  request.goal = "maximize";
  request.batch = 2;
  tables::ReadOptions options;
  options.targets = {target};
  const chemistry::SupportTable known;
  const auto read = [&](const tables::ReadOptions& with) {
    return tables::read_table(table, "lab.csv", with, known);
  };
  const auto drafted = draft_campaign_file(request, options, read, known);
  if (!drafted.ok()) return drafted.error().to_string();
  EXPECT_TRUE(parse_campaign(drafted->text, "draft", kToml, known).ok()) << drafted->text;
  return drafted->text;
}

// Kind 20: the basis that was seen, and what was assumed stands in comments.
TEST(Draft, FormulasOfBulkCatalystsAreShares) {
  const std::string cuprates = draft(
      "Material,y\nLa1.85Sr0.15CuO4,8\nLa1.9Sr0.1CuO4,6\nLa1.9Sr0.1CuO3.9,5\nBa0.5Sr0.5CoO3,3\n");
  EXPECT_THAT(cuprates, ::testing::HasSubstr("basis = \"mole_fraction\""));
  EXPECT_THAT(cuprates, ::testing::HasSubstr("kind = \"simplex\""));
  EXPECT_THAT(cuprates, ::testing::HasSubstr("# oxygen = \"counted\""));
  EXPECT_THAT(cuprates, ::testing::Not(::testing::HasSubstr("mmol/g")));
  EXPECT_THAT(draft("formula,y\nNi1Fe2,8\nNi2Fe1,6\nCo3,5\n"),
              ::testing::HasSubstr("kind = \"slots\""));
}

TEST(Draft, LoadingsThatAreAlikeAreNoShares) {
  const std::string grid =
      draft("Ni (wt%),K (wt%),Support,y\n10,0.2,Al2O3,3\n10,0,Al2O3,8\n10,0.1,Al2O3,8\n");
  EXPECT_THAT(grid, ::testing::HasSubstr("kind = \"grid\""));
  EXPECT_THAT(grid, ::testing::HasSubstr("basis = \"wt_percent_of_catalyst\""));
  EXPECT_THAT(draft("Ni,K,Support,y\n0.37,0.5,Al2O3,3\n1.2,0,Al2O3,8\n"),
              ::testing::HasSubstr("# assumed: the table tells no unit"));
}

// What the amounts leave of the whole is asked about where no support is told.
TEST(Draft, SharesThatLeaveTheRestOpenAreAskedAbout) {
  for (const char* header : {"Fe (wt%),Ni (wt%),Mo (wt%),y", "Fe (at%),Ni (at%),Mo (at%),y"}) {
    const std::string said =
        draft(header + std::string("\n10,20,5,1\n15,10,5,2\n20,20,10,3\n5,25,10,4\n"));
    EXPECT_THAT(said, ::testing::HasSubstr("no support is told")) << header;
    EXPECT_THAT(said, ::testing::HasSubstr("a column Support")) << header;
    EXPECT_THAT(said, ::testing::Not(::testing::HasSubstr("loading_unit"))) << header;
  }
}

// One row that does not sum to the whole is that row's problem; the table stays what it is.
TEST(Draft, ARowThatLacksAmountsIsAProblem) {
  for (const char* header : {"Ni (at%),Co (at%),Fe (at%),y", "Ni (wt%),Co (wt%),Fe (wt%),y"}) {
    const std::string wrong =
        draft(header + std::string("\n50,30,20,1\n40,30,20,2\n60,20,20,3\n30,30,40,4\n"));
    EXPECT_THAT(wrong, ::testing::AllOf(::testing::HasSubstr(":3"),
                                        ::testing::HasSubstr("do not sum to the whole"),
                                        ::testing::HasSubstr("\"90 ")));
    EXPECT_THAT(draft(header + std::string("\n50,30,20,1\n40,30,30,2\n60,20,20,3\n30,30,40,4\n")),
                ::testing::HasSubstr("kind = \"simplex\""));
  }
  EXPECT_THAT(draft("x(Ni),x(Co),y\n0.5,0.5,1\n0.4,0.5,2\n0.8,0.2,3\n"),
              ::testing::HasSubstr("\"0.9 mol/mol\""));
  // A sum that a campaign would refuse is no rounding of the whole.
  for (const char* header : {"Ni (at%),Co (at%),Fe (at%),y", "Ni (wt%),Co (wt%),Fe (wt%),y"}) {
    const std::string wrong = draft(header + std::string("\n50,30,20,1\n40,30,30,2\n60,20,19,3\n"));
    EXPECT_THAT(wrong, ::testing::AllOf(::testing::HasSubstr(":4"), ::testing::HasSubstr("99"),
                                        ::testing::HasSubstr("do not sum to the whole")))
        << header;
  }
}

TEST(Draft, WhatNumbersOfNamesWereTakenForIsSaid) {
  EXPECT_THAT(draft("Catalyst,y\n5Ni/Al2O3,3\n10Ni/MgO,8\n"),
              ::testing::HasSubstr("--name-amounts wt%"));
  EXPECT_THAT(draft("Catalyst,y\n2Ni-1Co/Al2O3,3\nNi/MgO,8\n"),
              ::testing::Not(::testing::HasSubstr("--name-amounts")));
}

TEST(Draft, AUnitThatContradictsTheTableIsRefused) {
  const char* table = "Ni,Co,y (mV)\n1,2,310\n2,1,300\n";
  EXPECT_THAT(draft(table, "y (mV)", "V"), ::testing::HasSubstr("is in mV"));
  EXPECT_THAT(draft(table, "y (mV)", "mV"), ::testing::HasSubstr("unit = \"mV\""));
}

}  // namespace
}  // namespace kasetsu::campaign
