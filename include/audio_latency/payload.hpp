// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>

#include "audio_latency/observation.hpp"
#include "audio_latency/wire/treatment.h"

namespace audio_latency {

// The L4 payload of one packet, of a flow whose format is not known yet or must be decoded here. It is never written
// anywhere. `bytes` lives as long as the call that hands it over.
struct Payload {
  EventTime time = 0;
  FlowKey flow;
  CapturePoint point;
  bool tunnelled = false;
  PacketIdentity packet;  // offset 0
  std::uint8_t ttl = 0;
  std::uint32_t sequence = 0;  // TCP: sequence number of the payload's first byte
  std::uint32_t length = 0;    // bytes on the wire, at least bytes.size()
  std::span<const std::uint8_t> bytes;
};

// Loop thread only.
class PayloadSink {
 public:
  virtual ~PayloadSink() = default;
  virtual void on_payload(const Payload& payload) = 0;
  virtual void flush() {}  // what was handed over is dealt with when this returns
};

// Who has the flow's packets handled so: the kernel's flow table, or its twin on replay.
class TreatmentSink {
 public:
  virtual ~TreatmentSink() = default;
  virtual void treat(const FlowKey& flow, const CapturePoint& point, bool tunnelled, al_treatment treatment) = 0;
};

}  // namespace audio_latency
