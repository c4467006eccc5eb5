// SPDX-License-Identifier: Apache-2.0
// Arbitrary bytes as HTTP/2 with gRPC and protobuf in it.
#include "format_fuzz.hpp"
#include "format_http2.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace audio_latency;
  return fuzz::decode(data, size, [](AudioSink& audio, DecodeStatus& status) { return Http2Decoder(audio, status); });
}
