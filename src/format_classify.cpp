// SPDX-License-Identifier: Apache-2.0
#include "format_classify.hpp"

#include <algorithm>
#include <cstring>

#include "format_audiosocket.hpp"
#include "format_http.hpp"
#include "format_http2.hpp"
#include "format_websocket.hpp"

namespace audio_latency {
namespace {

constexpr std::uint32_t kMostBytes = 7936;  // the kernel samples 8 KiB of a flow at a time
constexpr std::uint16_t kMostPackets = 64;
constexpr unsigned kFrameBits = 10;  // of evidence for a WebSocket frame, to count it

bool starts_with(ByteSpan bytes, std::string_view word) {
  return bytes.size() >= word.size() && std::equal(word.begin(), word.end(), bytes.begin());
}

FlowVerdict decode(Framing framing, const char* why) {
  FlowVerdict verdict;
  verdict.treatment.handling = AL_DECODE;
  verdict.framing = framing;
  verdict.why = why;
  return verdict;
}

FlowVerdict ignore(const char* why, Unhashable reason = Unhashable::no) {
  FlowVerdict verdict;
  verdict.treatment.handling = AL_IGNORE;
  verdict.unhashable = reason;
  verdict.why = why;
  return verdict;
}

// A TLS record (RFC 8446, 5.1); 2: one that opens a connection.
unsigned tls_record(ByteSpan bytes) {
  if (bytes.size() < 6 || bytes[0] < 20 || bytes[0] > 23 || bytes[1] != 3 || bytes[2] > 4) return 0;
  const unsigned length = bytes[3] << 8U | bytes[4];
  if (length == 0 || length > 16384 + 256) return 0;
  return bytes[0] == 22 && (bytes[5] == 1 || bytes[5] == 2) ? 2 : 1;
}

// A SIP start line (RFC 3261, 7): the telephone calls' own signalling, which proxies pass on much as it is.
bool begins_with_sip(ByteSpan bytes) {
  constexpr std::string_view version = "SIP/2.0";
  if (starts_with(bytes, version)) return bytes.size() > version.size() && bytes[version.size()] == ' ';
  const ByteSpan line = bytes.first(std::min<std::size_t>(bytes.size(), 256));
  const auto end = std::find(line.begin(), line.end(), '\r');
  const auto length = static_cast<std::size_t>(end - line.begin());
  return end != line.end() && length > version.size() + 1 && line[length - version.size() - 1] == ' ' &&
         starts_with(line.subspan(length - version.size()), version);
}

}  // namespace

std::string_view to_string(Framing framing) {
  switch (framing) {
    case Framing::raw:
      return "raw";
    case Framing::rtp:
      return "rtp";
    case Framing::http:
      return "http";
    case Framing::websocket:
      return "websocket";
    case Framing::sse:
      return "sse";
    case Framing::json:
      return "json";
    case Framing::audiosocket:
      return "audiosocket";
    case Framing::http2:
      return "http2";
    default:
      return "unknown";
  }
}

std::string_view to_string(Unhashable reason) {
  switch (reason) {
    case Unhashable::tls:
      return "tls";
    case Unhashable::srtp:
      return "srtp";
    case Unhashable::deflate:
      return "deflate";
    case Unhashable::compressed_codec:
      return "compressed_codec";
    default:
      return "";
  }
}

FlowVerdict FlowClassifier::add(const Payload& packet) {
  if (packet.bytes.empty()) return {};
  ++packets_;
  bytes_ += static_cast<std::uint32_t>(packet.bytes.size());
  FlowVerdict verdict = tcp_ ? add_tcp(packet) : add_udp(packet);
  if (!verdict.decided()) verdict = by_samples();
  if (!verdict.decided() && (bytes_ >= kMostBytes || packets_ >= kMostPackets)) verdict = give_up();
  return verdict;
}

FlowVerdict FlowClassifier::add_tcp(const Payload& packet) {
  if (packet.sequence != next_place_) statistics_.gap();
  statistics_.add(packet.bytes, packet.sequence);
  next_place_ = packet.sequence + static_cast<std::uint32_t>(packet.bytes.size());
  return by_syntax(packet.bytes);
}

// What only the beginning of a connection, or of an answer, looks like.
FlowVerdict FlowClassifier::by_beginning(ByteSpan bytes) {
  FlowVerdict verdict;
  if (begins_with_http(bytes)) verdict = decode(Framing::http, "HTTP/1 start line");
  if (starts_with(bytes, "PRI * HTTP/2.0")) verdict = decode(Framing::http2, "HTTP/2 preface");
  if (starts_with(bytes, "SSH-")) verdict = ignore("SSH");
  if (begins_with_sip(bytes)) verdict = ignore("not audio: SIP");
  if (starts_with(bytes, "data:") || starts_with(bytes, "event:")) verdict = decode(Framing::sse, "server-sent events");
  if (bytes.size() == 19 && starts_with(bytes, std::string_view("\x01\x00\x10", 3)))
    verdict = decode(Framing::audiosocket, "AudioSocket UUID message");
  if (tls_record(bytes) == 2) verdict = ignore("TLS records: encrypted", Unhashable::tls);
  verdict.proven = verdict.decided();
  return verdict;
}

FlowVerdict FlowClassifier::by_syntax(ByteSpan bytes) {
  if (const FlowVerdict verdict = by_beginning(bytes); verdict.decided()) return verdict;
  const bool http2 = begins_with_http2(bytes);
  const bool audiosocket = begins_with_audiosocket(bytes);
  const unsigned websocket = websocket_evidence(bytes);
  if (http2 || audiosocket || websocket >= kFrameBits) ++framed_;
  if (tls_record(bytes) == 1 && ++tls_ == 3) return ignore("TLS records: encrypted", Unhashable::tls);
  if (audiosocket && ++audiosocket_ == 2)
    return decode(Framing::audiosocket, "AudioSocket messages, one behind the other");
  if (http2 && ++http2_ == 2) return decode(Framing::http2, "HTTP/2 frames, one behind the other");
  if (websocket >= kFrameBits) websocket_ += websocket;
  if (websocket_ >= 40) return decode(Framing::websocket, "WebSocket frames, one behind the other");
  std::uint64_t size = 0;
  if (read_chunk_line(bytes, size) != 0 && size > 0 && ++chunks_ == 2) return decode(Framing::http, "HTTP chunk sizes");
  if ((starts_with(bytes, "{\"") || starts_with(bytes, "{ \"")) && ++json_ == 2)
    return decode(Framing::json, "JSON text");
  return {};
}

// Long frames are mostly sound: where packets begin with what may be headers, more of them must tell first. A first
// packet may hold enough sound for a verdict; whether it begins with an RTP header, the second one tells.
FlowVerdict FlowClassifier::by_samples() const {
  if (rtp_packets_ > 1 || (rtp_packets_ == 1 && packets_ == 1) || (framed_ > 0 && 2 * framed_ >= packets_)) return {};
  if (statistics_.verdict() != SampleStatistics::Verdict::audio) return {};
  const SampleReading reading = statistics_.reading();
  FlowVerdict verdict;
  verdict.treatment = {AL_SCAN, AL_FRAMING_RAW, static_cast<std::uint8_t>(reading.codec),
                       static_cast<std::uint8_t>(reading.odd ? 1 : 0)};
  verdict.framing = Framing::raw;
  verdict.why = "its bytes are samples of sound";
  return verdict;
}

// Only silence so far decides nothing, nor does what may still turn out to be sound.
FlowVerdict FlowClassifier::give_up() const {
  if (statistics_.doubtful() || rtp_samples_.doubtful()) return {};
  const unsigned seen = statistics_.blocks() + statistics_.quiet_blocks();
  if (seen > 0 && statistics_.blocks() * 8 < seen) return {};
  if (statistics_.looks_random())
    return ignore("not audio that can be read: bytes as even as noise (encrypted or compressed)");
  if (statistics_.looks_like_text()) return ignore("not audio: text");
  FlowVerdict verdict = ignore("not audio: no known framing, and its bytes are no samples of sound");
  verdict.doubtful = true;
  return verdict;
}

FlowVerdict FlowClassifier::add_udp(const Payload& packet) {
  const ByteSpan bytes = packet.bytes;
  const bool stun = bytes.size() >= 20 && bytes[0] < 4 && std::memcmp(bytes.data() + 4, "\x21\x12\xa4\x42", 4) == 0;
  const bool dtls = bytes.size() >= 13 && bytes[0] >= 20 && bytes[0] <= 63 && bytes[1] == 0xfe;
  const bool rtcp = bytes.size() >= 8 && bytes[0] >> 6 == 2 && bytes[1] >= 192 && bytes[1] <= 223;
  if (stun || dtls || rtcp) return {};
  if (begins_with_sip(bytes)) return ignore("not audio: SIP");
  statistics_.add(bytes, next_place_);
  next_place_ += static_cast<std::uint32_t>(bytes.size());
  al_rtp rtp{};
  al_parse_rtp(&rtp, bytes.data(), static_cast<std::uint32_t>(bytes.size()));
  if (rtp.header != 0 && follows(rtp)) return by_rtp(rtp, bytes.subspan(rtp.header), packet.time);
  return {};
}

}  // namespace audio_latency
