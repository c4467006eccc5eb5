// SPDX-License-Identifier: Apache-2.0
#include "capabilities.hpp"

#include <linux/capability.h>

#include <cstdint>
#include <cstdlib>
#include <fstream>

namespace audio_latency {

bool has_capability(int capability, const std::string& status_file) {
  std::ifstream status(status_file);
  std::uint64_t effective = 0;
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("CapEff:")) effective = std::strtoull(line.c_str() + 7, nullptr, 16);
  }
  return (effective >> capability & 1) != 0;
}

std::string missing_capabilities(const std::string& status_file) {
  const bool admin = has_capability(CAP_SYS_ADMIN, status_file);  // implies the other two
  std::string missing;
  const auto want = [&](int capability, const char* name, bool implied) {
    if (!implied && !has_capability(capability, status_file))
      missing += (missing.empty() ? "" : ", ") + std::string(name);
  };
  want(CAP_BPF, "CAP_BPF", admin);
  want(CAP_NET_ADMIN, "CAP_NET_ADMIN", false);
  want(CAP_PERFMON, "CAP_PERFMON", admin);
  return missing;
}

}  // namespace audio_latency
