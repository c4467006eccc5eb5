// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/timerfd.h>

#include <chrono>
#include <cstdint>

#include "fd.hpp"

namespace audio_latency {

// A timer that is readable at every expiry (CLOCK_MONOTONIC).
class TimerFd {
 public:
  TimerFd() : fd_(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK)) {}

  FdView fd() const { return FdView(fd_); }

  // Expires again and again; zero stops it.
  void start(std::chrono::milliseconds interval) {
    itimerspec spec{};
    spec.it_interval.tv_sec = interval.count() / 1000;
    spec.it_interval.tv_nsec = interval.count() % 1000 * 1'000'000;
    spec.it_value = spec.it_interval;
    timerfd_settime(fd_.get(), 0, &spec, nullptr);
  }
  void stop() { start(std::chrono::milliseconds(0)); }

  // Whether it has expired since the last call.
  bool expired() {
    std::uint64_t times = 0;
    return read(fd_.get(), &times, sizeof times) == sizeof times;
  }

 private:
  Fd fd_;
};

}  // namespace audio_latency
