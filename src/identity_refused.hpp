// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>

#include "audio_latency/observation.hpp"

namespace audio_latency {

// The packets that were refused as forged a moment ago: behind the interface where they were found out, they look
// genuine. One thread.
class RefusedPackets {
 public:
  // False: one of its windows was refused before.
  bool add(const Observation& seen);
  bool has(const Observation& seen) const;

 private:
  static constexpr EventTime kKept = 1'000'000'000;  // ns; forwarding takes far less
  struct Entry {
    std::uint64_t packet = 0;
    EventTime time = 0;
  };
  const Entry& entry(std::uint64_t packet) const { return entries_[packet % entries_.size()]; }

  std::array<Entry, 4096> entries_;  // by hash; a later one takes the place of an earlier
  EventTime last_ = 0;
};

}  // namespace audio_latency
