// SPDX-License-Identifier: Apache-2.0
// Arbitrary bytes as JSON text.
#include "format_fuzz.hpp"
#include "format_json.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace audio_latency;
  return fuzz::decode(data, size, [](AudioSink& audio, DecodeStatus& status) { return JsonDecoder(audio, status); });
}
