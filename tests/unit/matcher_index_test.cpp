// SPDX-License-Identifier: Apache-2.0
// The map that all tables of the matcher are found through: records come and go for ever, and finding one costs the
// same.
#include "matcher_index.hpp"

#include <gtest/gtest.h>

#include <deque>
#include <numeric>
#include <random>
#include <utility>
#include <vector>

namespace audio_latency::matching {
namespace {

struct Entry {
  std::uint64_t hash = 0;
  std::uint32_t index = 0;
};

// A full table whose oldest record goes for each one that comes.
class Churn {
 public:
  explicit Churn(std::size_t capacity) : table(capacity), free_(capacity), capacity_(capacity) {
    std::iota(free_.begin(), free_.end(), 0U);
  }
  void turn(std::uint64_t hash) {
    if (entries.size() == capacity_) {
      table.erase(entries.front().hash, entries.front().index);
      free_.push_back(entries.front().index);
      entries.pop_front();
    }
    entries.push_back({hash, free_.front()});
    table.insert(hash, free_.front());
    free_.pop_front();
  }

  IndexTable table;
  std::deque<Entry> entries;

 private:
  std::deque<std::uint32_t> free_;
  std::size_t capacity_;
};

std::uint32_t find(const IndexTable& table, const Entry& entry) {
  return table.find(entry.hash, [&](std::uint32_t index) { return index == entry.index; });
}

class MatcherIndex : public ::testing::TestWithParam<std::size_t> {};

TEST_P(MatcherIndex, WhatIsGoneCostsNothing) {
  Churn churn(GetParam());
  std::mt19937_64 random(GetParam());
  for (std::size_t i = 0; i < 100 * GetParam(); ++i) churn.turn(random());
  for (const Entry& entry : churn.entries) ASSERT_EQ(find(churn.table, entry), entry.index);
  std::size_t read = 0;
  constexpr std::size_t asked = 10'000;
  for (std::size_t i = 0; i < asked; ++i) {
    const std::uint64_t absent = random();
    ASSERT_EQ(churn.table.find(absent, [](std::uint32_t) { return false; }), kNone);
    read += churn.table.reach(absent);
  }
  EXPECT_LT(static_cast<double>(read) / asked, 1.5);
}

INSTANTIATE_TEST_SUITE_P(Capacities, MatcherIndex, ::testing::Values(1, 7, 16, 60, 1000, 10'000, 40'000));

// Without the key nobody can aim at one bucket; still, one bucket's worth of equal hashes neither hangs nor loses.
TEST(MatcherIndexOfOneHash, AllRecordsAreFoundAndAllGo) {
  Churn churn(500);
  for (int i = 0; i < 5000; ++i) churn.turn(42);
  for (const Entry& entry : churn.entries) ASSERT_EQ(find(churn.table, entry), entry.index);
  for (const Entry& entry : churn.entries) churn.table.erase(entry.hash, entry.index);
  EXPECT_EQ(churn.table.reach(42), 1U);
  churn.table.erase(42, 7);  // that is not there
  EXPECT_EQ(churn.table.first(42), kNone);
}

}  // namespace
}  // namespace audio_latency::matching
