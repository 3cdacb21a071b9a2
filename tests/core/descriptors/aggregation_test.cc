#include "core/descriptors/aggregation.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include "core/base/random.h"
#include "tests/core/descriptors/tables.h"

namespace kasetsu::descriptors {
namespace {

using Numbers = std::vector<double>;

std::vector<Operation> all_operations() {
  std::vector<Operation> out;
  for (int i = 0; i < kOperations; ++i) out.push_back(static_cast<Operation>(i));
  return out;
}

// The formulas as they are written, in extended precision.
long double by_formula(Operation operation, const Numbers& n, const Numbers& x, double m) {
  long double W = 0, sum = 0, ssd = 0, logs = 0, inverse = 0, plain = 0;
  for (std::size_t k = 0; k < x.size(); ++k) {
    W += n[k];
    sum += static_cast<long double>(n[k]) * x[k];
    ssd += n[k] * (static_cast<long double>(x[k]) - m) * (static_cast<long double>(x[k]) - m);
    logs += n[k] * std::log(static_cast<long double>(x[k]));
    inverse += n[k] / static_cast<long double>(x[k]);
    plain += x[k];
  }
  long double own = 0;
  for (std::size_t k = 0; k < x.size(); ++k) own += n[k] * (x[k] - sum / W) * (x[k] - sum / W);
  const long double least = *std::min_element(x.begin(), x.end());
  const long double most = *std::max_element(x.begin(), x.end());
  switch (operation) {
    case Operation::minimum:
      return least;
    case Operation::maximum:
      return most;
    case Operation::sum:
      return sum;
    case Operation::average:
    case Operation::value:
      return sum / W;
    case Operation::ssd:
      return ssd;
    case Operation::variance:
      return ssd / W;
    case Operation::product:
      return std::exp(logs);
    case Operation::gmean:
      return std::exp(logs / W);
    case Operation::own_variance:
      return own / W;
    case Operation::range:
      return most - least;
    case Operation::hmean:
      return W / inverse;
    case Operation::mean:
      return plain / static_cast<long double>(x.size());
  }
  return 0;
}

TEST(Aggregate, IsTheFormula) {
  Random random(1);
  for (int round = 0; round < 2000; ++round) {
    const std::size_t count = 1 + random.below(13);
    Numbers n(count), x(count);
    for (std::size_t k = 0; k < count; ++k) {
      n[k] = 0.001 + random.uniform() * (random.below(2) == 0 ? 1.0 : 10.0);
      x[k] = 0.001 + random.uniform();
    }
    for (const Operation operation : all_operations()) {
      const double expected = static_cast<double>(by_formula(operation, n, x, 0.4));
      EXPECT_NEAR(aggregate(operation, n, x, 0.4), expected, 1e-13 * std::abs(expected) + 1e-17)
          << kOperationNames.to_name(operation);
    }
  }
}

TEST(Aggregate, DoesNotDependOnTheOrderOfTheElements) {
  Random random(2);
  for (int round = 0; round < 500; ++round) {
    const std::size_t count = 2 + random.below(6);
    Numbers n(count), x(count);
    for (std::size_t k = 0; k < count; ++k) {
      n[k] = 0.01 + random.uniform();
      x[k] = random.uniform();
    }
    std::vector<std::size_t> order(count);
    std::iota(order.begin(), order.end(), std::size_t{0});
    random.shuffle(order);
    Numbers n2, x2;
    for (const std::size_t k : order) {
      n2.push_back(n[k]);
      x2.push_back(x[k]);
    }
    for (const Operation operation : all_operations()) {
      const double value = aggregate(operation, n, x, 0.3);
      EXPECT_NEAR(aggregate(operation, n2, x2, 0.3), value, 1e-14 * std::abs(value) + 1e-17)
          << kOperationNames.to_name(operation);
    }
  }
}

TEST(Aggregate, IntensiveOperationsDoNotDependOnTheScaleOfAmountsAndExtensiveOnesFollowIt) {
  Random random(3);
  for (int round = 0; round < 500; ++round) {
    const std::size_t count = 1 + random.below(6);
    const double scale = std::exp(4.0 * random.uniform() - 2.0);
    Numbers n(count), scaled(count), x(count);
    for (std::size_t k = 0; k < count; ++k) {
      n[k] = 0.01 + random.uniform();
      scaled[k] = scale * n[k];
      x[k] = 0.01 + random.uniform();
    }
    for (const Operation operation : all_operations()) {
      double expected = aggregate(operation, n, x, 0.3);
      if (operation == Operation::sum || operation == Operation::ssd) expected *= scale;
      if (operation == Operation::product) expected = std::pow(expected, scale);
      EXPECT_NEAR(aggregate(operation, scaled, x, 0.3), expected, 1e-12 * expected + 1e-17)
          << kOperationNames.to_name(operation);
    }
  }
}

TEST(Aggregate, MeansLieBetweenTheExtremesAndInTheirOrder) {
  Random random(4);
  for (int round = 0; round < 2000; ++round) {
    const std::size_t count = 1 + random.below(6);
    Numbers n(count), x(count);
    const bool equal = random.below(4) == 0;
    const double same = random.uniform();
    for (std::size_t k = 0; k < count; ++k) {
      n[k] = 0.01 + random.uniform();
      x[k] = equal ? same : random.uniform();
    }
    const auto of = [&](Operation operation) { return aggregate(operation, n, x, 0.3); };
    const double least = of(Operation::minimum);
    const double most = of(Operation::maximum);
    for (const Operation operation :
         {Operation::average, Operation::gmean, Operation::hmean, Operation::mean}) {
      EXPECT_LE(least, of(operation)) << kOperationNames.to_name(operation);
      EXPECT_GE(most, of(operation)) << kOperationNames.to_name(operation);
    }
    EXPECT_LE(of(Operation::hmean), of(Operation::gmean) * (1 + 1e-14));
    EXPECT_LE(of(Operation::gmean), of(Operation::average) * (1 + 1e-14));
    // Exactly, so that a constant column is seen as one.
    if (equal) {
      for (const Operation operation :
           {Operation::average, Operation::gmean, Operation::hmean, Operation::mean}) {
        EXPECT_EQ(of(operation), same) << kOperationNames.to_name(operation);
      }
      EXPECT_EQ(of(Operation::own_variance), 0.0);
      EXPECT_EQ(of(Operation::range), 0.0);
    }
    // Var about any point is the variance about the own mean plus the squared shift.
    const double shift = of(Operation::average) - 0.3;
    EXPECT_NEAR(of(Operation::variance), of(Operation::own_variance) + shift * shift, 1e-14);
  }
}

TEST(Aggregate, ElementsGivenTwiceAreOneWithTheSumOfTheAmounts) {
  for (const Operation operation : all_operations()) {
    if (operation == Operation::mean) continue;  // counts what is present
    EXPECT_NEAR(aggregate(operation, Numbers{1, 1, 1}, Numbers{0.2, 0.2, 0.7}, 0.3),
                aggregate(operation, Numbers{2, 1}, Numbers{0.2, 0.7}, 0.3), 1e-15)
        << kOperationNames.to_name(operation);
  }
}

TEST(Aggregate, HoldsToItsConventions) {
  for (const Operation operation : all_operations()) {
    EXPECT_EQ(aggregate(operation, {}, {}, 0.3), operation == Operation::product ? 1.0 : 0.0);
    EXPECT_TRUE(std::isnan(aggregate(operation, Numbers{1, 1, 1}, Numbers{0.1, NAN, 0.2}, 0.3)))
        << kOperationNames.to_name(operation);
    EXPECT_TRUE(std::isnan(aggregate(operation, Numbers{1, 1, 1}, Numbers{NAN, 0.1, 0.2}, 0.3)));
  }
  for (const Operation operation : {Operation::product, Operation::gmean, Operation::hmean}) {
    EXPECT_EQ(aggregate(operation, Numbers{0.5, 0.25}, Numbers{0.0, 0.7}), 0.0);
  }
  // Powers of negative values as IEEE pow has them.
  EXPECT_NEAR(aggregate(Operation::gmean, Numbers{1}, Numbers{-8}), -8.0, 1e-14);
  EXPECT_NEAR(aggregate(Operation::gmean, Numbers{2}, Numbers{-3}), 3.0, 1e-14);
  EXPECT_TRUE(std::isnan(aggregate(Operation::gmean, Numbers{7}, Numbers{-8})));
  EXPECT_TRUE(std::isnan(aggregate(Operation::gmean, Numbers{0.5, 0.5}, Numbers{-8, 2})));
  EXPECT_NEAR(aggregate(Operation::product, Numbers{3, 1}, Numbers{-2, 5}), -40.0, 1e-13);
}

TEST(Operation, EveryOneHasANameThatReadsBack) {
  for (const Operation operation : all_operations()) {
    const std::string_view name = kOperationNames.to_name(operation);
    EXPECT_FALSE(name.empty());
    EXPECT_EQ(kOperationNames.from_name(name), operation);
  }
  EXPECT_FALSE(kOperationNames.from_name("median").has_value());
}

TEST(Aggregator, GivesTheBitsOfASingleAggregation) {
  Random random(5);
  for (int round = 0; round < 50; ++round) {
    const std::size_t width = 1 + random.below(70);
    const std::size_t count = random.below(6);
    std::vector<Numbers> value(count, Numbers(width)), log = value, inverse = value,
                                                       squares = value;
    std::vector<Aggregator::Row> rows;
    Numbers amounts;
    for (std::size_t k = 0; k < count; ++k) {
      for (std::size_t j = 0; j < width; ++j) {
        const double x = random.below(10) == 0 ? 0.0 : random.uniform() - 0.2;
        value[k][j] = x;
        log[k][j] = Aggregator::log_of(x);
        inverse[k][j] = 1.0 / x;
        squares[k][j] = Aggregator::square_of(x, 0.3);
      }
      rows.push_back({value[k].data(), log[k].data(), inverse[k].data(), squares[k].data()});
      amounts.push_back(0.1 + random.uniform());
    }
    Aggregator aggregator(width, all_operations());
    aggregator.run(rows, amounts);
    for (std::size_t j = 0; j < width; ++j) {
      Numbers x;
      for (std::size_t k = 0; k < count; ++k) x.push_back(value[k][j]);
      for (const Operation operation : all_operations()) {
        const double one = aggregate(operation, amounts, x, 0.3);
        const double many = aggregator.result(operation, j);
        EXPECT_TRUE(one == many || (std::isnan(one) && std::isnan(many)))
            << kOperationNames.to_name(operation);
      }
    }
  }
}

// What XenonPy and matminer compute, on their own element tables.
// The variance as XenonPy's dot products round it: amounts divided by their sum, then fused
// multiplications and additions, without care for equal values.
double variance_of_normalised_amounts(const Numbers& amounts, const Numbers& values) {
  double total = 0.0;
  for (const double amount : amounts) total += amount;
  double mean = 0.0;
  for (std::size_t k = 0; k < values.size(); ++k) {
    mean = std::fma(amounts[k] / total, values[k], mean);
  }
  double variance = 0.0;
  for (std::size_t k = 0; k < values.size(); ++k) {
    const double deviation = values[k] - mean;
    variance = std::fma(amounts[k] / total, deviation * deviation, variance);
  }
  return variance;
}

class Oracle {
 public:
  explicit Oracle(const std::string& table) : elements_(testing::shared_elements(table)) {
    const auto records = testing::shared_csv("featurizer_oracles/input_compositions.csv");
    for (std::size_t i = 1; i < records.size(); ++i) {
      const std::vector<std::string>& fields = records[i].fields;
      std::istringstream symbols(fields[3]);
      std::istringstream amounts(fields[4]);
      std::string symbol, amount;
      while (symbols >> symbol && amounts >> amount) {
        inputs_[fields[0]].emplace_back(chemistry::atomic_number(symbol).value(),
                                        testing::cell_number(amount));
      }
    }
  }

  int size() const { return static_cast<int>(inputs_.size()); }

  // column: "ave:density" and the like, read by `meaning`; amounts divided by their sum first when
  // `unit` is set. Checks every cell of those columns to 1e-12 relative where the oracle is finite.
  // Where all values are equal the variance is exactly zero and so is ours; the oracle's may be
  // what its own rounding leaves there (4.9e-32), which its arithmetic gives in the test too.
  template <typename Meaning>
  int check(const std::string& file, bool unit, const Meaning& meaning) {
    return check(file, unit, meaning, [](double cell, const Numbers&) { return cell; });
  }

  // The same where the oracle's cell is not yet the number asked for: number(cell, amounts) is.
  template <typename Meaning, typename Number>
  int check(const std::string& file, bool unit, const Meaning& meaning, const Number& number) {
    const auto records = testing::shared_csv("featurizer_oracles/" + file);
    int checked = 0;
    for (std::size_t j = 1; j < records[0].fields.size(); ++j) {
      Operation operation = Operation::value;
      std::string property;
      if (!meaning(records[0].fields[j], operation, property)) continue;
      const auto found =
          std::find(elements_.properties().begin(), elements_.properties().end(), property);
      EXPECT_NE(found, elements_.properties().end()) << property;
      const auto column = static_cast<std::size_t>(found - elements_.properties().begin());
      for (std::size_t i = 1; i < records.size(); ++i) {
        const double cell = testing::cell_number(records[i].fields[j]);
        if (!std::isfinite(cell)) continue;
        Numbers amounts, values;
        double total = 0.0;
        for (const auto& [element, amount] : inputs_.at(records[i].fields[0])) {
          amounts.push_back(amount);
          total += amount;
          values.push_back(elements_.value(element, column));
        }
        if (unit) {
          for (double& amount : amounts) amount /= total;
        }
        const double theirs = number(cell, amounts);
        const double ours = aggregate(operation, amounts, values);
        ++checked;
        if (operation == Operation::own_variance && ours == 0.0 && theirs != 0.0) {
          EXPECT_TRUE(std::all_of(values.begin(), values.end(),
                                  [&](double value) { return value == values.front(); }));
          const double rounding = variance_of_normalised_amounts(amounts, values);
          EXPECT_LE(std::abs(rounding - theirs), 1e-12 * theirs)
              << records[i].fields[0] << " " << records[0].fields[j];
          continue;
        }
        EXPECT_LE(std::abs(ours - theirs), 1e-12 * std::abs(theirs))
            << records[i].fields[0] << " " << records[0].fields[j] << ": " << ours << " for "
            << theirs;
      }
    }
    return checked;
  }

 private:
  chemistry::ElementTable elements_;
  std::map<std::string, std::vector<std::pair<int, double>>> inputs_;
};

bool split(const std::string& column, char separator, std::string& left, std::string& right) {
  const std::size_t at = column.rfind(separator);
  if (at == std::string::npos) return false;
  left = column.substr(0, at);
  right = column.substr(at + 1);
  return true;
}

TEST(AggregateOracle, XenonPy) {
  KASETSU_NEEDS_SHARED_DATA("featurizer_oracles/xenonpy_compositions_raw_amounts.csv");
  Oracle oracle("xenonpy_elements_completed.csv");
  const std::map<std::string, Operation> meanings = {
      {"ave", Operation::average}, {"var", Operation::own_variance}, {"min", Operation::minimum},
      {"max", Operation::maximum}, {"gmean", Operation::gmean},      {"hmean", Operation::hmean},
      {"sum", Operation::sum}};
  const auto meaning = [&](const std::string& column, Operation& operation, std::string& property) {
    std::string name;
    if (!split(column, ':', name, property)) return false;
    operation = meanings.at(name);
    return true;
  };
  EXPECT_GT(oracle.check("xenonpy_compositions_raw_amounts.csv", false, meaning),
            400 * oracle.size());
  EXPECT_GT(oracle.check("xenonpy_compositions_normalised.csv", true, meaning),
            400 * oracle.size());
}

TEST(AggregateOracle, MatminerOnItsOwnTable) {
  KASETSU_NEEDS_SHARED_DATA("featurizer_oracles/matminer_magpie_imputeFalse.csv");
  Oracle oracle("magpie22_matminer.csv");
  const std::map<std::string, Operation> meanings = {{"MagpieData mean", Operation::average},
                                                     {"MagpieData minimum", Operation::minimum},
                                                     {"MagpieData maximum", Operation::maximum},
                                                     {"MagpieData range", Operation::range}};
  const int checked =
      oracle.check("matminer_magpie_imputeFalse.csv", false,
                   [&](const std::string& column, Operation& operation, std::string& property) {
                     std::string name;
                     if (!split(column, ' ', name, property)) return false;
                     const auto found = meanings.find(name);
                     if (found == meanings.end()) return false;
                     operation = found->second;
                     return true;
                   });
  EXPECT_EQ(checked, oracle.size() * 22 * 4);
}

TEST(AggregateOracle, MatminersHolderMeansOnXenonPysTable) {
  KASETSU_NEEDS_SHARED_DATA("featurizer_oracles/matminer_propertystats_on_xenonpy.csv");
  Oracle oracle("xenonpy_elements_completed.csv");
  const std::map<std::string, Operation> meanings = {
      {"mean", Operation::average},         {"minimum", Operation::minimum},
      {"maximum", Operation::maximum},      {"range", Operation::range},
      {"holder_mean::0", Operation::gmean}, {"holder_mean::-1", Operation::hmean}};
  const int checked =
      oracle.check("matminer_propertystats_on_xenonpy.csv", false,
                   [&](const std::string& column, Operation& operation, std::string& property) {
                     std::string name;
                     if (!split(column, '|', name, property)) return false;
                     const auto found = meanings.find(name);
                     if (found == meanings.end()) return false;
                     operation = found->second;
                     return true;
                   });
  EXPECT_EQ(checked, oracle.size() * 8 * 6);
}

// Matminer's std_dev is the sample estimate for weights w_k = n_k / W: its square is the variance
// over 1 - sum w_k^2. Not defined for one element.
TEST(AggregateOracle, MatminersStandardDeviationsAreOurVariances) {
  KASETSU_NEEDS_SHARED_DATA("featurizer_oracles/matminer_propertystats_on_xenonpy.csv");
  Oracle oracle("xenonpy_elements_completed.csv");
  const int checked = oracle.check(
      "matminer_propertystats_on_xenonpy.csv", false,
      [](const std::string& column, Operation& operation, std::string& property) {
        std::string name;
        operation = Operation::own_variance;
        return split(column, '|', name, property) && name == "std_dev";
      },
      [](double deviation, const Numbers& amounts) {
        const double total = std::accumulate(amounts.begin(), amounts.end(), 0.0);
        double squares = 0.0;
        for (const double amount : amounts) squares += (amount / total) * (amount / total);
        return deviation * deviation * (1.0 - squares);
      });
  EXPECT_GT(checked, 6 * oracle.size());
}

}  // namespace
}  // namespace kasetsu::descriptors
