#include "core/planning/space/materials.h"

#include <fmt/format.h>

#include <cmath>

#include "core/chemistry/element.h"
#include "core/chemistry/weights.h"

namespace kasetsu::planning {
namespace {

// Budgets are sums of quotients: a hair above is still within.
constexpr double kSlack = 1.0 + 1e-9;

Status not_negative(const std::string& field, double value) {
  if (value >= 0.0 && std::isfinite(value)) return {};
  return Error{ErrorCode::invalid_argument, field + " is out of range", field,
               fmt::format("{:g}", value), "a number from 0"};
}

Status check(const std::string& of, const Material& material) {
  if (Status status = not_negative(of + " price_per_g", material.price_per_gram); !status) {
    return status;
  }
  for (const auto& [name, value] : {std::pair{" stock_g", material.stock_gram},
                                    {" grams_per_mol", material.gram_per_mole},
                                    {" weighable_mg", material.weighable_gram}}) {
    if (!value) continue;
    if (Status status = not_negative(of + name, *value); !status) return status;
  }
  return {};
}

}  // namespace

Status Materials::validate() const {
  if (!(sample_gram > 0.0) || !std::isfinite(sample_gram)) {
    return Error{ErrorCode::invalid_argument, "sample_mass_g is out of range", "sample_mass_g",
                 fmt::format("{:g}", sample_gram), "a number above 0"};
  }
  for (const auto& [name, value] : {std::pair{"weighable_mg", std::optional(weighable_gram)},
                                    {"sample_price", sample_price},
                                    {"batch_price", batch_price},
                                    {"batch_mass_g", batch_gram}}) {
    if (!value) continue;
    if (Status status = not_negative(name, *value); !status) return status;
  }
  for (const auto& [element, material] : elements) {
    if (Status status = check(std::string(chemistry::element_symbol(element)), material); !status) {
      return status;
    }
  }
  for (const auto& [name, material] : supports) {
    if (Status status = check(name, material); !status) return status;
  }
  return {};
}

std::vector<Weighing> weighings(const Materials& materials, const chemistry::Catalyst& catalyst) {
  std::vector<Weighing> result;
  double moles_in_all = 0.0;
  double gram_in_all = 0.0;
  for (const auto& part : catalyst.active.parts()) {
    moles_in_all += part.amount;
    gram_in_all += part.amount * chemistry::atomic_weight(part.element).value_or(0.0);
  }
  const auto add = [&](int element, const Material& material, double gram) {
    result.push_back({element, gram, gram * material.price_per_gram,
                      material.weighable_gram.value_or(materials.weighable_gram),
                      material.stock_gram});
  };
  static const Material kPlain;
  for (const auto& part : catalyst.active.parts()) {
    const auto found = materials.elements.find(part.element);
    const Material& material = found == materials.elements.end() ? kPlain : found->second;
    const double weight = chemistry::atomic_weight(part.element).value_or(0.0);
    double moles = 0.0;
    switch (materials.unit) {
      case AmountUnit::mmol_per_gram:
        moles = 1e-3 * part.amount * materials.sample_gram;
        break;
      case AmountUnit::mole_fraction:
        moles = gram_in_all > 0.0 ? part.amount / gram_in_all * materials.sample_gram : 0.0;
        break;
      case AmountUnit::mass_fraction:
        moles = weight > 0.0 ? part.amount * materials.scale * materials.sample_gram / weight : 0.0;
        break;
    }
    add(part.element, material, moles * material.gram_per_mole.value_or(weight));
  }
  if (!catalyst.support.empty() && materials.unit != AmountUnit::mole_fraction) {
    const auto found = materials.supports.find(catalyst.support);
    const double share = materials.unit == AmountUnit::mass_fraction
                             ? std::max(0.0, 1.0 - materials.scale * moles_in_all)
                             : 1.0;
    add(0, found == materials.supports.end() ? kPlain : found->second,
        share * materials.sample_gram);
  }
  return result;
}

std::string BatchBudget::exceeded_by(const chemistry::Catalyst& catalyst) const {
  if (materials_ == nullptr) return {};
  double price = price_;
  double gram = gram_;
  for (const Weighing& weighing : weighings(*materials_, catalyst)) {
    price += weighing.price;
    gram += weighing.gram;
    if (!weighing.in_stock) continue;
    double used = weighing.gram;
    if (weighing.element == 0) {
      const auto before = supports_.find(catalyst.support);
      if (before != supports_.end()) used += before->second;
    } else {
      const auto before = elements_.find(weighing.element);
      if (before != elements_.end()) used += before->second;
    }
    if (used > *weighing.in_stock * kSlack) {
      return "the stock of " + (weighing.element == 0
                                    ? catalyst.support
                                    : std::string(chemistry::element_symbol(weighing.element)));
    }
  }
  if (materials_->batch_price && price > *materials_->batch_price * kSlack) {
    return "the price of a batch";
  }
  if (materials_->batch_gram && gram > *materials_->batch_gram * kSlack) {
    return "the mass of a batch";
  }
  return {};
}

void BatchBudget::spend(const chemistry::Catalyst& catalyst) {
  if (materials_ == nullptr) return;
  for (const Weighing& weighing : weighings(*materials_, catalyst)) {
    price_ += weighing.price;
    gram_ += weighing.gram;
    if (weighing.element == 0) {
      supports_[catalyst.support] += weighing.gram;
    } else {
      elements_[weighing.element] += weighing.gram;
    }
  }
}

}  // namespace kasetsu::planning
