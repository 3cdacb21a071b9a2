#include "core/base/result.h"

#include <gtest/gtest.h>

namespace kasetsu {
namespace {

TEST(Error, NamesPlaceValueAndExpectation) {
  const Error error{ErrorCode::bad_data, "unknown element", "a.csv:7: column \"M2\"", "Xx",
                    "a symbol such as Li"};
  EXPECT_EQ(error.to_string(),
            "a.csv:7: column \"M2\": unknown element \"Xx\"; expected a symbol such as Li");
}

TEST(Error, EscapesAndCutsTheValue) {
  const Error error{ErrorCode::bad_data, "odd", "",
                    std::string("a\nb\0c", 5) + std::string(200, 'z'), ""};
  const std::string text = error.to_string();
  EXPECT_NE(text.find("a\\x0ab\\x00c"), std::string::npos);
  EXPECT_NE(text.find("...\""), std::string::npos);
  EXPECT_LT(text.size(), 120U);
}

TEST(Error, CanBeSeenFromFurtherOut) {
  const Error error{ErrorCode::bad_data, "odd", "line 3", "", ""};
  EXPECT_EQ(error.in("file").to_string(), "file: line 3: odd");
}

TEST(Result, HoldsAValueOrAnError) {
  const Result<int> good = 3;
  ASSERT_TRUE(good.ok());
  EXPECT_EQ(*good, 3);
  const Result<int> bad = Error{ErrorCode::not_found, "no", "", "", ""};
  ASSERT_FALSE(bad.ok());
  EXPECT_EQ(bad.error().code, ErrorCode::not_found);
}

TEST(ResultDeathTest, ValueOfAFailureIsABug) {
  const Result<int> bad = Error{ErrorCode::not_found, "no", "", "", ""};
  EXPECT_DEATH(static_cast<void>(bad.value()), "broken invariant");
}

}  // namespace
}  // namespace kasetsu
