// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>

#include "audio_latency/wire/identity.h"
#include "capture_scanner.hpp"
#include "capture_scanner_flows.hpp"
#include "capture_scanner_lanes.hpp"

namespace audio_latency {

// What of a packet's payload is scanned.
struct Audio {
  ScannedBytes packet;
  std::uint32_t base = 0;  // offset in the L4 payload of its first byte
  bool truncated = false;  // the capture has less than was on the wire
};

// The packet scanner's tables, and the packet at hand on its way through select, treat and scan.
class PacketScanner::State {
 public:
  State(const al_settings& settings, const al_port_table& ports)
      : settings_(settings), ports_(ports), lanes_(settings) {}

  void scan(const CapturedPacket& captured, ObservationSink& sink);
  void age(EventTime now, EventTime timeout) { flows_.age(now, timeout); }

  void listen(PayloadSink* sink) {
    payload_sink = sink;
    ports_.listening = sink != nullptr ? 1 : 0;
  }
  void treat(const al_flow_key& key, al_treatment treatment);

  al_counters counters{};
  PayloadSink* payload_sink = nullptr;
  bool stateless = false;
  std::size_t flows() const { return flows_.size(); }
  std::uint64_t relieved_flows() const { return flows_.relieved(); }

 private:
  al_verdict manage(const CapturedPacket& captured, al_format format);
  void hand_over(const CapturedPacket& captured, std::uint32_t bytes);
  void take_payload(const CapturedPacket& captured, const Audio& audio, al_flow& flow, ObservationSink& sink);
  void emit(const CapturedPacket& captured, al_event& event, ObservationSink& sink);
  al_event describe(const CapturedPacket& captured) const;
  al_verdict examine(const CapturedPacket& captured, ObservationSink& sink);
  al_format format_of(const al_flow_key& flow) const;
  void parse_rtp(const CapturedPacket& captured);
  std::uint8_t codec_of(const al_treatment& treatment) const;
  al_continuity continuity(const al_flow* flow, std::uint32_t& skip) const;
  Audio audio(const CapturedPacket& captured, std::uint8_t codec, std::uint32_t skip);
  void roll(const CapturedPacket& captured, const Audio& audio, al_run& run, al_flow* flow, ObservationSink& sink);
  void take(const CapturedPacket& captured, const SelectedWindow& window, const Audio& audio, ObservationSink& sink);

  al_settings settings_;
  al_port_table ports_;
  LaneScanner lanes_;
  ScannerFlows flows_{settings_, counters};

  EventTime now_ = 0;  // as the last packet

  // The packet at hand.
  al_treatment treatment_{};
  bool keyed_ = false;  // a sequence number tells what it continues
  std::array<std::uint8_t, AL_HEADER_BYTES + AL_HEADER_SLACK> header_{};
  al_packet packet_{};
  al_rtp rtp_{};
  std::uint32_t rtp_padding_ = 0;
  std::uint32_t payload_offset_ = 0;
  std::uint32_t payload_length_ = 0;
};

}  // namespace audio_latency
