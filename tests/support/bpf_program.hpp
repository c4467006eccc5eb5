// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "audio_latency/observation.hpp"
#include "audio_latency/payload.hpp"
#include "capture_program.hpp"
#include "capture_scanner.hpp"
#include "support/packet.hpp"

struct ring_buffer;

namespace audio_latency::test {

// One BPF_PROG_TEST_RUN.
struct RunResult {
  int error = 0;  // -errno of bpf(2); 0: it ran
  std::uint32_t return_value = 0;
  std::uint32_t duration_ns = 0;  // a run, averaged over `repeat`
};
RunResult run_program(int program_fd, const Bytes& packet, std::uint32_t repeat = 1);

// The loaded program with an interface entry for lo (what BPF_PROG_TEST_RUN runs on), and a reader of its ring buffer.
class TestProgram {
 public:
  struct Setup {
    ProgramBuild build = ProgramBuild::full;
    std::uint32_t ring_bytes = 1U << 22;
    std::uint64_t flags = AL_INTERFACE_LOOPBACK;
    std::vector<AudioPort> ports = {};  // empty: all, raw
    std::vector<RtpPayloadType> types = {};
    Tristate a_law = Tristate::automatic;
  };

  // Throws std::runtime_error with the loader's sentence.
  TestProgram(const al_settings& settings, const Setup& setup);
  ~TestProgram();
  TestProgram(const TestProgram&) = delete;
  TestProgram& operator=(const TestProgram&) = delete;

  RunResult run(const Bytes& packet, bool ethernet = true, al_direction direction = AL_INGRESS,
                std::uint32_t repeat = 1) const;
  // Drains the ring buffer.
  std::vector<al_event> events();
  std::uint64_t received() const { return received_; }
  // Where payload goes while events() drains.
  void set_payload_sink(PayloadSink* sink);
  al_counters counters(std::uint32_t interface_index = 1, al_direction direction = AL_INGRESS) const;
  const CaptureProgram& program() const { return *program_; }
  CaptureProgram& program() { return *program_; }

 private:
  static int keep(void* self, void* data, std::size_t length);
  static int hand_on(void* self, void* data, std::size_t length);
  std::unique_ptr<CaptureProgram> program_;
  struct RingDeleter {
    void operator()(::ring_buffer* ring) const;
  };
  std::unique_ptr<::ring_buffer, RingDeleter> ring_;
  std::vector<al_event> events_;
  Options options_;
  PayloadSink* payload_sink_ = nullptr;
  std::uint64_t received_ = 0;
};

// Why tests with root can't run here; empty: they can.
std::string missing_privilege();

}  // namespace audio_latency::test
