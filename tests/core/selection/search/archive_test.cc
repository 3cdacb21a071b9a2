#include "core/selection/search/archive.h"

#include <gtest/gtest.h>

#include <array>

#include "core/base/random.h"

namespace kasetsu::selection {
namespace {

TEST(Subset, SharedMembersAreCounted) {
  EXPECT_EQ(shared_members(Subset::of(std::array{5, 1, 9}), Subset::of(std::array{9, 2, 5})), 2);
  EXPECT_EQ(shared_members(Subset::of(std::array{1, 2}), Subset::of(std::array{3, 4})), 0);
  EXPECT_EQ(Subset::of(std::array{5, 1, 9}).with(0, 7), Subset::of(std::array{7, 5, 9}));
}

TEST(Archive, WhatIsKeptIsSortedDifferentAndHoldsTheBestEverOffered) {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    Random random(seed);
    Archive archive(20, 2);
    Entry best{1e300, {}};
    for (int k = 0; k < 300; ++k) {
      std::vector<int> members;
      while (members.size() < 4) {
        const int j = static_cast<int>(random.below(14));
        if (std::find(members.begin(), members.end(), j) == members.end()) members.push_back(j);
      }
      const Entry entry{static_cast<double>(random.below(50)), Subset::of(members)};
      best = std::min(best, entry);
      archive.offer(entry);
      const auto& kept = archive.entries();
      ASSERT_LE(kept.size(), 20U);
      ASSERT_EQ(kept.front(), best);
      for (std::size_t a = 0; a < kept.size(); ++a) {
        for (std::size_t b = a + 1; b < kept.size(); ++b) {
          ASSERT_LT(kept[a], kept[b]);
          ASSERT_LE(shared_members(kept[a].subset, kept[b].subset), 2);
        }
      }
    }
  }
}

TEST(Archive, TheSameSetIsKeptOnce) {
  Archive archive(5, 0);
  const Entry entry{1.0, Subset::of(std::array{3})};
  EXPECT_TRUE(archive.offer(entry));
  archive.offer(entry);
  EXPECT_EQ(archive.entries().size(), 1U);
}

}  // namespace
}  // namespace kasetsu::selection
