// A plot as SVG text, for reports that need no other file.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kasetsu::cli {

// `text` with &, <, > and quotes made harmless in HTML and SVG.
std::string escape_html(std::string_view text);

// Round numbers that cover [low, high] in about `count` steps: 1, 2 or 5 times a power of ten.
std::vector<double> round_ticks(double low, double high, int count);

class SvgPlot {
 public:
  SvgPlot(std::string x_label, std::string y_label);

  struct Point {
    double x = 0.0, y = 0.0;
    double low = 0.0, high = 0.0;  // a bar through the point where low < high
    std::string text;              // shown when the mouse rests on it
  };
  // Values that are not finite are left out.
  void points(std::vector<Point> points, std::string colour, std::string name);
  void line(std::vector<std::pair<double, double>> points, std::string colour, std::string name);
  // One of many, faint.
  void thin_line(std::vector<std::pair<double, double>> points, std::string colour,
                 std::string name);
  void horizontal(double y, std::string name);  // a dashed line
  void diagonal() { diagonal_ = true; }         // y = x, and both axes alike
  bool empty() const { return points_.empty() && lines_.empty(); }

  // width and height in pixels; scales with the page.
  std::string svg(int width = 640, int height = 320) const;

 private:
  struct Canvas;
  Canvas canvas(int width, int height) const;

  template <typename Item>
  struct Series {
    std::vector<Item> items;
    std::string colour, name;
    bool thin = false;
  };
  std::string x_label_, y_label_;
  std::vector<Series<Point>> points_;
  std::vector<Series<std::pair<double, double>>> lines_;
  std::vector<std::pair<double, std::string>> horizontals_;
  bool diagonal_ = false;
};

}  // namespace kasetsu::cli
