// SPDX-License-Identifier: Apache-2.0
#include "command_line.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "options_registry.hpp"

namespace audio_latency {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

struct Typed {
  CommandLine line;
  std::string out;
  std::string complaints;
};
Typed type(std::vector<const char*> words) {
  words.insert(words.begin(), "audio-latency");
  std::ostringstream out, complaints;
  CommandLine line = parse_command_line(static_cast<int>(words.size()), words.data(), out, complaints);
  return {std::move(line), out.str(), complaints.str()};
}

TEST(CommandLine, RunIsTheDefault) {
  const auto typed = type({"-i", "lo", "-i", "veth*", "-l", "debug", "--config", "f.yaml"});
  EXPECT_EQ(typed.line.command, "run");
  EXPECT_EQ(typed.line.config_file, "f.yaml");
  ASSERT_THAT(typed.line.flags, SizeIs(2));
  EXPECT_EQ(typed.line.flags[0].value, "lo,veth*");
  EXPECT_EQ(typed.line.flags[1].name, "LOG_LEVEL");
}

TEST(CommandLine, EveryVariableHasAFlag) {
  for (const Variable& variable : variables()) {
    const std::string flag = flag_name(variable);
    const auto typed = type({"config", flag.c_str(), "value"});
    ASSERT_THAT(typed.line.flags, SizeIs(1)) << flag << typed.complaints;
    EXPECT_EQ(typed.line.flags[0].name, variable.name);
    EXPECT_EQ(typed.line.flags[0].value, "value");
  }
}

TEST(CommandLine, ReplayTakesFiles) {
  const auto typed = type({"replay", "a.pcap", "--json", "b.pcap", "--max-latency-ms", "500"});
  EXPECT_EQ(typed.line.command, "replay");
  EXPECT_THAT(typed.line.replay.files, ElementsAre("a.pcap", "b.pcap"));
  EXPECT_TRUE(typed.line.replay.json);
  EXPECT_THAT(typed.line.flags, SizeIs(1));
}

TEST(CommandLine, RefusesWhatItDoesNotKnow) {
  for (const std::vector<const char*>& words :
       std::vector<std::vector<const char*>>{{"--bogus"},
                                             {"bogus"},
                                             {"replay"},
                                             {"run", "config"},
                                             {"--max-flows"},
                                             {"--max-flows", "100", "--max-flows", "200"},
                                             {"replay", "a", "--json", "--signatures"}}) {
    const auto typed = type(words);
    EXPECT_EQ(typed.line.command, "") << words[0];
    EXPECT_EQ(typed.line.exit_code, 2) << words[0];
    EXPECT_THAT(typed.complaints, HasSubstr("audio-latency: ")) << words[0];
  }
}

TEST(CommandLine, HelpAndVersionEndWell) {
  for (const char* word : {"--help", "--version"}) {
    const auto typed = type({word});
    EXPECT_EQ(typed.line.command, "");
    EXPECT_EQ(typed.line.exit_code, 0);
    EXPECT_THAT(typed.out, HasSubstr("audio-latency"));
  }
}

}  // namespace
}  // namespace audio_latency
