// SPDX-License-Identifier: Apache-2.0
// What comes along with telephone calls and is no sound: it is known from its first packet on, and nothing that was
// selected in it goes further.
#include <gtest/gtest.h>

#include "audio_latency/wire/treatment.h"
#include "format_table.hpp"
#include "support/format_wire.hpp"
#include "support/format_world.hpp"
#include "support/scanning.hpp"

namespace audio_latency::test {
namespace {

struct Nothing : ObservationSink, TreatmentSink {
  void on_observation(const Observation&) override {}
  void treat(const FlowKey&, const CapturePoint&, bool, al_treatment) override {}
};

Payload datagram(const Bytes& bytes, std::uint8_t protocol = 17) {
  Payload packet = segment(bytes, 0);
  packet.flow.protocol = protocol;
  return packet;
}

FlowVerdict verdict_of(const std::string& text, std::uint8_t protocol) {
  FlowClassifier classifier(protocol);
  const Bytes bytes = bytes_of(text);
  return classifier.add(datagram(bytes, protocol));
}

constexpr const char* kInvite =
    "INVITE sip:100@10.0.0.2:5060 SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bK-1\r\nCall-ID: 1@10.0.0.1\r\n"
    "Content-Type: application/sdp\r\n\r\nv=0\r\nc=IN IP4 10.0.0.1\r\nm=audio 5004 RTP/AVP 0\r\n";

TEST(Signalling, SipIsKnownFromItsFirstMessageOn) {
  for (const std::uint8_t protocol : {6, 17}) {
    for (const char* const message :
         {kInvite, "SIP/2.0 200 OK\r\nCSeq: 1 INVITE\r\n\r\n", "BYE sips:100@example.com SIP/2.0\r\n\r\n"}) {
      const FlowVerdict verdict = verdict_of(message, protocol);
      EXPECT_EQ(verdict.treatment.handling, AL_IGNORE) << message;
      EXPECT_STREQ(verdict.why, "not audio: SIP");
    }
    for (const char* const other : {"SIP/2.0\r\n", "SIP/2.05 200\r\n", "INVITE SIP/2.0", "INVITE sip:1@2 SIP/2.1\r\n",
                                    "SIP/2.0", "\r\n\r\n", " SIP/2.0\n"})
      EXPECT_FALSE(verdict_of(other, protocol).decided()) << other;
  }
}

PlacedObservation selected_in(const Payload& packet) {
  PlacedObservation seen;
  seen.observation.flow = packet.flow;
  seen.observation.point = packet.point;
  seen.observation.time = packet.time;
  return seen;
}

// The kernel program scans what it has no answer for yet, and again behind a pause.
TEST(Signalling, NothingOfAFlowThatIsNoSoundGoesFurther) {
  Nothing nothing;
  const Options options;
  Formats formats(options, oracle_settings(), nothing, nothing);
  const Bytes invite = bytes_of(kInvite);
  const Payload packet = datagram(invite);
  const PlacedObservation seen = selected_in(packet);
  EXPECT_EQ(formats.judge(seen), PlacedGate::Verdict::counted);
  formats.on_payload(packet);
  EXPECT_EQ(formats.flows().at(0).handling, AL_IGNORE);
  EXPECT_EQ(formats.stats().not_audio, 0U);
  EXPECT_EQ(formats.judge(seen), PlacedGate::Verdict::stops);
  EXPECT_EQ(formats.stats().not_audio, 1U);
  EXPECT_EQ(formats.flows().at(0).signatures, 1U);
}

// Base64 that is relayed as it is has windows of its own: of decoded flows only those of the sound inside count.
TEST(Signalling, WhatIsAroundTheSoundOfADecodedFlowGoesNoFurther) {
  Nothing nothing;
  const Options options;
  Formats formats(options, oracle_settings(), nothing, nothing);
  const Bytes upgrade = bytes_of("GET /media HTTP/1.1\r\nHost: 10.0.0.2\r\nUpgrade: websocket\r\n\r\n");
  Payload packet = datagram(upgrade);
  packet.flow.protocol = 6;
  packet.packet.kind = AL_IDENTITY_TCP;
  const PlacedObservation seen = selected_in(packet);
  EXPECT_EQ(formats.judge(seen), PlacedGate::Verdict::counted);
  formats.on_payload(packet);
  ASSERT_EQ(formats.flows().at(0).handling, AL_DECODE);
  EXPECT_EQ(formats.judge(seen), PlacedGate::Verdict::stops);
  EXPECT_EQ(formats.stats().not_audio, 1U);
}

}  // namespace
}  // namespace audio_latency::test
