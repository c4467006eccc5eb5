// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <iosfwd>
#include <string>

#include "audio_latency/capture.hpp"

namespace audio_latency {

// What `replay --signatures` prints of one selected window: a JSON object on one line, without a line end.
std::string signature_json(const Observation& observation);

// One window a line. Loop thread only.
class SignatureLines : public ObservationSink {
 public:
  explicit SignatureLines(std::ostream& out) : out_(out) {}
  void on_observation(const Observation& observation) override;

 private:
  std::ostream& out_;
};

}  // namespace audio_latency
