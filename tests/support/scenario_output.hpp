// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "support/scenario_traffic.hpp"

namespace audio_latency::scenario {

// The packets that pass between 0 and `seconds`, in order of time, as a nanosecond pcap file.
void write_capture(const Traffic& traffic, double seconds, Nanoseconds epoch, const std::string& path);

// What was put in, as JSON: {"epoch_ns", "seconds", "alike", "audio_ports" (value of AUDIO_PORTS), "flows": [{"call",
// "source", "dest", "protocol", "parent", "bytes_per_second", "packets": [[time_ns, begin, end], …]}], "clean":
// [{"call", "origin", "last", "seconds"}]}. Packet times are since the epoch of the capture, begin and end the bytes of
// the stream that all flows of a chain share: whatever was measured between two flows can be checked byte by byte.
void write_truth(const Traffic& traffic, double seconds, Nanoseconds epoch, bool alike, const std::string& path);

}  // namespace audio_latency::scenario
