// SPDX-License-Identifier: Apache-2.0
// A flow's short way (wire/shortcut.h) comes to the verdicts of the long one.
#include <gtest/gtest.h>

#include <random>

#include "support/both_builds.hpp"
#include "support/packet_matrix.hpp"
#include "support/shortcut_world.hpp"

namespace audio_latency::test {
namespace {

// Packets of a few flows, whole and spoilt.
class Stream {
 public:
  Stream() {
    for (const std::size_t length : {0U, 40U, 1000U, 1400U})
      for (const Case& one : packet_matrix(random_bytes(length, length + 1))) valid_.push_back(one.packet);
    for (const std::uint16_t port : {kUnwatched, kDecided})
      for (const std::size_t length : {0U, 3U, 40U, 900U, 1400U})
        for (const bool v6 : {false, true}) {
          valid_.push_back(in_ip(true, v6).tcp(1000, port, 77).payload(random_bytes(length, length)).build());
          valid_.push_back(in_ip(true, v6).udp(1000, port).payload(random_bytes(length, length)).build());
        }
  }
  Bytes next() {
    Bytes packet = valid_[random_() % valid_.size()];
    const std::uint64_t dice = random_();
    for (std::uint64_t change = 0; change < dice % 3; ++change) {
      const std::uint64_t value = random_();
      packet[value % std::min<std::size_t>(packet.size(), 64)] = static_cast<std::uint8_t>(value >> 32);
    }
    if (dice / 16 % 8 == 0) packet.resize(14 + random_() % (packet.size() - 13));
    ethernet = dice / 128 % 8 != 0;
    direction = dice / 1024 % 2 == 0 ? AL_INGRESS : AL_EGRESS;
    return packet;
  }
  static constexpr std::uint16_t kUnwatched = 9999, kDecided = 8000;
  bool ethernet = true;  // of the last one
  al_direction direction = AL_INGRESS;

 private:
  std::vector<Bytes> valid_;
  std::mt19937_64 random_{11};
};

class KernelShortcutVerdicts : public BothBuilds {
 protected:
  const OneCpu here_;
};
INSTANTIATE_TEST_SUITE_P(Builds, KernelShortcutVerdicts, both_builds(), build_name);

// With shortcuts, without, and with some that can be told from the long way.
TEST_P(KernelShortcutVerdicts, NoVerdictIsAnotherOne) {
  const std::vector<AudioPort> ports = {
      {2000, AL_FORMAT_RAW}, {5004, AL_FORMAT_RTP}, {Stream::kDecided, AL_FORMAT_AUTO}};
  ShortcutWorld with(here_, GetParam(), AL_INTERFACE_UPLINK, ports);
  ShortcutWorld without(here_, GetParam(), AL_INTERFACE_UPLINK, ports);
  ShortcutWorld marked(here_, GetParam(), AL_INTERFACE_UPLINK, ports);
  const Bytes ignored =
      Packet().ethernet().ipv4().tcp(1000, Stream::kDecided, 77).payload(random_bytes(900, 9)).build();
  FlowKey flow;
  for (ShortcutWorld* world : {&with, &without, &marked}) flow = world->ignore(ignored);
  Stream stream;
  for (int number = 0; number < 50'000; ++number) {
    if (number % 1000 == 0)  // a SYN among them makes it an open question again
      for (ShortcutWorld* world : {&with, &without, &marked}) world->treat(flow, {AL_IGNORE, 0, 0, 0});
    const Bytes packet = stream.next();
    without.shortcuts.clear();
    marked.shortcuts.mark();
    const RunResult result = with.program.run(packet, stream.ethernet, stream.direction);
    ASSERT_EQ(without.program.run(packet, stream.ethernet, stream.direction).error, result.error);
    ASSERT_EQ(marked.program.run(packet, stream.ethernet, stream.direction).error, result.error);
    if (number % 256 != 0) continue;
    for (const al_direction direction : {AL_INGRESS, AL_EGRESS})
      for (int verdict = 0; verdict < AL_VERDICTS; ++verdict)
        ASSERT_EQ(with.verdict(al_verdict(verdict), direction), without.verdict(al_verdict(verdict), direction))
            << "verdict " << verdict << ", packet " << number;
  }
  EXPECT_GT(with.verdict(AL_NOT_AUDIO), 100U);
  EXPECT_GT(marked.verdict(AL_BUDGET) + marked.verdict(AL_BUDGET, AL_EGRESS), 1000U);
}

}  // namespace
}  // namespace audio_latency::test
