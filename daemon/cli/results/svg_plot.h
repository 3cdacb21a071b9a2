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
  // Marks differ in shape, too: not everybody tells colours apart.
  enum class Mark { circle, triangle, diamond, square, star, cross };
  enum class Stroke { solid, thin, dashed };  // thin: one of many, faint
  // Values that are not finite are left out. An empty name has no place in the legend.
  void points(std::vector<Point> points, std::string colour, std::string name,
              Mark mark = Mark::circle);
  void line(std::vector<std::pair<double, double>> points, std::string colour, std::string name,
            Stroke stroke = Stroke::solid);
  // A shade behind the plot between two values of x; every other one is darker.
  void band(double from, double to, std::string name);
  void horizontal(double y, std::string name);  // a dashed line
  void diagonal() { diagonal_ = true; }         // y = x, and both axes alike
  void whole_x() { whole_x_ = true; }           // whole numbers alone are written below x
  bool empty() const { return points_.empty() && lines_.empty(); }

  // width and height in pixels; scales with the page.
  std::string svg(int width = 640, int height = 320) const;

 private:
  struct Canvas;
  Canvas canvas(int width, int height) const;
  double legend(Canvas& canvas, int width) const;

  template <typename Item>
  struct Series {
    std::vector<Item> items;
    std::string colour, name;
    Mark mark = Mark::circle;
    Stroke stroke = Stroke::solid;
  };
  struct Band {
    double from, to;
    std::string name;
  };
  std::string x_label_, y_label_;
  std::vector<Series<Point>> points_;
  std::vector<Series<std::pair<double, double>>> lines_;
  std::vector<std::pair<double, std::string>> horizontals_;
  std::vector<Band> bands_;
  bool diagonal_ = false;
  bool whole_x_ = false;
};

}  // namespace kasetsu::cli
