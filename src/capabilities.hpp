// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace audio_latency {

// Whether a process has that effective capability (CAP_…, capabilities(7)), told by its `status` file (proc(5)).
bool has_capability(int capability, const std::string& status_file = "/proc/self/status");

// What that process lacks to load and attach the kernel program: "CAP_BPF, CAP_NET_ADMIN"; empty: nothing.
std::string missing_capabilities(const std::string& status_file = "/proc/self/status");

}  // namespace audio_latency
