// SPDX-License-Identifier: Apache-2.0
#include "format_websocket.hpp"

#include <algorithm>
#include <cstring>

#include "audio_latency/wire/types.h"

namespace audio_latency {
namespace {

constexpr std::uint64_t kLongestFrame = 64U << 20;
constexpr unsigned kToTry = 8;        // bits of evidence to go on with a frame, and see
constexpr unsigned kMostFrames = 16;  // that are looked at
constexpr unsigned kToTrust = 20;     // to take what it says for audio
constexpr std::size_t kChunk = 4096;  // unmasked at a time

std::uint64_t big_endian(ByteSpan bytes) {
  std::uint64_t value = 0;
  for (const std::uint8_t byte : bytes) value = value << 8 | byte;
  return value;
}

}  // namespace

bool read_websocket_header(ByteSpan bytes, WebSocketHeader& header) {
  header = {};
  if (bytes.size() < 2) return true;
  header.final = (bytes[0] & 0x80) != 0;
  header.deflated = (bytes[0] & 0x40) != 0;
  header.opcode = bytes[0] & 15;
  header.masked = (bytes[1] & 0x80) != 0;
  header.length = bytes[1] & 0x7f;
  if ((bytes[0] & 0x30) != 0 || (header.opcode > 2 && header.opcode < 8) || header.opcode > 10) return false;
  if (header.control() && (!header.final || header.deflated || header.length > 125)) return false;
  const std::size_t extended = header.length == 126 ? 2 : header.length == 127 ? 8 : 0;
  const std::size_t size = 2 + extended + (header.masked ? 4 : 0);
  if (bytes.size() < size) return true;
  if (extended != 0) {
    header.length = big_endian(bytes.subspan(2, extended));
    if (header.length < (extended == 2 ? 126U : 65536U) || header.length > kLongestFrame) return false;
  }
  if (header.masked) std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(size - 4), 4, header.key.begin());
  header.size = static_cast<std::uint8_t>(size);
  return true;
}

// Each frame that follows speaks for the first one: by what a header rules out, by its place, by its mask bit.
unsigned websocket_evidence(ByteSpan bytes) {
  unsigned bits = 0;
  bool masked = false;
  std::uint64_t at = 0;
  for (unsigned frames = 0; at < bytes.size() && frames < kMostFrames; ++frames) {
    WebSocketHeader header;
    if (!read_websocket_header(bytes.subspan(at), header)) return 0;
    if (header.size == 0) return bits;  // cut
    if (at == 0 && (header.length == 0 || header.control())) return 0;
    if (at > 0 && header.masked != masked) return 0;
    masked = header.masked;
    // Quiet samples look like headers of tiny frames, one behind the other.
    bits += header.length >= 65536 ? 44 : header.length >= 126 ? 10 : header.length >= 32 ? 4 : 0;
    if (at > 0 && header.length >= 32) ++bits;
    at += header.size + header.length;
    if (at == bytes.size()) return bits + (header.length >= 126 ? 16 : header.length >= 32 ? 7 : 0);
  }
  return bits;
}

WebSocketDecoder::WebSocketDecoder(AudioSink& audio, DecodeStatus& status, bool in_step)
    : audio_(audio),
      status_(status),
      in_step_(in_step),
      trusted_(in_step),
      json_(audio, status),
      protobuf_(audio, status) {
  status.layers |= kLayerWebSocket;
}

void WebSocketDecoder::feed(ByteSpan bytes, std::uint32_t sequence) {
  for (std::size_t at = 0; at < bytes.size();) {
    const ByteSpan rest = bytes.subspan(at);
    if (!in_step_)
      at += search(rest);
    else if (in_payload_)
      at += payload(rest, sequence + static_cast<std::uint32_t>(at));
    else
      at += header(rest);
  }
}

void WebSocketDecoder::gap() {
  lose("bytes are missing");
  audio_.gap();
}

void WebSocketDecoder::lose(const char* why) {
  if (in_step_) ++status_.resyncs;
  status_.lost = why;
  in_step_ = trusted_ = in_payload_ = false;
  frame_ = {};
  partial_size_ = 0;
  message_ = Content::skipped;
  json_.begin();
  protobuf_.begin();
}

// How many bytes lie before the first that may be a frame's. Where a packet begins, less evidence will do.
std::size_t WebSocketDecoder::search(ByteSpan bytes) {
  std::size_t at = 0;
  unsigned bits = websocket_evidence(bytes);
  if (bits < kToTry) {
    for (at = 1; at < bytes.size(); ++at) {
      bits = websocket_evidence(bytes.subspan(at));
      if (bits >= kToTrust) break;
    }
  }
  status_.skipped_bytes += at;
  if (at == bytes.size()) return at;
  in_step_ = true;
  trusted_ = bits >= kToTrust;
  if (trusted_) status_.lost = nullptr;
  audio_.gap();
  return at;
}

std::size_t WebSocketDecoder::header(ByteSpan bytes) {
  const std::size_t before = partial_size_;
  const std::size_t added = std::min(kWebSocketHeaderMost - before, bytes.size());
  std::copy_n(bytes.begin(), added, partial_.begin() + static_cast<std::ptrdiff_t>(before));
  WebSocketHeader next;
  if (!read_websocket_header(ByteSpan(partial_).first(before + added), next)) {
    lose("a frame header was expected and something else came");
    status_.skipped_bytes += bytes.size();
    return bytes.size();  // the next packet may begin with one
  }
  if (next.size == 0) {
    partial_size_ = static_cast<std::uint8_t>(before + added);
    return added;
  }
  partial_size_ = 0;
  enter(next);
  return next.size - before;
}

void WebSocketDecoder::enter(const WebSocketHeader& header) {
  if (frame_.size != 0 && in_step_ && header.masked == frame_.masked) {
    trusted_ = true;
    status_.lost = nullptr;
  }
  frame_ = header;
  remaining_ = header.length;
  masked_ = 0;
  in_payload_ = remaining_ > 0;
  if (header.control()) return;
  if (header.opcode == 0) return;
  if (message_ == Content::protobuf) protobuf_.begin();
  message_ = !trusted_ || header.deflated ? Content::skipped : header.opcode == 1 ? Content::json : Content::undecided;
  json_.begin();
  front_.clear();
}

std::size_t WebSocketDecoder::payload(ByteSpan bytes, std::uint32_t sequence) {
  const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(remaining_, bytes.size()));
  remaining_ -= size;
  in_payload_ = remaining_ > 0;
  if (frame_.deflated) status_.deflated_bytes += size;
  if (frame_.control() || message_ == Content::skipped) return size;
  if (!frame_.masked) {
    deliver(bytes.first(size), sequence);
    return size;
  }
  std::array<std::uint8_t, kChunk> plain;  // NOLINT(cppcoreguidelines-pro-type-member-init): written before read
  for (std::size_t at = 0; at < size; at += kChunk) {
    const std::size_t part = std::min(kChunk, size - at);
    std::array<std::uint8_t, 8> key{};
    for (std::size_t i = 0; i < key.size(); ++i) key[i] = frame_.key[(masked_ + i) % 4];
    const std::uint64_t word = al_load64(key.data());
    std::size_t i = 0;
    for (; i + 8 <= part; i += 8) al_store64(plain.data() + i, al_load64(bytes.data() + at + i) ^ word);
    for (; i < part; ++i) plain[i] = bytes[at + i] ^ key[i % 8];
    masked_ = static_cast<std::uint32_t>((masked_ + part) % 4);
    deliver(ByteSpan(plain).first(part), sequence + static_cast<std::uint32_t>(at));
  }
  return size;
}

void WebSocketDecoder::deliver(ByteSpan bytes, std::uint32_t sequence) {
  if (message_ == Content::undecided) {
    front_.take(bytes, sequence);
    if (!front_.full() && remaining_ > 0) return;
    decide();
  }
  if (!bytes.empty()) pass(bytes, sequence);
}

void WebSocketDecoder::decide() {
  const ByteSpan front = front_.bytes();
  const bool alone = frame_.final && frame_.opcode == 2;
  message_ = Content::audio;
  if (front.size() >= 2 && front[0] == '{' && (front[1] == '"' || front[1] == '\n' || front[1] == ' '))
    message_ = Content::json;
  else if (alone && looks_like_protobuf(front, frame_.length))
    message_ = Content::protobuf;
  if (message_ == Content::audio) audio_.begin(0, {});
  if (message_ == Content::protobuf) protobuf_.begin_message(0, frame_.length);
  front_.replay([this](ByteSpan bytes, std::uint32_t sequence) { pass(bytes, sequence); });
}

void WebSocketDecoder::pass(ByteSpan bytes, std::uint32_t sequence) {
  if (message_ == Content::json) json_.feed(bytes, sequence);
  if (message_ == Content::protobuf) protobuf_.feed(bytes, sequence);
  if (message_ == Content::audio) audio_.audio(0, bytes, {sequence});
}

}  // namespace audio_latency
