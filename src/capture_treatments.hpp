// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "audio_latency/payload.hpp"
#include "fd.hpp"

namespace audio_latency {

// Writes treatments into the kernel program's flow table. The maps belong to the loaded program, which outlives this
// object. Loop thread only.
class KernelTreatments : public TreatmentSink {
 public:
  // `flows`: al_flow_key -> al_flow_slot; `ports`: al_port_table.
  KernelTreatments(FdView flows, FdView ports) : flows_(flows), ports_(ports) {}

  // A flow that is not in the table any more is left alone. PCMA turns on the A-law domain, unless it is off.
  void treat(const FlowKey& flow, const CapturePoint& point, bool tunnelled, al_treatment treatment) override;

 private:
  FdView flows_;
  FdView ports_;
};

}  // namespace audio_latency
