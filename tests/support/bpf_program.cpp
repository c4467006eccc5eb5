// SPDX-License-Identifier: Apache-2.0
#include "support/bpf_program.hpp"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>

#include "capture_counters_ledger.hpp"
#include "capture_payload.hpp"

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

int TestProgram::hand_on(void* self, void* data, std::size_t length) {
  auto* program = static_cast<TestProgram*>(self);
  const auto payload = payload_of({static_cast<const std::uint8_t*>(data), length});
  if (!payload) throw std::runtime_error("payload of " + std::to_string(length) + " bytes");
  if (program->payload_sink_ != nullptr) program->payload_sink_->on_payload(*payload);
  return 0;
}

void TestProgram::set_payload_sink(PayloadSink* sink) {
  payload_sink_ = sink;
  if (const Status set = program_->set_ports(options_, sink != nullptr); !set)
    throw std::runtime_error(set.error().message);
}

TestProgram::TestProgram(const al_settings& settings, const Setup& setup) {
  options_.ring_buffer_size = setup.ring_bytes;
  options_.payload_buffer_size = setup.ring_bytes;
  options_.audio_ports = setup.ports;
  options_.rtp_payload_types = setup.types;
  options_.a_law_domain = setup.a_law;
  auto loaded = CaptureProgram::load(options_, settings, setup.build);
  if (!loaded) throw std::runtime_error(loaded.error().message);
  program_ = std::move(loaded.value());
  KernelInterfaceEntries entries{FdView(program_->interfaces_fd())};
  for (const al_direction direction : {AL_INGRESS, AL_EGRESS})
    if (const Status added = entries.add({1, direction}, setup.flags); !added)
      throw std::runtime_error(added.error().message);
  ring_.reset(ring_buffer__new(program_->events_fd(), keep, this, nullptr));
  if (!ring_ || ring_buffer__add(ring_.get(), program_->payloads_fd(), hand_on, this) < 0)
    throw std::runtime_error("the ring buffers can't be mapped");
}

TestProgram::~TestProgram() = default;

RunResult TestProgram::run(const Bytes& packet, bool ethernet, al_direction direction, std::uint32_t repeat) const {
  return run_program(program_->program_fd(ethernet, direction), packet, repeat);
}

std::vector<al_event> TestProgram::events() {
  ring_buffer__consume(ring_.get());
  return std::exchange(events_, {});
}

al_counters TestProgram::counters(std::uint32_t interface_index, al_direction direction) const {
  const auto sum = KernelInterfaceEntries{FdView(program_->interfaces_fd())}.read({interface_index, direction});
  if (!sum) throw std::runtime_error("no counters for the interface");
  return *sum;
}

std::string missing_privilege() {
  return geteuid() == 0 ? "" : "needs root";
}

}  // namespace audio_latency::test
