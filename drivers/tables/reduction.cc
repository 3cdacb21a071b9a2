#include "drivers/tables/reduction.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

#include "daemon/base/plain_condition.h"

namespace kasetsu::tables {
namespace {

struct Point {
  double sum = 0.0;
  int count = 0;
  const TableRow* row = nullptr;      // the first of its replicates
  const TableValue* value = nullptr;  // of it
  // Whether limits are among them: the mean is such a limit, too; of both it is nothing.
  bool below = false, above = false;
  double mean() const { return sum / count; }
};

struct Group {
  std::map<std::map<std::string, double>, Point> points;  // by conditions
  std::vector<std::size_t> lines;
};

using Key = std::tuple<std::string, std::string, std::string, std::string, std::string, std::string,
                       std::string>;
using Conditions = std::map<std::string, double>;

Conditions plain(Conditions conditions) {
  for (auto& [name, value] : conditions) value = plain_condition(value);
  return conditions;
}

void add(const TableRow& row, const TableValue& value, Group& group) {
  Point& point = group.points[plain(row.conditions)];
  if (point.row == nullptr) {
    point.row = &row;
    point.value = &value;
  }
  (value.above ? point.above : point.below) |= value.censored;
  point.sum += value.value;
  ++point.count;
  group.lines.push_back(row.line);
}

// The points that the reduction is about, the largest first.
std::vector<const Point*> wanted_points(const Reduction& reduction, const Group& group) {
  const Conditions fixed = plain(reduction.at);
  std::vector<const Point*> points;
  for (const auto& [conditions, point] : group.points) {
    const bool wanted =
        std::all_of(fixed.begin(), fixed.end(), [&, &at = conditions](const auto& one) {
          const auto found = at.find(one.first);
          return found != at.end() && found->second == one.second;
        });
    if (wanted) points.push_back(&point);
  }
  // Equal values in the order of their lines, so that the result does not depend on the sort; what
  // was measured before a limit.
  std::sort(points.begin(), points.end(), [](const Point* a, const Point* b) {
    return std::tuple(-a->mean(), a->below || a->above, a->row->line) <
           std::tuple(-b->mean(), b->below || b->above, b->row->line);
  });
  return points;
}

// The points that the result is made of: the largest, or the three largest. What is above a limit
// at any of the points may be the largest: the result is at least what the others are, and the one
// maximum does not depend on what lies below a limit.
struct ReducedPoints {
  std::vector<const Point*> points;
  bool below = false, above = false;  // the result is a limit of this kind; of both: it is nothing
};

ReducedPoints chosen_points(const Reduction& reduction, std::vector<const Point*> points) {
  ReducedPoints chosen;
  for (const Point* point : points) {
    chosen.above |= point->above;
    chosen.below |= point->above && point->below;
  }
  if (chosen.below) return chosen;
  const std::size_t most = reduction.method == "top3_mean" ? 3 : 1;
  if (chosen.above && most == 1) std::erase_if(points, [](const Point* one) { return one->below; });
  points.resize(std::min(most, points.size()));
  for (const Point* point : points) chosen.below |= point->below;
  chosen.points = std::move(points);
  return chosen;
}

TableRow reduced(const Reduction& reduction, const Group& group, const ReducedPoints& chosen,
                 const std::vector<const Point*>& points) {
  TableRow row = *chosen.points[0]->row;
  row.sequence.reset();
  row.replicate.reset();
  row.points = group.lines;
  TableValue value = *chosen.points[0]->value;
  double sum = 0.0;
  for (const Point* point : chosen.points) sum += point->mean();
  value.name = reduction.name;
  value.value = sum / static_cast<double>(chosen.points.size());
  value.censored = chosen.below || chosen.above;
  value.above = chosen.above;
  row.isolated_maximum = reduction.method == "max" && !value.censored && points.size() > 1 &&
                         value.value - points[1]->mean() > reduction.isolated_by;
  row.values = {std::move(value)};
  return row;
}

std::string lines_text(const std::vector<std::size_t>& lines) {
  return fmt::format(
      "lines {}{}",
      fmt::join(lines.begin(), lines.begin() + std::min<std::ptrdiff_t>(8, std::ssize(lines)),
                ", "),
      lines.size() > 8 ? ", ..." : "");
}

std::string note_without(const Reduction& reduction, const std::vector<std::size_t>& lines,
                         std::size_t groups) {
  std::string conditions;
  for (const auto& [name, value] : reduction.at) {
    conditions += fmt::format("{}{} = {:.9g}", conditions.empty() ? "" : ", ", name, value);
  }
  return fmt::format(
      "no row of {} was made for {} of {} runs of samples, which have no point at {} ({})",
      reduction.name, lines.size(), groups, conditions, lines_text(lines));
}

std::string note_mixed(const Reduction& reduction, const std::vector<std::size_t>& lines,
                       std::size_t groups) {
  return fmt::format(
      "no row of {} was made for {} of {} runs of samples: it would be a mean of values below one "
      "limit and above another ({})",
      reduction.name, lines.size(), groups, lines_text(lines));
}

}  // namespace

void reduce(const Reduction& reduction, std::vector<TableRow>& rows,
            std::vector<std::string>& notes) {
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
    add(row, *value, groups[key]);
  }
  std::vector<TableRow> made;
  std::vector<std::size_t> without, mixed;  // the first line of each group that makes no row
  for (const Key& key : order) {
    const Group& group = groups[key];
    const auto points = wanted_points(reduction, group);
    const ReducedPoints chosen = chosen_points(reduction, points);
    if (points.empty()) {
      without.push_back(group.lines.front());
    } else if (chosen.below && chosen.above) {
      mixed.push_back(group.lines.front());
    } else {
      made.push_back(reduced(reduction, group, chosen, points));
    }
  }
  if (!without.empty()) notes.push_back(note_without(reduction, without, order.size()));
  if (!mixed.empty()) notes.push_back(note_mixed(reduction, mixed, order.size()));
  rows.insert(rows.end(), std::make_move_iterator(made.begin()),
              std::make_move_iterator(made.end()));
}

}  // namespace kasetsu::tables
