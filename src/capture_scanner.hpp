// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "audio_latency/capture.hpp"
#include "audio_latency/options.hpp"
#include "audio_latency/payload.hpp"
#include "audio_latency/wire/settings.h"

namespace audio_latency {

// What the kernel program is told: `options` in its own terms. Unset tunnel ports are 0.
al_settings wire_settings(const Options& options);
void fill_port_table(const Options& options, al_port_table& table);

// A packet of a capture file, or of a test.
struct CapturedPacket {
  std::span<const std::uint8_t> bytes;  // as captured, from the link layer (or IP) header on
  std::uint32_t wire_length = 0;        // bytes on the wire, at least bytes.size()
  bool ethernet = true;                 // false: starts with the IP header
  bool uplink = false;                  // TUNNEL_PORTS are decapsulated
  bool loopback = false;                // addresses do not tell senders apart: no quota per address
  EventTime time = 0;
  CapturePoint point;
};

// The kernel program's twin in user space: select, scan and emit, with the same verdicts, counters and observations for
// the same packets (only AL_BUDGET and AL_BUSY never happen here). One thread.
class PacketScanner : public TreatmentSink {
 public:
  PacketScanner(const al_settings& settings, const al_port_table& ports);
  ~PacketScanner() override;
  PacketScanner(const PacketScanner&) = delete;
  PacketScanner& operator=(const PacketScanner&) = delete;

  // Each packet on its own: the whole L4 payload, the configured selectivity, nothing carried, nothing decoded.
  void set_stateless(bool stateless);

  // Who looks at flows of unknown formats; null: nobody, they are scanned as raw bytes. May call treat() back.
  void set_payload_sink(PayloadSink* sink);
  void treat(const FlowKey& flow, const CapturePoint& point, bool tunnelled, al_treatment treatment) override;

  void scan(const CapturedPacket& packet, ObservationSink& sink);

  // Forgets flows that were not seen for `timeout`, and what may go earlier (flow_relief.hpp).
  void age(EventTime now, EventTime timeout);

  std::size_t flows() const;
  std::uint64_t relieved_flows() const;
  const al_counters& counters() const;

 private:
  class State;
  std::unique_ptr<State> state_;
};

}  // namespace audio_latency
