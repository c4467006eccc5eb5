// SPDX-License-Identifier: Apache-2.0
// test-truth: when each position of the sound really passed, from the kernel's time stamps of the packets.
//   test-truth capture INTERFACE FILE [FILTER]   records incoming packets until SIGTERM
//   test-truth locate FILE PLAN                  a JSON line per row of the plan, and one per signature of its sound
// PLAN: [{"row", "framing", "codec", "in_port", "out_port", "served"}, …]; served: the out flow comes from out_port.
#include <netinet/in.h>
#include <pcap/pcap.h>

#include <array>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "audio_latency/wire/g711.h"
#include "audio_latency/wire/scan.h"
#include "support/truth_flow.hpp"

namespace {

using namespace audio_latency;         // NOLINT(google-build-using-namespace)
using namespace audio_latency::truth;  // NOLINT(google-build-using-namespace)
using Flows = std::map<FlowKey, std::vector<Packet>>;

constexpr std::uint32_t kWindow = 64;
constexpr std::uint32_t kSelectivity = 8;
constexpr std::size_t kRate = 8000;          // Hz
constexpr std::size_t kLevelSamples = 1600;  // 200 ms
constexpr double kSpeechLevel = 292.0;       // root mean square, 16-bit linear units: -41 dBFS

struct ClosePcap {
  void operator()(pcap_t* capture) const { pcap_close(capture); }
};
struct CloseDump {
  void operator()(pcap_dumper_t* file) const { pcap_dump_close(file); }
};

pcap_t* running_capture = nullptr;

std::unique_ptr<pcap_t, ClosePcap> open_capture(const char* interface, const char* filter) {
  std::array<char, PCAP_ERRBUF_SIZE> problem{};
  std::unique_ptr<pcap_t, ClosePcap> capture(pcap_create(interface, problem.data()));
  if (!capture) {
    return nullptr;
  }
  pcap_set_snaplen(capture.get(), 262'144);
  pcap_set_buffer_size(capture.get(), 64 << 20);
  pcap_set_timeout(capture.get(), 100);
  pcap_set_tstamp_precision(capture.get(), PCAP_TSTAMP_PRECISION_NANO);
  bpf_program program{};
  // On lo every packet passes twice; the incoming one is what the program at ingress sees.
  const bool ready = pcap_activate(capture.get()) == 0 && pcap_setdirection(capture.get(), PCAP_D_IN) == 0 &&
                     pcap_compile(capture.get(), &program, filter, 1, PCAP_NETMASK_UNKNOWN) == 0 &&
                     pcap_setfilter(capture.get(), &program) == 0;
  if (!ready) {
    std::fprintf(stderr, "test-truth: %s\n", pcap_geterr(capture.get()));
    return nullptr;
  }
  pcap_freecode(&program);
  return capture;
}

int capture(const char* interface, const char* path, const char* filter) {
  const auto capture = open_capture(interface, filter);
  const std::unique_ptr<pcap_dumper_t, CloseDump> file(capture ? pcap_dump_open(capture.get(), path) : nullptr);
  if (!file) {
    std::fprintf(stderr, "test-truth: can't capture on %s into %s\n", interface, path);
    return 1;
  }
  running_capture = capture.get();
  const auto stop = [](int) { pcap_breakloop(running_capture); };
  (void)std::signal(SIGTERM, stop);
  (void)std::signal(SIGINT, stop);
  std::puts("capturing");
  (void)std::fflush(stdout);
  pcap_loop(capture.get(), -1, pcap_dump, reinterpret_cast<u_char*>(file.get()));
  pcap_stat counts{};
  pcap_stats(capture.get(), &counts);
  std::printf("dropped %u\n", counts.ps_drop);
  return counts.ps_drop == 0 ? 0 : 1;
}

struct Signed {
  std::size_t position;  // of the window's last byte
  std::uint64_t signature;
};

// Verbatim signatures of one uncut run.
std::vector<Signed> signatures_of(const std::vector<std::uint8_t>& bytes) {
  std::array<__u64, 256> gear{};
  al_gear_fill(gear.data());
  std::vector<std::uint8_t> symbols(bytes.size());
  std::vector<Signed> found;
  __u64 hash = 0;
  for (std::size_t i = AL_LAG; i < bytes.size(); ++i) {
    symbols[i] = bytes[i] ^ bytes[i - AL_LAG];
    hash = al_roll(hash, gear.at(symbols[i]), al_roll_shift(kWindow));
    if (i < AL_LAG + kWindow - 1 || hash >= al_threshold(kSelectivity)) {
      continue;
    }
    const std::uint8_t* window = symbols.data() + (i + 1 - kWindow);
    if (al_refuse_verbatim(window, kWindow) == AL_REFUSALS) {
      found.push_back({i, al_signature(AL_XXHASH, window, kWindow, hash, AL_DOMAIN_VERBATIM)});
    }
  }
  return found;
}

std::vector<double> linear(const std::vector<std::uint8_t>& bytes, bool pcm16) {
  std::vector<double> samples;
  for (std::size_t i = 0; i + (pcm16 ? 2 : 1) <= bytes.size(); i += pcm16 ? 2 : 1) {
    samples.push_back(pcm16 ? static_cast<std::int16_t>(bytes[i] | bytes[i + 1] << 8) : al_mu_law_decode(bytes[i]));
  }
  return samples;
}

// Whole seconds of which 200 ms at least reach the level of speech.
std::vector<std::size_t> speech_seconds(const std::vector<double>& samples) {
  std::vector<std::size_t> seconds;
  for (std::size_t at = 0; at + kLevelSamples <= samples.size(); at += kLevelSamples) {
    double energy = 0;
    for (std::size_t i = at; i < at + kLevelSamples; ++i) {
      energy += samples[i] * samples[i];
    }
    const bool loud = std::sqrt(energy / kLevelSamples) >= kSpeechLevel;
    const std::size_t second = at / kRate;
    if (loud && (second + 1) * kRate <= samples.size() && (seconds.empty() || seconds.back() != second)) {
      seconds.push_back(second);
    }
  }
  return seconds;
}

const std::pair<const FlowKey, std::vector<Packet>>* find_flow(const Flows& flows, std::uint16_t port, bool from) {
  for (const auto& flow : flows) {
    const std::uint16_t at = from ? flow.first.source.port : flow.first.destination.port;
    if (at == port) {
      return &flow;
    }
  }
  return nullptr;
}

Status locate_row(const Flows& flows, const nlohmann::json& row) {
  const auto* in_flow = find_flow(flows, row.at("in_port"), false);
  const auto* out_flow = find_flow(flows, row.at("out_port"), row.at("served"));
  if (in_flow == nullptr || out_flow == nullptr) {
    return Error{"the capture lacks a flow"};
  }
  auto in = audio_of(in_flow->second, row.at("framing"));
  auto out = audio_of(out_flow->second, row.at("framing"));
  if (!in || !out) {
    return in ? out.error() : in.error();
  }
  const std::size_t common = std::min(in->bytes.size(), out->bytes.size());
  if (common == 0 ||
      !std::equal(in->bytes.begin(), in->bytes.begin() + static_cast<std::ptrdiff_t>(common), out->bytes.begin())) {
    return Error{"the sound that left is not the sound that came"};
  }
  const bool pcm16 = row.at("codec") == "pcm16";
  in->bytes.resize(common);
  std::cout << nlohmann::json{{"row", row.at("row")},
                              {"source", in_flow->first.source.to_string()},
                              {"dest", out_flow->first.destination.to_string()},
                              {"bytes", common},
                              {"speech_seconds", speech_seconds(linear(in->bytes, pcm16))}}
            << "\n";
  for (const Signed& each : signatures_of(in->bytes)) {
    std::array<char, 17> text{};
    (void)std::snprintf(text.data(), text.size(), "%016llx", static_cast<unsigned long long>(each.signature));
    std::cout << nlohmann::json{{"row", row.at("row")},
                                {"signature", text.data()},
                                {"second", each.position / (pcm16 ? 2 : 1) / kRate},
                                {"in_ns", in->time_of(each.position)},
                                {"out_ns", out->time_of(each.position)}}
              << "\n";
  }
  return success();
}

int locate(const char* file, const char* plan_path) {
  const auto flows = read_flows(file);
  if (!flows) {
    std::fprintf(stderr, "test-truth: %s\n", flows.error().message.c_str());
    return 1;
  }
  int status = 0;
  std::ifstream plan(plan_path);
  for (const auto& row : nlohmann::json::parse(plan)) {
    if (const Status done = locate_row(*flows, row); !done) {
      std::fprintf(stderr, "test-truth: %s: %s\n", row.at("row").dump().c_str(), done.error().message.c_str());
      status = 1;
    }
  }
  return status;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string mode = argc > 3 ? argv[1] : "";
  if (mode == "capture") {
    return capture(argv[2], argv[3], argc > 4 ? argv[4] : "");
  }
  if (mode == "locate") {
    return locate(argv[2], argv[3]);
  }
  std::fprintf(stderr, "usage: test-truth capture INTERFACE FILE [FILTER] | test-truth locate FILE PLAN\n");
  return 2;
}
