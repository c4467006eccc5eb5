// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bpf/libbpf.h>
#include <sys/mman.h>

#include <algorithm>
#include <span>
#include <stdexcept>
#include <utility>
#include <vector>

#include "audio_latency/wire/shortcut.h"
#include "capture_treatments.hpp"
#include "support/bpf_program.hpp"
#include "support/one_cpu.hpp"
#include "support/oracle.hpp"

namespace audio_latency::test {

// The shortcuts of one CPU, as the program has them.
class Shortcuts {
 public:
  Shortcuts(int fd, std::size_t cpu)
      : cpu_(cpu),
        count_(static_cast<std::size_t>(libbpf_num_possible_cpus()) * AL_SHORTCUTS),
        memory_(mmap(nullptr, count_ * sizeof(al_shortcut), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0)) {
    if (memory_ == MAP_FAILED) throw std::runtime_error("the shortcuts can't be mapped");
  }
  ~Shortcuts() { munmap(memory_, count_ * sizeof(al_shortcut)); }
  Shortcuts(const Shortcuts&) = delete;
  Shortcuts& operator=(const Shortcuts&) = delete;

  std::span<al_shortcut> all() const {
    return {static_cast<al_shortcut*>(memory_) + cpu_ * AL_SHORTCUTS, AL_SHORTCUTS};
  }
  void clear() const { std::fill(all().begin(), all().end(), al_shortcut{}); }
  // Those that have not been taken back.
  std::size_t kept() const {
    return static_cast<std::size_t>(
        std::count_if(all().begin(), all().end(), [](const al_shortcut& one) { return one.state >> 24 != 0; }));
  }
  // From now on the short way can be told from the long one.
  void mark() const {
    for (al_shortcut& one : all())
      if (one.state != 0) one.state = (one.state & ~0xffffULL) | AL_BUDGET << 8 | AL_BUDGET;
  }

 private:
  std::size_t cpu_;
  std::size_t count_;
  void* memory_;
};

inline al_settings shortcut_settings() {
  al_settings settings = oracle_settings();
  settings.minimum_payload = 80;
  return settings;
}

// Remembers the flow of the last payload.
struct LastFlow : PayloadSink {
  void on_payload(const Payload& payload) override { flow = payload.flow; }
  FlowKey flow;
};

// The program and its shortcuts. A CPU's are its own: the test stays on one.
struct ShortcutWorld {
  ShortcutWorld(const OneCpu& here, ProgramBuild build, std::uint64_t flags, std::vector<AudioPort> ports)
      : program(shortcut_settings(), {.build = build, .flags = flags, .ports = std::move(ports)}),
        shortcuts(program.program().shortcuts_fd(), here.number()) {}
  std::uint64_t verdict(al_verdict which, al_direction direction = AL_INGRESS) const {
    return program.counters(1, direction).packets[which];
  }
  void treat(const FlowKey& flow, al_treatment treatment) const {
    CapturePoint point;
    point.interface = 1;
    KernelTreatments(FdView(program.program().flows_fd()), FdView(program.program().ports_fd()))
        .treat(flow, point, false, treatment);
  }
  // The packet's flow, which the daemon has found to be no audio.
  FlowKey ignore(const Bytes& packet) {
    program.set_payload_sink(&payloads);
    program.run(packet);
    program.events();
    treat(payloads.flow, {AL_IGNORE, 0, 0, 0});
    return payloads.flow;
  }

  TestProgram program;
  Shortcuts shortcuts;
  LastFlow payloads;
};

inline Packet in_ip(bool ethernet, bool v6) {
  Packet packet;
  if (ethernet) packet.ethernet();
  if (v6) return packet.ipv6();
  return packet.ipv4();
}

}  // namespace audio_latency::test
