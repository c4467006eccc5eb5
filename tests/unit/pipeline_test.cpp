// SPDX-License-Identifier: Apache-2.0
#include "pipeline.hpp"

#include <gtest/gtest.h>

#include "identity_static.hpp"

namespace audio_latency::test {
namespace {

struct Told : PlacedSink {
  void on_placed(const PlacedObservation&) override { ++times; }
  int times = 0;
};

struct Gate : PlacedGate {
  Verdict judge(const PlacedObservation&) override { return verdict; }
  Verdict verdict = Verdict::passes;
};

// Whoever counts is told of what the gate has not counted itself; everybody else of all that is not stopped.
TEST(Pipeline, WhatTheGateCountsIsCountedOnce) {
  StaticResolver resolver;
  Pipeline pipeline(Options{}, resolver);
  Gate gate;
  Told counter, sink;
  pipeline.set_gate(&gate);
  pipeline.add_counter(counter);
  pipeline.add(sink);
  const auto see = [&](PlacedGate::Verdict verdict) {
    gate.verdict = verdict;
    pipeline.on_observation({});
    pipeline.advance(1);
  };
  see(PlacedGate::Verdict::passes);
  EXPECT_EQ(counter.times, 1);
  EXPECT_EQ(sink.times, 1);
  see(PlacedGate::Verdict::counted);
  EXPECT_EQ(counter.times, 1);
  EXPECT_EQ(sink.times, 2);
  EXPECT_EQ(pipeline.matcher().stats().observations, 2U);
  see(PlacedGate::Verdict::stops);
  EXPECT_EQ(counter.times, 1);
  EXPECT_EQ(sink.times, 2);
  EXPECT_EQ(pipeline.matcher().stats().observations, 2U);
}

}  // namespace
}  // namespace audio_latency::test
