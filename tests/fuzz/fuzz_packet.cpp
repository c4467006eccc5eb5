// SPDX-License-Identifier: Apache-2.0
// Arbitrary bytes as a few packets of one capture, on ports of every format, with a daemon that decides anything: the
// scanner must neither read outside nor count wrong.
#include <algorithm>
#include <cstdlib>

#include "capture_scanner.hpp"

namespace {

struct Counter : audio_latency::ObservationSink {
  std::uint64_t seen = 0;
  void on_observation(const audio_latency::Observation&) override { ++seen; }
};

// Looks at what it is shown, and decides by its first bytes.
struct Decider : audio_latency::PayloadSink {
  audio_latency::PacketScanner* scanner = nullptr;
  std::uint64_t seen = 0;
  void on_payload(const audio_latency::Payload& payload) override {
    ++seen;
    if (payload.length < payload.bytes.size()) std::abort();
    if (payload.bytes.size() < 4) return;
    scanner->treat(payload.flow, payload.point, payload.tunnelled,
                   {payload.bytes[0], payload.bytes[1], payload.bytes[2], payload.bytes[3]});
  }
};

al_settings fuzz_settings(std::uint8_t choice) {
  audio_latency::Options options;
  options.signature_algorithm = static_cast<al_algorithm>(choice % 3);
  options.signature_window_size = 16U << (choice / 3 % 3);
  options.min_audio_packet_size = 1;
  options.max_flows = 20;
  return audio_latency::wire_settings(options);
}

}  // namespace

// Byte 0: settings. Then packets: flags, length (2 bytes, at most what is left), data.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  static al_port_table ports = [] {
    al_port_table table{};
    for (std::uint32_t port = 0; port < 65536; ++port) table.format[port] = 1 + port % (AL_FORMATS - 1);
    for (std::uint32_t type = 0; type < 128; ++type) table.codec[type] = type % (AL_CODEC_COMPRESSED + 1);
    table.a_law = AL_A_LAW_WAITING;
    return table;
  }();
  audio_latency::PacketScanner scanner(fuzz_settings(data[0]), ports);
  Counter sink;
  Decider decider;
  decider.scanner = &scanner;
  if ((data[0] & 0x80) != 0) scanner.set_payload_sink(&decider);
  std::uint64_t packets = 0;
  for (std::size_t at = 1; at + 3 <= size; ++packets) {
    audio_latency::CapturedPacket packet;
    const std::uint8_t flags = data[at];
    const std::size_t length = std::min<std::size_t>(data[at + 1] | data[at + 2] << 8, size - at - 3);
    packet.bytes = {data + at + 3, length};
    packet.wire_length = static_cast<std::uint32_t>(length + ((flags & 8) != 0 ? 100 : 0));
    packet.ethernet = (flags & 1) != 0;
    packet.uplink = (flags & 2) != 0;
    packet.loopback = (flags & 4) != 0;
    packet.time = packets * 400'000'000;
    scanner.scan(packet, sink);
    at += 3 + length;
  }
  std::uint64_t counted = 0;
  for (const std::uint64_t verdict : scanner.counters().packets) counted += verdict;
  const al_counters& counters = scanner.counters();
  if (counted != packets || counters.emitted != sink.seen || counters.payloads != decider.seen) std::abort();
  if (scanner.flows() > 20) std::abort();
  return 0;
}
