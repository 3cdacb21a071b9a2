#include "daemon/cli/results/svg_plot.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

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

void SvgPlot::points(std::vector<Point> points, std::string colour, std::string name) {
  std::erase_if(points, [](const Point& p) { return !std::isfinite(p.x) || !std::isfinite(p.y); });
  if (!points.empty()) points_.push_back({std::move(points), std::move(colour), std::move(name)});
}

void SvgPlot::line(std::vector<std::pair<double, double>> points, std::string colour,
                   std::string name) {
  std::erase_if(points,
                [](const auto& p) { return !std::isfinite(p.first) || !std::isfinite(p.second); });
  if (!points.empty()) lines_.push_back({std::move(points), std::move(colour), std::move(name)});
}

void SvgPlot::thin_line(std::vector<std::pair<double, double>> points, std::string colour,
                        std::string name) {
  const std::size_t before = lines_.size();
  line(std::move(points), std::move(colour), std::move(name));
  if (lines_.size() > before) lines_.back().thin = true;
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

  void axes(const std::string& x_label, const std::string& y_label, int height) {
    for (const double tick : round_ticks(x.low, x.high, 8)) {
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

  void point(const Point& p, const std::string& colour) {
    if (has_bar(p)) {
      out += fmt::format(
          "<line x1=\"{0:.1f}\" x2=\"{0:.1f}\" y1=\"{1:.1f}\" y2=\"{2:.1f}\" stroke=\"{3}\" "
          "stroke-opacity=\"0.35\"/>\n",
          at_x(p.x), at_y(p.low), at_y(p.high), colour);
    }
    out += fmt::format(
        "<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"3\" fill=\"{}\" fill-opacity=\"0.75\"><title>{}"
        "</title></circle>\n",
        at_x(p.x), at_y(p.y), colour, escape_html(p.text));
  }

  void polyline(const Series<std::pair<double, double>>& series) {
    out += fmt::format("<polyline fill=\"none\" stroke-width=\"{}\" stroke=\"{}\"{} points=\"",
                       series.thin ? 1 : 2, series.colour,
                       series.thin ? " stroke-opacity=\"0.45\"" : "");
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

std::string SvgPlot::svg(int width, int height) const {
  Canvas canvas = this->canvas(width, height);
  canvas.out = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {} {}\" role=\"img\" "
      "font-family=\"system-ui, sans-serif\" font-size=\"12\">\n",
      width, height);
  canvas.axes(x_label_, y_label_, height);
  if (diagonal_) {
    canvas.out += fmt::format(
        "<line x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\" stroke=\"{}\" "
        "stroke-dasharray=\"4 3\"/>\n",
        canvas.left, canvas.bottom, canvas.right, canvas.top, kAxis);
  }
  for (const auto& [value, name] : horizontals_) canvas.dashed(value, name);
  for (const auto& series : points_) {
    for (const Point& p : series.items) canvas.point(p, series.colour);
  }
  for (const auto& series : lines_) canvas.polyline(series);
  double legend = canvas.left;
  const auto entry = [&](const std::string& name, const std::string& colour) {
    if (name.empty()) return;
    canvas.out += fmt::format(
        "<circle cx=\"{:.1f}\" cy=\"14\" r=\"5\" fill=\"{}\"/><text x=\"{:.1f}\" y=\"18\" "
        "fill=\"{}\">{}</text>\n",
        legend + 5, colour, legend + 15, kAxis, escape_html(name));
    legend += 30.0 + 7.0 * static_cast<double>(name.size());
  };
  for (const auto& series : points_) entry(series.name, series.colour);
  for (const auto& series : lines_) entry(series.name, series.colour);
  return canvas.out + "</svg>\n";
}

}  // namespace kasetsu::cli
