// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "audio_latency/result.hpp"
#include "fd.hpp"

namespace audio_latency {

Error system_error(const std::string& what);  // "WHAT failed: errno's text."

// SIGTERM, SIGINT and SIGHUP as a descriptor; blocked for every thread that is started from now on.
Result<Fd> signal_descriptor();
// Readable each `every_ns`, less than a second.
Result<Fd> timer_descriptor(std::int64_t every_ns);

}  // namespace audio_latency
