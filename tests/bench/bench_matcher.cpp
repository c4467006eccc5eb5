// SPDX-License-Identifier: Apache-2.0
// The matcher alone, with 1,000,000 live signatures: observations a second, and bytes each; and what the dearest
// observations cost that anybody can send.
#include <benchmark/benchmark.h>

#include <vector>

#include "matcher.hpp"
#include "support/matcher_hostile.hpp"

namespace audio_latency {
namespace {

struct Discard : MatchSink {
  void on_match(const Match&) override { ++matches; }
  std::uint64_t matches = 0;
};

constexpr std::uint64_t kStep = 12'000;  // ns: 1,000,000 signatures live for the 12 s of the default TTL
constexpr std::uint64_t kBehind = 200'000'000 / kStep;
constexpr std::uint32_t kCalls = 1000;

// Calls of a hundred hosts, each through a relay that sends the sound on 200 ms later.
PlacedObservation heard(bool relayed, std::uint64_t time_step, std::uint64_t window, std::uint32_t call) {
  PlacedObservation seen;
  Observation& o = seen.observation;
  o.time = 1'000'000'000'000 + time_step * kStep;
  o.signature = (window + 1) * 0x9e3779b97f4a7c15ULL;
  const std::uint32_t source = 0x0a000000 + call % 100, relay = 0x0a010000 + call % 100, sink = 0x0a020000 + call % 100;
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

// In order, each observation of another flow: half of all are first sightings, half are matches.
PlacedObservation in_order(std::uint64_t i) {
  const bool relayed = (i & 1) != 0;
  const std::uint64_t n = i / 2;
  const std::uint64_t window = relayed ? n - std::min(n, kBehind) : n;
  return heard(relayed, n, window, static_cast<std::uint32_t>(window % kCalls));
}

// The same with four windows a packet, and packets up to 49 ms out of order.
PlacedObservation as_packets(std::uint64_t i) {
  constexpr std::uint64_t windows = 4, block = 1024;
  const bool relayed = (i / windows & 1) != 0;
  const std::uint64_t packet = i / windows / 2;
  const std::uint64_t n = (packet / block * block + packet * 421 % block) * windows + i % windows;
  const std::uint64_t window = relayed ? n - std::min(n, kBehind / windows * windows) : n;
  PlacedObservation seen = heard(relayed, n / windows * windows, window, window / windows % kCalls);
  seen.observation.packet.offset = static_cast<std::uint32_t>(window % windows) * 80;
  return seen;
}

// Observes what `next` gives, in batches; the first `before` of them untimed.
MatcherStats observe(benchmark::State& state, Matcher& matcher, PlacedObservation (*next)(std::uint64_t),
                     std::uint64_t before) {
  std::uint64_t sent = 0;
  while (sent < before) matcher.observe(next(sent++));
  std::vector<PlacedObservation> batch(100'000);
  for (auto _ : state) {
    state.PauseTiming();
    for (PlacedObservation& seen : batch) seen = next(sent++);
    state.ResumeTiming();
    for (const PlacedObservation& seen : batch) matcher.observe(seen);
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(batch.size()));
  return matcher.stats();
}

void BM_MatcherObserve(benchmark::State& state, PlacedObservation (*next)(std::uint64_t)) {
  Discard sink;
  Matcher matcher({}, sink);
  const MatcherStats stats = observe(state, matcher, next, 2'100'000);
  state.counters["live_signatures"] = static_cast<double>(stats.active_signatures);
  state.counters["bytes_each"] =
      static_cast<double>(matcher.table_bytes()) / static_cast<double>(stats.active_signatures);
  state.counters["matched_share"] = static_cast<double>(stats.matched) / (static_cast<double>(stats.observations) / 2);
}
// The median of several: what else the machine does shows in each of them.
BENCHMARK_CAPTURE(BM_MatcherObserve, in_order, in_order)
    ->Unit(benchmark::kMillisecond)->MinTime(2)->Repetitions(5)->ReportAggregatesOnly();
BENCHMARK_CAPTURE(BM_MatcherObserve, as_packets, as_packets)
    ->Unit(benchmark::kMillisecond)->MinTime(2)->Repetitions(5)->ReportAggregatesOnly();

void BM_MatcherHostile(benchmark::State& state, const testing::Hostile& traffic) {
  Discard sink;
  Options options;
  options.match_unseen = traffic.match_unseen;
  Matcher matcher(options, sink);
  observe(state, matcher, traffic.next, 300'000);
}

void register_hostile() {
  for (const testing::Hostile& traffic : testing::kHostile) {
    benchmark::RegisterBenchmark(("BM_MatcherHostile/" + std::string(traffic.name)).c_str(), BM_MatcherHostile, traffic)
        ->Unit(benchmark::kMillisecond)
        ->MinTime(0.3);
  }
}

}  // namespace
}  // namespace audio_latency

int main(int argc, char** argv) {
  audio_latency::register_hostile();
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
}
