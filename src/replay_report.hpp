// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "capture_replay.hpp"
#include "matcher.hpp"

namespace audio_latency {

// A few lines for people: how much was read, and by reason what was skipped, refused or not matched.
std::string replay_report(const ReplayCapture& capture, const MatcherStats& matcher);

}  // namespace audio_latency
