#include "daemon/cli/results/report.h"

#include <gmock/gmock.h>

#include "core/base/csv.h"
#include "daemon/base/secret_addresses.h"
#include "daemon/cli/program/arguments.h"
#include "daemon/cli/results/campaign_bundle.h"
#include "daemon/cli/results/nomad_export.h"
#include "daemon/cli/results/svg_plot.h"

namespace kasetsu::cli {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kFile = R"(format = 1
name = "ocm"
description = "<script>alert(1)</script> [link](javascript:x) `code`"
[[targets]]
name = "y"
unit = "%"
goal = "maximize"
[[space]]
kind = "slots"
slots = 1
none = false
repetition = false
elements = ["Li", "Na"]
supports = ["MgO"]
[planner]
batch = 2
[[webhooks]]
url = "https://hooks.slack.example/services/T000/SECRET"
kind = "slack"
events = ["batch"]
# ```
# <b>not bold</b>
)";

Json measurement(const std::string& key, double value, const Json& conditions = Json::object()) {
  return {{"id", "01J"},
          {"catalyst", {{"key", key}, {"description", key}}},
          {"property", "y"},
          {"value", value},
          {"unit", "%"},
          {"kind", "catalyst"},
          {"conditions", conditions},
          {"sample", "=cmd|' /C calc'!A0"},
          {"received_at", "2026-01-01T00:00:00Z"}};
}

CampaignData campaign() {
  CampaignData data;
  data.campaign = {
      {"name", "ocm"}, {"state", "PAUSED"}, {"version", 1}, {"reason", "a | b <i>c</i>"}};
  data.text = kFile;
  data.media_type = "application/toml";
  data.measurements = Json::array({measurement("Li:1/MgO", 8.0), measurement("Li:1/MgO", 10.0),
                                   measurement("Na:1/MgO", 3.0), Json::object(), Json(7)});
  data.proposals = Json::array({{{"state", "REQUESTED"}, {"reason", "[x](http://e)"}}});
  data.batches = data.models = Json::array();
  data.ledger = Json::array();
  data.foretold = {{"mae", 1.0},
                   {"inside", 1.0},
                   {"coverage", 0.8},
                   {"points", Json::array({{{"measured", 8.0},
                                            {"predicted", 9.0},
                                            {"low", 7.0},
                                            {"high", 11.0},
                                            {"description", "Li/MgO <u>"}}})}};
  data.progress["y"] = {
      {"property", "y"},
      {"unit", "%"},
      {"total", 3},
      {"points",
       Json::array({{{"n", 1}, {"value", 8.0}, {"description", "Li"}, {"strategy", "given"}},
                    {{"n", 3}, {"value", 3.0}, {"description", "Na"}, {"strategy", "exploit"}}})},
      {"best", Json::array({{{"n", 1}, {"value", 8.0}}, {{"n", 2}, {"value", 10.0}}})},
      {"random", Json::array({{{"n", 1}, {"value", 7.0}}, {{"n", 3}, {"value", 10.0}}})},
      {"batches", Json::array({{{"number", 1}, {"first", 3}, {"last", 3}}})}};
  return data;
}

Report report_of(const CampaignData& data) {
  const auto supports = TableArguments().load_supports();
  EXPECT_TRUE(supports);
  auto config = campaign::parse_campaign(kFile, "ocm.toml", "application/toml", *supports);
  EXPECT_TRUE(config) << config.error().to_string();
  return make_report(data, *config, "2026-01-02T03:04:05Z");
}

TEST(Report, SaysWhatWasFoundAndHowWellItWasPredicted) {
  const Report made = report_of(campaign());
  EXPECT_EQ(made.summary["best"]["y"]["value"], 9.0) << "the mean of both";
  EXPECT_EQ(made.summary["measurements"], 3);
  EXPECT_EQ(made.summary["ledger"]["mae"], 1.0);
  EXPECT_EQ(made.summary["ledger"]["coverage"], 1.0);
  EXPECT_THAT(made.markdown, AllOf(HasSubstr("3 measurements of 2 catalysts"),
                                   HasSubstr("0 batches with 1 proposal:")));
  EXPECT_THAT(made.html, AllOf(HasSubstr("<svg"), HasSubstr("Predicted against later measured: y"),
                               HasSubstr("before their measurements: 1."), HasSubstr("100 %"),
                               HasSubstr("Li/MgO &lt;u&gt;"), HasSubstr("best so far"),
                               HasSubstr("random order (expected)"), HasSubstr("exploit")));
  EXPECT_THAT(made.html, Not(HasSubstr("foretold")));
}

TEST(Report, TextOfOthersStaysText) {
  const Report made = report_of(campaign());
  EXPECT_THAT(made.html, Not(HasSubstr("<script>")));
  EXPECT_THAT(made.html, Not(HasSubstr("<i>")));
  EXPECT_THAT(made.markdown,
              AllOf(HasSubstr("\\<script\\>"), HasSubstr("\\[link\\]\\(javascript"),
                    HasSubstr("\\`code\\`"), HasSubstr("a \\| b"), HasSubstr("\\[x\\]\\(http")));
  // The file holds a fence of three, so its own fence is longer.
  EXPECT_THAT(made.markdown, HasSubstr("\n````\nformat = 1"));
}

TEST(Report, NamesNoAddressOfAWebhook) {
  const Report made = report_of(campaign());
  const auto bundle = campaign_bundle(campaign());
  ASSERT_TRUE(bundle);
  std::string all = made.html + made.markdown;
  for (const auto& [name, text] : *bundle) all += text;
  EXPECT_THAT(all, Not(HasSubstr("SECRET")));
  EXPECT_THAT(all, HasSubstr("https://hooks.slack.example/..."));
  EXPECT_EQ(without_secrets("x = 1 # https://u:p@h:1"), "x = 1 # https://h:1/...");
  EXPECT_EQ(without_secrets("url = 'https://h/a?b' # c\n"), "url = 'https://h/...' # c\n");
}

TEST(Exports, NoCellIsAFormulaAndEveryCellComesBack) {
  const std::string csv = measurements_csv(campaign().measurements);
  EXPECT_THAT(csv, HasSubstr(",'=cmd|"));
  const auto records = read_csv(csv, "m.csv");
  ASSERT_TRUE(records);
  const auto& header = records->front().fields;
  const auto sample =
      static_cast<std::size_t>(std::find(header.begin(), header.end(), "sample") - header.begin());
  EXPECT_EQ((*records)[1].fields[sample], "=cmd|' /C calc'!A0");
}

TEST(Exports, MeasurementsHaveTheirKindAndTheirConditions) {
  const std::string csv = measurements_csv(
      Json::array({measurement("Li:1/MgO", 8.0, {{"temperature_C", 700.25}}), Json::object()}));
  const auto records = read_csv(csv, "m.csv");
  ASSERT_TRUE(records);
  ASSERT_EQ(records->size(), 3U);
  const auto last_five = [&](std::size_t row) {
    const auto& fields = (*records)[row].fields;
    return std::vector<std::string>(fields.end() - 5, fields.end());
  };
  EXPECT_EQ(last_five(0),
            (std::vector<std::string>{"kind", "conditions", "told", "flags", "amounts_unit"}));
  EXPECT_EQ(last_five(1),
            (std::vector<std::string>{"catalyst", R"({"temperature_C":700.25})", "", "", ""}));
  EXPECT_EQ(last_five(2), (std::vector<std::string>{"", "", "", "", ""}));
}

TEST(Exports, CatalystsStandInOneLineWithTheirConditions) {
  const Json list = Json::array({measurement("Li:1/MgO", 1.0, {{"temperature_C", 700}}),
                                 measurement("Li:1/MgO", 3.0, {{"temperature_C", 700}}),
                                 measurement("Li:1/MgO", 5.0, {{"temperature_C", 800}}),
                                 measurement("-/MgO", 0.0)});
  const auto csv = catalysts_csv(list);
  ASSERT_TRUE(csv);
  EXPECT_EQ(*csv,
            "key,Li,Support,temperature_C,y\n"
            "Li:1/MgO,1,MgO,700,2\n"
            "Li:1/MgO,1,MgO,800,5\n"
            "'-/MgO,0,MgO,,0\n");
}

TEST(Exports, NomadHasOneRowARunAndOneASample) {
  Json first = measurement("Mn:2;Na:4/SiO2", 8.0, {{"temperature_C", 800}});
  Json second = first;
  second["property"] = "CH4_conversion";
  const auto tables = nomad_tables(Json::array({first, second}));
  ASSERT_TRUE(tables) << tables.error().to_string();
  EXPECT_EQ(std::count(tables->reactions.begin(), tables->reactions.end(), '\n'), 2);
  EXPECT_THAT(tables->reactions, AllOf(HasSubstr("x_r CH4 (%)"), HasSubstr("2Mn-4Na/SiO2")));
  EXPECT_THAT(tables->samples, HasSubstr("\"Mn,Na\""));
  first["property"] = "a b";
  EXPECT_EQ(nomad_tables(Json::array({first})).error().code, ErrorCode::bad_data);
}

TEST(Plot, TicksAreRoundAndCoverTheRange) {
  EXPECT_EQ(round_ticks(0.0, 10.0, 5), (std::vector<double>{0, 2, 4, 6, 8, 10}));
  EXPECT_EQ(round_ticks(-1.0, 1.0, 4), (std::vector<double>{-1, -0.5, 0, 0.5, 1}));
  EXPECT_EQ(round_ticks(3.0, 3.0, 5), std::vector<double>{3.0}) << "a range of no width";
}

TEST(Plot, WhatIsNotFiniteIsLeftOutAndLabelsAreEscaped) {
  SvgPlot plot("a < b", "y");
  EXPECT_TRUE(plot.empty());
  plot.points({{1.0, NAN, 0, 0, "lost"}, {1.0, 2.0, 1.5, 2.5, "\"kept\" \x1b"}}, "#000", "points");
  const std::string svg = plot.svg();
  EXPECT_THAT(svg, AllOf(HasSubstr("a &lt; b"), HasSubstr("&quot;kept&quot; \\u001b<"),
                         Not(HasSubstr("lost"))));
  EXPECT_THAT(svg, Not(HasSubstr("nan")));
}

}  // namespace
}  // namespace kasetsu::cli
