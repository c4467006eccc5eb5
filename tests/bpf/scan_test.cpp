// SPDX-License-Identifier: Apache-2.0
// The kernel program gives the signatures of the definition: BPF_PROG_TEST_RUN against the oracle (libxxhash).
#include <gtest/gtest.h>

#include <random>

#include "support/both_builds.hpp"
#include "support/bpf_program.hpp"
#include "support/oracle.hpp"
#include "support/packet.hpp"

namespace audio_latency::test {
namespace {

class Kernel : public BothBuilds {
 protected:
  static TestProgram::Setup setup() { return {.build = GetParam()}; }
};
INSTANTIATE_TEST_SUITE_P(Builds, Kernel, both_builds(), build_name);

std::vector<Selected> selected(const std::vector<al_event>& events) {
  std::vector<Selected> all;
  for (const al_event& event : events) all.push_back({event.offset, event.leading_zeros, event.signature});
  return all;
}

Bytes udp_packet(const Bytes& payload) {
  return Packet().ethernet().ipv4().udp(1000, 2000).payload(payload).build();
}

TEST_P(Kernel, KnownAnswers) {
  const Bytes input = random_bytes(3400, 1);
  TestProgram program(oracle_settings(), setup());
  ASSERT_EQ(program.run(udp_packet(input)).return_value, ~0U);
  const auto found = selected(program.events());
  ASSERT_GE(found.size(), 3U);
  EXPECT_EQ(found[0], (Selected{256, 8, 0x1c78e8dffcfe980a}));
  EXPECT_EQ(found[1], (Selected{389, 14, 0x7a011d3ead7b8e17}));
  EXPECT_EQ(found[2], (Selected{589, 9, 0xe9653550ae3cfa55}));
  EXPECT_EQ(found, select_verbatim(input, oracle_settings()));
}

// Payloads of every kind of length, half of them with few symbols, so that the gates are met too.
Bytes some_payload(std::uint64_t seed) {
  std::mt19937_64 random(seed);
  Bytes payload = random_bytes(random() % 3401, seed);
  if (seed % 4 == 1)
    for (std::uint8_t& byte : payload) byte &= 0x11;
  if (seed % 4 == 3)
    for (std::size_t at = 0; at < payload.size(); ++at)
      if (at / 40 % 2 == 0) payload[at] = 0x7f;
  return payload;
}

TEST_P(Kernel, TenThousandRandomPayloads) {
  std::size_t windows = 0;
  int number = 0;
  for (const al_algorithm algorithm : {AL_XXHASH, AL_ROLLING_HASH, AL_CRC32}) {
    for (const std::uint8_t window : {16, 32, 64}) {
      const auto selectivity = static_cast<std::uint8_t>(8 + number % 3);
      const al_settings settings = oracle_settings(algorithm, window, selectivity);
      TestProgram program(settings, setup());
      for (int at = 0; at < 1112; ++at, ++number) {
        const Bytes payload = some_payload(static_cast<std::uint64_t>(number));
        // Each on a flow of its own, or the flow's selectivity would rise.
        const Bytes packet = Packet()
                                 .ethernet()
                                 .ipv4()
                                 .udp(static_cast<std::uint16_t>(number), static_cast<std::uint16_t>(number + 1))
                                 .payload(payload)
                                 .build();
        ASSERT_EQ(program.run(packet).return_value, ~0U);
        const auto expected = select_verbatim(payload, settings);
        ASSERT_EQ(selected(program.events()), expected)
            << "algorithm " << algorithm << " window " << int{window} << " payload " << number;
        windows += expected.size();
      }
    }
  }
  EXPECT_GE(number, 10'000);
  EXPECT_GT(windows, 20'000U);
}

}  // namespace
}  // namespace audio_latency::test
