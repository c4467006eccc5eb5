// SPDX-License-Identifier: Apache-2.0
// Look-ups in a snapshot of 10,000 pods, alone and while 200 pods a second come and go for a minute; and what a pod
// takes. Usage: bench-identity [SECONDS]
#include <malloc.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "identity_clock.hpp"
#include "identity_place.hpp"
#include "identity_pods.hpp"
#include "identity_slot.hpp"

namespace audio_latency {
namespace {

constexpr std::size_t kPods = 10'000;

PodRecord pod(std::size_t number, std::size_t address) {
  const std::string text = std::to_string(number);
  PodRecord record;
  record.uid = "4f1d2c3b-0000-4000-8000-" + std::string(12 - text.size(), '0') + text;
  record.name = "telephony-gateway-7d4b9c6f5-" + text;
  record.namespace_name = "media-production";
  record.node = "node-with-a-long-name-1";
  record.workload = "telephony-gateway";
  record.addresses = {IpAddress::from_ipv4(0x0a000000 + static_cast<std::uint32_t>(address))};
  return record;
}

struct Percentiles {
  double p50, p99, max;
};

// One time stamp costs some 25 ns here; what is timed is one look-up of both ends and the taking of the snapshot.
void time_lookups(SnapshotSlot<IdentitySnapshot>& slot, std::size_t count, std::vector<double>& times) {
  static std::mt19937 random(1);
  for (std::size_t i = 0; i < count; ++i) {
    PlacedObservation placed;
    Observation& seen = placed.observation;
    seen.point = {0, 1, AL_INGRESS};
    seen.flow = {{IpAddress::from_ipv4(0x0a000000 + random() % kPods), 4000},
                 {IpAddress::from_ipv4(0x0a000000 + random() % (2 * kPods)), 5004},
                 17};
    const EventTime before = monotonic_now();
    seen.time = before;
    place_by_snapshot(*slot.current(), placed);
    times.push_back(static_cast<double>(monotonic_now() - before));
  }
}

Percentiles percentiles_of(std::vector<double>& times) {
  std::sort(times.begin(), times.end());
  return {times[times.size() / 2], times[times.size() * 99 / 100], times.back()};
}

void print(const char* name, double value, const char* unit, double goal) {
  std::printf("{\"name\": \"%s\", \"value\": %.1f, \"unit\": \"%s\", \"goal\": \"<= %.0f\", \"holds\": %s}\n", name,
              value, unit, goal, value <= goal ? "true" : "false");
}

void publish(PodDirectory& directory, SnapshotSlot<IdentitySnapshot>& slot) {
  auto snapshot = std::make_unique<IdentitySnapshot>();
  snapshot->pods = directory.pods(monotonic_now());
  snapshot->interfaces = directory.interfaces();
  slot.publish(std::move(snapshot));
}

// As audio does: 1,000 observations, and 20 ms later the next ones.
Percentiles time_lookups_for(SnapshotSlot<IdentitySnapshot>& slot, std::chrono::seconds duration) {
  std::vector<double> times;
  const auto end = std::chrono::steady_clock::now() + duration;
  while (std::chrono::steady_clock::now() < end) {
    time_lookups(slot, 1000, times);
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return percentiles_of(times);
}

void run(std::chrono::seconds duration) {
  const std::size_t before = mallinfo2().uordblks;
  EndpointRegistry registry;
  PodDirectory directory(registry);
  SnapshotSlot<IdentitySnapshot> slot;
  for (std::size_t i = 0; i < kPods; ++i) directory.upsert(pod(i, i), monotonic_now());
  publish(directory, slot);
  slot.current();
  publish(directory, slot);  // the new one beside the old one: the most there is at a time
  print("identity.memory_a_pod", static_cast<double>(mallinfo2().uordblks - before) / kPods, "bytes", 1024);

  std::vector<double> alone;
  time_lookups(slot, 1'000'000, alone);
  print("identity.lookup_p99", percentiles_of(alone).p99, "ns", 1000);

  std::atomic<bool> stop{false};
  std::atomic<std::uint64_t> swaps{0}, started{0};
  std::thread churn([&] {
    auto due = std::chrono::steady_clock::now();
    for (std::size_t next = kPods; !stop; ++next, ++started) {
      directory.remove(pod(next - kPods, 0).uid, monotonic_now());
      directory.upsert(pod(next, next % kPods), monotonic_now());
      if (next % 4 == 0) {
        publish(directory, slot);
        ++swaps;
      }
      std::this_thread::sleep_until(due += std::chrono::milliseconds(5));
    }
  });
  const Percentiles busy = time_lookups_for(slot, duration);
  stop = true;
  churn.join();
  print("identity.lookup_p99_under_churn", busy.p99, "ns", 1000);
  const double rate = static_cast<double>(started) / static_cast<double>(duration.count());
  std::printf(
      "{\"name\": \"identity.pods_started\", \"value\": %.0f, \"unit\": \"pods/s\", \"goal\": \">= 190\", \"holds\": "
      "%s}\n",
      rate, rate >= 190 ? "true" : "false");
  std::fprintf(stderr, "under churn: p50 %.0f ns, p99 %.0f ns, max %.0f ns, %llu snapshots taken over\n", busy.p50,
               busy.p99, busy.max, static_cast<unsigned long long>(swaps.load()));
}

}  // namespace
}  // namespace audio_latency

int main(int count, char** words) {
  audio_latency::run(std::chrono::seconds(count > 1 ? std::atoi(words[1]) : 60));
}
