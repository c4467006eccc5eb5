// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "audio_latency/capture.hpp"
#include "audio_latency/options.hpp"

namespace audio_latency {

// What one attached interface and direction has counted, summed over CPUs.
struct InterfaceCounters {
  std::string interface;
  std::string direction;  // "ingress", "egress"
  al_counters counters{};
};

struct ProgramRuntime {
  std::string program;
  std::uint64_t runs = 0;
  std::uint64_t run_time_ns = 0;  // 0 unless kernel.bpf_stats_enabled
};

struct LiveCaptureStats {
  std::vector<InterfaceCounters> interfaces;  // also of interfaces that are gone: counters never fall
  std::size_t attached_interfaces = 0;
  std::size_t flows = 0;
  std::uint64_t relieved_flows = 0;  // forgotten early, ever (flow_relief.hpp)
  std::uint64_t received_events = 0;
  std::string attach_mode;  // "tcx", "clsact"
  std::vector<ProgramRuntime> programs;
};

// Called by the loop thread when something an operator wants to read about happens; `event_type` as in interfaces.md
// (tc_attached, tc_detached, attach_error).
class CaptureLog {
 public:
  virtual ~CaptureLog() = default;
  virtual void on_capture_event(const std::string& event_type, const std::string& interface,
                                const std::string& message) = 0;
};

// The kernel program: loaded, attached to the interfaces that match, followed by netlink; events from its ring buffer.
// Loop thread only. Destruction detaches everything that this object attached, and nothing else.
class LiveCapture : public Capture {
 public:
  static Result<std::unique_ptr<LiveCapture>> create(const Options& options, CaptureLog& log);

  // Readable when drain() has something to do: events, interface changes, timers (at most 50 ms apart while there is
  // traffic).
  virtual int fd() const = 0;
  // Observation times are CLOCK_MONOTONIC.
  Result<bool> drain(ObservationSink& sink) override = 0;
  EventTime now() const override = 0;
  // What can change while running: interfaces, direction, audio ports.
  virtual Status reload(const Options& options) = 0;
  virtual LiveCaptureStats stats() const = 0;
  // Empty while everything asked for is attached, else the sentence for /readyz.
  virtual std::string not_ready_reason() const = 0;
};

}  // namespace audio_latency
