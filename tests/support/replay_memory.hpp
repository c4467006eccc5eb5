// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "capture_replay.hpp"

namespace audio_latency::test {

// A capture over the contents of capture files, which are called file0, file1 …; aborts where they are none.
std::unique_ptr<ReplayCapture> replay_of(const std::vector<std::string>& contents, bool stateless = false,
                                         const Options& options = {});

}  // namespace audio_latency::test
