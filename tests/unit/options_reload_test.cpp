// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent_reload.hpp"

namespace audio_latency {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

Loaded loaded_with(std::vector<Setting> flags) {
  return load_options({std::move(flags), nullptr, ""});
}

TEST(Reload, TakesOverWhatCanChange) {
  const auto plan = plan_reload(Options{}, loaded_with({{"AUDIO_PORTS", "5004/rtp", "f"},
                                                        {"LOG_LEVEL", "debug", "f"},
                                                        {"INTERFACE", "lo", "f"},
                                                        {"DIRECTION", "both", "f"}}));
  EXPECT_TRUE(plan.valid);
  EXPECT_THAT(plan.options.audio_ports, SizeIs(1));
  EXPECT_EQ(plan.options.log_level, LogLevel::debug);
  EXPECT_EQ(plan.options.interfaces, std::vector<std::string>{"lo"});
  EXPECT_FALSE(plan.options.interfaces_defaulted);
  EXPECT_EQ(plan.options.direction, DirectionOption::both);
  EXPECT_FALSE(plan.options.direction_defaulted);
  for (const auto& note : plan.notes) EXPECT_EQ(note.level, LogLevel::info);
}

TEST(Reload, SaysWhatNeedsARestart) {
  const auto plan = plan_reload(Options{}, loaded_with({{"MAX_FLOWS", "77", "f"}}));
  EXPECT_TRUE(plan.valid);
  EXPECT_EQ(plan.options.max_flows, 10'000U);
  ASSERT_THAT(plan.notes, SizeIs(1));
  EXPECT_EQ(plan.notes[0].level, LogLevel::warn);
  EXPECT_THAT(plan.notes[0].message, HasSubstr("MAX_FLOWS changed from '10000' to '77': this takes effect after"));
}

TEST(Reload, ErrorsChangeNothing) {
  const auto plan = plan_reload(Options{}, loaded_with({{"LOG_LEVEL", "debug", "f"}, {"MAX_FLOWS", "x", "f"}}));
  EXPECT_FALSE(plan.valid);
  EXPECT_EQ(plan.options.log_level, LogLevel::info);
  ASSERT_THAT(plan.notes, SizeIs(1));
  EXPECT_EQ(plan.notes[0].level, LogLevel::error);
}

TEST(Reload, SaysThatNothingChanged) {
  const auto plan = plan_reload(Options{}, loaded_with({}));
  EXPECT_TRUE(plan.valid);
  ASSERT_THAT(plan.notes, SizeIs(1));
  EXPECT_THAT(plan.notes[0].message, HasSubstr("no change"));
}

}  // namespace
}  // namespace audio_latency
