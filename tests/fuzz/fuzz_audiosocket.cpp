// SPDX-License-Identifier: Apache-2.0
// Arbitrary bytes as an AudioSocket connection.
#include "format_audiosocket.hpp"
#include "format_fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace audio_latency;
  return fuzz::decode(data, size,
                      [](AudioSink& audio, DecodeStatus& status) { return AudioSocketDecoder(audio, status); });
}
