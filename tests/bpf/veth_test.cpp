// SPDX-License-Identifier: Apache-2.0
// Packets longer than BPF_PROG_TEST_RUN takes: GSO and non-linear ones of up to 64 KiB, through the attached program.
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/socket.h>

#include <algorithm>
#include <map>

#include "support/both_builds.hpp"
#include "support/one_cpu.hpp"
#include "support/oracle.hpp"
#include "support/veth_pair.hpp"
#include "support/veth_watched.hpp"

namespace audio_latency::test {
namespace {

constexpr std::size_t kBounded = 4096;   // what the bounded build scans of a packet
constexpr std::size_t kLongest = 65507;  // UDP over IPv4; with its Ethernet header more than GSO takes
const std::vector<std::size_t> kLengths = {4096, 4097, 8192, 8200, 12345, 16384, 20000, 40961, 65000, 65480};

class KernelVeth : public BothBuilds {
 protected:
  const OneCpu
      here_;  // else a stream's packets would overtake each other, which is counted but not what is tested here

  // What this build takes of a payload.
  static Bytes scanned(const Bytes& payload) {
    if (GetParam() == ProgramBuild::full || payload.size() <= kBounded) return payload;
    return {payload.begin(), payload.begin() + kBounded};
  }

  // Of a single packet, which all events must tell the length of.
  static std::vector<Selected> selected(const std::vector<al_event>& events, std::size_t payload_length) {
    std::vector<Selected> all;
    for (const al_event& event : events) {
      EXPECT_EQ(event.payload_length, payload_length);
      all.push_back({event.offset, event.leading_zeros, event.signature});
    }
    return all;
  }

  // What the counters say after payloads of these lengths, a packet each.
  static void expect_counted(const al_counters& counters, const std::vector<std::size_t>& lengths) {
    std::uint64_t bytes = 0;
    std::uint64_t truncated = 0;
    for (const std::size_t length : lengths) {
      const bool cut = GetParam() == ProgramBuild::bounded && length > kBounded;
      bytes += cut ? kBounded : length;
      truncated += cut;
    }
    EXPECT_EQ(counters.packets[AL_SCANNED], lengths.size());
    EXPECT_EQ(counters.scanned_bytes, bytes);
    EXPECT_EQ(counters.trouble[AL_TROUBLE_TRUNCATED], truncated);
    EXPECT_EQ(counters.trouble[AL_TROUBLE_LOAD_FAILED], 0U);
    EXPECT_EQ(counters.lost[AL_LOST_RING_FULL], 0U);
  }
};
INSTANTIATE_TEST_SUITE_P(Builds, KernelVeth, both_builds(), build_name);

TEST_P(KernelVeth, UdpGsoByAllAlgorithmsAndWindows) {
  const VethPair pair(1500);
  std::uint16_t port = 10'000;  // a flow for each packet, or the flow's selectivity would rise
  for (const al_algorithm algorithm : {AL_XXHASH, AL_ROLLING_HASH, AL_CRC32}) {
    for (const std::uint8_t window : {16, 32, 64}) {
      const al_settings settings = oracle_settings(algorithm, window, 8);
      Watched watched(pair, GetParam(), settings);
      std::uint64_t sent = 0;
      for (const std::size_t length : kLengths) {
        const Bytes payload = random_bytes(length, port);
        const Fd socket = pair.far_udp(port++);
        const int segment = 1400;
        ASSERT_EQ(setsockopt(socket.get(), IPPROTO_UDP, UDP_SEGMENT, &segment, sizeof segment), 0);
        ASSERT_EQ(send(socket.get(), payload.data(), length, 0), static_cast<ssize_t>(length));
        ASSERT_EQ(selected(watched.events_after(++sent), length), select_verbatim(scanned(payload), settings))
            << "algorithm " << algorithm << " window " << int{window} << " length " << length;
      }
      expect_counted(watched.counters(), kLengths);
    }
  }
}

// The linear part ends anywhere: in the headers, in the payload, behind the bytes that are loaded first.
TEST_P(KernelVeth, NonLinearFrames) {
  const VethPair pair(65535);
  const al_settings settings = oracle_settings();
  Watched watched(pair, GetParam(), settings);
  std::vector<std::size_t> lengths;
  for (const std::uint16_t segment : {0, 1400}) {
    for (const std::uint16_t linear : {14, 30, 42, 43, 127, 128, 200, 700, 4200}) {
      if (segment != 0 && linear < 42) continue;  // GSO needs its headers in one piece
      for (std::size_t length : kLengths) {
        if (segment == 0 && length == kLengths.back()) length = kLongest;
        const auto port = static_cast<std::uint16_t>(2000 + lengths.size());
        const Bytes payload = random_bytes(length, port);
        const Bytes frame = Packet().ethernet().ipv4().udp(1000, port).payload(payload).build();
        pair.send_frame(frame, {.linear = linear, .segment = segment});
        lengths.push_back(length);
        ASSERT_EQ(selected(watched.events_after(lengths.size()), length), select_verbatim(scanned(payload), settings))
            << "linear " << linear << " segment " << segment << " length " << length;
      }
    }
  }
  expect_counted(watched.counters(), lengths);
}

// The kernel takes the outermost tag out of a frame before any classifier sees it, as a device does that offloads tags;
// further ones stay in the frame.
TEST_P(KernelVeth, VlanTagsOutOfTheFrame) {
  const VethPair pair(1500);
  const al_settings settings = oracle_settings();
  Watched watched(pair, GetParam(), settings);
  const Bytes payload = random_bytes(1000, 7);
  std::vector<std::size_t> lengths;
  for (const int tags : {1, 2, 3}) {
    Packet packet;
    packet.ethernet();
    for (int tag = 0; tag < tags; ++tag) packet.vlan(static_cast<std::uint16_t>(5 + tag));
    const auto port = static_cast<std::uint16_t>(2000 + tags);
    pair.send_frame(packet.ipv4().udp(1000, port).payload(payload).build(), {});
    lengths.push_back(payload.size());
    ASSERT_EQ(selected(watched.events_after(lengths.size()), payload.size()), select_verbatim(payload, settings))
        << tags << " tags";
  }
  expect_counted(watched.counters(), lengths);
}

// Short packets are read whole, wherever their linear part ends.
TEST_P(KernelVeth, ShortNonLinearFrames) {
  const VethPair pair(65535);
  const al_settings settings = oracle_settings();
  Watched watched(pair, GetParam(), settings);
  std::vector<std::size_t> lengths;
  for (const std::size_t length : {3000, 3300, 3400, 3500, 3600, 3700, 4000}) {
    for (const std::uint16_t linear : {14, 60, 128, 129, 1000}) {
      const auto port = static_cast<std::uint16_t>(2000 + lengths.size());
      const Bytes payload = random_bytes(length, port);
      const Bytes frame = Packet().ethernet().ipv4().udp(1000, port).payload(payload).build();
      pair.send_frame(frame, {.linear = linear});
      lengths.push_back(length);
      ASSERT_EQ(selected(watched.events_after(lengths.size()), length), select_verbatim(payload, settings))
          << "linear " << linear << " length " << length;
    }
  }
  expect_counted(watched.counters(), lengths);
}

// Runs go on from chunk to chunk and from packet to packet.
TEST_P(KernelVeth, LongRtpPackets) {
  const VethPair pair(65535);
  const al_settings settings = oracle_settings();
  Watched watched(pair, GetParam(), settings, {{5004, AL_FORMAT_RTP}});
  std::vector<Selected> verbatim, mu_law;
  Bytes audio;
  for (std::uint16_t number = 0; number < 20; ++number) {
    const std::size_t length = GetParam() == ProgramBuild::full ? 3900U + 1777U * number : 3900U;
    const Bytes piece = random_bytes(length, 300U + number);
    RtpFields rtp;
    rtp.sequence = number;
    rtp.extension_words = number % 3 - 1;
    const Bytes frame = Packet().ethernet().ipv4().udp(1000, 5004).rtp(rtp).payload(piece).build();
    pair.send_frame(frame, {.linear = 42});
    const std::size_t header = frame.size() - 42 - length;
    for (const al_event& event : watched.events_after(number + 1U)) {
      if (event.leading_zeros < 10) continue;  // where more is selected than in speech, the flow's selectivity rises
      const bool bytes = event.domain == AL_DOMAIN_VERBATIM;
      (bytes ? verbatim : mu_law)
          .push_back({static_cast<std::uint32_t>(event.offset - (bytes ? header : 0) + audio.size()),
                      event.leading_zeros, event.signature});
    }
    audio.insert(audio.end(), piece.begin(), piece.end());
  }
  al_settings strict = settings;
  strict.selectivity = 10;
  EXPECT_EQ(verbatim, select_verbatim(audio, strict));
  EXPECT_EQ(mu_law, select_companded(audio, AL_CODEC_PCMU, AL_DOMAIN_MU_LAW, strict));
  EXPECT_EQ(watched.counters().trouble[AL_TROUBLE_TRUNCATED], 0U);
}

// Where TCP's packets begin is up to TCP: any cut gives the windows of the uncut stream. Not of the bounded build: it
// passes over the rest of long packets, which UdpGso counts.
class KernelVethWholeStream : public KernelVeth {};
INSTANTIATE_TEST_SUITE_P(Builds, KernelVethWholeStream, testing::Values(ProgramBuild::full), build_name);

TEST_P(KernelVethWholeStream, TcpGso) {
  const VethPair pair(1500);
  const Bytes stream = random_bytes(1 << 20, 9);
  al_settings strict = oracle_settings();
  strict.selectivity = 10;  // the flow's rises: it is sent faster than it plays
  std::map<std::uint64_t, Selected> expected;
  for (const Selected& one : select_verbatim(stream, strict)) expected.emplace(one.signature, one);
  ASSERT_GT(expected.size(), 900U);

  Watched watched(pair, GetParam(), oracle_settings());
  send_stream(pair, stream);
  std::uint32_t longest = 0;
  std::map<std::uint64_t, std::uint32_t> found;  // sequence number by signature
  for (const al_event& event : watched.events_after(watched.counters().packets[AL_SCANNED])) {
    longest = std::max(longest, event.payload_length);
    if (event.leading_zeros >= 10) found.emplace(event.signature, event.stream_id);
  }
  EXPECT_GT(longest, 16'384U) << "no GSO packets were sent";
  ASSERT_EQ(found.size(), expected.size());
  const std::uint32_t start = found.begin()->second - expected[found.begin()->first].offset;
  for (const auto& [signature, sequence] : found) {
    ASSERT_TRUE(expected.contains(signature));
    EXPECT_EQ(sequence - start, expected[signature].offset);
  }
  const al_counters counters = watched.counters();
  EXPECT_GE(counters.scanned_bytes, stream.size());
  EXPECT_EQ(counters.trouble[AL_TROUBLE_LOAD_FAILED] + counters.trouble[AL_TROUBLE_TRUNCATED], 0U);
  EXPECT_EQ(counters.trouble[AL_TROUBLE_FLOW_BUSY], 0U);
}

}  // namespace
}  // namespace audio_latency::test
