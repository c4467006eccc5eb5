// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

#include "audio_latency/result.hpp"
#include "fd.hpp"

namespace audio_latency {

// Keeps the kernel's flow table in bounds: the kernel only ever adds to it. The maps belong to the loaded program,
// which outlives this object. Loop thread only.
class FlowAger {
 public:
  FlowAger(FdView flows, FdView senders) : flows_(flows), senders_(senders) {}

  // Deletes what was last seen before `deadline_ns` (CLOCK_MONOTONIC), then tells the kernel how many entries each
  // sender still has, which gives its quota back. Entries that are made meanwhile are counted at the next pass.
  // Returns how many entries are left.
  Result<std::size_t> age(std::uint64_t deadline_ns);

 private:
  FdView flows_;    // al_flow_key -> al_flow_slot
  FdView senders_;  // al_sender_key -> entries in `flows_`
};

}  // namespace audio_latency
