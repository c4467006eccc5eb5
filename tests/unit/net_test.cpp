// SPDX-License-Identifier: Apache-2.0
#include "audio_latency/net.hpp"

#include <gtest/gtest.h>

namespace audio_latency {
namespace {

TEST(SocketAddress, PrintsWhatItParses) {
  for (const char* text : {"10.0.0.1:5004", "[2001:db8::1]:65535", "0.0.0.0:0"}) {
    const auto address = SocketAddress::parse(text);
    ASSERT_TRUE(address) << text;
    EXPECT_EQ(address->to_string(), text);
  }
}

TEST(SocketAddress, RefusesWhatIsNoAddress) {
  for (const char* text :
       {"", ":1", "10.0.0.1", "10.0.0.1:65536", "10.0.0:1", "2001:db8::1", "[10.0.0.1]:1", "10.0.0.1:x"}) {
    EXPECT_FALSE(SocketAddress::parse(text)) << text;
  }
}

TEST(IpAddress, KnowsLoopback) {
  EXPECT_TRUE(IpAddress::parse("127.3.2.1")->is_loopback());
  EXPECT_TRUE(IpAddress::parse("::1")->is_loopback());
  EXPECT_FALSE(IpAddress::parse("128.0.0.1")->is_loopback());
  EXPECT_FALSE(IpAddress::parse("::2")->is_loopback());
}

TEST(IpAddress, MapsIpv4) {
  EXPECT_EQ(IpAddress::from_ipv4(0x0a000001).to_string(), "10.0.0.1");
  EXPECT_EQ(IpAddress::parse("10.0.0.1"), IpAddress::from_ipv4(0x0a000001));
}

}  // namespace
}  // namespace audio_latency
