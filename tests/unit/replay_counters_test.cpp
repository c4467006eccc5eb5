// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "capture_counters.hpp"

namespace audio_latency {
namespace {

TEST(CaptureCounters, AreCalledAsTheMetricsCallThem) {
  EXPECT_STREQ(al_verdict_name(AL_SCANNED), "scanned");
  EXPECT_STREQ(al_verdict_name(AL_BUSY), "busy");
  EXPECT_STREQ(al_refusal_name(AL_REFUSED_FEW_SYMBOLS), "few_symbols");
  EXPECT_STREQ(al_loss_name(AL_LOST_RING_FULL), "ring_full");
  EXPECT_STREQ(al_trouble_name(AL_TROUBLE_LOAD_FAILED), "load_failed");
}

TEST(CaptureCounters, Add) {
  al_counters sum{};
  al_counters more{};
  more.packets[AL_PORT] = 1;
  more.scanned_bytes = 2;
  more.refused[AL_REFUSED_SILENCE] = 3;
  more.emitted = 4;
  more.lost[AL_LOST_RING_FULL] = 5;
  more.trouble[AL_TROUBLE_TRUNCATED] = 6;
  add(sum, more);
  add(sum, more);
  EXPECT_EQ(sum.packets[AL_PORT], 2u);
  EXPECT_EQ(sum.scanned_bytes, 4u);
  EXPECT_EQ(sum.refused[AL_REFUSED_SILENCE], 6u);
  EXPECT_EQ(sum.emitted, 8u);
  EXPECT_EQ(sum.lost[AL_LOST_RING_FULL], 10u);
  EXPECT_EQ(sum.trouble[AL_TROUBLE_TRUNCATED], 12u);
}

}  // namespace
}  // namespace audio_latency
