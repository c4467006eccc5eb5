// SPDX-License-Identifier: Apache-2.0
#include "sink_series.hpp"

#include <gtest/gtest.h>
#include <prometheus/registry.h>

#include <string>

namespace audio_latency::test {
namespace {

class SeriesTest : public ::testing::Test {
 protected:
  SeriesTable<prometheus::Counter>::Series& count(std::uint16_t port, EventTime now = 1, std::uint64_t values = 1) {
    const auto labels = [&] {
      ++labels_built_;
      return prometheus::Labels{{"pod", std::to_string(port)}};
    };
    auto& series = table_.at(SeriesKey({}, {{}, port}), now, labels, values);
    series.metric->Increment(static_cast<double>(values));
    return series;
  }

  prometheus::Registry registry_;
  prometheus::Counter overflow_;
  SeriesTable<prometheus::Counter> table_{prometheus::BuildCounter().Name("c").Register(registry_), 2, overflow_};
  int labels_built_ = 0;
};

TEST_F(SeriesTest, BuildsLabelsOncePerKeyAlsoWhereTheyAreOther) {
  for (int round = 0; round < 3; ++round)
    for (std::uint16_t port = 1; port <= 4; ++port) count(port), count(port);
  EXPECT_EQ(labels_built_, 4);
  EXPECT_EQ(table_.size(), 3U);
  EXPECT_EQ(overflow_.Value(), 12);
  EXPECT_EQ(&count(3), &count(4));
  EXPECT_EQ(count(4).metric->Value(), 15);
  EXPECT_EQ(count(1).metric->Value(), 7);
}

TEST_F(SeriesTest, EachValueThatGoesToOtherIsCounted) {
  for (std::uint16_t port = 1; port <= 3; ++port) count(port, 1, 5);
  EXPECT_EQ(overflow_.Value(), 5);
  EXPECT_EQ(count(3, 1, 7).metric->Value(), 12);
  EXPECT_EQ(overflow_.Value(), 12);
}

TEST_F(SeriesTest, RoomThatOneLeavesGoesToAnother) {
  for (std::uint16_t port = 1; port <= 3; ++port) count(port, port == 1 ? 1 : 9);
  table_.expire(5);
  EXPECT_EQ(count(3, 9).metric->Value(), 1);
  EXPECT_EQ(overflow_.Value(), 1);
  EXPECT_EQ(count(1, 10).metric->Value(), 2) << "there is room for two: this is `other`";
}

}  // namespace
}  // namespace audio_latency::test
