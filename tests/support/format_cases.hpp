// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "support/format_wire.hpp"
#include "support/format_world.hpp"

namespace audio_latency::test {

constexpr std::uint32_t kDecodeStart = 0xffffff80;  // sequence numbers wrap

struct Decoded {
  AudioCollector audio;
  DecodeStatus status;
};

using MakeDecoder = std::function<std::unique_ptr<Decoder>(AudioSink&, DecodeStatus&)>;

template <typename T>
MakeDecoder decoder_of() {
  return [](AudioSink& audio, DecodeStatus& status) { return std::make_unique<T>(audio, status); };
}
MakeDecoder websocket_decoder(bool in_step = true);

// In pieces of at most `longest` bytes; 0: in one.
Decoded decode(const MakeDecoder& make, const Bytes& wire, unsigned longest = 0, unsigned seed = 0);

// A stream of one format that carries `audio`.
struct FormatCase {
  const char* name;
  MakeDecoder make;
  Bytes wire;
  Bytes audio;
  unsigned wire_per_byte;  // characters on the wire for each byte of audio; 0: varies
};
const std::vector<FormatCase>& format_cases();

}  // namespace audio_latency::test
