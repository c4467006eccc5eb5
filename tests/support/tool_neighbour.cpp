// SPDX-License-Identifier: Apache-2.0
// test-neighbour INTERFACE show          prints what is attached to it, by direction
// test-neighbour INTERFACE tcx|clsact    puts a foreign program on its ingress; prints "ready", then a packet count for
//                                        each line of input; takes it off at the end of input
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <net/if.h>

#include <cstdio>
#include <iostream>
#include <string>

#include "capture_attach.hpp"
#include "capture_attach_tc.hpp"
#include "fd.hpp"
#include "foreign.skel.h"

namespace {

using namespace audio_latency;  // NOLINT(google-build-using-namespace): a test's own program

constexpr auto kTcxIngress = static_cast<bpf_attach_type>(46);

int show(const AttachPoint& point) {
  for (const std::uint32_t id : tcx_program_ids(point)) {
    std::printf("%s: TCX %s\n", point.text().c_str(), describe_program(id).c_str());
  }
  if (const auto filters = list_tc_filters(point)) {
    for (const TcFilter& filter : filters.value()) {
      std::printf("%s: %s\n", point.text().c_str(), filter.text().c_str());
    }
  }
  return 0;
}

void report(const foreign_bpf& program) {
  std::cout << "ready" << std::endl;
  for (std::string line; std::getline(std::cin, line);) std::cout << program.bss->packets << std::endl;
}

int run_tcx(const foreign_bpf& program, int index) {
  const Fd link(bpf_link_create(bpf_program__fd(program.progs.foreign), index, kTcxIngress, nullptr));  // at the end
  if (!link.valid()) return 1;
  report(program);
  return 0;
}

int run_clsact(const foreign_bpf& program, int index) {
  LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = index, .attach_point = BPF_TC_INGRESS);
  LIBBPF_OPTS(bpf_tc_opts, options, .prog_fd = bpf_program__fd(program.progs.foreign));
  bpf_tc_hook_create(&hook);
  if (bpf_tc_attach(&hook, &options) != 0) return 1;
  report(program);
  options.prog_fd = 0;
  options.prog_id = 0;
  options.flags = 0;
  return bpf_tc_detach(&hook, &options) == 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string interface = argc == 3 ? argv[1] : "";
  const std::string mode = argc == 3 ? argv[2] : "";
  const auto index = if_nametoindex(interface.c_str());
  if (index == 0) return 2;
  if (mode == "show") return show({index, interface, AL_INGRESS}) + show({index, interface, AL_EGRESS});
  foreign_bpf* program = foreign_bpf__open_and_load();
  if (program == nullptr) return 1;
  const int status =
      mode == "tcx" ? run_tcx(*program, static_cast<int>(index)) : run_clsact(*program, static_cast<int>(index));
  foreign_bpf__destroy(program);
  return status;
}
