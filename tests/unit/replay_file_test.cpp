// SPDX-License-Identifier: Apache-2.0
#include "capture_replay_file.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <vector>

#include "support/frames.hpp"
#include "support/pcap_writer.hpp"

namespace audio_latency {
namespace {

using test::PcapFormat;
using test::PcapngWriter;
using test::PcapWriter;

constexpr EventTime kTime = 1'700'000'000'123'456'789;

const test::Frame kFrame = {.source = test::address("10.0.0.1:5000"),
                            .destination = test::address("10.0.0.2:5002"),
                            .payload = std::string(100, 'a')};

// A capture file on disk for the length of a test.
class ReplayFile : public ::testing::Test {
 protected:
  std::string write(const std::string& bytes) {
    std::ofstream(path_, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    return path_;
  }
  void TearDown() override { std::filesystem::remove(path_); }

 private:
  std::string path_ = ::testing::TempDir() + "replay_file_test." + std::to_string(getpid());
};

struct Contents {
  std::vector<CapturedPacket> packets;  // without bytes: those are gone by now
  std::vector<std::string> bytes;
  std::string error;
};

Contents read_all(const std::string& path) {
  Contents contents;
  auto file = CaptureFile::open(path);
  if (!file) return {{}, {}, file.error().message};
  CapturedPacket packet;
  for (;;) {
    const auto more = (*file)->next(packet);
    if (!more) contents.error = more.error().message;
    if (!more || !*more) return contents;
    contents.bytes.emplace_back(packet.bytes.begin(), packet.bytes.end());
    packet.bytes = {};
    contents.packets.push_back(packet);
  }
}

TEST_F(ReplayFile, ReadsEveryPcapFlavour) {
  const std::string packet = test::ethernet(test::ip_packet(kFrame));
  for (const bool nanoseconds : {true, false}) {
    for (const bool big_endian : {true, false}) {
      PcapWriter writer({.nanoseconds = nanoseconds, .big_endian = big_endian});
      writer.add(kTime, packet);
      const auto contents = read_all(write(writer.bytes()));
      EXPECT_EQ(contents.error, "");
      ASSERT_EQ(contents.packets.size(), 1u);
      EXPECT_EQ(contents.packets[0].time, nanoseconds ? kTime : kTime / 1000 * 1000);
      EXPECT_EQ(contents.bytes[0], packet);
      EXPECT_TRUE(contents.packets[0].ethernet);
    }
  }
}

TEST_F(ReplayFile, ReadsTimesBeyondThoseOfSignedSeconds) {
  const EventTime time = 3'000'000'000'123'456'000;  // 2065
  for (const bool big_endian : {true, false}) {
    PcapWriter writer({.big_endian = big_endian});
    writer.add(time, test::ethernet(test::ip_packet(kFrame)));
    const auto contents = read_all(write(writer.bytes()));
    ASSERT_EQ(contents.packets.size(), 1u);
    EXPECT_EQ(contents.packets[0].time, time);
  }
}

TEST_F(ReplayFile, StripsEveryLinkHeader) {
  const std::string ip = test::ip_packet(kFrame);
  const std::vector<std::pair<test::LinkType, std::string>> cases = {
      {test::kLinkRaw, ip},
      {test::kLinkIpv4, ip},
      {test::kLinkNull, test::null_link(ip)},
      {test::kLinkLoop, test::loop_link(ip)},
      {test::kLinkSll2, test::sll2(ip, 7)},
  };
  for (const auto& [link, bytes] : cases) {
    PcapWriter writer({.link = link});
    writer.add(kTime, bytes);
    const auto contents = read_all(write(writer.bytes()));
    ASSERT_EQ(contents.packets.size(), 1u) << link << contents.error;
    EXPECT_EQ(contents.bytes[0], ip) << link;
    EXPECT_FALSE(contents.packets[0].ethernet) << link;
    EXPECT_EQ(contents.packets[0].loopback, link == test::kLinkNull || link == test::kLinkLoop) << link;
    EXPECT_NE(contents.packets[0].loopback, contents.packets[0].uplink) << link;
    EXPECT_EQ(contents.packets[0].wire_length, ip.size()) << link;
    EXPECT_EQ(contents.packets[0].point.interface, link == test::kLinkSll2 ? 7u : 0u);
  }
}

TEST_F(ReplayFile, ReadsCookedCaptureAsEthernet) {
  const std::string ip = test::ip_packet(kFrame);
  PcapWriter writer({.link = test::kLinkSll});
  writer.add(kTime, test::sll(ip));
  const auto contents = read_all(write(writer.bytes()));
  ASSERT_EQ(contents.packets.size(), 1u);
  EXPECT_TRUE(contents.packets[0].ethernet);
  EXPECT_EQ(contents.bytes[0].substr(12, 2), std::string("\x08\x00", 2));
  EXPECT_EQ(contents.bytes[0].substr(14), ip);
}

TEST_F(ReplayFile, SkipsVlanTagsOfCookedCaptures) {
  const std::string ip = test::ip_packet(kFrame);
  std::string tagged = test::sll2(ip, 3);
  tagged.replace(0, 2, "\x81\x00", 2);
  tagged.insert(20, std::string("\x00\x05\x08\x00", 4));
  PcapWriter writer({.link = test::kLinkSll2});
  writer.add(kTime, tagged);
  const auto contents = read_all(write(writer.bytes()));
  ASSERT_EQ(contents.packets.size(), 1u);
  EXPECT_EQ(contents.bytes[0], ip);
}

TEST_F(ReplayFile, KnowsWhatIsNotIp) {
  std::string arp = test::sll2(test::ip_packet(kFrame), 3);
  arp.replace(0, 2, "\x08\x06", 2);
  PcapWriter writer({.link = test::kLinkSll2});
  writer.add(kTime, arp);
  writer.add(kTime, "short");
  const auto contents = read_all(write(writer.bytes()));
  ASSERT_EQ(contents.packets.size(), 2u);
  for (int i = 0; i < 2; ++i) {
    EXPECT_FALSE(contents.packets[i].ethernet);
    EXPECT_EQ(contents.bytes[i], std::string(1, '\0'));
  }
}

TEST_F(ReplayFile, KeepsTheWireLengthOfCutPackets) {
  const std::string packet = test::ethernet(test::ip_packet(kFrame));
  PcapWriter writer({.snaplen = 96});
  writer.add(kTime, packet);
  const auto contents = read_all(write(writer.bytes()));
  ASSERT_EQ(contents.packets.size(), 1u);
  EXPECT_EQ(contents.bytes[0], packet.substr(0, 96));
  EXPECT_EQ(contents.packets[0].wire_length, packet.size());
}

TEST_F(ReplayFile, TellsTheInterfacesOfPcapng) {
  const std::string packet = test::ethernet(test::ip_packet(kFrame));
  PcapngWriter writer;
  writer.add_interface(test::kLinkEthernet, true);
  writer.add_interface(test::kLinkEthernet, false);
  writer.add(1, kTime, packet);
  writer.add(0, kTime, packet);
  const std::uint32_t late = writer.add_interface(test::kLinkEthernet);
  writer.add(late, kTime, packet);
  const auto contents = read_all(write(writer.bytes()));
  EXPECT_EQ(contents.error, "");
  ASSERT_EQ(contents.packets.size(), 3u);
  EXPECT_EQ(contents.packets[0].point.interface, 1u);
  EXPECT_EQ(contents.packets[0].time, kTime / 1000 * 1000);
  EXPECT_EQ(contents.packets[1].point.interface, 0u);
  EXPECT_EQ(contents.packets[1].time, kTime);
  EXPECT_EQ(contents.packets[2].point.interface, 2u);
}

TEST_F(ReplayFile, NumbersInterfacesOverSections) {
  const std::string packet = test::ethernet(test::ip_packet(kFrame));
  PcapngWriter section;
  section.add_interface(test::kLinkEthernet);
  section.add(0, kTime, packet);
  const auto contents = read_all(write(section.bytes() + section.bytes()));
  EXPECT_EQ(contents.error, "");
  ASSERT_EQ(contents.packets.size(), 2u);
  EXPECT_EQ(contents.packets[0].point.interface, 0u);
  EXPECT_EQ(contents.packets[1].point.interface, 1u);
}

TEST_F(ReplayFile, HandsOutWhatStandsBeforeACut) {
  const std::string packet = test::ethernet(test::ip_packet(kFrame));
  PcapWriter writer;
  writer.add(kTime, packet);
  writer.add(kTime, packet);
  const std::string whole = writer.bytes();
  const auto contents = read_all(write(whole.substr(0, whole.size() - 20)));
  EXPECT_EQ(contents.packets.size(), 1u);
  EXPECT_NE(contents.error.find("ends early"), std::string::npos) << contents.error;
}

TEST_F(ReplayFile, AFileWithoutPacketsIsNoError) {
  const auto contents = read_all(write(PcapWriter().bytes()));
  EXPECT_EQ(contents.packets.size(), 0u);
  EXPECT_EQ(contents.error, "");
}

TEST_F(ReplayFile, RefusesWhatIsNoCapture) {
  EXPECT_NE(read_all(write("")).error.find("pcap and pcapng"), std::string::npos);
  EXPECT_NE(read_all(write("RIFF and so on, not a capture")).error.find("pcap and pcapng"), std::string::npos);
  EXPECT_NE(read_all("/nonexistent.pcap").error.find("No such file"), std::string::npos);
  const auto wifi = read_all(write(PcapWriter({.link = static_cast<test::LinkType>(105)}).bytes()));
  EXPECT_NE(wifi.error.find("IEEE802_11"), std::string::npos) << wifi.error;
}

}  // namespace
}  // namespace audio_latency
