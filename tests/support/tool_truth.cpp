// SPDX-License-Identifier: Apache-2.0
// test-truth: when each position of the sound really passed, from the kernel's time stamps of the packets.
//   test-truth capture INTERFACE FILE [FILTER [out]]   records incoming packets, or outgoing ones, until SIGTERM
//   test-truth locate FILE PLAN                        a JSON line per row of the plan, and one per signature of its
//   sound
// PLAN: [{"row", "framing", "codec", "in_port", "out_port", "served"}, …]; served: the out flow comes from out_port.
// "out_framing", "out_codec": where a relay changes them; "in_served": the in flow comes from in_port. Names as
// audio-source spells them.
#include <netinet/in.h>
#include <pcap/pcap.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>

#include "support/truth_sound.hpp"

namespace {

using namespace audio_latency;         // NOLINT(google-build-using-namespace)
using namespace audio_latency::truth;  // NOLINT(google-build-using-namespace)
using Flows = std::map<FlowKey, std::vector<Packet>>;

struct ClosePcap {
  void operator()(pcap_t* capture) const { pcap_close(capture); }
};
struct CloseDump {
  void operator()(pcap_dumper_t* file) const { pcap_dump_close(file); }
};

pcap_t* running_capture = nullptr;

std::unique_ptr<pcap_t, ClosePcap> open_capture(const char* interface, const char* filter, pcap_direction_t direction) {
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
  const bool ready = pcap_activate(capture.get()) == 0 && pcap_setdirection(capture.get(), direction) == 0 &&
                     pcap_compile(capture.get(), &program, filter, 1, PCAP_NETMASK_UNKNOWN) == 0 &&
                     pcap_setfilter(capture.get(), &program) == 0;
  if (!ready) {
    std::fprintf(stderr, "test-truth: %s\n", pcap_geterr(capture.get()));
    return nullptr;
  }
  pcap_freecode(&program);
  return capture;
}

int capture(const char* interface, const char* path, const char* filter, pcap_direction_t direction) {
  const auto capture = open_capture(interface, filter, direction);
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

// The longest one: who called before anybody listened has left a flow of one refusal.
const std::pair<const FlowKey, std::vector<Packet>>* find_flow(const Flows& flows, const std::string& framing,
                                                               std::uint16_t port, bool from) {
  const std::uint8_t protocol = framing == "rtp" || framing == "udp" ? IPPROTO_UDP : IPPROTO_TCP;
  const std::pair<const FlowKey, std::vector<Packet>>* found = nullptr;
  for (const auto& flow : flows) {
    const std::uint16_t at = from ? flow.first.source.port : flow.first.destination.port;
    if (at == port && flow.first.protocol == protocol &&
        (found == nullptr || flow.second.size() > found->second.size())) {
      found = &flow;
    }
  }
  return found;
}

void print_window(const std::string& row, std::uint64_t signature, std::size_t sample, std::int64_t in_ns,
                  std::int64_t out_ns) {
  std::array<char, 17> text{};
  (void)std::snprintf(text.data(), text.size(), "%016llx", static_cast<unsigned long long>(signature));
  std::cout << nlohmann::json{{"row", row},
                              {"signature", text.data()},
                              {"second", sample / kRate},
                              {"in_ns", in_ns},
                              {"out_ns", out_ns}}
            << "\n";
}

// Windows that both flows have, at the same place in the sound.
void print_windows(const std::string& row, const Sound& in, const Sound& out, std::uint32_t domain) {
  const std::vector<Signed> later = signatures_of(out, domain);
  auto partner = later.begin();
  for (const Signed& each : signatures_of(in, domain)) {
    const std::size_t sample = each.position / in.width();
    while (partner != later.end() && partner->position / out.width() < sample) ++partner;
    if (partner == later.end()) return;
    if (partner->position / out.width() != sample || partner->signature != each.signature) continue;
    print_window(row, each.signature, sample, in.audio.time_of(each.position), out.audio.time_of(partner->position));
  }
}

// Samples that the packets up to this one carried.
std::size_t samples_by(const Sound& sound, std::uint32_t packet) {
  const auto& packets = sound.audio.packet_of_byte;
  return static_cast<std::size_t>(std::ranges::upper_bound(packets, packet) - packets.begin()) / sound.width();
}

struct Stream {
  const Sound& sound;
  Sound framed;  // the whole stream as if it were sound
};

// Windows that end or begin within a frame's header, where both streams have the same symbols there too. The kernel
// scans streams with their headers, and the symbols of a masked one are those of an unmasked one wherever its mask has
// a zero byte (signature-spec): 1 of 256 frames.
void print_framed_windows(const std::string& row, const Stream& in, const Stream& out) {
  std::set<std::uint64_t> of_the_sound;
  for (const Signed& each : signatures_of(in.sound, AL_DOMAIN_VERBATIM)) of_the_sound.insert(each.signature);
  std::multimap<std::uint64_t, std::size_t> later;
  for (const Signed& each : signatures_of(out.framed, AL_DOMAIN_VERBATIM)) later.emplace(each.signature, each.position);
  for (const Signed& each : signatures_of(in.framed, AL_DOMAIN_VERBATIM)) {
    if (of_the_sound.contains(each.signature)) continue;
    const std::size_t sample = samples_by(in.sound, in.framed.audio.packet_of_byte[each.position]);
    const auto [first, last] = later.equal_range(each.signature);
    for (auto partner = first; partner != last; ++partner) {
      const std::size_t other = samples_by(out.sound, out.framed.audio.packet_of_byte[partner->second]);
      if (std::max(sample, other) - std::min(sample, other) > kRate / 10) continue;
      print_window(row, each.signature, sample, in.framed.audio.time_of(each.position),
                   out.framed.audio.time_of(partner->second));
    }
  }
}

Status locate_row(const Flows& flows, const nlohmann::json& row) {
  const std::string framing = row.at("framing");
  const std::string codec = row.at("codec");
  const std::string out_framing = row.value("out_framing", framing);
  const auto* in_flow = find_flow(flows, framing, row.at("in_port"), row.value("in_served", false));
  const auto* out_flow = find_flow(flows, out_framing, row.at("out_port"), row.at("served"));
  if (in_flow == nullptr || out_flow == nullptr) {
    return Error{"the capture lacks a flow"};
  }
  auto in = sound_of(in_flow->second, framing, codec);
  auto out = sound_of(out_flow->second, out_framing, row.value("out_codec", codec));
  if (!in || !out) {
    return in ? out.error() : in.error();
  }
  const std::size_t common = std::min(in->samples(), out->samples());
  if (!carries(*out, *in, common)) {
    return Error{"the sound that left is not the sound that came"};
  }
  in->audio.bytes.resize(common * in->width());
  std::cout << nlohmann::json{{"row", row.at("row")},
                              {"source", in_flow->first.source.to_string()},
                              {"dest", out_flow->first.destination.to_string()},
                              {"samples", common},
                              {"speech_seconds", speech_seconds(*in)}}
            << "\n";
  for (const std::uint32_t domain : {AL_DOMAIN_VERBATIM, AL_DOMAIN_MU_LAW, AL_DOMAIN_A_LAW}) {
    print_windows(row.at("row"), *in, *out, domain);
  }
  if (framing != "websocket" || out_framing != framing) return success();
  auto framed_in = sound_of(in_flow->second, "tcp", codec);
  auto framed_out = sound_of(out_flow->second, "tcp", row.value("out_codec", codec));
  if (!framed_in || !framed_out) return framed_in ? framed_out.error() : framed_in.error();
  print_framed_windows(row.at("row"), {*in, std::move(*framed_in)}, {*out, std::move(*framed_out)});
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
    const bool out = argc > 5 && std::string_view(argv[5]) == "out";
    return capture(argv[2], argv[3], argc > 4 ? argv[4] : "", out ? PCAP_D_OUT : PCAP_D_IN);
  }
  if (mode == "locate") {
    return locate(argv[2], argv[3]);
  }
  std::fprintf(stderr, "usage: test-truth capture INTERFACE FILE [FILTER [out]] | test-truth locate FILE PLAN\n");
  return 2;
}
