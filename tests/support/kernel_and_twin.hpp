// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "audio_latency/wire/companding.h"
#include "support/bpf_program.hpp"
#include "support/oracle.hpp"
#include "support/scanning.hpp"

namespace audio_latency::test {

inline constexpr std::uint16_t kPcmu = 4001, kPcma = 4002, kLittle = 4003, kBig = 4004, kRtp = 5004;
inline const std::map<al_codec, std::uint16_t> kPortOf = {
    {AL_CODEC_PCMU, kPcmu}, {AL_CODEC_PCMA, kPcma}, {AL_CODEC_PCM16LE, kLittle}, {AL_CODEC_PCM16BE, kBig}};
inline const std::map<al_codec, std::uint8_t> kTypeOf = {
    {AL_CODEC_PCMU, 0}, {AL_CODEC_PCMA, 8}, {AL_CODEC_PCM16LE, 97}, {AL_CODEC_PCM16BE, 11}};

inline Options declared(Tristate a_law = Tristate::yes) {
  Options options;
  options.audio_ports = {{kPcmu, AL_FORMAT_PCMU},
                         {kPcma, AL_FORMAT_PCMA},
                         {kLittle, AL_FORMAT_PCM16LE},
                         {kBig, AL_FORMAT_PCM16BE},
                         {kRtp, AL_FORMAT_RTP}};
  options.rtp_payload_types = {{97, AL_CODEC_PCM16LE}};
  options.a_law_domain = a_law;
  return options;
}

using ByDomain = std::map<std::uint32_t, std::vector<Selected>>;

// The kernel program and the twin, fed the same packets.
class Both {
 public:
  Both(const al_settings& settings, ProgramBuild build, const Options& options = declared())
      : program_(settings, {.build = build,
                            .ports = options.audio_ports,
                            .types = options.rtp_payload_types,
                            .a_law = options.a_law_domain}) {
    const auto table = std::make_unique<al_port_table>();
    fill_port_table(options, *table);
    twin_ = std::make_unique<PacketScanner>(settings, *table);
  }

  // Selected windows of one packet by domain; the same from both.
  ByDomain send(const Bytes& packet) {
    program_.run(packet);
    CapturedPacket one = captured(packet);
    one.loopback = true;
    Collector sink;
    twin_->scan(one, sink);
    ByDomain kernel, twin;
    for (const al_event& event : program_.events()) {
      kernel[event.domain].push_back({event.offset, event.leading_zeros, event.signature});
      described[event.domain].push_back(event);
    }
    for (const Observation& seen : sink.seen)
      twin[static_cast<std::uint32_t>(seen.domain)].push_back({seen.packet.offset, seen.leading_zeros, seen.signature});
    EXPECT_EQ(kernel, twin);
    return kernel;
  }
  const TestProgram& program() const { return program_; }
  const PacketScanner& twin() const { return *twin_; }

  std::map<std::uint32_t, std::vector<al_event>> described;

 private:
  TestProgram program_;
  std::unique_ptr<PacketScanner> twin_;
};

inline ByDomain expected(const Bytes& audio, al_codec codec, const al_settings& settings) {
  ByDomain all;
  const auto put = [&](std::uint32_t domain, std::vector<Selected> found) {
    if (!found.empty()) all[domain] = std::move(found);
  };
  put(AL_DOMAIN_VERBATIM, select_verbatim(audio, settings));
  put(AL_DOMAIN_MU_LAW, select_companded(audio, codec, AL_DOMAIN_MU_LAW, settings));
  put(AL_DOMAIN_A_LAW, select_companded(audio, codec, AL_DOMAIN_A_LAW, settings));
  return all;
}

}  // namespace audio_latency::test
