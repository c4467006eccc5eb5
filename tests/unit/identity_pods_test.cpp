// SPDX-License-Identifier: Apache-2.0
#include "identity_pods.hpp"

#include <gtest/gtest.h>

#include "identity_place.hpp"

namespace audio_latency {
namespace {

constexpr EventTime kSecond = 1'000'000'000;

IpAddress ip(const char* text) {
  return *IpAddress::parse(text);
}

PodRecord pod(const char* uid, const char* name, const char* address) {
  PodRecord record{uid, name, "media", "node-1", name, {}, {}, false, false};
  if (*address != 0) record.addresses.push_back(ip(address));
  return record;
}

Endpoint named(const char* name) {
  Endpoint endpoint;
  endpoint.name = name;
  return endpoint;
}

class Pods : public testing::Test {
 protected:
  // The name of who sent from `address` at `time`, seen at `interface`; "" for a bare address, "!" for spoofed.
  std::string sender(const char* address, EventTime time, EventTime now, std::uint32_t interface = 1,
                     std::uint8_t direction = AL_INGRESS) {
    IdentitySnapshot snapshot;
    snapshot.pods = directory.pods(now);
    snapshot.interfaces = directory.interfaces();
    Observation seen;
    seen.time = time;
    seen.point = {0, interface, direction};
    seen.flow = {{ip(address), 1000}, {ip("192.0.2.1"), 2000}, 17};
    PlacedObservation placed{seen, {}, {}, false};
    place_by_snapshot(snapshot, placed);
    if (placed.spoofed) return "!";
    const Endpoint* endpoint = registry.find(placed.sender.endpoint);
    return endpoint == nullptr ? "" : endpoint->name;
  }
  void interfaces(std::vector<InterfaceAddresses> elsewhere, EventTime now) {
    directory.set_interfaces(std::move(elsewhere), {1}, now);
  }

  EndpointRegistry registry;
  PodDirectory directory{registry};
};

TEST_F(Pods, AreNamedOnceTheyHaveAnAddress) {
  directory.upsert(pod("u1", "asr", ""), kSecond);
  EXPECT_EQ(sender("10.0.0.1", 2 * kSecond, 2 * kSecond), "");
  directory.upsert(pod("u1", "asr", "10.0.0.1"), 2 * kSecond);
  EXPECT_EQ(sender("10.0.0.1", 3 * kSecond, 3 * kSecond), "asr");
  EXPECT_EQ(sender("10.0.0.2", 3 * kSecond, 3 * kSecond), "");
}

TEST_F(Pods, HaveBothFamilies) {
  PodRecord both = pod("u1", "asr", "10.0.0.1");
  both.addresses.push_back(ip("2001:db8::1"));
  directory.upsert(both, 0);
  EXPECT_EQ(sender("2001:db8::1", 1, 1), "asr");
  EXPECT_EQ(sender("10.0.0.1", 1, 1), "asr");
}

TEST_F(Pods, KeepTheirNameForLateEventsAMinuteLong) {
  directory.upsert(pod("u1", "asr", "10.0.0.1"), kSecond);
  directory.remove("u1", 10 * kSecond);
  EXPECT_EQ(sender("10.0.0.1", 9 * kSecond, 69 * kSecond), "asr");
  EXPECT_EQ(sender("10.0.0.1", 11 * kSecond, 12 * kSecond), "");
  registry.collect(71 * kSecond);
  EXPECT_EQ(sender("10.0.0.1", 9 * kSecond, 71 * kSecond), "");
}

TEST_F(Pods, HandAddressesOn) {
  directory.upsert(pod("u1", "old", "10.0.0.1"), kSecond);
  directory.remove("u1", 10 * kSecond);
  directory.upsert(pod("u2", "new", "10.0.0.1"), 12 * kSecond);
  EXPECT_EQ(sender("10.0.0.1", 5 * kSecond, 13 * kSecond), "old");
  EXPECT_EQ(sender("10.0.0.1", 11 * kSecond, 13 * kSecond), "") << "between the two it may be either's";
  EXPECT_EQ(sender("10.0.0.1", 13 * kSecond, 13 * kSecond), "new");
}

TEST_F(Pods, NewOwnerBeforeTheOldOnesEndIsHeard) {
  directory.upsert(pod("u1", "old", "10.0.0.1"), kSecond);
  directory.upsert(pod("u2", "new", "10.0.0.1"), 5 * kSecond);
  directory.remove("u1", 6 * kSecond);
  EXPECT_EQ(sender("10.0.0.1", 7 * kSecond, 7 * kSecond), "new");
  EXPECT_EQ(sender("10.0.0.1", 4 * kSecond, 7 * kSecond), "old");
}

TEST_F(Pods, FinishedOnesGiveTheirAddressBack) {
  directory.upsert(pod("u1", "job", "10.0.0.1"), kSecond);
  PodRecord finished = pod("u1", "job", "10.0.0.1");
  finished.finished = true;
  directory.upsert(finished, 2 * kSecond);
  EXPECT_EQ(sender("10.0.0.1", 3 * kSecond, 3 * kSecond), "");
  directory.upsert(pod("u2", "asr", "10.0.0.1"), 4 * kSecond);
  directory.upsert(finished, 5 * kSecond);
  EXPECT_EQ(sender("10.0.0.1", 6 * kSecond, 6 * kSecond), "asr");
}

TEST_F(Pods, WhatAListDoesNotMentionIsGone) {
  directory.upsert(pod("u1", "asr", "10.0.0.1"), kSecond);
  directory.upsert(pod("u2", "tts", "10.0.0.2"), kSecond);
  directory.begin_list();
  directory.upsert(pod("u2", "tts", "10.0.0.2"), 2 * kSecond);
  directory.end_list(3 * kSecond);
  EXPECT_EQ(sender("10.0.0.1", 4 * kSecond, 4 * kSecond), "");
  EXPECT_EQ(sender("10.0.0.2", 4 * kSecond, 4 * kSecond), "tts");
  EXPECT_EQ(directory.size(), 1U);
}

TEST_F(Pods, HostNetworkPodsDoNotOwnTheNodesAddressButTheirPorts) {
  PodRecord host = pod("u1", "rtpengine", "10.0.0.1");
  host.host_network = true;
  host.ports = {{ip("10.0.0.1"), 1000, 17}};
  directory.upsert(host, 0);
  EXPECT_EQ(sender("10.0.0.1", 1, 1), "rtpengine");
  PodRecord second = host;
  second.uid = "u2";
  second.name = "other";
  directory.upsert(second, 0);
  EXPECT_EQ(sender("10.0.0.1", 1, 1), "") << "two claim the port";
}

TEST_F(Pods, RelabellingChangesTheWorkloadNotTheId) {
  directory.upsert(pod("u1", "asr", "10.0.0.1"), 0);
  const EndpointId before = directory.find("u1");
  PodRecord other = pod("u1", "asr", "10.0.0.1");
  other.workload = "speech";
  directory.upsert(other, 1);
  EXPECT_EQ(directory.find("u1"), before);
  EXPECT_EQ(registry.find(before)->workload, "speech");
}

TEST_F(Pods, AForgedSenderBehindAPodsInterfaceIsSpoofed) {
  directory.upsert(pod("u1", "asr", "10.0.0.1"), 0);
  directory.upsert(pod("u2", "bad", "10.0.0.2"), 0);
  interfaces({{7, 1, {ip("10.0.0.1"), ip("fe80::1")}}, {8, 2, {ip("10.0.0.2")}}}, 1);
  EXPECT_EQ(sender("10.0.0.1", 2, 2, 7), "asr");
  EXPECT_EQ(sender("fe80::1", 2, 2, 7), "asr") << "all addresses there are the pod's";
  EXPECT_EQ(sender("10.0.0.1", 2, 2, 8), "!");
  EXPECT_EQ(sender("203.0.113.9", 2, 2, 8), "!");
  EXPECT_EQ(sender("10.0.0.1", 2, 2, 1), "asr") << "an uplink says nothing about the sender";
  EXPECT_EQ(sender("10.0.0.1", 2, 2, 8, AL_EGRESS), "asr") << "what a pod receives may come from anyone";
}

TEST_F(Pods, AnAddressLeavesItsPodWithTheInterface) {
  directory.upsert(pod("u1", "old", "10.0.0.1"), kSecond);
  interfaces({{7, 1, {ip("10.0.0.1")}}}, kSecond);
  EXPECT_EQ(sender("10.0.0.1", 2 * kSecond, 2 * kSecond, 7), "old");
  // The interface is gone and another has come before the API server said anything.
  interfaces({{9, 3, {ip("10.0.0.1")}}}, 10 * kSecond);
  EXPECT_EQ(sender("10.0.0.1", 11 * kSecond, 11 * kSecond, 9), "");
  EXPECT_EQ(sender("10.0.0.1", 11 * kSecond, 11 * kSecond, 1), "");
  EXPECT_EQ(sender("10.0.0.1", 9 * kSecond, 11 * kSecond, 7), "old") << "a late event";
  directory.upsert(pod("u2", "new", "10.0.0.1"), 11 * kSecond);
  EXPECT_EQ(sender("10.0.0.1", 12 * kSecond, 12 * kSecond, 9), "new");
  directory.remove("u1", 12 * kSecond);
  EXPECT_EQ(sender("10.0.0.1", 13 * kSecond, 13 * kSecond, 9), "new");
}

TEST_F(Pods, AnInterfaceThatIsHeardOfLateIsBelievedHalfAMinuteLater) {
  directory.upsert(pod("u1", "asr", "10.0.0.1"), kSecond);
  interfaces({{7, 1, {ip("10.0.0.1")}}}, 5 * kSecond);
  EXPECT_EQ(sender("10.0.0.1", 34 * kSecond, 34 * kSecond, 7), "") << "it may be the next owner's";
  EXPECT_EQ(sender("10.0.0.1", 36 * kSecond, 36 * kSecond, 7), "asr");
}

TEST_F(Pods, AnUnknownInterfaceNamesNobody) {
  directory.upsert(pod("u1", "asr", "10.0.0.1"), 0);
  interfaces({{7, 1, {ip("10.0.0.1")}}}, 1);
  EXPECT_EQ(sender("10.0.0.1", 2, 2, 99), "");
}

TEST_F(Pods, TwoInterfacesOfOnePod) {
  directory.upsert(pod("u1", "asr", "10.0.0.1"), 0);
  const std::vector<IpAddress> both = {ip("10.0.0.1"), ip("172.16.0.1")};
  interfaces({{7, 1, both}, {8, 1, both}}, 1);
  sender("10.0.0.1", 2, 2, 7);
  EXPECT_EQ(sender("172.16.0.1", 2, 2, 8), "asr");
  EXPECT_EQ(sender("10.0.0.1", 2, 2, 7), "asr");
}

TEST(EndpointRegistry, RecycledIdsDoNotMeanTheNewOwner) {
  EndpointRegistry registry;
  const EndpointId first = registry.acquire("a", named("a"));
  registry.release(first, kSecond);
  registry.collect(61 * kSecond - 1);
  ASSERT_NE(registry.find(first), nullptr);
  EXPECT_EQ(registry.find(first)->name, "a");
  registry.collect(61 * kSecond);
  EXPECT_EQ(registry.find(first), nullptr);
  const EndpointId second = registry.acquire("b", named("b"));
  EXPECT_NE(first, second);
  EXPECT_EQ(registry.find(first), nullptr);
  EXPECT_EQ(registry.find(second)->name, "b");
  EXPECT_EQ(registry.size(), 1U);
}

TEST(EndpointRegistry, WhoComesBackKeepsTheId) {
  EndpointRegistry registry;
  const EndpointId id = registry.acquire("a", named("a"));
  registry.release(id, kSecond);
  EXPECT_EQ(registry.acquire("a", named("a")), id);
  registry.collect(100 * kSecond);
  EXPECT_NE(registry.find(id), nullptr);
}

}  // namespace
}  // namespace audio_latency
