// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "audio_latency/observation.hpp"
#include "audio_latency/payload.hpp"
#include "audio_latency/result.hpp"

namespace audio_latency {

class ObservationSink {
 public:
  virtual ~ObservationSink() = default;
  virtual void on_observation(const Observation& observation) = 0;
};

// A source of observations: the ring buffer of the kernel program, or capture files. Loop thread only.
class Capture {
 public:
  virtual ~Capture() = default;
  // Hands over what is there now. False: the source has ended (files only). Event time never passes `time_ns()`.
  virtual Result<bool> drain(ObservationSink& sink) = 0;
  // Who looks at flows of unknown formats and decodes those that the source can't scan; null (at first): nobody, and
  // all are scanned as raw bytes. Called with payload while drain() runs, ahead of the packets' own observations or
  // behind.
  virtual Status set_payload_sink(PayloadSink* sink) = 0;
  // Takes what that one decides.
  virtual TreatmentSink& treatments() = 0;
  // Event time up to which everything has been handed over.
  virtual EventTime now() const = 0;
};

}  // namespace audio_latency
