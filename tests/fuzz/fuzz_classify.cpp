// SPDX-License-Identifier: Apache-2.0
// Arbitrary payloads of a few flows, RTP among them, through the classifier, the decoders that it chooses, and the
// scan.
#include <algorithm>
#include <cstdlib>

#include "capture_scanner.hpp"
#include "format_table.hpp"

namespace {

using namespace audio_latency;

struct Discard : ObservationSink, TreatmentSink {
  void on_observation(const Observation&) override {}
  void treat(const FlowKey&, const CapturePoint&, bool, al_treatment treatment) override {
    if (treatment.handling > AL_IGNORE || treatment.codec > AL_CODEC_COMPRESSED || treatment.phase > 1) std::abort();
  }
};

}  // namespace

// Packets: flow and transport (1 byte), time step (1), length (2), bytes.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const Options options = [] {
    Options some;
    some.max_flows = 20;
    some.a_law_domain = Tristate::yes;
    some.audio_ports = {{6, AL_FORMAT_GRPC}, {7, AL_FORMAT_JSON}};
    return some;
  }();
  static const al_settings settings = wire_settings(options);
  Discard discard;
  Formats formats(options, settings, discard, discard);
  std::uint32_t sequence = 0;
  EventTime now = 1;
  for (std::size_t at = 0; at + 4 <= size;) {
    const std::uint8_t flow = data[at];
    now += data[at + 1] * 1'000'000ULL;
    const std::size_t length = std::min<std::size_t>(data[at + 2] | data[at + 3] << 8, size - at - 4);
    Payload packet;
    packet.time = now;
    packet.flow.protocol = (flow & 8) != 0 ? 17 : 6;
    packet.flow.source = {IpAddress::from_ipv4(0x0a000001 + (flow >> 6)), static_cast<std::uint16_t>(flow & 7)};
    packet.sequence = sequence;
    packet.length = static_cast<std::uint32_t>(length);
    packet.bytes = {data + at + 4, length};
    sequence += packet.length;
    at += 4 + length;
    formats.on_payload(packet);
    formats.advance(now);
  }
  if (formats.stats().flows > options.max_flows) std::abort();
  for (const FlowView& view : formats.flows())
    if (view.why.empty()) std::abort();
  return 0;
}
