// SPDX-License-Identifier: Apache-2.0
// Arbitrary segments: what comes out lies in sequence order, jumps only where a gap was told, and memory is bounded.
#include <algorithm>
#include <cstdlib>

#include "format_reassembly.hpp"

namespace {

using namespace audio_latency;

struct Stream : StreamSink {
  std::uint64_t bytes = 0;
  std::uint32_t next = 0;
  bool anywhere = true;
  void on_stream(ByteSpan piece, std::uint32_t sequence, const Payload&) override {
    if (piece.empty() || (!anywhere && sequence != next)) std::abort();
    anywhere = false;
    next = sequence + static_cast<std::uint32_t>(piece.size());
    bytes += piece.size();
  }
  void on_gap() override { anywhere = true; }
};

}  // namespace

// Segments: where (2 bytes, signed, from the last one's end, times 16 with the top bit of the length), time step,
// length (2 bytes; as many bytes as are left are given, the rest was not captured).
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Reassembly reassembly;
  ReassemblyCounters counters;
  Stream stream;
  std::uint64_t given = 0;
  std::uint32_t end = 0xffff0000;
  EventTime now = 1;
  for (std::size_t at = 0; at + 5 <= size;) {
    auto step = static_cast<std::int32_t>(static_cast<std::int16_t>(data[at] | data[at + 1] << 8));
    now += data[at + 2] * 10'000'000ULL;
    std::uint32_t length = data[at + 3] | data[at + 4] << 8U;
    if ((length & 0x8000) != 0) step *= 1024;
    length &= 0x7fff;
    at += 5;
    const std::size_t captured = std::min<std::size_t>({length, size - at, std::size_t{200}});
    Payload packet;
    packet.flow.protocol = 6;
    packet.time = now;
    packet.sequence = end + static_cast<std::uint32_t>(step);
    packet.length = captured < 200 ? static_cast<std::uint32_t>(captured) : length;
    packet.bytes = {data + at, captured};
    at += captured;
    given += captured;
    end = packet.sequence + packet.length;
    reassembly.push(packet, stream, counters);
    if (reassembly.held_bytes() > Reassembly::kHeldBytes) std::abort();
  }
  reassembly.advance(now + Reassembly::kPatienceNs, stream, counters);
  if (reassembly.waiting() || stream.bytes > given) std::abort();
  return 0;
}
