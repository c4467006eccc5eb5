// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

#include "audio_latency/observation.hpp"
#include "audio_latency/options.hpp"
#include "audio_latency/result.hpp"
#include "fd.hpp"

namespace audio_latency {

// Keeps the kernel's flow table in bounds: the kernel only ever adds to it. The maps belong to the loaded program,
// which outlives this object. Loop thread only.
class FlowAger {
 public:
  FlowAger(FdView flows, FdView senders, const Options& options)
      : flows_(flows),
        senders_(senders),
        maximum_(options.max_flows),
        timeout_ns_(EventTime{options.flow_timeout_ms} * 1'000'000) {}

  // Deletes what was not seen for FLOW_TIMEOUT_MS before `now` (CLOCK_MONOTONIC) and, where the table fills up, what
  // may go earlier (flow_relief.hpp); then tells the kernel how many entries each sender still has, which gives its
  // quota back. Entries that are made meanwhile are counted at the next pass. Returns how many entries are left.
  Result<std::size_t> age(EventTime now);
  // Entries that went earlier, ever.
  std::uint64_t relieved() const { return relieved_; }

 private:
  FdView flows_;    // al_flow_key -> al_flow_slot
  FdView senders_;  // al_sender_key -> entries in `flows_`
  std::uint32_t maximum_;
  EventTime timeout_ns_;
  std::uint64_t relieved_ = 0;
};

}  // namespace audio_latency
