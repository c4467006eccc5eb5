// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

#include "audio_latency/payload.hpp"
#include "audio_latency/wire/rtp.h"
#include "format_rtp_pace.hpp"
#include "format_statistics.hpp"

namespace audio_latency {

// How the audio of a flow is framed, as far as the packets tell.
enum class Framing : std::uint8_t { unknown, raw, rtp, http, websocket, sse, json, audiosocket, http2 };
std::string_view to_string(Framing framing);

// Label `reason` of audio_unhashable_flows.
enum class Unhashable : std::uint8_t { no, tls, srtp, deflate, compressed_codec };
std::string_view to_string(Unhashable reason);

struct FlowVerdict {
  al_treatment treatment{};  // handling AL_SAMPLE: not decided
  Framing framing = Framing::unknown;
  Unhashable unhashable = Unhashable::no;
  std::uint32_t rate = 0;  // Hz, where the framing tells
  bool proven = false;     // by how the connection began, not by what looks like frames or samples
  bool doubtful = false;   // one look has shown nothing: another should agree
  const char* why = "nothing has told yet what it is";

  bool decided() const { return treatment.handling != AL_SAMPLE; }
};

// Looks at the first packets of a flow until it knows what the flow carries. Bounded; one flow, one direction.
class FlowClassifier {
 public:
  explicit FlowClassifier(std::uint8_t protocol) : statistics_(protocol != 6), tcp_(protocol == 6) {}

  // The verdict after one more packet. What came before a verdict is not handed out again.
  FlowVerdict add(const Payload& packet);

  const SampleStatistics& statistics() const { return statistics_; }

 private:
  FlowVerdict add_tcp(const Payload& packet);
  FlowVerdict add_udp(const Payload& packet);
  static FlowVerdict by_beginning(ByteSpan bytes);
  FlowVerdict by_syntax(ByteSpan bytes);
  FlowVerdict by_samples() const;
  FlowVerdict give_up() const;

  bool follows(const al_rtp& rtp);
  FlowVerdict by_rtp(const al_rtp& rtp, ByteSpan audio, EventTime time);
  FlowVerdict by_g711(al_codec codec) const;
  FlowVerdict by_dynamic_type(std::uint8_t type) const;

  SampleStatistics statistics_;         // of whole payloads
  SampleStatistics rtp_samples_{true};  // of what is behind an RTP header
  bool tcp_;
  std::uint16_t packets_ = 0;
  std::uint16_t framed_ = 0;  // packets that begin with what may be a frame's header
  std::uint32_t bytes_ = 0;
  std::uint32_t next_place_ = 0;
  // Hits of syntaxes that one packet does not prove.
  std::uint8_t tls_ = 0;
  std::uint8_t audiosocket_ = 0;
  std::uint8_t chunks_ = 0;
  std::uint8_t json_ = 0;
  std::uint8_t http2_ = 0;
  unsigned websocket_ = 0;  // bits of evidence
  // RTP (RFC 3550).
  al_rtp last_{};
  std::uint16_t rtp_packets_ = 0;  // in a row; one alone may be chance
  std::uint64_t rtp_bytes_ = 0;
  RtpPace pace_;
};

}  // namespace audio_latency
