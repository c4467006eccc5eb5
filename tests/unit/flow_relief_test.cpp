// SPDX-License-Identifier: Apache-2.0
#include "flow_relief.hpp"

#include <gtest/gtest.h>

namespace audio_latency {
namespace {

// Flow i was last seen at i.
std::vector<DispensableFlow> flows(std::size_t count, const std::uint32_t* held = nullptr) {
  std::vector<DispensableFlow> all;
  for (std::size_t i = count; i > 0; --i) all.push_back({i, held, i});
  return all;
}

TEST(FlowRelief, NothingGoesFromATableThatIsHalfEmpty) {
  EXPECT_TRUE(relieve(flows(400), 500, 1000).empty());
}

TEST(FlowRelief, TheLongestIdleGoUntilHalfIsFree) {
  const auto gone = relieve(flows(400), 620, 1000);
  ASSERT_EQ(gone.size(), 120U);
  for (std::size_t i = 0; i < gone.size(); ++i) EXPECT_EQ(gone[i].number, i + 1);
}

TEST(FlowRelief, NoMoreGoThanMay) {
  EXPECT_EQ(relieve(flows(10), 1000, 1000).size(), 10U);
}

TEST(FlowRelief, ASenderKeepsHalfOfItsShareAndOthersKeepTheirs) {
  const std::uint32_t busy = 80;
  const std::uint32_t quiet = 20;
  auto all = flows(70, &busy);
  for (const DispensableFlow& each : flows(20, &quiet)) all.push_back(each);
  const auto gone = relieve(all, 100, 1000);
  ASSERT_EQ(gone.size(), 30U);
  for (const DispensableFlow& each : gone) {
    EXPECT_EQ(each.held, &busy);
    EXPECT_LE(each.number, 30U);
  }
}

TEST(FlowRelief, SoundIsWhatIsScannedAndWhatWasFoundInMessages) {
  EXPECT_TRUE(holds_sound({AL_SCAN, AL_FRAMING_RTP, AL_CODEC_UNKNOWN, 0}));
  EXPECT_TRUE(holds_sound({AL_DECODE, 0, AL_CODEC_PCMU, 0}));
  EXPECT_FALSE(holds_sound({AL_DECODE, 0, AL_CODEC_UNKNOWN, 0}));
  EXPECT_FALSE(holds_sound({AL_SAMPLE, 0, AL_CODEC_UNKNOWN, 0}));
  EXPECT_FALSE(holds_sound({AL_IGNORE, 0, AL_CODEC_PCMU, 0}));
}

}  // namespace
}  // namespace audio_latency
