// What a catalyst is made from: how much of each material a sample needs, what that costs, whether
// it can be weighed, and what a batch may use up.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/base/result.h"
#include "core/chemistry/catalyst.h"

namespace kasetsu::planning {

// What the amounts of a composition mean.
enum class AmountUnit {
  mmol_per_gram,  // of an element, per gram of support
  mole_fraction,  // of the active elements; a sample is so many grams of them
  mass_fraction   // of an element in the catalyst
};

struct Material {
  double price_per_gram = 0.0;
  std::optional<double> stock_gram;      // on hand; empty: enough
  std::optional<double> gram_per_mole;   // weighed per mole of the element; empty: the element
  std::optional<double> weighable_gram;  // less cannot be weighed; empty: as for all
  std::vector<std::string> hazards;      // classes, as the laboratory calls them
};

struct Materials {
  double sample_gram = 0.1;  // made for one sample
  AmountUnit unit = AmountUnit::mmol_per_gram;
  double scale = 1.0;  // of mass fractions: 0.01 where the amounts are percent
  double weighable_gram = 0.0;
  std::map<int, Material> elements;
  std::map<std::string, Material> supports;
  std::vector<std::string> forbidden_hazards;
  std::optional<double> sample_price;  // at most
  std::optional<double> batch_price;   // of all proposals of a batch together
  std::optional<double> batch_gram;    // weighed for a batch, supports included
  // One sentence naming field, value and bound.
  Status validate() const;
};

// One material of one sample.
struct Weighing {
  int element = 0;  // 0: the support
  double gram = 0.0;
  double price = 0.0;
  double least = 0.0;              // that can be weighed
  std::optional<double> in_stock;  // grams
};

// Active elements by atomic number, then the support. An element without a known atomic weight
// weighs nothing.
std::vector<Weighing> weighings(const Materials& materials, const chemistry::Catalyst& catalyst);

// What is left of stock and budgets while a batch is put together.
class BatchBudget {
 public:
  BatchBudget() = default;  // without limits
  explicit BatchBudget(const Materials& materials) : materials_(&materials) {}

  bool limited() const { return materials_ != nullptr; }
  // What a further sample of it would exceed: "the stock of Pt", "the price of a batch"; empty: it
  // fits.
  std::string exceeded_by(const chemistry::Catalyst& catalyst) const;
  void spend(const chemistry::Catalyst& catalyst);
  double price() const { return price_; }

 private:
  const Materials* materials_ = nullptr;
  std::map<int, double> elements_;          // grams used
  std::map<std::string, double> supports_;  // grams used
  double price_ = 0.0;
  double gram_ = 0.0;
};

}  // namespace kasetsu::planning
