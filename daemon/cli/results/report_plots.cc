#include "daemon/cli/results/report_plots.h"

#include <fmt/format.h>

#include <cmath>
#include <map>
#include <utility>

#include "daemon/cli/program/answers.h"
#include "daemon/cli/results/words.h"

namespace kasetsu::cli {
namespace {

constexpr const char* kBlue = "#0072B2";
constexpr const char* kOrange = "#D55E00";
constexpr const char* kGold = "#E69F00";
constexpr const char* kGrey = "#8a8a8a";

// The colours and marks of daemon/web/format.js.
struct StrategyLook {
  const char* colour;
  SvgPlot::Mark mark;
};
StrategyLook look_of(const std::string& strategy) {
  static const std::map<std::string, StrategyLook> kLooks = {
      {"exploit", {kOrange, SvgPlot::Mark::triangle}},
      {"explore", {kBlue, SvgPlot::Mark::circle}},
      {"challenge", {"#009E73", SvgPlot::Mark::diamond}},
      {"recheck", {"#CC79A7", SvgPlot::Mark::square}},
      {"bridge", {"#56B4E9", SvgPlot::Mark::circle}},
      {"manual", {kGold, SvgPlot::Mark::star}},
      {"amended", {kGold, SvgPlot::Mark::star}},
      {"given", {kGrey, SvgPlot::Mark::cross}}};
  const auto found = kLooks.find(strategy);
  return found == kLooks.end() ? StrategyLook{kGrey, SvgPlot::Mark::circle} : found->second;
}

void add_measurements(SvgPlot& plot, const Json& progress, const std::string& unit) {
  std::map<std::string, std::vector<SvgPlot::Point>> by_strategy;
  for (const Json& point : list_of(progress, "points")) {
    by_strategy[field(point, "strategy")].push_back(
        {number_of(point, "n"), number_of(point, "value"), 0, 0,
         fmt::format("{}: {}", field(point, "description"),
                     with_unit(number_of(point, "value"), unit))});
  }
  for (auto& [strategy, points] : by_strategy) {
    const StrategyLook look = look_of(strategy);
    plot.points(std::move(points), look.colour, words("strategy." + strategy), look.mark);
  }
  // Too many to draw: bins.
  std::vector<std::pair<double, double>> mean, low, high;
  for (const Json& bin : list_of(progress, "bins")) {
    const double x = 0.5 * (number_of(bin, "from") + number_of(bin, "to"));
    mean.emplace_back(x, number_of(bin, "mean"));
    low.emplace_back(x, number_of(bin, "low"));
    high.emplace_back(x, number_of(bin, "high"));
  }
  plot.line(std::move(low), kBlue, words("plot.range"), SvgPlot::Stroke::thin);
  plot.line(std::move(high), kBlue, "", SvgPlot::Stroke::thin);
  plot.line(std::move(mean), kBlue, words("plot.mean"));
}

// A step where it rose, and on to the last measurement.
std::vector<std::pair<double, double>> steps_of(const Json& progress) {
  std::vector<std::pair<double, double>> steps;
  for (const Json& step : list_of(progress, "best")) {
    const double n = number_of(step, "n");
    if (!steps.empty()) steps.emplace_back(n, steps.back().second);
    steps.emplace_back(n, number_of(step, "value"));
  }
  if (!steps.empty()) steps.emplace_back(number_of(progress, "total"), steps.back().second);
  return steps;
}

}  // namespace

std::string unit_of(const Json& answer) {
  const std::string unit = field(answer, "unit");
  return unit == "-" ? "" : unit;
}

std::string with_unit(double value, const std::string& unit) {
  if (!std::isfinite(value)) return "-";
  return fmt::format("{:.4g}{}{}", value, unit.empty() ? "" : " ", unit);
}

std::string axis_name(const std::string& property, const std::string& unit) {
  return unit.empty() ? property : fmt::format("{} ({})", property, unit);
}

SvgPlot progress_plot(const Json& progress) {
  const std::string unit = unit_of(progress);
  SvgPlot plot(words("plot.order"), axis_name(field(progress, "property"), unit));
  for (const Json& batch : list_of(progress, "batches")) {
    plot.band(number_of(batch, "first") - 0.5, number_of(batch, "last") + 0.5,
              field(batch, "number"));
  }
  add_measurements(plot, progress, unit);
  std::vector<std::pair<double, double>> random;
  for (const Json& one : list_of(progress, "random")) {
    random.emplace_back(number_of(one, "n"), number_of(one, "value"));
  }
  plot.line(std::move(random), kGrey, words("plot.random"), SvgPlot::Stroke::dashed);
  plot.line(steps_of(progress), kGold, words("plot.best"));
  return plot;
}

SvgPlot parity_plot(const Json& points, const std::string& property, const std::string& unit,
                    const std::string& y) {
  SvgPlot plot(words("measured.axis", {{"name", axis_name(property, unit)}}), y);
  plot.diagonal();
  std::vector<SvgPlot::Point> inside, outside;
  for (const Json& point : points) {
    const double measured = number_of(point, "measured");
    const double predicted = number_of(point, "predicted");
    const double low = number_of(point, "low");
    const double high = number_of(point, "high");
    const bool told = std::isfinite(low) && std::isfinite(high);
    const std::string interval = told ? fmt::format("{:.3g} … {:.3g}", low, high) : "-";
    auto& list = !told || (low <= measured && measured <= high) ? inside : outside;
    list.push_back({measured, predicted, told ? low : 0.0, told ? high : 0.0,
                    fmt::format("{}: {}", field(point, "description"),
                                words("parity.text", {{"measured", with_unit(measured, unit)},
                                                      {"predicted", with_unit(predicted, unit)},
                                                      {"interval", interval}}))});
  }
  plot.points(std::move(inside), kBlue, words("parity.inside"));
  plot.points(std::move(outside), kOrange, words("parity.outside"), SvgPlot::Mark::cross);
  return plot;
}

SvgPlot hypotheses_plot(const Json& record) {
  SvgPlot plot(words("plot.batch"), axis_name(words("mean_error"), unit_of(record)));
  const std::pair<const char*, const char*> states[] = {
      {"dropped", kGrey}, {"dormant", "#56B4E9"}, {"eliminated", kOrange}, {"alive", kBlue}};
  for (const auto& [state, colour] : states) {
    std::string name = words(std::string("hypothesis.") + state);
    for (const Json& hypothesis : list_of(record, "hypotheses")) {
      if (field(hypothesis, "state") != state) continue;
      std::vector<std::pair<double, double>> line;
      for (const Json& error : list_of(hypothesis, "errors")) {
        if (line.empty()) {
          line.emplace_back(number_of(error, "batch") - 1.0, number_of(hypothesis, "promised"));
        }
        line.emplace_back(number_of(error, "batch"), number_of(error, "mae"));
      }
      plot.line(std::move(line), colour, std::exchange(name, ""), SvgPlot::Stroke::thin);
    }
  }
  std::vector<std::pair<double, double>> model;
  for (const Json& batch : list_of(record, "batches")) {
    model.emplace_back(number_of(batch, "batch"), number_of(batch, "mae_ensemble"));
  }
  plot.line(std::move(model), kGold, words("hypotheses.model"));
  plot.whole_x();
  return plot;
}

}  // namespace kasetsu::cli
