// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "audio_latency/options.hpp"

namespace audio_latency {

// One thing that `run` needs, or profits from, and how this host stands to it.
struct HostFinding {
  std::string what;      // "capabilities", "TCX", …
  bool ok = true;        // false: `run` would fail
  std::string sentence;  // for the operator
};

// Loads the kernel program to see whether the kernel takes it, but attaches nothing.
std::vector<HostFinding> probe_host(const Options& options, const std::string& proc = "/proc/self",
                                    const std::string& sys = "/sys");

// What a process with the effective capabilities of that `status` file (proc(5)) lacks. Split off for tests.
HostFinding probe_capabilities(const std::string& status_file);

}  // namespace audio_latency
