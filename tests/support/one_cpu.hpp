// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sched.h>

#include <cstddef>
#include <stdexcept>

namespace audio_latency::test {

// While it lives, this thread stays on the CPU that it is on: much of the kernel program's memory is a CPU's own.
class OneCpu {
 public:
  OneCpu() : cpu_(sched_getcpu()) {
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(cpu_, &one);
    if (sched_getaffinity(0, sizeof before_, &before_) != 0 || sched_setaffinity(0, sizeof one, &one) != 0)
      throw std::runtime_error("this thread can't be kept on one CPU");
  }
  ~OneCpu() { sched_setaffinity(0, sizeof before_, &before_); }
  OneCpu(const OneCpu&) = delete;
  OneCpu& operator=(const OneCpu&) = delete;

  std::size_t number() const { return static_cast<std::size_t>(cpu_); }

 private:
  int cpu_;
  cpu_set_t before_{};
};

}  // namespace audio_latency::test
