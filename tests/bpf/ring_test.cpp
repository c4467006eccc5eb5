// SPDX-License-Identifier: Apache-2.0
// The consumer of both ring buffers.
#include <gtest/gtest.h>

#include "capture_live_ring.hpp"
#include "support/bpf_program.hpp"
#include "support/oracle.hpp"

namespace audio_latency::test {
namespace {

// Takes payload no faster than it comes.
class Overloaded : public PayloadSink {
 public:
  explicit Overloaded(TestProgram& program) : program_(program) {}
  void on_payload(const Payload& /*payload*/) override {
    ++taken;
    program_.run(Packet().ethernet().ipv4().tcp(1, 8080, sequence_).payload(more_).build());
    sequence_ += static_cast<std::uint32_t>(more_.size());
  }
  std::uint64_t taken = 0;

 private:
  TestProgram& program_;
  Bytes more_ = random_bytes(100, 1);
  std::uint32_t sequence_ = 1;
};

struct Count : ObservationSink {
  void on_observation(const Observation& /*observation*/) override { ++observed; }
  std::uint64_t observed = 0;
};

TEST(EventRing, PayloadThatNeverEndsHoldsUpNoEvents) {
  TestProgram::Setup setup;
  setup.ports = {{8080, AL_FORMAT_JSON}, {9000, AL_FORMAT_RAW}};
  TestProgram program(oracle_settings(), setup);
  auto ring = EventRing::open(FdView(program.program().events_fd()), FdView(program.program().payloads_fd()));
  ASSERT_TRUE(ring) << ring.error().message;
  Overloaded payloads(program);
  Count events;
  program.set_payload_sink(&payloads);
  (*ring)->set_payload_sink(&payloads);
  for (int i = 0; i < 10; ++i)
    program.run(
        Packet().ethernet().ipv4().udp(7, 9000).payload(random_bytes(1400, 10U + static_cast<unsigned>(i))).build());
  payloads.on_payload({});
  EXPECT_TRUE((*ring)->drain(events));
  EXPECT_GT(payloads.taken, 1'000U);
  EXPECT_GT(events.observed, 10U);
}

}  // namespace
}  // namespace audio_latency::test
