// SPDX-License-Identifier: Apache-2.0
#include "capture_program.hpp"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "audio_latency.skel.h"
#include "audio_latency/wire/scratch.h"
#include "audio_latency/wire/shortcut.h"
#include "capabilities.hpp"
#include "capture_scanner.hpp"

namespace audio_latency {
namespace {

std::string last_warning;  // what libbpf said; loading happens on one thread

int keep_warning(libbpf_print_level level, const char* format, va_list arguments) {
  if (level != LIBBPF_WARN) return 0;
  std::array<char, 1024> text{};
  const int length = std::vsnprintf(text.data(), text.size(), format, arguments);
  last_warning.assign(text.data(), std::min<std::size_t>(std::max(length, 0), text.size() - 1));
  std::replace(last_warning.begin(), last_warning.end(), '\n', ' ');
  return length;
}

// While the verifier works, which takes a second or more on a slow machine, a signal that waits for the daemon's loop
// would be late. Nothing is attached yet, so it may end the program at once.
class EndsAtOnce {
 public:
  EndsAtOnce() {
    pthread_sigmask(SIG_SETMASK, nullptr, &mask_);
    blocked_ = sigismember(&mask_, SIGTERM) == 1 && sigismember(&mask_, SIGINT) == 1;
    if (!blocked_) return;
    struct sigaction end {};
    end.sa_handler = [](int) { _exit(EXIT_SUCCESS); };
    sigaction(SIGTERM, &end, &term_);
    sigaction(SIGINT, &end, &interrupt_);
    sigset_t both;
    sigemptyset(&both);
    sigaddset(&both, SIGTERM);
    sigaddset(&both, SIGINT);
    pthread_sigmask(SIG_UNBLOCK, &both, nullptr);
  }
  ~EndsAtOnce() {
    if (!blocked_) return;
    pthread_sigmask(SIG_SETMASK, &mask_, nullptr);
    sigaction(SIGTERM, &term_, nullptr);
    sigaction(SIGINT, &interrupt_, nullptr);
  }
  EndsAtOnce(const EndsAtOnce&) = delete;
  EndsAtOnce& operator=(const EndsAtOnce&) = delete;

 private:
  sigset_t mask_{};
  struct sigaction term_ {};
  struct sigaction interrupt_ {};
  bool blocked_ = false;  // as in the daemon
};

int load_interruptibly(audio_latency_bpf& skeleton) {
  const EndsAtOnce guard;
  return audio_latency_bpf__load(&skeleton);
}

std::string kernel_release() {
  utsname name{};
  return uname(&name) == 0 ? name.release : "unknown";
}

Error load_error(int code) {
  if (code == -EPERM || code == -EACCES) {
    const std::string missing = missing_capabilities();
    return {"The kernel refused to load the program (" + std::string(std::strerror(-code)) + "): " +
            (missing.empty()
                 ? "in a container, the seccomp profile must allow bpf(2); below Linux 5.11 CAP_SYS_RESOURCE "
                   "is needed too."
                 : "missing: " + missing + "; run as root or grant them.")};
  }
  if (code == -ENOMEM) {
    return {
        "There is no memory for the kernel program's tables: lower MAX_FLOWS, RING_BUFFER_SIZE or "
        "PAYLOAD_BUFFER_SIZE, or raise the container's memory limit, which they count against."};
  }
  return {"The kernel " + kernel_release() + " did not load the program (" + std::strerror(-code) +
          "); Linux 5.10 or newer is needed. libbpf: " + last_warning};
}

struct Variant {
  bool ethernet;
  al_direction direction;
  bool full;
  bpf_program* program;
};

std::array<Variant, 8> variants(audio_latency_bpf& skeleton) {
  const auto& programs = skeleton.progs;
  return {{{true, AL_INGRESS, true, programs.al_ethernet_ingress_full},
           {true, AL_EGRESS, true, programs.al_ethernet_egress_full},
           {false, AL_INGRESS, true, programs.al_l3_ingress_full},
           {false, AL_EGRESS, true, programs.al_l3_egress_full},
           {true, AL_INGRESS, false, programs.al_ethernet_ingress_bounded},
           {true, AL_EGRESS, false, programs.al_ethernet_egress_bounded},
           {false, AL_INGRESS, false, programs.al_l3_ingress_bounded},
           {false, AL_EGRESS, false, programs.al_l3_egress_bounded}}};
}

bpf_program* find_variant(audio_latency_bpf& skeleton, bool ethernet, al_direction direction, bool full) {
  for (const Variant& variant : variants(skeleton))
    if (variant.ethernet == ethernet && variant.direction == direction && variant.full == full) return variant.program;
  return nullptr;
}

// Each possible CPU has a copy of the table, which counts against a container's memory limit: 0.9 MB with all slots.
std::uint32_t interface_slots(int cpus) {
  return cpus <= 64 ? AL_INTERFACE_SLOTS : AL_INTERFACE_SLOTS / 2;
}

bool wants_full(ProgramBuild build) {
  if (build != ProgramBuild::automatic) return build == ProgramBuild::full;
  return libbpf_probe_bpf_helper(BPF_PROG_TYPE_SCHED_CLS, BPF_FUNC_loop, nullptr) == 1;
}

// Each CPU's copy of the tables lies beside its scratch memory.
int fill_tables(audio_latency_bpf& skeleton, std::uint32_t window) {
  const int cpus = libbpf_num_possible_cpus();
  if (cpus < 0) return cpus;
  const std::size_t stride = (sizeof(al_scratch) + 7) / 8 * 8;
  std::vector<std::uint8_t> values(stride * static_cast<std::size_t>(cpus));
  const auto scratch = std::make_unique<al_scratch>();
  al_tables_fill(scratch.get(), window);
  for (int cpu = 0; cpu < cpus; ++cpu)
    std::memcpy(values.data() + stride * static_cast<std::size_t>(cpu), scratch.get(), sizeof *scratch);
  const std::uint32_t key = 0;
  const int code = bpf_map_update_elem(bpf_map__fd(skeleton.maps.scratch), &key, values.data(), BPF_ANY);
  if (code < 0) return code;
  const auto encoders = std::make_unique<al_encoders>();
  al_encoders_fill(encoders.get());
  return bpf_map_update_elem(bpf_map__fd(skeleton.maps.encoders), &key, encoders.get(), BPF_ANY);
}

}  // namespace

Result<std::unique_ptr<CaptureProgram>> CaptureProgram::load(const Options& options, const al_settings& settings,
                                                             ProgramBuild build) {
  libbpf_set_print(keep_warning);
  last_warning.clear();
  audio_latency_bpf* skeleton = audio_latency_bpf__open();
  if (skeleton == nullptr) return load_error(-errno);
  const bool full = wants_full(build);
  std::unique_ptr<CaptureProgram> program(new CaptureProgram(skeleton, full));
  const int cpus = libbpf_num_possible_cpus();
  if (cpus < 0) return load_error(cpus);
  al_settings own = settings;
  own.interface_slots = interface_slots(cpus);
  std::memcpy(const_cast<al_settings*>(reinterpret_cast<const volatile al_settings*>(&skeleton->rodata->settings)),
              &own, sizeof own);
  bpf_map__set_max_entries(skeleton->maps.interfaces, own.interface_slots);
  bpf_map__set_max_entries(skeleton->maps.events, options.ring_buffer_size);
  bpf_map__set_max_entries(skeleton->maps.payloads, options.payload_buffer_size);
  bpf_map__set_max_entries(skeleton->maps.flows, std::max<std::uint32_t>(settings.maximum_flows, 1));
  bpf_map__set_max_entries(skeleton->maps.senders, std::max<std::uint32_t>(settings.maximum_flows, 1));
  bpf_map__set_max_entries(skeleton->maps.shortcuts, static_cast<std::uint32_t>(cpus) * AL_SHORTCUTS);
  for (const Variant& variant : variants(*skeleton)) bpf_program__set_autoload(variant.program, variant.full == full);
  if (const int code = load_interruptibly(*skeleton); code < 0) return load_error(code);
  if (const int code = fill_tables(*skeleton, settings.window); code < 0) return load_error(code);
  if (Status ports = program->set_ports(options); !ports) return ports.error();
  return program;
}

CaptureProgram::~CaptureProgram() {
  audio_latency_bpf__destroy(skeleton_);
}

int CaptureProgram::program_fd(bool ethernet, al_direction direction) const {
  return bpf_program__fd(find_variant(*skeleton_, ethernet, direction, full_));
}

const char* CaptureProgram::program_name(bool ethernet, al_direction direction) const {
  return bpf_program__name(find_variant(*skeleton_, ethernet, direction, full_));
}

int CaptureProgram::events_fd() const {
  return bpf_map__fd(skeleton_->maps.events);
}
int CaptureProgram::payloads_fd() const {
  return bpf_map__fd(skeleton_->maps.payloads);
}
int CaptureProgram::ports_fd() const {
  return bpf_map__fd(skeleton_->maps.ports);
}
int CaptureProgram::interfaces_fd() const {
  return bpf_map__fd(skeleton_->maps.interfaces);
}
int CaptureProgram::scratch_fd() const {
  return bpf_map__fd(skeleton_->maps.scratch);
}
int CaptureProgram::shortcuts_fd() const {
  return bpf_map__fd(skeleton_->maps.shortcuts);
}
int CaptureProgram::flows_fd() const {
  return bpf_map__fd(skeleton_->maps.flows);
}
int CaptureProgram::senders_fd() const {
  return bpf_map__fd(skeleton_->maps.senders);
}

Status CaptureProgram::set_ports(const Options& options, bool listening) {
  auto table = std::make_unique<al_port_table>();
  fill_port_table(options, *table);
  table->listening = listening ? 1 : 0;
  const std::uint32_t key = 0;
  if (const int code = bpf_map_update_elem(bpf_map__fd(skeleton_->maps.ports), &key, table.get(), BPF_ANY); code < 0)
    return Error{std::string("The audio ports can't be written to the kernel: ") + std::strerror(-code) + "."};
  return success();
}

}  // namespace audio_latency
