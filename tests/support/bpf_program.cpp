// SPDX-License-Identifier: Apache-2.0
#include "support/bpf_program.hpp"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>

#include "capture_counters_ledger.hpp"

namespace audio_latency::test {

RunResult run_program(int program_fd, const Bytes& packet, std::uint32_t repeat) {
  bpf_test_run_opts options{};
  options.sz = sizeof options;
  options.data_in = packet.data();
  options.data_size_in = static_cast<__u32>(packet.size());
  options.repeat = static_cast<int>(repeat);
  RunResult result;
  result.error = bpf_prog_test_run_opts(program_fd, &options);
  result.return_value = options.retval;
  result.duration_ns = options.duration;
  return result;
}

void TestProgram::RingDeleter::operator()(::ring_buffer* ring) const {
  ring_buffer__free(ring);
}

int TestProgram::keep(void* self, void* data, std::size_t length) {
  auto* program = static_cast<TestProgram*>(self);
  if (length != sizeof(al_event)) throw std::runtime_error("event of " + std::to_string(length) + " bytes");
  al_event event;
  std::memcpy(&event, data, sizeof event);
  program->events_.push_back(event);
  ++program->received_;
  return 0;
}

TestProgram::TestProgram(const al_settings& settings, const Setup& setup) {
  Options options;
  options.ring_buffer_size = setup.ring_bytes;
  options.audio_ports = setup.ports;
  options.rtp_payload_types = setup.types;
  options.a_law_domain = setup.a_law;
  auto loaded = CaptureProgram::load(options, settings, setup.build);
  if (!loaded) throw std::runtime_error(loaded.error().message);
  program_ = std::move(loaded.value());
  KernelInterfaceEntries entries{FdView(program_->interfaces_fd())};
  for (const al_direction direction : {AL_INGRESS, AL_EGRESS})
    if (const Status added = entries.add({1, direction}, setup.flags); !added)
      throw std::runtime_error(added.error().message);
  ring_.reset(ring_buffer__new(program_->events_fd(), keep, this, nullptr));
  if (!ring_) throw std::runtime_error("ring_buffer__new failed");
}

TestProgram::~TestProgram() = default;

RunResult TestProgram::run(const Bytes& packet, bool ethernet, al_direction direction, std::uint32_t repeat) const {
  return run_program(program_->program_fd(ethernet, direction), packet, repeat);
}

std::vector<al_event> TestProgram::events() {
  ring_buffer__consume(ring_.get());
  return std::exchange(events_, {});
}

al_counters sum(const std::vector<al_interface>& values) {
  static_assert(sizeof(al_counters) % 8 == 0);
  al_counters total{};
  auto* words = reinterpret_cast<__u64*>(&total);
  for (const al_interface& value : values)
    for (std::size_t at = 0; at < sizeof total / 8; ++at)
      words[at] += reinterpret_cast<const __u64*>(&value.counters)[at];
  return total;
}

al_counters TestProgram::counters(std::uint32_t interface_index, al_direction direction) const {
  std::vector<al_interface> values(static_cast<std::size_t>(libbpf_num_possible_cpus()));
  const al_interface_key key{interface_index, static_cast<std::uint32_t>(direction)};
  if (bpf_map_lookup_elem(program_->interfaces_fd(), &key, values.data()) < 0)
    throw std::runtime_error("no counters for the interface");
  return sum(values);
}

std::string missing_privilege() {
  return geteuid() == 0 ? "" : "needs root";
}

}  // namespace audio_latency::test
