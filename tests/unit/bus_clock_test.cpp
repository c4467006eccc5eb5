// SPDX-License-Identifier: Apache-2.0
#include "bus_clock.hpp"

#include <gtest/gtest.h>

namespace audio_latency {
namespace {

constexpr std::int64_t kMicrosecond = 1'000;
constexpr std::int64_t kMillisecond = 1'000'000;
constexpr EventTime kSecond = 1'000'000'000;
constexpr std::int64_t kTimeOfDay = 1'800'000'000'000'000'000;  // of the peer at event time 0

// A message that takes `there` ns, is answered 3 ms later, and an answer that takes `back` ns.
BusClock::Exchange exchange(EventTime sent, std::int64_t there, std::int64_t back, std::int64_t offset = kTimeOfDay) {
  const std::int64_t arrived = static_cast<std::int64_t>(sent) + there;
  const std::int64_t left = arrived + 3 * kMillisecond;
  return {sent, arrived + offset, left + offset, static_cast<EventTime>(left + back)};
}

TEST(BusClock, AShortRoundTripTellsTheOffsetAtOnce) {
  BusClock clock;
  EXPECT_FALSE(clock.estimate(kSecond));
  EXPECT_FALSE(clock.is_known(kSecond));
  clock.add(exchange(kSecond, 100 * kMicrosecond, 100 * kMicrosecond));
  const EventTime now = kSecond + 4 * kMillisecond;
  EXPECT_EQ(clock.estimate(now)->offset_ns, kTimeOfDay);
  EXPECT_LE(clock.estimate(now)->uncertainty_ns, 111'000U);
  EXPECT_TRUE(clock.is_known(now));
}

TEST(BusClock, TheErrorOfAnUnevenRoundTripIsWithinTheUncertainty) {
  for (const auto& [there, back] : {std::pair{40, 2}, {2, 40}, {0, 90}, {90, 0}}) {
    BusClock clock;
    clock.add(exchange(kSecond, there * kMillisecond, back * kMillisecond));
    const auto estimate = clock.estimate(kSecond);
    EXPECT_LE(std::abs(estimate->offset_ns - kTimeOfDay), static_cast<std::int64_t>(estimate->uncertainty_ns));
    EXPECT_FALSE(clock.is_known(kSecond + 100 * kMillisecond));  // more exchanges may tell it better
  }
}

TEST(BusClock, WhereEveryRoundTripIsLongItIsKnownAfterASecond) {
  BusClock clock;
  for (EventTime i = 0; i < 20; ++i) {
    const EventTime sent = kSecond + i * 50 * kMillisecond;
    EXPECT_FALSE(clock.is_known(sent));
    clock.add(exchange(sent, 20 * kMillisecond, 10 * kMillisecond));
  }
  EXPECT_TRUE(clock.is_known(2 * kSecond + 40 * kMillisecond));
  EXPECT_FALSE(clock.is_good(2 * kSecond + 40 * kMillisecond));
}

TEST(BusClock, EachDirectionCountsByItsShortestMessage) {
  BusClock clock;
  clock.add(exchange(kSecond, 100 * kMicrosecond, 9 * kMillisecond));
  clock.add(exchange(2 * kSecond, 12 * kMillisecond, 200 * kMicrosecond));
  const auto estimate = clock.estimate(2 * kSecond);
  EXPECT_NEAR(static_cast<double>(estimate->offset_ns - kTimeOfDay), 0, 60e3);
  EXPECT_LE(estimate->uncertainty_ns, 250'000U);
}

TEST(BusClock, EveryMessageThatComesBoundsIt) {
  BusClock clock;
  clock.add(exchange(kSecond, 100 * kMicrosecond, 9 * kMillisecond));
  EXPECT_FALSE(clock.is_known(kSecond + 20 * kMillisecond));
  EXPECT_TRUE(clock.check(static_cast<std::int64_t>(kSecond) + 30 * kMillisecond + kTimeOfDay,
                          kSecond + 30 * kMillisecond + 150 * kMicrosecond));
  EXPECT_TRUE(clock.is_known(kSecond + 31 * kMillisecond));
}

TEST(BusClock, WhatIsOldIsOutweighed) {
  BusClock clock;
  clock.add(exchange(kSecond, 200 * kMicrosecond, 200 * kMicrosecond));
  const std::uint64_t at_first = clock.estimate(kSecond)->uncertainty_ns;
  EXPECT_NEAR(static_cast<double>(clock.estimate(11 * kSecond)->uncertainty_ns - at_first), 610e3, 10e3);
  clock.add(exchange(12 * kSecond, 400 * kMicrosecond, 300 * kMicrosecond));
  EXPECT_EQ(clock.estimate(12 * kSecond)->offset_ns, kTimeOfDay + 50 * kMicrosecond);
  EXPECT_FALSE(clock.is_known(40 * kSecond));
}

TEST(BusClock, AnExchangeThatContradictsThoseBeforeReplacesThem) {
  BusClock clock;
  clock.add(exchange(kSecond, 200 * kMicrosecond, 200 * kMicrosecond));
  const std::int64_t set = kTimeOfDay + 2'000 * kMillisecond;
  clock.add(exchange(2 * kSecond, 9 * kMillisecond, 8 * kMillisecond, set));
  EXPECT_NEAR(static_cast<double>(clock.estimate(2 * kSecond)->offset_ns - set), 0, 1e6);
  EXPECT_FALSE(clock.is_known(2 * kSecond + 30 * kMillisecond));
  clock.add(exchange(3 * kSecond, 200 * kMicrosecond, 200 * kMicrosecond, set));
  EXPECT_EQ(clock.estimate(3 * kSecond)->offset_ns, set);
}

TEST(BusClock, AMessageThatCanNotHaveLeftThenMakesTheClockUnknown) {
  const auto left = [](EventTime at, std::int64_t set) { return static_cast<std::int64_t>(at) + kTimeOfDay + set; };
  for (const std::int64_t set : {5 * kMillisecond, 2'000 * kMillisecond, -2'000 * kMillisecond}) {
    BusClock clock;
    EXPECT_TRUE(clock.check(1, kSecond));  // nothing is known that it could contradict
    clock.add(exchange(kSecond, 200 * kMicrosecond, 200 * kMicrosecond));
    EXPECT_TRUE(clock.check(left(2 * kSecond, 0), 2 * kSecond + 40 * kMillisecond));
    EXPECT_TRUE(clock.is_known(2 * kSecond));
    EXPECT_FALSE(clock.check(left(2 * kSecond, set), 2 * kSecond + kMillisecond)) << set;
    EXPECT_FALSE(clock.is_known(2 * kSecond));
  }
}

TEST(BusClock, StampsThatMakeNoSenseTellNothing) {
  BusClock clock;
  clock.add({});
  clock.add({2 * kSecond, kTimeOfDay, kTimeOfDay, kSecond});                      // the answer came first
  clock.add({kSecond, kTimeOfDay, kTimeOfDay + 1'000'000'000, 2 * kSecond - 1});  // held for longer than it was away
  clock.add({kSecond, kTimeOfDay, kTimeOfDay - 1, 2 * kSecond});
  clock.add({kSecond, -1, 0, 2 * kSecond});
  clock.add({0, 9'000'000'000'000'000'000, 9'000'000'000'000'000'000, kSecond});
  clock.add({kSecond, kTimeOfDay, kTimeOfDay, 60 * kSecond});
  EXPECT_FALSE(clock.estimate(60 * kSecond));
}

}  // namespace
}  // namespace audio_latency
