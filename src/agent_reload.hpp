// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "options_load.hpp"

namespace audio_latency {

struct ReloadNote {
  LogLevel level;
  std::string message;
};

// What SIGHUP makes of the options in force and those that were read again.
struct ReloadPlan {
  bool valid = false;  // false: what was read has errors; nothing changes
  Options options;     // those in force from now on
  std::vector<ReloadNote> notes;
};
ReloadPlan plan_reload(const Options& current, const Loaded& fresh);

}  // namespace audio_latency
