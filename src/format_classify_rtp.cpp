// SPDX-License-Identifier: Apache-2.0
// RTP among the datagrams: by the continuity of its headers; its codec by payload type, size, pace and samples.
#include "format_classify.hpp"

namespace audio_latency {
namespace {

constexpr std::uint16_t kEnoughPackets = 3;    // whose headers follow one another
constexpr std::uint16_t kDynamicPackets = 10;  // that tell a codec without a static payload type
constexpr std::uint16_t kMostStep = 100;       // of the sequence number; the kernel does not sample every packet
constexpr double kDensest = 0.7;               // bytes for a tick of the timestamp, of compressed audio
constexpr std::uint8_t kFirstDynamic = 96;     // RFC 3551, 6

enum class StaticType : std::uint8_t { unknown, pcmu, pcma, linear, compressed, video };

StaticType static_type(std::uint8_t type) {
  switch (type) {
    case 0:
      return StaticType::pcmu;
    case 8:
      return StaticType::pcma;
    case 10:
    case 11:
      return StaticType::linear;
    case 3:   // GSM
    case 4:   // G.723
    case 5:   // DVI4
    case 6:   // DVI4
    case 7:   // LPC
    case 9:   // G.722
    case 12:  // QCELP
    case 14:  // MPA
    case 15:  // G.728
    case 16:  // DVI4
    case 17:  // DVI4
    case 18:  // G.729
      return StaticType::compressed;
    case 25:
    case 26:
    case 28:
    case 31:
    case 32:
    case 33:
    case 34:
      return StaticType::video;
    default:
      return StaticType::unknown;
  }
}

FlowVerdict scan(al_codec codec, const char* why, std::uint32_t rate = 0) {
  FlowVerdict verdict;
  verdict.treatment = {AL_SCAN, AL_FRAMING_RTP, static_cast<std::uint8_t>(codec), 0};
  verdict.framing = Framing::rtp;
  verdict.rate = rate;
  verdict.why = why;
  if (codec == AL_CODEC_COMPRESSED) verdict.unhashable = Unhashable::compressed_codec;
  return verdict;
}

FlowVerdict ignore(const char* why, Unhashable reason = Unhashable::no) {
  FlowVerdict verdict;
  verdict.treatment.handling = AL_IGNORE;
  verdict.framing = Framing::rtp;
  verdict.unhashable = reason;
  verdict.why = why;
  return verdict;
}

}  // namespace

// True: the header continues those before, or is the first. One that does not starts anew, until RTP is certain.
bool FlowClassifier::follows(const al_rtp& rtp) {
  const auto step = static_cast<std::uint16_t>(rtp.sequence - last_.sequence);
  const bool same = rtp_packets_ > 0 && rtp.ssrc == last_.ssrc && step > 0 && step <= kMostStep;
  if (rtp_packets_ > 0 && !same && rtp_packets_ < kEnoughPackets && rtp.ssrc == last_.ssrc) return false;
  if (same && rtp.payload_type != last_.payload_type) return false;  // events, comfort noise
  if (!same) {
    rtp_packets_ = 0;
    rtp_bytes_ = 0;
    pace_ = {};
    rtp_samples_.clear();
  }
  last_ = rtp;
  ++rtp_packets_;
  return true;
}

FlowVerdict FlowClassifier::by_rtp(const al_rtp& rtp, ByteSpan audio, EventTime time) {
  rtp_samples_.add(audio, static_cast<std::uint32_t>(rtp_bytes_));
  rtp_bytes_ += audio.size();
  pace_.add(rtp, audio.size(), time);
  if (rtp_packets_ < kEnoughPackets) return {};
  switch (static_type(rtp.payload_type)) {
    case StaticType::pcmu:
      return by_g711(AL_CODEC_PCMU);
    case StaticType::pcma:
      return by_g711(AL_CODEC_PCMA);
    case StaticType::linear:
      return scan(AL_CODEC_PCM16BE, "RTP, payload type of L16", 44'100);
    case StaticType::compressed:
      return scan(AL_CODEC_COMPRESSED, "RTP, payload type of a compressed codec");
    case StaticType::video:
      return ignore("not audio: RTP, payload type of video");
    default:
      return by_dynamic_type(rtp.payload_type);
  }
}

// Encrypted payload is as even as noise, which speech, silence and music in G.711 never are.
FlowVerdict FlowClassifier::by_g711(al_codec codec) const {
  const bool sound = rtp_samples_.verdict() == SampleStatistics::Verdict::audio || rtp_samples_.quiet_blocks() >= 2;
  if (rtp_samples_.looks_random())
    return ignore("RTP, payload type of G.711, but bytes as even as noise: SRTP", Unhashable::srtp);
  if (sound || rtp_samples_.blocks() >= 6)
    return scan(codec, codec == AL_CODEC_PCMU ? "RTP, payload type of PCMU" : "RTP, payload type of PCMA", 8000);
  return {};
}

FlowVerdict FlowClassifier::by_dynamic_type(std::uint8_t type) const {
  const bool dynamic = type >= kFirstDynamic;
  if (rtp_samples_.verdict() == SampleStatistics::Verdict::audio && dynamic)
    return scan(rtp_samples_.reading().codec, "RTP, dynamic payload type whose bytes are samples of sound");
  if (rtp_packets_ < kDynamicPackets) return {};
  // As dense as samples: more of them will tell, up to where sound would have shown. What is nearly sound waits on.
  const bool dense = pace_.bytes_per_tick() > kDensest && rtp_samples_.blocks() < SampleStatistics::kMost;
  if (dynamic && (dense || rtp_samples_.doubtful()) && !rtp_samples_.looks_random()) return {};
  if (dynamic && pace_.steps_by_audio_frames())
    return scan(AL_CODEC_COMPRESSED, "RTP, dynamic payload type, each packet a frame of compressed audio");
  const double clock = pace_.clock();
  const double size = pace_.mean_bytes();
  const bool video_pace = clock > 75'000 && clock < 110'000;  // 90 kHz (RFC 3551, 5)
  if (pace_.shares_timestamps() || video_pace || size > 700 || !dynamic) {
    if (rtp_samples_.blocks() < SampleStatistics::kMost && size > 500 && !video_pace && pace_.never_shares_timestamps())
      return {};
    return ignore("not audio: RTP with the pace and sizes of video");
  }
  if (clock < 6000 || clock > 60'000) return {};  // a burst, or a pause: more packets will tell
  return scan(AL_CODEC_COMPRESSED, "RTP, dynamic payload type, with the pace and sizes of compressed audio");
}

}  // namespace audio_latency
