// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "audio_latency/observation.hpp"

namespace audio_latency {

// Event time to time of day. Live event times are CLOCK_MONOTONIC: measure() at least once a second, since the
// realtime clock is stepped and slewed. On replay event times are time of day already: never measured, offset 0.
// Loop thread only.
class WallClock {
 public:
  // `shift_ns`: told so much too late, for tests of clocks that are wrong.
  explicit WallClock(std::int64_t shift_ns = 0) : shift_ns_(shift_ns) {}

  void measure();
  std::int64_t realtime_ns(EventTime time) const { return static_cast<std::int64_t>(time) + offset_ns_; }
  std::int64_t offset_ns() const { return offset_ns_; }
  // Half the time that the last measurement took: how far the offset may be off.
  std::uint64_t uncertainty_ns() const { return uncertainty_ns_; }
  // How far the time of day itself may be off, as whoever keeps it tells the kernel (adjtimex(2)): the estimated error;
  // where nobody does, the maximum error.
  std::uint64_t time_of_day_uncertainty_ns() const { return time_of_day_uncertainty_ns_; }

 private:
  std::int64_t shift_ns_;
  std::int64_t offset_ns_ = 0;
  std::uint64_t uncertainty_ns_ = 0;
  std::uint64_t time_of_day_uncertainty_ns_ = 0;
};

// RFC 3339 with nanoseconds, UTC: "2026-11-22T01:44:58.000000001Z".
std::string rfc3339(std::int64_t realtime_ns);

std::uint64_t monotonic_ns();
std::int64_t realtime_ns();  // time of day since 1970; any thread

}  // namespace audio_latency
