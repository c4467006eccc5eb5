// SPDX-License-Identifier: Apache-2.0
// What the kernel program costs, by BPF_PROG_TEST_RUN, against a classifier that does nothing, against the usual prefix
// hash and against the same scan in native C++. Interleaved rounds; for each payload the least of its rounds (other
// work on the machine only ever adds), then the mean over payloads. Needs root.
#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <map>
#include <memory>
#include <string>

#include "audio_latency/wire/scratch.h"
#include "capture_counters_ledger.hpp"
#include "support/bpf_program.hpp"
#include "support/oracle.hpp"
// Behind the types that it names.
#include "carry.skel.h"
#include "yardstick.skel.h"

namespace audio_latency::test {
namespace {

constexpr std::array kSizes = {80, 160, 320, 640, 1448, 3400};
constexpr int kPayloads = 12;
constexpr int kRounds = 15;
constexpr std::uint32_t kRepeat = 300;
constexpr std::uint32_t kWakeupBytes = 1U << 19;  // an eighth of the ring buffer, as wire_settings() has it
constexpr int kNativeRuns = 10;  // so short that nobody else runs in between, and the best of kNativeTries
constexpr int kNativeTries = 20;

// ns by name, payload size and payload: the least seen.
using Times = std::map<std::string, std::map<int, std::map<int, double>>>;

void keep_least(Times& times, const std::string& name, int size, int payload, double ns) {
  const auto [at, fresh] = times[name][size].emplace(payload, ns);
  if (!fresh) at->second = std::min(at->second, ns);
}

double mean(const std::map<int, double>& values) {
  double sum = 0;
  for (const auto& [payload, ns] : values) sum += ns;
  return sum / static_cast<double>(values.size());
}

// The definition, a byte at a time; the window's symbols are made only where one is selected.
std::uint64_t native_scan(const Bytes& payload, const __u64* gear) {
  std::uint64_t signatures = 0;
  __u64 hash = 0;
  for (std::size_t at = AL_LAG; at < payload.size(); ++at) {
    hash = al_roll(hash, gear[payload[at] ^ payload[at - AL_LAG]], 1);
    if (hash >= al_threshold(8) || at < AL_LAG + 63) continue;
    std::array<std::uint8_t, 64> window{};
    for (std::size_t symbol = 0; symbol < window.size(); ++symbol)
      window[symbol] = payload[at - 63 + symbol] ^ payload[at - 63 - AL_LAG + symbol];
    if (al_refuse_verbatim(window.data(), 64) == AL_REFUSALS)
      signatures += al_signature(AL_XXHASH, window.data(), 64, hash, AL_DOMAIN_VERBATIM);
  }
  return signatures;
}

double now_ns() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

double native_ns(const Bytes& payload, const __u64* gear) {
  volatile std::uint64_t sink = 0;
  double least = 1e12;
  for (int attempt = 0; attempt < kNativeTries; ++attempt) {
    const double begin = now_ns();
    for (int run = 0; run < kNativeRuns; ++run) sink = sink + native_scan(payload, gear);
    least = std::min(least, (now_ns() - begin) / kNativeRuns);
  }
  return least;
}

// The carry program is a copy of the product's; it is set up as CaptureProgram does.
al_settings bench_settings() {
  al_settings settings = oracle_settings();
  settings.wakeup_bytes = kWakeupBytes;
  return settings;
}

carry_bpf* load_carry() {
  carry_bpf* carry = carry_bpf__open();
  if (carry == nullptr) return nullptr;
  const al_settings settings = bench_settings();
  std::memcpy(const_cast<al_settings*>(reinterpret_cast<const volatile al_settings*>(&carry->rodata->settings)),
              &settings, sizeof settings);
  return carry_bpf__load(carry) == 0 ? carry : nullptr;
}

void prepare_carry(carry_bpf& carry) {
  const std::uint32_t zero = 0;
  const auto cpus = static_cast<std::size_t>(libbpf_num_possible_cpus());
  std::vector<al_scratch> scratch(cpus);
  for (al_scratch& one : scratch) al_tables_fill(&one, 64);
  auto ports = std::make_unique<al_port_table>();
  std::fill(std::begin(ports->format), std::end(ports->format), static_cast<std::uint8_t>(AL_FORMAT_RTP));
  ports->codec[0] = AL_CODEC_PCMU;
  bpf_map_update_elem(bpf_map__fd(carry.maps.scratch), &zero, scratch.data(), BPF_ANY);
  if (!KernelInterfaceEntries{FdView(bpf_map__fd(carry.maps.interfaces))}.add({1, AL_INGRESS}, AL_INTERFACE_LOOPBACK))
    throw std::runtime_error("no room for an interface");
  bpf_map_update_elem(bpf_map__fd(carry.maps.ports), &zero, ports.get(), BPF_ANY);
}

int discard(void*, void*, std::size_t) {
  return 0;
}

class Bench {
 public:
  Bench() : program_(bench_settings(), {.ports = {{1000, AL_FORMAT_RAW}}}) {
    yardstick_ = yardstick_bpf__open_and_load();
    carry_ = load_carry();
    if (yardstick_ == nullptr || carry_ == nullptr) throw std::runtime_error("the yardsticks did not load");
    prepare_carry(*carry_);
    prefix_ring_ = ring_buffer__new(bpf_map__fd(yardstick_->maps.prefix_events), discard, nullptr, nullptr);
    carry_ring_ = ring_buffer__new(bpf_map__fd(carry_->maps.events), discard, nullptr, nullptr);
    al_gear_fill(gear_.data());
  }

  Times measure() {
    Times times;
    for (int round = 0; round < kRounds; ++round)
      for (int payload = 0; payload < kPayloads; ++payload)
        for (const int size : kSizes) measure_one(times, size, payload);
    return times;
  }

  std::uint32_t verified() const {
    bpf_prog_info info{};
    __u32 length = sizeof info;
    bpf_obj_get_info_by_fd(program_.program().program_fd(true, AL_INGRESS), &info, &length);
    return info.verified_insns;
  }

 private:
  void measure_one(Times& times, int size, int payload) {
    const Bytes audio = random_bytes(static_cast<std::size_t>(size), 100 + static_cast<std::uint64_t>(payload));
    const Bytes packet = Packet().ethernet().ipv4().udp(1000, 2000).payload(audio).build();
    const Bytes unwatched = Packet().ethernet().ipv4().udp(7, 8).payload(audio).build();
    const Bytes rtp = Packet().ethernet().ipv4().udp(1000, 5004).rtp({.payload_type = 96}).payload(audio).build();
    const Bytes pcmu = Packet().ethernet().ipv4().udp(1001, 5004).rtp().payload(audio).build();
    const int product = program_.program().program_fd(true, AL_INGRESS);
    const auto run = [&](const char* name, int fd, const Bytes& bytes) {
      keep_least(times, name, size, payload, run_program(fd, bytes, kRepeat).duration_ns);
    };
    program_.events();
    ring_buffer__consume(prefix_ring_);
    ring_buffer__consume(carry_ring_);
    run("no-op", bpf_program__fd(yardstick_->progs.yardstick_noop), packet);
    run("prefix hash", bpf_program__fd(yardstick_->progs.yardstick_prefix_hash), packet);
    run("unwatched port", product, unwatched);
    run("program", product, packet);
    run("RTP numbering alone", bpf_program__fd(carry_->progs.bench_numbering), rtp);
    run("RTP with carry", bpf_program__fd(carry_->progs.bench_numbered), rtp);
    run("RTP PCMU, two domains", bpf_program__fd(carry_->progs.bench_numbered), pcmu);
    run("1,000 flows' numbering", bpf_program__fd(carry_->progs.bench_flows), pcmu);
    run("PCMU, 1,000 flows", bpf_program__fd(carry_->progs.bench_numbered_flows), pcmu);
    keep_least(times, "native C++", size, payload, native_ns(audio, gear_.data()));
  }

  TestProgram program_;
  yardstick_bpf* yardstick_ = nullptr;
  carry_bpf* carry_ = nullptr;
  ::ring_buffer* prefix_ring_ = nullptr;
  ::ring_buffer* carry_ring_ = nullptr;
  std::array<__u64, 256> gear_{};
};

struct Goal {
  std::string name;
  double value;
  std::string unit;
  double goal;
  bool at_least;
  bool holds() const { return at_least ? value >= goal : value <= goal; }
};

std::vector<Goal> goals(Times& times) {
  const auto at = [&](const char* name, int size) { return mean(times[name][size]); };
  const double kernel_byte = (at("program", 3400) - at("program", 320)) / 3080;
  const double native_byte = (at("native C++", 3400) - at("native C++", 320)) / 3080;
  const double carried = at("RTP with carry", 160) - (at("RTP numbering alone", 160) - at("no-op", 160));
  return {
      {"kernel: marginal cost of a byte against native C++", kernel_byte / native_byte, "ratio", 1.5, false},
      {"kernel: prefix hash against 320 bytes", at("prefix hash", 320) / at("program", 320), "ratio", 8, true},
      {"kernel: prefix hash at 320 against 160 bytes", at("prefix hash", 320) / at("program", 160), "ratio", 13, true},
      {"kernel: unwatched port above no-op", at("unwatched port", 320) - at("no-op", 320), "ns", 60, false},
      {"kernel: with carry against without, 160 bytes", carried / at("program", 160), "ratio", 1.6, false},
  };
}

void print(Times& times, const std::vector<Goal>& all, std::uint32_t verified) {
  std::printf("%-24s", "ns a packet, bytes:");
  for (const int size : kSizes) std::printf("%9d", size);
  std::puts("");
  for (auto& [name, sizes] : times) {
    std::printf("%-24s", name.c_str());
    for (const int size : kSizes) std::printf("%9.0f", mean(sizes[size]));
    std::puts("");
  }
  for (const Goal& goal : all)
    std::printf("%-52s %8.2f %-6s goal %s %g: %s\n", goal.name.c_str(), goal.value, goal.unit.c_str(),
                goal.at_least ? ">=" : "<=", goal.goal, goal.holds() ? "holds" : "MISSED");
  std::printf("instructions that the verifier followed: %u\n", verified);
}

// For bench.py: an object a line.
void print_json(Times& times, const std::vector<Goal>& all) {
  for (auto& [name, sizes] : times)
    for (const int size : kSizes)
      std::printf("{\"name\": \"kernel: %s, %d bytes\", \"value\": %.1f, \"unit\": \"ns\"}\n", name.c_str(), size,
                  mean(sizes[size]));
  for (const Goal& goal : all)
    std::printf("{\"name\": \"%s\", \"value\": %.3f, \"unit\": \"%s\", \"goal\": \"%s %g\", \"holds\": %s}\n",
                goal.name.c_str(), goal.value, goal.unit.c_str(), goal.at_least ? ">=" : "<=", goal.goal,
                goal.holds() ? "true" : "false");
}

}  // namespace
}  // namespace audio_latency::test

int main() {
  using namespace audio_latency::test;
  Bench bench;
  Times times = bench.measure();
  const auto all = goals(times);
  print(times, all, bench.verified());
  print_json(times, all);
}
