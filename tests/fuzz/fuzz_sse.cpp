// SPDX-License-Identifier: Apache-2.0
// Arbitrary bytes as server-sent events.
#include "format_fuzz.hpp"
#include "format_sse.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace audio_latency;
  return fuzz::decode(data, size, [](AudioSink& audio, DecodeStatus& status) { return SseDecoder(audio, status); });
}
