// The plots of a report: drawn from the answers that the dashboard draws, with the same words.
#pragma once

#include <string>

#include "daemon/base/json.h"
#include "daemon/cli/results/svg_plot.h"

namespace kasetsu::cli {

// GET .../progress: every measurement by its strategy, the steps of the best so far, bands of
// batches, and what random order would have given.
SvgPlot progress_plot(const Json& progress);

// The points of GET .../insight or .../foretold, inside and outside their intervals. y: what the
// predictions are, in words.
SvgPlot parity_plot(const Json& points, const std::string& property, const std::string& unit,
                    const std::string& y);

// GET .../hypotheses: the paper's Figure 2.
SvgPlot hypotheses_plot(const Json& record);

// "12.3 %", four significant digits.
std::string with_unit(double value, const std::string& unit);
// "C2_yield (%)".
std::string axis_name(const std::string& property, const std::string& unit);
// A unit as the API tells it; empty where there is none.
std::string unit_of(const Json& answer);

}  // namespace kasetsu::cli
