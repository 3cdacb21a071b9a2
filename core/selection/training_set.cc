#include "core/selection/training_set.h"

#include <algorithm>
#include <map>
#include <set>

#include "core/base/random.h"
#include "core/base/result.h"

namespace kasetsu::selection {

Folds make_folds(std::span<const chemistry::Catalyst> catalysts, int folds, std::uint64_t seed) {
  KASETSU_ASSERT(folds == 0 || folds >= 2);
  std::map<std::string, std::vector<int>> groups;
  std::vector<std::string> keys;  // in the order of their first row
  for (std::size_t i = 0; i < catalysts.size(); ++i) {
    const std::string key = chemistry::canonical_key(catalysts[i]);
    std::vector<int>& group = groups[key];
    if (group.empty()) keys.push_back(key);
    group.push_back(static_cast<int>(i));
  }
  Folds out;
  out.of_row.resize(catalysts.size());
  out.count = static_cast<int>(keys.size());
  if (folds > 0) out.count = std::min(out.count, folds);
  Random random(seed, 0x666f6c6473ULL);
  random.shuffle(keys);
  // The largest groups first, each to the fold with the fewest rows.
  std::stable_sort(keys.begin(), keys.end(), [&](const std::string& a, const std::string& b) {
    return groups.at(a).size() > groups.at(b).size();
  });
  std::vector<std::size_t> rows(static_cast<std::size_t>(out.count), 0);
  for (const std::string& key : keys) {
    const auto fewest = std::min_element(rows.begin(), rows.end());
    *fewest += groups.at(key).size();
    for (const int row : groups.at(key))
      out.of_row[static_cast<std::size_t>(row)] = static_cast<int>(fewest - rows.begin());
  }
  return out;
}

TrainingSet subset(const TrainingSet& data, std::span<const int> rows) {
  TrainingSet out;
  const std::vector<int> picked(rows.begin(), rows.end());
  out.catalysts.reserve(picked.size());
  for (const int row : picked)
    out.catalysts.push_back(data.catalysts[static_cast<std::size_t>(row)]);
  out.conditions.names = data.conditions.names;
  if (!data.conditions.names.empty())
    out.conditions.values = data.conditions.values(picked, Eigen::all);
  out.y = data.y(picked);
  for (const int row : picked) {
    if (!data.batches.empty()) out.batches.push_back(data.batches[static_cast<std::size_t>(row)]);
  }
  return out;
}

std::map<std::pair<std::string, std::vector<double>>, std::vector<Eigen::Index>> rows_by_point(
    const TrainingSet& data) {
  std::map<std::pair<std::string, std::vector<double>>, std::vector<Eigen::Index>> points;
  for (Eigen::Index i = 0; i < data.y.size(); ++i) {
    std::vector<double> inputs;
    for (Eigen::Index j = 0; j < static_cast<Eigen::Index>(data.conditions.names.size()); ++j)
      inputs.push_back(data.conditions.values(i, j));
    points[{chemistry::canonical_key(data.catalysts[static_cast<std::size_t>(i)]), inputs}]
        .push_back(i);
  }
  return points;
}

CompositionColumns CompositionColumns::learn(const TrainingSet& data) {
  std::set<int> elements;
  std::set<std::string> supports;
  for (const chemistry::Catalyst& catalyst : data.catalysts) {
    for (const auto& part : catalyst.active.parts()) elements.insert(part.element);
    supports.insert(catalyst.support);
  }
  CompositionColumns out;
  out.elements.assign(elements.begin(), elements.end());
  if (supports.size() > 1) out.supports.assign(supports.begin(), supports.end());
  out.conditions = static_cast<int>(data.conditions.names.size());
  return out;
}

Eigen::MatrixXd CompositionColumns::of(std::span<const chemistry::Catalyst> catalysts,
                                       const descriptors::Conditions& inputs) const {
  const auto rows = static_cast<Eigen::Index>(catalysts.size());
  const auto first_support = static_cast<Eigen::Index>(elements.size());
  const auto first_condition = first_support + static_cast<Eigen::Index>(supports.size());
  Eigen::MatrixXd X = Eigen::MatrixXd::Zero(rows, first_condition + conditions);
  for (Eigen::Index i = 0; i < rows; ++i) {
    const chemistry::Catalyst& catalyst = catalysts[static_cast<std::size_t>(i)];
    for (std::size_t j = 0; j < elements.size(); ++j)
      X(i, static_cast<Eigen::Index>(j)) = catalyst.active.amount(elements[j]);
    const auto support = std::lower_bound(supports.begin(), supports.end(), catalyst.support);
    if (support != supports.end() && *support == catalyst.support)
      X(i, first_support + (support - supports.begin())) = 1.0;
    for (int j = 0; j < conditions; ++j) X(i, first_condition + j) = inputs.values(i, j);
  }
  return X;
}

}  // namespace kasetsu::selection
