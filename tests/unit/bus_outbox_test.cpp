// SPDX-License-Identifier: Apache-2.0
#include "bus_outbox.hpp"

#include <gtest/gtest.h>

#include "identity_static.hpp"
#include "support/bus_world.hpp"

namespace audio_latency {
namespace {

using testing::Hub;
using testing::HubTransport;
using testing::World;

constexpr EventTime kMillisecond = 1'000'000;

// Messages in ten seconds of `rate` observations a second that go to `owners` in turn.
int messages(BusMember owners, int rate, EventTime settle = 300 * kMillisecond) {
  Hub hub;
  HubTransport transport(hub, 100);
  StaticResolver names;
  BusFlows flows(names, "node-1", 100, 30'000 * kMillisecond);
  BusOutbox outbox(transport, flows, "node-1", settle);
  World world;
  const PlacedObservation seen = world.placed(1, "a:1", "b:1", 110);
  const std::uint32_t flow = flows.number_of(seen);
  BusRecord record = flows.record_of(seen.observation, flow);
  std::uint64_t added = 0;
  for (int tick = 0; tick < 10'000; ++tick) {  // ms
    const EventTime now = World::at(110) + static_cast<EventTime>(tick) * kMillisecond;
    record.time_ns = static_cast<std::int64_t>(now);
    for (; added < static_cast<std::uint64_t>(tick) * static_cast<std::uint64_t>(rate) / 1000; ++added) {
      outbox.add(1 + added % owners, record, now);
    }
    if (tick % 20 == 0) outbox.flush(now);
  }
  return transport.messages;
}

TEST(BusOutbox, TwoOwnersTakeNoMoreMessagesThanOne) {
  const int one = messages(1, 500);
  EXPECT_NEAR(one, 90, 12);  // each 100 ms, and what a look each 20 ms adds to it
  EXPECT_LE(messages(2, 500), one * 1.15);
  EXPECT_LE(messages(16, 500), 16 * one * 0.55);  // they may not wait longer
}

TEST(BusOutbox, AFullerBatchLeavesSooner) {
  EXPECT_NEAR(messages(1, 4000), 4000 * 10 / 128.0, 90);        // as soon as 128 wait
  EXPECT_NEAR(messages(1, 100'000), 100'000 * 10 / 256.0, 30);  // full ones
}

TEST(BusOutbox, NothingWaitsLongerThanItMaySettle) {
  EXPECT_GE(messages(2, 500, 60 * kMillisecond), 2 * 10'000 / 60 - 5);
  EXPECT_GE(messages(2, 500, 0), 2 * 10'000 / 40 - 5);
}

}  // namespace
}  // namespace audio_latency
