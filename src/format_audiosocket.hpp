// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>

#include "format_layer.hpp"

namespace audio_latency {

// A message's header (Asterisk AudioSocket): kind, length. `rate` in Hz; 0: no audio.
struct AudioSocketHeader {
  std::uint8_t kind = 0;
  std::uint16_t length = 0;
  std::uint32_t rate = 0;
};
constexpr std::size_t kAudioSocketHeader = 3;
// False: no message is so. `bytes`: at least kAudioSocketHeader.
bool read_audiosocket_header(ByteSpan bytes, AudioSocketHeader& header);
// Does `bytes` begin with a message, and go on with a second one or end with the first?
bool begins_with_audiosocket(ByteSpan bytes);

// Asterisk AudioSocket: 16-bit little-endian samples in messages of a kind, a length and data.
class AudioSocketDecoder : public Decoder {
 public:
  AudioSocketDecoder(AudioSink& audio, DecodeStatus& status);

  void feed(ByteSpan bytes, std::uint32_t sequence) override;
  void gap() override;

 private:
  std::size_t search(ByteSpan bytes);
  std::size_t header(ByteSpan bytes);
  void lose(const char* why);

  AudioSink& audio_;
  DecodeStatus& status_;
  bool in_step_ = true;
  std::uint8_t partial_size_ = 0;
  std::array<std::uint8_t, kAudioSocketHeader> partial_{};
  AudioSocketHeader message_;
  std::uint32_t remaining_ = 0;
  std::uint32_t rate_ = 0;  // of the audio so far
};

}  // namespace audio_latency
