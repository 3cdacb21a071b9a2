#include "daemon/cli/results/svg_plot.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include "daemon/cli/program/display.h"

namespace kasetsu::cli {
namespace {

constexpr const char* kAxis = "#5b6470";
constexpr const char* kGrid = "#e3e7ec";

struct Range {
  double low = std::numeric_limits<double>::infinity();
  double high = -std::numeric_limits<double>::infinity();
  void take(double value) {
    low = std::min(low, value);
    high = std::max(high, value);
  }
  // With a margin, and never of no width.
  void widen() {
    if (!(low <= high)) low = 0.0, high = 1.0;
    const double margin = high > low ? 0.05 * (high - low) : std::max(0.5, 0.05 * std::abs(high));
    low -= margin;
    high += margin;
  }
};

}  // namespace

std::string escape_html(std::string_view text) {
  std::string out;
  for (const char c : printable(text)) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::vector<double> round_ticks(double low, double high, int count) {
  const double rough = (high - low) / std::max(1, count);
  if (!(rough > 0.0) || !std::isfinite(rough)) return {low};
  const double power = std::pow(10.0, std::floor(std::log10(rough)));
  const double share = rough / power;
  const double step = power * (share < 1.5 ? 1.0 : share < 3.5 ? 2.0 : share < 7.5 ? 5.0 : 10.0);
  std::vector<double> ticks;
  for (double k = std::ceil(low / step - 1e-9); k * step <= high + 1e-9 * step; k += 1.0)
    ticks.push_back(k == 0.0 ? 0.0 : k * step);
  return ticks;
}

SvgPlot::SvgPlot(std::string x_label, std::string y_label)
    : x_label_(std::move(x_label)), y_label_(std::move(y_label)) {
}

void SvgPlot::points(std::vector<Point> points, std::string colour, std::string name, Mark mark) {
  std::erase_if(points, [](const Point& p) { return !std::isfinite(p.x) || !std::isfinite(p.y); });
  if (points.empty()) return;
  points_.push_back({std::move(points), std::move(colour), std::move(name), mark, {}});
}

void SvgPlot::line(std::vector<std::pair<double, double>> points, std::string colour,
                   std::string name, Stroke stroke) {
  std::erase_if(points,
                [](const auto& p) { return !std::isfinite(p.first) || !std::isfinite(p.second); });
  if (points.empty()) return;
  lines_.push_back({std::move(points), std::move(colour), std::move(name), {}, stroke});
}

void SvgPlot::band(double from, double to, std::string name) {
  if (std::isfinite(from) && std::isfinite(to)) bands_.push_back({from, to, std::move(name)});
}

void SvgPlot::horizontal(double y, std::string name) {
  horizontals_.emplace_back(y, std::move(name));
}

// Where the axes lie, and what is drawn on them.
struct SvgPlot::Canvas {
  Range x, y;
  double left = 64, right = 0, top = 30, bottom = 0;
  std::string out;

  double at_x(double value) const {
    return left + (value - x.low) / (x.high - x.low) * (right - left);
  }
  double at_y(double value) const {
    return bottom - (value - y.low) / (y.high - y.low) * (bottom - top);
  }

  void axes(const std::string& x_label, const std::string& y_label, int height, bool whole_x) {
    for (const double tick : round_ticks(x.low, x.high, 8)) {
      if (whole_x && tick != std::round(tick)) continue;
      out += fmt::format(
          "<line x1=\"{0:.1f}\" x2=\"{0:.1f}\" y1=\"{1:.1f}\" y2=\"{2:.1f}\" stroke=\"{3}\"/>"
          "<text x=\"{0:.1f}\" y=\"{4:.1f}\" fill=\"{5}\" text-anchor=\"middle\">{6:g}</text>\n",
          at_x(tick), top, bottom, kGrid, bottom + 16, kAxis, tick);
    }
    for (const double tick : round_ticks(y.low, y.high, 6)) {
      out += fmt::format(
          "<line x1=\"{0:.1f}\" x2=\"{1:.1f}\" y1=\"{2:.1f}\" y2=\"{2:.1f}\" stroke=\"{3}\"/>"
          "<text x=\"{4:.1f}\" y=\"{5:.1f}\" fill=\"{6}\" text-anchor=\"end\">{7:g}</text>\n",
          left, right, at_y(tick), kGrid, left - 6, at_y(tick) + 4, kAxis, tick);
    }
    out += fmt::format(
        "<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\" fill=\"none\" "
        "stroke=\"{}\"/>\n",
        left, top, right - left, bottom - top, kAxis);
    out += fmt::format("<text x=\"{:.1f}\" y=\"{}\" fill=\"{}\" text-anchor=\"middle\">{}</text>\n",
                       (left + right) / 2, height - 10, kAxis, escape_html(x_label));
    out += fmt::format(
        "<text transform=\"translate(14 {:.1f}) rotate(-90)\" fill=\"{}\" "
        "text-anchor=\"middle\">{}</text>\n",
        (top + bottom) / 2, kAxis, escape_html(y_label));
  }

  void dashed(double value, const std::string& name) {
    out += fmt::format(
        "<line x1=\"{0:.1f}\" x2=\"{1:.1f}\" y1=\"{2:.1f}\" y2=\"{2:.1f}\" stroke=\"{3}\" "
        "stroke-dasharray=\"6 4\"/><text x=\"{1:.1f}\" y=\"{4:.1f}\" fill=\"{3}\" "
        "text-anchor=\"end\">{5} </text>\n",
        left, right, at_y(value), kAxis, at_y(value) - 5, escape_html(name));
  }

  void point(const Point& p, const std::string& colour, Mark shape) {
    if (has_bar(p)) {
      out += fmt::format(
          "<line x1=\"{0:.1f}\" x2=\"{0:.1f}\" y1=\"{1:.1f}\" y2=\"{2:.1f}\" stroke=\"{3}\" "
          "stroke-opacity=\"0.35\"/>\n",
          at_x(p.x), at_y(p.low), at_y(p.high), colour);
    }
    mark(at_x(p.x), at_y(p.y), shape, colour, "<title>" + escape_html(p.text) + "</title>");
  }

  // In the middle of (left, top), in pixels.
  void mark(double across, double down, Mark shape, const std::string& colour,
            const std::string& inside) {
    if (shape == Mark::circle) {
      out += fmt::format(
          "<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"3.2\" fill=\"{}\" fill-opacity=\"0.75\">{}"
          "</circle>\n",
          across, down, colour, inside);
      return;
    }
    static const std::map<Mark, const char*> kPaths = {
        {Mark::triangle, "m0 -4.5 4 7.5h-8z"},
        {Mark::diamond, "m0 -4.6 4.6 4.6 -4.6 4.6 -4.6 -4.6z"},
        {Mark::square, "m-3.4 -3.4h6.8v6.8h-6.8z"},
        {Mark::star, "m0 -5 1.3 3.7 3.7 1.3 -3.7 1.3 -1.3 3.7 -1.3 -3.7 -3.7 -1.3 3.7 -1.3z"},
        {Mark::cross, "m-3 -3 6 6m0 -6 -6 6"}};
    const bool open = shape == Mark::cross;
    out += fmt::format(
        "<path d=\"M{:.1f} {:.1f}{}\" fill=\"{}\" fill-opacity=\"0.75\" stroke=\"{}\" "
        "stroke-width=\"{}\">{}</path>\n",
        across, down, kPaths.at(shape), open ? "none" : colour, colour, open ? 1.4 : 0.5, inside);
  }

  void shade(double from, double to, const std::string& name, bool dark, bool named) {
    out += fmt::format(
        "<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\" fill=\"#808080\" "
        "fill-opacity=\"{}\"/>\n",
        at_x(from), top, at_x(to) - at_x(from), bottom - top, dark ? 0.12 : 0.03);
    if (!named) return;
    out += fmt::format(
        "<text x=\"{:.1f}\" y=\"{:.1f}\" fill=\"{}\" text-anchor=\"middle\" "
        "font-size=\"10\">{}</text>\n",
        0.5 * (at_x(from) + at_x(to)), bottom - 4, kAxis, escape_html(name));
  }

  void polyline(const Series<std::pair<double, double>>& series) {
    out += fmt::format("<polyline fill=\"none\" stroke-width=\"{}\" stroke=\"{}\"{} points=\"",
                       series.stroke == Stroke::thin ? 1 : 2, series.colour,
                       series.stroke == Stroke::thin     ? " stroke-opacity=\"0.45\""
                       : series.stroke == Stroke::dashed ? " stroke-dasharray=\"5 4\""
                                                         : "");
    for (const auto& [px, py] : series.items)
      out += fmt::format("{:.1f},{:.1f} ", at_x(px), at_y(py));
    out += "\"/>\n";
  }

  static bool has_bar(const Point& p) {
    return p.low < p.high && std::isfinite(p.low) && std::isfinite(p.high);
  }
};

SvgPlot::Canvas SvgPlot::canvas(int width, int height) const {
  Canvas canvas;
  for (const auto& series : points_) {
    for (const Point& p : series.items) {
      canvas.x.take(p.x);
      canvas.y.take(p.y);
      if (!Canvas::has_bar(p)) continue;
      canvas.y.take(p.low);
      canvas.y.take(p.high);
    }
  }
  for (const auto& series : lines_) {
    for (const auto& [px, py] : series.items) {
      canvas.x.take(px);
      canvas.y.take(py);
    }
  }
  for (const auto& [value, name] : horizontals_) canvas.y.take(value);
  if (diagonal_) {
    canvas.x.take(canvas.y.low), canvas.x.take(canvas.y.high);
    canvas.y = canvas.x;
  }
  canvas.x.widen();
  canvas.y.widen();
  canvas.right = width - 12.0;
  canvas.bottom = height - 46.0;
  return canvas;
}

// Names beside their marks, in as many lines as they need; returns the height of those.
double SvgPlot::legend(Canvas& canvas, int width) const {
  double across = canvas.left;
  double down = 14.0;
  const auto entry = [&](const std::string& name, const std::string& colour, Mark mark, bool line) {
    if (name.empty()) return;
    const double needed = 26.0 + 6.6 * static_cast<double>(name.size());
    if (across > canvas.left && across + needed > width) {
      across = canvas.left;
      down += 16.0;
    }
    if (line) {
      canvas.out +=
          fmt::format("<path d=\"M{:.1f} {:.1f}h12\" stroke=\"{}\" stroke-width=\"2.5\"/>\n",
                      across - 1, down, colour);
    } else {
      canvas.mark(across + 5, down, mark, colour, "");
    }
    canvas.out += fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" fill=\"{}\">{}</text>\n",
                              across + 15, down + 4, kAxis, escape_html(name));
    across += needed;
  };
  for (const auto& series : points_) entry(series.name, series.colour, series.mark, false);
  for (const auto& series : lines_) entry(series.name, series.colour, Mark::circle, true);
  return down + 16.0;
}

std::string SvgPlot::svg(int width, int height) const {
  Canvas canvas = this->canvas(width, height);
  canvas.out = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {} {}\" role=\"img\" "
      "font-family=\"system-ui, sans-serif\" font-size=\"12\">\n",
      width, height);
  canvas.top = legend(canvas, width);
  constexpr std::size_t kMostNamed = 24;
  for (std::size_t i = 0; i < bands_.size(); ++i) {
    canvas.shade(bands_[i].from, bands_[i].to, bands_[i].name, i % 2 == 0,
                 bands_.size() <= kMostNamed);
  }
  canvas.axes(x_label_, y_label_, height, whole_x_);
  if (diagonal_) {
    canvas.out += fmt::format(
        "<line x1=\"{:.1f}\" x2=\"{:.1f}\" y1=\"{:.1f}\" y2=\"{:.1f}\" stroke=\"{}\" "
        "stroke-dasharray=\"4 3\"/>\n",
        canvas.left, canvas.right, canvas.bottom, canvas.top, kAxis);
  }
  for (const auto& [value, name] : horizontals_) canvas.dashed(value, name);
  for (const auto& series : points_) {
    for (const Point& p : series.items) canvas.point(p, series.colour, series.mark);
  }
  for (const auto& series : lines_) canvas.polyline(series);
  return canvas.out + "</svg>\n";
}

}  // namespace kasetsu::cli
