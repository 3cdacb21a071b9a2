#include "core/descriptors/descriptor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "core/base/random.h"

namespace kasetsu::descriptors {
namespace {

using ::testing::HasSubstr;

std::vector<Primary> some_primaries() {
  return {{"en_pauling_max", "en_pauling", Block::active, Operation::maximum},
          {"boiling_point_max", "boiling_point", Block::active, Operation::maximum},
          {"boiling point_own_var", "boiling point", Block::active, Operation::own_variance},
          {"support.en_pauling_avg", "en_pauling", Block::support, Operation::average},
          {"support_cation.en_pauling", "en_pauling", Block::support_cation, Operation::value},
          {"condition.CH4/O2 ratio (mol/mol)", "CH4/O2 ratio (mol/mol)", Block::condition,
           Operation::value},
          {"condition.1/(T)^2", "1/(T)^2", Block::condition, Operation::value},
          {"condition.T", "T", Block::condition, Operation::value}};
}

Descriptor one(int primary, Form form) {
  const Factor factor{primary, form};
  return make_descriptor({&factor, 1});
}

TEST(Form, IsItsFormula) {
  for (const double x : {0.3, 1.7, 25.0}) {
    EXPECT_DOUBLE_EQ(apply(Form::identity, x), x);
    EXPECT_DOUBLE_EQ(apply(Form::reciprocal, x), 1 / x);
    EXPECT_DOUBLE_EQ(apply(Form::sqrt, x), std::pow(x, 0.5));
    EXPECT_DOUBLE_EQ(apply(Form::inv_sqrt, x), std::pow(x, -0.5));
    EXPECT_DOUBLE_EQ(apply(Form::square, x), std::pow(x, 2));
    EXPECT_DOUBLE_EQ(apply(Form::inv_square, x), std::pow(x, -2));
    EXPECT_DOUBLE_EQ(apply(Form::cube, x), std::pow(x, 3));
    EXPECT_DOUBLE_EQ(apply(Form::inv_cube, x), std::pow(x, -3));
    EXPECT_DOUBLE_EQ(apply(Form::log, x), std::log(x));
    EXPECT_DOUBLE_EQ(apply(Form::inv_log, x), 1 / std::log(x));
    EXPECT_DOUBLE_EQ(apply(Form::exp, x), std::exp(x));
    EXPECT_DOUBLE_EQ(apply(Form::inv_exp, x), std::exp(-x));
  }
  EXPECT_FALSE(std::isfinite(apply(Form::sqrt, -1)));
  EXPECT_FALSE(std::isfinite(apply(Form::log, 0)));
  EXPECT_FALSE(std::isfinite(apply(Form::inv_log, 1)));
  EXPECT_FALSE(std::isfinite(apply(Form::exp, 1000)));
}

TEST(Text, HasTheDocumentedForms) {
  const std::vector<Primary> primaries = some_primaries();
  const char* expected[kForms] = {
      "en_pauling_max",         "1/en_pauling_max",     "sqrt(en_pauling_max)",
      "1/sqrt(en_pauling_max)", "(en_pauling_max)^2",   "1/(en_pauling_max)^2",
      "(en_pauling_max)^3",     "1/(en_pauling_max)^3", "ln(en_pauling_max)",
      "1/ln(en_pauling_max)",   "exp(en_pauling_max)",  "1/exp(en_pauling_max)"};
  for (int f = 0; f < kForms; ++f) {
    EXPECT_EQ(to_text(one(0, static_cast<Form>(f)), primaries), expected[f]);
  }
  const Factor factors[] = {{1, Form::log}, {0, Form::cube}};
  EXPECT_EQ(to_text(make_descriptor(factors), primaries),
            "(en_pauling_max)^3|ln(boiling_point_max)");
}

TEST(Text, IsReadBackForAllFormsAndOrders) {
  const std::vector<Primary> primaries = some_primaries();
  const auto read_back = [&](const Descriptor& descriptor) {
    const std::string text = to_text(descriptor, primaries);
    const Result<Descriptor> back = parse_descriptor(text, primaries);
    ASSERT_TRUE(back.ok()) << text << ": " << back.error().to_string();
    EXPECT_EQ(*back, descriptor) << text;
    EXPECT_EQ(to_text(*back, primaries), text);
  };
  const int count = static_cast<int>(primaries.size());
  for (int p = 0; p < count; ++p) {
    for (int f = 0; f < kForms; ++f) read_back(one(p, static_cast<Form>(f)));
  }
  Random random(1);
  for (int round = 0; round < 5000; ++round) {
    std::vector<int> chosen(primaries.size());
    for (int p = 0; p < count; ++p) chosen[static_cast<std::size_t>(p)] = p;
    random.shuffle(chosen);
    std::vector<Factor> factors;
    for (std::size_t k = 0; k < 2 + random.below(2); ++k) {
      factors.push_back({chosen[k], static_cast<Form>(random.below(kForms))});
    }
    const Descriptor descriptor = make_descriptor(factors);
    read_back(descriptor);
    // The order in which a person writes the factors does not matter.
    random.shuffle(factors);
    std::string text;
    for (const Factor& factor : factors) {
      if (!text.empty()) text += " | ";
      text += to_text(one(factor.primary, factor.form), primaries);
    }
    EXPECT_EQ(parse_descriptor(text, primaries).value(), descriptor) << text;
  }
}

TEST(Text, OtherSpellingsAreRead) {
  const std::vector<Primary> primaries = some_primaries();
  const auto reads = [&](std::string_view text, const Descriptor& expected) {
    const Result<Descriptor> descriptor = parse_descriptor(text, primaries);
    ASSERT_TRUE(descriptor.ok()) << text << ": " << descriptor.error().to_string();
    EXPECT_EQ(*descriptor, expected) << text;
  };
  reads("(en_pauling_max)", one(0, Form::identity));
  reads(" 1 / ( en_pauling_max ) ", one(0, Form::reciprocal));
  reads("en_pauling_max^2", one(0, Form::square));
  reads("en_pauling_max ^ 3", one(0, Form::cube));
  reads("1/en_pauling_max^2", one(0, Form::inv_square));
  reads("1/en_pauling_max^3", one(0, Form::inv_cube));
  reads("1 / sqrt ( en_pauling_max )", one(0, Form::inv_sqrt));
  reads("( en_pauling_max ) ^ 2", one(0, Form::square));
  reads("ln(boiling point_own_var)", one(2, Form::log));
  reads("1/condition.T^2", one(7, Form::inv_square));
}

TEST(Text, ErrorsNameWhatWasNotUnderstoodAndTheNearest) {
  const std::vector<Primary> primaries = some_primaries();
  const auto error = [&](std::string_view text) {
    const Result<Descriptor> descriptor = parse_descriptor(text, primaries);
    EXPECT_FALSE(descriptor.ok()) << text;
    if (descriptor.ok()) return std::string();
    EXPECT_EQ(descriptor.error().code, ErrorCode::bad_data);
    return descriptor.error().to_string();
  };
  EXPECT_THAT(error("ln(en_paulin_max)"), HasSubstr("\"en_paulin_max\"; expected en_pauling_max"));
  EXPECT_THAT(error("en_pauling_mx"), HasSubstr("en_pauling_max"));
  EXPECT_THAT(error("log(en_pauling_max)"), HasSubstr("log(en_pauling_max)"));
  EXPECT_THAT(error("en_pauling_max^4"), HasSubstr("en_pauling_max^4"));
  EXPECT_THAT(error(""), HasSubstr("empty"));
  EXPECT_THAT(error("en_pauling_max|"), HasSubstr("empty"));
  EXPECT_THAT(error("en_pauling_max|ln(en_pauling_max)"), HasSubstr("one feature"));
  EXPECT_THAT(error("en_pauling_max|boiling_point_max|condition.T|support.en_pauling_avg"),
              HasSubstr("more than three"));
  EXPECT_FALSE(parse_descriptor("x", {}).ok());
}

TEST(Text, AnythingIsReadOrRefused) {
  const std::vector<Primary> primaries = some_primaries();
  const std::vector<std::string> tokens = {
      "1", "/",    "(",  ")",   "^", "2",           "3",
      "|", "sqrt", "ln", "exp", " ", "condition.T", "en_pauling_max"};
  Random random(2);
  for (int round = 0; round < 20000; ++round) {
    std::string text;
    for (std::size_t n = random.below(8); n > 0; --n) text += tokens[random.below(tokens.size())];
    const Result<Descriptor> descriptor = parse_descriptor(text, primaries);
    if (!descriptor.ok()) continue;
    EXPECT_EQ(parse_descriptor(to_text(*descriptor, primaries), primaries).value(), *descriptor);
  }
}

TEST(Describe, ReadsAsEnglish) {
  const std::vector<Primary> primaries = some_primaries();
  EXPECT_EQ(describe(one(0, Form::cube), primaries),
            "cube of the largest Pauling electronegativity among the active elements");
  EXPECT_EQ(describe(one(0, Form::identity), primaries),
            "largest Pauling electronegativity among the active elements");
  EXPECT_EQ(
      describe(one(4, Form::inv_log), primaries),
      "reciprocal natural logarithm of the Pauling electronegativity of the support's cation");
  const Factor factors[] = {{3, Form::identity}, {7, Form::sqrt}};
  EXPECT_EQ(
      describe(make_descriptor(factors), primaries),
      "average Pauling electronegativity of the support's elements, weighted by amount, times "
      "the square root of the condition T");
}

TEST(Describe, KnowsEveryOperationBlockAndForm) {
  std::set<std::string> seen;
  for (const Block block : {Block::active, Block::support, Block::support_cation}) {
    for (int o = 0; o < kOperations; ++o) {
      const auto operation = static_cast<Operation>(o);
      if (operation == Operation::value) continue;
      if (block == Block::support_cation && operation != Operation::minimum) continue;
      const std::vector<Primary> primaries = {{"x", "density", block, operation}};
      for (int f = 0; f < kForms; ++f) {
        const std::string words = describe(one(0, static_cast<Form>(f)), primaries);
        EXPECT_THAT(words, HasSubstr("density"));
        EXPECT_TRUE(seen.insert(words).second) << words;
      }
    }
  }
}

TEST(Describe, MakesWordsOfUnknownProperties) {
  EXPECT_EQ(readable_property("thermal_conductivity"), "thermal conductivity");
  EXPECT_EQ(readable_property("MeltingT"), "melting temperature");
  EXPECT_EQ(readable_property("NdValence"), "number of d valence electrons");
  EXPECT_EQ(readable_property("first_ion_en"), "first ionisation energy");
  EXPECT_EQ(readable_property("SpaceGroup_number"), "space group number");
  EXPECT_EQ(readable_property("x"), "x");
}

Eigen::MatrixXd random_matrix(Random& random, Eigen::Index rows, Eigen::Index columns) {
  Eigen::MatrixXd out(rows, columns);
  for (double& value : out.reshaped()) value = random.uniform();
  return out;
}

TEST(Enumerate, HasAllUsableFormsInOrder) {
  Random random(3);
  Eigen::MatrixXd values = random_matrix(random, 20, 3);
  values.col(1).array() -= 0.5;    // no roots and logarithms
  values.col(2).setConstant(0.3);  // nothing
  const DescriptorMatrix zero = enumerate(values, 0);
  EXPECT_EQ(zero.descriptors,
            (std::vector<Descriptor>{one(0, Form::identity), one(1, Form::identity)}));
  const DescriptorMatrix first = enumerate(values, 1);
  EXPECT_EQ(first.descriptors.size(), 12U + 8U);
  for (std::size_t d = 1; d < first.descriptors.size(); ++d) {
    const Factor& a = first.descriptors[d - 1].factors[0];
    const Factor& b = first.descriptors[d].factors[0];
    EXPECT_LT(std::pair(a.primary, a.form), std::pair(b.primary, b.form));
  }
  EXPECT_TRUE(first.values.allFinite());
  EXPECT_EQ(evaluate(first.descriptors, values), first.values);
}

TEST(Enumerate, DropsWhatIsConstantToRounding) {
  Eigen::MatrixXd values(3, 1);
  values << 1e9, 1e9 + 1e-4, 1e9;
  EXPECT_TRUE(enumerate(values, 1).descriptors.empty());
  values << 800, 850, 900;  // exp overflows, 1/exp vanishes
  const DescriptorMatrix matrix = enumerate(values, 1);
  EXPECT_TRUE(matrix.values.allFinite());
  for (const Descriptor& descriptor : matrix.descriptors) {
    EXPECT_NE(descriptor.factors[0].form, Form::exp);
  }
}

TEST(Evaluate, MultipliesFactors) {
  Random random(4);
  const Eigen::MatrixXd values = random_matrix(random, 7, 3);
  const Factor factors[] = {{0, Form::log}, {1, Form::identity}, {2, Form::inv_sqrt}};
  const Descriptor descriptor = make_descriptor(factors);
  const Eigen::MatrixXd out = evaluate({&descriptor, 1}, values);
  for (Eigen::Index i = 0; i < 7; ++i) {
    EXPECT_DOUBLE_EQ(out(i, 0), std::log(values(i, 0)) * values(i, 1) / std::sqrt(values(i, 2)));
  }
}

TEST(Families, ArePrimaries) {
  const Factor factors[] = {{5, Form::log}, {2, Form::exp}};
  EXPECT_EQ(families(make_descriptor(factors)), (std::array<int, 3>{2, 5, -1}));
  EXPECT_EQ(families(one(3, Form::log)), (std::array<int, 3>{3, -1, -1}));
}

double correlation(const Eigen::VectorXd& a, const Eigen::VectorXd& b) {
  // Scaled first: squares of the tiny columns would vanish.
  const Eigen::VectorXd x = a / a.cwiseAbs().maxCoeff();
  const Eigen::VectorXd y = b / b.cwiseAbs().maxCoeff();
  const Eigen::VectorXd u = x.array() - x.mean();
  const Eigen::VectorXd v = y.array() - y.mean();
  return u.dot(v) / (u.norm() * v.norm());
}

// The rule as it is written: every pair.
std::vector<std::size_t> plainly_kept(const DescriptorMatrix& matrix, double limit) {
  std::vector<std::size_t> order(matrix.descriptors.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    const Descriptor& x = matrix.descriptors[a];
    const Descriptor& y = matrix.descriptors[b];
    return std::pair(x.factors[0].form, x.factors[0].primary) <
           std::pair(y.factors[0].form, y.factors[0].primary);
  });
  std::vector<std::size_t> kept;
  for (const std::size_t j : order) {
    const bool copy = std::any_of(kept.begin(), kept.end(), [&](std::size_t other) {
      return std::abs(correlation(matrix.values.col(static_cast<Eigen::Index>(j)),
                                  matrix.values.col(static_cast<Eigen::Index>(other)))) > limit;
    });
    if (!copy) kept.push_back(j);
  }
  std::sort(kept.begin(), kept.end());
  return kept;
}

TEST(RemoveDuplicates, KeepsWhatTheRuleOverAllPairsKeeps) {
  Random random(5);
  for (int round = 0; round < 20; ++round) {
    const Eigen::Index rows = 3 + static_cast<Eigen::Index>(random.below(60));
    Eigen::MatrixXd primaries = random_matrix(random, rows, 12);
    primaries.col(3) = 5.0 - 2.0 * primaries.col(1).array();        // reversed copy
    primaries.col(7) = primaries.col(2) * 1e-200;                   // tiny
    primaries.col(8) = primaries.col(2) + 1e-3 * primaries.col(5);  // near
    primaries.col(9) = primaries.col(4).array() + 1e3;              // forms nearly linear
    const DescriptorMatrix matrix = enumerate(primaries, 1);
    for (const double limit : {0.9999, 0.99, 0.5}) {
      const std::vector<std::size_t> expected = plainly_kept(matrix, limit);
      const DescriptorMatrix kept = remove_duplicates(matrix, limit);
      ASSERT_EQ(kept.descriptors.size(), expected.size()) << rows << " " << limit;
      for (std::size_t k = 0; k < expected.size(); ++k) {
        EXPECT_EQ(kept.descriptors[k], matrix.descriptors[expected[k]]);
        EXPECT_EQ(kept.values.col(static_cast<Eigen::Index>(k)),
                  matrix.values.col(static_cast<Eigen::Index>(expected[k])));
      }
    }
  }
}

TEST(RemoveDuplicates, LeavesColumnsThatCorrelateWithNothing) {
  DescriptorMatrix matrix;
  matrix.values.resize(3, 4);
  matrix.values << 1, NAN, 1, 2, 1, 2, 2, 4, 1, 3, 3, 6;
  for (int p = 0; p < 4; ++p) matrix.descriptors.push_back(one(p, Form::identity));
  const DescriptorMatrix kept = remove_duplicates(matrix);
  EXPECT_EQ(kept.descriptors,
            (std::vector<Descriptor>{one(0, Form::identity), one(1, Form::identity),
                                     one(2, Form::identity)}));
  EXPECT_EQ(remove_duplicates(matrix, 1.0).descriptors.size(), 4U);
  EXPECT_TRUE(remove_duplicates(DescriptorMatrix{}).descriptors.empty());
}

}  // namespace
}  // namespace kasetsu::descriptors
