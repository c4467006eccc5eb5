// SPDX-License-Identifier: Apache-2.0
#include "agent_descriptors.hpp"

#include <sys/signalfd.h>
#include <sys/timerfd.h>

#include <cerrno>
#include <csignal>
#include <cstring>

namespace audio_latency {

Error system_error(const std::string& what) {
  return {what + " failed: " + std::strerror(errno) + "."};
}

Result<Fd> signal_descriptor() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&set, signal);
  if (pthread_sigmask(SIG_BLOCK, &set, nullptr) != 0) return system_error("Blocking signals");
  Fd descriptor(signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!descriptor.valid()) return system_error("signalfd");
  return descriptor;
}

Result<Fd> timer_descriptor(std::int64_t every_ns) {
  Fd descriptor(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK));
  const itimerspec every{{0, every_ns}, {0, every_ns}};
  if (!descriptor.valid() || timerfd_settime(descriptor.get(), 0, &every, nullptr) != 0) {
    return system_error("Setting a timer");
  }
  return descriptor;
}

}  // namespace audio_latency
