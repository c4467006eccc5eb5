// SPDX-License-Identifier: Apache-2.0
#include "format_audiosocket.hpp"

#include <algorithm>

namespace audio_latency {
namespace {

constexpr std::array<std::uint32_t, 9> kRates = {8000, 12'000, 16'000, 24'000, 32'000, 44'100, 48'000, 96'000, 192'000};
constexpr std::uint8_t kFirstAudioKind = 0x10;

}  // namespace

bool read_audiosocket_header(ByteSpan bytes, AudioSocketHeader& header) {
  header.kind = bytes[0];
  header.length = static_cast<std::uint16_t>(bytes[1] << 8 | bytes[2]);
  header.rate = 0;
  switch (header.kind) {
    case 0x00:  // the end of the call
      return header.length == 0;
    case 0x01:  // its UUID
      return header.length == 16;
    case 0x03:  // DTMF
      return header.length == 1;
    case 0xff:  // error
      return header.length <= 1;
    default:
      break;
  }
  const std::size_t index = header.kind - std::size_t{kFirstAudioKind};
  if (header.kind < kFirstAudioKind || index >= kRates.size()) return false;
  header.rate = kRates[index];
  return header.length > 0 && header.length % 2 == 0;
}

bool begins_with_audiosocket(ByteSpan bytes) {
  AudioSocketHeader first;
  if (bytes.size() < kAudioSocketHeader || !read_audiosocket_header(bytes, first) || first.length < 16) return false;
  const std::size_t end = kAudioSocketHeader + first.length;
  if (bytes.size() == end) return true;
  AudioSocketHeader second;
  return bytes.size() >= end + kAudioSocketHeader && read_audiosocket_header(bytes.subspan(end), second) &&
         (second.rate == first.rate || second.length == 1);
}

AudioSocketDecoder::AudioSocketDecoder(AudioSink& audio, DecodeStatus& status) : audio_(audio), status_(status) {
  status.layers |= kLayerAudioSocket;
}

void AudioSocketDecoder::feed(ByteSpan bytes, std::uint32_t sequence) {
  for (std::size_t at = 0; at < bytes.size();) {
    const ByteSpan rest = bytes.subspan(at);
    if (!in_step_) {
      at += search(rest);
    } else if (remaining_ == 0) {
      at += header(rest);
    } else {
      const std::size_t size = std::min<std::size_t>(remaining_, rest.size());
      if (message_.rate != 0) audio_.audio(0, rest.first(size), {sequence + static_cast<std::uint32_t>(at)});
      remaining_ -= static_cast<std::uint32_t>(size);
      at += size;
    }
  }
}

void AudioSocketDecoder::gap() {
  lose("bytes are missing");
  audio_.gap();
}

void AudioSocketDecoder::lose(const char* why) {
  if (in_step_) ++status_.resyncs;
  status_.lost = why;
  in_step_ = false;
  partial_size_ = 0;
  remaining_ = 0;
}

std::size_t AudioSocketDecoder::search(ByteSpan bytes) {
  std::size_t at = 0;
  // A message may be longer than the packet that it begins with.
  AudioSocketHeader first;
  const bool longer = bytes.size() >= kAudioSocketHeader && read_audiosocket_header(bytes, first) &&
                      first.length >= 16 && bytes.size() < kAudioSocketHeader + first.length;
  while (!longer && at < bytes.size() && !begins_with_audiosocket(bytes.subspan(at))) ++at;
  status_.skipped_bytes += at;
  if (at == bytes.size()) return at;
  in_step_ = true;
  status_.lost = nullptr;
  audio_.gap();
  return at;
}

std::size_t AudioSocketDecoder::header(ByteSpan bytes) {
  std::size_t used = 0;
  while (partial_size_ < kAudioSocketHeader && used < bytes.size()) partial_[partial_size_++] = bytes[used++];
  if (partial_size_ < kAudioSocketHeader) return used;
  partial_size_ = 0;
  if (!read_audiosocket_header(partial_, message_)) {
    lose("a message header of AudioSocket was expected and something else came");
    status_.skipped_bytes += bytes.size();
    return bytes.size();  // the next packet may begin with one
  }
  remaining_ = message_.length;
  if (message_.rate != 0 && message_.rate != rate_) {
    rate_ = message_.rate;
    audio_.begin(0, {AL_CODEC_PCM16LE, rate_, 1});
  }
  return used;
}

}  // namespace audio_latency
