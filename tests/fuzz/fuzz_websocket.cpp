// SPDX-License-Identifier: Apache-2.0
// Arbitrary bytes as a WebSocket connection.
#include "format_fuzz.hpp"
#include "format_websocket.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace audio_latency;
  return fuzz::decode(data, size,
                      [](AudioSink& audio, DecodeStatus& status) { return WebSocketDecoder(audio, status, true); });
}
