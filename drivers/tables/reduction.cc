#include "drivers/tables/reduction.h"

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

namespace kasetsu::tables {
namespace {

struct Point {
  double sum = 0.0;
  int count = 0;
  const TableRow* row = nullptr;  // the first of its replicates
  double mean() const { return sum / count; }
};

struct Group {
  std::map<std::map<std::string, double>, Point> points;  // by conditions
  std::vector<std::size_t> lines;
  std::string unit;
};

}  // namespace

void reduce(const Reduction& reduction, std::vector<TableRow>& rows) {
  using Key = std::tuple<std::string, std::string, std::string, std::string, std::string,
                         std::string, std::string>;
  std::vector<Key> order;
  std::map<Key, Group> groups;
  for (const TableRow& row : rows) {
    if (!row.problems.empty()) continue;
    const auto value = std::find_if(row.values.begin(), row.values.end(), [&](const TableValue& v) {
      return v.name == reduction.property;
    });
    if (value == row.values.end()) continue;
    Key key{row.source,  row.run,  row.channel,
            row.sample,  row.kind, row.catalyst ? row.catalyst->key : "",
            row.proposal};
    if (!groups.contains(key)) order.push_back(key);
    Group& group = groups[key];
    Point& point = group.points[row.conditions];
    if (point.row == nullptr) point.row = &row;
    point.sum += value->value;
    ++point.count;
    group.lines.push_back(row.line);
    group.unit = value->unit;
  }
  std::vector<TableRow> made;
  for (const Key& key : order) {
    const Group& group = groups[key];
    std::vector<const Point*> points;
    for (const auto& [conditions, point] : group.points) {
      const bool wanted = std::all_of(reduction.at.begin(), reduction.at.end(),
                                      [&, &at = conditions](const auto& fixed) {
                                        const auto found = at.find(fixed.first);
                                        return found != at.end() && found->second == fixed.second;
                                      });
      if (wanted) points.push_back(&point);
    }
    if (points.empty()) continue;
    // Equal values in the order of their lines, so that the result does not depend on the sort.
    std::sort(points.begin(), points.end(), [](const Point* a, const Point* b) {
      return a->mean() != b->mean() ? a->mean() > b->mean() : a->row->line < b->row->line;
    });
    TableRow row = *points[0]->row;
    row.sequence.reset();
    row.replicate.reset();
    row.points = group.lines;
    double value = points[0]->mean();
    if (reduction.method == "top3_mean") {
      const std::size_t most = std::min<std::size_t>(3, points.size());
      for (std::size_t i = 1; i < most; ++i) value += points[i]->mean();
      value /= static_cast<double>(most);
    }
    row.isolated_maximum = reduction.method == "max" && points.size() > 1 &&
                           value - points[1]->mean() > reduction.isolated_by;
    row.values = {{reduction.name, value, group.unit, false}};
    made.push_back(std::move(row));
  }
  rows.insert(rows.end(), std::make_move_iterator(made.begin()),
              std::make_move_iterator(made.end()));
}

}  // namespace kasetsu::tables
