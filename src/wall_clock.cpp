// SPDX-License-Identifier: Apache-2.0
#include "wall_clock.hpp"

#include <sys/timex.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <ctime>
#include <limits>

namespace audio_latency {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

std::int64_t now_ns(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return now.tv_sec * kSecond + now.tv_nsec;
}

std::uint64_t kernel_uncertainty_ns() {
  timex state{};
  if (adjtimex(&state) < 0) return 0;
  const long microseconds = (state.status & STA_UNSYNC) != 0 ? state.maxerror : state.esterror;
  return static_cast<std::uint64_t>(std::max(microseconds, 0L)) * 1000;
}

}  // namespace

void WallClock::measure() {
  // Of a few readings the one that took least: a preempted one may be milliseconds off.
  constexpr int attempts = 5;
  std::int64_t shortest = std::numeric_limits<std::int64_t>::max();
  for (int attempt = 0; attempt < attempts; ++attempt) {
    const std::int64_t before = now_ns(CLOCK_MONOTONIC);
    const std::int64_t realtime = now_ns(CLOCK_REALTIME);
    const std::int64_t after = now_ns(CLOCK_MONOTONIC);
    if (after - before >= shortest) continue;
    shortest = after - before;
    offset_ns_ = realtime - (before + shortest / 2) + shift_ns_;
    uncertainty_ns_ = static_cast<std::uint64_t>((shortest + 1) / 2);
  }
  time_of_day_uncertainty_ns_ = kernel_uncertainty_ns();
}

std::string rfc3339(std::int64_t realtime_ns) {
  std::int64_t fraction = realtime_ns % kSecond;
  if (fraction < 0) fraction += kSecond;
  const time_t seconds = (realtime_ns - fraction) / kSecond;
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  std::array<char, 64> text{};
  const auto length = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S", &utc);
  std::snprintf(text.data() + length, text.size() - length, ".%09dZ", static_cast<int>(fraction));
  return text.data();
}

std::int64_t realtime_ns() {
  return now_ns(CLOCK_REALTIME);
}

std::uint64_t monotonic_ns() {
  return static_cast<std::uint64_t>(now_ns(CLOCK_MONOTONIC));
}

}  // namespace audio_latency
