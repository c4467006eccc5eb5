// SPDX-License-Identifier: Apache-2.0
// The matcher alone, with 1,000,000 live signatures: observations a second, and bytes each.
#include <benchmark/benchmark.h>

#include <vector>

#include "matcher.hpp"

namespace audio_latency {
namespace {

struct Discard : MatchSink {
  void on_match(const Match&) override { ++matches; }
  std::uint64_t matches = 0;
};

// Calls of a hundred hosts, each through a relay that sends the sound on 200 ms later: half of all observations are
// first sightings, half are matches.
class Traffic {
 public:
  static constexpr std::uint32_t kCalls = 1000;
  PlacedObservation next() {
    const bool relayed = (count_ & 1) != 0;
    const std::uint64_t n = count_++ >> 1;
    const std::uint64_t window = relayed ? n - std::min(n, kBehind) : n;
    const auto call = static_cast<std::uint32_t>(window % kCalls);
    PlacedObservation seen;
    Observation& o = seen.observation;
    o.time = 1'000'000'000'000 + n * kStep;
    o.signature = (window + 1) * 0x9e3779b97f4a7c15ULL;
    const std::uint32_t source = 0x0a000000 + call % 100, relay = 0x0a010000 + call % 100,
                        sink = 0x0a020000 + call % 100;
    const auto port = static_cast<std::uint16_t>(10'000 + call);
    o.flow.source = {IpAddress::from_ipv4(relayed ? relay : source), port};
    o.flow.destination = {IpAddress::from_ipv4(relayed ? sink : relay), port};
    o.flow.protocol = 17;
    o.point = {0, 2, AL_INGRESS};
    o.packet.kind = AL_IDENTITY_RTP;
    o.packet.stream_id = call;
    o.packet.rtp_sequence = static_cast<std::uint16_t>(window / kCalls);
    seen.sender.component = relayed ? relay : source;
    seen.receiver.component = relayed ? sink : relay;
    return seen;
  }

 private:
  static constexpr std::uint64_t kStep = 12'000;  // ns: 1,000,000 signatures live for the 12 s of the default TTL
  static constexpr std::uint64_t kBehind = 200'000'000 / kStep;
  std::uint64_t count_ = 0;
};

void BM_MatcherObserve(benchmark::State& state) {
  Discard sink;
  Options options;
  Matcher matcher(options, sink);
  Traffic traffic;
  for (int i = 0; i < 2'100'000; ++i) matcher.observe(traffic.next());
  std::vector<PlacedObservation> batch(100'000);
  for (auto _ : state) {
    state.PauseTiming();
    for (PlacedObservation& seen : batch) seen = traffic.next();
    state.ResumeTiming();
    for (const PlacedObservation& seen : batch) matcher.observe(seen);
  }
  const MatcherStats stats = matcher.stats();
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(batch.size()));
  state.counters["live_signatures"] = static_cast<double>(stats.active_signatures);
  state.counters["bytes_each"] =
      static_cast<double>(matcher.table_bytes()) / static_cast<double>(stats.active_signatures);
  state.counters["matched_share"] = static_cast<double>(stats.matched) / (static_cast<double>(stats.observations) / 2);
}
BENCHMARK(BM_MatcherObserve)->Unit(benchmark::kMillisecond)->MinTime(2);

}  // namespace
}  // namespace audio_latency

BENCHMARK_MAIN();
