// SPDX-License-Identifier: Apache-2.0
#include "host_probe.hpp"

#include <bpf/libbpf.h>
#include <sys/utsname.h>

#include <cstdarg>
#include <filesystem>

#include "capabilities.hpp"
#include "capture_attach.hpp"
#include "capture_interfaces.hpp"
#include "capture_program.hpp"
#include "capture_scanner.hpp"

namespace audio_latency {
namespace {

std::string join(const std::vector<std::string>& parts) {
  std::string text;
  for (const std::string& part : parts) text += (text.empty() ? "" : ", ") + part;
  return text;
}

HostFinding probe_kernel() {
  utsname name{};
  uname(&name);
  return {"kernel", true, std::string("Linux ") + name.release + "; 5.10 is the oldest that works"};
}

HostFinding probe_btf(const std::string& sys) {
  const bool present = std::filesystem::exists(sys + "/kernel/btf/vmlinux");
  return {"BTF", true,
          present ? "the kernel describes its types" : "the kernel does not describe its types; nothing here needs it"};
}

HostFinding probe_ring_buffer() {
  const bool present = libbpf_probe_bpf_map_type(BPF_MAP_TYPE_RINGBUF, nullptr) == 1;
  return {"ring buffer", present,
          present ? "available" : "not available (Linux 5.8), or bpf(2) is not allowed to this process"};
}

HostFinding probe_bpf_loop() {
  const bool present = libbpf_probe_bpf_helper(BPF_PROG_TYPE_SCHED_CLS, BPF_FUNC_loop, nullptr) == 1;
  return {"bpf_loop", true,
          present ? "available: payloads are scanned to their end"
                  : "not available (Linux 5.17): the first 4 KiB of a payload are scanned"};
}

HostFinding probe_attach_mode(AttachMode mode) {
  const bool tcx = kernel_has_tcx();
  if (mode == AttachMode::tcx && !tcx)
    return {"attach mode", false, "ATTACH_MODE=tcx, but the kernel has no TCX (Linux 6.6)"};
  if (tcx && mode != AttachMode::clsact) return {"attach mode", true, "TCX links: a crash leaves nothing behind"};
  return {"attach mode", true, "clsact filters: what a crash leaves behind, the next start removes"};
}

HostFinding probe_interfaces(const Options& options) {
  const auto table = LinkTable::open();
  if (!table) return {"interfaces", false, table.error().message};
  const InterfaceFilter filter(options);
  const auto routes = default_route_interfaces();
  const auto missing = filter.missing(table.value());
  if (!missing.empty() && options.interfaces_defaulted && !routes.empty()) {
    return {"interfaces", true, join(missing) + " does not exist; the default route's is taken: " + routes.front()};
  }
  if (!missing.empty()) return {"interfaces", false, "there is no " + join(missing)};
  std::vector<std::string> found;
  for (const auto& [index, link] : table.value().links()) {
    if (filter.wants(link, routes)) found.push_back(link.name);
  }
  return {"interfaces", true, found.empty() ? "none yet; globs wait for theirs" : join(found)};
}

HostFinding probe_program(const Options& options) {
  const auto program = CaptureProgram::load(options, wire_settings(options));
  if (!program) return {"kernel program", false, program.error().message};
  return {"kernel program", true, "loaded and verified"};
}

}  // namespace

HostFinding probe_capabilities(const std::string& status_file) {
  const std::string missing = missing_capabilities(status_file);
  if (!missing.empty()) return {"capabilities", false, "missing: " + missing + "; run as root or grant them"};
  return {"capabilities", true, "CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON, or what implies them"};
}

std::vector<HostFinding> probe_host(const Options& options, const std::string& proc, const std::string& sys) {
  // The probes fail on purpose where something is missing; libbpf would comment on each.
  libbpf_set_print([](libbpf_print_level, const char*, va_list) { return 0; });
  return {probe_kernel(),
          probe_btf(sys),
          probe_capabilities(proc + "/status"),
          probe_ring_buffer(),
          probe_bpf_loop(),
          probe_attach_mode(options.attach_mode),
          probe_interfaces(options),
          probe_program(options)};
}

}  // namespace audio_latency
