// SPDX-License-Identifier: Apache-2.0
// One call, each source format relayed in each other format, nothing configured: measured, right, nothing invented.
#include "support/format_matrix.hpp"

#include <gtest/gtest.h>

namespace audio_latency::test {
namespace {

scenario::Samples sound() {
  scenario::Random random(21);
  return scenario::speech(random, 24, 8000);
}

void expect_measured(const RelayedCall& call) {
  const std::string name = call.source_format + " to " + call.relay_format + " by " + call.domains;
  EXPECT_GE(call.coverage(), 0.9) << name << ": " << call.measured_seconds << " of " << call.speech_seconds;
  EXPECT_LE(call.worst_error_ms, 2) << name;
  EXPECT_EQ(call.invented, 0U) << name;
  EXPECT_GT(call.latencies, 100U) << name;
}

// The whole matrix is a benchmark (tests/bench/bench_matrix.cpp); here, each format is a source once and a relay once.
TEST(FormatMatrix, EachFormatIsMeasuredAgainstAnother) {
  const scenario::Samples call = sound();
  const std::size_t count = relay_formats();
  for (std::size_t i = 0; i < count; ++i) expect_measured(relayed_call(i, (i * 5 + 3) % count, call));
}

}  // namespace
}  // namespace audio_latency::test
