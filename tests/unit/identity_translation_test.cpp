// SPDX-License-Identifier: Apache-2.0
#include "identity_translation.hpp"

#include <gtest/gtest.h>

#include "identity_place.hpp"
#include "identity_pods.hpp"

namespace audio_latency {
namespace {

constexpr EventTime kSecond = 1'000'000'000;

IpAddress ip(const char* text) {
  return *IpAddress::parse(text);
}

// A pod speaks to a ClusterIP; who receives it by what connection tracking says.
class Translated : public testing::Test {
 protected:
  // Name of the receiver, and whether the kernel should be asked.
  std::pair<std::string, bool> receiver(EventTime time, const char* address = "10.96.0.7") {
    IdentitySnapshot snapshot;
    snapshot.pods = directory.pods(time);
    snapshot.translations = std::make_shared<TranslationTable>(table);
    PlacedObservation placed{{}, {}, {}, false};
    placed.observation.time = time;
    placed.observation.flow = {{ip("10.0.0.1"), 1000}, {ip(address), 5004}, 17};
    const PlacingWishes wishes = place_by_snapshot(snapshot, placed);
    const Endpoint* endpoint = registry.find(placed.receiver.endpoint);
    return {endpoint == nullptr ? "" : endpoint->name, wishes.translation};
  }
  using Answer = std::pair<std::string, bool>;

  EndpointRegistry registry;
  PodDirectory directory{registry};
  TranslationTable table;
};

TEST_F(Translated, TheReceiverIsThePodBehindTheAddress) {
  directory.upsert({"u1", "asr", "media", "node-1", "asr", {ip("10.0.0.2")}, {}, false, false}, 0);
  EXPECT_EQ(receiver(kSecond), Answer("", true)) << "not known: to be asked";
  const FlowKey flow{{ip("10.0.0.1"), 1000}, {ip("10.96.0.7"), 5004}, 17};
  table.insert(translation_key(flow)) = {{ip("10.0.0.2"), 5004}, kSecond};
  EXPECT_EQ(receiver(2 * kSecond), Answer("asr", false));
  EXPECT_EQ(receiver(20 * kSecond), Answer("asr", true)) << "known, but to be asked again";
  table.insert(translation_key(flow)) = {{}, 20 * kSecond};
  EXPECT_EQ(receiver(21 * kSecond), Answer("", false)) << "not translated";
  EXPECT_EQ(receiver(23 * kSecond), Answer("", true));
}

TEST_F(Translated, NobodyIsAskedAboutPodsAndLoopback) {
  directory.upsert({"u1", "asr", "media", "node-1", "asr", {ip("10.0.0.2")}, {}, false, false}, 0);
  EXPECT_EQ(receiver(kSecond, "10.0.0.2"), Answer("asr", false));
  EXPECT_EQ(receiver(kSecond, "127.0.0.1"), Answer("", false));
}

TEST(TranslationDirectory, IsBoundedAndAsksNothingWhereNothingIsTracked) {
  TranslationDirectory directory("/nonexistent");
  EXPECT_FALSE(directory.refresh(kSecond));
  SocketKey flow;
  EXPECT_TRUE(directory.request(flow, true)) << "the first";
  for (int round = 0; round < 6; ++round) {
    for (int i = 0; i < 2000; ++i) {
      flow.network = static_cast<std::uint32_t>(round * 2000 + i);
      directory.request(flow, true);
    }
    EXPECT_TRUE(directory.refresh(kSecond));
  }
  EXPECT_LE(directory.table()->size(), 4096u);
  EXPECT_GT(directory.table()->size(), 4000u);
  EXPECT_TRUE(directory.refresh(100 * kSecond)) << "they are forgotten";
  EXPECT_EQ(directory.table()->size(), 0u);
}

TEST(TranslationDirectory, OnlyWhatIsNotKnownYetHurries) {
  TranslationDirectory directory("/nonexistent");
  SocketKey old, fresh, other;
  fresh.network = 1;
  other.network = 2;
  EXPECT_FALSE(directory.request(old, false));
  EXPECT_FALSE(directory.hurries());
  EXPECT_TRUE(directory.request(fresh, true));
  EXPECT_FALSE(directory.request(other, true)) << "the refresher has been woken";
  EXPECT_TRUE(directory.hurries());
  EXPECT_TRUE(directory.refresh(kSecond));
  EXPECT_EQ(directory.table()->size(), 3u);
  EXPECT_FALSE(directory.hurries());
  EXPECT_TRUE(directory.request(fresh, true));
}

TEST(TranslationDirectory, WhatHasTimeDoesNotHoldUpWhatHurries) {
  TranslationDirectory directory("/nonexistent");
  SocketKey flow;
  for (std::uint32_t i = 1; i <= 4000; ++i) {
    flow.network = i;
    EXPECT_FALSE(directory.request(flow, false));
  }
  flow.network = 5000;
  EXPECT_TRUE(directory.request(flow, true)) << "there is no room: the refresher makes some at once";
  EXPECT_TRUE(directory.hurries());
}

TEST(TranslationDirectory, AFlowThatAsksAgainAndAgainTakesNoOthersPlace) {
  TranslationDirectory directory("/nonexistent");
  SocketKey often, flow;
  for (std::uint32_t i = 1; i <= 1000; ++i) {
    directory.request(often, false);
    flow.network = i;
    directory.request(flow, false);
  }
  directory.refresh(kSecond);
  EXPECT_GT(directory.table()->size(), 800u) << "but for those whose hashes meet, which ask again";
}

}  // namespace
}  // namespace audio_latency
