// SPDX-License-Identifier: Apache-2.0
#include <cstdio>

#include "bus_live.hpp"
#include "command.hpp"
#include "host_probe.hpp"
#include "identity_static.hpp"

namespace audio_latency {
namespace {

bool report(const std::string& what, bool good, const std::string& sentence) {
  std::printf("%-4s %-14s %s\n", good ? "ok" : "FAIL", what.c_str(), sentence.c_str());
  return good;
}

bool report_configuration(const Loaded& loaded) {
  for (const std::string& error : loaded.errors) report("configuration", false, error);
  if (!loaded.errors.empty()) return false;
  const auto names = read_names_file(loaded.options.names_file);
  if (!names) return report("configuration", false, names.error().message);
  if (!loaded.options.bus_url.empty()) {
    const auto bus = nats_settings(loaded.options, "");
    if (!bus) return report("configuration", false, bus.error().message);
    if (const Status files = check_nats_files(*bus); !files)
      return report("configuration", false, files.error().message);
  }
  return report("configuration", true, "every value is allowed; 'audio-latency config' lists them.");
}

}  // namespace

int command_check(const Invocation& invocation) {
  bool good = report_configuration(invocation.loaded);
  // With errors the options are the defaults where they are wrong: what the host allows is still worth knowing.
  for (const HostFinding& finding : probe_host(invocation.loaded.options)) {
    good = report(finding.what, finding.ok, finding.sentence) && good;
  }
  return good ? kSuccess : kFailure;
}

}  // namespace audio_latency
