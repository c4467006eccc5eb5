// SPDX-License-Identifier: Apache-2.0
#include "support/format_matrix.hpp"

#include <algorithm>
#include <cmath>
#include <set>

#include "audio_latency/wire/g711.h"
#include "capture_scanner.hpp"
#include "format_table.hpp"
#include "identity_static.hpp"
#include "pipeline.hpp"
#include "support/format_flows.hpp"
#include "support/pcap_writer.hpp"
#include "support/replay_memory.hpp"

namespace audio_latency::test {
namespace {

constexpr unsigned kSeed = 40;  // even: packets of 20 ms
constexpr std::uint16_t kSourcePort = 4000;
constexpr std::uint16_t kRelayPort = 6000;

// What is left of the sound behind a hop of that codec.
scenario::Samples behind(const scenario::Samples& sound, al_codec codec) {
  scenario::Samples heard = sound;
  for (auto& sample : heard) {
    if (codec == AL_CODEC_PCMU) sample = al_mu_law_decode(al_mu_law_encode(sample));
    if (codec == AL_CODEC_PCMA) sample = al_a_law_decode(al_a_law_encode(sample));
  }
  return heard;
}

struct Sent {
  EventTime time;
  Bytes bytes;
};

void send(std::vector<Sent>& all, const LabelledFlow& flow, unsigned host, std::uint16_t port, EventTime later) {
  std::uint32_t sequence = flow.first_sequence;
  for (const auto& each : flow.packets) {
    Packet packet;
    Ipv4Fields address;
    address.source = "10.0.0." + std::to_string(host);
    address.destination = "10.0.0." + std::to_string(host + 1);
    packet.ethernet().ipv4(address);
    if (flow.protocol == 6)
      packet.tcp(port, static_cast<std::uint16_t>(port + 1), sequence);
    else
      packet.udp(port, static_cast<std::uint16_t>(port + 1));
    sequence += static_cast<std::uint32_t>(each.bytes.size());
    all.push_back({each.time + later, packet.payload(each.bytes).build()});
  }
}

struct Matches : MatchSink {
  std::vector<Match> all;
  void on_match(const Match& match) override { all.push_back(match); }
};

std::vector<LabelledFlow> formats_of(const scenario::Samples& sound) {
  std::vector<LabelledFlow> flows = audio_flows(sound, kSeed);
  std::erase_if(flows, [](const LabelledFlow& flow) { return flow.name.find("dynamic") != std::string::npos; });
  return flows;
}

}  // namespace

std::size_t relay_formats() {
  return formats_of(scenario::Samples(8000)).size();
}

RelayedCall relayed_call(std::size_t source, std::size_t relay, const scenario::Samples& sound, unsigned delay_ms) {
  const EventTime delay = delay_ms * 1'000'000ULL;
  const LabelledFlow first = formats_of(sound).at(source);
  const LabelledFlow second = formats_of(behind(sound, first.codec)).at(relay);
  std::vector<Sent> packets;
  send(packets, first, 1, kSourcePort, 0);
  send(packets, second, 2, kRelayPort, delay);
  std::stable_sort(packets.begin(), packets.end(), [](const Sent& a, const Sent& b) { return a.time < b.time; });
  PcapWriter file;
  for (const Sent& each : packets)
    file.add(each.time, {reinterpret_cast<const char*>(each.bytes.data()), each.bytes.size()});

  const Options options;
  StaticResolver resolver;
  Pipeline pipeline(options, resolver);
  Matches matches;
  pipeline.add(matches);
  const auto capture = replay_of({file.bytes()}, false, options);
  Formats formats(options, wire_settings(options), pipeline, capture->treatments());
  if (!capture->set_payload_sink(&formats)) std::abort();
  for (bool more = true; more;) {
    const auto drained = capture->drain(pipeline);
    more = drained && *drained;
    formats.advance(capture->now());
    pipeline.advance(capture->now());
  }
  pipeline.finish();

  RelayedCall call{first.name, second.name, 0, 0, 0, 0, 0, ""};
  for (const CoverageView& each : pipeline.matcher().coverage()) {
    if (each.origin.source.port != kSourcePort) continue;
    call.speech_seconds += each.speech_seconds;
    call.measured_seconds += each.measured_seconds;
  }
  std::vector<double> errors;
  std::set<std::string> domains;
  for (const Match& match : matches.all) {
    if (match.kind != MatchKind::latency) continue;
    if (match.source.port != kSourcePort || match.dest.port != kRelayPort + 1) ++call.invented;
    errors.push_back(std::abs(static_cast<double>(match.latency_ns) - static_cast<double>(delay)) * 1e-6);
    domains.insert(std::string(to_string(match.domain)));
  }
  std::sort(errors.begin(), errors.end());
  call.latencies = errors.size();
  if (!errors.empty()) call.worst_error_ms = errors[errors.size() * 99 / 100];
  for (const std::string& domain : domains) call.domains += (call.domains.empty() ? "" : "+") + domain;
  return call;
}

}  // namespace audio_latency::test
