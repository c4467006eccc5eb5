// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "audio_latency/observation.hpp"
#include "audio_latency/wire/rtp.h"

namespace audio_latency {

// What the timestamps of an RTP stream tell of its payload. Steps from packet to packet tell more than the clock on the
// wall: who reads a file, or decodes before sending, sends bursts of several packets. Bounded; one stream.
class RtpPace {
 public:
  void add(const al_rtp& rtp, std::size_t payload_bytes, EventTime time);

  // Each packet holds one frame of a speech or music codec, and no other step is as frequent.
  bool steps_by_audio_frames() const;
  // Payload for each tick of the timestamps: 1, 2 or 4 of samples that are not compressed, less of others. By all
  // packets together, since some relays stamp each with the time at which it came.
  double bytes_per_tick() const;
  bool shares_timestamps() const { return 4 * shared_ > packets_; }  // several packets to a frame
  bool never_shares_timestamps() const { return shared_ == 0; }
  double clock() const;  // Hz of the timestamps by the clock on the wall; 0: no time has passed
  double mean_bytes() const { return packets_ == 0 ? 0 : static_cast<double>(bytes_) / packets_; }

 private:
  std::uint32_t packets_ = 0;
  std::uint32_t shared_ = 0;  // with the timestamp of the packet before
  std::uint64_t bytes_ = 0;
  std::uint64_t last_bytes_ = 0;  // of these, the last packet's
  std::uint32_t step_ = 0;        // the most frequent one, as far as there is one in more than half of the packets
  std::uint32_t ahead_ = 0;       // of all others (majority vote of Boyer and Moore)
  al_rtp last_{};
  std::uint32_t first_timestamp_ = 0;
  EventTime first_time_ = 0;
  EventTime last_time_ = 0;
};

}  // namespace audio_latency
