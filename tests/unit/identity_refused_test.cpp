// SPDX-License-Identifier: Apache-2.0
#include "identity_refused.hpp"

#include <gtest/gtest.h>

namespace audio_latency {
namespace {

constexpr EventTime kSecond = 1'000'000'000;

IpAddress ip(const char* text) {
  return *IpAddress::parse(text);
}

TEST(RefusedPackets, AreKnownAgainBehindTheirInterface) {
  RefusedPackets refused;
  Observation seen;
  seen.time = 100 * kSecond;
  seen.flow = {{ip("10.0.0.9"), 1000}, {ip("192.0.2.1"), 2000}, 17};
  seen.packet.ip_id_or_label = 77;
  EXPECT_FALSE(refused.has(seen));
  EXPECT_TRUE(refused.add(seen));
  EXPECT_TRUE(refused.has(seen));
  seen.packet.offset = 90;
  EXPECT_FALSE(refused.add(seen)) << "another window of it";
  seen.flow.destination = {ip("10.0.0.3"), 3000};
  seen.time += kSecond / 2;
  EXPECT_TRUE(refused.has(seen)) << "translated on the way";
  Observation other = seen;
  other.packet.ip_id_or_label = 78;
  EXPECT_FALSE(refused.has(other)) << "the sender's next packet";
  other = seen;
  other.flow.source.ip = ip("10.0.0.8");
  EXPECT_FALSE(refused.has(other)) << "somebody else's";
  seen.time += kSecond;
  EXPECT_FALSE(refused.has(seen)) << "long ago";
}

}  // namespace
}  // namespace audio_latency
